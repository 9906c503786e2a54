-- Ids of 15 and 16 digits keep every digit everywhere.
local clients = require "support.clients"
local exact = require "support.exact"
local failed, has = clients.failed, clients.has

local IDS = { 119522102426879, 288868932106293, 282994740194929,
              1688849860263937, 9007199254740991 }

describe("an id", function()
  local server, space, ox

  before_each(function() server, space, ox = clients.scripted() end)

  after_each(function()
    space:close()
    ox:close()
    server:stop()
  end)

  it("in a path, as an integer or an integral float", function()
    for _, id in ipairs(IDS) do
      for _, opts in ipairs { id, id + 0.0 } do
        local digits = ("%d"):format(id)
        server:answer(200, ('{"workflow_stage":{"id":%d}}'):format(id))
        assert.equal(digits,
                     tostring(assert(space.stages:get(opts)).id))
        has(server:last().target, "/workflow_stages/" .. digits)
        server:answer(204)
        assert(space.stages:update(opts, { name = "x" }))
        assert.equal("/v1/spaces/288868932106293/workflow_stages/" .. digits,
                     server:last().target)
        server:answer(204)
        assert(space.workflows:delete(opts))
        assert.equal("/v1/spaces/288868932106293/workflows/" .. digits,
                     server:last().target)
        server:answer(200, ([[{"results":[{"key":"workspaces","id":"%d"}],
          "workspaces":{"%d":{"id":"%d"}}}]]):format(id, id, id))
        assert.equal(digits, tostring(assert(ox.workspaces:get(opts)).id))
        assert.equal("/api/v1/workspaces/" .. digits, server:last().target)
      end
    end
  end)

  it("of the space, as an integer, a float or digits", function()
    for _, opts in ipairs { 288868932106293, 288868932106293.0,
                             "288868932106293" } do
      local other = clients.space(server.url, { space_id = opts })
      server:answer(200, '{"workflow_stages":[]}')
      assert(other.stages:list())
      assert.equal("/v1/spaces/288868932106293/workflow_stages",
                   server:last().target)
      assert.equal("288868932106293", tostring(other.space_id))
      other:close()
    end
  end)

  it("in a body", function()
    for _, id in ipairs(IDS) do
      local digits = ("%d"):format(id)
      server:answer(201, '{"workflow_stage_change":{"id":5}}')
      assert(space.changes:create {
        story_id = id, workflow_stage_id = id + 0.0, release_id = id,
        assign = { user_ids = { id, id + 0.0 }, space_role_ids = { id } } })
      assert.same({
        kind = "object", [".release_id"] = digits,
        [".workflow_stage_change"] = {
          kind = "object", [".story_id"] = digits,
          [".workflow_stage_id"] = digits },
        [".assign"] = {
          kind = "object",
          [".user_ids"] = { kind = "array", digits, digits },
          [".space_role_ids"] = { kind = "array", digits } },
      }, exact.parse(server:last().body))
    end
  end)

  it("in a filter", function()
    local a, b = IDS[1], IDS[5]
    local list = ("%d,%d"):format(a, b)
    server:answer(200, '{"workflow_stages":[]}', { times = 2 })
    assert(space.stages:list { in_workflow = a })
    assert.equal("in_workflow=119522102426879", server:last().query)
    assert(space.stages:list { by_ids = { a, b + 0.0 } })
    assert.equal("by_ids=" .. list, server:last().query)
    server:answer(200, '{"stories":[]}')
    assert(space.stories:page { in_workflow_stages = { a, b } })
    assert.equal("in_workflow_stages=" .. list, server:last().query)
    server:answer(200, '{"workflow_stage_changes":[]}')
    assert(space.changes:page { with_story = b + 0.0 })
    assert.equal("with_story=9007199254740991", server:last().query)
    server:answer(200, '{"results":[]}')
    assert(ox.changes:page { workspace_id = a, only = { b } })
    has(server:last().query, "workspace_id=119522102426879")
    has(server:last().query, "only=9007199254740991")
  end)

  it("in a response, as a number or Kantata's digits", function()
    for _, id in ipairs(IDS) do
      for _, written in ipairs { "%d", "%d.0" } do
        local text = written:format(id)
        server:answer(200, ([[{"stories":[{"id":%s,"parent_id":%s,
          "user_ids":[%s,1],"stage":{"workflow_stage_id":%s,
          "workflow_id":%s}}]}]]):format(text, text, text, text, text))
        local story = assert(space.stories:page())[1]
        for _, value in ipairs { story.id, story.parent_id,
                                 story.user_ids[1], story.stage.story_id,
                                 story.stage.workflow_id,
                                 story.stage.workflow_stage_id } do
          assert.equal(("%d"):format(id), tostring(value))
        end
      end
    end
  end)

  it("in an error", function()
    for _, id in ipairs(IDS) do
      server:answer(404, '["This record could not be found"]')
      local err = failed("not_found", space.stories:get(id))
      has(err, ("/stories/%d "):format(id))
      has(err.url, ("/stories/%d"):format(id))
    end
    has(failed("invalid", space.stages:get(9007199254740992)),
        "9007199254740992")
  end)

  it("from the sandbox, through all steps", function()
    local box, theirs = clients.sandbox { seed = { stories = 6 } }
    for story in theirs.stories:each() do
      assert.equal(15, #tostring(story.id))
      assert.equal(story.id, assert(theirs.stories:get(story.id)).id)
    end
    theirs:close()
    box:stop()
  end)
end)
