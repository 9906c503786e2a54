--- Parses a blueprint's text: data in Lua syntax or JSON.
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

-- Text that begins like a JSON object is JSON, regardless of the file name.
local function is_json(text, name)
  return name and name:lower():find "%.json$" or
         text:find '^%s*{%s*"[^"\n]*"%s*:'
end

--- Parses a text. The tables in the result remember their lines, see
-- `source_location`.
-- @tparam string text
-- @tparam[opt] string name the file's name, for errors; .json means JSON,
-- otherwise the format is detected from the text
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
