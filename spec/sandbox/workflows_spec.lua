local http = require "sandbox.http"

describe("workflows", function()
  local server, space, article, default

  before_each(function()
    server = http.start()
    space = http.client(server)
    article = http.workflow(server, "Article")
    default = http.workflow(server, "Default")
  end)
  after_each(function() server:stop() end)

  local function names(query)
    local answer = space:get("/workflows" .. query)
    assert.equal(200, answer.status)
    return http.names(answer.json.workflows)
  end

  it("are listed and filtered", function()
    assert.equal("Default,Article", names "")
    assert.equal("Article", names("?by_ids=" .. article))
    assert.equal("Article", names("?exclude_id=" .. default))
    assert.equal("Default", names "?is_default=true")
    assert.equal("Article", names "?is_default=0")
    assert.equal("Article", names "?search=arti")
    assert.equal("Article", names "?content_type=article")
    assert.equal("Article", names "?by_content_type=article")
    assert.equal("", names "?content_type=page")
    assert.equal(400, space:get("/workflows?is_default=maybe").status)
  end)

  it("carry their stages only when these are asked for", function()
    local workflow = space:get("/workflows/" .. article).json.workflow
    assert.same({ id = article, name = "Article", is_default = false,
                  content_types = { "article" } }, workflow)
    workflow = space:get("/workflows/" .. article .. "?include_stages=true")
               .json.workflow
    assert.equal("Drafting,Review,Old review,Ready",
                 http.names(workflow.workflow_stages))
    local all = space:get("/workflows?include_stages=1").json.workflows
    assert.equal(3, #all[1].workflow_stages)
    assert.equal(4, #all[2].workflow_stages)
  end)

  it("are made by a GET where a space has no default one", function()
    server:load { spaces = { { id = http.SPACE } } }
    local list = space:get("/workflows").json.workflows
    assert.equal(1, #list)
    assert.is_true(list[1].is_default)
    assert.same(list, space:get("/workflows").json.workflows)
    assert.equal(1, server:stats().effects.workflows)
    assert.is_true(server:requests()[1].effect)
    assert.is_false(server:requests()[2].effect)
  end)

  describe("created", function()
    local function create(workflow)
      return space:post("/workflows", { workflow = workflow })
    end

    it("answer 201, with stages that are in the body", function()
      local answer = create { name = "Page", content_types = { "page" },
        workflow_stages = { { name = "A", color = "#1" },
                            { name = "B", color = "#2" } } }
      assert.equal(201, answer.status)
      local workflow = answer.json.workflow
      assert.equal("Page", workflow.name)
      assert.is_false(workflow.is_default)
      assert.equal("A,B", http.names(workflow.workflow_stages))
      assert.equal(workflow.id, workflow.workflow_stages[1].workflow_id)
    end)

    it("may share a name", function()
      assert.equal(201, create({ name = "Article",
                                 content_types = { "x" } }).status)
    end)

    it("need a name and at least one content type", function()
      local answer = create { content_types = {} }
      assert.equal(422, answer.status)
      assert.same({ "can't be blank" }, answer.json.errors.name)
      assert.same({ "can't be blank" }, answer.json.errors.content_types)
      assert.equal(422, create({ name = "X" }).status)
    end)

    it("have no content type that is empty or blank", function()
      for _, types in ipairs { { "" }, { " \t" }, { "x", "" },
                               { "", "x" } } do
        local answer = create { name = "X", content_types = types }
        assert.equal(422, answer.status)
        assert.same({ "can't be blank" }, answer.json.errors.content_types)
      end
    end)

    it("refuse an id and another workflow in their stages", function()
      local function with(more)
        more.name, more.color = "A", "#1"
        return create { name = "X", content_types = { "x" },
                        workflow_stages = { more } }
      end
      local answer = with { id = 5 }
      assert.equal(422, answer.status)
      assert.same({ errors = { id = { "is not permitted" } } }, answer.json)
      answer = with { workflow_id = article }
      assert.equal(422, answer.status)
      assert.same({ errors = { workflow_id = { "is not permitted" } } },
                  answer.json)
      assert.equal(422, with({ allow_none_for_next_stages = true }).status)
      assert.equal("Default,Article", names "")
      assert.equal(201, with({ workflow_id = http.null }).status)
      assert.equal(4, #space:get("/workflow_stages?in_workflow=" .. article)
                       .json.workflow_stages)
    end)

    it("let such stages pass when they are not strict", function()
      local lax = http.start { strict = false }
      local answer = http.client(lax):post("/workflows", { workflow = {
        name = "X", content_types = { "x" }, workflow_stages = {
          { id = 5, workflow_id = article, name = "A", color = "#1" } } } })
      assert.equal(201, answer.status)
      local workflow = answer.json.workflow
      assert.equal(workflow.id, workflow.workflow_stages[1].workflow_id)
      lax:stop()
    end)

    it("refuse what is unknown or of a wrong type", function()
      assert.equal(422, create({ name = "X", content_types = { "x" },
                                 is_default = true }).status)
      assert.equal(422, create({ name = "X", content_types = { 1 } }).status)
      assert.equal(422, create({ name = "X",
                                 content_types = http.object() }).status)
      assert.equal(422, create({ name = "X", content_types = { "x" },
                                 workflow_stages = { 1 } }).status)
      assert.equal(422, create({ name = "X", content_types = { "x" },
        workflow_stages = { { name = "A", color = "#1" },
                            { name = "A", color = "#2" } } }).status)
      assert.equal("Default,Article", names "")
      assert.equal(0, server:stats().effects.workflows)
    end)
  end)

  describe("updated", function()
    local function update(id, workflow)
      return space:put("/workflows/" .. id, { workflow = workflow })
    end

    it("answer 204 and keep what is left out", function()
      local answer = update(article, { name = "News" })
      assert.equal(204, answer.status)
      assert.equal("", answer.text)
      local workflow = space:get("/workflows/" .. article).json.workflow
      assert.equal("News", workflow.name)
      assert.same({ "article" }, workflow.content_types)
      update(article, { content_types = { "news", "page" } })
      workflow = space:get("/workflows/" .. article).json.workflow
      assert.same({ "news", "page" }, workflow.content_types)
    end)

    it("set positions of stages", function()
      local ids = http.stages(server, "Article")
      update(article, { workflow_stages_attributes = {
        { id = ids.Ready, position = 1 }, { id = ids.Drafting,
                                            position = 4 } } })
      assert.equal(1, space:get("/workflow_stages/" .. ids.Ready)
                      .json.workflow_stage.position)
      assert.equal(422, update(article, { workflow_stages_attributes = {
        { id = 77, position = 1 } } }).status)
      assert.equal(422, update(article, { workflow_stages_attributes = {
        { id = ids.Ready } } }).status)
      assert.equal(422, update(article, { workflow_stages_attributes = {
        { id = ids.Ready, position = -1 } } }).status)
    end)

    it("cannot lose their last content type, the default one has none",
       function()
      assert.equal(422, update(article, { content_types = {} }).status)
      assert.equal(204, update(default, { content_types = {} }).status)
      assert.equal(422, update(default, { content_types = { "" } }).status)
      assert.equal(422, update(article, { content_types = { " " } }).status)
      assert.equal(422, update(article, { workflow_stages = {} }).status)
      assert.equal(404, update(123, { name = "X" }).status)
    end)
  end)

  describe("deleted", function()
    it("answer 204 and take their stages with them", function()
      local ids = http.stages(server, "Article")
      assert.equal(204, space:delete("/workflows/" .. article).status)
      assert.equal("Default", names "")
      assert.equal(404, space:get("/workflow_stages/" .. ids.Review).status)
      assert.equal("0", space:get("/stories?has_workflow_stages=true")
                        .headers.total)
    end)

    it("are refused for the default one, with an error as text", function()
      local answer = space:delete("/workflows/" .. default)
      assert.equal(422, answer.status)
      assert.equal("string", type(answer.json.error))
      assert.equal("Default,Article", names "")
    end)

    it("are 404 for an unknown one, with an array of strings", function()
      local answer = space:delete "/workflows/4711"
      assert.equal(404, answer.status)
      assert.same({ "This record could not be found" }, answer.json)
    end)
  end)

  describe("duplicated", function()
    local function duplicate(workflow)
      return space:post("/workflows/" .. article .. "/duplicate",
                        { workflow = workflow })
    end

    it("answer 201 with copies that refer to each other", function()
      local ids = http.stages(server, "Article")
      space:put("/workflow_stages/" .. ids.Ready,
                { workflow_stage = { after_publish_id = ids.Drafting } })
      local answer = duplicate { name = "Page", content_types = { "page" } }
      assert.equal(201, answer.status)
      local copy = answer.json.workflow
      local new = http.stages(server, "Page")
      assert.equal("Drafting,Review,Old review,Ready",
                   http.names(copy.workflow_stages))
      assert.are_not.equal(ids.Review, new.Review)
      assert.same({ new.Drafting, new.Ready },
                  copy.workflow_stages[2].workflow_stage_ids)
      assert.equal(new.Drafting, copy.workflow_stages[4].after_publish_id)
      assert.same({ ids.Drafting, ids.Ready },
                  space:get("/workflow_stages/" .. ids.Review)
                  .json.workflow_stage.workflow_stage_ids)
    end)

    it("refuse stages that are not right, as a create does", function()
      local function with(stage)
        local answer = duplicate { name = "Page", content_types = { "page" },
                                   workflow_stages = { stage } }
        assert.equal(422, answer.status)
        return answer.json.error
      end
      assert.equal("workflow_stages must be objects", with(1))
      assert.equal("colour is not permitted", with { colour = "#1" })
      assert.equal("name must be a string", with { name = 1 })
      assert.equal("id is not permitted", with { id = 5 })
      assert.equal("workflow_id is not permitted",
                   with { workflow_id = article })
      assert.equal(422, duplicate({ name = "Page",
                                    content_types = { "" } }).status)
      assert.equal(0, server:stats().effects.workflows)
    end)

    it("lose no stage, however many there are", function()
      local stages, ids = {}, {}
      for i = 1, 700 do
        stages[i] = { id = i, name = "S" .. i, color = "#" .. i,
                      after_publish_id = i > 1 and i - 1 or nil,
                      workflow_stage_ids = { i % 700 + 1, 5000 } }
      end
      server:load { spaces = { { id = http.SPACE, workflows = {
        { id = 4711, name = "Long", content_types = { "long" },
          stages = stages } } } } }
      article = 4711
      local answer = duplicate { name = "Page", content_types = { "page" } }
      assert.equal(201, answer.status)
      local copies = answer.json.workflow.workflow_stages
      assert.equal(700, #copies)
      for i, copy in ipairs(copies) do ids[i] = copy.id end
      for i, copy in ipairs(copies) do
        assert.equal("S" .. i, copy.name)
        assert.same({ ids[i % 700 + 1], 5000 }, copy.workflow_stage_ids)
        assert.equal(ids[i - 1] or http.null, copy.after_publish_id)
      end
      answer = duplicate { name = "Again", content_types = { "again" } }
      assert.equal(700, #answer.json.workflow.workflow_stages)
      assert.equal(1400, server:stats().effects.workflow_stages)
    end)

    it("need another name and other content types, each named",
       function()
      local answer = duplicate { name = "Article",
                                 content_types = { "page", "article" } }
      assert.equal(422, answer.status)
      assert.equal("name must be different from the original's",
                   answer.json.error)
      assert.equal(1, #answer.json.content_types)
      assert.equal(422, duplicate({ name = "Page" }).status)
      assert.equal(422, duplicate({ content_types = { "page" } }).status)
      assert.equal(0, server:stats().effects.workflows)
    end)
  end)
end)
