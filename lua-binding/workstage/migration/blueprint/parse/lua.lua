--- Parses data in Lua syntax: one table constructor. Nothing is executed: a
-- small tokenizer accepts what data needs and rejects everything else with its
-- line; the tables are built from its tokens. Only single string tokens are
-- passed to `load`, to decode their escapes.
local errors = require "workstage.errors"
local source_location = require "workstage.migration.blueprint.source_location"
local visible = require "workstage.visible"

local shown = visible.short

-- ----------------------------------------------------------- the tokenizer

local Reader = {}
Reader.__index = Reader

local function fail(self, message)
  error(source_location.error(self.name, self.line, message), 0)
end

-- Counts lines up to the current position. The position of the next line break
-- is cached, so that no text is searched twice.
local function count_lines(self)
  while self.line_break and self.line_break < self.at do
    local _, last = self.text:find("^\r\n", self.line_break)
    if not last then
      _, last = self.text:find("^\n\r", self.line_break)
    end
    self.line = self.line + 1
    self.line_break = self.text:find("[\r\n]",
                                     (last or self.line_break) + 1)
  end
end

-- The end of a long bracket that opens here; nil if none does.
local function long_bracket(self, at)
  local level = self.text:match("^%[(=*)%[", at)
  if not level then return nil end
  local _, last = self.text:find("]" .. level .. "]", at, true)
  if not last then fail(self, "a long bracket is not closed") end
  return last
end

local function skip_comment(self)
  local last = long_bracket(self, self.at + 2)
  if not last then
    last = self.text:find("[\r\n]", self.at) or #self.text + 1
    last = last - 1
  end
  self.at = last + 1
end

local function skip_blanks(self)
  repeat
    self.at = self.text:find("[^ \t\r\n\v\f]", self.at) or #self.text + 1
    count_lines(self)
    local comment = self.text:find("^%-%-", self.at)
    if comment then skip_comment(self) end
  until not comment
end

-- The position after a backslash and what it escapes.
local function after_escape(text, at)
  if text:find("^z", at + 1) then
    return text:find("[^ \t\r\n\v\f]", at + 2) or #text + 1
  elseif text:find("^\r\n", at + 1) or text:find("^\n\r", at + 1) then
    return at + 3
  end
  return at + 2
end

-- The end of a quoted string.
local function closing_quote(self, quote)
  local pattern, at = "[\\\r\n" .. quote .. "]", self.at + 1
  while true do
    local found = self.text:find(pattern, at)
    local char = found and self.text:sub(found, found)
    if char == quote then return found end
    if char ~= "\\" then fail(self, "a string is not closed") end
    at = after_escape(self.text, found)
  end
end

-- The value of a string token, which is a complete quoted Lua string.
local function string_value(self, token)
  local plain = token:match "^[\"']([^\\]*).$"
  if plain then return plain end
  local chunk, why = load("return " .. token, "=string", "t", {})
  if chunk then return chunk() end
  why = why:gsub("^string:%d+: ", ""):gsub(" near .*$", "")
  fail(self, "a string cannot be read: " .. shown(why))
end

-- Numbers with their exponents, whose signs belong to them.
local function number_end(text, at)
  local sign = text:find("^0[xX]", at) and "[pP]$" or "[eE]$"
  local last = at - 1
  repeat
    local from = last + 1
    last = select(2, text:find("^[%w_.]*", from))
    local more = text:sub(from, last):find(sign) and
                 text:find("^[+-]", last + 1)
    if more then last = last + 1 end
  until not more
  return last
end

local function number_value(self, token)
  local value = tonumber(token)
  if not value then fail(self, ("malformed number '%s'"):format(shown(token)))
  elseif value == math.huge then
    fail(self, ("the number %s is too large"):format(shown(token)))
  end
  return value
end

