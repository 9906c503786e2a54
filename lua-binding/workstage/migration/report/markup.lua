--- Generates HTML: elements are written by functions, and all external text is
-- escaped by `text` or `attribute`.
local visible = require "workstage.visible"

local markup = {}

local LONGEST = 200 -- characters of a text from outside

local ENTITIES = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;",
                   ['"'] = "&quot;", ["'"] = "&#39;" }

local function cut(text, longest)
  local last = utf8.offset(text, longest + 1)
  if not last or last > #text then return text end
  return text:sub(1, last - 1) .. "..."
end

--- Escapes a text from outside for an element's content or for an attribute
-- between quotes. Control characters become visible; text over 200 characters
-- is truncated.
-- @tparam string|number text
-- @tparam[opt] integer longest another length
-- @treturn string
function markup.text(text, longest)
  local safe = cut(visible.text(tostring(text)), longest or LONGEST)
  return (safe:gsub("[&<>\"']", ENTITIES))
end

--- The same in an element that isolates its text direction.
function markup.name(text)
  return "<bdi>" .. markup.text(text) .. "</bdi>"
end

local function attributes_of(opts)
  local names, parts = {}, {}
  for name in pairs(opts) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    local value = opts[name]
    if value == true then parts[#parts + 1] = " " .. name
    elseif value then
      parts[#parts + 1] = (' %s="%s"'):format(name, markup.text(value))
    end
  end
  return table.concat(parts)
end

--- An element. Its content must already be markup.
-- @tparam string name
-- @tparam[opt] table attributes name -> text, or true for a bare one
-- @tparam[opt] string|table content markup, or a list of it
-- @treturn string
function markup.element(name, attributes, content)
  if type(content) == "table" then content = table.concat(content) end
  return ("<%s%s>%s</%s>"):format(name, attributes_of(attributes or {}),
                                  content or "", name)
end

-- A row of a table: its first cell is its heading.
local function row_of(row, class_of)
  local element, cells = markup.element, {}
  for i, cell in ipairs(row) do
    local opts = { class = class_of(i), scope = i == 1 and "row" or nil }
    cells[i] = element(i == 1 and "th" or "td", opts, cell)
  end
  return element("tr", nil, cells)
end

local function table_of(opts)
  local element, heads, rows = markup.element, {}, {}
  local function class_of(i)
    return opts.numbers and opts.numbers[i] and "number"
  end
  for i, head in ipairs(opts.heads) do
    heads[i] = element("th", { scope = "col", class = class_of(i) },
                       markup.text(head))
  end
  for i, row in ipairs(opts.rows) do rows[i] = row_of(row, class_of) end
  return element("table", { class = opts.sortable and "sortable" }, {
    element("caption", nil, markup.text(opts.caption)),
    element("thead", nil, element("tr", nil, heads)),
    element("tbody", nil, rows),
  })
end

--- A table with headings, in a box that scrolls.
-- @tparam table opts `caption` (text), `heads` (texts; `numbers[i]` true
--   aligns a column to the right), `rows` (lists of markup, the first cell of
--   which is the row's heading), `sortable`
-- @treturn string
function markup.table(opts)
  local about = markup.element("p", { class = "about",
                                      ["aria-hidden"] = "true" },
                               markup.text(opts.caption))
  local box = { class = "scroll", tabindex = "0", role = "region",
                ["aria-label"] = opts.caption }
  return about .. markup.element("div", box, table_of(opts))
end

return markup
