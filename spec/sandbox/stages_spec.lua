local http = require "sandbox.http"

describe("workflow stages", function()
  local server, space, ids, article

  before_each(function()
    server = http.start()
    space = http.client(server)
    ids = http.stages(server, "Article")
    article = http.workflow(server, "Article")
  end)
  after_each(function() server:stop() end)

  local function create(attributes)
    return space:post("/workflow_stages", { workflow_stage = attributes })
  end

  local function update(id, attributes)
    return space:put("/workflow_stages/" .. id,
                     { workflow_stage = attributes })
  end

  local function get(id)
    return space:get("/workflow_stages/" .. id).json.workflow_stage
  end

  describe("listed", function()
    local function names(query)
      local answer = space:get("/workflow_stages" .. query)
      assert.equal(200, answer.status)
      return http.names(answer.json.workflow_stages)
    end

    it("come all at once, without pages", function()
      assert.equal("Drafting,Reviewing,Ready to Publish,Drafting,Review,"
                   .. "Old review,Ready", names "")
      assert.equal(400, space:get("/workflow_stages?per_page=2").status)
    end)

    it("are filtered by workflow", function()
      assert.equal("Drafting,Review,Old review,Ready",
                   names("?in_workflow=" .. article))
    end)

    it("are filtered by ids", function()
      assert.equal("Review,Ready",
                   names("?by_ids=" .. ids.Review .. "," .. ids.Ready))
      assert.equal("", names "?by_ids=")
    end)

    it("are filtered by an id left out and by a search", function()
      assert.equal("Drafting,Reviewing,Ready to Publish,Drafting,Old review,"
                   .. "Ready", names("?exclude_id=" .. ids.Review))
      assert.equal("Reviewing,Review,Old review", names "?search=REVIEW")
    end)

    it("are refused with 400 for an invalid id", function()
      assert.equal(400, space:get("/workflow_stages?by_ids=1,x").status)
    end)

    it("are the same with a slash at the end of the path", function()
      assert.equal(space:get("/workflow_stages").text,
                   space:get("/workflow_stages/").text)
    end)
  end)

  it("are read one by one", function()
    local stage = get(ids.Review)
    assert.equal("Review", stage.name)
    assert.equal(article, stage.workflow_id)
    assert.equal(http.null, stage.after_publish_id)
    assert.same({ ids.Drafting, ids.Ready }, stage.workflow_stage_ids)
    for _, name in ipairs { "is_default", "allow_publish", "allow_all_stages",
        "allow_admin_publish", "allow_all_users", "allow_admin_change",
        "allow_editor_change", "allow_none_for_next_stages",
        "story_editing_locked", "auto_remove_assignee" } do
      assert.equal("boolean", type(stage[name]), name)
    end
    assert.truthy(space:get("/workflow_stages/" .. ids.Review).text
                  :find('"user_ids":[]', 1, true))
  end)

  it("are missing with an array as the error", function()
    local answer = space:get "/workflow_stages/12345"
    assert.equal(404, answer.status)
    assert.same({ "This record could not be found" }, answer.json)
    assert.equal(404, space:delete("/workflow_stages/12345").status)
    assert.equal(404, update(12345, { name = "x" }).status)
  end)

  it("may carry the fields _new and _destroy", function()
    assert.is_nil(get(ids.Review)._new)
    local other = http.start { extra_fields = true }
    local stage = http.client(other):get("/workflow_stages/" .. ids.Review)
                  .json.workflow_stage
    assert.is_false(stage._new)
    assert.is_false(stage._destroy)
    other:stop()
  end)

  it("may be sent as they were read, asking for nothing more", function()
    local other <close> = http.start { extra_fields = true }
    local client = http.client(other)
    local path = "/workflow_stages/" .. ids.Review
    local stage = client:get(path).json.workflow_stage
    for _, name in ipairs { "id", "workflow_id", "position" } do
      stage[name] = math.tointeger(stage[name])
    end
    stage.workflow_stage_ids, stage.allow_all_stages = nil, true
    local answer = client:put(path, { workflow_stage = stage })
    assert.equal(204, answer.status, answer.text)
    for _, name in ipairs { "_new", "_destroy" } do
      answer = client:put(path, { workflow_stage = { [name] = true } })
      assert.equal(422, answer.status)
      assert.same({ error = name .. " is not permitted" }, answer.json)
    end
  end)

  it("may have colours that repeat, where the option says so", function()
    local stages = { { name = "A", color = "#111111" },
                     { name = "B", color = "#111111" } }
    local seed = { spaces = { { id = http.SPACE, workflows = {
      { name = "Default", is_default = true, stages = stages } } } } }
    local other = http.start { unique_colors = false, seed = seed }
    local client = http.client(other)
    local list = client:get("/workflow_stages").json.workflow_stages
    assert.equal(2, #list)
    assert.equal(204, client:put(("/workflow_stages/%d"):format(list[1].id), {
      workflow_stage = { name = "C", color = "#111111" } }).status)
    assert.equal(201, client:post("/workflow_stages", {
      workflow_stage = { name = "D", color = "#111111" } }).status)
    assert.equal(422, client:post("/workflow_stages", {
      workflow_stage = { name = "D", color = "#222222" } }).status)
    other:stop()
  end)

  describe("created", function()
    it("answer 201 with the stage and all sent attributes", function()
      local sent = {
        name = "Legal ", color = "#2d3v22", workflow_id = article,
        position = 7, allow_publish = true, allow_all_stages = false,
        allow_admin_publish = false, allow_all_users = false,
        allow_admin_change = false, allow_editor_change = false,
        allow_none_for_next_stages = true, story_editing_locked = true,
        auto_remove_assignee = true, after_publish_id = ids.Drafting,
        user_ids = { 123123 }, space_role_ids = { 111111, 222222 },
        workflow_stage_ids = { 561398 }, is_default = false,
      }
      local answer = create(sent)
      assert.equal(201, answer.status)
      local stage = answer.json.workflow_stage
      for name, value in pairs(sent) do
        assert.same(value, stage[name], name)
      end
      assert.same(stage, get(("%d"):format(stage.id)))
    end)

    it("get an id of 15 digits, above 2^48 and below 2^53", function()
      local text = create({ name = "N", color = "#1" }).text
      local id = math.tointeger(tonumber(text:match '"id":(%d+),'))
      assert.is_true(id > 1 << 48 and id < 1 << 53)
      assert.equal(15, #tostring(id))
    end)

    it("land in the default workflow without workflow_id", function()
      local default = http.workflow(server, "Default")
      assert.equal(default, create({ name = "N", color = "#1" })
                            .json.workflow_stage.workflow_id)
      assert.equal(default, create({ name = "M", color = "#2",
                                     workflow_id = http.null })
                            .json.workflow_stage.workflow_id)
    end)

    it("make a default workflow where a space has none", function()
      server:load { spaces = { { id = http.SPACE } } }
      assert.equal(201, create({ name = "N", color = "#1" }).status)
      assert.equal("Default",
                   http.names(space:get("/workflows").json.workflows))
    end)

    it("come after the others by default", function()
      assert.equal(5, create({ name = "N", color = "#1",
                               workflow_id = article })
                      .json.workflow_stage.position)
    end)

    it("swap positions: the previous one comes last",
       function()
      local stage = create({ name = "N", color = "#1", workflow_id = article,
                             update_position = 2 }).json.workflow_stage
      assert.equal(2, stage.position)
      assert.equal(5, get(ids.Review).position)
      stage = create({ name = "M", color = "#2", workflow_id = article,
                       position = 1, update_position = true })
              .json.workflow_stage
      assert.equal(1, stage.position)
      assert.equal(6, get(ids.Drafting).position)
      stage = create({ name = "O", color = "#3", workflow_id = article,
                       update_position = 40 }).json.workflow_stage
      assert.equal(40, stage.position)
      assert.equal(4, get(ids.Ready).position)
    end)

    it("let everything through when they say nothing of what follows",
       function()
      local function all(more)
        more.name, more.color = "N" .. #server:requests(), "#" ..
                                #server:requests()
        return create(more).json.workflow_stage.allow_all_stages
      end
      assert.is_true(all {})
      assert.is_false(all { workflow_stage_ids = {} })
      assert.is_false(all { allow_none_for_next_stages = true })
      assert.is_false(all { allow_all_stages = false })
    end)

    it("need a name and a colour", function()
      local answer = create { workflow_id = article }
      assert.equal(422, answer.status)
      assert.same({ "can't be blank" }, answer.json.name)
      assert.same({ "can't be blank" }, answer.json.color)
      assert.equal("name can't be blank", answer.json.error)
      assert.equal(422, create({ name = " ", color = "#1" }).status)
    end)

    it("have a name and a colour of their own in their workflow", function()
      local answer = create { name = "Review", color = "#f5a623",
                              workflow_id = article }
      assert.equal(422, answer.status)
      assert.same({ name = { "has already been taken" },
                    color = { "has already been taken" },
                    error = "name has already been taken" }, answer.json)
      assert.equal(201, create({ name = "Review", color = "#f5a623" }).status)
      assert.equal(201, create({ name = "Review ", color = "#fff",
                                 workflow_id = article }).status)
    end)

    it("are the only default stage of their workflow then", function()
      assert.is_true(get(ids.Drafting).is_default)
      create { name = "N", color = "#1", workflow_id = article,
               is_default = true }
      assert.is_false(get(ids.Drafting).is_default)
      local others = http.stages(server, "Default")
      assert.is_true(get(others.Drafting).is_default)
    end)

    it("are refused for an unknown workflow", function()
      assert.equal(404, create({ name = "N", color = "#1",
                                 workflow_id = 99 }).status)
    end)

    it("count as one effect each", function()
      create { name = "N", color = "#1" }
      create { name = "N", color = "#1" }
      assert.equal(1, server:stats().effects.workflow_stages)
    end)
  end)

  describe("with bodies that are not right", function()
    it("refuse unknown properties", function()
      local answer = create { name = "N", color = "#1", colour = "#2" }
      assert.equal(422, answer.status)
      assert.same({ error = "colour is not permitted",
                    colour = { "is not permitted" } }, answer.json)
      assert.equal(422, create({ name = "N", color = "#1", id = 5 }).status)
      assert.equal(422, space:post("/workflow_stages", {
        workflow_stage = { name = "N", color = "#1" }, more = 1 }).status)
    end)

    it("refuse wrong types, each named", function()
      for name, bad in pairs {
        name = 1, color = 2, position = "3", workflow_id = "12",
        is_default = 1, user_ids = { "a" }, space_role_ids = http.object(),
        workflow_stage_ids = 5, after_publish_id = 0, allow_publish = "x",
      } do
        local attributes = { name = "N", color = "#1" }
        attributes[name] = bad
        local answer = create(attributes)
        assert.equal(422, answer.status, name)
        assert.truthy(answer.json[name], name)
      end
      assert.equal(422, create({ name = "N", color = "#1",
                                 position = 1.5 }).status)
      assert.equal(0, server:stats().effects.workflow_stages)
    end)

    it("answer 400 to invalid JSON or a missing stage", function()
      for _, body in ipairs { "{", "", "[]", "{}", '"x"', '{"stage":{}}' } do
        local answer = space:post("/workflow_stages", body)
        assert.equal(400, answer.status, body)
        assert.equal("string", type(answer.json.error), body)
      end
    end)

    it("let unknown properties pass when they are not strict", function()
      local lax = http.start { strict = false }
      local answer = http.client(lax):post("/workflow_stages", {
        workflow_stage = { name = "N", color = "#1", colour = "#2", id = 5 } })
      assert.equal(201, answer.status)
      lax:stop()
    end)
  end)

  describe("updated", function()
    it("answer 204 without a body, and keep what is left out", function()
      local before = get(ids.Review)
      local answer = update(ids.Review, { name = "Reviewing " })
      assert.equal(204, answer.status)
      assert.equal("", answer.text)
      before.name = "Reviewing "
      assert.same(before, get(ids.Review))
      assert.equal(1, server:stats().updates.workflow_stages)
    end)

    it("stay what they are in the workflow where they are", function()
      local before = get(ids.Drafting)
      update(ids.Drafting, { name = "Draft", workflow_id = article })
      before.name = "Draft"
      assert.is_true(before.is_default)
      assert.same(before, get(ids.Drafting))
    end)

    it("take PATCH as well, and the whole object with its id", function()
      local stage = get(ids.Review)
      local body = '{"workflow_stage":{"id":%d,"name":"X","color":"#fff"}}'
      assert.equal(204, space:patch("/workflow_stages/" .. ids.Review,
                                    body:format(ids.Review)).status)
      assert.equal(422, space:patch("/workflow_stages/" .. ids.Review,
                                    body:format(ids.Ready)).status)
      assert.equal("#fff", get(ids.Review).color)
      assert.equal(stage.position, get(ids.Review).position)
    end)

    it("answer 200 with the stage where the option says so", function()
      local other = http.start { update_status = 200 }
      local answer = http.client(other):put("/workflow_stages/" .. ids.Review,
        { workflow_stage = { color = "#fff" } })
      assert.equal(200, answer.status)
      assert.equal("#fff", answer.json.workflow_stage.color)
      other:stop()
    end)

    it("reset what is left out where the option says so", function()
      local other = http.start { put = "reset" }
      local client = http.client(other)
      local path = "/workflow_stages/" .. ids.Review
      client:put(path, { workflow_stage = { name = "R", color = "#1" } })
      local stage = client:get(path).json.workflow_stage
      assert.same({}, stage.workflow_stage_ids)
      assert.is_true(stage.allow_all_stages)
      other:stop()
    end)

    it("must stay unique, but not against themselves", function()
      assert.equal(204, update(ids.Review, { name = "Review",
                                             color = "#f5a623" }).status)
      assert.equal(422, update(ids.Review, { name = "Ready" }).status)
      assert.equal(422, update(ids.Review, { color = "#7ed321" }).status)
    end)

    it("clear the other default", function()
      update(ids.Ready, { is_default = true })
      assert.is_true(get(ids.Ready).is_default)
      assert.is_false(get(ids.Drafting).is_default)
    end)

    it("swap positions with update_position", function()
      update(ids.Drafting, { position = 4, update_position = true })
      assert.equal(4, get(ids.Drafting).position)
      assert.equal(1, get(ids.Ready).position)
      update(ids.Review, { update_position = 3 })
      assert.equal(3, get(ids.Review).position)
      assert.equal(2, get(ids["Old review"]).position)
      update(ids.Ready, { position = 2, update_position = false })
      assert.equal(2, get(ids["Old review"]).position)
      assert.equal(2, get(ids.Ready).position)
    end)

    it("swap positions by a number, regardless of `position`",
       function()
      local stage = get(ids.Drafting)
      for _, sent in ipairs {
        '{"position":%d,"update_position":4}',
        '{"update_position":1,"position":%d}',
      } do
        local from = get(ids.Drafting).position
        local answer = space:put("/workflow_stages/" .. ids.Drafting,
          '{"workflow_stage":' .. sent:format(stage.position) .. "}")
        assert.equal(204, answer.status)
        assert.equal(5 - from, get(ids.Drafting).position)
        assert.equal(from, get(ids.Ready).position)
      end
    end)

    it("swap positions only within their workflow", function()
      local others = http.stages(server, "Default")
      update(ids.Drafting, { update_position = 2 })
      assert.equal(2, get(others.Reviewing).position)
      update(ids.Review, { workflow_id = http.workflow(server, "Default"),
                           update_position = 3 })
      assert.equal(3, get(ids.Review).position)
      assert.equal(1, get(others["Ready to Publish"]).position)
      assert.equal(3, get(ids["Old review"]).position)
    end)

    it("are refused at a position below zero", function()
      local answer = update(ids.Review, { update_position = -1 })
      assert.equal(422, answer.status)
      assert.same({ error = "update_position must not be negative" },
                  answer.json)
      answer = update(ids.Review, { position = -1, update_position = true })
      assert.equal(422, answer.status)
      assert.same({ error = "position must not be negative" }, answer.json)
      assert.equal(422, create({ name = "N", color = "#1",
                                 update_position = -1 }).status)
      assert.equal(2, get(ids.Review).position)
    end)

    it("go into another workflow, with their stories", function()
      update(ids.Review, { workflow_id = http.workflow(server, "Default") })
      assert.equal(http.workflow(server, "Default"),
                   get(ids.Review).workflow_id)
      assert.equal(404, update(ids.Review, { workflow_id = 77 }).status)
    end)

    it("keep no name and no colour that is taken where they go", function()
      local default = http.workflow(server, "Default")
      local function patch(attributes)
        attributes.workflow_id = default
        local answer = space:patch("/workflow_stages/" .. ids.Drafting,
                                   { workflow_stage = attributes })
        assert.equal(422, answer.status)
        assert.equal(article, get(ids.Drafting).workflow_id)
        return answer.json
      end
      local json = patch { color = "#010203" }
      assert.same({ "has already been taken" }, json.name)
      assert.is_nil(json.color)
      json = patch { name = "New" }
      assert.same({ "has already been taken" }, json.color)
      assert.is_nil(json.name)
      assert.equal(204, update(ids.Drafting, { workflow_id = default,
        name = "New", color = "#010203" }).status)
      assert.equal(default, get(ids.Drafting).workflow_id)
    end)

    it("do not become a second default stage", function()
      local default = http.workflow(server, "Default")
      local others = http.stages(server, "Default")
      update(ids.Drafting, { workflow_id = default, name = "A",
                             color = "#1" })
      assert.is_false(get(ids.Drafting).is_default)
      assert.is_true(get(others.Drafting).is_default)
      update(ids.Review, { is_default = true })
      update(ids.Review, { workflow_id = default, is_default = true })
      assert.is_true(get(ids.Review).is_default)
      assert.is_false(get(others.Drafting).is_default)
    end)

    it("stay the default one where they go when there is none", function()
      local default = http.workflow(server, "Default")
      local others = http.stages(server, "Default")
      update(others.Drafting, { is_default = false })
      update(ids.Drafting, { workflow_id = default, name = "A",
                             color = "#1" })
      assert.is_true(get(ids.Drafting).is_default)
    end)

    it("can not leave a workflow when they are its last", function()
      local default = http.workflow(server, "Default")
      for _, name in ipairs { "Drafting", "Review", "Old review" } do
        space:delete("/workflow_stages/" .. ids[name])
      end
      local answer = update(ids.Ready, { workflow_id = default, name = "X",
                                         color = "#1" })
      assert.equal(422, answer.status)
      assert.equal("string", type(answer.json.error))
      assert.equal(article, get(ids.Ready).workflow_id)
      assert.equal(204, update(ids.Ready, { workflow_id = article,
                                            name = "Y" }).status)
    end)

    it("clear after_publish_id with null", function()
      update(ids.Ready, { after_publish_id = ids.Drafting })
      assert.equal(ids.Drafting, get(ids.Ready).after_publish_id)
      update(ids.Ready, { after_publish_id = http.null })
      assert.equal(http.null, get(ids.Ready).after_publish_id)
    end)
  end)

  describe("deleted", function()
    it("answer 204 and no longer exist", function()
      local answer = space:delete("/workflow_stages/" .. ids.Review)
      assert.equal(204, answer.status)
      assert.equal("", answer.text)
      assert.equal(404, space:get("/workflow_stages/" .. ids.Review).status)
      assert.equal(404, space:delete("/workflow_stages/" .. ids.Review).status)
      assert.equal(1, server:stats().deletes.workflow_stages)
    end)

    it("leave their stories without a stage", function()
      local list = "/stories?in_workflow_stages=" .. ids.Review
      local story = space:get(list).json.stories[1]
      space:delete("/workflow_stages/" .. ids.Review)
      story = space:get(("/stories/%d"):format(story.id)).json.story
      assert.equal(http.null, story.stage)
      assert.equal("0", space:get(list).headers.total)
    end)

    it("go out of the other stages' references", function()
      update(ids.Ready, { after_publish_id = ids.Drafting })
      space:delete("/workflow_stages/" .. ids.Drafting)
      assert.same({ ids.Ready }, get(ids.Review).workflow_stage_ids)
      assert.equal(http.null, get(ids.Ready).after_publish_id)
    end)

    it("go out of the changes that led to them", function()
      local story = space:get("/stories").json.stories[1].id
      space:post("/workflow_stage_changes", { workflow_stage_change = {
        story_id = math.tointeger(story), workflow_stage_id = ids.Review } })
      space:delete("/workflow_stages/" .. ids.Review)
      local changes = space:get(("/workflow_stage_changes?with_story=%d")
                                :format(story)).json.workflow_stage_changes
      assert.equal(1, #changes)
      assert.equal(http.null, changes[1].workflow_stage_id)
    end)

    it("are refused when they are a workflow's last", function()
      for _, name in ipairs { "Drafting", "Review", "Old review" } do
        assert.equal(204, space:delete("/workflow_stages/" .. ids[name])
                          .status)
      end
      local answer = space:delete("/workflow_stages/" .. ids.Ready)
      assert.equal(422, answer.status)
      assert.equal("string", type(answer.json.error))
      assert.equal("Ready", get(ids.Ready).name)
    end)
  end)

  it("are checked for unknown references where the option says so", function()
    local other = http.start { references = true }
    local client = http.client(other)
    local function try(field, value)
      return client:put("/workflow_stages/" .. ids.Review,
                        { workflow_stage = { [field] = value } }).status
    end
    assert.equal(422, try("workflow_stage_ids", { 99 }))
    assert.equal(422, try("space_role_ids", { 99 }))
    assert.equal(422, try("user_ids", { 99 }))
    assert.equal(422, try("after_publish_id", 99))
    assert.equal(204, try("after_publish_id", ids.Ready))
    assert.equal(204, try("workflow_stage_ids", { ids.Ready }))
    other:stop()
  end)
end)
