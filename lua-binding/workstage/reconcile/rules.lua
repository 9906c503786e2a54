--- Decides whether a change that was found is the effect of a request whose
-- response was lost. Pure: no clock and no network, so that it can be run in
-- virtual time (proof/lost_responses.lua).
--
-- `Date` alone proves neither that a change is new nor that it is old: the
-- service's `created_at`, a proxy's `Date` and our own clock may disagree by
-- minutes. So `created_at` is compared with another `created_at` where there
-- is one (rules 1 and 2), else with our clock by the offset that our own
-- answered changes show (rule 3), else with `Date` (rule 4), by which a
-- change is never more than possibly new.
local rules = {}

-- Seconds by which two of the service's own clocks may disagree.
local NEAR = 4

-- Seconds by which `Date` and `created_at` may disagree.
local DATE_ERROR = 900

-- Seconds after which the last reading of an item no longer shows that a
-- later change was made by the request: its user may have made it meanwhile.
local STALE = 900

-- Seconds of uncertainty about the clocks' offset that rule 3 accepts.
local WIDE = 5

local function classify(seconds, near)
  if seconds > near then return "new" end
  return seconds < -near and "old" or "unknown"
end

-- Discards "new" if the item was not read shortly before it was changed.
local function unless_stale(seen, class)
  if class == "new" and seen.age and seen.age > STALE then return nil end
  return class
end

-- Rule 1: the item was read with the date of its last change. After a change
-- of our own the dates need not be far apart: that one is known by its id.
local function by_last_change(change, facts)
  local seen = facts.seen
  if not seen or not seen.created then return nil end
  if change == facts.read_change then return "old" end
  local later = change.created - seen.created
  if seen.is_own and later >= 0 then
    return later > 0 and unless_stale(seen, "new") or nil
  end
  return unless_stale(seen, classify(later, NEAR))
end

-- Rule 2: the item was read without a date. A change that is newer than the
-- newest one into the stage it was in then was not there when it was read.
-- Another one may be new as well: the item may have gone back to that stage.
local function by_last_stage(change, facts)
  local seen = facts.seen
  if not seen or seen.created or not facts.newest or
     seen.stage == facts.target then
    return nil
  end
  local class = classify(change.created - facts.newest, NEAR)
  return class == "new" and unless_stale(seen, class) or nil
end

-- Rule 3: by the offset of `created_at` against our clock.
local function by_offset(change, facts)
  local low, high = facts.low, facts.high
  if not low or not facts.sent or low > high then return nil end
  if change.created < facts.sent + low then return "old" end
  local is_vague = high - low > WIDE and change.created < facts.sent + high
  if is_vague or change.created > facts.now + high then return "unknown" end
  return "new"
end

-- Rule 4: by `Date`.
local function by_date(change, facts)
  if facts.date_offset and facts.sent and
     change.created < facts.sent + facts.date_offset - DATE_ERROR then
    return "old"
  end
  return "unknown"
end

-- "new": made after the request was first sent; "old"; or "unknown".
local function class_of(change, facts)
  if not change.created then return "unknown" end
  return by_last_change(change, facts) or by_last_stage(change, facts) or
         by_offset(change, facts) or by_date(change, facts)
end

-- Returns the change that led to the stage that was read. Of several with the
-- same date, one that is known already is the most likely.
local function find_read_change(changes, seen)
  local found
  for _, change in ipairs(changes) do
    if seen.created and change.created == seen.created and
       change.stage == seen.stage then
      if change.is_taken then return change end
      found = found or change
    end
  end
  return found
end

local function newest_into(changes, stage)
  local newest
  for _, change in ipairs(changes) do
    if change.stage == stage and change.created then
      newest = math.max(newest or change.created, change.created)
    end
  end
  return newest
end

--- Decides what a list of an item's changes says about a lost request.
-- @tparam table changes each `stage` (its target), `created` (seconds by the
--   service's clock, or nil), `is_own` (made by the token's user, or nobody
--   can tell), `is_taken` (known to be no effect of this request: it was read
--   before, or belongs to another request)
-- @tparam table facts `target` (the stage that was asked for); `seen`, the
--   item when it was last read before: `stage`, `created` (nil: unknown),
--   `age` (seconds before the request; nil: not old), `is_own` (it was not
--   read, but changed by us); `sent`, `now` (seconds on our clock, of the
--   first send and of the list); `low`, `high` (bounds of `created_at` minus
--   our clock); `date_offset` (`Date`, or the time of day here if it is
--   earlier, minus our clock). All but `target` may
--   be nil
-- @treturn string "done", "not_done" or "unknown"
-- @return the change, or why it is unknown
function rules.decide(changes, facts)
  local seen = facts.seen
  facts.read_change = seen and find_read_change(changes, seen)
  facts.newest = seen and seen.stage and newest_into(changes, seen.stage)
  local new, has_unknown = {}, false
  for _, change in ipairs(changes) do
    if change.stage == facts.target and change.is_own and
       not change.is_taken then
      local class = class_of(change, facts)
      if class == "new" then new[#new + 1] = change
      elseif class == "unknown" then has_unknown = true end
    end
  end
  if #new == 1 then return "done", new[1]
  elseif new[2] then
    return "unknown", ("%d changes match it"):format(#new)
  elseif has_unknown then
    return "unknown", "a change matches it that may be older"
  end
  return "not_done"
end

return rules
