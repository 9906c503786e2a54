--- Resolves a POST whose response was lost, by reading.
--
-- The services know no idempotency keys: a POST whose response was lost may
-- have taken effect, and must not be sent again blindly. What it should have
-- made is looked for instead, for as long as effects may take to show
-- (`settle_time`); only then it is sent again. What cannot be decided stays an
-- error with `ambiguous`.
local core = require "workstage.core"
local errors = require "workstage.errors"
local loop = require "workstage.loop"

local reconcile = {}

-- When to look, as parts of settle_time.
local CHECK_TIMES = { 0, 0.2, 0.5, 1 }

-- --------------------------------------------------------- lost requests

local Lost = {}
Lost.__index = Lost

--- A request whose response was lost, as far as the looks need it.
-- @tparam[opt] number deadline seconds from now
function reconcile.lost(deadline)
  return setmetatable({ deadline = deadline and core.now() + deadline }, Lost)
end

-- The deadline of the next request: what is left, a moment at the least.
local function time_left(lost)
  return lost.deadline and math.max(lost.deadline - core.now(), 0.001)
end

--- Call options for a look, which take the time that is left, and learn the
-- server's clock from each answer. Where its `Date` is ahead of this machine's
-- clock, the latter counts: it makes fewer changes old.
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

-- Kinds of failure after which a later look may succeed.
local TRANSIENT = { network = true, timeout = true, server = true,
                    rate_limited = true, decode = true }

--- Whether a look failed in a way that may pass.
function reconcile.is_transient(why)
  return errors.is(why) and TRANSIENT[why.kind] == true
end

-- Whether the request may not be sent any more (`start_within`).
local function is_late(lost)
  return lost.start_before ~= nil and core.now() >= lost.start_before
end

-- Looks until the effect shows, or settle_time is over. What cannot be decided
-- at one look may be at the next, when more has been read; an error that will
-- not pass ends it.
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

-- The error with what was found out about it.
local function with_details(err, ambiguous, attempts, why)
  err.ambiguous = ambiguous
  err.attempts = attempts
  if why then err.hint = "it could not be reconciled: " .. tostring(why) end
  return errors.new(err)
end

-- A POST that was sent again may have been refused because the first one
-- worked after all, later than effects show.
-- @return as `find` does; and nil, nil where nothing shows
local function check_after_refusal(lost, sends, err, find)
  if sends == 1 or err.kind ~= "rejected" then return nil end
  lost.is_last_check = true
  return find(lost)
end

-- Whether an error leaves no doubt, or none that may be looked into.
local function is_final(err)
  return not err.ambiguous or err.kind == "cancelled"
end

--- Resolves a POST whose first response was an error, until its effect is
-- there once. Only one whose outcome is unknown is looked for and sent again.
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

--- Finds out whether an earlier run made a change of which it recorded no
-- outcome: one look, without waiting. The caller lets `settle_time` pass
-- first.
-- @tparam table changes `space.changes`, or `ox.changes`
-- @tparam table attributes of the change, as for `create`
-- @tparam[opt] table seen the item as it was read before: `stage`,
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
