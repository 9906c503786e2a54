--- Times as the services write them.
local time = {}

-- Returns the days from 1970-01-01 to a date of the Gregorian calendar.
local function days(year, month, day)
  if month <= 2 then year, month = year - 1, month + 12 end
  return 365 * year + year // 4 - year // 100 + year // 400 +
         (153 * (month - 3) + 2) // 5 + day - 1 - 719468
end

-- Returns year, month and day of a number of days from 1970-01-01. A year
-- begins in March here, so that the day of a leap year is its last. Does not
-- use os.date, because times of the C library may end in 2038.
local function date_of(day)
  day = day + 719468
  local era, in_era = day // 146097, day % 146097
  local year = (in_era - in_era // 1460 + in_era // 36524
                - in_era // 146096) // 365
  local in_year = in_era - (365 * year + year // 4 - year // 100)
  local month = (5 * in_year + 2) // 153
  local in_month = in_year - (153 * month + 2) // 5 + 1
  year, month = year + era * 400, month + 3
  if month > 12 then year, month = year + 1, month - 12 end
  return year, month, in_month
end

local function days_in(year, month)
  return days(year, month + 1, 1) - days(year, month, 1)
end

-- True if the numbers are a real day and time of day.
local function is_real(year, month, day, hour, minute, second)
  return month >= 1 and month <= 12 and day >= 1 and
         day <= days_in(year, month) and
         hour < 24 and minute < 60 and second < 60
end

-- The years 0 to 9999: ISO 8601 has no form for other times.
local EARLIEST, LATEST = -62167219200, 253402300799

--- Parses an ISO 8601 time into seconds since 1970, such as
-- 2024-05-29T06:45:58.125Z or 2013-04-15T16:48:48-07:00; nil for anything
-- else, also for a day that does not exist.
-- @tparam string text
-- @treturn number|nil
function time.parse(text)
  if type(text) ~= "string" then return nil end
  local year, month, day, hour, minute, second, fraction, zone =
    text:match("^(%d%d%d%d)-(%d%d)-(%d%d)[T ](%d%d):(%d%d):(%d%d)"
               .. "(%.?%d*)(.*)$")
  if not year then return nil end
  year, month, day = tonumber(year), tonumber(month), tonumber(day)
  hour, minute, second = tonumber(hour), tonumber(minute), tonumber(second)
  if not is_real(year, month, day, hour, minute, second) then return nil end
  local offset = 0
  if zone ~= "Z" and zone ~= "" then
    local sign, hours, minutes = zone:match("^([+-])(%d%d):?(%d%d)$")
    if not sign then return nil end
    offset = (hours * 3600 + minutes * 60) * (sign == "-" and -1 or 1)
  end
  return days(year, month, day) * 86400 + hour * 3600 + minute * 60 + second +
         (tonumber("0" .. fraction) or 0) - offset
end

--- Formats a time as the services write it, such as 2024-05-29T06:45:58.125Z.
-- @tparam[opt] number seconds since 1970; now unless given
-- @treturn string in UTC, with milliseconds
function time.format(seconds)
  if seconds == nil then seconds = os.time() end
  if type(seconds) ~= "number" or
     not (seconds >= EARLIEST and seconds <= LATEST) then
    error(("time.format: expected seconds since 1970, got %s")
          :format(tostring(seconds)), 2)
  end
  local milli = math.floor(seconds * 1000 + 0.5)
  local second = milli // 1000
  local year, month, day = date_of(second // 86400)
  second = second % 86400
  return ("%04d-%02d-%02dT%02d:%02d:%02d.%03dZ"):format(
    year, month, day, second // 3600, second // 60 % 60, second % 60,
    milli % 1000)
end

return time
