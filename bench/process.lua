--- Measures this process, and starts others.
local figures = require "bench.figures"

local process = {}

--- KiB of this process: `VmRSS` now, `VmHWM` at most.
function process.memory(name)
  for line in io.lines "/proc/self/status" do
    local size = line:match("^" .. name .. ":%s+(%d+) kB")
    if size then return tonumber(size) end
  end
end

--- Returns the output of a command, which must succeed.
function process.output(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read "a"
  assert(pipe:close(), command .. " failed")
  return text
end

local Server = {}
Server.__index = Server

--- Ends it.
function Server:close()
  os.execute("kill " .. self.pid)
  self.pipe:close()
end

Server.__close = Server.close

--- Starts a server that prints its address and its number, and ends with this
-- process.
function process.server(command)
  local pipe = assert(io.popen("exec setpriv --pdeathsig TERM " .. command))
  local url, pid = (pipe:read "l" or ""):match "^(%S+) (%d+)$"
  assert(url, command .. " does not start")
  return setmetatable({ pipe = pipe, url = url, pid = pid }, Server)
end

--- Starts the fast service with this many stories, for measuring migrations.
function process.service(stories)
  return process.server(("%s/service %d"):format(figures.folder, stories))
end

return process
