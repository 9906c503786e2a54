--- Reads a blueprint's text: data, in Lua's notation or in JSON.
local read_json = require "workstage.migration.blueprint.parse.json"
local read_lua = require "workstage.migration.blueprint.parse.lua"
local source_location = require "workstage.migration.blueprint.source_location"
local visible = require "workstage.visible"

local parse = {}

--- The largest text that a blueprint may be, in bytes.
parse.MAX_SIZE = 1048576

local LIMITS = { depth = 64, values = 100000 }

local function refused(name, message, ...)
  return nil, source_location.error(name, nil, message:format(...))
end

-- What begins like a JSON object is JSON, whatever the file is called.
local function is_json(text, name)
  return name and name:lower():find "%.json$" or
         text:find '^%s*{%s*"[^"\n]*"%s*:'
end

--- The value that a text describes. Its tables remember their lines, see
-- `source_location`.
-- @tparam string text
-- @tparam[opt] string name the file's, for errors; one that ends in .json
-- holds JSON, others what they look like
-- @treturn[1] table
-- @treturn[2] nil
-- @treturn[2] table the error, of the kind "invalid"
function parse.text(text, name)
  name = name and visible.text(name)
  if #text > parse.MAX_SIZE then
    return refused(name, "larger than %d bytes, the most that a blueprint " ..
                   "may have", parse.MAX_SIZE)
  elseif text:find "^\27" then
    return refused(name, "bytecode is not allowed: a blueprint is data, " ..
                   "in text")
  end
  text = text:gsub("^\xEF\xBB\xBF", "")
  local read = is_json(text, name) and read_json or read_lua
  return read(text, name, LIMITS)
end

return parse
