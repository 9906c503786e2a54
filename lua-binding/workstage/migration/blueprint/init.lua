--- Blueprints: the desired workflows, and which items move where. Reads and
-- writes files of them, and brings them into normal form.
local core = require "workstage.core"
local errors = require "workstage.errors"
local findings = require "workstage.migration.blueprint.findings"
local format = require "workstage.migration.blueprint.format"
local kantata = require "workstage.migration.blueprint.kantata"
local options = require "workstage.options"
local parse = require "workstage.migration.blueprint.parse"
local source_location = require "workstage.migration.blueprint.source_location"
local storyblok = require "workstage.migration.blueprint.storyblok"

local blueprint = {}

--- The blueprint version that this module writes, and the highest it reads.
blueprint.VERSION = 1

local readers = { storyblok = storyblok.read, kantata = kantata.read }

-- ------------------------------------------------------------ normalizing

local function check_version(at)
  local version = at.value
  if version == nil then return end
  if type(version) ~= "number" or not math.tointeger(version) then
    at:expect "a version, such as 1"
  elseif version ~= blueprint.VERSION then
    at:fail(("version %s is unknown: this module reads version %d")
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

local function with_findings(value, err)
  if value == nil then err.findings = findings.of_errors(err) end
  return value, err
end

--- Brings a blueprint into normal form: short forms written out, types and
-- names checked, statuses of Kantata by key. Changes nothing in `value`.
-- @tparam table value
-- @treturn[1] table
-- @treturn[2] nil
-- @treturn[2] table the first error, which names its location (in a file also
-- the line); its `findings` are all
function blueprint.normalize(value)
  return with_findings(source_location.run(source_location.root(value),
                                           read_any))
end

--- The workflows that a Storyblok blueprint describes, see
-- `blueprint/storyblok`.
blueprint.workflows = storyblok.workflows

-- ---------------------------------------------------------------- reading

local function unreadable(path, why)
  if why:sub(1, #path + 2) == path .. ": " then why = why:sub(#path + 3) end
  return errors.new {
    kind = "io", message = ("'%s' cannot be read: %s"):format(path, why),
  }
end

-- Reads at most one byte more than the size limit.
local function contents(path)
  local file, why = io.open(path, "rb")
  if not file then return nil, unreadable(path, why) end
  local text, failed = file:read(parse.MAX_SIZE + 1)
  file:close()
  if failed then return nil, unreadable(path, failed) end
  return text or ""
end

--- Reads a blueprint's text.
-- @tparam string text Lua's form or JSON
-- @tparam[opt] string name the file's, for errors
-- @treturn[1] table in normal form
-- @treturn[2] nil
-- @treturn[2] table the error, which names file, line and location
function blueprint.parse(text, name)
  local value, err = parse.text(text, name)
  if not value then return with_findings(nil, err) end
  return blueprint.normalize(value)
end

--- Reads a blueprint from a file.
-- @tparam string path
-- @treturn[1] table in normal form
-- @treturn[2] nil
-- @treturn[2] table the error: "io", or "invalid" with file, line and location
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
  return format.text(whole, blueprint.VERSION)
end

--- Writes a blueprint to a file atomically.
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
