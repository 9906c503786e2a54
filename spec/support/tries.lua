--- How many of a spec's random cases are tried: all of `count`, or the part
-- of them that WORKSTAGE_TRIES names (0.02), for interpreters that are much
-- slower than others; at least one.
local part = tonumber(os.getenv "WORKSTAGE_TRIES") or 1

return function(count)
  return math.max(1, math.tointeger(count * part // 1))
end
