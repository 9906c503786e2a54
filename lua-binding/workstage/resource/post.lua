--- Sends POSTs so that each takes effect exactly once.
local core = require "workstage.core"
local fetch = require "workstage.resource.fetch"
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

--- Sends a POST whose effect must happen exactly once: see `reconcile`. The
-- request also serves as the options of its call. It holds what `lookup` needs
-- of the attributes: the numbers of a change, a copy of others, because the
-- caller may reuse the table before the request has ended.
-- @tparam table attributes that are sent
function post.create(self, path, query, body, attributes, opts)
  local class, began = self.class, now()
  local request = {
    class = class, path = path, query = query, body = body, began = began,
    sent_at = began, timeout = opts.timeout, retry = opts.retry,
    deadline = opts.deadline, start_within = opts.start_within, call = false,
  }
  if class.item then
    local memory = self.transport.memory
    post.note_change(request, attributes)
    request.known = memory:item(class.item_kind, request.item)
  else
    request.sent = core.copy(attributes)
    request.listed = self.transport[class.listed]
  end
  local object, err, lost = send_protected(self, request)
  if object then return object end
  if not err.ambiguous then return nil, err end
  return transport.guard(resolve_ambiguous, self, request, opts, err, lost)
end

return post
