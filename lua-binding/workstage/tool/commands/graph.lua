-- workstage graph: the workflow as a picture.

local failure = require "workstage.tool.ui.failure"
local files = require "workstage.tool.files"
local graphviz = require "workstage.tool.graphviz"
local migration = require "workstage.migration"
local screen = require "workstage.tool.ui.screen"
local exit_status = require "workstage.tool.exit_status"

local command = {
  summary = "Draw a blueprint or a plan with Graphviz.",
  examples = {
    "workstage graph article.lua --svg article.svg",
    "workstage graph article.plan | dot -Tpng -o article.png",
  },
}

function command.define(parser)
  parser:argument("file", "A blueprint; or a saved plan, with what it " ..
                  "changes highlighted.")
    :argname "FILE|PLAN"
  parser:option("--svg", "Run 'dot' and write the picture here.")
    :argname "FILE"
end

local function read(path)
  if files.kind(path) == "plan" then return files.plan(path) end
  return files.blueprint(path)
end

local function write_svg(dot, path)
  if not graphviz.is_installed() then
    screen.complain "--svg needs Graphviz, and 'dot' is not there: install \z
                     it (apt install graphviz), or leave --svg out"
    return exit_status.FAILED
  end
  local svg, why = graphviz.svg(dot)
  if not svg then
    screen.complain("%s", why)
    return exit_status.FAILED
  end
  if not files.write(path, svg) then return exit_status.FAILED end
  screen.note("Drawn to " .. path)
  return exit_status.DONE
end

function command.run(parsed)
  if parsed.svg == parsed.file then
    screen.complain "the picture would overwrite what it is made from"
    return exit_status.USAGE
  end
  local what, code = read(parsed.file)
  if not what then return code end
  local dot, err = migration.graph(what)
  if not dot then return failure.tell(err) end
  if parsed.svg then return write_svg(dot, parsed.svg) end
  screen.put((dot:gsub("\n$", "")))
  return exit_status.DONE
end

return command
