--- `--where NAME=VALUE`: filters of a list of items.
local filters = {}

-- Digits are a number, true and false a boolean, a list in commas an array;
-- anything else, and what stands in quotes, is a text.
local function value_of(text)
  local quoted = text:match '^"(.*)"$'
  if quoted then return quoted end
  if text == "true" or text == "false" then return text == "true" end
  if text:find "^%d+$" then return math.tointeger(tonumber(text)) end
  if not text:find(",", 1, true) then return text end
  local list = {}
  for each in (text .. ","):gmatch "([^,]*)," do
    list[#list + 1] = value_of(each)
  end
  return list
end

local function pair(text)
  local name, value = text:match "^([%a_][%w_]*)=(.*)$"
  if name then return { name, value_of(value) } end
  return nil, ("--where: '%s' is not of the form NAME=VALUE"):format(text)
end

--- Adds the option.
function filters.define(parser)
  parser:option("--where", "A filter of the list, such as " ..
                "starts_with=blog/ (as in a blueprint's `where`). May be " ..
                "repeated.")
    :argname "NAME=VALUE":count "*":convert(pair)
end

--- The filters as a table; nil when there are none.
function filters.where(parsed)
  if #parsed.where == 0 then return nil end
  local where = {}
  for _, each in ipairs(parsed.where) do where[each[1]] = each[2] end
  return where
end

return filters
