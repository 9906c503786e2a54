--- Splits C and Lua sources into tokens: `kind` (name, number, text, mark),
-- `text`, `first` and `last` (offsets), `leads` (true for the first of a line).
-- Comments are omitted, and of the preprocessor all lines but `#define`.
local tokens = {}

local MARKS = {
  c = { "<<=", ">>=", "->", "++", "--", "+=", "-=", "*=", "/=", "|=", "&=",
        "^=", "<<", ">>", "<=", ">=", "==", "!=", "&&", "||" },
  lua = { "...", "..", "==", "~=", "<=", ">=", "//", "::", "<<", ">>" },
}

-- Patterns of text between tokens.
local SKIPPED = {
  c = { "^/%*.-%*/", "^%s+", "^\\\n", "^#%s*define%s+[%w_]+%b()",
        "^#%s*define%s+[%w_]+", "^#[^\n]*" },
  lua = { "^%-%-[^\n]*", "^%s+" },
}

-- Returns the end of a string or a character.
local function quoted(source, at)
  local quote = source:sub(at, at)
  local last = at + 1
  while source:sub(last, last) ~= quote do
    if source:sub(last, last) == "\\" then last = last + 1 end
    last = last + 1
  end
  return last
end

local function skipped(source, at, language)
  for _, pattern in ipairs(SKIPPED[language]) do
    local _, last = source:find(pattern, at)
    if last then return last end
  end
end

local function mark(source, at, language)
  for _, text in ipairs(MARKS[language]) do
    if source:sub(at, at + #text - 1) == text then return at + #text - 1 end
  end
  return at
end

-- Returns the kind and the last offset of the token that begins here.
local function token(source, at, language)
  local char = source:sub(at, at)
  local _, last = source:find("^[%a_][%w_]*", at)
  if last then return "name", last end
  _, last = source:find("^%d[%w.]*", at)
  if last then return "number", last end
  if char == '"' or char == "'" then return "text", quoted(source, at) end
  return "mark", mark(source, at, language)
end

--- @tparam string source
-- @tparam string language "c" or "lua"
function tokens.of(source, language)
  local list, at, leads = {}, 1, true
  while at <= #source do
    local last = skipped(source, at, language)
    if last then
      leads = leads or source:sub(at, last):find("\n", 1, true) ~= nil
    else
      local kind
      kind, last = token(source, at, language)
      list[#list + 1] = { kind = kind, text = source:sub(at, last),
                          first = at, last = last, leads = leads }
      leads = false
    end
    at = last + 1
  end
  return list
end

return tokens
