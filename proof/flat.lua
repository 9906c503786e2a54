-- Checks that repeated measurements do not rise: fits a line through the
-- samples (least squares) after a warm-up.
local flat = {}

--- How much a line through the samples rises from the first to the last.
-- @tparam table samples array of numbers, at equal distances
function flat.rise(samples)
  local count = #samples
  if count < 2 then return 0 end
  local mean_x, mean_y = (count + 1) / 2, 0
  for _, y in ipairs(samples) do mean_y = mean_y + y / count end
  local above, below = 0, 0
  for x, y in ipairs(samples) do
    above = above + (x - mean_x) * (y - mean_y)
    below = below + (x - mean_x) ^ 2
  end
  return above / below * (count - 1)
end

--- Finds the quantities that rise too much.
-- @tparam table samples array of tables, name -> number
-- @tparam table bounds name -> the most that it may rise
-- @treturn table texts of those that rose more; empty where all are flat
function flat.find_rises(samples, bounds)
  local found = {}
  for name, most in pairs(bounds) do
    local values = {}
    for i, sample in ipairs(samples) do values[i] = sample[name] end
    local rise = flat.rise(values)
    if rise > most then
      found[#found + 1] = ("%s rose by %.1f, from %.0f to %.0f"):format(
        name, rise, values[1], values[#values])
    end
  end
  table.sort(found)
  return found
end

return flat
