--- Draws only moves: Kantata's statuses, or Storyblok stages if the plan
-- changes no workflow.
local colors = require "workstage.migration.colors"
local statuses = require "workstage.migration.blueprint.kantata"
local text = require "workstage.migration.graph.text"

local moves = {}

local function node(id, label, color)
  local fill = colors.drawn(color)
  return ('  %s [label=<%s>, fillcolor="%s", fontcolor="%s", color="%s"];')
         :format(id, label, fill, colors.text_on(fill), text.FAINT)
end

local function status_node(key)
  local status = statuses.status(key)
  return node("k" .. key, text.wrapped(status.message) .. text.small(key),
              status.color)
end

-- The label of an arrow: the number of items if a plan has counted them,
-- otherwise "some" if a filter is set.
local function label_of(move)
  if move.count then
    return (' [label="  %d", style=dashed, color="%s", fontcolor="%s"]')
           :format(move.count, text.MOVED, text.MOVED)
  end
  local some = move.where and next(move.where) ~= nil
  return some and ' [label="some"]' or ""
end

--- Draws Kantata's statuses and the moves between them.
-- @tparam table list array of `from`, `to`, `where`, `count`
-- @treturn string
function moves.kantata(list)
  local out, seen = text.header("Kantata statuses", "LR"), {}
  for _, move in ipairs(list) do
    for _, key in ipairs { move.from, move.to } do
      if not seen[key] then out[#out + 1] = status_node(key) end
      seen[key] = true
    end
    out[#out + 1] = ("  k%d -> k%d%s;"):format(move.from, move.to,
                                               label_of(move))
  end
  out[#out + 1] = "}\n"
  return table.concat(out, "\n")
end

--- Draws stages by their names and the moves between them.
-- @tparam string title
-- @tparam table list array of `from`, `to` (names), `from_color`, `to_color`,
--   `count`
-- @treturn string
function moves.stages(title, list)
  local out, ids, count = text.header(title, "LR"), {}, 0
  local function id_of(name, color)
    if not ids[name] then
      count = count + 1
      ids[name] = "m" .. count
      out[#out + 1] = node(ids[name], text.wrapped(name), color)
    end
    return ids[name]
  end
  for _, move in ipairs(list) do
    local from = id_of(move.from, move.from_color)
    local to = id_of(move.to, move.to_color)
    out[#out + 1] = ("  %s -> %s%s;"):format(from, to, label_of(move))
  end
  out[#out + 1] = "}\n"
  return table.concat(out, "\n")
end

return moves
