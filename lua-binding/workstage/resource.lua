--- Methods that resources of all services share: list, page, each, find, get,
-- create, update, delete. A service defines how responses are unwrapped; a
-- resource names its path, schema and filter.
local core = require "workstage.core"
local errors = require "workstage.errors"
local options = require "workstage.options"
local reconcile = require "workstage.reconcile"
local strict = require "workstage.strict"
local time = require "workstage.time"
local transport = require "workstage.transport"
local visible = require "workstage.visible"

local resource = {}

local methods = {}

-- Loaded when the first list is read.
local function paging() return require "workstage.paging" end

-- --------------------------------------------------------- arguments

local function check_self(self, name)
  if type(self) ~= "table" or not self.transport then
    error(("%s: call it with a colon, as in space.stages:%s(...)")
          :format(name, name), 3)
  end
end

local function check_table(value, what)
  if type(value) ~= "table" then
    error(("%s: expected a table, got %s"):format(what, type(value)), 3)
  end
end

local function check_optional(value, what)
  if value ~= nil and type(value) ~= "table" then
    error(("%s: expected a table, got %s"):format(what, type(value)), 3)
  end
end

-- Validates the id of a path. Returns nil, err if it is invalid.
local function check_id(value)
  local id, why = options.id(value)
  if not id then return nil, errors.invalid("id: " .. why, "id") end
  return id
end

local NO_OPTIONS = {} -- of a call; nothing writes to it

local function read_call(opts)
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
local function read_list_call(self, opts)
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

-- ------------------------------------------------------------ writing

-- Writes a table as a query, by a schema.
local function write_query(schema, values, opts)
  local query, why, field = core.query(schema, false, opts.strict ~= false,
                                       values)
  if not query then return nil, errors.invalid(why, field) end
  return query
end

local function query_of(self, filter, opts)
  if not filter and not self.class.needs_filter then return nil end
  return write_query(self.class.filter, filter or {}, opts)
end

local function body_of(schema, update, attributes, opts)
  local body, why, field = core.body(schema, update, opts.strict ~= false,
                                     attributes)
  if not body then return nil, errors.invalid(why, field) end
  return body
end

-- ------------------------------------------------------------ reading

