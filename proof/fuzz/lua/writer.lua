-- The writer of bodies: lua-cjson parses its output to the input.
local cjson = require "cjson".new()
local common = require "common"
local core = require "workstage.core"

-- Why a grown value may be refused; false when it may not.
local function may_fail(value, depth)
  if type(value) == "string" then
    return not utf8.len(value) or value:find "\0" ~= nil
  end
  if type(value) ~= "table" then return false end
  for _, item in pairs(value) do
    if may_fail(item, depth + 1) then return true end
  end
  return depth > 90
end

return function(bytes)
  local value, next_byte = common.grow(bytes)
  local opts = { a = value(0), b = value(0) }
  local whole = 0
  for _ = 1, 8 do whole = whole << 8 | next_byte() end
  opts.whole = whole
  local text, why = core.any(false, opts)
  if not text then
    assert(type(why) == "string" and #why > 5)
    assert(may_fail(opts, 0), why)
    return
  end
  assert(utf8.len(text) and not text:find "[\0-\31]")
  assert(text:match '"whole":(-?%d+)[,}]' == ("%d"):format(whole),
         "not the number")
  opts.whole = nil
  local read = cjson.decode(text)
  read.whole = nil
  assert(common.same(opts, read), text)
end
