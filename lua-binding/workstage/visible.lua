--- Makes text from outside, such as a stage's name or a service's response,
-- safe to print. Characters that control a terminal, or that reorder or break a
-- line, are written as escapes: C0, DEL and C1 control characters, line and
-- paragraph separators, bidirectional marks and overrides, and bytes that are
-- not UTF-8. The escapes are Lua's, so a quoted text is a Lua string.
local visible = {}

local SHORT = { ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }

local function byte_escape(char)
  return SHORT[char] or ("\\x%02x"):format(char:byte())
end

local function character_escape(char)
  return ("\\u{%x}"):format(utf8.codepoint(char))
end

-- Patterns of the characters beyond ASCII that are escaped: C1; the Arabic
-- letter mark; left-to-right and right-to-left marks; separators, embeddings
-- and overrides; isolates.
local HIDDEN = {
  "\xC2[\x80-\x9F]", "\xD8\x9C", "\xE2\x80[\x8E\x8F]",
  "\xE2\x80[\xA8-\xAE]", "\xE2\x81[\xA6-\xA9]",
}

local function escape_characters(text)
  for _, pattern in ipairs(HIDDEN) do
    text = text:gsub(pattern, character_escape)
  end
  return text
end

-- Escapes the bytes that are not part of a UTF-8 character.
local function escape_invalid(text)
  local parts, from = {}, 1
  while true do
    local count, at = utf8.len(text, from)
    if count then break end
    parts[#parts + 1] = text:sub(from, at - 1)
    parts[#parts + 1] = byte_escape(text:sub(at, at))
    from = at + 1
  end
  parts[#parts + 1] = text:sub(from)
  return table.concat(parts)
end

--- Makes control characters visible.
-- @tparam string text
-- @treturn string one line: "a\27[2J" becomes `a\x1b[2J`
function visible.text(text)
  text = text:gsub("[\0-\31\127]", byte_escape)
  if not text:find "[\x80-\xFF]" then return text end
  if not utf8.len(text) then text = escape_invalid(text) end
  return escape_characters(text)
end

--- Quotes a text, with control characters, quotes and backslashes escaped.
-- @tparam string text
-- @treturn string a Lua string literal on one line
function visible.quoted(text)
  local safe = text:gsub('[\\"]', "\\%0")
  return '"' .. visible.text(safe) .. '"'
end

local MOST_SHORT = 40

--- Makes control characters visible and cuts a text to 40 characters.
-- @tparam string text
-- @treturn string one short line, with "..." where something was cut
function visible.short(text)
  local safe = visible.text(text:sub(1, 4 * MOST_SHORT))
  local last = utf8.offset(safe, MOST_SHORT + 1)
  return last and last <= #safe and safe:sub(1, last - 1) .. "..." or safe
end

--- Formats like `string.format`, with texts for `%q` quoted as above.
-- @tparam string pattern with `%s`, `%d` and `%q`
-- @treturn string
function visible.format(pattern, ...)
  local values, number = table.pack(...), 0
  for kind in pattern:gmatch "%%(%a)" do
    number = number + 1
    if kind == "q" then
      values[number] = visible.quoted(tostring(values[number]))
    end
  end
  return (pattern:gsub("%%q", "%%s"):format(table.unpack(values, 1, values.n)))
end

return visible
