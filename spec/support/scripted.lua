-- A real HTTP server whose responses a spec writes (probe_scripted.c), and the
-- requests to it.
local build = os.getenv "WORKSTAGE_BUILD" or "build"
package.cpath = build .. "/spec/?.so;" .. package.cpath
local probe = require "probe_scripted"

local scripted = {}

local Server = {}
Server.__index = Server

--- Starts a server without responses, which closes each connection.
function scripted.start()
  local core = probe.start()
  return setmetatable({
    core = core,
    url = ("http://127.0.0.1:%d"):format(core:port()),
  }, Server)
end

--- Adds a response, byte for byte. Options: `match` (the start of the request
-- line, such as "GET /v1"), `times` (1; 0: always), `delay` (seconds), `close`,
-- `piece` and `pause` (the bytes between two pauses, and their seconds), `fill`
-- and `fills` (a text that follows, and how many times; it is stored once).
function Server:raw(bytes, options)
  local opts = options or {}
  self.core:push(opts.match or "", bytes, opts.times or 1,
                 opts.delay or 0, opts.close or false, opts.piece or 0,
                 opts.pause or 0, opts.fill or "", opts.fills or 0)
end

--- Adds a valid response; options as above, and `headers` (lines).
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

--- From now on accepts connections, but reads nothing from them.
function Server:deafen()
  self.core:deafen()
end

--- Drops the responses that were not sent yet.
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
