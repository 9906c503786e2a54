--- Times for people, in the time zone of the machine.
local when = {}

--- A time as date and minute; "-" where it is not known.
-- @tparam ?number seconds since 1970
function when.minute(seconds)
  if not seconds then return "-" end
  return os.date("%Y-%m-%d %H:%M", math.floor(seconds))
end

--- The same for programs: ISO 8601 in UTC; nil where it is not known.
function when.iso(seconds)
  return seconds and os.date("!%Y-%m-%dT%H:%M:%SZ", math.floor(seconds)) or nil
end

return when
