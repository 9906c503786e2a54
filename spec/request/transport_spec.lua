-- Problems of requests that were found by reviews and in other projects' bug
-- reports: dates of a service whose clock is wrong, compressed responses,
-- budgets, header names, finalizers, locales.
local core = require "workstage.core"
local scripted = require "support.scripted"
local service = require "support.service"
local shell = require "house.shell"
local workstage = require "workstage"

local server

before_each(function() server = scripted.start() end)
after_each(function() server:stop() end)

local USER = '{"user":{"id":7}}'

local function open(options)
  local opts = {
    token = "secret-token", space_id = 1, base_url = server.url,
    rate_limit = false, proxy = false,
    retry = { attempts = 3, base = 0.001, cap = 5 },
  }
  for name, value in pairs(options or {}) do opts[name] = value end
  return assert(workstage.storyblok(opts))
end

local function http_date(time)
  return os.date("!%a, %d %b %Y %H:%M:%S GMT", math.floor(time))
end

-- The seconds that a call took.
local function timed(f)
  local began = service.now()
  f()
  return service.now() - began
end

describe("a Retry-After with a date", function()
  for name, skew in pairs { ["an hour fast"] = 3600,
                            ["an hour slow"] = -3600 } do
    it("counts from the response's Date where the clock is " .. name,
       function()
      local space, now = open(), os.time() + skew
      server:answer(429, "{}", { headers = {
        "Date: " .. http_date(now), "Retry-After: " .. http_date(now + 1) } })
      server:answer(200, USER, { headers = { "Date: " .. http_date(now) } })
      local took = timed(function() assert(space:whoami()) end)
      assert.is_true(took >= 0.99 and took < 3, took)
    end)

    it("counts from the last Date known where its own is missing, " .. name,
       function()
      local space, now = open(), os.time() + skew
      server:answer(200, USER, { headers = { "Date: " .. http_date(now) } })
      assert(space:whoami())
      server:answer(503, "{}", { headers = {
        "Retry-After: " .. http_date(os.time() + skew + 2) } })
      server:answer(200, USER)
      local took = timed(function() assert(space:whoami()) end)
      assert.is_true(took >= 0.5 and took < 3.5, took)
    end)
  end

  it("does not pause for a time in the past, or longer than the cap", function()
    local space = open { retry = { attempts = 3, base = 0.001, cap = 0.2 } }
    for _, seconds in ipairs { -1000, 1000 } do
      local now = os.time()
      server:answer(429, "{}", { headers = {
        "Date: " .. http_date(now),
        "Retry-After: " .. http_date(now + seconds) } })
      server:answer(200, USER)
      local took = timed(function() assert(space:whoami()) end)
      assert.is_true(took < 1, took)
    end
  end)
end)

describe("a compressed response", function()
  local function gzip(text)
    local path = shell.temporary() .. "/text"
    local file = assert(io.open(path, "wb"))
    file:write(text)
    file:close()
    shell.must("gzip %s", path)
    file = assert(io.open(path .. ".gz", "rb"))
    local packed = file:read "a"
    file:close()
    return packed
  end

  it("is decompressed, whatever the method", function()
    local space = open()
    for _, method in ipairs { "GET", "POST", "PUT", "PATCH", "DELETE" } do
      server:answer(200, gzip '{"is":"packed"}',
                    { headers = { "Content-Encoding: gzip" } })
      local body = method ~= "GET" and { a = 1 } or nil
      local value = assert(space:request(method, "/v1/x", { body = body }))
      assert.equal("packed", value.is)
      assert.truthy(server:last().headers["accept-encoding"]:find "gzip")
    end
  end)
end)

describe("max_requests", function()
  it("is not used up by connections that were refused", function()
    local address = server.url
    server:stop()
    local space = open { base_url = address, max_requests = 1,
                         retry = { attempts = 5, base = 0.001, cap = 0.01 } }
    local _, err = space:whoami()
    assert.equal("network", err.kind)
    assert.equal(5, err.attempts)
    _, err = space:whoami()
    assert.equal("network", err.kind)
    server = scripted.start()
  end)
end)

describe("headers", function()
  it("of a response are found in any case", function()
    local space = open()
    server:answer(404, "{}", { headers = { "X-REQUEST-ID: abc" } })
    local _, err = space:whoami()
    assert.equal("abc", err.request_id)
  end)

  it("that this module sets are refused in any case", function()
    for _, name in ipairs { "AUTHORIZATION", "authorization", "Expect",
                            "CONTENT-length", "transfer-encodinG" } do
      local space, err = workstage.storyblok {
        token = "secret-token", space_id = 1, headers = { [name] = "x" } }
      assert.is_nil(space, name)
      assert.equal("invalid", err.kind)
    end
  end)
end)

describe("attempts", function()
  it("that do not fit into an int are refused", function()
    local client <close> = core.client(core.loop(), {
      service = "storyblok", token = "t", base_url = server.url,
      space_id = 1 })
    for _, attempts in ipairs { 1001, 2 ^ 32 | 0, 2 ^ 32 + 2 | 0, -1,
                                math.maxinteger, math.mininteger } do
      local call, kind, why = client:start("GET", "/v1/x", nil, nil, nil, nil,
                                           attempts)
      assert.is_nil(call)
      assert.equal("invalid", kind)
      assert.matches("^attempts: %-?%d+ is not between 0 and 1000$", why)
    end
    assert.equal(0, #server:requests())
  end)
end)

describe("a finalizer", function()
  -- Calls f so that the first thing it allocates runs a whole collection, and
  -- with it a finalizer that closes what f uses.
  local function with_finalizer(closed, f, ...)
    collectgarbage()
    collectgarbage("stop")
    setmetatable({}, { __gc = function() closed:close() end })
    collectgarbage("incremental", 100, 1000, 40)
    collectgarbage("restart")
    pcall(f, closed, ...)
    collectgarbage("incremental", 200, 100, 13)
  end

  local function open_client()
    local loop = core.loop()
    return core.client(loop, { service = "storyblok", token = "t",
                               base_url = server.url, space_id = 1 }), loop
  end

  it("that closes the client while a call starts does no harm", function()
    server:answer(200, USER, { times = 0 })
    local client, loop = open_client()
    local method = client.start
    with_finalizer(client, method, "GET", "/v1/x")
    client = open_client()
    with_finalizer(client, method, "GET", "/v1/x", nil, nil, nil, nil, nil,
                   { "A: b" })
    with_finalizer(loop, loop.sleep, 0)
    with_finalizer(core.loop(), core.client, { service = "storyblok",
      token = "t", base_url = server.url, space_id = 1 })
  end)

  it("that closes the call while it is read does no harm", function()
    server:answer(200, USER, { times = 0, headers = {
      "A: 1", "A: 2", "B: " .. ("x"):rep(2000) } })
    local client = open_client()
    for _, name in ipairs { "outcome", "body", "decode", "info", "header",
                            "headers" } do
      local call = client:start("GET", "/v1/x")
      while not call:wait() do end
      assert.equal("1, 2", call:headers().a)
      assert.is_function(call[name])
      with_finalizer(call, call[name], name:find "^header" and "B" or nil)
    end
  end)
end)
