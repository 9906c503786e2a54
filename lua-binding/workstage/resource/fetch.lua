--- Sends requests of a resource, and unwraps and remembers their responses.
local core = require "workstage.core"
local transport = require "workstage.transport"

local fetch = {}

-- True if a parsed value can be an array; empty arrays and empty objects look
-- the same.
function fetch.is_array(value)
  return type(value) == "table" and (#value > 0 or next(value) == nil)
end

--- Reads a count from a response, as a number or as digits; nil if it is out of
-- range.
function fetch.count(value, least, most)
  local count = math.tointeger(tonumber(value))
  return count and count >= least and count <= most and count or nil
end

-- Remembers the objects of a response. A version of a release does not show the
-- stage of the item itself.
local function remember(self, result, query, opts)
  local note = self.class.remember
  if not note or query and query:find("release_id=", 1, true) or
     opts and opts.is_partial then
    return
  end
  local memory, at = self.transport.memory, core.now()
  if result.id then return note(memory, result, at) end
  for _, item in ipairs(result) do note(memory, item, at) end
end

--- Sends a request, and unwraps its response with `read(self, value, call)`,
-- which returns an object or a list, or nil and the reason why it does not
-- match.
function fetch.object(self, read, method, path, query, body, opts)
  local value, call, status =
    self.transport:fetch(method, path, query, body, opts,
                         self.class.envelope)
  if not value then return nil, call end
  local result, why = read(self, value, call)
  if not result then
    local err = self.transport:error_in_body(call, status, value)
    if err then return nil, err end
    return nil, self.transport:undecodable(call, status, why)
  end
  call:close()
  remember(self, result, query, opts)
  return result
end

-- Sends a write whose response body is not used. The body must be empty or
-- JSON, because the page of a proxy does not show that anything was done. (A
-- response without a success is that of a DELETE whose first attempt worked.)
local function send_once(opts, self, method, path, query, body)
  local call, status, size = self.transport:send(method, path, query, body,
                                                 opts)
  if not call then return nil, status end
  if size > 0 and status < 300 then
    local value, err = self.transport:parse(call, status)
    err = err or self.transport:error_in_body(call, status, value)
    if err then return nil, err end
  end
  call:close()
  return true
end

--- Sends a write whose response body is not used. Returns true, or nil, err.
function fetch.send(self, method, path, query, body, opts)
  local done, err = transport.protect(transport.attempt(opts), send_once,
                                      self, method, path, query, body)
  return done, err
end

return fetch
