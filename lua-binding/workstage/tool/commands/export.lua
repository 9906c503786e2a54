-- workstage export: a workflow's blueprint.

local blueprints = require "workstage.migration.blueprint"
local connect = require "workstage.tool.connect"
local failure = require "workstage.tool.ui.failure"
local files = require "workstage.tool.files"
local job = require "workstage.tool.job"
local migration = require "workstage.migration"
local screen = require "workstage.tool.ui.screen"
local exit_status = require "workstage.tool.exit_status"

local command = {
  summary = "Write a workflow as a blueprint.",
  examples = {
    "workstage export Article -o article.lua",
    "workstage export Article --from-space 282994740194929 -o article.lua",
    "workstage export > default.lua          # the default workflow",
    "workstage export --all -o space.lua",
  },
}

function command.define(parser)
  parser:argument("workflow", "Its name; else the default workflow.")
    :argname "WORKFLOW":args "?"
  parser:option("-o --output", "The file; '-' or none: standard output.")
    :argname "FILE"
  parser:flag("--force", "Overwrite an existing file.")
  parser:flag("--all", "All workflows of the space in one blueprint.")
  connect.define(parser)
  parser:option("--from-space", "The space to read, whatever " ..
                "$STORYBLOK_SPACE_ID says (as --space).")
    :argname "ID":target "space"
end

local function write(blueprint, path)
  if not path then
    local text, err = blueprints.text(blueprint)
    if not text then return failure.tell(err) end
    screen.put((text:gsub("\n$", "")))
    return exit_status.DONE
  end
  local good, err = migration.write(blueprint, path)
  if not good then return failure.tell(err) end
  screen.note(("Wrote %s to %s. Edit it, then run: workstage plan %s")
              :format(blueprint.workflows and
                      screen.count(#blueprint.workflows, "workflow") or
                      screen.count(#blueprint.stages, "stage"), path,
                      screen.word(path)))
  return exit_status.DONE
end

function command.run(parsed)
  local path = parsed.output ~= "-" and parsed.output or nil
  if parsed.all and parsed.workflow then
    screen.complain "--all exports every workflow: leave the name out"
    return exit_status.USAGE
  end
  if connect.service(parsed) == "kantata" then
    screen.complain "Kantata has no workflows to export"
    return exit_status.USAGE
  end
  if path and not parsed.force and files.exists(path) then
    screen.complain("%s exists. Use --force to overwrite it", path)
    return exit_status.FAILED
  end
  local self, blueprint, lost = job.read(parsed, function(client)
    if parsed.all then return migration.export_all(client) end
    return migration.export(client, parsed.workflow)
  end)
  if not self then return blueprint end
  for _, sentence in ipairs(lost) do
    screen.complain("Not exported: %s", screen.clean(sentence))
  end
  return write(blueprint, path)
end

return command
