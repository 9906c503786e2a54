--- Sends requests through the core and turns responses into values or errors.
local core = require "workstage.core"
local environment = require "workstage.environment"
local errors = require "workstage.errors"
local loop = require "workstage.loop"
local options = require "workstage.options"

-- Lua's own error when memory runs out.
local NO_MEMORY = "not enough memory"

local found, cjson = pcall(require, "cjson")
if not found then
  if cjson == NO_MEMORY then error(cjson, 0) end
  error("workstage needs lua-cjson, which is not installed: install it " ..
        "(Debian: apt install lua-cjson; LuaRocks: luarocks install " ..
        "lua-cjson), or put it in package.preload", 0)
end

local transport = {}

--- lua-cjson's null.
transport.null = cjson.null

--- Parses JSON; with a schema or an envelope, also checks the fields' types.
-- @treturn[1] any the value
-- @treturn[2] nil
-- @treturn[2] string the reason
-- @treturn[2] boolean true if it is JSON that does not match the schema
transport.parse = core.decode

local Transport = {}
Transport.__index = Transport

local NO_OPTIONS = {} -- of a call; nothing writes to it

local MIN_TOKEN = 4 -- a shorter text would occur in ordinary words

-- Returns a function that removes the token from text that a server may have
-- echoed, also with escaped characters, and from tables of such text.
local function redactor(token)
  local pattern = token:gsub("%p", "\\?%%%0")
  local function redact(value)
    if #token < MIN_TOKEN then return value end
    if type(value) == "string" then
      return (value:gsub(pattern, "[token]"))
    elseif type(value) ~= "table" then
      return value
    end
    local copy = {}
    for key, item in pairs(value) do copy[redact(key)] = redact(item) end
    return copy
  end
  return redact
end

-- Removes the secrets in Storyblok's responses: a space's delivery token, a
-- story's preview token.
local function without_secrets(body)
  body = body:gsub('("first_token"%s*:%s*)"[^"]*"?', '%1"[secret]"')
  return (body:gsub('("preview_token"%s*:%s*)[^,}]*', '%1"[secret]"'))
end

--- True if a request changes something. Storyblok publishes with a GET.
-- @tparam string method
-- @tparam string path or a whole URL
function transport.has_effect(method, path)
  if method ~= "GET" then return true end
  -- most paths end here, as patterns take long
  if not path:find("publish", 1, true) then return false end
  return path:match "^[^?#]*":find "/u?n?publish/?$" ~= nil
end

-- ------------------------------------------------------ without memory

-- Created in advance, because no memory may be left to create it.
transport.UNKNOWN = errors.new { kind = "memory", message = NO_MEMORY,
                                 ambiguous = true }

--- Returns what a protected function returned (at most three values), or the
-- error that the outcome is unknown. The options hold the call once it is
-- started.
function transport.unwrap(opts, good, first, second, third)
  if good then return first, second, third end
  local raised, call = first, opts.call
  if raised ~= NO_MEMORY or not call or not call:worked() then
    error(raised, 0)
  end
  return nil, transport.UNKNOWN, call
end

--- Copies the options of a call for `transport.protect`.
function transport.attempt(opts)
  return { timeout = opts.timeout, retry = opts.retry,
           deadline = opts.deadline, start_within = opts.start_within,
           call = false }
end

--- Calls `f(opts, ...)`, which sends a request that may change something.
-- Raises "not enough memory" only if nothing was changed.
-- @tparam table opts the options of this call alone; `call` is false
-- @return what `f` returned; or nil, `transport.UNKNOWN` and the call
function transport.protect(opts, f, ...)
  return transport.unwrap(opts, pcall(f, opts, ...))
end

local function unwrap_guarded(good, ...)
  if good then return ... end
  local raised = ...
  if raised ~= NO_MEMORY then error(raised, 0) end
  return nil, transport.UNKNOWN
end