-- True if a parsed value can be an array; empty arrays and empty objects look
-- the same.
local function is_array(value)
  return type(value) == "table" and (#value > 0 or next(value) == nil)
end

--- Reads a count from a response, as a number or as digits; nil if it is out of
-- range.
function resource.count(value, least, most)
  local count = math.tointeger(tonumber(value))
  return count and count >= least and count <= most and count or nil
end

-- Remembers the objects of a response. A version of a release does not show the
-- stage of the item itself.
local function remember(self, result, query, opts)
  local note = self.class.remember
  if not note or query and query:find("release_id=", 1, true) or
     opts and opts.is_partial then
    return
  end
  local memory, at = self.transport.memory, core.now()
  if result.id then return note(memory, result, at) end
  for _, item in ipairs(result) do note(memory, item, at) end
end

-- Fetches an answer, unwraps it with `read`, which returns nil and
-- why when it does not fit.
local function fetch(self, read, method, path, query, body, opts)
  local value, call, status =
    self.transport:fetch(method, path, query, body, opts,
                         self.class.envelope)
  if not value then return nil, call end
  local result, why = read(self, value, call)
  if not result then
    local err = self.transport:error_in_body(call, status, value)
    if err then return nil, err end
    return nil, self.transport:undecodable(call, status, why)
  end
  call:close()
  remember(self, result, query, opts)
  return result
end

-- Sends a write whose response body is not used. The body must be empty or
-- JSON, because the page of a proxy does not show that anything was done. (A
-- response without a success is that of a DELETE whose first attempt worked.)
local function send_once(opts, self, method, path, query, body)
  local call, status, size = self.transport:send(method, path, query, body,
                                                 opts)
  if not call then return nil, status end
  if size > 0 and status < 300 then
    local value, err = self.transport:parse(call, status)
    err = err or self.transport:error_in_body(call, status, value)
    if err then return nil, err end
  end
  call:close()
  return true
end

local function send(self, method, path, query, body, opts)
  local done, err = transport.protect(transport.attempt(opts), send_once,
                                      self, method, path, query, body)
  return done, err
end

-- Remembers the item's new stage, and what the response shows about the
-- service's clock.
local function remember_change(self, request, change)
  local class, memory, now = self.class, self.transport.memory, core.now()
  local id = math.tointeger(request.sent[class.item])
  if id and not math.tointeger(request.sent.release_id) then
    memory:read_item(class.item_kind, id, change[class.target],
                     change.created_at, now, true)
  end
  if not memory:wants_offset(now) then return end
  local created = time.parse(change.created_at)
  if created then memory:learn_offset(created, request.sent_at, now) end
end

-- Sends a POST and remembers the object it created. The claim comes last: if
-- memory runs out before it, the object is looked for and must not count as
-- another request's.
local function send_create(request, self)
  request.sent_at = core.now()
  local object, err = fetch(self, self.service.read_one, "POST",
                            request.path, request.query, request.body,
                            request)
  if object then
    if self.class.item then remember_change(self, request, object) end
    self.transport.memory:claim(self.class.name, object.id)
  end
  return object, err
end

-- Sends a POST under `transport.protect`, registered as in flight.
local function send_protected(self, request)
  local in_flight = self.transport.memory.in_flight
  in_flight[request] = true
  local object, err, lost = transport.protect(request, send_create, self)
  in_flight[request] = nil
  return object, err, lost
end

-- Returns the item's stage when it was last read before the request, by an
-- earlier run or by this client.
local function seen_before(request, opts)
  if opts.seen then
    return { stage = opts.seen.stage,
             created = time.parse(opts.seen.created_at) }
  end
  local known = request.known
  return known and {
    stage = known.stage, created = time.parse(known.created_at),
    age = request.began - known.at, is_own = known.is_own,
  }
end

-- Resolves a POST whose first response was an error.
local function resolve_ambiguous(self, request, opts, err, lost)
  request.seen = seen_before(request, opts)
  local find = self.class.lookup(self, request)
  local function again(remaining)
    request.timeout, request.deadline = remaining.timeout, remaining.deadline
    request.start_within = remaining.start_within
    request.call = false
    local object, why, call = send_protected(self, request)
    return object, why and self.transport:known(why, call)
  end
  local object, why = reconcile.resolve(
    self.transport, self.transport:known(err, lost), request.began, again,
    find, opts)
  -- the stage of the item is unknown now
  if why and why.ambiguous and self.class.item then
    self.transport.memory:forget_item(
      self.class.item_kind, math.tointeger(request.sent[self.class.item]))
  end
  return object, why
end

-- Sends a POST whose effect must happen exactly once: see `reconcile`. The
-- request also serves as the options of its call. The attributes are copied,
-- because the caller may reuse the table before the request has ended.
-- @tparam table attributes that are sent
local function post(self, path, query, body, attributes, opts)
  local class = self.class
  local request = {
    class = class, path = path, query = query, body = body,
    sent = core.copy(attributes), listed = self.transport[class.listed],
    began = core.now(), timeout = opts.timeout, retry = opts.retry,
    deadline = opts.deadline, start_within = opts.start_within, call = false,
  }
  local id = class.item and math.tointeger(attributes[class.item])
  request.known = id and self.transport.memory:item(class.item_kind, id)
  local object, err, lost = send_protected(self, request)
  if object then return object end
  if not err.ambiguous then return nil, err end
  return transport.guard(resolve_ambiguous, self, request, opts, err, lost)
end

local function path_of(self, id)
  return ("%s/%d"):format(self.path, id)
end

-- ------------------------------------------------------------- lists

-- Fetches one page with an unmodified filter.
local function fetch_list(self, filter, opts)
  local query, err = query_of(self, filter, opts)
  if err then return nil, err end
  return fetch(self, self.service.read_many, "GET", self.path, query, nil,
               opts)
end

-- Returns the options for the next of several requests that share a deadline.
local function with_time_left(opts, ends)
  if not ends then return opts end
  local left = ends - core.now()
  if left <= 0 then return nil, options.too_late() end
  local one = core.copy(opts)
  one.deadline = left
  return one
end

-- Returns a function that fetches a page by number and optional size. `ends` is
-- the deadline of all pages, on the clock of `core.now`.
local function pager(self, filter, whole, ends)
  local most = self.service.per_page
  return function(number, per_page)
    local opts, late = with_time_left(whole, ends)
    if not opts then return nil, late end
    local paged = {}
    for name, value in pairs(filter or {}) do paged[name] = value end
    -- in the service's default order items may move while they are read
    if not paged.search then paged.order = paged.order or self.class.order end
    paged.page = number
    paged.per_page = per_page or paged.per_page or most
    local page, err = fetch_list(self, paged, opts)
    if not page then return nil, err end
    page.page = number
    page.per_page = page.per_page or math.tointeger(paged.per_page)
    return page
  end
end

--- Reads all items of a list, without validating the arguments.
function resource.all(self, filter, opts)
  if not self.class.paged then return fetch_list(self, filter, opts) end
  local ends = opts.deadline and core.now() + opts.deadline
  return paging().all(pager(self, filter, opts, ends))
end

local function chooses(filter)
  for name in pairs(filter or {}) do
    if name ~= "include_stages" then return true end
  end
  return false
end

-- Notes that all objects were listed, if that matters later.
local function note_listed(self, list, filter)
  if list and self.class.listed and not chooses(filter) then
    self.transport[self.class.listed] = true
  end
end

local function refuse_page(filter, instead)
  if filter and filter.page ~= nil then
    return errors.invalid(("page: all pages are read here; use %s for one")
                          :format(instead), "page")
  end
end

--- Lists all items that match, from all pages.
-- @tparam[opt] filter filter which items
-- @tparam[opt] call opts options of this call
-- @treturn[1] item[] an array
-- @treturn[2] nil
-- @treturn[2] table the error
function methods:list(filter, opts)
  check_self(self, "list")
  check_optional(filter, "filter")
  check_optional(opts, "call options")
  local call, err = read_list_call(self, opts)
  if not call then return nil, err end
  err = self.class.paged and refuse_page(filter, "page()")
  if err then return nil, err end
  local list
  list, err = resource.all(self, filter, call)
  note_listed(self, list, filter)
  return list, err
end

--- Fetches one page: an array with the fields `total`, `page` and `per_page`.
-- @tparam[opt] filter filter which items, which page, and how long it is
-- @tparam[opt] call opts options of this call
-- @treturn[1] page the page
-- @treturn[2] nil
-- @treturn[2] table the error
function methods:page(filter, opts)
  check_self(self, "page")
  check_optional(filter, "filter")
  check_optional(opts, "call options")
  local call, err = read_list_call(self, opts)
  if not call then return nil, err end
  local page
  page, err = fetch_list(self, filter, call)
  if not page then return nil, err end
  local asked = filter or {}
  page.page = page.page or math.tointeger(asked.page) or 1
  page.per_page = page.per_page or math.tointeger(asked.per_page) or
                  self.service.default_per_page
  return page
end

-- Returns a function that fetches objects by their ids, with those filters that
-- shape objects but not those that select them.
local function by_ids_of(self, filter, opts)
  local by = self.class.by_ids
  return function(ids)
    local again = { [by.field] = ids, per_page = self.service.per_page }
    for _, name in ipairs(by.keep) do
      again[name] = filter and filter[name]
    end
    for name, value in pairs(by.set or {}) do again[name] = value end
    return fetch_list(self, again, opts)
  end
end

--- Iterates over every item that matched when the loop started, exactly once,
-- even if the loop moves items out of the filter. Raises its errors.
-- @tparam[opt] filter filter which items
-- @tparam[opt] call opts options of this call
-- @treturn iterator for a `for` loop
function methods:each(filter, opts)
  check_self(self, "each")
  check_optional(filter, "filter")
  check_optional(opts, "call options")
  local call, err = read_list_call(self, opts)
  err = err or refuse_page(filter, "page()")
  if err then error(err, 0) end
  local copy = filter and table.move(filter, 1, 0, 1, {})
  for name, value in pairs(filter or {}) do copy[name] = value end
  local pages = pager(self, copy, call)
  local whole = core.copy(opts or {})
  whole.only = nil
  if not self.class.by_ids then return paging().each(pages) end
  return paging().each_of_snapshot(
    pages, by_ids_of(self, copy, call),
    function(id) return self:get(id, self.class.get_again, whole) end,
    self.service.per_page)
end

local function names_of(list)
  local names = {}
  for i, item in ipairs(list) do names[i] = visible.quoted(item.name) end
  return #names > 0 and table.concat(names, ", ") or "none"
end

--- Finds the one item with a name. Fails if there is none, or several.
-- @tparam string name exactly as the service has it
-- @tparam[opt] filter filter among which items
-- @tparam[opt] call opts options of this call
-- @treturn[1] item the item
-- @treturn[2] nil
-- @treturn[2] table the error
function methods:find(name, filter, opts)
  check_self(self, "find")
  check_optional(filter, "filter")
  check_optional(opts, "call options")
  if type(name) ~= "string" then
    return nil, errors.invalid(("name: expected a string, got %s")
                               :format(type(name)), "name")
  end
  local list, err = self:list(filter, opts)
  if not list then return nil, err end
  local ids, found = {}, nil
  for _, item in ipairs(list) do
    if item.name == name then
      found = item
      ids[#ids + 1] = ("%d"):format(item.id)
    end
  end
  if #ids == 1 then return found end
  if #ids == 0 then
    return nil, errors.new {
      kind = "not_found",
      message = ("no %s is named %s (there are: %s)")
                :format(self.class.one, visible.quoted(name), names_of(list)),
    }
  end
  return nil, errors.invalid(("%d %ss are named %s: say which by id (%s)")
                             :format(#ids, self.class.one,
                                     visible.quoted(name),
                                     table.concat(ids, ", ")), "name")
end

-- ---------------------------------------------------------- one object

--- Fetches one object by its id.
-- @tparam integer id of the object
-- @tparam[opt] get_filter filter what comes with it
-- @tparam[opt] call opts options of this call
-- @treturn[1] item the object
-- @treturn[2] nil
-- @treturn[2] table the error
function methods:get(id, filter, opts)
  check_self(self, "get")
  -- without a filter for single objects, the options come second
  if not self.class.get_filter and opts == nil then
    filter, opts = nil, filter
  end
  check_optional(filter, "filter")
  check_optional(opts, "call options")
  local call, err = read_call(opts)
  if not call then return nil, err end
  id, err = check_id(id)
  if not id then return nil, err end
  local query
  if filter then
    query, err = write_query(self.class.get_filter, filter, call)
    if not query then return nil, err end
  end
  return fetch(self, self.service.read_one, "GET", path_of(self, id), query,
               nil, call)
end

--- Creates an object and returns it as the service did. If it is unknown
-- whether the object was created, the error is `ambiguous`.
-- @tparam new attributes of the object
-- @tparam[opt] call opts options of this call
-- @treturn[1] item the object
-- @treturn[2] nil
-- @treturn[2] table the error
function methods:create(attributes, opts)
  check_self(self, "create")
  check_table(attributes, "attributes")
  check_optional(opts, "call options")
  local class = self.class
  local call, err = read_call(opts)
  if not call then return nil, err end
  local body, query
  body, err = body_of(class.schema, false, attributes, call)
  if not body then return nil, err end
  if class.create_query then
    query, err = core.query(class.schema, true, false, attributes)
    if not query then return nil, errors.invalid(err) end
  end
  return post(self, self.path, query, body, attributes, call)
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
-- @tparam attributes attributes to change; a stage can be passed as it was read
-- @tparam[opt] call opts options of this call
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] table the error
function methods:update(id, attributes, opts)
  check_self(self, "update")
  check_table(attributes, "attributes")
  check_optional(opts, "call options")
  local call, err = read_call(opts)
  if not call then return nil, err end
  id, err = check_id(id)
  if not id then return nil, err end
  local body
  body, err = body_of(self.class.schema, true,
                      without_read_only(self.class, attributes, id), call)
  if not body then return nil, err end
  return send(self, "PUT", path_of(self, id), nil, body, call)
end

--- Deletes an object.
-- @tparam integer id of the object
-- @tparam[opt] call opts options of this call
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] table the error
function methods:delete(id, opts)
  check_self(self, "delete")
  check_optional(opts, "call options")
  local call, err = read_call(opts)
  if not call then return nil, err end
  id, err = check_id(id)
  if not id then return nil, err end
  return send(self, "DELETE", path_of(self, id), nil, nil, call)
end

-- -------------------------------------------------------------- classes

-- What stands around a resource's objects in a response.
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
--   whole); of changes: `item` (the attribute that names what is changed),
--   `item_kind` (its resource), `target` (the attribute that says to what)
function resource.define(class)
  class.schema_name = class.schema
  class.schema = core.schema(class.schema)
  class.filter = class.filter and core.schema(class.filter)
  class.get_filter = class.get_filter and core.schema(class.get_filter)
  class.envelope = class.envelope or envelope_of(class)
  class.listed = class.needs_listing and "listed_" .. class.name
  class.api = {}
  for _, name in ipairs(class.methods) do class.api[name] = methods[name] end
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
  return setmetatable({
    class = class,
    transport = owner.transport,
    prefix = owner.prefix,
    path = owner.prefix .. class.path,
    service = owner.service,
  }, class.metatable)
end

-- Used by the services and by the methods of single resources.
resource.is_array = is_array
resource.fetch = fetch
resource.post = post
resource.check_self = check_self
resource.check_table = check_table
resource.check_optional = check_optional
resource.check_id = check_id
resource.read_call = read_call
resource.body_of = body_of
resource.write_query = write_query

return resource
