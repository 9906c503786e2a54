-- Which change is the effect of a POST whose response was lost, where clocks
-- disagree, others move the same items, and dates are missing.
local reconcile = require "workstage.reconcile"
local service = require "support.service"
local workstage = require "workstage"

local LOST = { method = "POST", close = "after", count = 1 }
local NEVER_CAME = { method = "POST", close = "before", count = 1 }

local server, space, ids, users

local function iso(seconds)
  return os.date("!%Y-%m-%dT%H:%M:%S.000Z", seconds)
end

-- The options of a sandbox with a token for a second user, and by default with
-- dates of stages.
local function with_users(options)
  options.story_stage = options.story_stage or "change"
  local first = service.start()
  users = first:dump().users
  first:stop()
  options.tokens = { [service.TOKEN] = { id = users[1].id },
                     ["another-user"] = { id = users[2].id } }
  return options
end

local function start(options)
  server = service.start(with_users(options or {}))
  ids = service.ids(server)
  space = service.storyblok(server)
end

after_each(function()
  space:close()
  server:stop()
end)

-- Adds changes to the server's data, each { story, stage, seconds ago, user }.
-- The last change of a story is the newest, and sets its stage.
local function plant(...)
  local state = server:dump()
  local list = state.spaces[1].workflow_stage_changes
  for i, change in ipairs { ... } do
    local story, stage, ago, user = table.unpack(change)
    local created_at = iso(os.time() - ago)
    list[#list + 1] = {
      id = 900000000000000 - i, story_id = ids.stories[story],
      workflow_stage_id = ids[stage], created_at = created_at,
      user_id = (user or users[1]).id, notify = false,
    }
    state.spaces[1].stories[story].stage = {
      workflow_stage_id = ids[stage], created_at = created_at }
  end
  assert(server:load(state))
end