--- Calls `f(...)`, which reconciles a lost request. If memory runs out again,
-- the outcome stays unknown.
function transport.guard(f, ...)
  return unwrap_guarded(pcall(f, ...))
end

--- Replaces the shared error of `transport.protect` by one with the details of
-- its call; returns other errors as they are.
function Transport:known(err, call)
  if err ~= transport.UNKNOWN then return err end
  local _, ago = call:worked()
  local open, info = pcall(call.info, call)
  local known = errors.new {
    kind = "memory", message = NO_MEMORY, ambiguous = true,
    method = open and info.method or nil,
    url = open and self.redact(info.url) or nil,
    attempts = open and info.attempts or nil,
  }
  call:close()
  if ago then self.sent_at[known] = core.now() - ago end
  return known
end

-- ------------------------------------------------------------- a client

-- Returns the rate limit in requests a second; 0: none.
local function rate_of(opts)
  return opts.rate_limit and opts.rate_limit.per_second or
         (opts.service == "kantata" and 4 or 6)
end

--- Creates a transport: a core client and what Lua adds to it.
-- @tparam table opts options as `options.read` returns them
-- @treturn[1] table
-- @treturn[2] nil
-- @treturn[2] table the error
function transport.new(opts)
  local handle, client, kind, why
  if opts.oauth_token == nil and (opts.token or "") == "" then
    return nil, environment.missing_token(opts.service)
  end
  handle, kind, why = loop.open()
  if not handle then
    return nil, errors.new { kind = kind, message = why }
  end
  client, kind, why = core.client(handle, options.for_core(opts))
  if not client and kind ~= "invalid" then
    return nil, errors.new { kind = kind, message = why }
  elseif not client then
    return nil, errors.invalid(why, why:match("^([%w_.]+):"))
  end
  if opts.on_event then loop.listen(client, opts.on_event) end
  return setmetatable({
    client = client,
    service = opts.service,
    settle_time = opts.settle_time or 5,
    uses_oauth = opts.oauth_token ~= nil,
    redact = redactor(opts.oauth_token or opts.token),
    on_event = opts.on_event,
    attempts = opts.retry and opts.retry.attempts or 8,
    rate = rate_of(opts),
    memory = core.memory(),
    sent_at = setmetatable({}, { __mode = "k" }),
  }, Transport)
end

function Transport:close()
  loop.unlisten(self.client)
  self.client:close()
end

Transport.__gc = Transport.close

-- Kinds of failure whose responses contain a reason.
local explained = {
  redirect = true, unauthorized = true, forbidden = true, not_found = true,
  rejected = true, rate_limited = true, server = true,
}

-- Reads the message of a response: from JSON in one of the services' shapes, or
-- from any other text.
local function read_message(body)
  local value = transport.parse(body)
  if value == nil then return errors.read_text(body) end
  return errors.read(value)
end

-- Remembers when the request of an error was first sent.
local function note_sent(self, err, info)
  if info.first_sent then
    self.sent_at[err] = core.now() - info.first_sent
  end
  return err
end

--- Returns when the request of an error was first sent, on the clock of
-- `core.now`.
function Transport:first_sent(err)
  return self.sent_at[err]
end

--- Creates the error of a call that failed.
function Transport:failure(call, kind, status)
  local info = call:info()
  local message, fields, type
  local body = self.redact(call:body())
  if explained[kind] then message, fields, type = read_message(body) end
  if not message and not fields then message = info.message end
  if message == "" then message = "no reason was given" end
  return note_sent(self, errors.new {
    kind = kind,
    status = status > 0 and status or nil,
    message = self.redact(message),
    type = self.redact(type),
    fields = self.redact(fields),
    method = info.method,
    url = self.redact(info.url),
    body = body ~= "" and without_secrets(body) or nil,
    request_id = self.redact(call:header "x-request-id"),
    attempts = info.attempts,
    ambiguous = info.ambiguous,
    hint = kind == "unauthorized" and
           environment.token_hint(self.service, self.uses_oauth) or nil,
  }, info)
