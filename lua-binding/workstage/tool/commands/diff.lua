-- workstage diff: how two workflows differ.

local connect = require "workstage.tool.connect"
local exit_status = require "workstage.tool.exit_status"
local failure = require "workstage.tool.ui.failure"
local files = require "workstage.tool.files"
local job = require "workstage.tool.job"
local migration = require "workstage.migration"
local screen = require "workstage.tool.ui.screen"
local workflow_diff = require "workstage.tool.workflow_diff"

local command = {
  summary = "Show how two workflows differ. Only reads.",
  examples = {
    "workstage diff article.lua 288868932106293:Article",
    "workstage diff staging:Article production:Article",
  },
  ends = "Each side is a blueprint file, SPACE:WORKFLOW (a space's id) or " ..
         "PROFILE:WORKFLOW; without a workflow the default one is meant. " ..
         "What only one side says is not compared. Exit status: 0 equal, 1 " ..
         "failed, 2 they differ, 3 wrong usage.",
}

function command.define(parser)
  parser:argument("a", "The first workflow."):argname "A"
  parser:argument("b", "The second workflow."):argname "B"
  parser:flag("--json", "Write the result as one line of JSON.")
  connect.define(parser)
end

-- ------------------------------------------------------------------ reading

-- A space by its id, else a profile.
local function arguments_for(parsed, place)
  local copy = {}
  for name, value in pairs(parsed) do copy[name] = value end
  if place:find "^%d+$" then copy.space = place
  else copy.profile, copy.from_profile, copy.space = place, nil, nil end
  return copy
end

local function read_space(parsed, place, workflow)
  local arguments = arguments_for(parsed, place)
  local self, code = job.new(arguments)
  if not self then return nil, code end
  local blueprint, err = self:read(function(client)
    return migration.export(client, workflow ~= "" and workflow or nil)
  end)
  if not blueprint then return nil, failure.tell(err) end
  return blueprint
end

-- One side; a file that exists goes before anything else of that name.
local function read(parsed, text)
  if files.exists(text) then return files.blueprint(text, true) end
  local place, workflow = text:match "^([%w_.-]+):(.*)$"
  if place then return read_space(parsed, place, workflow) end
  screen.complain("'%s' is neither a file nor SPACE:WORKFLOW or " ..
                  "PROFILE:WORKFLOW", text)
  return nil, exit_status.USAGE
end

local function check_single(text, blueprint)
  if not blueprint.workflows then return true end
  screen.complain("%s describes several workflows; diff compares single ones",
                  text)
  return false
end

-- ------------------------------------------------------------------ telling

local function shown(value)
  if type(value) == "table" then
    local names = {}
    for i, name in ipairs(value) do names[i] = screen.quoted(name) end
    return #names > 0 and table.concat(names, ", ") or "none"
  end
  if value == false then return "no" end
  if value == true then return "yes" end
  return type(value) == "string" and screen.quoted(value) or tostring(value)
end

local function say_change(change, indent)
  if not change.added then
    return screen.say(("%s%s: %s -> %s"):format(
      indent, change.attribute, shown(change.a), shown(change.b)))
  end
  local parts = {}
  for _, name in ipairs(change.removed) do
    parts[#parts + 1] = "- " .. screen.quoted(name)
  end
  for _, name in ipairs(change.added) do
    parts[#parts + 1] = "+ " .. screen.quoted(name)
  end
  screen.say(("%s%s: %s"):format(indent, change.attribute,
                                 table.concat(parts, "  ")))
end

local function tell(parsed, diff)
  if diff.equal then return screen.say "No differences." end
  screen.say("--- " .. parsed.a, "red")
  screen.say("+++ " .. parsed.b, "green")
  for _, change in ipairs(diff.workflow) do say_change(change, "  ") end
  for _, name in ipairs(diff.removed) do
    screen.say("  - stage " .. screen.quoted(name), "red")
  end
  for _, name in ipairs(diff.added) do
    screen.say("  + stage " .. screen.quoted(name), "green")
  end
  for _, each in ipairs(diff.changed) do
    screen.say("  ~ stage " .. screen.quoted(each.stage), "yellow")
    for _, change in ipairs(each.changes) do say_change(change, "      ") end
  end
  if diff.order then
    screen.say(("  ~ order: %s -> %s"):format(shown(diff.order.a),
                                              shown(diff.order.b)), "yellow")
  end
end

function command.run(parsed)
  local a, b, code
  a, code = read(parsed, parsed.a)
  if not a then return code end
  b, code = read(parsed, parsed.b)
  if not b then return code end
  if not check_single(parsed.a, a) or not check_single(parsed.b, b) then
    return exit_status.USAGE
  end
  local diff = workflow_diff.compare(a, b)
  if parsed.json then screen.json(diff) else tell(parsed, diff) end
  return diff.equal and exit_status.DONE or exit_status.CHANGES
end

return command
