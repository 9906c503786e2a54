--- Pictures by Graphviz's program `dot`, where it is installed.
local screen = require "workstage.tool.ui.screen"

local graphviz = {}

--- True if `dot` is on the path.
-- @treturn boolean
function graphviz.is_installed()
  return os.execute "command -v dot >/dev/null 2>&1" == true
end

--- Draws a graph as SVG.
-- @tparam string dot the graph in Graphviz's language
-- @treturn[1] string SVG
-- @treturn[2] nil
-- @treturn[2] string what went wrong
function graphviz.svg(dot)
  local name = os.tmpname()
  local file = assert(io.open(name, "w"))
  file:write(dot)
  file:close()
  local pipe = assert(io.popen("dot -Tsvg " .. screen.word(name), "r"))
  local svg = pipe:read "a"
  local good = pipe:close()
  os.remove(name)
  if good and svg ~= "" then return svg end
  return nil, "dot could not draw the picture"
end

return graphviz
