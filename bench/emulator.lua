--- The sandbox in a process of its own: prints its address and its process.
-- Arguments: STORIES, and requests a second where there is a limit.
local sandbox = require "workstage.sandbox"
local workstage = require "workstage"

local file = assert(io.open "/proc/self/stat")
local pid = file:read "n"
file:close()
local server = assert(sandbox.start {
  rate_limit = tonumber(arg[2] or "") or false, transitions = false,
  seed = { stories = math.tointeger(arg[1]) },
  latency = arg[2] and { inbound = { 0.1, 0.1 }, outbound = { 0.1, 0.1 } },
})
print(("%s %d"):format(server.url, pid))
io.stdout:flush()
while true do workstage.loop:step(3600) end
