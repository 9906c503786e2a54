-- TLS, through a real nginx.
local nginx = require "support.nginx"
local service = require "support.service"
local workstage = require "workstage"

local server, proxy

setup(function()
  server = service.start()
  proxy = nginx.start(server.url)
end)

teardown(function()
  proxy:stop()
  server:stop()
end)

local function open(name, options, host)
  options = options or {}
  options.ca_file = options.ca_file or proxy:ca "ca"
  return service.storyblok({ url = proxy:url(name, host) }, options)
end

-- The requests to an nginx server since the last call, once these are logged.
local function logged(name, from, count)
  local limit = service.now() + 5
  local lines
  repeat
    lines = proxy:log(name)
    if #lines >= from + count then break end
    os.execute "sleep 0.02"
  until service.now() > limit
  return table.move(lines, from + 1, #lines, 1, {})
end

local function refused(name, options, host)
  local before = service.count(server)
  local tries = 0
  options = options or {}
  options.on_event = function(event)
    if event.type == "request" then tries = tries + 1 end
  end
  local space = open(name, options, host)
  local _, err = space:whoami()
  assert.equal("tls", err and err.kind, tostring(err))
  assert.equal(1, err.attempts)
  assert.equal(1, tries)
  assert.is_falsy(err.ambiguous)
  _, err = space.stages:create { name = "Legal", color = "#4a90e2" }
  assert.equal("tls", err.kind)
  assert.is_falsy(err.ambiguous)
  assert.equal(2, tries)
  assert.equal(before, service.count(server))
  return err
end

describe("TLS", function()
  it("works with the authority in ca_file", function()
    assert(open("good"):whoami())
    assert(open("good", nil, "localhost"):whoami())
  end)

  it("refuses a certificate of an unknown authority", function()
    refused("good", { ca_file = proxy:ca "other" })
  end)

  it("refuses it without ca_file, with the system's authorities", function()
    local space = service.storyblok { url = proxy:url "good" }
    local _, err = space:whoami()
    assert.equal("tls", err.kind)
    assert.equal(1, err.attempts)
  end)

  it("refuses a certificate for another host", function()
    refused "host"
  end)

  it("refuses an expired certificate", function()
    local err = refused "expired"
    assert.matches("expired", tostring(err), 1, true)
  end)

  it("reports a server that does not speak TLS", function()
    local err = refused("good", { base_url = server.url:gsub("http:",
                                                             "https:") })
    assert.matches("no TLS connection; is it an http:// address?",
                   tostring(err), 1, true)
  end)

  it("reports a missing ca_file", function()
    local _, err = open("good", { ca_file = "/nowhere/ca.pem" }):whoami()
    assert.equal("tls", err.kind)
    assert.matches("/nowhere/ca.pem", tostring(err), 1, true)
    assert.equal(1, err.attempts)
  end)
end)

describe("HTTP/2", function()
  local made = 0

  local function create(space)
    made = made + 1
    return assert(space.stages:create { name = "Stage " .. made,
                                        color = "#00000" .. made })
  end

  it("is used only for GET: POST uses HTTP/1.1, also after a GET", function()
    local from = #proxy:log "good"
    local space = open "good"
    assert(space:whoami())
    local stage = create(space)
    assert(space:whoami())
    create(space)
    assert(space.stages:update(stage.id, { name = "Other",
                                           color = "#000009" }))
    assert(space.stages:delete(stage.id))
    local lines = logged("good", from, 6)
    assert.equal(6, #lines)
    assert.matches("^GET HTTP/2.0", lines[1])
    for _, line in ipairs(lines) do
      local method, protocol = line:match "^(%S+) (%S+)"
      if method ~= "GET" then assert.equal("HTTP/1.1", protocol, line) end
    end
  end)

  it("carries many GETs, with POSTs between them", function()
    local from = #proxy:log "good"
    local space = open "good"
    local items = {}
    for i = 1, 40 do items[i] = i end
    local results, errors = workstage.map(items, function(i)
      if i % 8 == 0 then return create(space) end
      return space:whoami()
    end)
    assert.same({}, errors)
    assert.equal(40, #results)
    for _, line in ipairs(logged("good", from, 40)) do
      if line:find "^POST" then assert.matches("HTTP/1.1", line, 1, true) end
    end
  end)

  it("is optional", function()
    local from = #proxy:log "old"
    local space = open "old"
    assert(space:whoami())
    create(space)
    for _, line in ipairs(logged("old", from, 2)) do
      assert.matches("HTTP/1.1", line, 1, true)
    end
  end)

  it("keeps connections alive", function()
    local from = #proxy:log "good"
    local space = open "good"
    for _ = 1, 5 do
      assert(space:whoami())
      create(space)
    end
    local connections, count = {}, 0
    for _, line in ipairs(logged("good", from, 10)) do
      local one = line:match "(%d+)$"
      if not connections[one] then count = count + 1 end
      connections[one] = true
    end
    -- one of HTTP/2 and one of HTTP/1.1, or an HTTP/1.1 one that was there
    assert.is_true(count <= 2, count)
  end)
end)
