--- Draws a workflow for Graphviz: stages in their own colours, in the order
-- of their positions, and the ways between them.
local colors = require "workstage.migration.colors"
local statuses = require "workstage.migration.blueprint.kantata"
local visible = require "workstage.visible"

local FONT = "DejaVu Sans,Helvetica,Arial,sans-serif"
local INK, FAINT = "#333333", "#888888"
local ADDED, CHANGED, REMOVED = "#1a7f37", "#bf6900", "#cf222e"
local LINE_LENGTH = 22 -- of a stage's name, before it goes on below
local TALLEST = 15     -- stages in one column

-- ------------------------------------------------------------------- texts

-- The backslash too: Graphviz puts the node's own name in place of \N.
local ENTITIES = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;",
                   ['"'] = "&quot;", ["\\"] = "\\\\" }

local function escaped(text)
  return (visible.text(text):gsub('[&<>"\\]', ENTITIES))
end

-- Graphviz reads entities in these as well.
local function quoted(text)
  text = visible.text(text):gsub("&", "&amp;"):gsub('[\\"]', "\\%0")
  return '"' .. text .. '"'
end

-- A name in lines of bearable length, broken at blanks.
local function wrapped(text)
  local lines, line = {}, nil
  for word in text:gmatch "%S+" do
    local longer = line and line .. " " .. word or word
    if line and (utf8.len(longer) or #longer) > LINE_LENGTH then
      lines[#lines + 1] = line
      line = word
    else
      line = longer
    end
  end
  lines[#lines + 1] = line or " "
  for i, each in ipairs(lines) do lines[i] = escaped(each) end
  return table.concat(lines, "<BR/>")
end

local function small(text)
  return ('<BR/><FONT POINT-SIZE="9">%s</FONT>'):format(text)
end

-- ------------------------------------------------------------------ stages

-- What a name's change is, and in which colour it shows.
local function change_of(name, changes)
  if changes.added[name] then return "new", ADDED end
  local old = changes.renamed[name]
  if old then return "was " .. escaped(old), CHANGED end
  if changes.changed[name] then return "changed", CHANGED end
end

-- A stage that leads to all or nearly all others says so in words: arrows
-- would hide the rest.
local function shortened(stage, drawing)
  local others = #drawing.stages - 1
  if stage.next == "all" then return others > 0 and "to any stage" end
  if type(stage.next) ~= "table" or others < 6 then return nil end
  local listed, missing = { [stage.name] = true }, {}
  for _, name in ipairs(stage.next) do listed[name] = true end
  for _, other in ipairs(drawing.stages) do
    if not listed[other.name] then missing[#missing + 1] = other.name end
  end
  if #missing == 0 then return "to any stage" end
  if #missing == 1 then return "to any but " .. missing[1] end
end

local function remarks(stage, drawing)
  local list = {}
  if stage.is_default then list[#list + 1] = "default" end
  if stage.allow_publish then list[#list + 1] = "publish" end
  if stage.story_editing_locked then list[#list + 1] = "locked" end
  local text = table.concat(list, " · ")
  local ways = shortened(stage, drawing)
  return text ~= "" and small(text) or "",
         ways and small("→ " .. wrapped(ways)) or ""
end

local function stage_node(stage, id, drawing)
  local fill = colors.drawn(stage.color)
  local what, border = change_of(stage.name, drawing.changes)
  local marks, ways = remarks(stage, drawing)
  local label = wrapped(stage.name) .. marks .. ways
  if what then label = label .. small("<B>" .. what .. "</B>") end
  return ('  %s [label=<%s>, fillcolor="%s", fontcolor="%s", color="%s"'
          .. ', penwidth=%s%s, tooltip=%s];'):format(
    id, label, fill, colors.text_on(fill), border or FAINT,
    border and "3" or "1", stage.allow_publish and ", peripheries=2" or "",
    quoted(("%s %s"):format(stage.name, stage.color or "")))
end

-- What goes away is there in outline.
local function removed_node(name, id)
  return ('  %s [label=<<S>%s</S>%s>, fillcolor="#ffffff", color="%s", '
          .. 'fontcolor="%s", style="rounded,filled,dashed", penwidth=2];')
         :format(id, wrapped(name), small("<B>removed</B>"), REMOVED,
                 REMOVED)
end

-- ------------------------------------------------------------------- edges

-- The ways of all stages, as from -> to -> true.
local function ways_of(drawing)
  local ways = {}
  for i, stage in ipairs(drawing.stages) do
    ways[i] = {}
    if type(stage.next) == "table" and not shortened(stage, drawing) then
      for _, name in ipairs(stage.next) do
        local to = drawing.places[name]
        if to then ways[i][to] = true end
      end
    end
  end
  return ways
end

-- An arrow from one stage to another. Within a column it is given downwards,
-- which is how Graphviz draws it best, whichever way it leads.
local function arrow(from, to, looks, drawing)
  local up = from > to
  if drawing.column(from) ~= drawing.column(to) then
    looks[#looks + 1] = "constraint=false"
  elseif up then
    looks[#looks + 1] = "dir=back"
    from, to = to, from
  elseif to == from + 1 then
    looks[#looks + 1] = "weight=8"
  end
  return ("  s%d -> s%d%s;"):format(from, to, #looks > 0 and
    " [" .. table.concat(looks, ", ") .. "]" or "")
end

-- Ways there and back are one arrow with two heads; those that only lead
-- back are fainter.
local function way(from, to, ways, drawing)
  local both = ways[to][from] and from ~= to
  if not ways[from][to] or both and from > to then return nil end
  local looks = {}
  if both then looks[1] = "dir=both"
  elseif from > to then looks[1] = ('color="%s"'):format(FAINT) end
  return arrow(from, to, looks, drawing)
end

local function add_edges(out, drawing)
  local ways, count = ways_of(drawing), #drawing.stages
  for from = 1, count do
    for to = 1, count do out[#out + 1] = way(from, to, ways, drawing) end
    local after = drawing.stages[from].after_publish
    local to = after and drawing.places[after]
    if to then
      local looks = { "style=dashed", 'label="  published"',
                      ('color="%s", fontcolor="%s"'):format(FAINT, FAINT) }
      out[#out + 1] = arrow(from, to, looks, drawing)
    end
  end
end

local function links_in(out)
  local links = {}
  for _, line in ipairs(out) do
    links[line:match "^  %w+ %-> %w+" or ""] = true
  end
  return links
end

-- One below the other, whatever ways there are. The lines of what leads to
-- the next one anyhow stay straight when nothing is added beside them.
local function add_column(out, ids, links)
  for i = 2, #ids do
    local link = ("  %s -> %s"):format(ids[i - 1], ids[i])
    if not links[link] then
      out[#out + 1] = link .. " [style=invis, weight=4];"
    end
  end
end

-- The stages in columns, from left to right, and what goes away beside them.
local function add_columns(out, drawing, removed)
  local columns, heads, links = {}, {}, links_in(out)
  local function put(id, number)
    columns[number] = columns[number] or {}
    table.insert(columns[number], id)
  end
  for i = 1, #drawing.stages do put("s" .. i, drawing.column(i)) end
  local last = #columns
  for i, id in ipairs(removed) do
    put(id, last + (i - 1) // TALLEST + 1)
  end
  for i, ids in ipairs(columns) do
    add_column(out, ids, links)
    heads[i] = ids[1]
  end
  if #heads > 1 then
    out[#out + 1] = ("  { rank=same; %s [style=invis]; }")
                    :format(table.concat(heads, " -> "))
  end
end

-- ------------------------------------------------------------- the drawing

local function header(title, direction)
  return {
    "digraph workflow {",
    ("  graph [rankdir=%s, fontname=%s, fontsize=16, fontcolor=\"%s\",")
      :format(direction, quoted(FONT), INK),
    ("    label=%s, labelloc=t, pad=0.3, nodesep=0.4, ranksep=0.4,")
      :format(quoted(title)),
    "    bgcolor=\"#ffffff\"];",
    ("  node [shape=box, style=\"rounded,filled\", fontname=%s,")
      :format(quoted(FONT)),
    "    fontsize=12, margin=\"0.18,0.1\", height=0.4];",
    ("  edge [color=\"%s\", fontname=%s, fontsize=9, arrowsize=0.7];")
      :format(INK, quoted(FONT)),
  }
end

local function complete(changes)
  local all = {}
  for _, name in ipairs { "added", "removed", "changed", "renamed" } do
    all[name] = changes and changes[name] or {}
  end
  return all
end

local function sorted(set)
  local names = {}
  for name in pairs(set) do names[#names + 1] = name end
  table.sort(names)
  return names
end

local function title_of(blueprint)
  local name = blueprint.workflow
  if type(name) == "table" then name = name.name end
  return name or blueprint.default and "Default workflow" or "Workflow"
end

local function add_start(out, id)
  out[#out + 1] = ('  start [shape=circle, style=filled, label="", width=0.16,'
    .. ' height=0.16, fillcolor="%s", color="%s"];'):format(INK, INK)
  out[#out + 1] = ("  start -> %s [weight=8];"):format(id)
end

local function add_stages(out, drawing)
  for i, stage in ipairs(drawing.stages) do
    out[#out + 1] = stage_node(stage, "s" .. i, drawing)
    if stage.is_default then add_start(out, "s" .. i) end
  end
end

-- The ids of the nodes for what goes away.
local function add_removed(out, drawing)
  local ids = {}
  for _, name in ipairs(sorted(drawing.changes.removed)) do
    if not drawing.places[name] then
      ids[#ids + 1] = "r" .. #ids + 1
      out[#out + 1] = removed_node(name, ids[#ids])
    end
  end
  return ids
end

local function draw_stages(blueprint, changes)
  local stages, places = blueprint.stages or {}, {}
  for i, stage in ipairs(stages) do places[stage.name] = i end
  local height = math.ceil(#stages / math.ceil(#stages / TALLEST))
  local drawing = {
    stages = stages, places = places, changes = complete(changes),
    column = function(place) return (place - 1) // height + 1 end,
  }
  local out = header(title_of(blueprint), "TB")
  add_stages(out, drawing)
  local removed = add_removed(out, drawing)
  add_edges(out, drawing)
  add_columns(out, drawing, removed)
  out[#out + 1] = "}\n"
  return table.concat(out, "\n")
end

-- ----------------------------------------------------------------- Kantata

local function status_node(key)
  local status = statuses.status(key)
  local fill = colors.drawn(status.color)
  return ('  k%d [label=<%s%s>, fillcolor="%s", fontcolor="%s", '
          .. 'color="%s"];'):format(key, wrapped(status.message),
    small(key), fill, colors.text_on(fill), FAINT)
end

local function draw_moves(blueprint)
  local out, seen = header("Kantata statuses", "LR"), {}
  for _, move in ipairs(blueprint.moves) do
    for _, key in ipairs { move.from, move.to } do
      if not seen[key] then out[#out + 1] = status_node(key) end
      seen[key] = true
    end
    local some = move.where and next(move.where) ~= nil
    out[#out + 1] = ("  k%d -> k%d%s;"):format(move.from, move.to,
      some and ' [label="some"]' or "")
  end
  out[#out + 1] = "}\n"
  return table.concat(out, "\n")
end

--- The Graphviz text of a workflow; for Kantata, of the moves.
-- @tparam table blueprint in its one form, or anything with `stages` like
-- those of one
-- @tparam[opt] table changes what a plan changes: `added`, `removed` and
-- `changed` (name -> true), `renamed` (new name -> old)
-- @treturn string
return function(blueprint, changes)
  if blueprint.service == "kantata" then return draw_moves(blueprint) end
  return draw_stages(blueprint, changes)
end
