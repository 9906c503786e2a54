--- Draws a workflow for Graphviz: stages in their own colours, in the order
-- of their positions, and the transitions between them; large and dense ones
-- as a matrix.
local colors = require "workstage.migration.colors"
local matrix = require "workstage.migration.graph.matrix"
local moves = require "workstage.migration.graph.moves"
local text = require "workstage.migration.graph.text"

local escaped, quoted, small = text.escaped, text.quoted, text.small
local INK, FAINT = text.INK, text.FAINT
local ADDED, CHANGED = text.ADDED, text.CHANGED
local REMOVED, MOVED = text.REMOVED, text.MOVED

-- With more stages or arrows than these, a matrix is drawn.
local MOST_STAGES, MOST_ARROWS = 15, 60

-- ------------------------------------------------------------------ stages

-- The kind of change of a name, and its colour.
local function change_of(name, changes)
  if changes.added[name] then return "new", ADDED end
  local old = changes.renamed[name]
  if old then return "was " .. escaped(old), CHANGED end
  if changes.changed[name] then return "changed", CHANGED end
end

-- A stage that leads to all or nearly all others gets a text instead of
-- arrows, which would hide the rest.
local function shortened(stage, graph)
  local others = #graph.stages - 1
  if stage.next == "all" then return others > 0 and "to any stage" end
  if type(stage.next) ~= "table" or others < 6 then return nil end
  local listed, missing = { [stage.name] = true }, {}
  for _, name in ipairs(stage.next) do listed[name] = true end
  for _, other in ipairs(graph.stages) do
    if not listed[other.name] then missing[#missing + 1] = other.name end
  end
  if #missing == 0 then return "to any stage" end
  if #missing == 1 then return "to any but " .. missing[1] end
end

local function remarks(stage, graph)
  local list = {}
  if stage.is_default then list[#list + 1] = "default" end
  if stage.allow_publish then list[#list + 1] = "publish" end
  if stage.story_editing_locked then list[#list + 1] = "locked" end
  local words = table.concat(list, " · ")
  local transitions = shortened(stage, graph)
  return words ~= "" and small(words) or "",
         transitions and small("→ " .. text.wrapped(transitions)) or ""
end

local function stage_node(stage, id, graph)
  local fill = colors.drawn(stage.color)
  local what, border = change_of(stage.name, graph.changes)
  local marks, transitions = remarks(stage, graph)
  local label = text.wrapped(stage.name) .. marks .. transitions
  if what then label = label .. small("<B>" .. what .. "</B>") end
  return ('  %s [label=<%s>, fillcolor="%s", fontcolor="%s", color="%s"'
          .. ', penwidth=%s%s, tooltip=%s];'):format(
    id, label, fill, colors.text_on(fill), border or FAINT,
    border and "3" or "1", stage.allow_publish and ", peripheries=2" or "",
    quoted(("%s %s"):format(stage.name, stage.color or "")))
end

-- Removed stages are drawn in outline.
local function removed_node(name, id)
  return ('  %s [label=<<S>%s</S>%s>, fillcolor="#ffffff", color="%s", '
          .. 'fontcolor="%s", style="rounded,filled,dashed", penwidth=2];')
         :format(id, text.wrapped(name), small("<B>removed</B>"), REMOVED,
                 REMOVED)
end

-- Nodes for the ends of moves that are not stages of this workflow.
local function outside_node(name, id)
  return ('  %s [label=<%s>, fillcolor="#ffffff", color="%s", fontcolor="%s"'
          .. ', style="rounded,dashed"];'):format(id, text.wrapped(name),
                                                  FAINT, FAINT)
end

-- ------------------------------------------------------------------- edges

-- The transitions that are drawn: from -> to -> the colour of a change, or
-- true.
local function transitions_of(graph)
  local found, count = {}, 0
  local function add(from, to, value)
    if found[from][to] == nil then count = count + 1 end
    found[from][to] = value
  end
  for i, stage in ipairs(graph.stages) do
    found[i] = {}
    local new = graph.changes.added_transitions[stage.name] or {}
    if type(stage.next) == "table" and not shortened(stage, graph) then
      for _, name in ipairs(stage.next) do
        local to = graph.places[name]
        if to then add(i, to, new[name] and ADDED or true) end
      end
    end
    for name in pairs(graph.changes.removed_transitions[stage.name] or {})
    do
      local to = graph.places[name]
      if to and found[i][to] == nil then add(i, to, REMOVED) end
    end
  end
  return found, count
end

-- An arrow from one stage to another. The edge is always written downwards,
-- which Graphviz lays out best; `dir` gives its direction.
local function arrow(from, to, looks)
  if from > to then
    looks[#looks + 1] = "dir=back"
    from, to = to, from
  elseif to == from + 1 then
    looks[#looks + 1] = "weight=8"
  end
  return ("  s%d -> s%d%s;"):format(from, to, #looks > 0 and
    " [" .. table.concat(looks, ", ") .. "]" or "")
end

local function looks_of(value, is_backward)
  if value == REMOVED then
    return { "style=dashed", ('color="%s"'):format(REMOVED) }
  elseif value == ADDED then
    return { ('color="%s", penwidth=1.6'):format(ADDED) }
  end
  return { is_backward and ('color="%s"'):format(FAINT) or nil }
end

-- Transitions in both directions are one arrow with two heads, unless they
-- differ in colour. Arrows that only lead back are fainter.
local function transition(from, to, transitions)
  local value, back = transitions[from][to], transitions[to][from]
  local both = value and value == back and from ~= to
  if not value or both and from > to then return nil end
  local looks = looks_of(value, from > to and not both)
  if both then table.insert(looks, 1, "dir=both") end
  return arrow(from, to, looks)
end

local function add_publishing(out, graph, from)
  local after = graph.stages[from].after_publish
  local to = after and graph.places[after]
  if not to then return end
  out[#out + 1] = arrow(from, to, {
    "style=dotted", 'label="  published"',
    ('color="%s", fontcolor="%s"'):format(FAINT, FAINT) })
end

local function add_transitions(out, graph, transitions)
  local count = #graph.stages
  for from = 1, count do
    for to = 1, count do
      out[#out + 1] = transition(from, to, transitions)
    end
    add_publishing(out, graph, from)
  end
end

-- Places stages one below the other, whatever transitions there are.
local function add_column(out, graph)
  local links = {}
  for _, line in ipairs(out) do
    links[line:match "^  %w+ %-> %w+" or ""] = true
  end
  for i = 2, #graph.stages do
    local link = ("  s%d -> s%d"):format(i - 1, i)
    if not links[link] then
      out[#out + 1] = link .. " [style=invis, weight=4];"
    end
  end
end

-- ------------------------------------------------------------------- moves

-- The nodes beside the stages: removed stages, and ends of moves outside the
-- workflow. Returns the ids by name.
local function add_outside(out, graph)
  local ids = {}
  for i, name in ipairs(graph.removed) do
    ids[name] = "r" .. i
    out[#out + 1] = removed_node(name, ids[name])
  end
  local count = 0
  for _, move in ipairs(graph.changes.moves) do
    for _, name in ipairs { move.from, move.to } do
      if not ids[name] and not graph.places[name] then
        count = count + 1
        ids[name] = "x" .. count
        out[#out + 1] = outside_node(name, ids[name])
      end
    end
  end
  return ids
end

local function add_moves(out, graph, outside)
  local function id_of(name)
    local place = graph.places[name]
    return place and "s" .. place or outside[name]
  end
  for _, move in ipairs(graph.changes.moves) do
    out[#out + 1] = ('  %s -> %s [style=dashed, penwidth=1.6, label="  %d", '
      .. 'color="%s", fontcolor="%s", constraint=false];'):format(
      id_of(move.from), id_of(move.to), move.count, MOVED, MOVED)
  end
end

-- Places the nodes beside the stages in a column of their own.
local function add_side_column(out, outside)
  local ids = {}
  for _, id in pairs(outside) do ids[#ids + 1] = id end
  table.sort(ids, function(a, b)
    if a:sub(1, 1) ~= b:sub(1, 1) then return a < b end
    return tonumber(a:sub(2)) < tonumber(b:sub(2))
  end)
  for i = 2, #ids do
    out[#out + 1] = ("  %s -> %s [style=invis, weight=4];"):format(
      ids[i - 1], ids[i])
  end
  return ids[1], ids[#ids]
end

-- ------------------------------------------------------------------ legend

local function has_arrow(transitions, color)
  for _, row in ipairs(transitions) do
    for _, value in pairs(row) do
      if value == color then return true end
    end
  end
  return false
end

-- The legend of the arrows that occur.
local function arrow_legend(graph, transitions)
  local rows = {}
  if has_arrow(transitions, ADDED) then
    rows[#rows + 1] = { ADDED, "→", "added transition" }
  end
  if has_arrow(transitions, REMOVED) then
    rows[#rows + 1] = { REMOVED, "⇢", "removed transition" }
  end
  if #graph.changes.moves > 0 then
    rows[#rows + 1] = { MOVED, "⇢ 12", "items moved" }
  end
  return rows
end

local function matrix_legend(graph)
  local changes = graph.changes
  local rows = { { INK, "●", "may come next (row to column)" } }
  if next(changes.added_transitions) then
    rows[#rows + 1] = { ADDED, "+", "added transition" }
  end
  if next(changes.removed_transitions) then
    rows[#rows + 1] = { REMOVED, "−", "removed transition" }
  end
  return rows
end

-- ------------------------------------------------------------- the drawing

local PARTS = { "added", "removed", "changed", "renamed",
                "added_transitions", "removed_transitions", "moves" }

local function complete(changes)
  local all = {}
  for _, name in ipairs(PARTS) do all[name] = changes and changes[name] or {}
  end
  return all
end

local function sorted(set, places)
  local names = {}
  for name in pairs(set) do
    if not places[name] then names[#names + 1] = name end
  end
  table.sort(names)
  return names
end

local function title_of(blueprint)
  local name = blueprint.workflow
  if type(name) == "table" then name = name.name end
  return name or blueprint.default and "Default workflow" or "Workflow"
end

local function add_stages(out, graph)
  for i, stage in ipairs(graph.stages) do
    out[#out + 1] = stage_node(stage, "s" .. i, graph)
    if stage.is_default then
      out[#out + 1] = ('  start [shape=circle, style=filled, label="", '
        .. 'width=0.16, height=0.16, fillcolor="%s", color="%s"];'):format(
        INK, INK)
      out[#out + 1] = ("  start -> s%d [weight=8];"):format(i)
    end
  end
end

-- Places the legend below everything else.
local function add_legend(out, graph, rows, last_outside)
  if #rows == 0 then return end
  out[#out + 1] = text.legend(rows)
  local above = #graph.stages > 0 and "s" .. #graph.stages or last_outside
  if above then
    out[#out + 1] = ("  %s -> legend [style=invis];"):format(above)
  end
end

local function draw_arrows(graph, transitions)
  local out = text.header(graph.title, "TB")
  add_stages(out, graph)
  local outside = add_outside(out, graph)
  add_transitions(out, graph, transitions)
  add_column(out, graph)
  local first, last = add_side_column(out, outside)
  if first and #graph.stages > 0 then
    out[#out + 1] = ("  { rank=same; s1 -> %s [style=invis]; }"):format(first)
  end
  add_moves(out, graph, outside)
  add_legend(out, graph, arrow_legend(graph, transitions), last)
  out[#out + 1] = "}\n"
  return table.concat(out, "\n")
end

local function new_graph(blueprint, changes)
  local stages, places = blueprint.stages or {}, {}
  for i, stage in ipairs(stages) do places[stage.name] = i end
  local graph = { title = title_of(blueprint), stages = stages,
                    places = places, changes = complete(changes) }
  graph.removed = sorted(graph.changes.removed, places)
  function graph.leads(from, to)
    if from.next == "all" then return from ~= to end
    for _, name in ipairs(type(from.next) == "table" and from.next or {}) do
      if name == to.name then return true end
    end
    return false
  end
  return graph
end

local function draw_stages(blueprint, changes)
  local graph = new_graph(blueprint, changes)
  if #graph.stages == 0 and #graph.changes.moves > 0 then
    return moves.stages(graph.title, graph.changes.moves)
  end
  local transitions, count = transitions_of(graph)
  if #graph.stages > MOST_STAGES or count > MOST_ARROWS then
    graph.legend = matrix_legend(graph)
    return matrix(graph)
  end
  return draw_arrows(graph, transitions)
end

--- The Graphviz text of a workflow; for Kantata, of the moves.
-- @tparam table blueprint in normal form, or any table with the same `stages`
-- @tparam[opt] table changes what a plan changes, see `graph/model`
-- @treturn string
return function(blueprint, changes)
  if blueprint.service == "kantata" then
    return moves.kantata(blueprint.moves)
  end
  return draw_stages(blueprint, changes)
end
