--- Durations as people write them: "2 h 5 min", "0:31", "14d".
local duration = {}

local function round_up(seconds)
  return math.ceil(seconds - 1e-9)
end

--- Formats a duration in words, rounded up to its smaller unit.
-- @tparam number seconds
-- @treturn string "42 s", "2 min", "2 min 5 s", "3 h 10 min", "12 d 4 h"
function duration.text(seconds)
  local units = { { "d", 86400 }, { "h", 3600 }, { "min", 60 }, { "s", 1 } }
  seconds = round_up(seconds)
  for i = 1, #units - 1 do
    local name, size = units[i][1], units[i][2]
    local smaller, part = units[i + 1][1], units[i + 1][2]
    local whole = round_up(seconds / part) -- in the smaller unit
    local per = size // part
    if whole >= per then
      local rest = whole % per
      return rest == 0 and ("%d %s"):format(whole // per, name) or
             ("%d %s %d %s"):format(whole // per, name, rest, smaller)
    end
  end
  return ("%d s"):format(seconds)
end

--- Formats an estimate of a duration.
-- @tparam number seconds
-- @treturn string "about 2 min", "less than 1 s"
function duration.estimate(seconds)
  if seconds < 1 then return "less than 1 s" end
  return "about " .. duration.text(seconds)
end

--- Formats a duration as a clock shows it.
-- @tparam number seconds
-- @treturn string "0:05", "12:40", "1:02:03"
function duration.clock(seconds)
  seconds = round_up(seconds)
  if seconds >= 3600 then
    return ("%d:%02d:%02d"):format(seconds // 3600, seconds // 60 % 60,
                                   seconds % 60)
  end
  return ("%d:%02d"):format(seconds // 60, seconds % 60)
end

local UNITS = { s = 1, min = 60, h = 3600, d = 86400, w = 604800 }

--- Parses a duration: a number and one of the units s, min, h, d and w.
-- @tparam string text such as "14d"
-- @treturn[1] number seconds
-- @treturn[2] nil
-- @treturn[2] string what is wrong
function duration.parse(text)
  local number, unit = text:match "^(%d+%.?%d*)%s*(%l+)$"
  if number and UNITS[unit] then return tonumber(number) * UNITS[unit] end
  return nil, ("'%s' is not a length of time such as 90min, 36h, 14d or 2w")
              :format(text)
end

return duration
