--- Resolves POSTs whose responses were lost, by reading.
--
-- The services know no idempotency keys: a POST whose response was lost may
-- have taken effect, and must not be sent again blindly. Its effect is looked
-- for instead, as long as effects may take to show (`settle_time`); only then
-- is it sent again. If the outcome stays unknown, the error is `ambiguous`.
local core = require "workstage.core"
local errors = require "workstage.errors"
local loop = require "workstage.loop"

local reconcile = {}

-- The times of the lookups, as parts of settle_time.
local CHECK_TIMES = { 0, 0.2, 0.5, 1 }

-- --------------------------------------------------------- lost requests

local Lost = {}
Lost.__index = Lost

--- Creates the record of a request whose response was lost.
-- @tparam[opt] number deadline seconds from now
function reconcile.lost(deadline)
  return setmetatable({ deadline = deadline and core.now() + deadline }, Lost)
end

-- Returns the deadline of the next request: the remaining time, but more than
-- 0.
local function time_left(lost)
  return lost.deadline and math.max(lost.deadline - core.now(), 0.001)
end

--- Returns the call options of a lookup: the remaining time, and a callback
-- that reads the server's clock from each response. If its `Date` is ahead of
-- this machine's clock, the latter is used, because then fewer changes count as
-- old.
function Lost:options()
  return {
    deadline = time_left(self),
    on_answer = function(info)
      if info.date and info.answered then
        local date_offset = info.date - (core.now() - info.answered)
        self.date_offset = math.min(date_offset, os.time() - core.now())
      end
    end,
  }
end

-- --------------------------------------------------------------- looking

local function emit_event(transport, err, result, since)
  if not transport.on_event then return end
  loop.tell(transport.on_event, {
    type = "reconciled", method = err.method, url = err.url, result = result,
    elapsed = core.now() - since, time = os.time(),
  })
end

-- Kinds of failure after which a later lookup may succeed.
local TRANSIENT = { network = true, timeout = true, server = true,
                    rate_limited = true, decode = true }

--- True if a lookup failed for a transient reason.
function reconcile.is_transient(why)
  return errors.is(why) and TRANSIENT[why.kind] == true
end

-- True if the request may no longer be sent (`start_within`).
local function is_late(lost)
  return lost.start_before ~= nil and core.now() >= lost.start_before
end

-- Repeats the lookup until the effect shows or settle_time is over. If one
-- lookup cannot decide, a later one may, after more was read. A permanent error
-- ends it. @return "done", object; "not_done"; or "unknown", and the reason
-- @return "done", object; "not_done"; or "unknown", why
local function poll_for_effect(settle_time, lost, find)
  local began = core.now()
  for _, part in ipairs(CHECK_TIMES) do
    local pause = began + part * settle_time - core.now()
    if lost.deadline and core.now() + pause >= lost.deadline then
      return "unknown", "the deadline passed before it could be reconciled"
    end
    if pause > 0 then loop.sleep(pause) end
    if loop.is_cancelled() then return "unknown", "the task was cancelled" end
    lost.is_last_check = part == 1
    local object, why = find(lost)
    if object then return "done", object end
    if why and (lost.is_last_check or
                (errors.is(why) and not reconcile.is_transient(why))) then
      return "unknown", why
    end
  end
  return "not_done"
end

-- Adds the result of the reconciliation to an error.
local function with_details(err, ambiguous, attempts, why)
  err.ambiguous = ambiguous
  err.attempts = attempts
  if why then err.hint = "it could not be reconciled: " .. tostring(why) end
  return errors.new(err)
end

-- Checks whether a second POST was refused because the first one had taken
-- effect after all, later than settle_time.
-- @return as `find` does; and nil, nil where nothing shows
local function check_after_refusal(lost, sends, err, find)
  if sends == 1 or err.kind ~= "rejected" then return nil end
  lost.is_last_check = true
  return find(lost)
end

-- True if the outcome is known, or must not be looked up.
local function is_final(err)
  return not err.ambiguous or err.kind == "cancelled"
end

--- Resolves a POST whose first response was an error, so that it takes effect
-- exactly once. Only a POST whose outcome is unknown is looked for and resent.
-- @tparam table transport
-- @tparam table err the first response's error
-- @tparam number began when the request began, on `core.now`'s clock
-- @tparam function send `send(call)`: the object, or nil and an error
-- @tparam function find `find(lost)`: the object that the request made; nil
--   when there is none yet; nil and why when it cannot be decided
-- @tparam table call the call options
-- @return the object, or nil and an error
function reconcile.resolve(transport, err, began, send, find, call)
  local attempts, sends = 0, 0
  local lost = reconcile.lost()
  lost.deadline = call.deadline and began + call.deadline
  lost.start_before = call.start_within and began + call.start_within
  while true do
    sends = sends + 1
    attempts = attempts + (err.attempts or 0)
    if is_final(err) then
      local object, why = check_after_refusal(lost, sends, err, find)
      if object then return object end
      return nil, with_details(err, err.ambiguous or why ~= nil, attempts,
                               why)
    end
    lost.first_sent = lost.first_sent or transport:first_sent(err) or began
    local lost_at = core.now()
    local verdict, found = poll_for_effect(transport.settle_time, lost, find)
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
      deadline = time_left(lost),
      start_within = lost.start_before and lost.start_before - core.now(),
    }
    if object then return object end
    err = why
  end
end

--- Finds out whether an earlier run made a change whose outcome it did not
-- record: one look, without waiting. The caller must let `settle_time` pass
-- first.
-- @tparam table changes `space.changes`, or `ox.changes`
-- @tparam table attributes of the change, as for `create`
-- @tparam[opt] table seen the item from an earlier read: `stage`,
--   `created_at`
-- @tparam[opt] call opts options of this call
-- @treturn string "done", "not_done" or "unknown"
-- @return the change, or why it is unknown
function reconcile.lookup(changes, attributes, seen, opts)
  local time = require "workstage.time"
  local lookup = require "workstage.reconcile.lookup"
  local before = seen and { stage = seen.stage,
                            created = time.parse(seen.created_at) }
  return lookup.change(changes, attributes, before, opts or {})
end

return reconcile
