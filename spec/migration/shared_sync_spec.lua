-- Where a service is so fast that syncs would hold it up, several pages share
-- one. Uses a fake clock and a run that only records calls.
local core = require "workstage.core"
local move_items = require "workstage.migration.execute.move_items"

local real_now = core.now

-- Moves items at so many a second.
-- @treturn table `synced`: how many pages each sync was for
local function run_at(rate, count)
  local clock, pages, log = 0, {}, { synced = {}, moved = 0 }
  core.now = function() return clock end
  local written, on_disk = {}, {}
  local run = { concurrency = 4, report = {}, client = {} }
  run.driver = { PER_PAGE = 100 }
  function run.driver.fetch_current(_, ids)
    local found = {}
    for _, id in ipairs(ids) do found[id] = { stage = 1 } end
    return found
  end
  function run.driver.move(_, item)
    assert(on_disk[item.id], "an item was moved before its page was synced")
    clock = clock + 1 / rate
    return { id = item.id }
  end
  function run.note(_, record)
    assert.equal("page", record.type)
    assert.equal(math.min(record.last, count), record.items[#record.items])
    assert.is_true(#record.items <= 100)
    pages[#pages + 1] = record
    for _, id in ipairs(record.items) do written[#written + 1] = id end
  end
  function run.intend(_, record)
    run:note(record)
    for _, id in ipairs(written) do on_disk[id] = true end
    log.synced[#log.synced + 1] = #pages
    pages, written = {}, {}
  end
  function run.moved() log.moved = log.moved + 1 end
  function run.must_stop() return run.fatal ~= nil end
  function run.began() end
  function run.end_with(_, err) error(err, 0) end
  local items = {}
  for i = 1, count do items[i] = i end
  local good, done, err = pcall(move_items.run, run, {
    operation = 1, from = 1, to = 2, set = {}, items = items })
  core.now = real_now
  assert(good, done)
  assert(done, err)
  assert.equal(count, log.moved)
  return log
end

describe("a sync", function()
  after_each(function() core.now = real_now end)

  it("is for one page at the rates that services allow", function()
    for _, rate in ipairs { 3, 6, 100, 300 } do
      local synced = run_at(rate, 950).synced
      assert.is_true(#synced >= 10)
      for _, pages in ipairs(synced) do assert.equal(1, pages) end
    end
  end)

  it("is more and more pages where they go fast, after single ones",
     function()
    local synced = run_at(100000, 7050).synced
    assert.same({ 1, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10, 4 }, synced)
  end)

  it("is for as many as go by in a quarter of a second", function()
    local synced = run_at(1300, 5000).synced
    for i = 6, #synced - 1 do
      assert.is_true(synced[i] >= 2 and synced[i] <= 5, synced[i])
    end
    assert.is_true(#synced < 40)
  end)
end)
