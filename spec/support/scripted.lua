-- A real HTTP server whose answers a spec writes (probe_scripted.c), and what
-- it was sent.
local build = os.getenv "WORKSTAGE_BUILD" or "build"
package.cpath = build .. "/spec/?.so;" .. package.cpath
local probe = require "probe_scripted"

local scripted = {}

local Server = {}
Server.__index = Server

--- Starts a server that answers nothing yet: it closes the connection.
function scripted.start()
  local core = probe.start()
  return setmetatable({
    core = core,
    url = ("http://127.0.0.1:%d"):format(core:port()),
  }, Server)
end

--- Adds an answer, byte for byte. Options: `match` (how the request line
-- begins, such as "GET /v1"), `times` (1; 0: for ever), `delay` (seconds),
-- `close`, `piece` and `pause` (so many bytes, then so many seconds), `fill`
-- and `fills` (what follows so many times, and is held once).
function Server:raw(bytes, options)
  local given = options or {}
  self.core:push(given.match or "", bytes, given.times or 1,
                 given.delay or 0, given.close or false, given.piece or 0,
                 given.pause or 0, given.fill or "", given.fills or 0)
end

--- Adds a proper answer; options as above, and `headers` (lines).
function Server:answer(status, body, options)
  local lines = { ("HTTP/1.1 %d Said"):format(status) }
  for _, line in ipairs(options and options.headers or {}) do
    lines[#lines + 1] = line
  end
  if status ~= 204 then
    lines[#lines + 1] = "Content-Length: " .. #(body or "")
  end
  self:raw(table.concat(lines, "\r\n") .. "\r\n\r\n" .. (body or ""), options)
end

--- From now on connections are accepted, and nothing is read from them.
function Server:deafen()
  self.core:deafen()
end

--- Drops the answers that were not given yet.
function Server:forget()
  self.core:forget()
end

local function read(request)
  local method, target, rest =
    request.head:match "^(%u+) (%S+) HTTP/1%.1\r\n(.*)$"
  local headers = {}
  for name, value in rest:gmatch "([^\r\n:]+): ?([^\r\n]*)" do
    headers[name:lower()] = value
  end
  local path, query = target:match "^([^?]*)%??(.*)$"
  return { method = method, target = target, path = path, query = query,
           headers = headers, body = request.body,
           connection = request.connection }
end

--- All requests so far: `method`, `target`, `path`, `query`, `headers` (names
-- in lower case), `body`, `connection` (its number).
function Server:requests()
  local list = self.core:requests()
  for i, request in ipairs(list) do list[i] = read(request) end
  return list
end

function Server:last()
  local list = self:requests()
  return list[#list]
end

function Server:stop()
  self.core:stop()
end

return scripted
