-- Gives every sandbox of a process the options in $SANDBOX_READING, unless it
-- is started with them set. To be run first: LUA_INIT="@this file".

local function value_of(text)
  if text == "true" or text == "false" then return text == "true" end
  return math.tointeger(tonumber(text)) or tonumber(text) or text
end

-- NAME=VALUE, with blanks between.
local function read(text)
  local options = {}
  for name, value in text:gmatch "([%w_]+)=(%S+)" do
    options[name] = value_of(value)
  end
  return options
end

package.preload["workstage.sandbox"] = function()
  local path = assert(package.searchpath("workstage.sandbox", package.cpath))
  local open = assert(package.loadlib(path, "luaopen_workstage_sandbox"))
  local sandbox = open()
  local start, reading = sandbox.start, read(os.getenv "SANDBOX_READING" or "")
  function sandbox.start(options)
    local opts = {}
    for name, value in pairs(reading) do opts[name] = value end
    for name, value in pairs(options or {}) do opts[name] = value end
    return start(opts)
  end
  return sandbox
end
