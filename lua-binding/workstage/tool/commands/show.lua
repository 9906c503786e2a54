-- workstage show: what a plan says, or what a run did; from the file alone.

local connect = require "workstage.tool.connect"
local duration = require "workstage.duration"
local exit_status = require "workstage.tool.exit_status"
local failure = require "workstage.tool.ui.failure"
local files = require "workstage.tool.files"
local journal_outcomes = require "workstage.migration.journal.outcomes"
local json = require "workstage.tool.ui.json"
local planning = require "workstage.tool.planning"
local progress = require "workstage.tool.commands.progress"
local replay = require "workstage.migration.journal.replay"
local screen = require "workstage.tool.ui.screen"
local when = require "workstage.tool.ui.when"

local command = {
  summary = "Show what a plan says or what a run did. No network.",
  examples = {
    "workstage show article.plan",
    "workstage show article.plan.journal",
  },
}

function command.define(parser)
  parser:argument("file", "A saved plan, or a journal.")
    :argname "PLAN|JOURNAL"
  parser:flag("--json", "Write the result as one line of JSON.")
end

local show = {}

-- The heading that names the space, as far as the file tells.
local function heading_of(plan, origin)
  if not origin then return nil end
  return connect.space_heading(plan.space_id, origin.space, origin.region)
end

local function by(origin)
  if not origin or not origin.user then return "" end
  return " by " .. screen.clean(origin.user)
end

function show.plan(parsed)
  local plan, code = files.plan(parsed.file)
  if not plan then return code end
  if parsed.json then
    screen.json(json.plan(plan))
    return exit_status.DONE
  end
  planning.show(plan, parsed, heading_of(plan, plan.origin))
  screen.say(("Planned %s%s."):format(when.minute(plan.created),
                                      by(plan.origin)))
  return exit_status.DONE
end

-- How many items had each outcome for each reason.
local function outcomes_of(items)
  local list, by_key = {}, {}
  for _, item in ipairs(items) do
    local reason = item.outcome ~= "moved" and item.reason or nil
    local key = item.outcome .. "\0" .. (reason or "")
    if not by_key[key] then
      by_key[key] = { outcome = item.outcome, reason = reason, count = 0 }
      list[#list + 1] = by_key[key]
    end
    by_key[key].count = by_key[key].count + 1
  end
  return list
end

-- Only what has a reason: the counts have been said.
local function say_reasons(outcomes)
  for _, each in ipairs(outcomes) do
    if each.reason then
      screen.say(("  %s %s: %s"):format(screen.count(each.count, "item"),
                                        each.outcome,
                                        screen.clean(each.reason)))
    end
  end
end

local function read_journal(path)
  local replayed, err = replay.read(path)
  if not replayed then return nil, err end
  local items
  items, err = journal_outcomes.items(path)
  if not items then return nil, err end
  return replayed, outcomes_of(items)
end

function show.journal(parsed)
  local about, code = files.journal(parsed.file)
  if not about then return code end
  local replayed, outcomes = read_journal(parsed.file)
  if not replayed then return failure.tell(outcomes) end
  local began = replayed.header.created
  if parsed.json then
    local record = progress.record(about)
    record.began, record.outcomes = when.iso(began), outcomes
    record.origin = replayed.header.origin
    record.planned = json.plan(replayed.plan)
    screen.json(record)
    return exit_status.DONE
  end
  local origin = replayed.header.origin
  planning.show(replayed.plan, parsed, heading_of(replayed.plan, origin))
  screen.say ""
  if began then
    screen.say(("Begun %s (%s ago)%s."):format(when.minute(began),
      duration.text(math.max(os.time() - began, 0)), by(origin)))
  end
  progress.say_state(about, parsed.file)
  say_reasons(outcomes)
  progress.say_next(about, parsed.file)
  return exit_status.DONE
end

function command.run(parsed)
  local kind = files.kind(parsed.file)
  if not kind then
    screen.complain("'%s' cannot be read", parsed.file)
    return exit_status.FAILED
  elseif not show[kind] then
    screen.complain("%s is a %s, neither a plan nor a journal", parsed.file,
                    kind)
    return exit_status.FAILED
  end
  return show[kind](parsed)
end

return command