-- The next token: its kind ("name", "string", "number", "end", or the very
-- character), and its value.
local function next_token(self)
  skip_blanks(self)
  local text, at = self.text, self.at
  local char = text:sub(at, at)
  local kind, value, last = char, char, at
  if char == "" then kind = "end"
  elseif char == '"' or char == "'" then
    kind, last = "string", closing_quote(self, char)
    value = string_value(self, text:sub(at, last))
  elseif text:find("^%[=*%[", at) then
    kind, last = "string", long_bracket(self, at)
    value = string_value(self, text:sub(at, last))
  elseif text:find("^%.?[0-9]", at) then
    kind, last = "number", number_end(text, at)
    value = number_value(self, text:sub(at, last))
  elseif text:find("^[A-Za-z_]", at) then
    kind, last = "name", select(2, text:find("^[A-Za-z0-9_]+", at))
    value = text:sub(at, last)
  end
  self.kind, self.value, self.from, self.at = kind, value, at, last + 1
end

-- --------------------------------------------------------------- refusals

local CODE = {
  ["function"] = "a function", ["local"] = "a variable",
  ["for"] = "a loop", ["while"] = "a loop", ["repeat"] = "a loop",
  ["goto"] = "a jump", ["if"] = "a condition", ["do"] = "a block",
  ["and"] = "an operation", ["or"] = "an operation",
  ["not"] = "an operation",
}

-- Reserved words: not valid as names, not even before "=".
local RESERVED = {
  ["break"] = true, ["else"] = true, ["elseif"] = true, ["end"] = true,
  ["in"] = true, ["return"] = true, ["then"] = true, ["until"] = true,
}
for word in pairs(CODE) do RESERVED[word] = true end

-- Longer operators first.
local SYMBOLS = {
  { "...", "a list of arguments" }, { "..", "a concatenation" },
  { "==", "a comparison" }, { "~=", "a comparison" },
  { "<=", "a comparison" }, { ">=", "a comparison" }, { "::", "a label" },
  { "(", "a call or an expression" }, { ":", "a method call" },
  { ".", "a field of a variable" }, { "<", "an operation" },
  { ">", "an operation" }, { "+", "an operation" },
  { "-", "an operation" }, { "*", "an operation" },
  { "/", "an operation" }, { "%", "an operation" },
  { "^", "an operation" }, { "&", "an operation" },
  { "|", "an operation" }, { "~", "an operation" },
  { "#", "an operation" },
}

-- Names the kind of code that the current token begins; nil if it is data.
local function code(self)
  if self.kind == "name" then return CODE[self.value] end
  for _, symbol in ipairs(SYMBOLS) do
    if self.text:find(symbol[1], self.from, true) == self.from then
      return symbol[2]
    end
  end
end

local function token_shown(self)
  if self.kind == "end" then return "the end of the text" end
  if self.kind == "string" then return "a string" end
  return ("'%s'"):format(shown(tostring(self.value)))
end

local function refuse(self, expected)
  local what = code(self)
  if what then fail(self, what .. " is not allowed here: a blueprint is data")
  end
  fail(self, ("expected %s, got %s"):format(expected, token_shown(self)))
end

-- A name where a value is expected: code, or a string without quotes.
local function refuse_name(self, name, line)
  local what = CODE[name] or self.kind == "(" and "a call"
  self.line = line
  if what then fail(self, what .. " is not allowed here: a blueprint is data")
  end
  fail(self, ("the name '%s' is not a value: a blueprint is data, and "
              .. "strings need quotes"):format(shown(name)))
end

-- ------------------------------------------------------------- the grammar

local CONSTANTS = { ["true"] = true, ["false"] = false }

local read_table

-- Combines a minus sign with the number after it.
local function join_sign(self)
  if self.kind ~= "-" then return end
  next_token(self)
  if self.kind ~= "number" then
    fail(self, "an operation is not allowed here: a blueprint is data")
  end
  self.value = -self.value
end

-- Reads a value; nil for `nil`.
local function read_value(self, depth)
  join_sign(self)
  local kind, value, line = self.kind, self.value, self.line
  if kind == "{" then return read_table(self, depth + 1) end
  next_token(self)
  if kind == "string" or kind == "number" then return value end
  if kind == "name" and value == "nil" then return nil end
  if kind == "name" and CONSTANTS[value] ~= nil then return CONSTANTS[value]
  elseif kind == "name" then refuse_name(self, value, line) end
