-- Bad input returns nil and an error of the kind "invalid" with one readable
-- sentence, and sends nothing.
local clients = require "support.clients"
local failed, has = clients.failed, clients.has

describe("bad input", function()
  local server, space, ox
  local sent

  setup(function()
    server, space, ox = clients.scripted()
    server:answer(500, "{}", { times = 0 })
  end)

  teardown(function()
    space:close()
    ox:close()
    server:stop()
  end)

  before_each(function() sent = #server:requests() end)

  after_each(function()
    assert.equal(sent, #server:requests(), "something was sent")
  end)

  -- The message must contain each of the pieces.
  local function refused(pieces, ...)
    local err = failed("invalid", ...)
    assert.is_nil(err.status)
    assert.is_nil(err.url)
    for _, piece in ipairs(pieces) do has(err, piece) end
    return err
  end

  local function stage(more)
    local opts = { name = "Legal", color = "#4a90e2" }
    for name, value in pairs(more or {}) do opts[name] = value end
    return opts
  end

  local bad_ids = {
    { "12", '"12"' }, { 12.5, "12.5" }, { 0, "0" }, { -7, "-7" },
    { 9007199254740992, "9007199254740992" }, { 2^53, "9.007" },
    { math.maxinteger, "9223372036854775807" },
    { math.mininteger, "-9223372036854775808" }, { 1 / 0, "inf" },
    { 0 / 0, "nan" }, { true, "true" }, { {}, "table" },
    { print, "function" }, { clients.null, "" },
  }

  it("as an id of an object", function()
    for _, case in ipairs(bad_ids) do
      local id, shown = case[1], case[2]
      local pieces = { "id", "from 1 to 9007199254740991", shown }
      refused(pieces, space.stages:get(id))
      refused(pieces, space.stages:update(id, stage()))
      refused(pieces, space.stages:delete(id))
      refused(pieces, space.workflows:get(id, { include_stages = true }))
      refused(pieces, space.workflows:update(id, { name = "x" }))
      refused(pieces, space.workflows:delete(id))
      refused(pieces, space.workflows:duplicate(id, {
        name = "x", content_types = { "x" } }))
      refused(pieces, space.stories:get(id))
      refused(pieces, ox.changes:get(id))
      refused(pieces, ox.workspaces:get(id))
      refused(pieces, ox.workspaces:update(id, { title = "x" }))
    end
    refused({ "id", "nil" }, space.stages:get())
    refused({ "id", "nil" }, space.stages:delete(nil))
  end)

  it("as an id among attributes", function()
    for _, case in ipairs(bad_ids) do
      if case[1] ~= clients.null then
        local pieces = { "story_id", "from 1 to 9007199254740991" }
        local err = refused(pieces, space.changes:create {
          story_id = case[1], workflow_stage_id = 2 })
        assert.truthy(err.fields.story_id)
        refused({ "workflow_id" }, space.stages:create(
          stage { workflow_id = case[1] }))
        refused({ "user_ids" }, space.stages:create(
          stage { user_ids = { 1, case[1] } }))
        refused({ "user_ids" }, space.changes:create {
          story_id = 1, workflow_stage_id = 2,
          assign = { user_ids = { case[1] } } })
        refused({ "workspace_id" }, ox.changes:create {
          workspace_id = case[1], to_status_key = 605 })
      end
    end
  end)

  it("as an id in a filter", function()
    for _, case in ipairs(bad_ids) do
      refused({ "in_workflow" }, space.stages:list { in_workflow = case[1] })
      refused({ "by_ids" }, space.stages:list { by_ids = { 5, case[1] } })
      refused({ "with_story" }, space.changes:list { with_story = case[1] })
      refused({ "in_workflow_stages" }, space.stories:page {
        in_workflow_stages = { case[1] } })
      refused({ "workspace_id" }, ox.changes:list {
        workspace_id = case[1] })
    end
  end)

  it("as attributes: unknown names, with the nearest one", function()
    refused({ "unknown field 'colour', did you mean 'color'?" },
            space.stages:create { name = "x", colour = "#fff" })
    refused({ "'nmae', did you mean 'name'?" },
            space.stages:update(5, { nmae = "x" }))
    refused({ "'workflow_stage', did you mean 'workflow_stage_id'?" },
            space.changes:create { story_id = 5, workflow_stage = 6 })
    refused({ "'stage', did you mean 'workflow_stage_id'?" },
            space.changes:create { story_id = 5, stage = 6 })
    refused({ "'content_type', did you mean 'content_types'?" },
            space.workflows:create { name = "x", content_type = { "y" } })
    refused({ "to_status" }, ox.changes:create { workspace_id = 5,
                                                 to_status = 605 })
    refused({ "'titel', did you mean 'title'?" },
            ox.workspaces:update(5, { titel = "x" }))
    refused({ "assign.users" }, space.changes:create {
      story_id = 5, workflow_stage_id = 6, assign = { users = { 1 } } })
    refused({ "unknown field 'zzzzzz'" }, space.stages:create(
      stage { zzzzzz = 1 }))
    refused({ "expected" }, space.stages:create { "Legal", "#fff" })
  end)

  it("as a filter: unknown names, with the nearest one", function()
    refused({ "'in_workflows', did you mean 'in_workflow'?" },
            space.stages:list { in_workflows = 5 })
    refused({ "'start_with', did you mean 'starts_with'?" },
            space.stories:list { start_with = "x" })
    refused({ "'stage', did you mean 'in_workflow_stages'?" },
            space.stories:list { stage = "Review" })
    refused({ "'archive', did you mean 'archived'?" },
            ox.workspaces:list { archive = "only" })
    refused({ "include_stage" }, space.workflows:get(5, {
      include_stage = true }))
    refused({ "in_workflows" }, space.stages:find("x", { in_workflows = 5 }))
  end)

  it("as attributes: missing fields", function()
    refused({ "color", "required" }, space.stages:create { name = "x" })
    refused({ "name", "required" }, space.stages:create { color = "#fff" })
    refused({ "required" }, space.stages:create {})
    refused({ "workflow_stage_id" }, space.changes:create { story_id = 5 })
    refused({ "story_id" }, space.changes:create { workflow_stage_id = 5 })
    refused({ "to_status_key" }, ox.changes:create { workspace_id = 5 })
    refused({ "content_types" }, space.workflows:create { name = "x" })
    refused({ "name" }, space.stages:create { name = clients.null,
                                              color = "#fff" })
  end)

  it("as attributes: wrong types", function()
    refused({ "color", "string", "5" }, space.stages:create {
      name = "x", color = 5 })
    refused({ "name" }, space.stages:create { name = {}, color = "#fff" })
    refused({ "name" }, space.stages:create { name = true, color = "#fff" })
    refused({ "name", "function" }, space.stages:create {
      name = print, color = "#fff" })
    refused({ "position" }, space.stages:create(stage { position = "3" }))
    refused({ "position" }, space.stages:create(stage { position = 1.5 }))
    refused({ "is_default" }, space.stages:create(stage {
      is_default = 1 }))
    refused({ "is_default" }, space.stages:create(stage {
      is_default = "true" }))
    refused({ "user_ids" }, space.stages:create(stage { user_ids = 5 }))
    refused({ "user_ids" }, space.stages:create(stage { user_ids = "5" }))
    refused({ "user_ids" }, space.stages:create(stage {
      user_ids = { a = 5 } }))
    refused({ "due_date" }, space.changes:create {
      story_id = 1, workflow_stage_id = 2, due_date = 1764583200 })
    refused({ "due_date" }, space.changes:create {
      story_id = 1, workflow_stage_id = 2, due_date = "tomorrow" })
    refused({ "comment" }, space.changes:create {
      story_id = 1, workflow_stage_id = 2, comment = 5 })
    refused({ "assign" }, space.changes:create {
      story_id = 1, workflow_stage_id = 2, assign = "me" })
    refused({ "notify" }, space.changes:create {
      story_id = 1, workflow_stage_id = 2, notify = "yes" })
    refused({ "content_types" }, space.workflows:create {
      name = "x", content_types = { 5 } })
    refused({ "workflow_stages" }, space.workflows:create {
      name = "x", content_types = { "y" }, workflow_stages = { "a" } })
    refused({ "workflow_stages[2].colour" }, space.workflows:create {
      name = "x", content_types = { "y" },
      workflow_stages = { stage(), { name = "b", colour = "#fff" } } })
    refused({ "to_status_key" }, ox.changes:create {
      workspace_id = 5, to_status_key = "605" })
    refused({ "name", "null" }, space.stages:update(5, {
      name = clients.null }))
  end)

  it("as a filter: wrong types", function()
    refused({ "page" }, space.stories:page { page = 0 })
    refused({ "page" }, space.stories:page { page = 1.5 })
    refused({ "per_page" }, space.stories:page { per_page = -1 })
    refused({ "per_page" }, space.stories:page { per_page = "25" })
    refused({ "search" }, space.stages:list { search = 5 })
    refused({ "is_published" }, space.stories:list { is_published = "yes" })
    refused({ "by_slugs" }, space.stories:list { by_slugs = { {} } })
    refused({ "in_workflow_stages" }, space.stories:list {
      in_workflow_stages = "5,6" })
    refused({ "created_after" }, ox.changes:list {
      workspace_id = 5, created_after = 17 })
  end)

  it("as a page in a call that reads all pages", function()
    refused({ "page" }, space.stories:list { page = 2 })
    refused({ "page" }, ox.workspaces:list { page = 2 })
    local good, err = pcall(space.stories.each, space.stories, { page = 2 })
    assert.is_false(good)
    refused({ "page" }, nil, err)
  end)

  it("as text: invalid UTF-8 and NUL", function()
    for _, text in ipairs { "\xff", "a\xc0\x80", "\xed\xa0\x80", "x\xe2\x82",
                            "\xf4\x90\x80\x80" } do
      refused({ "name", "UTF-8" }, space.stages:create {
        name = text, color = "#fff" })
      refused({ "comment" }, space.changes:create {
        story_id = 1, workflow_stage_id = 2, comment = text })
      refused({ "starts_with" }, space.stories:list { starts_with = text })
      refused({ "content_types" }, space.workflows:create {
        name = "x", content_types = { text } })
    end
    refused({ "name", "NUL" }, space.stages:create {
      name = "a\0b", color = "#fff" })
    refused({ "search", "NUL" }, space.stages:list { search = "a\0" })
    refused({ "title", "NUL" }, ox.workspaces:update(5, { title = "\0" }))
  end)

  it("as an array with holes", function()
    local holed = { 1, 2, 3, 4 }
    holed[2] = nil
    refused({ "user_ids", "hole" }, space.stages:create(
      stage { user_ids = holed }))
    refused({ "by_ids" }, space.stages:list { by_ids = { 1, nil, 3 } })
    refused({ "user_ids" }, space.stages:create(stage {
      user_ids = { 1, clients.null, 3 } }))
    refused({ "user_ids" }, space.stages:create(stage {
      user_ids = { 1, 2, x = 3 } }))
    refused({ "user_ids" }, space.stages:create(stage {
      user_ids = { [0] = 1, 2 } }))
    refused({ "user_ids" }, space.stages:create(stage {
      user_ids = { [1 << 40] = 2 } }))
  end)

  it("as tables that contain themselves", function()
    local loop = stage()
    loop.user_ids = loop
    refused({ "user_ids" }, space.stages:create(loop))
    local attributes = { name = "x", content_types = { "y" } }
    attributes.workflow_stages = { attributes }
    refused({ "workflow_stages" }, space.workflows:create(attributes))
    local extra = stage()
    extra.extra = extra
    refused({ "extra" }, space.stages:create(extra, { strict = false }))
    local body = {}
    body.body = body
    refused({ "body" }, space:request("POST", "/v1/x", { body = body }))
    local list = {}
    list[1] = list
    refused({ "body" }, space:request("POST", "/v1/x", { body = list }))
    local query = {}
    query.a = query
    refused({ "query" }, space:request("GET", "/v1/x", { query = query }))
  end)

  it("as call options", function()
    refused({ "'timout', did you mean 'timeout'?" },
            space.stages:list(nil, { timout = 5 }))
    refused({ "timeout" }, space.stages:list(nil, { timeout = "5" }))
    refused({ "timeout" }, space.stages:list(nil, { timeout = -1 }))
    refused({ "timeout", "above 0" }, space.stages:list(nil, { timeout = 0 }))
    refused({ "deadline" }, space.stages:get(5, { deadline = {} }))
    refused({ "retry" }, space.stages:delete(5, { retry = 3 }))
    refused({ "strict" }, space.stages:create(stage(), { strict = 1 }))
    refused({ "unknown call option" }, space.stages:list(nil, { 5 }))
    refused({ "timout" }, space:whoami { timout = 5 })
    refused({ "timout" }, space.stages:find("x", nil, { timout = 5 }))
  end)

  it("as a deadline that has passed: nothing is sent", function()
    for _, call in ipairs {
      function(opts) return space.stages:list(nil, opts) end,
      function(opts) return space.stages:create(stage(), opts) end,
      function(opts) return space.stages:delete(5, opts) end,
      function(opts) return space:request("GET", "/v1/x", opts) end,
    } do
      local result, err = call { deadline = 0 }
      assert.is_nil(result)
      assert.equal("timeout", err.kind)
      assert.is_falsy(err.ambiguous)
      assert.matches("before it could be sent", tostring(err), 1, true)
    end
  end)

  it("as a name to find", function()
    refused({ "name" }, space.stages:find())
    refused({ "name" }, space.stages:find(5))
    refused({ "name" }, space.workflows:find {})
  end)

  it("as names: no control character reaches a terminal", function()
    local err = refused({ "unknown field" }, space.stages:create(
      stage { ["\27[31m\n"] = 1 }))
    assert.is_nil(tostring(err):find "%c")
    err = refused({ "unknown" }, space.stages:list(nil, {
      ["\27[31m\n"] = 1 }))
    assert.is_nil(tostring(err):find "%c")
    err = refused({ "color" }, space.stages:create {
      name = "x", color = { "\27[2J" } })
    assert.is_nil(tostring(err):find "%c")
    refused({ "unknown" }, space.stages:create(
      stage { [("x"):rep(5000)] = 1 }))
  end)

  it("of a wrong argument type raises", function()
    local function raises(piece, f, ...)
      local good, err = pcall(f, ...)
      assert.is_false(good)
      assert.equal("string", type(err))
      has(err, piece)
    end
    raises("colon", space.stages.list, nil)
    raises("colon", space.stages.list, {})
    raises("colon", space.stages.get, 5)
    raises("colon", space.stages.create, stage())
    raises("colon", space.stages.find, "Review")
    raises("colon", space.workflows.duplicate, 5, {})
    raises("colon", space.changes.each, {})
    raises("colon", space.whoami)
    raises("colon", space.request, "GET", "/v1/x")
    raises("colon", space.close)
    raises("table", space.stages.create, space.stages)
    raises("table", space.stages.create, space.stages, "Legal")
    raises("table", space.stages.update, space.stages, 5)
    raises("table", space.stages.update, space.stages, 5, 6)
    raises("table", space.stages.list, space.stages, 5)
    raises("table", space.stories.page, space.stories, "x")
    raises("table", space.stories.each, space.stories, "x")
    raises("table", space.workflows.get, space.workflows, 5, 6)
    raises("table", space.workflows.duplicate, space.workflows, 5, "x")
    raises("table", space.stages.list, space.stages, {}, 5)
    raises("table", space.stages.get, space.stages, 5, 6)
    raises("table", space.stages.delete, space.stages, 5, 6)
    raises("table", space.stages.find, space.stages, "x", 5)
    raises("table", space.whoami, space, 5)
    raises("table", space.request, space, "GET", "/v1/x", 5)
    raises("table", ox.changes.create, ox.changes, 7, 605)
  end)

  it("that raises has the position of the caller", function()
    local good, err = pcall(function() space.stages:create(5) end)
    assert.is_false(good)
    has(err, "bad_input_spec.lua")
    good, err = pcall(function() space.stages.list() end)
    assert.is_false(good)
    has(err, "bad_input_spec.lua")
    good, err = pcall(function() space.stages:find("x", 5) end)
    assert.is_false(good)
    has(err, "bad_input_spec.lua")
    good, err = pcall(function() space.workflows:duplicate(5, 6) end)
    assert.is_false(good)
    has(err, "bad_input_spec.lua")
    good, err = pcall(function() space:request("GET", "/v1/x", 6) end)
    assert.is_false(good)
    has(err, "bad_input_spec.lua")
    good, err = pcall(function() space.whoami() end)
    assert.is_false(good)
    has(err, "bad_input_spec.lua")
  end)
end)

describe("strict = false", function()
  local server, space

  setup(function()
    server, space = clients.scripted()
    server:answer(201, '{"workflow_stage":{"id":5}}', {
      match = "POST", times = 0 })
    server:answer(200, '{"workflow_stages":[]}', {
      match = "GET", times = 0 })
  end)

  teardown(function()
    space:close()
    server:stop()
  end)

  it("accepts unknown attributes", function()
    assert(space.stages:create({
      name = "x", color = "#fff", colour = "#000", deep = { a = { 1, "b" } },
      nothing = clients.null }, { strict = false }))
    local sent = require "support.exact".parse(server:last().body)
    local root = sent[".workflow_stage"]
    assert.equal("text #000", root[".colour"])
    assert.same({ kind = "object", [".a"] = { kind = "array", "1",
                                              "text b" } }, root[".deep"])
    assert.equal("null", root[".nothing"])
    assert(space.stages:list({ new_filter = "a b" }, { strict = false }))
    assert.equal("new_filter=a%20b", server:last().query)
  end)

  it("refuses wrong values of known attributes", function()
    local sent = #server:requests()
    failed("invalid", space.stages:create({ name = "x", color = 5 },
                                          { strict = false }))
    failed("invalid", space.stages:create({ name = "\xff", color = "#fff" },
                                          { strict = false }))
    assert.equal(sent, #server:requests())
  end)
end)
