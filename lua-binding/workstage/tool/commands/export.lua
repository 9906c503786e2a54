-- workstage export: a workflow's blueprint.

local blueprints = require "workstage.migration.blueprint"
local connect = require "workstage.tool.connect"
local failure = require "workstage.tool.ui.failure"
local files = require "workstage.tool.files"
local job = require "workstage.tool.job"
local migration = require "workstage.migration"
local screen = require "workstage.tool.ui.screen"
local status = require "workstage.tool.exit_status"

local command = {
  summary = "Write a workflow as a blueprint.",
  examples = {
    "workstage export Article -o article.lua",
    "workstage export Article --from-space 282994740194929 -o article.lua",
    "workstage export > default.lua          # the default workflow",
  },
}

function command.define(parser)
  parser:argument("workflow", "Its name; else the default workflow.")
    :args "?"
  parser:option("-o --output", "The file; '-' or none: standard output.")
    :argname "FILE"
  parser:flag("--force", "Overwrite the file.")
  connect.define(parser)
  parser:option("--from-space", "The space to read, whatever " ..
                "$STORYBLOK_SPACE_ID says (as --space).")
    :argname "ID":target "space"
end

local function write(blueprint, path)
  if not path then
    local text, err = blueprints.text(blueprint)
    if not text then return failure.tell(err) end
    screen.say((text:gsub("\n$", "")))
    return status.DONE
  end
  local good, err = migration.write(blueprint, path)
  if not good then return failure.tell(err) end
  screen.note(("Written to %s: %d stages. Change it, then: workstage plan %s")
              :format(path, #blueprint.stages, screen.word(path)))
  return status.DONE
end

function command.run(parsed)
  local path = parsed.output ~= "-" and parsed.output or nil
  if connect.service(parsed) == "kantata" then
    screen.complain "Kantata has no workflows to export"
    return status.USAGE
  end
  if path and not parsed.force and files.exists(path) then
    screen.complain("%s is there already; --force overwrites it", path)
    return status.FAILED
  end
  local self, code = job.new(parsed)
  if not self then return code end
  local blueprint, lost = self:read(function(client)
    return migration.export(client, parsed.workflow)
  end)
  if not blueprint then return failure.tell(lost) end
  for _, sentence in ipairs(lost) do
    screen.complain("not taken along: %s", sentence)
  end
  return write(blueprint, path)
end

return command
