--- Settling a POST in doubt by reading.
--
-- The services know no idempotency keys: a POST whose answer was lost may
-- have taken effect, and must not be sent again blindly. What it should have
-- made is looked for instead, for as long as effects may take to show
-- (`settle_time`); only then it is sent again. What cannot be told for sure
-- stays an error with `ambiguous`.
local core = require "workstage.core"
local errors = require "workstage.errors"
local loop = require "workstage.loop"

local reconcile = {}

-- When to look, as parts of settle_time.
local CHECK_TIMES = { 0, 0.2, 0.5, 1 }

-- How many ids of a kind are kept before the older half is forgotten: more
-- than a service lets through until a request that hangs is reconciled.
local MEMORY_LIMIT = 1024

-- --------------------------------------------------------------- memory

-- What this client has made or seen, so that it is not taken for the effect
-- of another request: two generations, id -> when.
local function memory_of(transport, kind)
  local memory = transport.memory[kind]
  if not memory then
    memory = { recent = {}, older = {}, count = 0 }
    transport.memory[kind] = memory
  end
  return memory
end

--- Remembers that an object was made by a request, or seen in an answer.
-- @tparam table transport
-- @tparam string kind such as "changes"
-- @tparam integer id
-- @tparam[opt] number at when, on `core.now`'s clock; now unless given
function reconcile.remember(transport, kind, id, at)
  local memory = memory_of(transport, kind)
  if memory.recent[id] or memory.older[id] then return end
  if memory.count >= MEMORY_LIMIT then
    memory.older, memory.recent, memory.count = memory.recent, {}, 0
  end
  memory.recent[id] = at or core.now()
  memory.count = memory.count + 1
end

--- When an object was first made or seen by this client; nil if never.
function reconcile.remembered(transport, kind, id)
  local memory = memory_of(transport, kind)
  return memory.recent[id] or memory.older[id]
end

-- ----------------------------------------------- a request without response

local Lost = {}
Lost.__index = Lost

-- The deadline of the next request: what is left, a moment at the least.
local function left_of(lost)
  return lost.deadline and math.max(lost.deadline - core.now(), 0.001)
end

--- Call options for a look, which take the time that is left, and learn the
-- server's clock from each answer.
function Lost:options()
  return {
    deadline = left_of(self),
    on_answer = function(info)
      if info.date and info.answered then
        local sent = core.now() - info.answered - self.first_sent
        self.since = info.date - sent - 1
      end
    end,
  }
end

--- Whether something the service dates so can be the request's effect: it was
-- made at or after the first send, by the server's clock. nil: no clock.
function Lost:covers(seconds)
  if not self.since or not seconds then return nil end
  return seconds >= self.since
end

local function emit_event(transport, err, result, since)
  if not transport.on_event then return end
  loop.tell(transport.on_event, {
    type = "reconciled", method = err.method, url = err.url, result = result,
    elapsed = core.now() - since, time = os.time(),
  })
end

-- A look that failed in a way that may pass: a later one can tell all the
-- same.
local TRANSIENT = { network = true, timeout = true, server = true,
                  rate_limited = true, decode = true }

function reconcile.is_transient(why)
  return errors.is(why) and TRANSIENT[why.kind] == true
end

-- Whether the request may not be sent any more (`start_within`).
local function is_late(lost)
  return lost.start_before ~= nil and core.now() >= lost.start_before
end

-- Looks until the effect shows, or settle_time is over.
-- @return "done", object; "not_done"; or "unknown", why
local function poll_for_effect(transport, lost, evidence)
  local began = core.now()
  for _, part in ipairs(CHECK_TIMES) do
    local pause = began + part * transport.settle_time - core.now()
    if lost.deadline and core.now() + pause >= lost.deadline then
      return "unknown", "the deadline passed before it could be reconciled"
    end
    if pause > 0 then loop.sleep(pause) end
    if loop.is_cancelled() then return "unknown", "the task was cancelled" end
    lost.is_last_check = part == 1
    local object, why = evidence(lost)
    if object then return "done", object end
    if why and (lost.is_last_check or not reconcile.is_transient(why)) then
      return "unknown", why
    end
  end
  return "not_done"
end

-- The error with what settling found out about it.
local function with_details(err, ambiguous, attempts, why)
  err.ambiguous = ambiguous
  err.attempts = attempts
  if why then err.hint = "it could not be reconciled: " .. tostring(why) end
  return errors.new(err)
end

-- A POST that was sent again may have been refused because the first one
-- worked after all, later than effects show.
-- @return as `evidence` does; and nil, nil where nothing shows
local function check_after_refusal(lost, sends, err, evidence)
  if sends == 1 or err.kind ~= "rejected" then return nil end
  lost.is_last_check = true
  return evidence(lost)
end

--- Sees a POST through whose first answer failed, until its effect is there
-- once. Only one in doubt is looked for and sent again.
-- @tparam table transport
-- @tparam table err the first answer's error
-- @tparam number began when it was sent, on `core.now`'s clock
-- @tparam function send `send(call)`: the object, or nil and an error
-- @tparam function evidence `evidence(lost)`: the object that the request
--   made; nil when there is none yet; nil and why when it cannot be told
-- @tparam table call the call options
-- @return the object, or nil and an error
function reconcile.post(transport, err, began, send, evidence, call)
  local attempts, sends = 0, 0
  local lost = setmetatable({
    deadline = call.deadline and began + call.deadline,
    start_before = call.start_within and began + call.start_within,
  }, Lost)
  while true do
    sends = sends + 1
    attempts = attempts + (err.attempts or 0)
    if not err.ambiguous or err.kind == "cancelled" then
      local object, why = check_after_refusal(lost, sends, err, evidence)
      if object then return object end
      return nil, with_details(err, err.ambiguous or why ~= nil, attempts,
                               why)
    end
    lost.first_sent = lost.first_sent or transport:first_sent(err) or began
    local lost_at = core.now()
    local verdict, found = poll_for_effect(transport, lost, evidence)
    emit_event(transport, err, verdict, lost_at)
    if verdict == "done" then return found end
    if verdict == "unknown" then
      return nil, with_details(err, true, attempts, found)
    end
    if call.retry == false or sends >= transport.attempts or
       is_late(lost) then
      return nil, with_details(err, false, attempts)
    end
    local object, why = send {
      timeout = call.timeout, retry = call.retry,
      deadline = left_of(lost),
      start_within = lost.start_before and lost.start_before - core.now(),
    }
    if object then return object end
    err = why
  end
end

return reconcile
