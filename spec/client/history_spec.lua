-- workstage.history: the changes of an item, and the items in a stage, with
-- the number of requests.
local history = require "workstage.history"
local service = require "support.service"
local time = require "workstage.time"

local server, space, ids

local function start(options)
  server = service.start(options or { seed = { stories = 40 } })
  space = service.storyblok(server)
  ids = service.ids(server)
end

after_each(function() server:stop() end)

local function move(story, stage)
  return assert(space.changes:create { story_id = story,
                                       workflow_stage_id = ids[stage] })
end

-- The number of requests of `fn`.
local function requests_of(fn)
  local before = #server:requests()
  fn()
  return #server:requests() - before
end

local function collect(opts)
  local list = {}
  for item in history.standing(space, opts) do list[#list + 1] = item end
  return list
end

describe("history.of", function()
  it("returns every change: from, to, by whom, how long", function()
    start()
    local story = ids.stories[1]
    local first, second = move(story, "Review"), move(story, "Drafting")
    local at = time.parse(second.created_at)
    local list = assert(history.of(space, story, { now = at + 100 }))
    assert.equal(2, #list)
    assert.equal(first.id, list[1].id)
    assert.equal("Review", list[1].stage)
    assert.equal("Article", list[1].workflow)
    assert.is_nil(list[1].from)
    assert.equal("Review", list[2].from)
    assert.equal("Drafting", list[2].stage)
    assert.equal(ids.Drafting, list[2].stage_id)
    assert.equal(list[2].at - list[1].at, list[1].seconds)
    assert.equal(100, list[2].seconds)
    assert.is_true(list[1].user_id ~= nil)
  end)

  it("adds the names of people", function()
    start { seed = { users = { { id = 4, friendly_name = "Ann",
                                 userid = "ann" } }, spaces = { {
      id = service.SPACE,
      workflows = { { id = 1, name = "Article", is_default = true,
                      stages = { { id = 11, name = "Draft",
                                   color = "#ffffff" } } } },
      collaborators = { { user_id = 4, role = "editor" } },
      stories = { { id = 8, name = "S", full_slug = "s",
                    stage = 11 } } } } },
      tokens = { [service.TOKEN] = { id = 4, userid = "ann",
                                     friendly_name = "Ann",
                                     role = "admin" } } }
    assert(space.changes:create { story_id = 8, workflow_stage_id = 11 })
    assert.equal("Ann", history.of(space, 8)[1].user)
  end)

  it("omits names if the token may not read people", function()
    start()
    move(ids.stories[1], "Review")
    assert(server:inject { { path = "/collaborators", status = 403 } })
    local names = assert(history.names(space))
    assert.equal("forbidden", names.users_error.kind)
    local list = assert(history.of(space, ids.stories[1], { names = names }))
    assert.is_nil(list[1].user)
    assert.equal("Review", list[1].stage)
  end)

  it("returns the error of a request", function()
    start()
    assert(server:inject { { path = "/workflow_stage_changes",
                             status = 403 } })
    local list, err = history.of(space, ids.stories[1])
    assert.is_nil(list)
    assert.equal("forbidden", err.kind)
  end)

  it("raises for a value that is not a client", function()
    start()
    assert.error_matches(function() history.of({}, 1) end,
                         "history.of: expected a client, got table")
    local good, why = pcall(function() history.off() end)
    assert.is_false(good)
    assert.matches("did you mean 'of'?", why, 1, true)
  end)

  it("puts changes of one moment in the order of the list", function()
    start()
    local state = server:dump()
    for i, stage in ipairs { "Review", "Ready", "Drafting" } do
      table.insert(state.spaces[1].workflow_stage_changes, {
        id = 900000000000000 - i, story_id = ids.stories[1],
        workflow_stage_id = ids[stage], user_id = state.users[1].id,
        created_at = "2026-11-01T10:00:00.000Z" })
    end
    assert(server:load(state))
    local listed = {}
    for i, change in ipairs(assert(space.changes:list {
        with_story = ids.stories[1] })) do
      listed[i] = change.workflow_stage_id
    end
    for i, change in ipairs(assert(history.of(space, ids.stories[1]))) do
      assert.equal(listed[#listed + 1 - i], change.stage_id)
    end
  end)

  it("puts them in the order of a list that has the oldest first", function()
    start { seed = { stories = 1 }, changes_order = "oldest" }
    local state = server:dump()
    local at = { Review = "2026-11-01T10:00:00.000Z",
                 Ready = "2026-11-02T10:00:00.000Z" }
    at.Drafting = at.Ready
    for i, stage in ipairs { "Review", "Ready", "Drafting" } do
      table.insert(state.spaces[1].workflow_stage_changes, {
        id = 900000000000000 + i, story_id = ids.stories[1],
        workflow_stage_id = ids[stage], user_id = state.users[1].id,
        created_at = at[stage] })
    end
    assert(server:load(state))
    local stages = {}
    for i, change in ipairs(assert(history.of(space, ids.stories[1]))) do
      stages[i] = change.stage
    end
    assert.same({ "Review", "Ready", "Drafting" }, stages)
  end)
end)

describe("history.standing", function()
  it("needs one request for 85 stories besides those for names", function()
    start { seed = { stories = 2000 } }
    local names = assert(history.names(space))
    local list
    local count = requests_of(function()
      list = collect { workflow = "Article", names = names }
    end)
    assert.equal(2000, #list)
    assert.is_true(count <= 24, count)
    assert.is_true(count <= history.cost(space, { workflow = "Article",
                                                  names = names }))
    for _, item in ipairs(list) do
      assert.equal("Article", item.workflow)
      assert.is_true(item.age > 0 and item.since > 0)
    end
  end)

  it("reports its cost if the list has no dates", function()
    start { seed = { stories = 40 }, story_stage = "names" }
    local names = assert(history.names(space))
    move(ids.stories[1], "Review")
    local cost, total = history.cost(space, { workflow = "Article",
                                              names = names })
    assert.equal(40, total)
    local list
    local count = requests_of(function()
      list = collect { workflow = "Article", names = names }
    end)
    assert.equal(40, #list)
    assert.is_true(count > 40 and count <= cost, count)
    for _, item in ipairs(list) do
      if item.id == ids.stories[1] then
        assert.is_true(item.age < 60)
      end
    end
  end)

  it("returns who moved each item that is old enough, with a request each",
     function()
    start()
    local names = assert(history.names(space))
    move(ids.stories[1], "Review")
    local stories = assert(space.stories:list {
      in_workflow_stages = { ids.Review } })
    local list
    local count = requests_of(function()
      list = collect { stage = "Review", workflow = "Article", who = true,
                       older_than = 3600, names = names }
    end)
    assert.equal(#stories - 1, #list)
    assert.equal(1 + #list, count)
    local cost, total = history.cost(space, {
      stage = "Review", workflow = "Article", who = true, names = names })
    assert.equal(#stories, total)
    assert.is_true(cost >= count)
  end)

  it("omits items that have not been there long enough", function()
    start()
    local now = os.time() + 1000
    move(ids.stories[1], "Review")
    local function has(older_than)
      for _, item in ipairs(collect { stage = "Review",
                                      workflow = "Article", now = now,
                                      older_than = older_than }) do
        if item.id == ids.stories[1] then return item end
      end
    end
    local item = has(500)
    assert.is_true(item.age >= 990 and item.age <= 1010, item.age)
    assert.is_nil(has(2000))
  end)

  it("suggests a name if a workflow or a stage is unknown", function()
    start()
    for opts, said in pairs {
      [{ workflow = "Artikel" }] = 'workflow "Artikel". Did you mean "Article"',
      [{ workflow = "Nothing" }] = 'There are: "Article", "Default"',
      [{ workflow = "Article", stage = "Revue" }] = 'mean "Review"?',
      [{ workflow = "Article", stage = "Nothing" }] =
        'no stage "Nothing". There are: "Drafting", "Review", ',
    } do
      local good, err = pcall(history.standing, space, opts)
      assert.is_false(good)
      assert.truthy(tostring(err):find(said, 1, true), tostring(err))
    end
  end)

  it("raises the error of a page, and never ends early without one", function()
    start { seed = { stories = 400 } }
    local names = assert(history.names(space))
    assert(server:inject { { path = "/stories", after = 2, status = 403 } })
    local good, err = pcall(collect, { workflow = "Article",
                                       names = names })
    assert.is_false(good)
    assert.equal("forbidden", err.kind)
  end)

  it("refuses unknown options", function()
    start()
    local good, err = pcall(history.standing, space, { stages = "Review" })
    assert.is_false(good)
    assert.truthy(tostring(err):find("unknown option 'stages'", 1, true))
  end)
end)

describe("for Kantata", function()
  local account

  before_each(function()
    start()
    account = service.kantata(server)
  end)

  it("history.of returns the changes of a project's status", function()
    assert(account.changes:create { workspace_id = 1, to_status_key = 605 })
    local list = assert(history.of(account, 1))
    local last = list[#list]
    assert.equal("Completed", last.stage)
    assert.equal("In Progress", last.from)
    assert.equal("Demo User", last.user)
    assert.is_true(last.seconds >= 0)
  end)

  it("history.standing reads the changes of each project", function()
    local list = {}
    local count = requests_of(function()
      for item in history.standing(account, { status = 310 }) do
        list[#list + 1] = item
      end
    end)
    assert.is_true(#list >= 1)
    for _, item in ipairs(list) do assert.equal(310, item.stage_id) end
    assert.equal(1 + #list, count)
    assert.equal(6, (history.cost(account, {})))
  end)
end)
