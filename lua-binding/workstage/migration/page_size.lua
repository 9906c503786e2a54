--- The number of items read in one page before they are moved: as many as are
-- moved in a few seconds, within bounds. With short pages the read is still
-- recent when the items are moved; long pages save requests.
local SECONDS, MIN_ITEMS, MAX_ITEMS = 5, 10, 100

--- @tparam number pace items a second; 0: unlimited
-- @treturn integer
return function(rate)
  if rate <= 0 then return MAX_ITEMS end
  local wanted = math.min(rate * SECONDS, MAX_ITEMS)
  return math.max(math.ceil(wanted), MIN_ITEMS)
end
