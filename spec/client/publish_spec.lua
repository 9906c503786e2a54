-- Publishing: a GET that changes something, and is treated as a write.
local clients = require "support.clients"
local service = require "support.service"
local failed, has = clients.failed, clients.has

local STORY = 119522102426879

describe("publishing", function()
  local server, space

  before_each(function() server, space = clients.scripted() end)

  after_each(function()
    space:close()
    server:stop()
  end)

  local calls = {
    publish = function(opts) return space.stories:publish(STORY, nil, opts) end,
    unpublish = function(opts)
      return space.stories:unpublish(STORY, nil, opts)
    end,
    ["a request to publish"] = function(opts)
      return space:request("GET", ("/v1/spaces/%d/stories/%d/publish")
                                  :format(clients.SPACE, STORY), opts)
    end,
    ["a request to unpublish"] = function(opts)
      return space:request("GET", ("/v1/spaces/%d/stories/%d/unpublish/")
                                  :format(clients.SPACE, STORY), opts)
    end,
  }

  it("publishes a story, and returns it", function()
    for _, verb in ipairs { "publish", "unpublish" } do
      server:answer(200, '{"story":{"id":119522102426879,"published":true,' ..
                         '"content":{"component":"page"}}}')
      local story = assert(space.stories[verb](space.stories, STORY, {
        lang = { "[default]", "de" }, release_id = 7 }))
      assert.equal(STORY, story.id)
      assert.equal("page", story.content_type)
      local request = server:last()
      assert.equal("GET", request.method)
      assert.equal(("/v1/spaces/%d/stories/%d/%s")
                   :format(clients.SPACE, STORY, verb), request.path)
      assert.equal("lang=%5Bdefault%5D,de&release_id=7", request.query)
    end
  end)

  for name, call in pairs(calls) do
    it("is not repeated when its answer is lost: " .. name, function()
      server:raw("", { close = true, times = 0, match = "GET" })
      local err = failed("network", call())
      assert.is_true(err.ambiguous)
      has(err, "may have taken effect")
      assert.equal(1, #server:requests())
    end)

    it("is not repeated after a failure of the server: " .. name, function()
      for _, status in ipairs { 500, 502, 503, 504 } do
        local before = #server:requests()
        server:answer(status, "{}")
        local err = failed("server", call())
        assert.is_true(err.ambiguous)
        assert.equal(1, #server:requests() - before)
      end
    end)

    it("is in doubt where its answer cannot be read: " .. name, function()
      server:answer(200, "<html>")
      local err = failed("decode", call())
      assert.is_true(err.ambiguous)
      assert.equal(1, #server:requests())
    end)

    it("is in doubt where it takes too long: " .. name, function()
      server:answer(200, "{}", { delay = 10 })
      local err = failed("timeout", call { timeout = 1 })
      assert.is_true(err.ambiguous)
      assert.equal(1, #server:requests())
    end)

    it("is refused where the answer says so: " .. name, function()
      server:answer(200, '{"error":"is locked"}')
      local err = failed("rejected", call())
      assert.equal("is locked", err.message)
      assert.is_falsy(err.ambiguous)
    end)
  end

  it("is repeated after a 429, as nothing was done", function()
    server:answer(429, '{"error":"Too many"}',
                  { headers = { "Retry-After: 0" } })
    server:answer(200, '{"story":{"id":5}}')
    assert(space.stories:publish(5))
    assert.equal(2, #server:requests())
  end)

  it("takes ids and filters like other methods", function()
    failed("invalid", space.stories:publish "5")
    has(failed("invalid", space.stories:publish(5, { language = "de" })),
        "language")
    assert.equal(0, #server:requests())
    assert.is_false((pcall(space.stories.publish, 5)))
  end)

  it("does not treat other requests with such a name as writes", function()
    server:raw("", { close = true })
    server:answer(200, "{}")
    assert(space:request("GET", "/v1/spaces/5/publishers"))
    assert.equal(2, #server:requests())
    server:raw("", { close = true })
    server:answer(200, "{}")
    assert(space:request("GET", "/v1/x", { query = { a = "/publish" } }))
    assert.equal(4, #server:requests())
  end)
end)

describe("a published story", function()
  it("is published in the sandbox", function()
    local server = service.start()
    local space = service.storyblok(server)
    local story = assert(space.stories:list())[1]
    assert.is_true(assert(space.stories:publish(story.id)).published)
    assert.is_true(assert(space.stories:get(story.id)).published)
    assert.is_false(assert(space.stories:unpublish(story.id)).published)
    space:close()
    server:stop()
  end)
end)
