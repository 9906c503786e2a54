local clients = require "support.clients"
local exact = require "support.exact"
local failed, has = clients.failed, clients.has

describe("stages", function()
  local server, space, article

  setup(function()
    server, space = clients.sandbox { seed = { stories = 12 } }
    article = assert(space.workflows:find "Article")
  end)

  teardown(function()
    space:close()
    server:stop()
  end)

  local number = 0
  local function new(more)
    number = number + 1
    local opts = { name = "Stage " .. number, workflow_id = article.id,
                    color = ("#%06x"):format(number) }
    for name, value in pairs(more or {}) do opts[name] = value end
    return assert(space.stages:create(opts)), opts
  end

  local function last()
    local all = server:requests()
    return all[#all]
  end

  local function names(list)
    local found = {}
    for i, stage in ipairs(list) do found[i] = stage.name end
    table.sort(found)
    return table.concat(found, ", ")
  end

  it("are listed, of all workflows or of one", function()
    local all = assert(space.stages:list())
    local some = assert(space.stages:list { in_workflow = article.id })
    assert.is_true(#all > #some and #some >= 4)
    for _, stage in ipairs(some) do
      assert.equal(article.id, stage.workflow_id)
      assert.equal("integer", math.type(stage.id))
      assert.equal("integer", math.type(stage.position))
      assert.equal("boolean", type(stage.is_default))
      assert.equal("table", type(stage.workflow_stage_ids))
    end
    assert.equal("in_workflow=" .. article.id, last().query)
  end)

  it("are listed by ids, by a text, and without one", function()
    local a, b = new(), new { name = "Needle in hay" }
    assert.equal(names { a, b },
                 names(assert(space.stages:list { by_ids = { a.id, b.id } })))
    assert.equal(("by_ids=%d,%d"):format(a.id, b.id), last().query)
    assert.equal(b.name, names(assert(space.stages:list {
      search = "needle in", in_workflow = article.id })))
    for _, stage in ipairs(assert(space.stages:list { exclude_id = a.id })) do
      assert.not_equal(a.id, stage.id)
    end
  end)

  it("are found by name", function()
    local review = assert(space.stages:find("Review",
                                            { in_workflow = article.id }))
    assert.equal("Review", review.name)
    assert.equal(article.id, review.workflow_id)
  end)

  it("are not found by an unknown name: the error lists the names", function()
    local err = failed("not_found", space.stages:find("Revieww",
      { in_workflow = article.id }))
    has(err, "Revieww")
    has(err, '"Review"')
    has(failed("not_found", space.stages:find("review")), "review")
  end)

  it("are not found by an ambiguous name: the error lists the ids", function()
    local err = failed("invalid", space.stages:find "Drafting")
    for _, stage in ipairs(assert(space.stages:list())) do
      if stage.name == "Drafting" then has(err, tostring(stage.id)) end
    end
  end)

  it("are created with the given attributes", function()
    local review = assert(space.stages:find("Review",
                                            { in_workflow = article.id }))
    local stage, opts = new {
      position = 7, allow_publish = true, allow_all_stages = false,
      allow_admin_publish = true, allow_all_users = false,
      allow_admin_change = true, allow_editor_change = false,
      story_editing_locked = true, auto_remove_assignee = true,
      allow_none_for_next_stages = false, is_default = false,
      after_publish_id = review.id, user_ids = { 288900000001092 },
      space_role_ids = {}, workflow_stage_ids = { review.id },
    }
    assert.equal("integer", math.type(stage.id))
    local again = assert(space.stages:get(stage.id))
    for name, value in pairs(opts) do
      assert.same(value, stage[name], name)
      assert.same(value, again[name], name)
    end
  end)

  it("write empty arrays as [] and null as null", function()
    new { user_ids = {}, space_role_ids = {}, workflow_stage_ids = {},
          after_publish_id = clients.null }
    local root = exact.parse(last().body)[".workflow_stage"]
    for _, name in ipairs { "user_ids", "space_role_ids",
                            "workflow_stage_ids" } do
      assert.same({ kind = "array" }, root["." .. name])
    end
    assert.equal("null", root[".after_publish_id"])
    assert.equal(tostring(article.id), root[".workflow_id"])
  end)

  it("are created in the default workflow if none is given", function()
    local stage = assert(space.stages:create { name = "Nowhere",
                                               color = "#010203" })
    local home = assert(space.workflows:get(stage.workflow_id))
    assert.is_true(home.is_default)
    stage = assert(space.stages:create {
      name = "Null", color = "#010204", workflow_id = clients.null })
    assert.equal(home.id, stage.workflow_id)
  end)

  it("are read by id; null becomes nil", function()
    local stage = new()
    local again = assert(space.stages:get(stage.id))
    assert.same(stage, again)
    assert.is_nil(again.after_publish_id)
    assert.same({}, again.user_ids)
  end)

  it("are updated; true for a 204", function()
    local stage = new()
    assert.is_true(space.stages:update(stage.id, {
      name = "Legal review ", color = "#4a90e2",
      workflow_stage_ids = {} }))
    assert.equal("PUT", last().method)
    assert.equal(204, last().status)
    local again = assert(space.stages:get(stage.id))
    assert.equal("Legal review ", again.name)
    assert.equal("#4a90e2", again.color)
  end)

  it("are updated with all fields, as they were read", function()
    local other, theirs = clients.sandbox { extra_fields = true,
                                            put = "reset" }
    local stage = assert(theirs.stages:find("Review",
      { in_workflow = assert(theirs.workflows:find "Article").id }))
    assert.is_false(stage._new)
    local id = stage.id
    stage.allow_publish, stage.user_ids = true, { id }
    assert.is_true(theirs.stages:update(id, stage))
    assert.equal(id, stage.id)
    assert.same(stage, theirs.stages:get(id))
    local requests = other:stats().requests
    for name, value in pairs { id = id + 1, _new = true, _destroy = true } do
      local whole = { id = id, name = stage.name, [name] = value }
      local err = failed("invalid", theirs.stages:update(id, whole))
      has(err, name .. " is set by the service")
      assert.truthy(err.fields[name])
    end
    failed("invalid", theirs.stages:create(stage))
    assert.equal(requests, other:stats().requests)
    theirs:close()
    other:stop()
  end)

  it("swap positions", function()
    local a, b = new(), new()
    assert(space.stages:update(a.id, { name = a.name, color = a.color,
                                       position = b.position,
                                       update_position = true }))
    assert.equal(b.position, assert(space.stages:get(a.id)).position)
    assert.equal(a.position, assert(space.stages:get(b.id)).position)
  end)

  it("are deleted; true", function()
    local stage = new()
    assert.is_true(space.stages:delete(stage.id))
    local err = failed("not_found", space.stages:get(stage.id))
    assert.equal(404, err.status)
    failed("not_found", space.stages:delete(stage.id))
    failed("not_found", space.stages:update(stage.id, { name = "x" }))
  end)

  it("fail with the service's errors", function()
    local stage = new()
    local err = failed("rejected", space.stages:create {
      name = stage.name, color = "#0a0b0c", workflow_id = article.id })
    assert.equal(422, err.status)
    assert.same({ "has already been taken" }, err.fields.name)
    has(err, "name has already been taken")
    has(err, "POST " .. server.url)
    assert.is_false(err.ambiguous)
  end)

  it("cannot be deleted if it is the last one", function()
    local lone = assert(space.workflows:create {
      name = "Lone", content_types = { "lone" } })
    local stages = assert(space.stages:list { in_workflow = lone.id })
    local stage = stages[1] or assert(space.stages:create {
      name = "Only", color = "#123456", workflow_id = lone.id })
    local err = failed("rejected", space.stages:delete(stage.id))
    assert.equal(422, err.status)
    has(err, "cannot be deleted")
  end)

  it("accept a 200 with the stage for an update", function()
    local other, theirs = clients.sandbox { update_status = 200 }
    local stage = assert(theirs.stages:list())[1]
    assert.is_true(theirs.stages:update(stage.id, { name = "Renamed" }))
    assert.equal("Renamed", assert(theirs.stages:get(stage.id)).name)
    theirs:close()
    other:stop()
  end)
end)
