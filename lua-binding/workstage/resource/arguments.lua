--- Validates the arguments of methods, and writes them as queries and bodies.
local core = require "workstage.core"
local errors = require "workstage.errors"
local options = require "workstage.options"

local arguments = {}

function arguments.check_self(self, name)
  if type(self) ~= "table" or not self.transport then
    error(("%s: call it with a colon, as in space.stages:%s(...)")
          :format(name, name), 3)
  end
end

function arguments.check_table(value, what)
  if type(value) ~= "table" then
    error(("%s: expected a table, got %s"):format(what, type(value)), 3)
  end
end

function arguments.check_optional(value, what)
  if value ~= nil and type(value) ~= "table" then
    error(("%s: expected a table, got %s"):format(what, type(value)), 3)
  end
end

-- Validates the id of a path. Returns nil, err if it is invalid.
function arguments.check_id(value)
  local id, why = options.id(value)
  if not id then return nil, errors.invalid("id: " .. why, "id") end
  return id
end

local NO_OPTIONS = {} -- of a call; nothing writes to it

function arguments.read_call(opts)
  if opts == nil then return NO_OPTIONS end
  if opts.only ~= nil then
    return nil, errors.invalid("only: is an option of list, page and each",
                               "only")
  end
  return options.call(opts)
end

-- Returns the names of the fields to read, which always include `id`.
local function with_id(names)
  local all, has_id = {}, false
  for i, name in ipairs(names) do
    all[i] = name
    has_id = has_id or name == "id"
  end
  if not has_id then all[#all + 1] = "id" end
  return all
end

local function has(names, wanted)
  for _, name in ipairs(names) do
    if name == wanted then return true end
  end
  return false
end

-- The options of a call that lists items, whose `only` becomes a projection;
-- `is_partial` if it leaves out what the client remembers of each item.
function arguments.read_list_call(self, opts)
  local call, err = options.call(opts or NO_OPTIONS)
  if not call or not call.only then return call, err end
  local only, why = core.projection(self.class.schema, with_id(call.only))
  if not only then
    return nil, errors.invalid("only: " .. why, "only")
  end
  local seen = self.class.seen
  call = core.copy(call)
  call.is_partial = seen and not has(call.only, seen)
  call.only = only
  return call
end

-- Writes a table as a query, by a schema.
function arguments.write_query(schema, values, opts)
  local query, why, field = core.query(schema, false, opts.strict ~= false,
                                       values)
  if not query then return nil, errors.invalid(why, field) end
  return query
end

function arguments.query_of(self, filter, opts)
  if not filter and not self.class.needs_filter then return nil end
  return arguments.write_query(self.class.filter, filter or {}, opts)
end

function arguments.body_of(schema, update, attributes, opts)
  local body, why, field = core.body(schema, update, opts.strict ~= false,
                                     attributes)
  if not body then return nil, errors.invalid(why, field) end
  return body
end

return arguments
