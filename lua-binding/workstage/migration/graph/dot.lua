--- Draws workflows for Graphviz: one as it is, several as a cluster each, large
-- and dense ones as a matrix; and the moves between their stages.
local arrows = require "workstage.migration.graph.arrows"
local matrix = require "workstage.migration.graph.matrix"
local moves = require "workstage.migration.graph.moves"
local text = require "workstage.migration.graph.text"

local INK, FAINT = text.INK, text.FAINT
local ADDED, REMOVED, MOVED = text.ADDED, text.REMOVED, text.MOVED

-- With more stages or arrows than these, a matrix is drawn.
local MOST_STAGES, MOST_ARROWS = 15, 60

-- ---------------------------------------------------------------- workflows

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
  return name or blueprint.default and "Default workflow" or "Moves"
end

local function leads(from, to)
  if from.next == "all" then return from ~= to end
  for _, name in ipairs(type(from.next) == "table" and from.next or {}) do
    if name == to.name then return true end
  end
  return false
end

-- What is drawn of a workflow. `prefix` begins the names of its nodes.
local function new_graph(blueprint, changes, prefix)
  local stages, places = blueprint.stages or {}, {}
  for i, stage in ipairs(stages) do places[stage.name] = i end
  local graph = { title = title_of(blueprint), stages = stages,
                  places = places, changes = complete(changes),
                  leads = leads, prefix = prefix }
  graph.removed = sorted(graph.changes.removed, places)
  local count
  graph.transitions, count = arrows.transitions(graph)
  graph.is_matrix = #stages > MOST_STAGES or count > MOST_ARROWS
  return graph
end

-- The names of a workflow's nodes, by those of its stages.
local function node_ids(graph)
  local ids = {}
  for name, place in pairs(graph.places) do
    ids[name] = ("%ss%d"):format(graph.prefix, place)
  end
  for i, name in ipairs(graph.removed) do
    ids[name] = ("%sr%d"):format(graph.prefix, i)
  end
  return ids
end

-- ------------------------------------------------------------------- moves

-- A node for an end of a move that is not a stage of a drawn workflow.
local function outside_node(name, id)
  return ('  %s [label=<%s>, fillcolor="#ffffff", color="%s", fontcolor="%s"'
          .. ', style="rounded,dashed"];'):format(id, text.wrapped(name),
                                                  FAINT, FAINT)
end

