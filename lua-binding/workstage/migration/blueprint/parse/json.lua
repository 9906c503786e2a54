--- Reads data in JSON, strictly (RFC 8259): null is absent, whole numbers are
-- integers, two equal keys of an object are refused, and each entry's line is
-- remembered.
local cjson = require "cjson"
local errors = require "workstage.errors"
local source_location = require "workstage.migration.blueprint.source_location"
local visible = require "workstage.visible"

local json = cjson.new()

-- Placeholder for null until it is known to be in an object or a list.
local NULL = {}

local Reader = {}
Reader.__index = Reader

local function fail(self, message, ...)
  error(source_location.error(self.name, self.line, message:format(...)), 0)
end

local function refuse(self, expected)
  local rest = self.text:sub(self.at, self.at + 40):match "^[%w_.+-]+" or
               self.text:sub(self.at, self.at)
  local got = rest == "" and "the end of the text" or
              ("'%s'"):format(visible.short(rest))
  fail(self, "not JSON: expected %s, got %s", expected, got)
end

-- Skips whitespace, counts lines, and returns the next character.
local function peek(self)
  local from = self.at
  self.at = self.text:find("[^ \t\r\n]", from) or #self.text + 1
  for _ in self.text:sub(from, self.at - 1):gmatch "\n" do
    self.line = self.line + 1
  end
  return self.text:sub(self.at, self.at)
end

local function count_value(self)
  self.values = self.values + 1
  if self.values > self.limits.values then
    fail(self, "more than %d values", self.limits.values)
  end
end

local function closing_quote(self)
  local at = self.at + 1
  while true do
    at = self.text:find("[\"\\\0-\31]", at)
    local char = at and self.text:sub(at, at)
    if char == '"' then return at end
    if char ~= "\\" then fail(self, "not JSON: a string is not closed") end
    at = at + 2
  end
end

local function read_string(self)
  local last = closing_quote(self)
  local token = self.text:sub(self.at, last)
  self.at = last + 1
  if not token:find("\\", 1, true) then return token:sub(2, -2) end
  local good, list = pcall(json.decode, "[" .. token .. "]")
  if good then return list[1] end
  if list == "not enough memory" then error(list, 0) end
  fail(self, "not JSON: the string %s has an invalid escape",
       visible.short(token))
end

-- Parses numbers like Lua, which is independent of the locale.
local function number_of(token)
  local digits = token:match "^-?(%d+)"
  if not digits or #digits > 1 and digits:find "^0" then return nil end
  local mantissa = token:match "^(.-)[eE][+-]?%d+$" or token
  if not (mantissa:find "^-?%d+$" or mantissa:find "^-?%d+%.%d+$") then
    return nil
  end
  local value = tonumber(token)
  return math.tointeger(value) or value
end

local CONSTANTS = { ["true"] = true, ["false"] = false, null = NULL }

local function read_scalar(self)
  local token = self.text:match("^[%w_.+-]+", self.at) or ""
  local value = CONSTANTS[token]
  if value == nil then value = number_of(token) end
  if value == nil then refuse(self, "a value") end
  if value == math.huge or value == -math.huge then
    fail(self, "the number %s is too large", visible.short(token))
  end
  self.at = self.at + #token
  return value
end

local read_value

-- Reads the entries of an object or a list up to `close`.
local function read_entries(self, close, read_entry)
  self.at = self.at + 1
  if peek(self) ~= close then
    repeat
      read_entry()
      local char = peek(self)
      if char ~= "," and char ~= close then
        refuse(self, ("',' or '%s'"):format(close))
      end
      self.at = self.at + (char == "," and 1 or 0)
    until char == close
  end
  self.at = self.at + 1
end

local function read_key(self, lines)
  if peek(self) ~= '"' then refuse(self, "a key in quotes") end
  local key = read_string(self)
  if lines[key] then
    fail(self, "the key '%s' appears twice (before on line %d)",
         visible.short(key), lines[key])
  end
  lines[key] = self.line
  if peek(self) ~= ":" then refuse(self, "':'") end
  self.at = self.at + 1
  return key
end

local function read_object(self, depth)
  local object, lines = {}, {}
  source_location.remember(object, self.name, lines)
  read_entries(self, "}", function()
    local key = read_key(self, lines)
    local value = read_value(self, depth)
    if value ~= NULL then object[key] = value end
  end)
  return object
end

local function read_list(self, depth)
  local list, lines = {}, {}
  source_location.remember(list, self.name, lines)
  read_entries(self, "]", function()
    peek(self)
    local line = self.line
    local value = read_value(self, depth)
    if value == NULL then fail(self, "null is not allowed in a list") end
    list[#list + 1] = value
    lines[#list] = line
  end)
  return list
end

function read_value(self, depth)
  local char = peek(self)
  count_value(self)
  if char == '"' then return read_string(self) end
  if char ~= "{" and char ~= "[" then return read_scalar(self) end
  if depth >= self.limits.depth then
    fail(self, "values are nested deeper than %d levels", self.limits.depth)
  end
  return (char == "{" and read_object or read_list)(self, depth + 1)
end

local function read_all(self)
  local value = read_value(self, 0)
  if peek(self) ~= "" then refuse(self, "nothing after the value") end
  if type(value) ~= "table" or value == NULL then
    fail(self, "a blueprint is one JSON object")
  end
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
  local reader = setmetatable({ text = text, name = name, at = 1, line = 1,
                                values = -1, limits = limits }, Reader)
  local good, value = pcall(read_all, reader)
  if good then return value end
  if not errors.is(value) then error(value, 0) end
  return nil, value
end
