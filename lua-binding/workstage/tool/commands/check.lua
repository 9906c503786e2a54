-- workstage check: checks a blueprint without a network.

local exit_status = require "workstage.tool.exit_status"
local failure = require "workstage.tool.ui.failure"
local json = require "workstage.tool.ui.json"
local migration = require "workstage.migration"
local screen = require "workstage.tool.ui.screen"

local command = {
  summary = "Check a blueprint. No network.",
  examples = {
    "workstage check article.lua",
    "workstage check article.lua --json",
  },
}

function command.define(parser)
  parser:argument("file", "The blueprint."):argname "FILE"
  parser:flag("--json", "Write the result as one line of JSON.")
end

-- "4 stages, 1 move", "2 workflows": what a blueprint describes.
local function contents_of(blueprint)
  if blueprint.workflows then
    return screen.count(#blueprint.workflows, "workflow")
  end
  return ("%s, %s"):format(screen.count(#(blueprint.stages or {}), "stage"),
                           screen.count(#(blueprint.moves or {}), "move"))
end

local function tell(path, findings, blueprint)
  local paint = screen.painter(screen.OUT)
  for _, finding in ipairs(findings) do
    screen.say(failure.finding(path, finding, screen.OUT))
  end
  if blueprint then
    screen.say(("%s: %s, %s"):format(path, paint("green", "valid"),
                                     contents_of(blueprint)))
  end
end

-- The findings of a file; nil and the error where it cannot be read.
local function check(path)
  local blueprint, err = migration.read(path)
  if not blueprint then return err.findings, err end
  local _, findings = migration.check(blueprint)
  return findings, nil, blueprint
end

function command.run(parsed)
  local findings, err, blueprint = check(parsed.file)
  if not findings then
    if parsed.json then
      screen.json { valid = false, findings = { {
        level = "error", where = "", message = tostring(err) } } }
    end
    return failure.tell(err)
  end
  local is_valid = blueprint ~= nil and not findings:has_error()
  if parsed.json then
    screen.json { valid = is_valid, findings = json.findings(findings) }
  else
    tell(parsed.file, findings, is_valid and blueprint)
  end
  return is_valid and exit_status.DONE or exit_status.FAILED
end

return command