-- Adds these nodes, and their names to `ids`.
local function add_outside(out, list, ids)
  local added = {}
  for _, move in ipairs(list) do
    for _, name in ipairs { move.from, move.to } do
      if ids[name] == nil then
        ids[name] = ("x%d"):format(#added + 1)
        added[#added + 1] = ids[name]
        out[#out + 1] = outside_node(name, ids[name])
      end
    end
  end
  return added
end

-- Adds the arrows of the moves whose ends are nodes. Returns how many.
local function add_moves(out, list, ids)
  local count = 0
  for _, move in ipairs(list) do
    local from, to = ids[move.from], ids[move.to]
    if from and to then
      count = count + 1
      out[#out + 1] = ('  %s -> %s [style=dashed, penwidth=1.6, '
        .. 'label="  %d", color="%s", fontcolor="%s", constraint=false];')
        :format(from, to, move.count, MOVED, MOVED)
    end
  end
  return count
end

-- Places the nodes beside the stages in a column of their own.
local function add_side_column(out, graph, outside)
  local column = {}
  for i in ipairs(graph.removed) do column[i] = "r" .. i end
  table.move(outside, 1, #outside, #column + 1, column)
  for i = 2, #column do
    out[#out + 1] = ("  %s -> %s [style=invis, weight=4];"):format(
      column[i - 1], column[i])
  end
  if column[1] and #graph.stages > 0 then
    out[#out + 1] = ("  { rank=same; s1 -> %s [style=invis]; }"):format(
      column[1])
  end
  return column[#column]
end

-- ------------------------------------------------------------------ legend

local function has_arrow(graphs, color)
  for _, graph in ipairs(graphs) do
    for _, row in ipairs(graph.is_matrix and {} or graph.transitions) do
      for _, value in pairs(row) do
        if value == color then return true end
      end
    end
  end
  return false
end

-- The legend of the arrows that occur.
local function arrow_legend(rows, graphs, has_moves)
  if has_arrow(graphs, ADDED) then
    rows[#rows + 1] = { ADDED, "→", "added transition" }
  end
  if has_arrow(graphs, REMOVED) then
    rows[#rows + 1] = { REMOVED, "⇢", "removed transition" }
  end
  if has_moves then rows[#rows + 1] = { MOVED, "⇢ 12", "items moved" } end
  return rows
end

-- The legend of matrices, whose marks are not arrows.
local function matrix_legend(graphs)
  local has, rows = {}, {}
  for _, graph in ipairs(graphs) do
    if graph.is_matrix then
      has.matrix = true
      has.added = has.added or next(graph.changes.added_transitions)
      has.removed = has.removed or next(graph.changes.removed_transitions)
    end
  end
  if has.matrix then
    rows[1] = { INK, "●", "may come next (row to column)" }
  end
  if has.added then rows[#rows + 1] = { ADDED, "+", "added transition" } end
  if has.removed then
    rows[#rows + 1] = { REMOVED, "−", "removed transition" }
  end
  return rows
end

-- Places the legend below a node.
local function add_legend(out, rows, above)
  if #rows == 0 then return end
  out[#out + 1] = text.legend(rows)
  if above then
    out[#out + 1] = ("  %s -> legend [style=invis];"):format(above)
  end
end

-- -------------------------------------------------------------- one workflow

local function draw_one(blueprint, changes)
  local graph = new_graph(blueprint, changes, "")
  local list = graph.changes.moves
  if #graph.stages == 0 and #list > 0 then
    return moves.stages(graph.title, list)
  end
  local out = text.header(graph.title, "TB")
  if graph.is_matrix then
    matrix(out, graph, list)
    add_legend(out, matrix_legend { graph }, "matrix")
  else
    local ids = node_ids(graph)
    arrows.add(out, graph)
    local last = add_side_column(out, graph, add_outside(out, list, ids))
    add_moves(out, list, ids)
    add_legend(out, arrow_legend({}, { graph }, #list > 0),
               ids[graph.stages[#graph.stages] and
                   graph.stages[#graph.stages].name] or last)
  end
  out[#out + 1] = "}\n"
  return table.concat(out, "\n")
end

-- --------------------------------------------------------- several workflows

-- A stage of several workflows: the name that their moves use.
local function full_name(graph, name)
  return graph.title .. " / " .. name
end

-- The moves that begin or end in a workflow.
local function moves_in(graph, list)
  local own, found = {}, {}
  for name in pairs(node_ids(graph)) do own[full_name(graph, name)] = true end
  for _, move in ipairs(list) do
    if own[move.from] or own[move.to] then found[#found + 1] = move end
  end
  return found
end

-- Adds a workflow, and the names of its nodes to `ids`; a stage in a matrix has
-- none: its moves are listed below the matrix.
local function add_cluster(out, graph, number, ids, list)
  out[#out + 1] = ("  subgraph cluster_%d {"):format(number)
  out[#out + 1] = ('    label=%s; style="rounded"; color="%s"; margin=16;')
                  :format(text.quoted(graph.title), FAINT)
  if graph.is_matrix then matrix(out, graph, moves_in(graph, list))
  else arrows.add(out, graph) end
  for name, id in pairs(node_ids(graph)) do
    ids[full_name(graph, name)] = not graph.is_matrix and id
  end
  out[#out + 1] = "  }"
end

local function draw_several(blueprint, changes)
  local count = #blueprint.workflows
  local out = text.header(count == 1 and "1 workflow" or
                          count .. " workflows", "TB")
  local graphs, ids, last = {}, {}, nil
  local list = changes and changes.moves or {}
  for i, each in ipairs(blueprint.workflows) do
    local prefix = ("w%d"):format(i)
    local graph = new_graph(each, changes and changes.workflows[i], prefix)
    graphs[i] = graph
    add_cluster(out, graph, i, ids, list)
    last = graph.is_matrix and prefix .. "matrix" or
           #graph.stages > 0 and ("%ss%d"):format(prefix, #graph.stages) or
           last
  end
  add_outside(out, list, ids)
  local has_moves = add_moves(out, list, ids) > 0
  add_legend(out, arrow_legend(matrix_legend(graphs), graphs, has_moves),
             last)
  out[#out + 1] = "}\n"
  return table.concat(out, "\n")
end

--- The Graphviz text of a workflow or several; for Kantata, of the moves.
-- @tparam table blueprint in normal form, or any table with the same `stages`
--   or `workflows`
-- @tparam[opt] table changes what a plan changes, see `graph/model`
-- @treturn string
return function(blueprint, changes)
  if blueprint.service == "kantata" then
    return moves.kantata(blueprint.moves)
  elseif blueprint.workflows then
    return draw_several(blueprint, changes)
  end
  return draw_one(blueprint, changes)
end
