--- Numbers in the arguments.
local numbers = {}

--- An id in digits; nil for anything else.
-- @tparam ?string text
-- @treturn ?integer
function numbers.id(text)
  return text and text:find "^%d+$" and math.tointeger(tonumber(text)) or nil
end

--- A conversion to a whole number.
-- @tparam string option its name, for the message
-- @tparam[opt] integer least the smallest that is allowed
-- @treturn function
function numbers.whole(option, least)
  return function(text)
    local number = math.tointeger(tonumber(text))
    if number and (not least or number >= least) then return number end
    return nil, ("%s: '%s' is not a whole number%s"):format(
      option, text, least and (" from %d"):format(least) or "")
  end
end

--- A conversion to a number, or to false for "off".
-- @tparam string option its name, for the message
-- @treturn function
function numbers.or_off(option)
  return function(text)
    if text == "off" then return false end
    return tonumber(text), ("%s: '%s' is neither a number nor 'off'"):format(
      option, text)
  end
end

return numbers
