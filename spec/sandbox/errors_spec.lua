local http = require "sandbox.http"

describe("errors", function()
  local server, space, root

  setup(function()
    server = http.start()
    space = http.client(server)
    root = http.client(server, nil, server.url)
  end)
  teardown(function() server:stop() end)

  it("are an array for an unknown path or method", function()
    for _, answer in ipairs {
      root:get "/", root:get "/v1/nothing", space:get "/workflow_stage",
      space:put "/workflow_stages", space:post "/stories/1",
      space:get "/workflow_stages/abc", space:get "//workflow_stages",
      root:get "//v1/users/me", root:get "/v1///users/me",
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
    assert.is_nil(answer.json.errors[1].field)
  end)

  it("give the position of invalid JSON", function()
    local answer = space:post("/workflow_stages", '{"workflow_stage":{]}')
    assert.equal(400, answer.status)
    assert.equal("expected a name at byte 20, found ']'", answer.json.error)
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

  it("leave the bytes that came in the log, text or not", function()
    for _, body in ipairs { '"\xff\1"', "\0\255", "a\xe2\x82", "{}é" } do
      space:post("/workflow_stages", body)
      local log = server:requests()
      assert.equal(body, log[#log].body)
    end
  end)

  it("decode every escape of a string", function()
    local body = '{"workflow_stage":{"name":' ..
      '"\\u00e4\\ud83d\\ude00\\n\\"\\\\\\/ä","color":"\\u0023fff"}}'
    local answer = space:post("/workflow_stages", body)
    assert.equal(201, answer.status)
    assert.equal("ä😀\n\"\\/ä", answer.json.workflow_stage.name)
    assert.equal("#fff", answer.json.workflow_stage.color)
  end)

  it("refuse numbers that are not ids", function()
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
      message = { message = "has already been taken" },
      strings = { errors = { "has already been taken" } },
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
      assert.equal(status == 400 or status == 422, err.field ~= nil)
    end
  end)

  it("come in Kantata's two other shapes with faults", function()
    for shape, body in pairs {
      strings = { errors = { "Bad Request" } },
      status = { status = 400, error = "Bad Request" },
    } do
      server:inject { { path = "/workspaces", status = 400, count = 1,
                        shape = shape } }
      assert.same(body, http.kantata(server):get("/workspaces").json)
    end
  end)

  it("carry a Date, as all answers do", function()
    for _, answer in ipairs { space:get "/nothing", space:get "/stories" } do
      assert.truthy(answer.headers.date:find "^%a%a%a, %d%d %a%a%a .* GMT$")
    end
  end)
end)

describe("the clock", function()
  -- How far ahead of ours Date and created_at are, in whole days.
  local function offsets(options)
    local server <close> = http.start(options)
    local space = http.client(server)
    local ids = http.stages(server, "Article")
    local answer = space:post("/workflow_stage_changes", {
      workflow_stage_change = { workflow_stage_id = ids.Drafting,
        story_id = server:dump().spaces[1].stories[1].id } })
    local function days(day, month, year)
      local time = os.time { year = year, month = month, day = day, hour = 12 }
      local today = os.date "!*t"
      return (time - os.time { year = today.year, month = today.month,
                               day = today.day, hour = 12 }) / 86400
    end
    local months = { Jan = 1, Feb = 2, Mar = 3, Apr = 4, May = 5, Jun = 6,
                     Jul = 7, Aug = 8, Sep = 9, Oct = 10, Nov = 11, Dec = 12 }
    local day, month, year = answer.headers.date:match "(%d+) (%a+) (%d+)"
    local y, m, d = answer.json.workflow_stage_change.created_at
                    :match "^(%d+)-(%d+)-(%d+)"
    return { math.tointeger(days(day, months[month], year)),
             math.tointeger(days(d, m, y)) }
  end

  it("may be wrong, in dates and times alike or apart", function()
    assert.same({ 0, 0 }, offsets())
    assert.same({ 400, 400 }, offsets { clock_offset = 86400 * 400 })
    assert.same({ -3, 0 }, offsets { date_offset = -86400 * 3 })
    assert.same({ 0, 5 }, offsets { time_offset = 86400 * 5 })
    assert.same({ 2, 9 }, offsets { clock_offset = 86400 * 2,
                                    time_offset = 86400 * 9 })
  end)
end)
