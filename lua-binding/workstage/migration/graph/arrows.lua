--- Draws one workflow as stages in their own colours, in the order of their
-- positions, with arrows for the transitions between them.
local colors = require "workstage.migration.colors"
local text = require "workstage.migration.graph.text"

local quoted, small = text.quoted, text.small
local INK, FAINT = text.INK, text.FAINT
local ADDED, REMOVED = text.ADDED, text.REMOVED

local arrows = {}

-- ------------------------------------------------------------------ stages

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
  local words = table.concat(text.marks(stage), " · ")
  local transitions = shortened(stage, graph)
  return words ~= "" and small(words) or "",
         transitions and small("→ " .. text.wrapped(transitions)) or ""
end

local function stage_node(stage, id, graph)
  local fill = colors.drawn(stage.color)
  local what, border = text.change_of(stage.name, graph.changes)
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

-- ------------------------------------------------------------------- edges

--- The transitions that are drawn.
-- @tparam table graph see `arrows.add`
-- @treturn table from -> to -> the colour of a change, or true
-- @treturn integer how many there are
function arrows.transitions(graph)
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
local function arrow(graph, from, to, looks)
  if from > to then
    looks[#looks + 1] = "dir=back"
    from, to = to, from
  elseif to == from + 1 then
    looks[#looks + 1] = "weight=8"
  end
  local prefix = graph.prefix
  return ("  %ss%d -> %ss%d%s;"):format(prefix, from, prefix, to, #looks > 0
    and " [" .. table.concat(looks, ", ") .. "]" or "")
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
local function transition(graph, from, to)
  local transitions = graph.transitions
  local value, back = transitions[from][to], transitions[to][from]
  local both = value and value == back and from ~= to
  if not value or both and from > to then return nil end
  local looks = looks_of(value, from > to and not both)
  if both then table.insert(looks, 1, "dir=both") end
  return arrow(graph, from, to, looks)
end

local function add_publishing(out, graph, from)
  local after = graph.stages[from].after_publish
  local to = after and graph.places[after]
  if not to then return end
  out[#out + 1] = arrow(graph, from, to, {
    "style=dotted", 'label="  published"',
    ('color="%s", fontcolor="%s"'):format(FAINT, FAINT) })
end

local function add_transitions(out, graph)
  local count = #graph.stages
  for from = 1, count do
    for to = 1, count do
      out[#out + 1] = transition(graph, from, to)
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
    local prefix = graph.prefix
    local link = ("  %ss%d -> %ss%d"):format(prefix, i - 1, prefix, i)
    if not links[link] then
      out[#out + 1] = link .. " [style=invis, weight=4];"
    end
  end
end

-- ------------------------------------------------------------ the workflow

local function add_stages(out, graph)
  for i, stage in ipairs(graph.stages) do
    local id = ("%ss%d"):format(graph.prefix, i)
    out[#out + 1] = stage_node(stage, id, graph)
    if stage.is_default then
      local start = graph.prefix .. "start"
      out[#out + 1] = ('  %s [shape=circle, style=filled, label="", '
        .. 'width=0.16, height=0.16, fillcolor="%s", color="%s"];'):format(
        start, INK, INK)
      out[#out + 1] = ("  %s -> %s [weight=8];"):format(start, id)
    end
  end
end

--- Adds the stages of a workflow, those that are removed, and the transitions.
-- @tparam table out lines
-- @tparam table graph `prefix` of its nodes, `stages`, `places` (name ->
--   number), `changes`, `removed` (names), `transitions`
function arrows.add(out, graph)
  add_stages(out, graph)
  for i, name in ipairs(graph.removed) do
    out[#out + 1] = removed_node(name, ("%sr%d"):format(graph.prefix, i))
  end
  add_transitions(out, graph)
  add_column(out, graph)
end

return arrows
