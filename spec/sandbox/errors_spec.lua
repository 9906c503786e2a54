local http = require "sandbox.http"

describe("errors", function()
  local server, space, root

  setup(function()
    server = http.start()
    space = http.client(server)
    root = http.client(server, nil, server.url)
  end)
  teardown(function() server:stop() end)

  it("are an array for a path or a method that nobody serves", function()
    for _, answer in ipairs {
      root:get "/", root:get "/v1/nothing", space:get "/workflow_stage",
      space:put "/workflow_stages", space:post "/stories/1",
      space:get "/workflow_stages/abc", space:get "//workflow_stages",
    } do
      assert.equal(404, answer.status)
      assert.same({ "This record could not be found" }, answer.json)
    end
  end)

  it("are Kantata's own under its address", function()
    local answer = http.kantata(server):get "/nothing"
    assert.equal(404, answer.status)
    assert.equal("system", answer.json.errors[1].type)
    assert.equal("string", type(answer.json.errors[1].message))
    assert.equal("base", answer.json.errors[1].field)
  end)

  it("name the place of what is no JSON", function()
    local answer = space:post("/workflow_stages", '{"workflow_stage":{]}')
    assert.equal(400, answer.status)
    assert.equal("a name in quotes expected at byte 20", answer.json.error)
  end)

  it("are 400 for every kind of malformed JSON", function()
    for _, body in ipairs {
      "{", "}", "[1,]", '{"a":}', "01", "1.", ".5", "+1", "nul", "truer",
      '"a', '"\\x"', '"\\u12"', '"\\ud800"', '"\\u0000"', '"\t"', '"\xff"',
      '"\xc0\x80"', '"\xed\xa0\x80"', "{} {}", "{'a':1}", "\xef\xbb\xbf{}",
      "[" .. ("["):rep(100) .. ("]"):rep(100) .. "]", "1e", "-",
    } do
      assert.equal(400, space:post("/workflow_stages", body).status, body)
    end
  end)

  it("read every escape of a string as it is meant", function()
    local body = '{"workflow_stage":{"name":' ..
      '"\\u00e4\\ud83d\\ude00\\n\\"\\\\\\/ä","color":"\\u0023fff"}}'
    local answer = space:post("/workflow_stages", body)
    assert.equal(201, answer.status)
    assert.equal("ä😀\n\"\\/ä", answer.json.workflow_stage.name)
    assert.equal("#fff", answer.json.workflow_stage.color)
  end)

  it("refuse numbers that are no ids", function()
    for _, id in ipairs { "0", "-1", "1.5", "9007199254740992", "1e3",
                          "99999999999999999999", "12.0" } do
      local body = '{"workflow_stage":{"name":"N","color":"#9","user_ids":['
                   .. id .. "]}}"
      assert.equal(422, space:post("/workflow_stages", body).status, id)
    end
    local body = '{"workflow_stage":{"name":"N","color":"#9",' ..
                 '"user_ids":[9007199254740991]}}'
    local answer = space:post("/workflow_stages", body)
    assert.equal(201, answer.status)
    assert.truthy(answer.text:find("[9007199254740991]", 1, true))
  end)

  it("refuse a body above four megabytes", function()
    local body = '{"workflow_stage":{"name":"' .. ("x"):rep(5 << 20) .. '"}}'
    assert.equal(413, space:post("/workflow_stages", body).status)
  end)

  it("come in every shape with faults", function()
    local shapes = {
      string = { error = "has already been taken" },
      array = { "has already been taken" },
      list = { error = { "has already been taken" } },
      fields = { error = { name = { "has already been taken" } } },
      errors = { errors = { name = { "has already been taken" } } },
      flat = { name = { "has already been taken" },
               error = "name has already been taken" },
    }
    for shape, body in pairs(shapes) do
      server:inject { { path = "/stories", status = 422, shape = shape,
                        count = 1 } }
      local answer = space:get "/stories"
      assert.equal(422, answer.status)
      assert.same(body, answer.json, shape)
    end
  end)

  it("come in Kantata's shape with faults", function()
    for _, status in ipairs { 400, 401, 403, 404, 422, 503 } do
      server:inject { { path = "/workspaces", status = status, count = 1 } }
      local answer = http.kantata(server):get "/workspaces"
      assert.equal(status, answer.status)
      local err = answer.json.errors[1]
      assert.equal("string", type(err.type))
      assert.equal("string", type(err.message))
      assert.equal("string", type(err.field))
    end
  end)

  it("carry a Date, as all answers do", function()
    for _, answer in ipairs { space:get "/nothing", space:get "/stories" } do
      assert.truthy(answer.headers.date:find "^%a%a%a, %d%d %a%a%a .* GMT$")
    end
  end)
end)

describe("the clock", function()
  it("may be ahead, in dates and times alike", function()
    local server = http.start { clock_offset = 86400 * 400 }
    local space = http.client(server)
    local ids = http.stages(server, "Article")
    local answer = space:post("/workflow_stage_changes", {
      workflow_stage_change = { workflow_stage_id = ids.Drafting,
        story_id = server:dump().spaces[1].stories[1].id } })
    local year = os.date("!%Y", os.time() + 86400 * 400)
    local second = answer.json.workflow_stage_change.created_at:sub(12, 19)
    assert.truthy(answer.headers.date:find(year, 1, true))
    assert.equal(year, answer.json.workflow_stage_change.created_at:sub(1, 4))
    assert.equal(second:sub(1, 5), answer.headers.date:match "%d+:%d+")
    server:stop()
  end)
end)
