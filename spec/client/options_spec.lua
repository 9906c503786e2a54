local clients = require "support.clients"
local workstage = require "workstage"
local failed, has = clients.failed, clients.has

describe("options", function()
  local function storyblok(more)
    local opts = { token = clients.TOKEN, space_id = clients.SPACE }
    for name, value in pairs(more or {}) do opts[name] = value end
    for name, value in pairs(opts) do
      if value == "none" then opts[name] = nil end
    end
    return workstage.storyblok(opts)
  end

  local function refused(pieces, ...)
    local err = failed("invalid", ...)
    for _, piece in ipairs(pieces) do has(err, piece) end
  end

  local function accepted(space, err)
    assert(space, err)
    space:close()
  end

  it("of the other service are refused", function()
    local ox, err = workstage.kantata { token = "x", zzzzzz = 1 }
    assert.is_nil(ox)
    assert.is_nil(tostring(err):find("space_id", 1, true))
    assert.truthy(tostring(err):find("oauth_token", 1, true))
  end)

  it("that do not exist are errors with the nearest name", function()
    refused({ "'tokn', did you mean 'token'?" },
            workstage.storyblok { tokn = "x", space_id = 5 })
    refused({ "'ratelimit', did you mean 'rate_limit'?" },
            storyblok { ratelimit = 5 })
    refused({ "'spaceid', did you mean 'space_id'?" },
            storyblok { spaceid = 5 })
    refused({ "unknown option" }, storyblok { 5 })
    refused({ "unknown option 'zzzzzzzz'" }, storyblok { zzzzzzzz = 5 })
    refused({ "space_id" }, workstage.kantata { token = "x", space_id = 5 })
    refused({ "region" }, workstage.kantata { token = "x", region = "eu" })
  end)

  it("that are missing", function()
    refused({ "space_id", "required" }, storyblok { space_id = "none" })
    refused({ "token", "required", "STORYBLOK_TOKEN" },
            storyblok { token = "none" })
    refused({ "token", "required", "STORYBLOK_TOKEN" },
            storyblok { token = "" })
    refused({ "token", "required", "KANTATA_TOKEN" }, workstage.kantata {})
    refused({ "required" }, workstage.storyblok {})
  end)

  it("tokens: one line, one of the two, without the word Bearer",
     function()
    for _, token in ipairs { "", "a b", "a\nb", "a\r\nX-Evil: 1", "ä", "a\0b",
                             "Bearer x", "\127", 5, true, {} } do
      refused({ "token" }, storyblok { token = token })
      refused({ "oauth_token" }, storyblok { token = "none",
                                             oauth_token = token })
      refused({ "token" }, workstage.kantata { token = token })
    end
    refused({ "token and oauth_token" }, storyblok { oauth_token = "x" })
    -- errors about a token do not show it
    for _, token in ipairs { "s3cret\n", "s3cret x", "Bearer s3cret",
                             "s3cret\0" } do
      failed("invalid", storyblok { token = token })
    end
    accepted(storyblok { token = "none", oauth_token = "abc" })
  end)

  it("space ids: integers or digits, in a region", function()
    for _, id in ipairs { 288868932106293, "288868932106293", 1, "999999",
                          288868932106293.0, 282994740194929, 3999999 } do
      accepted(storyblok { space_id = id })
    end
    for _, id in ipairs { 0, -1, 12.5, "12x", "", " 12", "0x10", "1e5", true,
                          {}, 2^53, "9007199254740992", "0", "-5",
                          ("9"):rep(30) } do
      refused({ "space_id" }, storyblok { space_id = id })
    end
    for _, id in ipairs { 4000000, 2^48 - 1, 5 << 48, 7 << 48, 31 << 48 } do
      refused({ "region" }, storyblok { space_id = id })
    end
  end)

  it("regions: the service's codes", function()
    for _, region in ipairs { "eu", "us", "ca", "ap", "cn" } do
      local id = region == "cn" and 5 or nil
      local space = storyblok { region = region, space_id = id }
      if space then space:close() end
    end
    refused({ "region" }, storyblok { region = "mars" })
    refused({ "region" }, storyblok { region = "" })
    refused({ "region" }, storyblok { region = 5 })
  end)

  it("numbers: in their range", function()
    accepted(storyblok { rate_limit = 100000 })
    refused({ "rate_limit" }, storyblok { rate_limit = 100001 })
    refused({ "rate_limit" }, storyblok { rate_limit = 0.0009 })
    for _, bad in ipairs { -1, "5", 0 / 0, 1 / 0, {}, true } do
      refused({ "rate_limit" }, storyblok { rate_limit = bad ~= true and
                                            type(bad) ~= "table" and bad or
                                            "x" })
      refused({ "timeout" }, storyblok { timeout = bad })
      refused({ "connect_timeout" }, storyblok { connect_timeout = bad })
      refused({ "settle_time" }, storyblok { settle_time = bad })
      refused({ "concurrency" }, storyblok { concurrency = bad })
      refused({ "max_response" }, storyblok { max_response = bad })
      refused({ "max_requests" }, storyblok { max_requests = bad })
    end
    for _, name in ipairs { "timeout", "connect_timeout", "concurrency",
                            "rate_limit", "max_response", "max_requests" } do
      refused({ name }, storyblok { [name] = 0 })
    end
    refused({ "concurrency" }, storyblok { concurrency = 1.5 })
    refused({ "concurrency" }, storyblok { concurrency = 100000 })
    refused({ "rate_limit" }, storyblok { rate_limit = true })
    accepted(storyblok { rate_limit = false, timeout = 0.5, concurrency = 1,
                         max_requests = 10, max_response = 1,
                         settle_time = 0 })
  end)

  it("tables: rate_limit, retry, headers", function()
    refused({ "rate_limit", "per_secnd", "per_second" },
            storyblok { rate_limit = { per_secnd = 5 } })
    refused({ "rate_limit", "per_second" },
            storyblok { rate_limit = { per_second = "5" } })
    refused({ "retry", "'attemps', did you mean 'attempts'?" },
            storyblok { retry = { attemps = 5 } })
    refused({ "retry", "attempts" }, storyblok { retry = { attempts = 0 } })
    refused({ "retry", "base" }, storyblok { retry = { base = -1 } })
    refused({ "retry" }, storyblok { retry = 5 })
    refused({ "retry" }, storyblok { retry = true })
    refused({ "headers" }, storyblok { headers = "X: 1" })
    refused({ "headers" }, storyblok { headers = { "X: 1" } })
    refused({ "headers" }, storyblok { headers = { X = "a\r\nY: b" } })
    refused({ "headers" }, storyblok { headers = { ["X\nY"] = "a" } })
    refused({ "headers" }, storyblok { headers = { ["X Y"] = "a" } })
    refused({ "headers" }, storyblok { headers = { [""] = "a" } })
    refused({ "headers" }, storyblok { headers = { X = {} } })
    refused({ "headers", "Authorization" },
            storyblok { headers = { authorization = "x" } })
    accepted(storyblok { retry = false, headers = { ["X-A"] = "b" } })
  end)

  it("base_url: http or https, and nothing but an address", function()
    for _, url in ipairs { "", "ftp://x", "mapi.storyblok.com", "http://",
                           "http://a b", "http://u:s3cret@h", "http://h?x=1",
                           "http://h#f", "http://h:99999", "http://h\r\n",
                           5, true } do
      refused({ "base_url" }, storyblok { base_url = url })
    end
  end)

  it("of other types", function()
    refused({ "ca_file" }, storyblok { ca_file = 5 })
    refused({ "proxy" }, storyblok { proxy = 5 })
    refused({ "proxy" }, storyblok { proxy = true })
    refused({ "user_agent" }, storyblok { user_agent = 5 })
    refused({ "user_agent" }, storyblok { user_agent = "a\r\nb" })
    refused({ "on_event" }, storyblok { on_event = "print" })
  end)

  it("that are not a table raise, with the caller's position", function()
    for _, bad in ipairs { 5, "token", true } do
      local good, err = pcall(function() workstage.storyblok(bad) end)
      assert.is_false(good)
      has(err, "options_spec.lua")
      assert.has_error(function() workstage.kantata(bad) end)
    end
    assert.has_error(function() workstage.storyblok() end)
    assert.has_error(function() workstage.kantata() end)
  end)

  it("are not changed, and may be changed later", function()
    local opts = { token = clients.TOKEN, space_id = "288868932106293",
                    retry = { attempts = 3 }, headers = { A = "b" } }
    local space = assert(workstage.storyblok(opts))
    assert.same({ token = clients.TOKEN, space_id = "288868932106293",
                  retry = { attempts = 3 }, headers = { A = "b" } }, opts)
    space:close()
  end)

  describe("on the wire", function()
    local scripted = require "support.scripted"
    local server

    before_each(function()
      server = scripted.start()
      server:answer(200, '{"workflow_stages":[],"user":{"id":1}}',
                    { times = 0 })
    end)

    after_each(function() server:stop() end)

    local function ask(more)
      local space = clients.space(server.url, more)
      assert(space.stages:list())
      space:close()
      return server:last()
    end

    it("a token is sent bare, an OAuth token as Bearer", function()
      assert.equal(clients.TOKEN, ask().headers.authorization)
      local space = assert(workstage.storyblok {
        oauth_token = "abc", space_id = 5, base_url = server.url,
        proxy = false })
      assert(space.stages:list())
      space:close()
      assert.equal("Bearer abc", server:last().headers.authorization)
      local ox = clients.ox(server.url)
      ox:request("GET", "/workspaces")
      ox:close()
      assert.equal("Bearer " .. clients.TOKEN,
                   server:last().headers.authorization)
    end)

    it("headers and user_agent are sent", function()
      local request = ask { headers = { ["X-One"] = "1", Accept = "text/x" },
                            user_agent = "mover/7" }
      assert.equal("1", request.headers["x-one"])
      assert.equal("text/x", request.headers.accept)
      assert.equal("mover/7", request.headers["user-agent"])
      request = ask()
      has(request.headers["user-agent"], "workstage/")
      assert.equal("application/json", request.headers.accept)
      assert.is_nil(request.headers["content-type"])
    end)

    it("base_url may have a path and a slash at its end", function()
      local space = clients.space(server.url .. "/a/b/")
      assert(space.stages:list())
      space:close()
      assert.equal("/a/b/v1/spaces/288868932106293/workflow_stages",
                   server:last().target)
    end)

    it("max_requests is a budget", function()
      local space = clients.space(server.url, { max_requests = 2 })
      assert(space.stages:list())
      assert(space.stages:list())
      local err = failed("budget", space.stages:list())
      has(err, "max_requests")
      assert.is_falsy(err.ambiguous)
      failed("budget", space.stages:create { name = "x", color = "#fff" })
      space:close()
      assert.equal(2, #server:requests())
    end)

    it("a missing ca_file is reported", function()
      local space = clients.space("https://127.0.0.1:1",
                                  { ca_file = "/nonexistent.pem" })
      local _, err = space.stages:list()
      assert.truthy(err)
      space:close()
    end)
  end)
end)
