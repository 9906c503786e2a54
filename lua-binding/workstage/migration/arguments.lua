--- Checks the arguments of the module's functions. A value that is not a table
-- raises an error; a table of the wrong kind is returned as an error.
local errors = require "workstage.errors"

local arguments = {}

local function is_blueprint(value)
  return value.stages ~= nil or value.moves ~= nil or
         value.workflow ~= nil or value.workflows ~= nil
end

-- The kind of argument that a table is, or nil if it cannot be determined.
local function kind_of(value)
  if type(value.transport) == "table" then return "client" end
  if type(value.operations) == "table" then return "plan" end
  return is_blueprint(value) and "blueprint" or nil
end

local ARTICLE = { client = "a client", plan = "a plan",
                  blueprint = "a blueprint" }

local function check_kind(name, value, usage)
  local got = kind_of(value)
  if not ARTICLE[name] or got == name or
     name == "blueprint" and got == nil then
    return nil
  end
  return errors.invalid(("%s: expected %s, got %s. Call migration.%s"):format(
    name, ARTICLE[name], ARTICLE[got] or "another table", usage), name)
end

--- Checks arguments that are tables.
-- @tparam string usage "plan(client, blueprint, options)"
-- @tparam table opts array of { name, value }; the names "client", "plan"
--   and "blueprint" say which kind of table is expected
-- @treturn ?table the error
function arguments.check(usage, opts)
  for _, argument in ipairs(opts) do
    local name, value = argument[1], argument[2]
    if type(value) ~= "table" then
      error(("%s: expected a table, got %s"):format(name, type(value)), 3)
    end
  end
  for _, argument in ipairs(opts) do
    local err = check_kind(argument[1], argument[2], usage)
    if err then return err end
  end
end

return arguments
