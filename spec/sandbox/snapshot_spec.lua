local http = require "sandbox.http"
local sandbox = require "workstage.sandbox"

local function by_hand()
  return {
    users = { { id = 1001, userid = "me@example.com",
                friendly_name = "Me" } },
    spaces = { {
      name = "Ours",
      space_roles = { { role = "Lawyer" }, { role = "Author" } },
      collaborators = {
        { user = "law@example.com", role = "editor",
          space_role_ids = { "Lawyer" } },
        { user = { userid = "bob@example.com", friendly_name = "Bob" } },
        { user_id = 1001, role = "admin" },
      },
      workflows = {
        { name = "Default", is_default = true,
          stages = { { name = "Drafting" } } },
        { name = "Article", content_types = { "article" }, stages = {
          { name = "Drafting", color = "#fff", is_default = true,
            workflow_stage_ids = { "Review" } },
          { name = "Review", space_role_ids = { "Lawyer" },
            user_ids = { "law@example.com" }, after_publish_id = "Drafting",
            allow_all_stages = true },
        } },
      },
      stories = {
        { full_slug = "a", stage = "Review" },
        { full_slug = "b", stage = "Drafting" },
        { full_slug = "c", stage = { workflow = "Default",
                                     stage = "Drafting" } },
        { full_slug = "d", name = "D" },
      },
    } },
  }
end

