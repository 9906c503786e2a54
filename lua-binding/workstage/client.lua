--- Methods that the clients of all services share: `request` and `close`.
local core = require "workstage.core"
local errors = require "workstage.errors"
local options = require "workstage.options"
local strict = require "workstage.strict"
local transport = require "workstage.transport"

local client = {}

--- Raises unless a method was called with a colon on a client of the class.
function client.check_self(self, class, name)
  if getmetatable(self) ~= class then
    error(("call it with a colon: client:%s(...)"):format(name), 3)
  end
end

local METHODS = { GET = true, POST = true, PUT = true, PATCH = true,
                  DELETE = true }

local request_names = { "query", "body", "headers", "timeout", "deadline",
                        "start_within", "retry" }

local known = {}
for _, name in ipairs(request_names) do known[name] = true end

local function write_query(query)
  if query == nil then return nil end
  if type(query) ~= "table" then
    return nil, ("query: expected a table, got %s"):format(type(query))
  end
  local text, why = core.query(nil, false, false, query)
  return text, why and "query." .. why
end

local function write_body(self, body)
  if body == nil or type(body) == "string" then return body end
  if type(body) ~= "table" then
    return nil, ("body: expected a table or a string of JSON, got %s")
                :format(type(body))
  end
  local text, why = core.any(self.service.kantata, body)
  return text, why and "body." .. why
end

-- Converts the parts of a request to the form the core takes.
-- @return the parts, or nil and why not
local function prepare(self, method, path, opts)
  if not METHODS[method] then
    return nil, ("method: expected GET, POST, PUT, PATCH or DELETE, got %s")
                :format(tostring(method))
  end
  if type(path) ~= "string" then
    return nil, ("path: expected a string, got %s"):format(type(path))
  end
  for name in pairs(opts) do
    if not known[name] then
      return nil, options.unknown("part of a request", name,
                                  request_names).message
    end
  end
  local query, body, headers, why
  query, why = write_query(opts.query)
  if not why then body, why = write_body(self, opts.body) end
  if not why and opts.headers ~= nil then
    headers, why = options.header_lines(opts.headers)
    why = why and "headers: " .. why
  end
  if why then return nil, why end
  return { query = query, body = body, headers = headers }
end

local function call_options(opts)
  return options.call { timeout = opts.timeout, deadline = opts.deadline,
                        start_within = opts.start_within,
                        retry = opts.retry }
end

-- Reads a response of any kind: parsed if it is JSON, nil if it is empty. An
-- error closes the call.
local function read_any(self, call, status, size)
  if size == 0 then return nil end
  local value, err = self.transport:parse(call, status)
  if value == nil then return nil, err end
  err = self.transport:error_in_body(call, status, value)
  if err then return nil, err end
  return value
end

local function send(opts, self, method, path, parts)
  local call, status, size = self.transport:send(
    method, path, parts.query, parts.body, opts, parts.headers)
  if not call then return nil, status end
  local headers = call:headers()
  local value, err = read_any(self, call, status, size)
  if err then return nil, err end
  call:close()
  return value == nil and true or value, status, headers
end

local function request(self, method, path, opts)
  local parts, why = prepare(self, method, path, opts)
  if not parts then return nil, errors.invalid(why, why:match "^(%w+):") end
  local call
  call, why = call_options(opts)
  if not call then return nil, why end
  if not transport.has_effect(method, path) then
    return send(call, self, method, path, parts)
  end
  local value, status, headers = transport.protect(
    transport.attempt(call), send, self, method, path, parts)
  if value == nil then return nil, status end
  return value, status, headers
end

local function close(self)
  self.transport:close()
end

-- Fields that only the clients of one service have.
local OPTIONAL = { space_id = true }

--- Defines a class of clients: a table of methods that is its own metatable,
-- with `request` and `close`. The garbage collector closes the transport, not
-- the client: a script may keep a resource and drop its client.
function client.class(name)
  local class = { __name = name, __close = close }
  class.__index = strict.index("the client", class, OPTIONAL)

  --- Sends a request that has no method of its own.
  -- @tparam string method GET, POST, PUT, PATCH or DELETE
  -- @tparam string path appended to the base address; begins with a slash
  -- @tparam[opt] workstage.request_parts opts `query`, `body` (a table, or
  --   JSON as a string), `headers`, and the call options `timeout`,
  --   `deadline`, `start_within`, `retry`
  -- @treturn[1] any the parsed response; true if it is empty
  -- @treturn[1] integer status
  -- @treturn[1] table<string,string> headers, by names in lower case
  -- @treturn[2] nil
  -- @treturn[2] table the error
  function class.request(self, method, path, opts)
    client.check_self(self, class, "request")
    if opts ~= nil and type(opts) ~= "table" then
      error("request: expected a table, got " .. type(opts), 2)
    end
    return request(self, method, path, opts or {})
  end

  --- Cancels the requests in flight. Connections close with the last client.
  function class.close(self)
    client.check_self(self, class, "close")
    close(self)
  end

  return class
end

--- Creates a client from its owner (transport, service) and its resources.
function client.new(class, owner, parts)
  parts.transport = owner.transport
  parts.service = owner.service
  return setmetatable(parts, class)
end

return client
