local http = require "sandbox.http"
local sandbox = require "workstage.sandbox"

describe("a sandbox", function()
  it("has addresses, and is named by them", function()
    local server = http.start()
    assert.equal("http://127.0.0.1:" .. server.port, server.url)
    assert.equal(server.url .. "/api/v1", server.kantata_url)
    assert.equal("sandbox at " .. server.url, tostring(server))
    server:stop()
    assert.equal("sandbox (stopped)", tostring(server))
    assert.is_nil(server.url)
  end)

  -- Garbage whose finalizer stops the server.
  local function leave_garbage(server, stopped)
    setmetatable({}, { __gc = function()
      stopped[1] = true
      server:stop()
    end })
  end

  it("outlives a finalizer that stops it inside its own methods", function()
    local none, faults = { spaces = {} }, { { status = 500 } }
    local calls = {
      function(server) return server:stats() end,
      function(server) return server:requests() end,
      function(server) return server:dump() end,
      function(server) return server:load(none) end,
      function(server) return server:inject(faults) end,
    }
    collectgarbage "generational"
    for _, call in ipairs(calls) do
      local server <close> = http.start { seed = false }
      local stopped = {}
      collectgarbage()
      collectgarbage "stop"
      leave_garbage(server, stopped)
      collectgarbage "restart"  -- it runs at the method's first allocation
      local result, err = call(server)
      assert.is_true(stopped[1])
      assert.is_nil(result)
      assert.equal("sandbox: it is stopped", err)
    end
    collectgarbage "incremental"
  end)

  it("takes the port that it is given, and says when it cannot", function()
    local server = http.start()
    local other, err = sandbox.start { port = server.port }
    assert.is_nil(other)
    assert.equal(("sandbox: cannot listen on port %d: Address already in use")
                 :format(server.port), err)
    local port = server.port
    server:stop()
    other = assert(sandbox.start { port = port })
    assert.equal(port, other.port)
    other:stop()
  end)

  it("answers nil and a reason once it is stopped", function()
    local server = http.start()
    assert.is_true(server:stop())
    assert.is_true(server:stop())
    for _, method in ipairs { "stats", "requests", "dump" } do
      local value, err = server[method](server)
      assert.is_nil(value)
      assert.equal("sandbox: it is stopped", err)
    end
    assert.is_nil((server:load {}))
    assert.is_nil((server:inject {}))
  end)

  it("stops at the end of its scope, and when it is collected", function()
    local url
    do
      local server <close> = http.start()
      url = server.url
      assert.equal(404, http.send { method = "GET", url = url,
                                    authorization = "x" }.status)
    end
    assert.equal(7, http.send({ method = "GET", url = url }).exit)
    url = http.start().url
    collectgarbage()
    collectgarbage()
    assert.equal(7, http.send({ method = "GET", url = url }).exit)
  end)

  it("refuses wrong options with a clear reason", function()
    for expected, options in pairs {
      ["unknown option 'rate_limt', did you mean 'rate_limit'?"] =
        { rate_limt = 6 },
      ["unknown option 'xxxxxxxxx'"] = { xxxxxxxxx = 1 },
      ["option 'rate_limit' must be a number or false"] =
        { rate_limit = "6" },
      ["option 'rate_limit' must not be negative"] = { rate_limit = -1 },
      ["option 'rate_limit' must be 1 or more, or false"] =
        { rate_limit = 0.5 },
      ["option 'port' must be below 65536"] = { port = 70000 },
      ["option 'port' must be an integer"] = { port = 80.5 },
      ["option 'latency' must be a number or a table"] = { latency = "1" },
      ["option 'latency': seconds or { min, max } expected"] =
        { latency = { inbound = { 2, 1 } } },
      ["unknown latency 'inbond', did you mean 'inbound'?"] =
        { latency = { inbond = 1 } },
      ["option 'story_stage' must be one of 'change', 'names', 'alternate'"]
        = { story_stage = "both" },
      ["option 'update_status' must be 204 or 200"] =
        { update_status = 201 },
      ["unknown field of a token 'rol', did you mean 'role'?"] =
        { tokens = { abc = { rol = "x" } } },
      ["option 'tokens': an empty token"] = { tokens = { "" } },
      ["database '/nonexistent/x': unable to open database file"] =
        { database = "/nonexistent/x" },
      ["fault 1: unknown fault field 'x'"] = { faults = { { x = 1 } } },
      ["a function cannot be given to the sandbox"] = { log = print },
    } do
      local server, err = sandbox.start(options)
      assert.is_nil(server)
      assert.equal("sandbox: " .. expected, err)
    end
    local loop = {}
    loop.seed = loop
    assert.is_nil((sandbox.start(loop)))
  end)

  it("raises an error if an argument is not a table", function()
    assert.has_error(function() sandbox.start(5) end)
    local server = http.start()
    assert.has_error(function() server:inject "x" end)
    assert.has_error(function() server:load() end)
    assert.has_error(function() server.stats() end)
    server:stop()
  end)

  it("runs beside others in one process", function()
    local servers = {}
    for i = 1, 5 do servers[i] = http.start { seed = { stories = i } } end
    for i = 1, 5 do
      assert.equal(tostring(i), http.client(servers[i]):get("/stories")
                                .headers.total)
    end
    for i = 1, 5 do servers[i]:stop() end
  end)
end)

