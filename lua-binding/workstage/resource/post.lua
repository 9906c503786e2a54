--- Sends POSTs so that each takes effect exactly once.
local arguments = require "workstage.resource.arguments"
local core = require "workstage.core"
local errors = require "workstage.errors"
local fetch = require "workstage.resource.fetch"
local loop = require "workstage.loop"
local reconcile = require "workstage.reconcile"
local time = require "workstage.time"
local transport = require "workstage.transport"

local post = {}

local now, tointeger = core.now, math.tointeger

-- Remembers the item's new stage, and what the response shows about the
-- service's clock.
local function remember_change(self, request, change)
  local class, memory, answered = self.class, self.transport.memory, now()
  if request.item and not request.release then
    memory:read_item(class.item_kind, request.item, change[class.target],
                     change.created_at, answered, true)
  end
  if not memory:wants_offset(answered) then return end
  local created = time.parse(change.created_at)
  if created then memory:learn_offset(created, request.sent_at, answered) end
end

-- Sends a POST and remembers the object it created. The claim comes last: if
-- memory runs out before it, the object is looked for and must not count as
-- another request's.
local function send_create(request, self)
  local object, err = fetch.object(self, self.service.read_one, "POST",
                                   request.path, request.query, request.body,
                                   request)
  if object then
    if self.class.item then remember_change(self, request, object) end
    self.transport.memory:claim(self.class.name, object.id)
  end
  return object, err
end

-- Sends a POST under `transport.protect`. A change is registered as in flight;
-- a call that the core has started is already.
local function send_protected(self, request)
  local class = self.class
  local _ <close> = request.item and not request.call and
    self.transport.memory:enter(class.name, request.item, request.target)
    or nil
  return transport.protect(request, send_create, self)
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
    request.call, request.sent_at = false, now()
    local object, why, call = send_protected(self, request)
    return object, why and self.transport:known(why, call)
  end
  local object, why = reconcile.resolve(
    self.transport, self.transport:known(err, lost), request.began, again,
    find, opts)
  -- the stage of the item is unknown now
  if why and why.ambiguous and request.item then
    self.transport.memory:forget_item(self.class.item_kind, request.item)
  end
  return object, why
end

--- Notes in a request what `lookup` needs of a change's attributes.
function post.note_change(request, attributes)
  local class = request.class
  request.item = tointeger(attributes[class.item])
  request.target = tointeger(attributes[class.target])
  request.release = tointeger(attributes.release_id)
  local include = attributes.include
  if type(include) == "table" then request.include = core.copy(include) end
end

-- Resolves the outcome of a POST, if need be.
local function resolve(self, request, opts, object, err, lost)
  if object then return object end
  if not err.ambiguous then return nil, err end
  return transport.guard(resolve_ambiguous, self, request, opts, err, lost)
end

local NO_OPTIONS = {} -- of a call; nothing writes to it

-- Continues with a call that the core has started: it has failed, was
-- interrupted by a signal, or has a response that is not as it must be; or
-- memory ran out (`raised`).
local function continue(self, opts, path, request, call, raised)
  opts = opts or NO_OPTIONS
  request = request or {}
  request.class, request.path = self.class, path or self.path
  request.body, request.call = call:sent_body(), call
  request.timeout, request.retry = opts.timeout, opts.retry
  request.deadline, request.start_within = opts.deadline, opts.start_within
  call:note(request)
  local object, err, lost
  if raised ~= nil then
    object, err, lost = transport.unwrap(request, false, raised)
  else
    object, err, lost = send_protected(self, request)
  end
  return resolve(self, request, opts, object, err, lost)
end

-- The core's function for the POSTs of each resource, where it can make them.
local functions = setmetatable({}, { __mode = "k" })

--- The same for resources whose attributes need no copy.
post.direct = setmetatable({}, { __mode = "k" })

--- Prepares the POSTs of a resource. The core makes them where one member of
-- the response is the object as it is.
function post.prepare(self)
  local class, client = self.class, self.transport.client
  local memory = self.transport.memory
  if not client or not class.root or class.finish or class.create_query then
    return
  end
  local send = core.post {
    client = client, memory = memory, schema = class.schema,
    envelope = class.envelope, path = self.path, name = class.name,
    item_kind = class.item_kind, item = class.item, target = class.target,
    unknown = transport.UNKNOWN, continue = continue,
    learn = function(created_at, sent, answered)
      local created = time.parse(created_at)
      if created then memory:learn_offset(created, sent, answered) end
    end,
  }
  functions[self] = send
  if class.item then post.direct[self] = send end
end

-- Returns what the core's function did: the object; nil and an error; or an
-- error of a request that was not sent.
function post.result(object, kind, why, field)
  if object ~= nil then return object end
  if errors.is(kind) then return nil, kind end
  if kind == "invalid" then return nil, errors.invalid(why, field) end
  return nil, errors.new { kind = kind, message = why }
end

-- Writes the body of a request from the attributes, unless it has one; and its
-- query. Returns nil, or the error.
local function write_attributes(self, request, attributes, opts)
  local class, why = self.class, nil
  if not request.body then
    request.body, why = arguments.body_of(class.schema, false, attributes,
                                          opts)
  end
  if class.create_query and not why then
    request.query, why = core.query(class.schema, true, false, attributes)
    why = why and errors.invalid(why)
  end
  return why
end

-- Sends a POST without the core's function.
local function create_in_lua(self, request, attributes, opts)
  local class, began = self.class, now()
  request.class, request.path = class, request.path or self.path
  request.began, request.sent_at, request.call = began, began, false
  request.timeout, request.retry = opts.timeout, opts.retry
  request.deadline, request.start_within = opts.deadline, opts.start_within
  if class.item then
    post.note_change(request, attributes)
    request.known = self.transport.memory:item(class.item_kind, request.item)
  end
  return resolve(self, request, opts, send_protected(self, request))
end

--- Sends a POST whose effect must happen exactly once: see `reconcile`. The
-- request also serves as the options of its call. It holds what `lookup` needs
-- of the attributes: the numbers of a change, a copy of others, because the
-- caller may reuse the table before the request has ended.
-- @tparam[opt] string path that of the resource unless given
-- @tparam[opt] string body the attributes by the schema unless given
-- @tparam table attributes that are sent
function post.create(self, path, body, attributes, opts)
  local class, send = self.class, functions[self]
  local request = { path = path, body = body }
  if not send or not class.item then
    local err = write_attributes(self, request, attributes, opts)
    if err then return nil, err end
  end
  if not class.item then
    request.sent = core.copy(attributes)
    request.listed = self.transport[class.listed]
  end
  local place = loop.place()
  if place == nil then return nil, loop.cancelled_error() end
  if not send then return create_in_lua(self, request, attributes, opts) end
  return post.result(send(self, attributes, place, opts, path, request.body,
                          request))
end

return post
