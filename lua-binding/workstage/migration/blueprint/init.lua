--- Blueprints: what a workflow is to become, and which items move where.
-- Reads and writes files of them, and brings them into one form.
local core = require "workstage.core"
local errors = require "workstage.errors"
local form = require "workstage.migration.blueprint.storyblok"
local kantata_form = require "workstage.migration.blueprint.kantata"
local layout = require "workstage.migration.blueprint.format"
local literal = require "workstage.migration.blueprint.parse"
local options = require "workstage.options"
local place = require "workstage.migration.blueprint.source_location"

local blueprint = {}

--- The version of blueprints that this module writes, and reads at most.
blueprint.VERSION = 1

local readers = { storyblok = form.read, kantata = kantata_form.read }

-- ------------------------------------------------------------ normalizing

local function check_version(at)
  local version = at.value
  if version == nil then return end
  if type(version) ~= "number" or not math.tointeger(version) then
    at:expect "a version, such as 1"
  elseif version ~= blueprint.VERSION then
    at:fail(("version %s is not known here: this module reads version %d")
            :format(version, blueprint.VERSION))
  end
end

local function service_of(at)
  local name = at.value
  if name == nil then return "storyblok" end
  if type(name) == "string" and readers[name] then return name end
  at:expect "\"storyblok\" or \"kantata\""
end

local function read_any(at)
  if type(at.value) ~= "table" then at:expect "a table" end
  check_version(at:at "version")
  return readers[service_of(at:at "service")](at)
end

--- Brings a blueprint into its one form: short forms written out, types and
-- names checked, statuses of Kantata by key. What it is given stays as it
-- is.
-- @tparam table value
-- @tparam[opt] table source where it came from: `name` and `lines` as
-- `literal.parse` gives them
-- @treturn[1] table
-- @treturn[2] nil
-- @treturn[2] table the error, which names the place
function blueprint.normalize(value, source)
  return place.run(read_any, place.root(value, source))
end

-- ---------------------------------------------------------------- reading

local function unreadable(path, why)
  if why:sub(1, #path + 2) == path .. ": " then why = why:sub(#path + 3) end
  return errors.new {
    kind = "io", message = ("'%s' cannot be read: %s"):format(path, why),
  }
end

-- No more of a file than may be in it.
local function contents(path)
  local file, why = io.open(path, "rb")
  if not file then return nil, unreadable(path, why) end
  local text, failed = file:read(literal.MAX_SIZE + 1)
  file:close()
  if failed then return nil, unreadable(path, failed) end
  return text or ""
end

--- Reads a blueprint's text.
-- @tparam string text Lua's form or JSON
-- @tparam[opt] string name the file's, for errors
-- @treturn[1] table in the one form
-- @treturn[2] nil
-- @treturn[2] table the error, which names file, line and place
function blueprint.parse(text, name)
  local value, lines = literal.parse(text, name)
  if not value then return nil, lines end
  return blueprint.normalize(value, { name = name, lines = lines })
end

--- Reads a blueprint from a file.
-- @tparam string path
-- @treturn[1] table in the one form
-- @treturn[2] nil
-- @treturn[2] table the error: "io", or "invalid" with file, line and place
function blueprint.read(path)
  local err = options.path(path)
  if err then return nil, err end
  local text
  text, err = contents(path)
  if not text then return nil, err end
  return blueprint.parse(text, path)
end

-- ---------------------------------------------------------------- writing

--- The text of a blueprint, in Lua's form.
-- @tparam table value a blueprint, in any form
-- @treturn[1] string
-- @treturn[2] nil
-- @treturn[2] table the error
function blueprint.text(value)
  local whole, err = blueprint.normalize(value)
  if not whole then return nil, err end
  return layout.text(whole, blueprint.VERSION)
end

--- Writes a blueprint to a file, which is either replaced whole or stays as
-- it was.
-- @tparam table value a blueprint, in any form
-- @tparam string path
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] table the error
function blueprint.write(value, path)
  local err = options.path(path)
  if err then return nil, err end
  local text
  text, err = blueprint.text(value)
  if not text then return nil, err end
  local good, kind, why = core.write_file(path, text)
  if not good then return nil, errors.new { kind = kind, message = why } end
  return true
end

return blueprint
