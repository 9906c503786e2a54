--- Methods that resources of all services share: list, page, each, find, get,
-- create, update, delete. A service defines how responses are unwrapped; a
-- resource names its path, schema and filter.
local arguments = require "workstage.resource.arguments"
local core = require "workstage.core"
local fetch = require "workstage.resource.fetch"
local lists = require "workstage.resource.lists"
local loop = require "workstage.loop"
local options = require "workstage.options"
local post = require "workstage.resource.post"
local strict = require "workstage.strict"

local resource = {}

local direct = post.direct

local methods = {}

local function path_of(self, id)
  return ("%s/%d"):format(self.path, id)
end

--- Fetches one object by its id.
-- @tparam integer id of the object
-- @tparam[opt] get_filter filter what comes with it
-- @tparam[opt] call opts options of this call
-- @treturn[1] item the object
-- @treturn[2] nil
-- @treturn[2] table the error
function methods:get(id, filter, opts)
  arguments.check_self(self, "get")
  -- without a filter for single objects, the options come second
  if not self.class.get_filter and opts == nil then
    filter, opts = nil, filter
  end
  arguments.check_optional(filter, "filter")
  arguments.check_optional(opts, "call options")
  local call, err = arguments.read_call(opts)
  if not call then return nil, err end
  id, err = arguments.check_id(id)
  if not id then return nil, err end
  local query
  if filter then
    query, err = arguments.write_query(self.class.get_filter, filter, call)
    if not query then return nil, err end
  end
  return fetch.object(self, self.service.read_one, "GET", path_of(self, id),
                      query, nil, call)
end

--- Creates an object and returns it as the service did. The error is
-- `ambiguous` if the object may have been created.
-- @tparam new attributes of the object
-- @tparam[opt] call opts options of this call
-- @treturn[1] item the object
-- @treturn[2] nil
-- @treturn[2] table the error
function methods:create(attributes, opts)
  -- the short way of most requests: the core does all of it
  local send = opts == nil and direct[self]
  local place = send and loop.place()
  if place ~= nil and send then
    local object, kind, why, field = send(self, attributes, place)
    if object then return object end
    if kind then return post.result(nil, kind, why, field) end
  end
  arguments.check_self(self, "create")
  arguments.check_table(attributes, "attributes")
  arguments.check_optional(opts, "call options")
  local call, err = arguments.read_call(opts)
  if not call then return nil, err end
  return post.create(self, nil, nil, attributes, call)
end

-- Removes from an object that was read what cannot be written: its id, and the
-- flags of its class that are false.
local function without_read_only(class, attributes, id)
  if not class.marks or rawget(attributes, "id") == nil then
    return attributes
  end
  local left = core.copy(attributes)
  if options.id(left.id) == id then left.id = nil end
  for _, name in ipairs(class.marks) do
    if left[name] == false then left[name] = nil end
  end
  return left
end

--- Updates an object. Only the given attributes are sent.
-- @tparam integer id of the object
-- @tparam attributes attributes to change; a stage can be passed as read
-- @tparam[opt] call opts options of this call
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] table the error
function methods:update(id, attributes, opts)
  arguments.check_self(self, "update")
  arguments.check_table(attributes, "attributes")
  arguments.check_optional(opts, "call options")
  local call, err = arguments.read_call(opts)
  if not call then return nil, err end
  id, err = arguments.check_id(id)
  if not id then return nil, err end
  local body
  body, err = arguments.body_of(self.class.schema, true,
                      without_read_only(self.class, attributes, id), call)
  if not body then return nil, err end
  return fetch.send(self, "PUT", path_of(self, id), nil, body, call)
end

--- Deletes an object.
-- @tparam integer id of the object
-- @tparam[opt] call opts options of this call
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] table the error
function methods:delete(id, opts)
  arguments.check_self(self, "delete")
  arguments.check_optional(opts, "call options")
  local call, err = arguments.read_call(opts)
  if not call then return nil, err end
  id, err = arguments.check_id(id)
  if not id then return nil, err end
  return fetch.send(self, "DELETE", path_of(self, id), nil, nil, call)
end

-- -------------------------------------------------------------- classes

-- The keys around a resource's objects in a response.
local function envelope_of(class)
  local parts = { class.root, "one", class.schema }
  if class.plural then
    table.move({ class.plural, "many", class.schema }, 1, 3, 4, parts)
  end
  return core.envelope(table.unpack(parts))
end

--- Defines a resource.
-- @tparam table class `name`, `one` (a word for one item), `path`, `schema`,
--   `filter`, `get_filter` (schema names), `paged`, `order` (in which pages
--   are read unless the filter says otherwise), `by_ids`, `get_again` (a
--   filter for `get` that finds what a list did), `methods` (names of those
--   above), `extra` (functions of its own), `lookup` (looks for a create whose
--   response was lost), `needs_listing` (which needs to know that all were
--   listed before), `remember` (`remember(memory, object, at)` notes what was
--   read), `marks` (read-only flags of an object that may be given back
--   whole), `choose` (`choose(list, filter)` applies filters that the service
--   may not know); of changes: `item` (the attribute that names what is
--   changed), `item_kind` (its resource), `target` (the attribute that says to
--   what)
function resource.define(class)
  class.schema_name = class.schema
  class.schema = core.schema(class.schema)
  class.filter = class.filter and core.schema(class.filter)
  class.get_filter = class.get_filter and core.schema(class.get_filter)
  class.envelope = class.envelope or envelope_of(class)
  class.listed = class.needs_listing and "listed_" .. class.name
  class.api = {}
  for _, name in ipairs(class.methods) do
    class.api[name] = methods[name] or lists.methods[name]
  end
  for name, method in pairs(class.extra or {}) do class.api[name] = method end
  class.metatable = {
    __index = strict.table(class.name, class.api),
    __name = "workstage." .. class.name,
  }
  return class
end

--- A resource of one client.
-- @tparam table class
-- @tparam table owner with `transport`, `prefix` (of paths) and `service`
--   (`read_one`, `read_many`, `per_page`, `default_per_page`)
function resource.new(class, owner)
  local self = setmetatable({
    class = class,
    transport = owner.transport,
    prefix = owner.prefix,
    path = owner.prefix .. class.path,
    service = owner.service,
  }, class.metatable)
  if rawget(class.api, "create") then post.prepare(self) end
  return self
end

return resource