describe("the server", function()
  it("writes and reads ids of 15 digits exactly", function()
    local server = http.start()
    local space = http.client(server)
    local text = space:get("/stories?per_page=1").text
    local id = text:match '"stories":%[{"id":(%d+),'
    assert.equal(15, #id)
    assert.is_true(tonumber(id) > 1 << 48)
    assert.equal(math.tointeger(tonumber(id)),
                 server:dump().spaces[1].stories[1].id)
    local other = (tonumber(id) + 1) | 0
    assert.equal(404, space:get("/stories/" .. other).status)
    assert.truthy(space:get("/stories/" .. id).text:find(id, 1, true))
    server:stop()
  end)

  it("keeps connections open between requests", function()
    local server = http.start()
    local request = http.client(server):request("GET", "/releases")
    http.all({ request, request, request, request }, 1)
    assert.equal(4, server:stats().requests)
    assert.equal(1, server:stats().connections)
    server:stop()
  end)

  it("closes idle connections where the option says so", function()
    local server = http.start { idle_close = 0.1 }
    local url = server.url .. "/v1/users/me"
    os.execute(("curl -s -H 'Authorization: x' --rate 2/s %s %s >/dev/null")
               :format(url, url))
    assert.equal(2, server:stats().requests)
    assert.equal(2, server:stats().connections)
    server:stop()
  end)

  it("closes none that is busy, or was busy since", function()
    local server = http.start { idle_close = 1, faults = {
      { path = "releases", delay = 1.3 } } }
    local space = http.client(server)
    http.all({ space:request("GET", "/stories"),
               space:request("GET", "/releases") }, 1)
    assert.equal(2, server:stats().status["200"])
    assert.equal(1, server:stats().connections)
    server:inject(false)
    local url = server.url .. "/v1/users/me"
    os.execute(("curl -s -H 'Authorization: x' --rate 2/s %s %s %s %s " ..
                ">/dev/null"):format(url, url, url, url))
    assert.equal(2, server:stats().connections)
    server:stop()
  end)

  it("holds 300 requests at once while they wait", function()
    local server = http.start { latency = 1.5, seed = { stories = 300 } }
    local client, requests = http.client(server), {}
    for i = 1, 300 do
      requests[i] = client:request("GET", "/stories?per_page=1&page=" .. i)
    end
    local answers = http.all(requests, 300)
    local seen = {}
    for _, answer in ipairs(answers) do
      assert.equal(200, answer.status)
      seen[answer.json.stories[1].id] = true
    end
    local count = 0
    for _ in pairs(seen) do count = count + 1 end
    assert.equal(300, count)
    assert.is_true(server:stats().max_in_flight >= 100,
                   server:stats().max_in_flight)
    server:stop()
  end)

  it("makes exactly as many effects as requests came in parallel",
     function()
    local server = http.start()
    local client, requests = http.client(server), {}
    for i = 1, 200 do
      requests[i] = client:request("POST", "/workflow_stages", {
        workflow_stage = { name = "N" .. i // 2, color = "#" .. i // 2 } })
    end
    local created, refused = 0, 0
    for _, answer in ipairs(http.all(requests, 50)) do
      if answer.status == 201 then created = created + 1 end
      if answer.status == 422 then refused = refused + 1 end
    end
    assert.equal(101, created)
    assert.equal(99, refused)
    assert.equal(101, server:stats().effects.workflow_stages)
    assert.equal(108, #client:get("/workflow_stages").json.workflow_stages)
    server:stop()
  end)

  it("stops at once while requests wait, are late or hang", function()
    local server = http.start { latency = 60, faults = {
      { path = "hang", hang = "before" } } }
    local slow = http.start { faults = { { hang = "after" } } }
    os.execute(([[
      for i in 1 2 3 4 5; do
        curl -s -m 30 -H 'Authorization: x' %s/v1/users/me &
        curl -s -m 30 -H 'Authorization: x' %s/v1/users/me &
      done >/dev/null 2>&1
      sleep 0.5]]):format(server.url, slow.url))
    assert.equal(5, server:stats().in_flight)
    assert.equal(5, slow:stats().in_flight)
    local from = os.time()
    server:stop()
    slow:stop()
    assert.is_true(os.time() - from <= 2)
  end)

  it("refuses connections soon after it has stopped",
     function()
    local server = http.start()
    local url = server.url
    server:stop()
    assert.equal(7, http.send({ method = "GET", url = url }).exit)
  end)
end)

describe("the log of requests", function()
  local server, space

  before_each(function()
    server = http.start()
    space = http.client(server, "s3cret")
  end)
  after_each(function() server:stop() end)

  it("holds what came, in order", function()
    space:get "/stories/?per_page=1&search=a%20b"
    space:post("/workflow_stages", '{"workflow_stage":{"name":"ä\\n"}}')
    local log = server:requests()
    assert.equal(2, #log)
    assert.equal("GET", log[1].method)
    assert.equal("/v1/spaces/288868932106293/stories", log[1].path)
    assert.equal("per_page=1&search=a%20b", log[1].query)
    assert.equal(200, log[1].status)
    assert.is_nil(log[1].body)
    assert.is_false(log[1].effect)
    assert.equal('{"workflow_stage":{"name":"ä\\n"}}', log[2].body)
    assert.equal(422, log[2].status)
    assert.is_nil(log[2].query)
    assert.equal("application/json", log[2].headers["content-type"])
    assert.is_true(log[2].at >= log[1].at)
    assert.equal("float", math.type(log[1].at))
    assert.equal(2, log[2].number)
  end)

  it("never holds the token", function()
    space:get "/stories"
    http.kantata(server, "Bearer s3cret"):get "/workspaces"
    local function search(value)
      if type(value) == "table" then
        for name, member in pairs(value) do
          search(name)
          search(member)
        end
      else
        assert.is_nil(tostring(value):find "s3cret")
        assert.is_nil(tostring(value):lower():find "authorization")
      end
    end
    search(server:requests())
    search(server:stats())
  end)

  it("holds any bytes as they came", function()
    space:post("/workflow_stages", "\xff\xfe\"\\\1")
    assert.equal("\xff\xfe\"\\\1", server:requests()[1].body)
  end)

  it("gives what came from a number on", function()
    for _ = 1, 3 do space:get "/releases" end
    assert.equal(2, #server:requests(2))
    assert.equal(2, server:requests(2)[1].number)
    assert.same({}, server:requests(4))
  end)

  it("notes no answer of a request that it keeps no more", function()
    local other = http.start { log = 1, faults = {
      { path = "slow", delay_after = 0.6 } } }
    local client = http.client(other)
    local slow = client:request("GET", "/slow")
    os.execute(("curl -s -H 'Authorization: x' %s >/dev/null & sleep 0.2")
               :format(slow.url))
    assert.equal(200, client:get("/stories").status)
    os.execute "sleep 0.7"
    assert.equal(1, other:stats().status["404"])
    assert.equal(200, other:requests()[1].status)
    other:stop()
  end)

  it("keeps as many as the option says", function()
    local function kept(log)
      local other = http.start { log = log }
      local requests = {}
      for i = 1, 7 do
        requests[i] = http.client(other):request("GET", "/x" .. i)
      end
      http.all(requests, 1)
      local found = http.names(other:requests(), "number")
      assert.equal(7, other:stats().requests)
      other:stop()
      return found
    end
    assert.equal("5,6,7", kept(3))
    assert.equal("", kept(false))
    assert.equal("1,2,3,4,5,6,7", kept(true))
  end)
end)
