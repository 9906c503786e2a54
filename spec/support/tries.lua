--- How many of a spec's cases are tried: all, or the part that
-- WORKSTAGE_TRIES names (0.02), for interpreters that are much slower than
-- others. `tries(count)` is for random cases.
local part = tonumber(os.getenv "WORKSTAGE_TRIES") or 1

local tries = {}

--- The step in which a range of so many cases is gone through: ten times the
-- part of them, for each is a case of its own.
function tries.step(count)
  local tried = math.min(count, math.max(1, 10 * count * part // 1))
  return math.tointeger(count // tried)
end

return setmetatable(tries, {
  __call = function(_, count)
    return math.max(1, math.tointeger(count * part // 1))
  end,
})
