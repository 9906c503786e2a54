-- `each` yields each item that matched when it started exactly once, whatever
-- the loop or anyone else does to the list.
local clients = require "support.clients"
local failed, has = clients.failed, clients.has

local function filtered(unstaged)
  local server, space = clients.sandbox {
    seed = { stories = 920, unstaged = unstaged or 0 } }
  local article = assert(space.workflows:find "Article")
  local stages = {}
  for _, stage in ipairs(assert(space.stages:list {
    in_workflow = article.id })) do
    stages[stage.name] = stage.id
  end
  return server, space, stages
end

describe("each", function()
  local server, space, stages

  before_each(function() server, space, stages = filtered() end)

  after_each(function()
    space:close()
    server:stop()
  end)

  local function move(story, stage, through)
    assert((through or space).changes:create {
      story_id = story, workflow_stage_id = stages[stage] })
  end

  local function ids_in(stage)
    local ids, count = {}, 0
    for _, story in ipairs(assert(space.stories:list {
      in_workflow_stages = { stages[stage] } })) do
      ids[story.id] = true
      count = count + 1
    end
    return ids, count
  end

  local function in_old(per_page)
    return { in_workflow_stages = { stages["Old review"] },
             per_page = per_page }
  end

  -- Runs a loop over "Old review", 25 a page, and asserts that each item that
  -- was there at first was yielded exactly once.
  local function sweep(body)
    local there, count = ids_in "Old review"
    assert.equal(230, count)
    local seen, n = {}, 0
    for story in space.stories:each(in_old(25)) do
      assert.is_nil(seen[story.id], "came twice")
      seen[story.id] = true
      n = n + 1
      assert.is_true(n <= 400, "does not end")
      body(story, n, there)
    end
    return there, seen
  end

  it("moves 230 stories out of the filter, 25 a page", function()
    local before = select(2, ids_in "Review")
    local there, seen = sweep(function(story)
      move(story.id, "Review")
    end)
    assert.same(there, seen)
    assert.equal(0, select(2, ids_in "Old review"))
    assert.equal(before + 230, select(2, ids_in "Review"))
    assert.equal(230, server:stats().effects.workflow_stage_changes)
  end)

  it("moves them one page at a time too", function()
    for _, per_page in ipairs { 1, 100 } do
      local there = ids_in "Old review"
      local seen = {}
      for story in space.stories:each(in_old(per_page)) do
        seen[story.id] = true
        move(story.id, "Ready")
      end
      assert.same(there, seen)
      for id in pairs(there) do move(id, "Drafting") end
      -- moves them from Ready to Drafting, and back
      for id in pairs(there) do move(id, "Old review") end
    end
  end)

  it("moves them while the loop adds and removes others", function()
    local drafts = {}
    for id in pairs(ids_in "Drafting") do drafts[#drafts + 1] = id end
    local there, seen = sweep(function(story, n)
      move(story.id, "Review")
      if n % 3 == 0 then move(drafts[n // 3], "Old review") end
      if n % 7 == 0 then move(drafts[n // 7], "Review") end
    end)
    for id in pairs(there) do assert.is_true(seen[id], "was left out") end
  end)

  it("moves them while another client adds and removes others", function()
    local other = clients.space(server.url)
    local drafts = {}
    for id in pairs(ids_in "Drafting") do drafts[#drafts + 1] = id end
    local gone, skipped = {}, 0
    local there, seen = sweep(function(story, n, all)
      if not gone[story.id] then move(story.id, "Review") end
      if n % 2 == 0 and drafts[n // 2] then
        move(drafts[n // 2], "Old review", other)
      end
      if n % 10 == 0 then
        -- another client moves an item that was not yielded yet
        for id in pairs(all) do
          if not gone[id] and id ~= story.id then
            gone[id] = true
            move(id, "Review", other)
            skipped = skipped + 1
            break
          end
        end
      end
    end)
    other:close()
    assert.is_true(skipped > 10)
    for id in pairs(there) do assert.is_true(seen[id], "was left out") end
    local left = ids_in "Old review"
    for id in pairs(there) do
      assert.is_nil(left[id], "was not moved")
    end
  end)

  it("omits only items that were deleted", function()
    local deleted = {}
    local there, seen = sweep(function(story, n, all)
      if not deleted[story.id] then move(story.id, "Review") end
      if n == 30 then
        local count = 0
        for id in pairs(all) do
          if count < 40 then
            assert(space:request("DELETE", ("/v1/spaces/%d/stories/%d")
                                 :format(space.space_id, id)))
            deleted[id] = true
            count = count + 1
          end
        end
      elseif n > 100 then
        assert.is_nil(deleted[story.id])
      end
    end)
    for id in pairs(there) do
      assert.is_true(seen[id] or deleted[id], "was left out")
    end
  end)

  it("yields objects as of their turn", function()
    local n, changed = 0, nil
    for story in space.stories:each(in_old(25)) do
      n = n + 1
      if n == 1 then
        local all = assert(space.stories:list(in_old(100)))
        changed = all[#all].id
        assert(space:request("PUT", ("/v1/spaces/%d/stories/%d")
                             :format(space.space_id, changed),
                             { body = { story = { name = "Fresh" } } }))
      end
      if story.id == changed then assert.equal("Fresh", story.name) end
    end
    assert.equal(230, n)
  end)

  it("needs few requests more than there are pages", function()
    local before = #server:requests()
    local n = 0
    for _ in space.stories:each(in_old(100)) do n = n + 1 end
    assert.equal(230, n)
    -- 3 pages of ids, and the third again as objects
    assert.is_true(#server:requests() - before <= 4,
                   #server:requests() - before .. " requests")
    before = #server:requests()
    n = 0
    for _ in space.stories:each { by_ids = { 1 } } do n = n + 1 end
    assert.equal(0, n)
    assert.equal(1, #server:requests() - before)
  end)

  it("sends nothing before the first turn, nor after a break", function()
    local before = #server:requests()
    local next_story = space.stories:each(in_old(25))
    assert.equal(before, #server:requests())
    assert(next_story())
    local after = #server:requests()
    assert.is_true(after > before)
    assert(space.stories:each(in_old(25))())
    collectgarbage()
    assert.equal(after + (after - before), #server:requests())
  end)

  it("ignores changes of its filter, and does not change it", function()
    local filter = in_old(25)
    local n = 0
    for _ in space.stories:each(filter) do
      n = n + 1
      filter.in_workflow_stages[1] = stages.Ready
      filter.per_page = 3
      filter.starts_with = "legal/"
    end
    assert.equal(230, n)
    filter = in_old(7)
    assert(space.stories:each(filter)())
    assert.same(in_old(7), filter)
  end)

  it("can run twice at once, and nested", function()
    local a = space.stories:each(in_old(50))
    local b = space.stories:each(in_old(30))
    local n = 0
    while true do
      local x, y = a(), b()
      if not x then
        assert.is_nil(y)
        break
      end
      assert.equal(x.id, y.id)
      n = n + 1
    end
    assert.equal(230, n)
    n = 0
    for _ in space.stories:each { per_page = 100 } do
      for _ in space.stories:each { by_ids = { 1 } } do n = n + 1 end
      n = n + 1
      if n == 3 then break end
    end
    assert.equal(3, n)
  end)

  it("uses the same options for all its requests", function()
    local before = #server:requests()
    local n = 0
    for _ in space.stories:each { per_page = 25, starts_with = "legal/",
                                  with_summary = true } do
      n = n + 1
    end
    assert.is_true(n > 200)
    local by_ids = 0
    for i, request in ipairs(server:requests()) do
      if i > before then
        has(request.query, "with_summary=true")
        if request.query:find("by_ids", 1, true) then
          assert.is_nil(request.query:find("starts_with", 1, true))
          by_ids = by_ids + 1
        end
      end
    end
    assert.is_true(by_ids > 0)
  end)

  it("stays at its end", function()
    local next_story = space.stories:each(in_old(100))
    while next_story() do end
    assert.is_nil(next_story())
    assert.is_nil(next_story())
  end)

  it("raises errors, and never ends early without one", function()
    assert(server:inject { { method = "GET", path = "/stories", after = 2,
                             status = 403 } })
    local n = 0
    local good, err = pcall(function()
      for _ in space.stories:each(in_old(25)) do n = n + 1 end
    end)
    assert.is_false(good)
    assert.equal(403, failed("forbidden", nil, err).status)
    assert.is_true(n < 230)
    server:inject(false)
    good, err = pcall(function()
      for _ in space.stories:each { start_with = "x" } do n = n + 1 end
    end)
    assert.is_false(good)
    has(failed("invalid", nil, err), "starts_with")
    good, err = pcall(function()
      for _ in space.stories:each({}, { timout = 5 }) do n = n + 1 end
    end)
    assert.is_false(good)
    has(failed("invalid", nil, err), "timeout")
    space:close()
    good, err = pcall(function()
      for _ in space.stories:each() do n = n + 1 end
    end)
    assert.is_false(good)
    has(err, "closed")
  end)

  it("raises the error of a page in the middle of the loop", function()
    local n = 0
    local good, err = pcall(function()
      for _ in space.stories:each(in_old(25)) do
        n = n + 1
        if n == 30 then
          assert(server:inject { { method = "GET", path = "/stories",
                                   status = 404 } })
        end
      end
    end)
    assert.is_false(good)
    assert.equal(404, failed("not_found", nil, err).status)
    assert.is_true(n >= 30 and n < 230)
  end)

  it("returns the same as list and page if nothing changes", function()
    local by_each = {}
    for story in space.stories:each { starts_with = "legal/" } do
      by_each[#by_each + 1] = story.id
    end
    local by_list = {}
    for i, story in ipairs(assert(space.stories:list {
      starts_with = "legal/" })) do
      by_list[i] = story.id
    end
    table.sort(by_each)
    table.sort(by_list)
    assert.same(by_list, by_each)
  end)
end)

describe("each over many", function()
  it("keeps a page or two and ids, not all objects", function()
    local server = clients.sandbox { seed = { stories = 6000 } }
    local space = clients.space(server.url)
    local n, most = 0, 0
    collectgarbage()
    collectgarbage()
    local before = collectgarbage "count"
    for _ in space.stories:each { per_page = 100 } do
      n = n + 1
      if n % 500 == 1 then
        collectgarbage()
        most = math.max(most, collectgarbage "count" - before)
      end
    end
    assert.equal(6000, n)
    collectgarbage()
    local list = assert(space.stories:list())
    collectgarbage()
    local all = collectgarbage "count" - before
    assert.equal(6000, #list)
    assert.is_true(most < all / 8, ("%.0f of %.0f KiB"):format(most, all))
    space:close()
    server:stop()
  end)
end)

describe("list", function()
  it("has each remaining item once while others come and go", function()
    local server, space = clients.sandbox { seed = { stories = 300 } }
    local other = clients.space(server.url)
    local all = assert(space.stories:list())
    assert.equal(300, #all)
    -- after each page, another client removes one of the first items
    local loop = require "workstage".loop
    local taken, n = {}, 0
    local watched = clients.space(server.url, { on_event = function(event)
      if event.type == "response" and n < 5 then
        n = n + 1
        taken[all[n].id] = true
        loop:spawn(function()
          other:request("DELETE", ("/v1/spaces/%d/stories/%d")
                        :format(space.space_id, all[n].id))
        end)
      end
    end })
    local seen = {}
    for _, story in ipairs(assert(watched.stories:list {
      per_page = 20 })) do
      assert.is_nil(seen[story.id], "came twice")
      seen[story.id] = true
    end
    for _, story in ipairs(all) do
      assert.is_true(seen[story.id] or taken[story.id], "was left out")
    end
    watched:close()
    other:close()
    space:close()
    server:stop()
  end)
end)
