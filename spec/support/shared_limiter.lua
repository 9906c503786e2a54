--- What the specs of shared limiters ask of a handle (`probe_shared_limiter`).
-- Times are in seconds.
local shared_limiter = {}

--- Raises unless two times are the same to a microsecond.
function shared_limiter.near(expected, got)
  if math.abs(got - expected) > 1.5e-6 then
    error(("expected %.6f, got %.6f"):format(expected, got), 2)
  end
end

--- Returns how many may start at once, and their reservations. After that the
-- handle waits for none.
function shared_limiter.free(handle, now)
  local reservations = {}
  while true do
    local _, reservation = handle:start(now)
    if not reservation then break end
    reservations[#reservations + 1] = reservation
    assert(#reservations <= 2000, "no end of them")
  end
  handle:stop_waiting(now)
  return #reservations, reservations
end

--- Starts as many as may start at once and has them answered.
function shared_limiter.use(handle, now)
  local count, reservations = shared_limiter.free(handle, now)
  for _, reservation in ipairs(reservations) do
    handle:answered(reservation, now, now)
  end
  return count
end

return shared_limiter
