-- A POST with an unknown outcome is reconciled by reading.
local service = require "support.service"
local workstage = require "workstage"

local LOST = { method = "POST", close = "after", count = 1 }
local NEVER_CAME = { method = "POST", close = "before", count = 1 }

local function with(fault, more)
  local copy = {}
  for name, value in pairs(fault) do copy[name] = value end
  for name, value in pairs(more) do copy[name] = value end
  return { copy }
end

local server, ids, space, ox, events, first_posts

local function note(event) events[#events + 1] = event end

local function reconciled()
  local results = {}
  for _, event in ipairs(events) do
    if event.type == "reconciled" then results[#results + 1] = event.result end
  end
  return table.concat(results, " ")
end

-- Clients that have had one response to a change each, from which they know the
-- service's clock.
local function open(options)
  options = options or {}
  local on_event, is_open = options.on_event or note, false
  function options.on_event(event)
    if is_open then on_event(event) end
  end
  local blok, kantata = service.storyblok(server, options),
                        service.kantata(server, options)
  assert(blok.changes:create { story_id = ids.stories[#ids.stories],
                               workflow_stage_id = ids.Drafting })
  assert(kantata.changes:create { workspace_id = 3, to_status_key =
    blok and service.count(server, "POST", "status_changes") % 2 == 0 and
    605 or 310 })
  is_open = true
  first_posts = service.count(server, "POST")
  return blok, kantata
end

local function posts() return service.count(server, "POST") - first_posts end

local function stages_named(name)
  local count = 0
  for _, workflow in ipairs(service.space_of(server).workflows) do
    for _, stage in ipairs(workflow.stages) do
      if stage.name == name then count = count + 1 end
    end
  end
  return count
end

local function workflows_named(name)
  local count = 0
  for _, workflow in ipairs(service.space_of(server).workflows) do
    if workflow.name == name then count = count + 1 end
  end
  return count
end

local function iso(seconds)
  return os.date("!%Y-%m-%dT%H:%M:%S.000Z", seconds)
end

-- The ids of the usual seed's users; the first is the token's.
local users

local function fresh(options)
  options = options or {}
  local first = service.start()
  users = first:dump().users
  first:stop()
  options.tokens = {
    [service.TOKEN] = { id = users[1].id },
    ["another-user"] = { id = users[2].id },
  }
  server = service.start(options)
  ids = service.ids(server)
  events = {}
  space, ox = open()
end

-- Adds changes to the server's data, as (story, stage, user, when).
local function plant(changes)
  local state = server:dump()
  local list = state.spaces[1].workflow_stage_changes
  for i, change in ipairs(changes) do
    list[#list + 1] = {
      id = 200000000000000 + i, story_id = change[1],
      workflow_stage_id = change[2], user_id = change[3],
      created_at = iso(change[4]), notify = false,
    }
  end
  assert(server:load(state))
end

before_each(function() fresh() end)
after_each(function() server:stop() end)

local function move(story, stage, opts)
  return space.changes:create({
    story_id = ids.stories[story], workflow_stage_id = ids[stage],
  }, opts)
end

local function moves(story, stage)
  return #service.changes_of(server, ids.stories[story], ids[stage])
end

local CREATES = {
  change = function(opts) return move(1, "Review", opts) end,
  stage = function(opts)
    return space.stages:create({ name = "Legal", color = "#4a90e2",
                                 workflow_id = ids.workflow }, opts)
  end,
  workflow = function(opts)
    return space.workflows:create({ name = "News",
                                    content_types = { "news" } }, opts)
  end,
  duplicate = function(opts)
    return space.workflows:duplicate(ids.workflow, {
      name = "News", content_types = { "news" } }, opts)
  end,
  ["status change"] = function(opts)
    return ox.changes:create({ workspace_id = 2, to_status_key = 605 },
                             opts)
  end,
}

local EFFECTS = {
  change = function() return moves(1, "Review") end,
  stage = function() return stages_named "Legal" end,
  workflow = function() return workflows_named "News" end,
  duplicate = function() return workflows_named "News" end,
  ["status change"] = function()
    local count = 0
    for _, change in ipairs(server:dump().kantata.workspace_status_changes) do
      if change.workspace_id == 2 then count = count + 1 end
    end
    return count
  end,
}

describe("attributes that the caller clears while the request waits", function()
  local function is_found(attributes, create)
    local is_waiting = false
    space, ox = open { on_event = function(event)
      note(event)
      for name in pairs(is_waiting and attributes or {}) do
        attributes[name] = nil
      end
    end }
    assert(space.workflows:list())
    server:inject { LOST }
    is_waiting = true
    assert(create(attributes))
    assert.is_nil(next(attributes))
    assert.equal(1, posts())
    assert.equal("done", reconciled())
  end

  it("are still those of a change", function()
    is_found({ story_id = ids.stories[1], workflow_stage_id = ids.Review },
             function(it) return space.changes:create(it) end)
  end)

  it("are still those of a stage", function()
    is_found({ name = "Legal", color = "#4a90e2", workflow_id = ids.workflow },
             function(it) return space.stages:create(it) end)
  end)

  it("are still those of a status change", function()
    is_found({ workspace_id = 2, to_status_key = 605 },
             function(it) return ox.changes:create(it) end)
  end)
end)

for name, create in pairs(CREATES) do
  describe(name .. " in doubt", function()
    local effects = EFFECTS[name]

    before_each(function() assert(space.workflows:list()) end)

    it("costs nothing if all goes well", function()
      local before = service.count(server)
      assert(create())
      assert.equal(1, service.count(server) - before)
      assert.equal("", reconciled())
    end)

    it("is found if its response was lost", function()
      server:inject { LOST }
      local object = assert(create())
      assert.is_truthy(object.id)
      assert.equal(1, posts())
      assert.equal(1, effects())
      assert.equal("done", reconciled())
    end)

    it("is sent again if it did not arrive", function()
      server:inject { NEVER_CAME }
      assert(create())
      assert.equal(2, posts())
      assert.equal(1, effects())
      assert.equal("not_done", reconciled())
    end)

    it("is found if it becomes visible late", function()
      space, ox = open { settle_time = 0.6 }
      assert(space.workflows:list())
      server:inject(with(LOST, { late = 0.4 }))
      assert(create())
      assert.equal(1, posts())
      assert.equal(0, server:stats().late)
      assert.equal(1, effects())
    end)

    it("is not sent again with retry = false, and reported truthfully",
       function()
      server:inject { NEVER_CAME }
      local _, err = create { retry = false }
      assert.equal("network", err.kind)
      assert.is_false(err.ambiguous)
      assert.equal(1, err.attempts)
      assert.equal(1, posts())
      assert.equal(0, effects())
      server:inject { LOST }
      assert(create { retry = false })
      assert.equal(2, posts())
      assert.equal(1, effects())
    end)

    it("is ambiguous if reading fails too", function()
      server:inject { LOST, { method = "GET", status = 500 } }
      local _, err = create()
      assert.equal("network", err.kind)
      assert.is_true(err.ambiguous)
      assert.matches("may have taken effect", tostring(err), 1, true)
      assert.equal(1, posts())
      assert.equal("unknown", reconciled())
    end)

    it("is ambiguous at the deadline", function()
      space, ox = open { settle_time = 30 }
      assert(space.workflows:list())
      server:inject { NEVER_CAME }
      local began = service.now()
      local _, err = create { deadline = 0.3 }
      assert.is_true(err.ambiguous)
      assert.is_true(service.now() - began < 1)
      assert.equal(1, posts())
    end)

    it("counts all attempts if it fails", function()
      space, ox = open { settle_time = 0.02 }
      assert(space.workflows:list())
      server:inject(with(NEVER_CAME, { count = 10 }))
      local _, err = create()
      assert.equal(4, err.attempts)
      assert.equal(4, posts())
      assert.is_false(err.ambiguous)
      assert.equal(0, effects())
    end)
  end)
end

describe("a create that was sent again, and refused as a duplicate", function()
  local arrive

  -- The first request takes effect after it was searched for, and before the
  -- second one arrives.
  before_each(function()
    local function on_event(event)
      if event.type ~= "reconciled" or not arrive then return end
      local state = server:dump()
      arrive(state)
      arrive = nil
      assert(server:load(state))
    end
    space, ox = open { settle_time = 0.02, on_event = on_event }
    assert(space.workflows:list())
    server:inject { NEVER_CAME }
  end)

  local function stage_arrives(state)
    for _, workflow in ipairs(state.spaces[1].workflows) do
      if workflow.id == ids.workflow then
        table.insert(workflow.stages, { name = "Legal", color = "#4a90e2" })
      end
    end
  end

  local function status_arrives(state)
    local workspace = state.kantata.workspaces[2]
    assert.equal(2, workspace.id)
    table.insert(state.kantata.workspace_status_changes, {
      workspace_id = 2, from_status_key = workspace.status_key,
      to_status_key = 605 })
    workspace.status_key = 605
  end

  it("is found as the one that worked", function()
    arrive = stage_arrives
    local stage = assert(CREATES.stage())
    assert.equal("Legal", stage.name)
    assert.equal(2, posts())
    assert.equal(1, EFFECTS.stage())
  end)

  it("is found as the one that worked, for a status too", function()
    arrive = status_arrives
    assert.equal(605, assert(CREATES["status change"]()).to_status_key)
    assert.equal(2, posts())
    assert.equal(1, EFFECTS["status change"]())
  end)

  it("is ambiguous if it cannot be read", function()
    arrive = function(state)
      stage_arrives(state)
      server:inject { { method = "GET", status = 404 } }
    end
    local _, err = CREATES.stage()
    assert.equal("rejected", err.kind)
    assert.is_true(err.ambiguous)
    assert.equal(2, posts())
    assert.equal(1, EFFECTS.stage())
  end)
end)

describe("a change with an unknown outcome", function()
  it("is found by a later read if the first ones fail", function()
    server:inject { LOST, { method = "GET", html = true, count = 2 } }
    assert(move(1, "Review"))
    assert.equal(1, posts())
    server:inject(with(NEVER_CAME, { count = 1 }))
    server:inject { { method = "GET", html = true, count = 1 } }
    assert(move(2, "Review"))
    assert.equal(3, posts())
  end)

  it("is ambiguous if the last read fails", function()
    server:inject { NEVER_CAME,
                    { method = "GET", html = true, after = 3, count = 1 } }
    local _, err = move(1, "Review")
    assert.is_true(err.ambiguous)
    assert.equal(1, posts())
  end)

  it("is distinguished from an older one to the same stage", function()
    plant { { ids.stories[1], ids.Review, users[1].id, os.time() - 60 } }
    server:inject { NEVER_CAME }
    local change = assert(move(1, "Review"))
    assert.equal(2, posts())
    assert.equal(2, moves(1, "Review"))
    assert.not_equal(200000000000001, change.id)
  end)

  it("is distinguished from the client's own of a moment ago", function()
    local first = assert(move(1, "Review"))
    server:inject { NEVER_CAME }
    local second = assert(move(1, "Review"))
    assert.not_equal(first.id, second.id)
    assert.equal(2, moves(1, "Review"))
    server:inject { LOST }
    local third = assert(move(1, "Review"))
    assert.not_equal(first.id, third.id)
    assert.not_equal(second.id, third.id)
    assert.equal(3, moves(1, "Review"))
    assert.equal(4, posts())
  end)

  it("is found even if somebody moved the story on", function()
    local other = service.storyblok(server, { token = "another-user" })
    local function on_event(event)
      if event.type == "response" and event.kind == "network" then
        assert(other.changes:create {
          story_id = ids.stories[1], workflow_stage_id = ids.Ready })
      end
    end
    space = open { on_event = on_event }
    server:inject { LOST }
    local change = assert(move(1, "Review"))
    assert.equal(ids.Review, change.workflow_stage_id)
    assert.equal(1, moves(1, "Review"))
    assert.equal(1, moves(1, "Ready"))
  end)

  it("is distinguished from another user's to the same stage", function()
    local other = service.storyblok(server, { token = "another-user" })
    local theirs
    local function on_event(event)
      if event.type == "response" and event.kind == "network" then
        theirs = assert(other.changes:create {
          story_id = ids.stories[1], workflow_stage_id = ids.Review })
      end
    end
    space = open { on_event = on_event }
    server:inject { NEVER_CAME }
    local change = assert(move(1, "Review"))
    assert.not_equal(theirs.id, change.id)
    assert.equal(2, moves(1, "Review"))
  end)

  it("is distinguished from another user's if ours is unknown at first",
     function()
    local other = service.storyblok(server, { token = "another-user" })
    local theirs
    local function on_event(event)
      if event.type == "response" and event.kind == "network" then
        theirs = assert(other.changes:create {
          story_id = ids.stories[1], workflow_stage_id = ids.Review })
      end
    end
    space = open { on_event = on_event }
    server:inject { NEVER_CAME,
                    { path = "/users/me", html = true, count = 2 } }
    local change = assert(move(1, "Review"))
    assert.not_equal(theirs.id, change.id)
    assert.equal(2, moves(1, "Review"))
  end)

  it("is found on the last of several pages", function()
    local many = {}
    for i = 1, 230 do
      many[i] = { ids.stories[1], ids.Ready, users[2].id, os.time() + 60 + i }
    end
    plant(many)
    server:inject { LOST }
    assert(move(1, "Review"))
    assert.equal(1, posts())
    assert.equal(1, moves(1, "Review"))
    assert.equal(3, service.count(server, "GET", "changes"))
  end)

  it("is ambiguous if the server's clock is unknown", function()
    space = service.storyblok(server)
    first_posts = service.count(server, "POST")
    server:inject {
      LOST, { method = "GET", headers = { Date = "once upon a time" } } }
    local _, err = move(1, "Review")
    assert.is_true(err.ambiguous)
    assert.equal(1, posts())
    assert.equal(1, moves(1, "Review"))
  end)

  it("needs no clock if no change to that stage is visible", function()
    server:inject {
      NEVER_CAME, { method = "GET", headers = { Date = "long ago" } } }
    assert(move(1, "Review"))
    assert.equal(2, posts())
  end)

  it("is reconciled also inside tasks, many at once", function()
    server:inject(with(LOST, { count = 10 }))
    server:inject(with(NEVER_CAME, { count = 10 }))
    local stories = table.move(ids.stories, 1, 20, 1, {})
    local results, errors = workstage.map(stories, function(story)
      return space.changes:create { story_id = story,
                                    workflow_stage_id = ids.Review }
    end)
    assert.same({}, errors)
    assert.equal(20, #results)
    for i = 1, 20 do assert.equal(1, moves(i, "Review")) end
    assert.equal(30, posts())
  end)

  it("is searched for by what was sent, if its table was reused", function()
      local attributes = { workflow_stage_id = ids.Review }
      server:inject(with(LOST, { count = 10 }))
      local items = { 1, 2, 3, 4, 5, 6, 7, 8 }
      local results, errors = workstage.map(items, function(i)
        attributes.story_id = ids.stories[i]
        return space.changes:create(attributes)
      end)
      assert.same({}, errors)
      for i = 1, 8 do
        local made = service.changes_of(server, ids.stories[i], ids.Review)
        assert.equal(1, #made)
        assert.equal(made[1].id, results[i].id)
      end
      assert.equal(8, posts())
    end)

  it("is ambiguous when its task is cancelled", function()
    space = open { settle_time = 30 }
    server:inject { NEVER_CAME }
    local err
    workstage.run(function(scope)
      local task = scope:spawn(function()
        err = select(2, move(1, "Review"))
      end)
      while posts() < 1 or service.count(server, "GET") < 1 do
        assert(ox.workspaces:get(1))
      end
      task:cancel()
    end)
    assert.is_true(err.ambiguous)
  end)
end)

describe("a stage with an unknown outcome", function()
  it("is distinguished from one that was seen before", function()
    assert(space.stages:create { name = "Legal", color = "#4a90e2",
                                 workflow_id = ids.workflow })
    space = open()
    assert(space.stages:list())
    server:inject { NEVER_CAME }
    local _, err = CREATES.stage()
    assert.equal("rejected", err.kind)
    assert.equal(2, posts())
    assert.is_falsy(err.ambiguous)
  end)

  it("is distinguished from one that the client created", function()
    assert(CREATES.stage())
    server:inject { NEVER_CAME }
    local _, err = CREATES.stage()
    assert.equal("rejected", err.kind)
    assert.equal(1, stages_named "Legal")
  end)

  it("is ambiguous if one with its name has another colour", function()
    local other = service.storyblok(server)
    assert(other.stages:create { name = "Legal", color = "#000001",
                                 workflow_id = ids.workflow })
    server:inject { NEVER_CAME }
    local _, err = CREATES.stage()
    assert.is_true(err.ambiguous)
    assert.matches("other attributes", tostring(err), 1, true)
  end)

  it("is not searched for in other workflows", function()
    local other = service.storyblok(server)
    assert(other.stages:create { name = "Legal", color = "#4a90e2" })
    server:inject { NEVER_CAME }
    local stage = assert(CREATES.stage())
    assert.equal(ids.workflow, stage.workflow_id)
    assert.equal(2, stages_named "Legal")
  end)
end)

describe("a workflow with an unknown outcome", function()
  it("is distinguished from an older one of the same name", function()
    assert(CREATES.workflow())
    space = open()
    assert(space.workflows:list())
    server:inject { NEVER_CAME }
    assert(CREATES.workflow())
    assert.equal(2, workflows_named "News")
    server:inject { LOST }
    assert(CREATES.workflow())
    assert.equal(3, workflows_named "News")
  end)

  it("is ambiguous if that is unknown", function()
    assert(CREATES.workflow())
    space = open()
    server:inject { NEVER_CAME }
    local _, err = CREATES.workflow()
    assert.is_true(err.ambiguous)
    assert.matches("list the workflows first", tostring(err), 1, true)
    space = open()
    assert(space.workflows:list { search = "Article" })
    server:inject { NEVER_CAME }
    _, err = CREATES.workflow()
    assert.is_true(err.ambiguous)
    assert.equal(1, workflows_named "News")
  end)

  it("that appears between two reads is recognized as new", function()
    space = open { settle_time = 0.6 }
    server:inject(with(LOST, { late = 0.3 }))
    assert(CREATES.workflow())
    assert.equal(1, posts())
  end)

  it("is distinguished from one with other content types", function()
    local other = service.storyblok(server)
    assert(other.workflows:create { name = "News",
                                    content_types = { "teaser" } })
    server:inject { NEVER_CAME }
    assert(CREATES.workflow())
    assert.equal(2, workflows_named "News")
  end)
end)

describe("a status change with an unknown outcome", function()
  it("is found even if the project was moved on", function()
    local other = service.kantata(server, { token = "another-user" })
    local function on_event(event)
      if event.type == "response" and event.kind == "network" then
        assert(other.changes:create { workspace_id = 2,
                                      to_status_key = 310 })
      end
    end
    space, ox = open { on_event = on_event }
    server:inject { LOST }
    local change = assert(CREATES["status change"]())
    assert.equal(605, change.to_status_key)
    assert.equal(2, EFFECTS["status change"]())
  end)

  it("has the included objects", function()
    server:inject { LOST }
    local change = assert(ox.changes:create {
      workspace_id = 2, to_status_key = 605, include = { "workspace" } })
    assert.equal(2, change.workspace.id)
    assert.equal(1, posts())
  end)

  it("is ambiguous if the project already had the status", function()
    server:inject { NEVER_CAME }
    local _, err = ox.changes:create { workspace_id = 1,
                                       to_status_key = 310 }
    assert.is_true(err.ambiguous)
    assert.equal(1, posts())
  end)
end)
