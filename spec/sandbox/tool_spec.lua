local http = require "sandbox.http"
local workstage = require "workstage"

-- The tool, its output and its exit status.
local function run(arguments)
  local pipe = io.popen("timeout 10 lua5.4 lua-binding/bin/workstage " ..
                        arguments .. " 2>&1; echo $?")
  local text = pipe:read "a"
  pipe:close()
  local output, status = text:match "^(.-)(%d+)\n$"
  return output, tonumber(status)
end

local function contents(path)
  local file <close> = assert(io.open(path))
  return file:read "a"
end

describe("workstage sandbox", function()
  -- Starts it, asks once, and ends it with a signal.
  local function serve(arguments, signal, ask)
    local out = os.tmpname()
    local pipe = io.popen(("lua5.4 lua-binding/bin/workstage sandbox %s " ..
      ">%s 2>&1 & pid=$!; echo $pid; wait $pid; echo $?")
      :format(arguments, out))
    local pid = pipe:read "l"
    local url
    for _ = 1, 200 do
      local file = io.open(out)
      local text = file:read "a"
      url = text:match "^(.-)\n.*\n"
      file:close()
      if url then break end
      os.execute "sleep 0.05"
    end
    local answer = ask and url and ask(url, pid, contents(out))
    os.execute(("kill -%s %s"):format(signal, pid))
    local status = tonumber(pipe:read "l")
    pipe:close()
    local file = io.open(out)
    local output = file:read "a"
    file:close()
    os.remove(out)
    return output, status, answer
  end

  -- KiB of another process.
  local function memory_of(pid)
    for line in io.lines(("/proc/%s/status"):format(pid)) do
      local value = line:match "^VmRSS:%s*(%d+)"
      if value then return tonumber(value) end
    end
  end

  it("keeps nothing of the requests that it has answered", function()
    local _, _, grown = serve("--rate-limit off", "TERM", function(url, pid)
      local space <close> = assert(workstage.storyblok {
        token = "x", space_id = http.SPACE, base_url = url,
        rate_limit = false, proxy = false })
      local function ask(count)
        for _ = 1, count do
          assert(space:request("GET", ("/v1/spaces/%d/space_roles")
            :format(http.SPACE), { query = { search = ("x"):rep(7000) } }))
        end
      end
      ask(300)
      local before = memory_of(pid)
      ask(1500)
      return memory_of(pid) - before
    end)
    assert.is_true(grown < 4000, grown .. " KiB")
  end)

  it("prints its addresses and serves until a signal", function()
    for _, signal in ipairs { "TERM", "INT", "HUP" } do
      local output, status, answer = serve("--stories 3", signal,
        function(url)
          return http.client(nil, "x", url .. "/v1/spaces/" .. http.SPACE)
                 :get "/stories"
        end)
      assert.equal("3", answer.headers.total)
      local port = output:match "^http://127%.0%.0%.1:(%d+)\n"
      assert.equal(("http://127.0.0.1:%s\nKantata OX: http://127.0.0.1:%s" ..
                    "/api/v1\n"):format(port, port), output)
      assert.equal(0, status)
    end
  end)

  it("takes a seed, a limit, faults and latency", function()
    local seed, faults = os.tmpname(), os.tmpname()
    local file = io.open(seed, "w")
    file:write '{"spaces":[{"id":5,"stories":[{"full_slug":"a"}]}]}'
    file:close()
    file = io.open(faults, "w")
    file:write '[{"path":"/releases","status":503}]'
    file:close()
    local _, _, answers = serve(("--seed %s --faults %s --rate-limit 2 " ..
      "--option window=rolling --latency 0:0.01,0:0.01")
      :format(seed, faults), "TERM",
      function(url)
        local space = http.client(nil, "x", url .. "/v1/spaces/5")
        return http.all({ space:request("GET", "/stories"),
                          space:request("GET", "/releases"),
                          space:request("GET", "/stories") }, 1)
      end)
    assert.equal(200, answers[1].status)
    assert.equal(503, answers[2].status)
    assert.equal(429, answers[3].status)
    os.remove(seed)
    os.remove(faults)
  end)

  it("takes a clock and every other option of the module", function()
    local _, _, answers = serve("--clock-offset=-86400 --option gzip=always " ..
      "--option update_status=200 --option unique_colors=false", "TERM",
      function(url)
        local space = http.client(nil, "x", url .. "/v1/spaces/" .. http.SPACE)
        local all = space:get "/workflow_stages"
        return all
      end)
    assert.equal("gzip", answers.headers["content-encoding"])
    local day = os.date("!%d %b %Y", os.time() - 86400)
    assert.truthy(answers.headers.date:find(day, 1, true))
    local output, status = run "sandbox --option nonsense"
    assert.equal(3, status)
    assert.truthy(output:find("is not of the form NAME=VALUE", 1, true))
    output, status = run "sandbox --option widow=fixed"
    assert.equal(1, status)
    assert.truthy(output:find("did you mean 'window'?", 1, true))
  end)

  it("prints a Kantata address that a client can use unchanged", function()
    serve("", "TERM", function(_, _, output)
      local address = output:match "Kantata OX: (%S+)"
      local ox <close> = assert(workstage.kantata {
        token = "x", base_url = address, proxy = false })
      assert.equal(4 + 1, #assert(ox.workspaces:list()))
    end)
  end)

  it("ends with 1 and a reason when it cannot start", function()
    local server = http.start()
    local server_port = server.port
    local output, status = run("sandbox --port " .. server_port)
    server:stop()
    assert.equal(1, status)
    assert.truthy(output:find(("cannot listen on port %d: Address already " ..
                               "in use"):format(server_port), 1, true))
    output, status = run "sandbox --seed /nonexistent.json"
    assert.equal(1, status)
    assert.truthy(output:find("/nonexistent.json", 1, true))
  end)

  it("ends with 3 when it is used wrongly", function()
    for _, arguments in ipairs { "", "nonsense", "sandbox --nonsense",
      "sandbox --port x", "sandbox --rate-limit fast",
      "sandbox --latency 1:2", "sandbox --seed a --stories 5" } do
      local output, status = run(arguments)
      assert.equal(3, status, arguments)
      assert.truthy(output:find "Usage: workstage", arguments)
    end
  end)

  it("explains itself", function()
    local output, status = run "sandbox --help"
    assert.equal(0, status)
    for _, option in ipairs { "port", "seed", "rate%-limit", "latency",
                              "faults" } do
      assert.truthy(output:find("--" .. option), option)
    end
  end)
end)
