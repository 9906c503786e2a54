-- workstage plan: what a blueprint changes, and what that takes.

local connect = require "workstage.tool.connect"
local failure = require "workstage.tool.ui.failure"
local files = require "workstage.tool.files"
local job = require "workstage.tool.job"
local planning = require "workstage.tool.planning"
local json = require "workstage.tool.ui.json"
local screen = require "workstage.tool.ui.screen"
local exit_status = require "workstage.tool.exit_status"

local command = {
  summary = "Show what a blueprint would change. Only reads.",
  examples = {
    "workstage plan article.lua",
    "workstage plan article.lua -o article.plan   # then apply article.plan",
    "workstage plan article.lua --map-role Lawyer=Legal",
  },
  ends = "Exit status: 0 no changes, 1 failed, 2 there are changes, 3 " ..
         "wrong usage.",
}

function command.define(parser)
  parser:argument("file", "The blueprint."):argname "FILE"
  parser:option("-o --output", "Save the plan, to apply exactly this one.")
    :argname "PLAN"
  planning.define(parser)
  parser:flag("--json", "Write the result as one line of JSON.")
  connect.define(parser)
end

local function save(plan, path)
  if not path then return true end
  local good, err = plan:save(path)
  if good then return true end
  return false, failure.tell(err)
end

function command.run(parsed)
  if not files.may_replace(parsed.output, "plan") then
    return exit_status.FAILED
  end
  local blueprint, code = files.blueprint(parsed.file, true)
  if not blueprint then return code end
  local self
  self, code = job.new(parsed, blueprint)
  if not self then return code end
  local plan
  plan, code = planning.make(self, blueprint, parsed.file)
  if not plan then return code end
  local saved
  saved, code = save(plan, parsed.output)
  if not saved then return code end
  if parsed.json then screen.json(json.plan(plan))
  else planning.show(plan, {}, (self:heading())) end
  if plan:is_empty() then return exit_status.DONE end
  if parsed.output then
    screen.note(("To apply it, run: workstage apply %s%s"):format(
      screen.word(parsed.output), connect.repeated(parsed)))
  end
  return exit_status.CHANGES
end

return command