end

local function begins_value(self)
  return self.kind == "{" or self.kind == "-" or self.kind == "string" or
         self.kind == "number" or self.kind == "name"
end

-- `= value`, after a key.
local function read_assigned(self, depth)
  next_token(self)
  if not begins_value(self) then refuse(self, "a value") end
  return read_value(self, depth)
end

local function read_bracketed_key(self)
  next_token(self)
  join_sign(self)
  if self.kind ~= "string" and self.kind ~= "number" then
    refuse(self, "a string or a number as the key")
  end
  local key = self.value
  next_token(self)
  if self.kind ~= "]" then refuse(self, "']'") end
  next_token(self)
  return key
end

local function is_assignment(self)
  return self.kind == "=" and not self.text:find("^=", self.at)
end

local function named_key(self)
  local name, line = self.value, self.line
  next_token(self)
  if is_assignment(self) and RESERVED[name] then
    self.line = line
    fail(self, ("'%s' is a word of Lua's own: as a key it is [\"%s\"]")
               :format(name, name))
  end
  if is_assignment(self) then return name end
  refuse_name(self, name, line)
end

local function is_key(self)
  return self.kind == "[" or self.kind == "name" and
         self.value ~= "nil" and CONSTANTS[self.value] == nil
end

-- One entry of a table: its key and value. `count` is the number of those
-- without a key before it.
local function read_entry(self, depth, count)
  if is_key(self) then
    local key = self.kind == "[" and read_bracketed_key(self) or
                named_key(self)
    if not is_assignment(self) then refuse(self, "'='") end
    return key, read_assigned(self, depth), count
  end
  if not begins_value(self) then refuse(self, "a value or '}'") end
  local value = read_value(self, depth)
  if value == nil then fail(self, "nil is not allowed in a list") end
  return count + 1, value, count + 1
end

-- Counts values against the limit. A repeated key is an error, as it is
-- probably a mistake.
local function note_entry(self, lines, key, line)
  self.values = self.values + 1
  if self.values > self.limits.values then
    fail(self, ("more than %d values"):format(self.limits.values))
  elseif lines[key] then
    fail(self, ("'%s' is set twice (first on line %d)")
               :format(shown(tostring(key)), lines[key]))
  end
  lines[key] = line
end

function read_table(self, depth)
  if depth > self.limits.depth then
    fail(self, ("tables are nested deeper than %d levels")
               :format(self.limits.depth))
  end
  local result, lines, count = {}, {}, 0
  source_location.remember(result, self.name, lines)
  next_token(self)
  while self.kind ~= "}" do
    local line = self.line
    local key, value, so_far = read_entry(self, depth, count)
    note_entry(self, lines, math.tointeger(key) or key, line)
    result[key], count = value, so_far
    if self.kind == "," or self.kind == ";" then next_token(self)
    elseif self.kind ~= "}" then refuse(self, "',' or '}'") end
  end
  next_token(self)
  return result
end

local function read_all(self)
  next_token(self)
  if self.kind == "name" and self.value == "return" then next_token(self) end
  if self.kind ~= "{" then refuse(self, "one table, such as { stages = .. }")
  end
  local value = read_table(self, 1)
  if self.kind == ";" then next_token(self) end
  if self.kind ~= "end" then refuse(self, "nothing after the table") end
  return value
end

--- Reads a text.
-- @tparam string text
-- @tparam ?string name the file's, for errors
-- @tparam table limits `depth` of tables, `values` in all
-- @treturn[1] table
-- @treturn[2] nil
-- @treturn[2] table the error, with the line
return function(text, name, limits)
  local reader = setmetatable({
    text = text, name = name, at = 1, line = 1, values = 0, limits = limits,
    line_break = text:find "[\r\n]",
  }, Reader)
  local good, value = pcall(read_all, reader)
  if good then return value end
  if not errors.is(value) then error(value, 0) end
  return nil, value
end
