local http = require "sandbox.http"

describe("faults", function()
  local server, space, ids, story

  before_each(function()
    server = http.start()
    space = http.client(server)
    ids = http.stages(server, "Article")
    story = server:dump().spaces[1].stories[1].id
  end)
  after_each(function() server:stop() end)

  local function move()
    return space:post("/workflow_stage_changes", { workflow_stage_change = {
      story_id = story, workflow_stage_id = ids.Drafting } })
  end

  local function effects()
    return server:stats().effects.workflow_stage_changes
  end

  local function inject(fault)
    assert(server:inject { fault })
  end

  describe("meet requests", function()
    local function statuses(count, path)
      local found = {}
      for i = 1, count do found[i] = space:get(path or "/releases").status end
      return table.concat(found, " ")
    end

    it("by method", function()
      inject { method = "POST", status = 500 }
      assert.equal("200", statuses(1))
      assert.equal(500, move().status)
    end)

    it("by a part of the path, or a pattern for all of it", function()
      inject { path = "releas", status = 500 }
      assert.equal("500", statuses(1))
      assert.equal("200", statuses(1, "/stories"))
      server:inject(false)
      inject { path = "/v1/spaces/*/space_r*s", status = 500 }
      assert.equal("500", statuses(1, "/space_roles"))
      assert.equal("200", statuses(1))
      server:inject(false)
      inject { path = "*/space", status = 500 }
      assert.equal("200", statuses(1, "/space_roles"))
    end)

    it("so many times, after so many", function()
      inject { status = 500, after = 1, count = 2 }
      assert.equal("200 500 500 200", statuses(4))
    end)

    it("by chance, the same with the same seed", function()
      local function drawn(seed)
        server:inject(false)
        inject { status = 500, chance = 0.5, seed = seed }
        return statuses(24)
      end
      local first = drawn(1)
      assert.truthy(first:find "200" and first:find "500")
      assert.equal(first, drawn(1))
      assert.are_not.equal(first, drawn(2))
      assert.are_not.equal(drawn(1 << 53), drawn((1 << 53) + 1))
      assert.are_not.equal(first, drawn(-1))
      server:inject(false)
      inject { status = 500, chance = 0 }
      assert.equal("200 200 200", statuses(3))
    end)

    it("one fault each, the first in order", function()
      server:inject { { status = 500, count = 1 }, { status = 502, count = 1,
                                                     name = "second" } }
      assert.equal("500 502 200", statuses(3))
      assert.same({ ["fault 1"] = 1, second = 1 }, server:stats().faults)
      local log = server:requests()
      assert.equal("fault 1", log[1].fault)
      assert.equal("second", log[2].fault)
      assert.is_nil(log[3].fault)
    end)

    it("until they are ended", function()
      inject { status = 500 }
      assert.equal("500", statuses(1))
      assert.is_true(server:inject(false))
      assert.equal("200", statuses(1))
    end)
  end)

  describe("answer", function()
    it("a status instead of the effect", function()
      for _, status in ipairs { 429, 500, 502, 503, 504 } do
        inject { status = status, count = 1 }
        assert.equal(status, move().status)
      end
      assert.equal(0, effects())
      assert.is_false(server:requests()[1].effect)
    end)

    it("a status after the effect", function()
      inject { status = 504, effect = true }
      assert.equal(504, move().status)
      assert.equal(1, effects())
      assert.is_true(server:requests()[1].effect)
    end)

    it("429 with its text, with or without Retry-After", function()
      server:inject { { status = 429, count = 1 },
                      { retry_after = 1.5, count = 1 },
                      { status = 429, headers = {
                        ["Retry-After"] = "Fri, 20 Nov 2026 22:00:00 GMT" } } }
      local answer = move()
      assert.equal(429, answer.status)
      assert.equal("Rate limit reached. Retry later.", answer.json.error)
      assert.is_nil(answer.headers["retry-after"])
      answer = move()
      assert.equal(429, answer.status)
      assert.equal("2", answer.headers["retry-after"])
      assert.equal("Fri, 20 Nov 2026 22:00:00 GMT",
                   move().headers["retry-after"])
      assert.equal(3, server:stats().rejected)
    end)

    it("429 with the rate limit, if there is one", function()
      local limited <close> = http.start { rate_limit = 6 }
      assert(limited:inject { { status = 429, count = 1 } })
      local answer = http.client(limited):get "/releases"
      assert.equal(429, answer.status)
      assert.truthy(answer.json.error:find "^Rate limit of 6 request")
    end)

    it("a body and headers of their own", function()
      inject { body = "hello", headers = { ["Content-Type"] = "text/plain",
               ["X-Many"] = { "a", "b" }, ["X-Number"] = 5 } }
      local answer = space:get "/releases"
      assert.equal(200, answer.status)
      assert.equal("hello", answer.text)
      assert.equal("text/plain", answer.headers["content-type"])
      assert.equal("5", answer.headers["x-number"])
      assert.equal("b", answer.headers["x-many"])
      server:inject(false)
      inject { status = 200, body = { stories = { { id = 2^53 | 0 } } } }
      assert.equal('{"stories":[{"id":9007199254740992}]}',
                   space:get("/stories").text)
      server:inject(false)
      inject { body = "" }
      answer = space:get "/releases"
      assert.equal(200, answer.status)
      assert.equal("", answer.text)
    end)

    it("redirects", function()
      inject { status = 302, headers = { Location = "http://127.0.0.1:1/" } }
      local answer = space:get "/releases"
      assert.equal(302, answer.status)
      assert.equal("http://127.0.0.1:1/", answer.headers.location)
    end)

    it("a flood of headers", function()
      local many = {}
      for i = 1, 1000 do many[i] = ("x"):rep(100) end
      inject { headers = { ["X-Flood"] = many } }
      local answer = space:get "/releases"
      assert.equal(200, answer.status)
      assert.equal(100, #answer.headers["x-flood"])
    end)

    it("HTML", function()
      inject { html = true, status = 502, count = 1 }
      local answer = move()
      assert.equal(502, answer.status)
      assert.truthy(answer.text:find "^<!DOCTYPE html>")
      assert.truthy(answer.headers["content-type"]:find "^text/html")
      assert.equal(0, effects())
      inject { html = true, count = 1 }
      answer = move()
      assert.equal(201, answer.status)
      assert.truthy(answer.text:find "^<!DOCTYPE html>")
      assert.equal(1, effects())
    end)

    it("malformed JSON, of the length that was promised", function()
      inject { malformed = true }
      local answer = space:get "/stories"
      assert.equal(200, answer.status)
      assert.equal(0, answer.exit)
      assert.equal("{", answer.text:sub(1, 1))
      assert.is_nil(answer.json)
    end)

    it("a body cut short of its promised length", function()
      inject { truncate = true, count = 1 }
      local answer = move()
      assert.equal(201, answer.status)
      assert.equal(18, answer.exit)
      assert.is_true(#answer.text > 0)
      assert.is_true(#answer.text < tonumber(answer.headers["content-length"]))
      assert.equal(1, effects())
      inject { truncate = 3, count = 1 }
      assert.equal(3, #move().text)
      inject { truncate = 0, count = 1 }
      assert.equal(0, #move().text)
    end)
  end)

  describe("close the connection", function()
    it("before the effect", function()
      inject { close = "before", count = 1 }
      local answer = move()
      assert.equal(52, answer.exit)
      assert.equal(0, effects())
      assert.is_nil(server:requests()[1].status)
      assert.equal(201, move().status)
    end)

    it("after the effect", function()
      inject { close = "after" }
      assert.equal(52, move().exit)
      assert.equal(1, effects())
      assert.is_true(server:requests()[1].effect)
    end)

    it("with a reset", function()
      inject { close = "after", reset = true, count = 1 }
      assert.equal(56, move().exit)
      assert.equal(1, effects())
      inject { reset = true, count = 1 }
      assert.equal(56, move().exit)
      assert.equal(1, effects())
    end)

    it("while it is idle", function()
      inject { idle_close = true, count = 1 }
      local request = space:request("GET", "/releases")
      http.all({ request, request }, 1)
      local before = server:stats().connections
      assert.is_true(before >= 1)
      os.execute "sleep 0.1"
      assert.equal(0, server:stats().open_connections)
    end)
  end)

  describe("let time pass", function()
    it("before the effect", function()
      inject { delay = 0.6 }
      local request = space:request("POST", "/workflow_stage_changes", {
        workflow_stage_change = { story_id = story,
                                  workflow_stage_id = ids.Drafting } })
      local pipe = io.popen(("curl -s -o /dev/null -w '%%{http_code}' " ..
        "-H 'Authorization: x' -d '%s' %s & sleep 0.3; echo; wait"):format(
        request.body, request.url))
      pipe:read "l"
      assert.equal(1, server:stats().requests)
      assert.equal(0, effects())
      pipe:close()
      assert.equal(1, effects())
    end)

    it("after the effect", function()
      inject { delay_after = 0.6 }
      local request = space:request("POST", "/workflow_stage_changes", {
        workflow_stage_change = { story_id = story,
                                  workflow_stage_id = ids.Drafting } })
      local pipe = io.popen(("curl -s -o /dev/null " ..
        "-H 'Authorization: x' -d '%s' %s & sleep 0.3; echo; wait"):format(
        request.body, request.url))
      pipe:read "l"
      assert.equal(1, effects())
      assert.equal(1, server:stats().in_flight)
      pipe:close()
    end)

    it("for good, before or after the effect", function()
      for moment, count in pairs { before = 0, after = 1 } do
        inject { hang = moment, count = 1 }
        local was = effects()
        local request = space:request("POST", "/workflow_stage_changes", {
          workflow_stage_change = { story_id = story,
                                    workflow_stage_id = ids.Drafting } })
        local _, _, exit = os.execute(("curl -s -m 0.4 -o /dev/null " ..
          "-H 'Authorization: x' -d '%s' %s"):format(request.body,
                                                     request.url))
        assert.equal(28, exit)
        assert.equal(was + count, effects())
      end
    end)

    it("and let go of a hanging request when its client does", function()
      inject { hang = "before" }
      os.execute(("curl -s -m 0.2 -H 'Authorization: x' %s")
                 :format(space.base))
      os.execute "sleep 0.3"
      assert.equal(0, server:stats().in_flight)
      assert.equal(0, server:stats().open_connections)
    end)

    it("and close a hanging request when its time is over", function()
      inject { hang = "after", hold = 0.2 }
      assert.equal(52, move().exit)
      assert.equal(1, effects())
    end)
  end)

  describe("let effects show late", function()
    local function changes()
      local list = space:get("/workflow_stage_changes?with_story=" .. story)
      return list.json.workflow_stage_changes
    end

    it("after an answer of success, with the ids of that answer", function()
      inject { late = 0.6, count = 1 }
      local answer = move()
      assert.equal(201, answer.status)
      assert.same({}, changes())
      assert.equal(0, effects())
      assert.equal(1, server:stats().late)
      os.execute "sleep 0.8"
      assert.same({ answer.json.workflow_stage_change }, changes())
      assert.equal(1, effects())
      assert.equal(0, server:stats().late)
    end)

    it("after a lost answer", function()
      inject { close = "after", late = 0.6, count = 1 }
      assert.equal(52, move().exit)
      assert.equal(0, effects())
      os.execute "sleep 0.8"
      assert.equal(1, effects())
      assert.is_true(server:requests()[1].effect)
    end)

    it("after an error", function()
      inject { status = 500, late = 0.4, count = 1 }
      assert.equal(500, move().status)
      os.execute "sleep 0.6"
      assert.equal(1, effects())
    end)

    it("and give out no id twice", function()
      inject { late = 0.5, count = 1 }
      local late = move().json.workflow_stage_change.id
      local now = move().json.workflow_stage_change.id
      os.execute "sleep 0.7"
      local last = move().json.workflow_stage_change.id
      assert.are_not.equal(late, now)
      assert.are_not.equal(late, last)
      assert.are_not.equal(now, last)
      assert.equal(3, #changes())
    end)

    it("or fail, counted, if they have become impossible", function()
      inject { late = 0.4, count = 1 }
      local body = { workflow_stage = { name = "N", color = "#1" } }
      assert.equal(201, space:post("/workflow_stages", body).status)
      assert.equal(201, space:post("/workflow_stages", body).status)
      os.execute "sleep 0.6"
      assert.equal(1, server:stats().late_failed)
      assert.equal(1, server:stats().effects.workflow_stages)
    end)

    it("never after a stop", function()
      inject { late = 0.3 }
      assert.equal(201, move().status)
      server:stop()
      server = http.start()
    end)
  end)

  it("that are not right are refused, with the nearest name", function()
    local function why(fault)
      local ok, err = server:inject { { status = 500 }, fault }
      assert.is_nil(ok)
      return err
    end
    for expected, fault in pairs {
      ["fault 2: unknown fault field 'satus', did you mean 'status'?"] =
        { satus = 500 },
      ["fault 2: fault field 'status' must be an integer"] =
        { status = "500" },
      ["fault 2: fault field 'status' must be 200 to 599"] = { status = 99 },
      ["fault 2: fault field 'close' must be 'before' or 'after'"] =
        { close = "now" },
      ["fault 2: fault field 'hang' must be 'before' or 'after'"] =
        { hang = "now" },
      ["fault 2: fault field 'chance' must be 0 to 1"] =
        { status = 500, chance = 2 },
      ["fault 2: fault field 'delay' must not be negative"] = { delay = -1 },
      ["fault 2: a fault that does nothing"] = { method = "POST" },
      ["fault 2: fault field 'shape' must be one of 'string', 'array', " ..
       "'list', 'fields', 'errors', 'flat', 'message', " ..
        "'objects', 'strings', 'status'"] = { status = 422, shape = "x" },
      ["fault 2: fault field 'headers': names and strings expected"] =
        { headers = { Location = true } },
      ["fault 2: fault field 'headers' must be an object"] =
        { headers = { "x" } },
      ["fault 2: a table of fault fields expected"] = 5,
    } do
      assert.equal("sandbox: " .. expected, why(fault))
    end
    assert.equal(200, space:get("/releases").status)
  end)
end)