-- From now on the Date of each response is wrong by that many seconds.
local function date_off(seconds, ...)
  local date = os.date("!%a, %d %b %Y %H:%M:%S GMT", os.time() + seconds)
  local faults = { ... }
  faults[#faults + 1] = { headers = { Date = date } }
  server:inject(false)
  assert(server:inject(faults))
end

local function move(story, stage, opts)
  return space.changes:create({ story_id = ids.stories[story],
                                workflow_stage_id = ids[stage] }, opts)
end

local function read(story)
  return assert(space.stories:get(ids.stories[story]))
end

local function moves(story, stage)
  return #service.changes_of(server, ids.stories[story], ids[stage])
end

local function posts() return service.count(server, "POST") end

local function assert_ambiguous(change, err)
  assert.is_nil(change)
  assert.is_true(err.ambiguous, tostring(err))
end

for _, offset in ipairs { -7200, -120, -2, 2, 120, 7200 } do
  describe(("a Date that is %d s off"):format(offset), function()
    before_each(function() start { seed = { stories = 40 } } end)

    it("doubles no change of a story that was read before", function()
      local story = read(1)
      date_off(offset, LOST)
      local change = assert(move(1, "Review"))
      assert.equal(ids.Review, change.workflow_stage_id)
      assert.not_equal(story.stage.workflow_stage_id, ids.Review)
      assert.equal(1, posts())
      assert.equal(1, moves(1, "Review"))
    end)

    it("loses none to an older change that was read", function()
      plant({ 1, "Review", 60 }, { 1, "Drafting", 30, users[2] })
      read(1)
      date_off(offset, NEVER_CAME)
      assert(move(1, "Review"))
      assert.equal(2, posts())
      assert.equal(2, moves(1, "Review"))
    end)

    it("leaves the outcome unknown if the story was not read", function()
      date_off(offset, LOST)
      assert_ambiguous(move(1, "Review"))
      assert.equal(1, posts())
      plant({ 2, "Review", 60 })
      date_off(offset, NEVER_CAME)
      assert_ambiguous(move(2, "Review"))
      assert.equal(1, moves(2, "Review"))
    end)

    it("does not matter after a change with a response", function()
      assert(move(9, "Review"))
      plant({ 2, "Review", 60 })
      date_off(offset, LOST)
      assert(move(1, "Review"))
      assert.equal(2, posts())
      assert.equal(1, moves(1, "Review"))
      date_off(offset, NEVER_CAME)
      assert(move(2, "Review"))
      assert.equal(2, moves(2, "Review"))
    end)

    it("doubles and loses none of 40 in tasks", function()
      local list = assert(space.stories:list())
      date_off(offset,
               { method = "POST", close = "after", chance = 0.3, seed = 1 },
               { method = "POST", close = "before", chance = 0.2, seed = 2 })
      local stories = table.move(list, 1, 40, 1, {})
      local _, failures = workstage.map(stories, function(story)
        return space.changes:create { story_id = story.id,
                                      workflow_stage_id = ids.Review }
      end)
      assert.same({}, failures)
      for i = 1, 40 do
        assert.equal(1, #service.changes_of(server, stories[i].id))
      end
    end)
  end)
end

describe("the change of a story", function()
  it("is unknown within 4 seconds of the last move", function()
    start()
    plant({ 1, "Review", 5 }, { 1, "Drafting", 3, users[2] })
    read(1)
    server:inject { NEVER_CAME }
    assert_ambiguous(move(1, "Review"))
    assert.equal(1, posts())
  end)

  it("is unknown if two match", function()
    start()
    read(1)
    local second = service.storyblok(server)
    local space_of_first = space
    space = service.storyblok(server, { on_event = function(event)
      if event.type == "response" and event.kind == "network" then
        assert(second.changes:create {
          story_id = ids.stories[1], workflow_stage_id = ids.Review })
      end
    end })
    space_of_first:close()
    read(1)
    server:inject { LOST }
    local change, err = move(1, "Review")
    assert_ambiguous(change, err)
    assert.truthy(tostring(err):find("2 changes match", 1, true))
    second:close()
  end)

  it("is sent again even if ids have no order", function()
    start()
    plant({ 1, "Review", 60 }, { 1, "Drafting", 30 })
    local story = read(1)
    server:inject { NEVER_CAME }
    local change = assert(move(1, "Review"))
    assert.is_true(change.id < 899999999999999)
    assert.equal(story.id, ids.stories[1])
    assert.equal(2, moves(1, "Review"))
  end)

  it("in a release is unknown if none is visible, else found", function()
    start()
    read(1)
    local release = assert(space.releases:list())[1].id
    local function move_in_release()
      return space.changes:create {
        story_id = ids.stories[1], workflow_stage_id = ids.Review,
        release_id = release }
    end
    server:inject { NEVER_CAME }
    assert_ambiguous(move_in_release())
    assert.equal(1, posts())
    read(1)
    server:inject { LOST }
    assert(move_in_release())
    assert.equal(2, posts())
  end)

  it("is recognized by the stage alone if stories have no dates", function()
    start { story_stage = "names" }
    plant({ 1, "Review", 7200 }, { 1, "Drafting", 3600 },
          { 2, "Drafting", 30 })
    assert.is_nil(read(1).stage.created_at)
    assert.is_nil(read(2).stage.created_at)
    server:inject { NEVER_CAME }
    assert(move(1, "Review"))
    assert.equal(2, posts())
    assert.equal(2, moves(1, "Review"))
    space:close()
    space = service.storyblok(server)
    read(2)
    server:inject { LOST }
    assert(move(2, "Review"))
    assert.equal(3, posts())
    assert.equal(1, moves(2, "Review"))
  end)

  it("is not confused with another request of the client", function()
    start()
    read(1)
    server:inject { LOST, { method = "POST", delay = 0.3, count = 1 } }
    local made, refused = {}, {}
    workstage.run(function(scope)
      for _ = 1, 2 do
        scope:spawn(function()
          local change, err = move(1, "Review")
          table.insert(change and made or refused, change or err)
        end)
      end
    end)
    -- each has its own change, or is ambiguous
    for _, err in ipairs(refused) do assert.is_true(err.ambiguous) end
    if #made == 2 then assert.not_equal(made[1].id, made[2].id) end
    assert.is_true(moves(1, "Review") >= #made)
    assert.equal(2, posts())
  end)

  it("is found with what an earlier run had read", function()
    start()
    plant({ 1, "Review", 60 }, { 1, "Drafting", 30 })
    local stage = read(1).stage
    local seen = { stage = stage.workflow_stage_id,
                   created_at = stage.created_at }
    space:close()
    space = service.storyblok(server)
    date_off(-120, LOST)
    assert(move(1, "Review", { seen = seen }))
    assert.equal(1, posts())
    assert.equal(2, moves(1, "Review"))
  end)

  it("is looked up after a crash", function()
    start()
    plant({ 1, "Review", 60 }, { 1, "Drafting", 30 }, { 2, "Drafting", 30 })
    local attributes = { story_id = ids.stories[1],
                         workflow_stage_id = ids.Review }
    local stage = read(1).stage
    local seen = { stage = stage.workflow_stage_id,
                   created_at = stage.created_at }
    local function look(before)
      space:close()
      space = service.storyblok(server)
      return reconcile.lookup(space.changes, attributes, before)
    end
    assert.equal("not_done", (look(seen)))
    assert.equal("unknown", (look()))
    assert(move(1, "Review"))
    local verdict, change = look(seen)
    assert.equal("done", verdict)
    assert.equal(ids.Review, change.workflow_stage_id)
    attributes.story_id = ids.stories[2]
    assert.equal("not_done", (look()))
    server:inject { { method = "GET", status = 404 } }
    local why
    verdict, why = look(seen)
    assert.equal("unknown", verdict)
    assert.equal("not_found", why.kind)
  end)

  it("accepts earlier readings only in the documented form", function()
    start()
    for _, seen in ipairs { 5, { stage = "5" }, { created_at = "yesterday" },
                            { stages = 5 } } do
      local _, err = move(1, "Review", { seen = seen })
      assert.equal("invalid", err.kind)
    end
    assert.equal(0, posts())
  end)
end)

describe("the change of a project", function()
  local ox

  before_each(function()
    start()
    ox = service.kantata(server)
  end)

  after_each(function() ox:close() end)

  local function change_to(key)
    return ox.changes:create { workspace_id = 2, to_status_key = key }
  end

  local function changes_to(key)
    local count = 0
    for _, one in ipairs(server:dump().kantata.workspace_status_changes) do
      if one.workspace_id == 2 and one.to_status_key == key then
        count = count + 1
      end
    end
    return count
  end

  local function plant_change(from, to, ago)
    local state = server:dump()
    local kantata = state.kantata
    table.insert(kantata.workspace_status_changes, {
      workspace_id = 2, from_status_key = from, to_status_key = to,
      created_at = iso(os.time() - ago), user_id = kantata.users[1].id })
    kantata.workspaces[2].status_key = to
    assert(server:load(state))
  end

  it("is distinguished from an older one", function()
    plant_change(130, 605, 7200)
    plant_change(605, 310, 3600)
    assert(ox.workspaces:get(2))
    date_off(120, NEVER_CAME)
    assert(change_to(605))
    assert.equal(2, posts())
    assert.equal(2, changes_to(605))
  end)

  it("is unknown if the older one may have been undone since", function()
    plant_change(130, 605, 60)
    plant_change(605, 310, 30)
    assert(ox.workspaces:get(2))
    date_off(120, NEVER_CAME)
    assert_ambiguous(change_to(605))
    assert.equal(1, posts())
  end)

  it("is found after its response was lost", function()
    plant_change(130, 310, 30)
    assert(ox.workspaces:list())
    date_off(-120, LOST)
    assert(change_to(605))
    assert.equal(1, posts())
    assert.equal(1, changes_to(605))
  end)

  it("is unknown if nothing was read", function()
    date_off(120, LOST)
    assert_ambiguous(change_to(605))
    assert.equal(1, posts())
  end)
end)
