-- workstage check: judges a blueprint without a network.

local failure = require "workstage.tool.ui.failure"
local migration = require "workstage.migration"
local json = require "workstage.tool.ui.json"
local screen = require "workstage.tool.ui.screen"
local status = require "workstage.tool.exit_status"

local command = {
  summary = "Judge a blueprint without a network.",
  examples = { "workstage check article.lua" },
}

function command.define(parser)
  parser:argument("file", "The blueprint."):argname "FILE"
  parser:flag("--json", "Write the result as one line of JSON.")
end

local function tell(path, good, findings, blueprint)
  for _, finding in ipairs(findings) do
    screen.say(("%s: %s"):format(path, failure.finding(finding)))
  end
  if good then
    screen.say(("%s is good: %d stages, %d moves"):format(
      path, #(blueprint.stages or {}), #blueprint.moves))
  end
end

function command.run(parsed)
  local blueprint, err = migration.read(parsed.file)
  if not blueprint then
    if parsed.json then
      screen.json { valid = false, findings = json.findings(err.findings or {
        { level = "error", where = "", message = tostring(err) } }) }
    end
    return failure.tell(err)
  end
  local good, findings = migration.check(blueprint)
  if parsed.json then
    screen.json { valid = good == true,
                  findings = json.findings(findings) }
  else
    tell(parsed.file, good, findings, blueprint)
  end
  return good and status.DONE or status.FAILED
end

return command
