-- Queries: only characters that a URL may have, and decoding returns the input.
local common = require "common"
local core = require "workstage.core"

local filters = {}
for _, schema in ipairs(core.schemas()) do
  if schema.name:find "filter$" then
    filters[#filters + 1] = { handle = core.schema(schema.name),
                              fields = schema.fields }
  end
end
assert(#filters > 5)

-- "a%5Bb%5D=1,2" as { "a[b]=1,2" }, sorted.
local function decoded(query)
  local pairs_found = {}
  for pair in query:gmatch "[^&]+" do
    local name, value = pair:match "^([^=]+)=([^=]*)$"
    assert(name, query)
    local plain = (name .. "=" .. value):gsub("%%(%x%x)", function(hex)
      return string.char(tonumber(hex, 16))
    end)
    pairs_found[#pairs_found + 1] = plain
  end
  table.sort(pairs_found)
  return pairs_found
end

local function scalar(value)
  if math.type(value) == "float" and value == value // 1 then
    return ("%d"):format(value)
  end
  return tostring(value)
end

-- Adds the pairs that a value must become to `list`.
local function expect(list, name, value, top)
  if type(value) ~= "table" then
    list[#list + 1] = name .. "=" .. scalar(value)
  elseif #value > 0 or (top and next(value) == nil) then
    local items = {}
    for i, item in ipairs(value) do items[i] = scalar(item) end
    list[#list + 1] = name .. "=" .. table.concat(items, ",")
  else
    for key, item in pairs(value) do
      expect(list, ("%s[%s]"):format(name, key), item, false)
    end
  end
end

local function check_query(opts, text, is_list)
  assert(not text:find "[^%w%-._~%%=&%[%],]", text)
  assert(not text:gsub("%%%x%x", ""):find "%%", text)
  local wanted, got = {}, decoded(text)
  for name, value in pairs(opts) do
    expect(wanted, name, value, is_list(name))
  end
  table.sort(wanted)
  assert(common.same(wanted, got), text .. " for " .. table.concat(wanted, " "))
end

return function(bytes)
  local value, next_byte = common.grow(bytes)
  local filter = filters[next_byte() % (#filters + 1)]
  local opts = {}
  for _ = 1, 3 do
    local field = filter and filter.fields[next_byte() % #filter.fields + 1]
    opts[field and field.name or "b c[" .. next_byte()] = value(0)
  end
  local text, why = core.query(filter and filter.handle, false, true, opts)
  if not text then
    assert(type(why) == "string" and #why > 5)
    return
  end
  -- an empty table is an empty list where one can be meant, or else nothing
  check_query(opts, text, function(name)
    for _, field in ipairs(filter and filter.fields or {}) do
      if field.name == name then
        return field.type == "array of ids" or
               field.type == "array of strings"
      end
    end
    return filter == nil
  end)
end
