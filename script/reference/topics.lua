--- The guides for LDoc: tables as HTML, which its readers of Markdown do not
-- make, and links to the pages that it makes.
local topics = {}

local function escaped(text)
  return (text:gsub("[&<>]", { ["&"] = "&amp;", ["<"] = "&lt;",
                               [">"] = "&gt;" }))
end

-- Where a link of a guide leads among the pages.
local function link(address)
  if address:find "^%a+:" then return address end
  local place, anchor = address:match "^([^#]*)(.*)$"
  local name = place:match "([^/]+)$" or ""
  if name:find "%.md$" then return name .. ".html" .. anchor end
  if name:find "%.lua$" and place:find "examples/" then
    return "../examples/" .. name .. ".html"
  end
  if name:find "%.svg$" then return name end
  if place == "" then return address end
end

local function linked(label, address)
  local to = link(address)
  return to and ("[%s](%s)"):format(label, to) or label
end

local function anchor(label, address)
  local to = link(address)
  return to and ('<a href="%s">%s</a>'):format(to, label) or label
end

-- A cell: code as it stands, the rest with links and bold words.
local function cell_text(text)
  local codes = {}
  text = escaped(text):gsub("\\|", "|"):gsub("`([^`]+)`", function(code)
    codes[#codes + 1] = "<code>" .. code .. "</code>"
    return ("\1%d\1"):format(#codes)
  end)
  text = text:gsub("%*%*(.-)%*%*", "<strong>%1</strong>")
    :gsub("%[([^%]]+)%]%(([^)]+)%)", anchor)
  return (text:gsub("\1(%d+)\1", function(i) return codes[tonumber(i)] end))
end

local function row_of(line, tag)
  local cells = {}
  line = line:gsub("\\|", "\2"):match "^|(.*)|%s*$"
  for cell in (line .. "|"):gmatch "(.-)|" do
    local text = cell:gsub("\2", "|"):match "^%s*(.-)%s*$"
    cells[#cells + 1] = ("<%s>%s</%s>"):format(tag, cell_text(text), tag)
  end
  return "<tr>" .. table.concat(cells) .. "</tr>"
end

-- The table that begins at a line, and the line after it.
local function table_at(lines, at)
  local rows = {}
  if lines[at]:find "[^|%s]" then rows[1] = row_of(lines[at], "th") end
  at = at + 2
  while lines[at] and lines[at]:find "^|" do
    rows[#rows + 1] = row_of(lines[at], "td")
    at = at + 1
  end
  return "\n<table class=\"module_list\">\n" .. table.concat(rows, "\n") ..
         "\n</table>\n", at
end

--- The text of a guide as LDoc takes it.
function topics.text(text)
  local lines, out, is_code, at = {}, {}, false, 1
  for line in (text .. "\n"):gmatch "(.-)\n" do lines[#lines + 1] = line end
  while at <= #lines do
    local line = lines[at]
    if line:find "^```" then is_code = not is_code end
    if not is_code and line:find "^|" then
      out[#out + 1], at = table_at(lines, at)
    else
      if not is_code and line:find "^<!%-%- run: " then line = ""
      elseif not is_code then
        line = line:gsub("%[([^%]]+)%]%(([^)]+)%)", linked)
      end
      out[#out + 1] = line
      at = at + 1
    end
  end
  return table.concat(out, "\n")
end

--- The guides: a file's name -> its text.
function topics.files()
  local files = {}
  local pipe = assert(io.popen "ls docs/*.md CHANGELOG.md")
  for path in pipe:lines() do
    local file = assert(io.open(path))
    -- a link over the end of a line is one all the same
    local text = file:read "a":gsub("%[([^%]\n|]*)\n([^%]\n|]*)%]%(",
                                    "[%1 %2](")
    files[path:match "[^/]+$"] = topics.text(text)
    file:close()
  end
  pipe:close()
  return files
end

return topics
