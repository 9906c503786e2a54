-- workstage.map: many items concurrently.
local service = require "support.service"
local workstage = require "workstage"

local server, ids, space

before_each(function()
  server = service.start { latency = 0.01 }
  ids = service.ids(server)
  space = service.storyblok(server)
end)

after_each(function() server:stop() end)

local function get(id) return space.stories:get(id) end

-- The results by index, as text.
local function indexed(results)
  local list = {}
  for index, value in pairs(results) do
    if math.type(index) then list[index] = value end
  end
  return list
end

local function counter(last)
  local at = 0
  return function()
    at = at + 1
    if at <= last then return at end
  end
end

describe("map", function()
  it("keys results and errors by index, and runs at the same time",
     function()
    local items = { ids.stories[1], 4, ids.stories[2], ids.stories[3] }
    local results, errors = workstage.map(items, get)
    assert.equal(ids.stories[1], results[1].id)
    assert.is_nil(results[2])
    assert.equal("not_found", errors[2].kind)
    assert.equal(ids.stories[2], results[3].id)
    assert.equal(ids.stories[3], results[4].id)
    assert.is_nil(errors[1])
    assert.is_true(server:stats().max_in_flight > 1)
  end)

  it("calls fn once with each item and its index", function()
    local seen = {}
    workstage.map(ids.stories, function(id, index)
      assert.is_nil(seen[index])
      seen[index] = id
      return get(id)
    end)
    assert.same(ids.stories, seen)
  end)

  it("runs as many at a time as requested", function()
    local at_once, most = 0, 0
    workstage.map(ids.stories, function(id)
      at_once = at_once + 1
      most = math.max(most, at_once)
      local story, err = get(id)
      at_once = at_once - 1
      return story, err
    end, { concurrency = 3 })
    assert.equal(3, most)
    assert.equal(3, server:stats().max_in_flight)
  end)

  it("treats false as a result, and only nil as none", function()
    local results, errors = workstage.map({ 1, 2, 3 }, function(item)
      if item == 1 then return false end
      if item == 2 then return nil end
      return nil, "no luck"
    end)
    assert.same({ false }, indexed(results))
    assert.equal(3, results.n)
    assert.equal(2, results.done)
    assert.equal(1, results.failed)
    assert.same({ [3] = "no luck" }, errors)
  end)

  it("keeps the error of an item, and continues", function()
    local thrown = { "a table" }
    local results, errors = workstage.map({ 1, 2, 3, 4 }, function(item)
      get(ids.stories[1])
      if item == 1 then error("raised", 0) end
      if item == 2 then error(thrown) end
      if item == 4 then error() end
      return item
    end, { concurrency = 1 })
    assert.equal("raised", errors[1])
    assert.equal(thrown, errors[2])
    assert.equal("an error without a value", errors[4])
    assert.same({ [3] = 3 }, indexed(results))
  end)

  it("takes an iterator", function()
    local results, errors = workstage.map(counter(20), function(item)
      get(ids.stories[1])
      return item * 2
    end)
    assert.equal(20, #results)
    assert.equal(40, results[20])
    assert.same({}, errors)
  end)

  it("takes an iterator that makes requests itself", function()
    local results = workstage.map(space.stories:each(), function(story)
      return space.stories:get(story.id)
    end)
    assert.equal(25, #results)
    local number = 0
    results = workstage.map(function()
      number = number + 1
      local page = assert(space.stories:page { page = number, per_page = 5 })
      return page[1]
    end, function(story) return get(story.id) end)
    assert.equal(5, #results)
  end)

  it("raises the iterator's error, after ending all tasks", function()
    local running = 0
    local good, why = pcall(workstage.map, function()
      if running > 2 then error("the iterator broke", 0) end
      return ids.stories[1]
    end, function(id)
      running = running + 1
      local story <close> = setmetatable({}, { __close = function()
        running = running - 1
      end })
      return get(id), story
    end)
    assert.is_false(good)
    assert.equal("the iterator broke", why)
    assert.equal(0, running)
  end)

  it("leaves nothing behind if an iterator raises during requests", function()
    local asked, begun = 0, 0
    local good, why = pcall(workstage.map, function()
      asked = asked + 1
      local story = assert(get(ids.stories[asked])) -- the others queue here
      if asked == 4 then error("the iterator broke", 0) end
      return story
    end, function(story)
      begun = begun + 1
      return get(story.id)
    end)
    assert.is_false(good)
    assert.equal("the iterator broke", why)
    assert.same({ 4, 3 }, { asked, begun })
    -- and what comes then has all the room
    local results = workstage.map(ids.stories, get)
    assert.equal(25, #results)
    assert.equal(8, server:stats().max_in_flight)
  end)

  it("does nothing for an empty list", function()
    local none = { n = 0, done = 0, failed = 0, failures = {} }
    assert.same({ none, {} }, { workstage.map({}, get) })
    assert.same({ none, {} }, { workstage.map(counter(0), get) })
    assert.same({ none, {} }, { workstage.map(table.pack(), get) })
    assert.same({ none, {} }, { workstage.map(none, get) })
    assert.equal(0, service.count(server))
  end)

  it("nests", function()
    local results = workstage.map({ 1, 2, 3 }, function(outer)
      local inner = workstage.map({ 1, 2, 3 }, function(i)
        return get(ids.stories[outer * 3 + i])
      end)
      return #inner
    end)
    assert.same({ 3, 3, 3 }, indexed(results))
    assert.equal(9, service.count(server))
  end)

  it("counts, and lists what failed in order, with item and error",
     function()
    local results, errors = workstage.map({ 4, ids.stories[1], 5, 6 }, get)
    assert.equal(4, results.n)
    assert.equal(1, results.done)
    assert.equal(3, results.failed)
    assert.equal(3, #results.failures)
    for i, index in ipairs { 1, 3, 4 } do
      local failure = results.failures[i]
      assert.equal(index, failure.index)
      assert.equal(({ 4, 0, 5, 6 })[index], failure.item)
      assert.equal(errors[index], failure.error)
    end
    results = workstage.map({ 1, 2, 3 }, function(item)
      if item == 1 then return nil, { kind = "budget" } end
      return item
    end, { concurrency = 1 })
    assert.equal(3, results.n)
    assert.equal(3, results.failed)
    assert.same({ 1, 2, 3 }, { results.failures[1].item,
                               results.failures[2].item,
                               results.failures[3].item })
  end)

  it("refuses a table that is not an array, with a hint", function()
    local results, err = workstage.map({ a = 1 }, get)
    assert.is_nil(results)
    assert.equal("invalid", err.kind)
    assert.matches('"a"', tostring(err), 1, true)
    assert.matches("pairs", tostring(err), 1, true)
    assert.is_nil((workstage.map({ [7] = 1 }, get)))
    assert.equal(0, service.count(server))
  end)

  it("raises on wrong arguments", function()
    assert.has_error(function() workstage.map(5, get) end)
    assert.has_error(function() workstage.map({}, "get") end)
    assert.has_error(function() workstage.map({}, get, 8) end)
  end)

  it("refuses unknown options", function()
    local function refused(piece, opts)
      local results, err = workstage.map({ 1 }, get, opts)
      assert.is_nil(results)
      assert.equal("invalid", err.kind)
      assert.matches(piece, tostring(err), 1, true)
    end
    refused("unknown option 'concurency', did you mean 'concurrency'?",
            { concurency = 2 })
    refused("concurrency: expected a whole number", { concurrency = 0 })
    refused("stop_on: expected an array", { stop_on = "unauthorized" })
    refused("on_result: expected a function", { on_result = true })
    assert.equal(0, service.count(server))
  end)
end)

describe("map with on_result", function()
  it("passes each result on and keeps none", function()
    local handed = {}
    local results, errors = workstage.map({ ids.stories[1], 4 }, get, {
      on_result = function(index, result, err)
        handed[index] = result and "story" or err.kind
      end,
    })
    assert.same({ "story", "not_found" }, handed)
    assert.same({ n = 2, done = 1, failed = 1, failures = {} }, results)
    assert.same({}, errors)
  end)

  it("passes the item of each result", function()
    local items = {}
    workstage.map({ "a", "b", "c" }, function(item)
      if item == "b" then return nil, "no luck" end
      return 1
    end, { on_result = function(index, _, _, item) items[index] = item end })
    assert.same({ "a", "b", "c" }, items)
  end)

  it("needs no more memory for 20,000 items than for 2,000", function()
    local function peak(count)
      local most, at = 0, 0
      collectgarbage()
      collectgarbage()
      local base = collectgarbage "count"
      workstage.map(counter(count), function(item)
        return { item, ("x"):rep(100) .. item }
      end, { on_result = function()
        at = at + 1
        if at % 500 == 0 then
          collectgarbage()
          most = math.max(most, collectgarbage "count" - base)
        end
      end })
      return most
    end
    peak(1000)
    local few, many = peak(2000), peak(20000)
    assert.is_true(many < few + 64, ("%.0f KiB, %.0f KiB"):format(few, many))
  end)

  it("needs no more memory when each item is a request", function()
    server:stop()
    server = service.start()
    space = service.storyblok(server)
    local at, first, last = 0, nil, nil
    workstage.map(counter(6000), function() return space:whoami() end, {
      on_result = function(_, result, err)
        assert(result, err)
        at = at + 1
        -- tables of Lua's own have grown by then
        if at == 3000 or at == 6000 then
          collectgarbage()
          first, last = first or collectgarbage "count",
                        collectgarbage "count"
        end
      end })
    assert.equal(6000, at)
    assert.is_true(last < first + 100, last - first)
  end)

  it("raises the error of on_result, and ends the rest", function()
    local good, why = pcall(workstage.map, ids.stories, get, {
      on_result = function(index)
        if index == 3 then error("enough", 0) end
      end,
    })
    assert.is_false(good)
    assert.equal("enough", why)
    assert.is_true(service.count(server) < 25)
  end)
end)

describe("map stops", function()
  it("on a 401: the remaining items are not started", function()
    server:inject { { path = "/stories", status = 401, after = 4 } }
    local results, errors = workstage.map(ids.stories, get,
                                          { concurrency = 2 })
    assert.equal(4, #results)
    assert.is_true(service.count(server) <= 6)
    local cancelled = 0
    for i = 5, 25 do
      local kind = errors[i].kind
      if kind == "cancelled" then cancelled = cancelled + 1
      else assert.equal("unauthorized", kind) end
    end
    assert.is_true(cancelled >= 19)
    assert.matches("not begun", tostring(errors[25]), 1, true)
  end)

  it("not on a 403, which is the item's own error", function()
    server:inject { { path = "/stories", status = 403, after = 4,
                      count = 1 } }
    local _, errors = workstage.map(ids.stories, get, { concurrency = 1 })
    assert.equal("forbidden", errors[5].kind)
    errors[5] = nil
    assert.same({}, errors)
    assert.equal(25, service.count(server))
  end)

  it("on the kinds in stop_on, or if a function returns true", function()
    server:inject { { path = "/stories", status = 403 } }
    local opts = { concurrency = 1, stop_on = { "forbidden" } }
    workstage.map(ids.stories, get, opts)
    assert.equal(1, service.count(server))
    opts.stop_on = function(err) return err.status == 403 end
    workstage.map(ids.stories, get, opts)
    assert.equal(2, service.count(server))
    opts.stop_on = {}
    server:inject { { path = "/stories", status = 401 } }
    workstage.map(ids.stories, get, opts)
    assert.equal(27, service.count(server))
  end)

  it("with an iterator, which is not called again", function()
    server:inject { { status = 401 } }
    local asked = 0
    workstage.map(function()
      asked = asked + 1
      return ids.stories[1]
    end, get, { concurrency = 2 })
    assert.is_true(asked <= 3)
  end)

  it("when its task is cancelled: the rest is `cancelled`", function()
    local results, errors
    workstage.run(function(scope)
      local task = scope:spawn(function()
        results, errors = workstage.map(ids.stories, get,
                                        { concurrency = 2 })
      end)
      while service.count(server) < 5 do space:whoami() end
      task:cancel()
    end)
    local good = 0
    for i = 1, 25 do
      if results[i] then good = good + 1
      else assert.equal("cancelled", errors[i].kind) end
    end
    assert.is_true(good < 25)
  end)
end)

describe("map over an iterator that waits", function()
  local loop = require "workstage.loop"

  -- Two workers. A waits for its turn in the iterator and is resumed for
  -- another reason meanwhile; then it ends, and B must get its turn.
  it("ends although a worker was resumed before its turn", function()
    local calls, worker_a, resumed = 0, nil, false
    local function items()
      calls = calls + 1
      if calls == 2 then
        while not resumed do loop.sleep(0.001) end
        loop.sleep(0.01)
      elseif calls == 3 then
        loop.sleep(0.02)
        return nil
      end
      return calls
    end
    local function fn(item)
      if item == 1 then worker_a = loop.running_task() end
      loop.sleep(0.001)
      return item
    end
    local task = loop.spawn(function()
      return workstage.map(items, fn, { concurrency = 2 })
    end)
    loop.spawn(function()
      while calls < 2 do loop.sleep(0.001) end
      loop.sleep(0.01) -- A has asked for its next item
      loop.awaken(worker_a)
      loop.sleep(0.001)
      resumed = true
    end)
    for _ = 1, 400 do
      if task.done then break end
      loop.step(0.01)
    end
    assert.is_true(task.done)
    assert.same({ 1, 2 }, indexed((task:wait())))
  end)

  -- The second worker is inside the iterator and the third waits for its turn
  -- when the first worker's error stops the map.
  it("does not call it again once it was stopped", function()
    local calls, begun = 0, {}
    local _, errs = workstage.map(function()
      calls = calls + 1
      if calls > 1 then loop.sleep(0.02) end
      return calls
    end, function(item)
      table.insert(begun, item)
      loop.sleep(0.001)
      return nil, { kind = "unauthorized" }
    end, { concurrency = 3 })
    assert.equal(2, calls)
    assert.same({ 1, 2 }, begun)
    assert.equal("unauthorized", errs[1].kind)
  end)
end)
