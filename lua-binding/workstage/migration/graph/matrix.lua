--- Draws a large or dense workflow as a transition matrix: a row for each
-- stage, a column for each stage that may come next.
local colors = require "workstage.migration.colors"
local text = require "workstage.migration.graph.text"

local SHADE, STRIPE, EMPTY = "#f0f2f4", "#fafbfc", "#ffffff"
local BACKGROUNDS = { ["+"] = "#aceebb", ["−"] = "#ffcecb" }

-- The mark of a cell, and its colour.
local function mark_of(from, to, graph)
  local changes = graph.changes
  if (changes.removed_transitions[from.name] or {})[to.name] then
    return "−", text.REMOVED
  elseif not graph.leads(from, to) then
    return nil
  elseif (changes.added_transitions[from.name] or {})[to.name] then
    return "+", text.ADDED
  end
  return "●", text.INK
end

local function cell(mark, color, background)
  return ('<TD WIDTH="18" HEIGHT="18" BGCOLOR="%s">%s</TD>'):format(
    background, mark and ('<FONT COLOR="%s"><B>%s</B></FONT>'):format(
      color, mark) or "")
end

local function marks_of(stage, graph)
  local list = text.marks(stage)
  if stage.after_publish and graph.places[stage.after_publish] then
    list[#list + 1] = "published: to " .. graph.places[stage.after_publish]
  end
  local state, color = text.change_of(stage.name, graph.changes)
  if state then
    list[#list + 1] = ('<FONT COLOR="%s"><B>%s</B></FONT>'):format(color,
                                                                  state)
  end
  return table.concat(list, " · ")
end

local function name_cell(stage, number)
  local fill = colors.drawn(stage.color)
  return ('<TD ALIGN="RIGHT">%d</TD><TD ALIGN="LEFT" BGCOLOR="%s">'
    .. '<FONT COLOR="%s">%s</FONT></TD>'):format(number, fill,
      colors.text_on(fill), text.wrapped(stage.name))
end

local function row_of(stage, number, graph)
  local cells = { name_cell(stage, number) }
  for column, to in ipairs(graph.stages) do
    local mark, color = mark_of(stage, to, graph)
    cells[#cells + 1] = cell(mark, color, BACKGROUNDS[mark] or
      column == number and SHADE or number % 2 == 0 and STRIPE or EMPTY)
  end
  local marks = marks_of(stage, graph)
  cells[#cells + 1] = '<TD ALIGN="LEFT">' .. (marks ~= "" and
    '<FONT POINT-SIZE="9">' .. marks .. "</FONT>" or "") .. "</TD>"
  return "<TR>" .. table.concat(cells) .. "</TR>"
end

local function head_row(graph)
  local cells = { '<TD></TD><TD ALIGN="RIGHT"><FONT POINT-SIZE="9">from, '
                  .. 'to</FONT></TD>' }
  for number in ipairs(graph.stages) do
    cells[#cells + 1] = ('<TD WIDTH="18">%d</TD>'):format(number)
  end
  return "<TR>" .. table.concat(cells) .. "<TD></TD></TR>"
end

-- A row that spans the whole table.
local function note_row(graph, words, color)
  return ('<TR><TD COLSPAN="%d" ALIGN="LEFT"><FONT POINT-SIZE="10" COLOR='
    .. '"%s">%s</FONT></TD></TR>'):format(#graph.stages + 3, color, words)
end

local function moves_rows(rows, graph, moves)
  for _, move in ipairs(moves) do
    rows[#rows + 1] = note_row(graph, ("%d %s: %s → %s"):format(
      move.count, move.count == 1 and "item" or "items",
      text.escaped(move.from), text.escaped(move.to)), text.MOVED)
  end
end

--- Adds the matrix as a node.
-- @tparam table out lines
-- @tparam table graph `prefix` of the node's name, `stages`, `places` (name ->
--   number), `changes`, `removed` (names), `leads(from, to)`
-- @tparam table moves array of `from`, `to`, `count`, to be listed below
return function(out, graph, moves)
  local rows = { head_row(graph) }
  for number, stage in ipairs(graph.stages) do
    rows[#rows + 1] = row_of(stage, number, graph)
  end
  for _, name in ipairs(graph.removed) do
    rows[#rows + 1] = note_row(graph, ("<S>%s</S> removed"):format(
      text.escaped(name)), text.REMOVED)
  end
  moves_rows(rows, graph, moves)
  out[#out + 1] = ('  %smatrix [shape=plaintext, style="", fontsize=11, '
    .. 'margin=0, label=<<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="1" '
    .. 'CELLPADDING="2" BGCOLOR="#e6e8ea">%s</TABLE>>];'):format(
    graph.prefix, table.concat(rows))
end