describe("a snapshot", function()
  local server

  after_each(function() if server then server:stop() end end)

  it("written by hand refers by name, and gets its ids", function()
    server = http.start { seed = by_hand() }
    local space = server:dump().spaces[1]
    assert.equal(http.SPACE, space.id)
    local article, review = space.workflows[2]
    if article.name ~= "Article" then article = space.workflows[1] end
    local drafting = article.stages[1]
    review = article.stages[2]
    assert.same({ review.id }, drafting.workflow_stage_ids)
    assert.is_false(drafting.allow_all_stages)
    assert.equal(drafting.id, review.after_publish_id)
    assert.same({ space.space_roles[1].id }, review.space_role_ids)
    assert.same({ space.collaborators[1].user_id }, review.user_ids)
    assert.same({ space.space_roles[1].id },
                space.collaborators[1].space_role_ids)
    assert.equal(review.id, space.stories[1].stage.workflow_stage_id)
    assert.equal(drafting.id, space.stories[2].stage.workflow_stage_id)
    assert.equal(http.stages(server, "Default").Drafting,
                 space.stories[3].stage.workflow_stage_id)
    assert.is_nil(space.stories[4].stage)
    assert.equal("D", space.stories[4].name)
    for _, story in ipairs(space.stories) do
      assert.is_true(story.id > 1 << 48)
    end
  end)

  it("names its first user as the one of any token", function()
    server = http.start { seed = by_hand() }
    assert.equal("me@example.com", http.client(server, "x", server.url)
                                   :get("/v1/users/me").json.user.userid)
  end)

  it("is the same after a dump and a load", function()
    server = http.start { seed = { stories = 40, unstaged = 3, stages = 6,
      workspaces = 12, collaborators = 5, roles = 4, users = 2,
      releases = 2 } }
    local space, ids = http.client(server), http.stages(server, "Article")
    local story = server:dump().spaces[1].stories[1].id
    space:post("/workflow_stage_changes", { workflow_stage_change = {
      story_id = story, workflow_stage_id = ids.Review,
      due_date = "2026-12-01T10:00:00.000Z" }, notify = true,
      comment = { message = "ä\n\"" }, assign = { user_ids = { 1 } } })
    space:post("/stories", { story = { name = "N", slug = "n",
      tag_list = { "t" }, content = { component = "article",
        number = 1.5, list = { 1, 2 }, big = 9007199254740991 } } })
    http.kantata(server):put("/workspaces/1",
                             { workspace = { status_key = 605 } })
    local dump = server:dump()
    assert.equal(44, #dump.spaces[1].stories)
    local other = http.start { seed = false }
    assert.is_true(other:load(dump))
    assert.same(dump, other:dump())
    assert.is_true(other:load(other:dump()))
    assert.same(dump, other:dump())
    assert.equal(space:get("/stories?per_page=100").text,
                 http.client(other):get("/stories?per_page=100").text)
    other:stop()
  end)

  it("holds integers exactly, booleans and empty lists", function()
    server = http.start()
    local stage = server:dump().spaces[1].workflows[2].stages[3]
    assert.equal("integer", math.type(stage.id))
    assert.is_true(stage.allow_all_stages)
    assert.is_false(stage.is_default)
    assert.same({}, stage.workflow_stage_ids)
    assert.is_nil(stage.after_publish_id)
  end)

  it("replaces everything; ids continue after the assigned ones", function()
    server = http.start()
    local before = server:dump()
    local space = http.client(server)
    local created = space:post("/workflow_stages", { workflow_stage = {
      name = "N", color = "#1" } }).json.workflow_stage
    server:load(before)
    assert.equal(404, space:get(("/workflow_stages/%d"):format(created.id))
                      .status)
    local again = space:post("/workflow_stages", { workflow_stage = {
      name = "N", color = "#1" } }).json.workflow_stage
    assert.are_not.equal(created.id, again.id)
    server:stop()
    server = http.start { seed = before }
    again = http.client(server):post("/workflow_stages", { workflow_stage = {
      name = "N", color = "#1" } }).json.workflow_stage
    local function search(value)
      for _, member in pairs(value) do
        if type(member) == "table" then search(member) end
      end
      assert.are_not.equal(value.id, math.tointeger(again.id))
    end
    search(before)
  end)

  it("that is invalid changes nothing, and says what is wrong", function()
    server = http.start()
    local before = server:dump()
    local function stage(more)
      more.name = more.name or "X"
      return { spaces = { { workflows = { { name = "A",
                                            stages = { more } } } } } }
    end
    for expected, snapshot in pairs {
      ["unknown field of a snapshot 'space', did you mean 'spaces'?"] =
        { space = {} },
      ["unknown field of a stage 'colour', did you mean 'color'?"] =
        stage { colour = "#fff" },
      ["field of a stage 'color' must be a string or false"] =
        stage { color = 5 },
      ["unknown stage 'Y'"] = stage { workflow_stage_ids = { "Y" } },
      ["unknown space role 'Z'"] = stage { space_role_ids = { "Z" } },
      ["a workflow without a 'name'"] =
        { spaces = { { workflows = { {} , {} } } } },
      ["unknown stage 4711"] =
        { spaces = { { stories = { { full_slug = "x", stage = 4711 } } } } },
      ["unknown stage 4712"] = { spaces = { { stories = {
        { full_slug = "x", stage = { workflow_stage_id = 4712 } } } } } },
      ["a collaborator has the unknown user_id 4713"] =
        { spaces = { { collaborators = { { user_id = 4713 } } } } },
      ["a story without a 'full_slug'"] =
        { spaces = { { stories = { { name = "x" } } } } },
      ["the second space and later ones need an 'id'"] =
        { spaces = { { id = 1 }, { name = "x" } } },
      ["unknown status key 1"] =
        { kantata = { workspaces = { { title = "x", status_key = 1 } } } },
    } do
      local ok, err = server:load(snapshot)
      assert.is_nil(ok)
      assert.equal("sandbox: " .. expected, err)
    end
    local ok, err = server:load { spaces = { { stories = {
      { id = 5, full_slug = "a" }, { id = 5, full_slug = "b" } } } } }
    assert.is_nil(ok)
    assert.truthy(err:find "UNIQUE")
    assert.same(before, server:dump())
  end)

  describe("is refused, and changes nothing, with", function()
    local function refused(expected, workflows)
      server = http.start()
      local before = server:dump()
      local snapshot = { spaces = { { id = 606, workflows = workflows } } }
      local ok, err = server:load(snapshot)
      assert.is_nil(ok)
      assert.equal("sandbox: " .. expected, err)
      assert.same(before, server:dump())
      local none, why = sandbox.start { seed = snapshot }
      assert.is_nil(none)
      assert.equal(err, why)
    end

    it("two stages of a name in a workflow", function()
      refused("workflow 'B' has two stages 'X'", {
        { name = "A", stages = { { name = "X" }, { name = "Y" } } },
        { name = "B", stages = { { name = "X" }, { name = "X" } } } })
    end)

    it("two default stages in a workflow", function()
      refused("workflow 'B' has two default stages, 'X' and 'Z'", {
        { name = "A", stages = { { name = "X", is_default = true } } },
        { name = "B", stages = { { name = "X", is_default = true },
          { name = "Y" }, { name = "Z", is_default = true } } } })
    end)

    it("two default workflows in a space", function()
      refused("space 606 has two default workflows, 'A' and 'C'", {
        { name = "A", is_default = true }, { name = "B" },
        { name = "C", is_default = true } })
    end)
  end)

  it("may have stages that share colours and positions, and null ones",
     function()
    server = http.start { seed = { spaces = { { id = http.SPACE,
      workflows = { { id = 20, name = "A", stages = {
        { id = 21, name = "X", color = "#babcb6", position = 1 },
        { id = 22, name = "Y", color = "#babcb6", position = 1 },
        { id = 23, name = "Z", color = false, position = 1 },
        { id = 24, name = "W", color = http.null, position = 1 },
      } } } } } } }
    local function check()
      local stages = http.client(server):get("/workflow_stages?in_workflow=20")
                     .json.workflow_stages
      assert.equal("#babcb6,#babcb6", stages[1].color .. "," .. stages[2].color)
      assert.equal(http.null, stages[3].color)
      assert.equal(http.null, stages[4].color)
      for _, stage in ipairs(stages) do
        assert.equal(1, stage.position)
        assert.is_false(stage.is_default)
      end
    end
    check()
    assert(server:load(server:dump()))
    check()
    local space = http.client(server)
    local function put(attributes)
      return space:put("/workflow_stages/22",
                       { workflow_stage = attributes }).status
    end
    assert.equal(204, put { allow_publish = true })
    assert.equal(204, put { name = "Y2" })
    assert.equal(422, put { color = "#babcb6" })
  end)

  it("has the user of a token as collaborator too", function()
    server = http.start { tokens = { abc = { id = 5, userid = "t@x" } },
      seed = { spaces = { { collaborators = { { user_id = 5 } } } } } }
    local listed = http.client(server, "abc"):get("/collaborators").json
    assert.equal("t@x", listed.collaborators[1].user.userid)
  end)

  it("gives changes that name nobody to the first user", function()
    server = http.start { seed = {
      users = { { id = 31, userid = "a@x" }, { id = 32, userid = "b@x" } },
      spaces = { { stories = { { id = 5, full_slug = "a" } },
        workflow_stage_changes = { { story_id = 5 },
                                   { story_id = 5, user_id = 32 } } } },
      kantata = {
        users = { { id = 41, full_name = "Ann" } },
        workspaces = { { id = 7, title = "x" } },
        workspace_status_changes = { { workspace_id = 7,
                                       to_status_key = 310 } },
      },
    } }
    local state = server:dump()
    local changes = state.spaces[1].workflow_stage_changes
    assert.equal(31, changes[1].user_id)
    assert.equal(32, changes[2].user_id)
    assert.equal(41, state.kantata.workspace_status_changes[1].user_id)
  end)

  it("may have a default workflow in each space", function()
    local spaces = {}
    for i, id in ipairs { 607, 606, 608 } do
      spaces[i] = { id = id, workflows = { { name = "A",
                                             is_default = true } } }
    end
    server = http.start { seed = { spaces = spaces } }
    assert.equal(3, #server:dump().spaces)
  end)

  it("gives out no colour that is taken, so that its dump loads", function()
    local plain = { { name = "A" }, { name = "B", color = "" } }
    server = http.start { seed = { spaces = { { workflows = {
      { name = "Plain", stages = plain } } } } } }
    local stages = server:dump().spaces[1].workflows[1].stages
    assert.are_not.equal(stages[1].color, stages[2].color)
    assert.are_not.equal("", stages[2].color)
    plain[3] = { name = "C", color = stages[1].color }
    plain[4] = { name = "D", color = stages[2].color }
    assert.is_true(server:load { spaces = { { workflows = {
      { name = "Plain", stages = plain } } } } })
    local colors, count = {}, 0
    for _, stage in ipairs(server:dump().spaces[1].workflows[1].stages) do
      count = count + (colors[stage.color] and 0 or 1)
      colors[stage.color] = stage.name
    end
    assert.equal(4, count)
    assert.equal("C", colors[plain[3].color])
    assert.is_true(server:load(server:dump()))
  end)

  it("is read from a file, as counts are", function()
    server = http.start()
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    file:write(http.encode(by_hand()))
    file:close()
    local other = http.start { seed = path }
    assert.equal("Ours", other:dump().spaces[1].name)
    other:stop()
    file = assert(io.open(path, "w"))
    file:write '{"stories":7}'
    file:close()
    other = http.start { seed = path }
    assert.equal(7, #other:dump().spaces[1].stories)
    other:stop()
    file = assert(io.open(path, "w"))
    file:write '{"stories":'
    file:close()
    local none, err = sandbox.start { seed = path }
    assert.is_nil(none)
    assert.truthy(err:find(path, 1, true))
    os.remove(path)
    none, err = sandbox.start { seed = path }
    assert.is_nil(none)
    assert.truthy(err:find "No such file")
  end)
end)

describe("a seed", function()
  it("spreads stories over stages and folders, always the same", function()
    local server = http.start { seed = { stories = 120, unstaged = 5 } }
    local space = http.client(server)
    local ids = http.stages(server, "Article")
    for _, id in pairs(ids) do
      local list = "/stories?in_workflow_stages=" .. id
      assert.equal("30", space:get(list).headers.total)
      for _, folder in ipairs { "legal/", "blog/", "news/" } do
        assert.equal("10", space:get(list .. "&starts_with=" .. folder)
                           .headers.total)
      end
    end
    assert.equal("5", space:get("/stories?has_workflow_stages=0")
                      .headers.total)
    local other = http.start { seed = { stories = 120, unstaged = 5 } }
    assert.same(server:dump(), other:dump())
    server:stop()
    other:stop()
  end)

  it("makes the demo space with its transitions", function()
    local server = http.start { seed = { stages = 5 } }
    local space = server:dump().spaces[1]
    assert.equal("Drafting,Review,Old review,Ready,Stage 5",
                 http.names(space.workflows[2].stages))
    local ids = http.stages(server, "Article")
    assert.same({ ids.Review, ids["Old review"] },
                space.workflows[2].stages[1].workflow_stage_ids)
    assert.is_true(space.workflows[2].stages[3].allow_all_stages)
    assert.is_true(space.workflows[2].stages[4].allow_publish)
    assert.is_true(space.workflows[1].is_default)
    assert.same({}, space.stories)
    server:stop()
  end)

  it("is an empty space with false", function()
    local server = http.start { seed = false }
    local dump = server:dump()
    assert.equal(1, #dump.spaces)
    assert.same({}, dump.spaces[1].workflows)
    assert.same({}, dump.kantata.workspaces)
    server:stop()
  end)

  it("holds a hundred thousand stories", function()
    local server = http.start { seed = { stories = 100000 }, log = false }
    local space = http.client(server)
    local stages = space:get("/workflow_stages?search=review").json
    local answer = space:get(("/stories?per_page=100&page=251&" ..
      "in_workflow_stages=%d"):format(stages.workflow_stages[2].id))
    assert.equal("25000", answer.headers.total)
    assert.equal('{"stories":[]}', answer.text)
    answer = space:get "/stories?per_page=100&page=1000"
    assert.equal("100000", answer.headers.total)
    assert.equal(100, #answer.json.stories)
    server:stop()
  end)

  it("is refused when it is wrong", function()
    for expected, seed in pairs {
      ["unknown seed 'storys', did you mean 'stories'?"] = { storys = 1 },
      ["seed 'stories' must be an integer"] = { stories = "5" },
      ["seed 'stories' must not be negative"] = { stories = -5 },
      ["seed 'stages' must be 1 to 64"] = { stages = 65 },
      ["seed 'space_id' 4000000 is in no region's range"] =
        { space_id = 4000000 },
      ["seed 'space_id' 1407374883553280 is in no region's range"] =
        { space_id = 1407374883553280 },
      ["the space's id 281474976710655 is in no region's range"] =
        { spaces = { { id = 606 }, { id = 281474976710655 } } },
    } do
      local server, err = sandbox.start { seed = seed }
      assert.is_nil(server)
      assert.equal("sandbox: " .. expected, err)
    end
  end)
end)

describe("a database file", function()
  it("keeps the state until a seed replaces it", function()
    local path = os.tmpname()
    local server = http.start { database = path, seed = { stories = 3 } }
    local dump = server:dump()
    server:stop()
    server = http.start { database = path }
    assert.same(dump, server:dump())
    server:stop()
    server = http.start { database = path, seed = { stories = 4 } }
    assert.equal(4, #server:dump().spaces[1].stories)
    server:stop()
    os.remove(path)
  end)
end)
