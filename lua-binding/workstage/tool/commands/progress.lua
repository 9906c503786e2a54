-- workstage progress: how far a run has come, as its journal tells.

local files = require "workstage.tool.files"
local json = require "workstage.tool.ui.json"
local screen = require "workstage.tool.ui.screen"
local status = require "workstage.tool.exit_status"

local command = {
  summary = "Say how far a run has come. No network.",
  examples = { "workstage progress article.plan.journal" },
}

function command.define(parser)
  parser:argument("journal", "The journal of the run."):argname "JOURNAL"
  parser:flag("--json", "Write the result as one line of JSON.")
end

local NAMES = { "plan", "service", "space_id", "workflow", "kind", "total",
                "moved", "skipped", "failed", "operations", "done",
                "complete", "rolled_back" }

local function title(about)
  local what = about.kind == "rollback" and "Rollback" or "Migration"
  if about.service == "kantata" then return what .. " of Kantata OX" end
  if not about.workflow then
    return ("%s in space %d"):format(what, about.space_id)
  end
  return ("%s of %q in space %d"):format(what, about.workflow,
                                         about.space_id)
end

local function state_of(about, path)
  if about.rolled_back then
    return ("rolled back; see %s.rollback"):format(path)
  elseif about.complete then return "complete" end
  return "not complete"
end

--- Tells what a journal says.
-- @tparam table about see `files.journal`
-- @tparam table parsed the arguments: `journal`, `json`
-- @tparam[opt] boolean is_asked whether the next command is under way
function command.tell(about, parsed, is_asked)
  if parsed.json then
    local record = {}
    for _, name in ipairs(NAMES) do record[name] = about[name] end
    return screen.json(record)
  end
  screen.say(("%s: %s."):format(title(about),
                                state_of(about, parsed.journal)))
  local settled = about.moved + about.skipped
  screen.say(("  %d of %d items settled: %d moved, %d skipped; %d failed")
    :format(settled, math.max(about.total, settled), about.moved,
            about.skipped, about.failed))
  screen.say(("  %d of %d operations done"):format(about.done,
                                                   about.operations))
  if not is_asked and not about.complete and not about.rolled_back then
    screen.say("To carry on: workstage resume " ..
               screen.word(parsed.journal))
  end
end

--- Tells of a run that was to be carried on and is over.
-- @tparam table about
-- @tparam table parsed the arguments: `journal`, `json`
-- @treturn integer the exit status
function command.tell_over(about, parsed)
  if parsed.json then
    screen.json(json.nothing(about.plan, parsed.journal))
  else
    command.tell(about, parsed)
  end
  return status.DONE
end

function command.run(parsed)
  local about, code = files.journal(parsed.journal)
  if not about then return code end
  command.tell(about, parsed)
  return status.DONE
end

return command
