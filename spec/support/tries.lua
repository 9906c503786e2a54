--- The number of a spec's cases to run: all, or the fraction in WORKSTAGE_TRIES
-- (such as 0.02), for interpreters that are much slower than others.
-- `tries(count)` is for random cases.
local part = tonumber(os.getenv "WORKSTAGE_TRIES") or 1

local tries = {}

--- The step for a range of cases: runs ten times the fraction of them, as each
-- is a different case.
function tries.step(count)
  local tried = math.min(count, math.max(1, 10 * count * part // 1))
  return math.tointeger(count // tried)
end

return setmetatable(tries, {
  __call = function(_, count)
    return math.max(1, math.tointeger(count * part // 1))
  end,
})
