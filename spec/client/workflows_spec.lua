local clients = require "support.clients"
local exact = require "support.exact"
local failed, has = clients.failed, clients.has

describe("workflows", function()
  local server, space

  setup(function()
    server, space = clients.sandbox { seed = { stories = 0 } }
  end)

  teardown(function()
    space:close()
    server:stop()
  end)

  local function last()
    local all = server:requests()
    return all[#all]
  end

  local number = 0
  local function new(more)
    number = number + 1
    local opts = { name = "Flow " .. number,
                    content_types = { "type_" .. number } }
    for name, value in pairs(more or {}) do opts[name] = value end
    return assert(space.workflows:create(opts))
  end

  it("are listed, and found by name", function()
    local list = assert(space.workflows:list())
    assert.is_true(#list >= 2)
    local article = assert(space.workflows:find "Article")
    assert.same({ "article" }, article.content_types)
    assert.is_false(article.is_default)
    assert.is_nil(article.workflow_stages)
  end)

  it("include their stages on request", function()
    local list = assert(space.workflows:list { include_stages = true })
    assert.equal("include_stages=true", last().query)
    for _, workflow in ipairs(list) do
      assert.is_true(#workflow.workflow_stages > 0)
      for _, stage in ipairs(workflow.workflow_stages) do
        assert.equal("integer", math.type(stage.id))
        assert.equal(workflow.id, stage.workflow_id)
      end
    end
    local one = assert(space.workflows:get(list[1].id,
                                           { include_stages = true }))
    assert.same(list[1], one)
    assert.is_nil(assert(space.workflows:get(list[1].id)).workflow_stages)
  end)

  it("are listed by their properties", function()
    local a, b = new(), new()
    local list = assert(space.workflows:list { by_ids = { a.id, b.id } })
    assert.equal(2, #list)
    list = assert(space.workflows:list { is_default = true })
    assert.equal(1, #list)
    assert.is_true(list[1].is_default)
    for _, one in ipairs(assert(space.workflows:list { exclude_id = a.id })) do
      assert.not_equal(a.id, one.id)
    end
    list = assert(space.workflows:list { content_type = a.content_types[1] })
    assert.equal(a.id, list[1].id)
    assert.equal(1, #list)
    list = assert(space.workflows:list {
      by_content_type = b.content_types[1] })
    assert.equal(b.id, list[1].id)
    list = assert(space.workflows:list { search = a.name })
    assert.equal(a.id, list[1].id)
  end)

  it("are created, with stages or without", function()
    local workflow = new {
      workflow_stages = {
        { name = "One", color = "#111111", user_ids = {} },
        { name = "Two", color = "#222222", allow_publish = true },
      },
    }
    local sent = exact.parse(last().body)[".workflow"]
    assert.same({ kind = "array" },
                sent[".workflow_stages"][1][".user_ids"])
    local stages = assert(space.stages:list { in_workflow = workflow.id })
    assert.equal(2, #stages)
    assert.equal("One", stages[1].name)
    assert.is_true(stages[2].allow_publish)
    local plain = new()
    assert.equal("integer", math.type(plain.id))
    assert.is_false(plain.is_default)
  end)

  it("are updated, with the positions of their stages", function()
    local workflow = new {
      workflow_stages = { { name = "One", color = "#111111" },
                          { name = "Two", color = "#222222" } },
    }
    local stages = assert(space.stages:list { in_workflow = workflow.id })
    assert.is_true(space.workflows:update(workflow.id, {
      name = "Renamed", content_types = workflow.content_types,
      workflow_stages_attributes = {
        { id = stages[1].id, position = 9 },
        { id = stages[2].id, position = 4 },
      },
    }))
    assert.equal("Renamed", assert(space.workflows:get(workflow.id)).name)
    stages = assert(space.stages:list { in_workflow = workflow.id })
    assert.equal(9, stages[1].position)
    assert.equal(4, stages[2].position)
  end)

  it("are deleted, except the default one", function()
    local workflow = new()
    assert.is_true(space.workflows:delete(workflow.id))
    failed("not_found", space.workflows:get(workflow.id))
    local default = assert(space.workflows:list { is_default = true })[1]
    local err = failed("rejected", space.workflows:delete(default.id))
    has(err, "default workflow cannot be deleted")
    assert.equal(422, err.status)
  end)

  it("are duplicated under another name", function()
    local article = assert(space.workflows:find "Article")
    local copy = assert(space.workflows:duplicate(article.id, {
      name = "Article 2026", content_types = { "page" } }))
    assert.not_equal(article.id, copy.id)
    assert.equal("Article 2026", copy.name)
    assert.same({ "page" }, copy.content_types)
    assert.equal("POST", last().method)
    has(last().path, ("/workflows/%d/duplicate"):format(article.id))
    assert.equal(#assert(space.stages:list { in_workflow = article.id }),
                 #assert(space.stages:list { in_workflow = copy.id }))
    local err = failed("rejected", space.workflows:duplicate(article.id, {
      name = "Article", content_types = { "article" } }))
    assert.equal(422, err.status)
    failed("not_found", space.workflows:duplicate(288900000999999, {
      name = "X", content_types = { "x" } }))
  end)

  it("are duplicated without a name if the service allows it", function()
    local other, theirs = clients.scripted()
    for _, attributes in ipairs { false, {} } do
      other:answer(201, [[{"workflow":{"id":9,"name":"Copy"}}]])
      local copy = assert(theirs.workflows:duplicate(5, attributes or nil))
      assert.equal(9, copy.id)
      assert.equal(attributes and '{"workflow":{}}' or "{}",
                   other:last().body)
    end
    theirs:close()
    other:stop()
  end)

  it("have the required fields of the service", function()
    local sent = #server:requests()
    has(failed("invalid", space.workflows:create { name = "A" }),
        "content_types")
    has(failed("invalid", space.workflows:create {
      name = "A", content_types = "article" }), "content_types")
    assert.equal(sent, #server:requests())
    has(failed("rejected", space.workflows:create {
      name = "A", content_types = {} }), "content_types")
    assert.same({ kind = "array" },
                exact.parse(last().body)[".workflow"][".content_types"])
  end)
end)
