--- Text escaping and styles shared by all Graphviz drawings.
local visible = require "workstage.visible"

local text = {
  FONT = "DejaVu Sans,Helvetica,Arial,sans-serif",
  INK = "#333333", FAINT = "#888888",
  ADDED = "#1a7f37", CHANGED = "#bf6900", REMOVED = "#cf222e",
  MOVED = "#0969da",
}

local LINE_LENGTH = 22 -- of a stage's name, before it goes on below

-- The backslash too: Graphviz replaces \N by the node's name.
local ENTITIES = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;",
                   ['"'] = "&quot;", ["\\"] = "\\\\" }

--- A text for an HTML-like label.
function text.escaped(value)
  return (visible.text(value):gsub('[&<>"\\]', ENTITIES))
end

--- A text as a quoted value, in which Graphviz also decodes entities.
function text.quoted(value)
  value = visible.text(value):gsub("&", "&amp;"):gsub('[\\"]', "\\%0")
  return '"' .. value .. '"'
end

--- A name wrapped at spaces, for an HTML-like label.
function text.wrapped(value)
  local lines, line = {}, nil
  for word in value:gmatch "%S+" do
    local longer = line and line .. " " .. word or word
    if line and (utf8.len(longer) or #longer) > LINE_LENGTH then
      lines[#lines + 1] = line
      line = word
    else
      line = longer
    end
  end
  lines[#lines + 1] = line or " "
  for i, each in ipairs(lines) do lines[i] = text.escaped(each) end
  return table.concat(lines, "<BR/>")
end

--- A second line of a label, in a smaller font.
function text.small(value)
  return ('<BR/><FONT POINT-SIZE="9">%s</FONT>'):format(value)
end

--- What a stage allows and does, in words.
-- @treturn table array
function text.marks(stage)
  local list = {}
  if stage.is_default then list[#list + 1] = "default" end
  if stage.allow_publish then list[#list + 1] = "publish" end
  if stage.story_editing_locked then list[#list + 1] = "locked" end
  return list
end

--- The kind of change of a stage, and its colour; nil if it stays as it is.
-- @tparam string name
-- @tparam table changes see `graph/model`
function text.change_of(name, changes)
  if changes.added[name] then return "new", text.ADDED end
  local old = changes.renamed[name]
  if old then return "was " .. text.escaped(old), text.CHANGED end
  if changes.changed[name] then return "changed", text.CHANGED end
end

--- The first lines of a drawing.
-- @tparam string title
-- @tparam string direction "TB" or "LR"
-- @treturn table lines, to be added to
function text.header(title, direction)
  return {
    "digraph workflow {",
    ("  graph [rankdir=%s, fontname=%s, fontsize=16, fontcolor=\"%s\",")
      :format(direction, text.quoted(text.FONT), text.INK),
    ("    label=%s, labelloc=t, pad=0.3, nodesep=0.4, ranksep=0.4,")
      :format(text.quoted(title)),
    "    bgcolor=\"#ffffff\"];",
    ("  node [shape=box, style=\"rounded,filled\", fontname=%s,")
      :format(text.quoted(text.FONT)),
    "    fontsize=12, margin=\"0.18,0.1\", height=0.4];",
    ("  edge [color=\"%s\", fontname=%s, fontsize=9, arrowsize=0.7];")
      :format(text.INK, text.quoted(text.FONT)),
  }
end

local function legend_row(color, mark, words)
  return ('<TR><TD ALIGN="RIGHT"><FONT COLOR="%s"><B>%s</B></FONT></TD>'
    .. '<TD ALIGN="LEFT">%s</TD></TR>'):format(color, mark, words)
end

--- A legend node.
-- @tparam table rows array of { colour, mark, words }
-- @treturn string
function text.legend(rows)
  local lines = {}
  for i, row in ipairs(rows) do lines[i] = legend_row(table.unpack(row)) end
  return ('  legend [shape=plaintext, style="", fontsize=9, margin=0, label='
    .. '<<TABLE BORDER="1" COLOR="%s" CELLBORDER="0" CELLSPACING="1" '
    .. 'CELLPADDING="1">%s</TABLE>>];'):format(text.FAINT,
                                              table.concat(lines))
end

return text
