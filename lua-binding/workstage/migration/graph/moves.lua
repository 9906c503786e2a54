--- Draws only moves: Kantata's statuses, or Storyblok stages if the plan
-- changes no workflow.
local colors = require "workstage.migration.colors"
local statuses = require "workstage.migration.blueprint.kantata"
local text = require "workstage.migration.graph.text"

local moves = {}

local function status_node(key)
  local status = statuses.status(key)
  local fill = colors.drawn(status.color)
  return ('  k%d [label=<%s%s>, fillcolor="%s", fontcolor="%s", '
          .. 'color="%s"];'):format(key, text.wrapped(status.message),
    text.small(key), fill, colors.text_on(fill), text.FAINT)
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
-- @tparam table list array of `from`, `to` (names), `count`
-- @treturn string
function moves.stages(title, list)
  local out, ids, count = text.header(title, "LR"), {}, 0
  local function id_of(name)
    if not ids[name] then
      count = count + 1
      ids[name] = "m" .. count
      out[#out + 1] = ('  m%d [label=<%s>, fillcolor="#f6f8fa", color="%s"];')
                      :format(count, text.wrapped(name), text.FAINT)
    end
    return ids[name]
  end
  for _, move in ipairs(list) do
    local from, to = id_of(move.from), id_of(move.to)
    out[#out + 1] = ("  %s -> %s%s;"):format(from, to, label_of(move))
  end
  out[#out + 1] = "}\n"
  return table.concat(out, "\n")
end

return moves
