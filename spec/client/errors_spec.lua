-- Every format in which the services report errors.
local clients = require "support.clients"
local failed, has = clients.failed, clients.has

describe("an error's", function()
  local server, space, ox

  setup(function() server, space, ox = clients.scripted() end)

  teardown(function()
    space:close()
    ox:close()
    server:stop()
  end)

  local function answer(status, body, headers)
    server:answer(status, body, { headers = headers })
  end

  local function create(status, body, kind, headers)
    answer(status, body, headers)
    return failed(kind or "rejected", space.stages:create {
      name = "x", color = "#fff" })
  end

  local function kantata(status, body, kind)
    answer(status, body)
    return failed(kind or "rejected", ox.changes:create {
      workspace_id = 7, to_status_key = 605 })
  end

  it("field and message are found in each of the 422 formats", function()
    local taken = { "has already been taken" }
    local cases = {
      { '{"name":["has already been taken"],"error":"is bad"}', "is bad",
        { name = taken } },
      { '{"name":["has already been taken"]}',
        "name has already been taken", { name = taken } },
      { '{"error":"is bad"}', "is bad" },
      { '{"error":["is bad","and ugly"]}', "is bad; and ugly" },
      { '{"error":{"name":["has already been taken"]}}',
        "name has already been taken", { name = taken } },
      { '{"errors":{"name":["has already been taken"]}}',
        "name has already been taken", { name = taken } },
      { '["is bad","and ugly"]', "is bad; and ugly" },
      { '["This record could not be found"]',
        "This record could not be found" },
      { '{"errors":{"b":["one","two"],"a":["three"]}}',
        "a three; b one, two", { a = { "three" }, b = { "one", "two" } } },
      { '{"error":{"base":"is bad"}}', "is bad",
        { base = { "is bad" } } },
      { '{"error":"is bad","errors":{"name":["has already been taken"]}}',
        "is bad", { name = taken } },
      { '{"errors":{"name":["has already been taken"]},"color":["is bad"]}',
        "color is bad; name has already been taken",
        { name = taken, color = { "is bad" } } },
      { '{"status":400,"error":"is bad"}', "is bad" },
      { '{"errors":["is bad"]}', "is bad" },
      { '{"errors":"is bad"}', "is bad" },
      { '{"message":"is bad"}', "is bad" },
    }
    for _, case in ipairs(cases) do
      local err = create(422, case[1])
      assert.equal(422, err.status)
      assert.equal(case[2], err.message, case[1])
      assert.same(case[3], err.fields, case[1])
      assert.equal(case[1], err.body)
      has(err, case[2])
    end
  end)

  it("message is not repeated", function()
    local err = create(404, '{"error":"The record could not be found",' ..
                       '"base":["The record could not be found"]}',
                       "not_found")
    assert.truthy(tostring(err):find("404: The record could not be found",
                                     1, true))
    assert.is_nil(tostring(err):find("(", 1, true), tostring(err))
    err = kantata(422, '{"errors":[{"type":"validation","field":' ..
      '"to_status_key","message":"Project already has specified status"}]}')
    has(err, "422: Project already has specified status (to_status_key)")
    err = create(422, '{"error":"is bad","name":["has already been taken"]}')
    has(err, "is bad (name has already been taken)")
  end)

  it("message counts also in a successful response to a write", function()
    local id, bodies = 5, {
      ['{"error":"is bad"}'] = "is bad", ['{"errors":["is bad"]}'] = "is bad",
      ['{"errors":{"name":["is bad"]}}'] = "name is bad",
      ['{"errors":[{"type":"system","message":"is bad"}]}'] = "is bad",
    }
    local raw = { body = { a = 1 } }
    local writes = {
      function() return space.stages:update(id, { name = "x" }) end,
      function() return space.stages:delete(id) end,
      function() return space.workflows:update(id, { name = "x" }) end,
      function() return space.workflows:duplicate(id) end,
      function() return space.stages:create { name = "x", color = "c" } end,
      function()
        return space.changes:create { story_id = 1, workflow_stage_id = 2 }
      end,
      function()
        return ox.changes:create { workspace_id = 1, to_status_key = 2 }
      end,
      function() return ox.workspaces:update(id, { title = "x" }) end,
      function() return space:request("POST", "/v1/x", raw) end,
      function() return space:request("PUT", "/v1/x", raw) end,
      function() return space:request("DELETE", "/v1/x") end,
    }
    for body, words in pairs(bodies) do
      for _, write in ipairs(writes) do
        local before = #server:requests()
        answer(200, body)
        local err = failed("rejected", write())
        assert.equal(200, err.status)
        assert.equal(words, err.message)
        assert.is_falsy(err.ambiguous)
        assert.equal(body, err.body)
        assert.equal(1, #server:requests() - before)
      end
    end
  end)

  it("message is missing if `error` and `errors` are empty", function()
    for _, body in ipairs { '{"error":null}', '{"errors":[]}', "{}",
                            '{"errors":{},"error":""}' } do
      answer(200, body)
      assert.is_true(space.stages:update(5, { name = "x" }))
      answer(200, body)
      assert(space:request("PUT", "/v1/x", { body = { a = 1 } }))
    end
    answer(201, '{"workflow_stage":{"id":7},"error":"is late"}')
    assert.equal(7, assert(space.stages:create { name = "x",
                                                 color = "c" }).id)
    answer(200, '{"error":"is said so"}')
    assert.equal("is said so", assert(space:request("GET", "/v1/x")).error)
  end)

  it("kind and message follow from the status", function()
    local cases = {
      { 400, "rejected" }, { 401, "unauthorized" }, { 402, "rejected" },
      { 403, "forbidden" }, { 404, "not_found" }, { 405, "rejected" },
      { 409, "rejected" }, { 418, "rejected" }, { 422, "rejected" },
      { 301, "redirect" }, { 302, "redirect" }, { 303, "redirect" },
      { 307, "redirect" }, { 308, "redirect" },
    }
    for _, case in ipairs(cases) do
      local err = create(case[1], '{"error":"is said so"}', case[2],
                         { "Location: /elsewhere" })
      assert.equal(case[1], err.status)
      assert.equal("is said so", err.message)
      assert.equal(1, err.attempts)
      assert.is_false(err.ambiguous)
      assert.equal("POST", err.method)
      assert.equal(server.url ..
                   "/v1/spaces/288868932106293/workflow_stages", err.url)
      has(err, tostring(case[1]))
      has(err, "POST " .. err.url)
    end
  end)

  it("404 is read in both formats", function()
    for _, body in ipairs { '["This record could not be found"]',
                            '{"error":"This record could not be found"}' } do
      answer(404, body)
      local err = failed("not_found", space.stages:get(119522102426879))
      assert.equal("This record could not be found", err.message)
      has(err, "/workflow_stages/119522102426879")
    end
  end)

  it("401 names the options and variables that hold the token", function()
    local refused = create(401, '{"error":"Unauthorized"}', "unauthorized")
    for _, word in ipairs { "token, STORYBLOK_TOKEN", "oauth_token",
                            "STORYBLOK_OAUTH_TOKEN" } do
      has(refused, word)
    end
    refused = kantata(401, '{"errors":[{"message":"no"}]}', "unauthorized")
    has(refused, "token, KANTATA_TOKEN")
    assert.is_nil(tostring(refused):find("oauth_token", 1, true))
    local other = assert(require "workstage".storyblok {
      oauth_token = "abc", space_id = 5, base_url = server.url,
      proxy = false })
    answer(401, '{"error":"Unauthorized"}')
    local err = failed("unauthorized", other:whoami())
    has(err, "check the token (oauth_token, STORYBLOK_OAUTH_TOKEN)")
    has(err, "belongs in token or STORYBLOK_TOKEN")
    other:close()
  end)

  it("429 and 5xx are of their kind after all attempts", function()
    -- a separate server, as the client remembers the rate that it names
    local strict, theirs = clients.scripted()
    for _ = 1, 2 do
      strict:answer(429, '{"error":"Rate limit of 6 request per second '
                    .. 'reached. Retry later."}')
    end
    local err = failed("rate_limited", theirs.stages:list())
    theirs:close()
    strict:stop()
    assert.equal(429, err.status)
    assert.equal(2, err.attempts)
    has(err, "Rate limit of 6 request per second reached")
    has(err, "2 attempts")
    for _, status in ipairs { 500, 502, 503, 504 } do
      for _ = 1, 2 do
        answer(status, "<html><head><title>Bad day</title></head></html>")
      end
      err = failed("server", space.stages:list())
      assert.equal(status, err.status)
      has(err, "Bad day")
    end
  end)

  it("type, field and message are found in Kantata's format", function()
    local err = kantata(422, [[{"errors":[{"type":"validation",
      "message":"Project already has specified status",
      "field":"to_status_key"}]}]])
    assert.equal("validation", err.type)
    assert.equal("Project already has specified status", err.message)
    assert.same({ to_status_key = { "Project already has specified status" } },
                err.fields)
    err = kantata(400, [[{"errors":[{"type":"validation","message":"is bad",
      "field":"a"},{"type":"system","message":"and ugly","field":"a"},
      {"type":"system","message":"and late"}]}]])
    assert.equal("validation", err.type)
    assert.equal("is bad; and ugly; and late", err.message)
    assert.same({ a = { "is bad", "and ugly" } }, err.fields)
    for status, kind in pairs { [401] = "unauthorized", [403] = "forbidden",
                                [404] = "not_found" } do
      err = kantata(status, [[{"errors":[{"type":"oauth",
        "message":"Invalid OAuth 2 Request"}]}]], kind)
      assert.equal("oauth", err.type)
      assert.equal(status, err.status)
      has(err, "Invalid OAuth 2 Request")
    end
    for _ = 1, 2 do
      answer(503, [[{"errors":[{"type":"system","message":"Timeout"}]}]])
    end
    err = failed("server", ox.workspaces:get(7))
    assert.equal("system", err.type)
    assert.equal("Timeout", err.message)
  end)

  it("message is a sentence if the text is missing, odd or long", function()
    for _, body in ipairs {
      "", "null", "true", "5", '"text"', "{}", "[]", "[[]]", '[{"a":1}]',
      '{"error":null}', '{"error":{}}', '{"error":[]}', '{"error":5}',
      '{"error":{"a":{"b":["c"]}}}', '{"errors":[]}', '{"errors":[5]}',
      '{"errors":[{}]}', '{"errors":[{"message":5}]}', '{"errors":{"a":5}}',
      '{"error":""}', '{"error":"\\u0000\\u001b[31m"}', "\27[31mred",
      "\0\1\2", "\255\254", "<", "<html>", "<title>", "<title></title>",
      '{"error":"' .. ("long "):rep(20000) .. '"}', ("x"):rep(100000),
      ('{"error":'):rep(5000), "[" .. ("1,"):rep(9999) .. "1]",
      '{"error":{"' .. ("n"):rep(5000) .. '":["bad"]}}',
      '{"error":"ä' .. ("ö"):rep(600) .. '"}',
    } do
      local err = create(422, body)
      assert.equal(422, err.status)
      has(err, "422")
      assert.is_true(#(err.body or "") <= 4096)
      assert.is_true(utf8.len(tostring(err)) ~= nil or
                     body:find "[\254\255]" ~= nil)
    end
  end)

  it("body is truncated to 4 KiB", function()
    local err = create(422, '{"error":"bad","more":"' .. ("x"):rep(9000)
                       .. '"}')
    assert.equal(4096, #err.body)
    assert.equal("bad", err.message)
  end)

  it("request id is kept", function()
    local err = create(422, '{"error":"bad"}', nil, { "X-Request-Id: 77-a" })
    assert.equal("77-a", err.request_id)
  end)

  it("text never shows the token, even when the server echoes it",
     function()
    local token = clients.TOKEN
    local bodies = {
      '{"error":"token ' .. token .. ' is bad"}',
      '{"' .. token .. '":["is bad"]}',
      '{"errors":{"a":["' .. token .. '"]}}',
      '["' .. token .. '"]', token,
      '{"error":"' .. token:gsub("^s3", "\\u0073\\u0033") .. '"}',
      '{"error":"' .. token:gsub("%-", "\\-") .. '"}',
      "<html><title>" .. token .. "</title>",
      '{"errors":[{"type":"' .. token .. '","message":"' .. token ..
        '","field":"' .. token .. '"}]}',
      ("x"):rep(4090) .. token,
      '{"error":"' .. ("x"):rep(470) .. token .. ("x"):rep(470) .. '"}',
    }
    for _, body in ipairs(bodies) do
      local err = create(422, body, nil, { "X-Request-Id: " .. token })
      for name, value in pairs(err) do
        assert.is_false(clients.shows_token(value), name)
      end
      kantata(422, body)
      answer(200, body)
      failed("decode", space.stages:list())
    end
  end)

  it("text never shows the token of a client that is printed", function()
    for _, value in ipairs { space, ox, space.stages, ox.changes,
                             ox.statuses, space.transport } do
      assert.is_false(clients.shows_token(value))
      assert.is_false(clients.shows_token(tostring(value)))
    end
  end)

  it("URL has the path with unchanged 15-digit ids", function()
    answer(404, "[]")
    local err = failed("not_found", space.stages:update(119522102426879, {
      name = "x" }))
    assert.equal("PUT", err.method)
    assert.equal(server.url .. "/v1/spaces/288868932106293" ..
                 "/workflow_stages/119522102426879", err.url)
  end)

  it("message is all that an uncaught assert prints", function()
    local script = os.tmpname()
    local file = assert(io.open(script, "w"))
    file:write([[
      local workstage = require "workstage"
      local space = assert(workstage.storyblok {
        token = "s3cret-Token.42+x", space_id = 5, proxy = false,
        base_url = arg[1] })
      assert(space.stages:create { name = "x", color = 5 })
    ]])
    file:close()
    local lua = os.getenv "LUA" or "lua5.4"
    local pipe = assert(io.popen(("%s %s %s 2>&1"):format(lua, script,
                                                          server.url)))
    local text = pipe:read "a"
    pipe:close()
    os.remove(script)
    assert.truthy(text:find "^%S+: color: expected a string, got [^\n]+\n$",
                  text)
  end)
end)