end

-- Waits until a call has ended. One that cannot be waited for must not be sent
-- later, unnoticed.
local function wait_for(call)
  if call:done() then return end
  local waited, raised = pcall(loop.wait, call)
  if waited then return end
  call:cancel()
  error(raised, 0)
end

-- Starts a call, and keeps it in the options where they ask for it.
local function start(self, method, path, query, body, opts, headers)
  local call, kind, why = self.client:start(
    method, path, query, body, opts.timeout, opts.deadline,
    opts.retry == false and 1 or nil, headers, opts.start_within,
    method == "GET" and transport.has_effect(method, path))
  if not call then
    return nil, errors.new { kind = kind, message = why }
  end
  if opts.call == false then opts.call = call end
  return call
end

--- Starts a request, unless the options have its call already, and waits until
-- it ends.
-- @treturn[1] userdata the ended call, to be closed
-- @treturn[1] integer status
-- @treturn[1] integer size of the body
-- @treturn[2] nil
-- @treturn[2] table the error
function Transport:send(method, path, query, body, opts, headers)
  opts = opts or NO_OPTIONS
  local call = opts.call
  if not call then
    local why
    if loop.is_cancelled() then return nil, loop.cancelled_error() end
    call, why = start(self, method, path, query, body, opts, headers)
    if not call then return nil, why end
  end
  wait_for(call)
  local failed, status, size = call:outcome()
  if failed then
    local err = self:failure(call, failed, status)
    call:close()
    return nil, err
  end
  if opts.on_answer then opts.on_answer(call:info()) end
  return call, status, size
end

--- Returns the error in the body of a write's successful response, and closes
-- the call; nil if there is none.
function Transport:error_in_body(call, status, value)
  if not errors.is_error_body(value) then return nil end
  local info = call:info()
  if not transport.has_effect(info.method, info.url) then return nil end
  local err = self:failure(call, "rejected", status)
  call:close()
  return err
end

--- Creates the error of a response with an unexpected body.
function Transport:undecodable(call, status, why)
  local info, request_id = call:info(), call:header "x-request-id"
  local body = call:body()
  local err = note_sent(self, errors.new {
    kind = "decode",
    status = status,
    message = self.redact(why),
    method = info.method,
    url = self.redact(info.url),
    body = body ~= "" and without_secrets(self.redact(body)) or nil,
    request_id = self.redact(request_id),
    attempts = info.attempts,
    ambiguous = transport.has_effect(info.method, info.url),
  }, info)
  call:close()
  return err
end

-- Returns the reason why a body is not JSON.
local function why_not_json(body, why)
  if body == "" then return "the response is empty; expected JSON" end
  local page = body:match("^%s*<") and errors.read_text(body)
  if page then return page .. "; expected JSON" end
  return "the response is not JSON: " .. why
end

--- Parses an ended call's body; closes the call if it is not JSON.
-- @return[1] the value
-- @treturn[2] nil
-- @treturn[2] table the error
function Transport:parse(call, status, envelope, only)
  local value, why, is_json = call:decode(envelope, only)
  if value ~= nil then return value end
  if not is_json then why = why_not_json(self.redact(call:body()), why) end
  return nil, self:undecodable(call, status, why)
end

--- Sends a request whose response is a JSON object or array.
-- @treturn[1] table the parsed value
-- @treturn[1] userdata the call, for its headers; to be closed
-- @treturn[1] integer status
-- @treturn[2] nil
-- @treturn[2] table the error
function Transport:fetch(method, path, query, body, opts, envelope)
  local call, status = self:send(method, path, query, body, opts)
  if not call then return nil, status end
  local value, err = self:parse(call, status, envelope, opts and opts.only)
  if value == nil then return nil, err end
  if type(value) ~= "table" then
    return nil, self:undecodable(call, status,
                                 "the response is not a JSON object")
  end
  return value, call, status
end

return transport
