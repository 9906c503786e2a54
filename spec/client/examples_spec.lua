-- The client sends and reads the documented examples without changing a value.
local cjson = require "cjson".new()
local clients = require "support.clients"
local exact = require "support.exact"

local function document(name)
  local file = assert(io.open("spec/data/examples/" .. name .. ".json", "rb"))
  local text = file:read "a"
  file:close()
  return text
end

describe("the documented example", function()
  local server, space, ox

  before_each(function() server, space, ox = clients.scripted() end)

  after_each(function()
    space:close()
    ox:close()
    server:stop()
  end)

  -- Asserts that the request was the document, value for value.
  local function assert_sent(text)
    assert.same(exact.parse(text), exact.parse(server:last().body))
  end

  -- Asserts that the object is that of the document, value for value.
  local function assert_read(text, root, object)
    assert.same(exact.parse(text)["." .. root], exact.of(object))
  end

  it("of creating a stage is sent and read back", function()
    local text = document "storyblok_create_stage"
    local attributes = cjson.decode(text).workflow_stage
    server:answer(201, (text:gsub('"workflow_stage":{',
                                  '%0"id":288868932106293,')))
    local stage = assert(space.stages:create(attributes))
    assert_sent(text)
    assert.equal(288868932106293, stage.id)
    stage.id = nil
    assert_read(text, "workflow_stage", stage)
  end)

  it("of a stage is read, and sent unchanged", function()
    local text = document "storyblok_stage_object"
    server:answer(200, text)
    local stage = assert(space.stages:get(561397))
    assert_read(text, "workflow_stage", stage)
    local id = stage.id
    stage.id = nil
    server:answer(204)
    assert(space.stages:update(id, stage))
    assert_sent((text:gsub('"id":561397,', "")))
    local all = '{"workflow_stages":[' ..
                text:match '^{"workflow_stage":(.*)}%s*$' .. "]}"
    server:answer(200, all)
    assert_read(text, "workflow_stage", assert(space.stages:list())[1])
  end)

  it("of updating a stage is sent, for a 204 and a 200", function()
    local text = document "storyblok_update_stage_18"
    local attributes = cjson.decode(text).workflow_stage
    assert.equal("an updated stage ", attributes.name)
    server:answer(204)
    assert.is_true(space.stages:update(18, attributes))
    assert_sent(text)
    assert.equal("PUT", server:last().method)
    assert.equal("/v1/spaces/288868932106293/workflow_stages/18",
                 server:last().target)
    server:answer(200, text)
    assert.is_true(space.stages:update(18, attributes))
    assert_sent(text)
  end)

  it("of creating a change is sent", function()
    local text = document "storyblok_create_change"
    local attributes = cjson.decode(text).workflow_stage_change
    server:answer(201, document "storyblok_change_object")
    local change = assert(space.changes:create(attributes))
    assert_sent(text)
    assert_read(document "storyblok_change_object", "workflow_stage_change",
                change)
  end)

  it("of a change is read, alone and in a list", function()
    local text = document "storyblok_change_object"
    server:answer(200, '{"workflow_stage_changes":[' ..
                  text:match '^{"workflow_stage_change":(.*)}%s*$' .. "]}")
    local list = assert(space.changes:page { with_story = 123 })
    assert_read(text, "workflow_stage_change", list[1])
    assert.equal("2025-08-20T12:33:00.000Z", list[1].due_date)
  end)

  it("of Kantata's change is sent", function()
    local text = document "kantata_create_change"
    local attributes = cjson.decode(text).workspace_status_change
    server:answer(200, [[{"count":1,"results":[{"key":
      "workspace_status_changes","id":"11"}],"workspace_status_changes":{
      "11":{"id":"11","from_status_key":"300","to_status_key":"605"}}}]])
    local change = assert(ox.changes:create(attributes))
    assert_sent(text)
    assert.same({ id = 11, from_status_key = 300, to_status_key = 605 },
                change)
  end)

  it("passes through request as well, as text and as a table", function()
    for _, name in ipairs { "storyblok_create_stage",
                            "storyblok_stage_object",
                            "storyblok_update_stage_18",
                            "storyblok_create_change",
                            "storyblok_change_object",
                            "kantata_create_change" } do
      local text = document(name)
      server:answer(200, text)
      local value = assert(space:request("POST", "/v1/x", { body = text }))
      assert.equal(text, server:last().body)
      assert.same(exact.parse(text), exact.of(value))
      server:answer(200, text)
      assert(space:request("POST", "/v1/x", { body = cjson.decode(text) }))
      assert_sent(text)
    end
  end)

  it("is accepted by the sandbox where its references exist", function()
    local box, theirs, account = clients.sandbox()
    local story = assert(theirs.stories:list())[1]
    local text = document "storyblok_update_stage_18"
    local attributes = cjson.decode(text).workflow_stage
    assert(theirs.stages:update(story.stage.workflow_stage_id, attributes))
    local stage = assert(theirs.stages:get(story.stage.workflow_stage_id))
    for name, value in pairs(attributes) do
      assert.same(value, stage[name], name)
    end
    assert(account.workspaces:update(1, { status_key = 310 }))
    assert(account.changes:create { workspace_id = 1, to_status_key = 605 })
    theirs:close()
    account:close()
    box:stop()
  end)
end)
