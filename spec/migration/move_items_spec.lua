-- The items of one operation, page by page: with a service and a journal of
-- plain tables.
local core = require "workstage.core"
local errors = require "workstage.errors"
local loop = require "workstage.loop"
local move_items = require "workstage.migration.execute.move_items"
local scope = require "workstage.scope"

local FROM, TO = 1, 2

-- A run whose items are in the stages that `stages` says; what it does is in
-- its `log`. Its pages hold `per_page` items, of which as many are moved in
-- five seconds.
local function new_run(stages, more)
  local run = { client = {}, concurrency = 1, log = {}, moves = {},
                pages = {}, notes = {}, skips = {}, failures = {}, begun = 0,
                dues = {}, created = {}, seen = {}, taken = {} }
  for name, value in pairs(more or {}) do run[name] = value end
  local function log(text, ...)
    run.log[#run.log + 1] = text:format(...)
  end
  run.rate = run.rate or (run.per_page or 10) / 5
  run.driver = {}
  function run.driver.find_change(client, id, to, set, seen)
    assert(client == run.client and to == TO and set)
    log("find %d, created %s", id, seen and seen.created_at)
    return run.verdict or "unknown", run.verdict == "done" and { id = 5 } or
           "why"
  end
  function run.driver.may_have_changed(err)
    return errors.is(err) and err.kind == "not_found"
  end
  function run.driver.may_lack_target() return false end
  function run.driver.fetch_current(client, ids, release_id)
    assert(client == run.client and #ids <= 100)
    run.release_id = release_id
    log("read %s", table.concat(ids, " "))
    loop.sleep(0)
    if run.on_read then run.on_read() end
    if run.read_error then return nil, run.read_error end
    local found = {}
    for _, id in ipairs(ids) do
      if stages[id] then
        found[id] = { stage = stages[id], created = run.created[id],
                      due = run.dues[id] or nil,
                      is_due_unknown = run.dues[id] == false or nil }
      end
    end
    return found
  end
  function run.driver.move(client, item, to, set, opts)
    local id = item.id
    assert(client == run.client and to == TO)
    assert(opts.start_within > 0 and opts.start_within < 8.001)
    run.seen[id] = opts.seen
    log("move %d", id)
    loop.sleep(0)
    run.moves[id] = set
    if run.on_move then return run.on_move(id) end
    return { id = 1000 + id }
  end
  function run:must_stop()
    return self.fatal ~= nil or self.limit and self.begun >= self.limit or
           false
  end
  function run:began() self.begun = self.begun + 1 end
  function run:intend(record)
    if self.disk_error then error(self.disk_error, 0) end
    self.pages[#self.pages + 1] = record
  end
  function run:note(record) self.notes[#self.notes + 1] = record end
  function run:skip(id, why) self.skips[id] = why end
  function run.moved(_, work, id, change, read)
    assert(work.operation == 7)
    log("moved %d by %s%s", id, change and change.id,
        work.late and " late" or "")
    run.taken[id] = read.due or read.is_due_unknown
  end
  function run:failed(work, item, err)
    assert(work.operation == 7)
    self.failures[item.id] = err
    if self.on_failed then self.on_failed(item.id, err) end
  end
  function run:end_with(err) self.fatal = self.fatal or err end
  function run:cancel() self.is_cancelled = true end
  return run
end

local function all(count, stands)
  local list = {}
  for i = 1, count do list[i] = stands end
  return list
end

local function ids(first, last)
  local list = {}
  for i = first, last do list[#list + 1] = i end
  return list
end

local function move(run, work)
  local opts = { operation = 7, from = FROM, to = TO, set = { comment = "c" },
                  unmoved = {} }
  for name, value in pairs(work) do opts[name] = value end
  local done, err = move_items.run(run, opts)
  return done, err, opts
end

local function logged(run, text)
  local count = 0
  for _, line in ipairs(run.log) do
    if line == text then count = count + 1 end
  end
  return count
end

local function reads_of(run)
  local reads = {}
  for _, line in ipairs(run.log) do
    if line:find "^read" then reads[#reads + 1] = line end
  end
  return reads
end

describe("the items of an operation", function()
  it("are read, written to the journal and moved, page by page", function()
    local run = new_run(all(24, FROM))
    local done, _, work = move(run, { items = ids(1, 24) })
    assert.is_true(done)
    local function page(first, last)
      return { type = "page", operation = 7, stage = FROM, to = TO, last = last,
               items = ids(first, last) }
    end
    assert.same({ page(1, 10), page(11, 20), page(21, 24) }, run.pages)
    for id = 1, 24 do
      assert.equal(1, logged(run, ("move %d"):format(id)))
      assert.equal(1, logged(run, ("moved %d by %d"):format(id, 1000 + id)))
      assert.same({ comment = "c" }, run.moves[id])
    end
    assert.equal(24, run.begun)
    assert.same({}, run.notes)
    assert.same({}, work.unmoved)
  end)

  it("are moved several at a time", function()
    local run = new_run(all(30, FROM), { concurrency = 5 })
    local most, now = 0, 0
    function run.on_move(id)
      now = now + 1
      most = math.max(most, now)
      loop.sleep(0.001)
      now = now - 1
      return { id = id }
    end
    assert.is_true(move(run, { items = ids(1, 30) }))
    assert.equal(5, most)
    assert.equal(30, run.begun)
  end)

  -- How many moves were begun when each page was read.
  local function begun_at_reads(count, rate)
    local run = new_run(all(count, FROM), { rate = rate })
    assert.is_true(move(run, { items = ids(1, count) }))
    local begun, reads = 0, {}
    for _, line in ipairs(run.log) do
      if line:find "^move " then begun = begun + 1 end
      if line:find "^read" then reads[#reads + 1] = begun end
    end
    return reads
  end

  it("are read shortly before the page before them ends", function()
    assert.same({ 0, 36, 76 }, begun_at_reads(90, 8))  -- half a second before
    assert.same({ 0, 8, 18 }, begun_at_reads(24, 2))   -- two items at least
    assert.same({ 0, 75, 169 }, begun_at_reads(250, 0)) -- a quarter at most
  end)

  it("are read page by page even if none is to be moved", function()
    local run = new_run(all(90, TO), { rate = 6 })
    assert.is_true(move(run, { items = ids(1, 90) }))
    assert.equal(3, #reads_of(run))
  end)

  it("do not wait for the page after theirs", function()
    local run = new_run(all(20, FROM))
    local waited
    function run.on_read()
      for _ = 1, #run.pages > 0 and 400 or 0 do
        if run.moves[10] then return end
        loop.sleep(0.002)
      end
      waited = #run.pages > 0
    end
    assert.is_true(move(run, { items = ids(1, 20) }))
    assert.falsy(waited)
  end)

  it("are skipped if they are now elsewhere", function()
    local stages = all(16, FROM)
    stages[3], stages[5], stages[12], stages[13] = nil, TO, 9, TO
    local run = new_run(stages)
    local done, _, work = move(run, {
      items = ids(1, 16), maybe_sent = { [13] = true, [12] = true } })
    assert.is_true(done)
    assert.same({ [3] = "it is gone", [5] = "it is there already",
                  [12] = "it has been moved since the plan" }, run.skips)
    assert.same({ [3] = true, [5] = true, [12] = true }, work.unmoved)
    assert.same({ 1, 2, 4, 6, 7, 8, 9, 10 }, run.pages[1].items)
    assert.same({ { item = 3, why = "it is gone" },
                  { item = 5, why = "it is there already" } },
                run.pages[1].skipped)
    assert.same({ 11, 14, 15, 16 }, run.pages[2].items)
    assert.equal(1, #run.pages[2].skipped)
    assert.equal(1, logged(run, "moved 13 by nil"))
    assert.equal(0, logged(run, "move 13"))
    assert.equal(12, run.begun)
  end)

  it("whose status is not shown are skipped", function()
    local run = new_run(all(2, FROM))
    local fetch = run.driver.fetch_current
    function run.driver.fetch_current(...)
      local found = fetch(...)
      found[2].stage = nil
      return found
    end
    assert.is_true(move(run, { items = ids(1, 2) }))
    assert.same({ [2] = "its status is not shown to this user" }, run.skips)
  end)

  it("that an earlier run may have moved are looked up", function()
    local found = { done = "moved 1 by 5", unknown = "moved 1 by nil",
                    not_done = "find 1, created c" }
    for verdict, line in pairs(found) do
      local run = new_run({ TO, FROM }, { verdict = verdict })
      assert.is_true(move(run, {
        items = {}, retry_ids = { 1, 2 }, maybe_sent = { true, true },
        read_before = { { created = "c" }, { created = "d" } } }))
      assert.equal(1, logged(run, "find 1, created c"))
      assert.equal(1, logged(run, line))
      assert.equal(verdict == "not_done" and "it is there already" or nil,
                   run.skips[1])
      assert.same({ [2] = { stage = FROM, created_at = "d" } }, run.seen)
    end
  end)

  it("that an earlier run may have moved from no stage are looked up as such",
     function()
    local run = new_run { false, false }
    local fetch = run.driver.fetch_current
    function run.driver.fetch_current(client, asked)
      local items = fetch(client, asked)
      for _, id in ipairs(asked) do items[id] = { stage = false } end
      return items
    end
    assert.is_true(move(run, { from = false, items = { 2 }, retry_ids = { 1 },
                               maybe_sent = { true }, read_before = { {} } }))
    assert.same({ {} }, run.seen)
  end)

  it("that an earlier run may have moved and others have moved back are left",
     function()
    local run = new_run(all(3, FROM), { created = { "new", "old", nil } })
    local before = { created = "old" }
    assert.is_true(move(run, {
      items = {}, retry_ids = ids(1, 3), maybe_sent = { true, true, true },
      read_before = { before, before, before } }))
    assert.same({ "it has been moved back since" }, run.skips)
    assert.same({ 2, 3 }, run.pages[1].items)
  end)

  it("have written to the journal when they came to their stage", function()
    local run = new_run(all(12, FROM), { created = { nil, "b", "c" } })
    assert.is_true(move(run, { items = ids(1, 12) }))
    assert.same({ false, "b", "c", false, false, false, false, false, false,
                  false }, run.pages[1].created)
    assert.is_nil(run.pages[2].created)
  end)

  it("have written to the journal which due dates they have", function()
    local run = new_run(all(24, FROM), { dues = { "one", nil, false,
                                                  [24] = "ten" } })
    assert.is_true(move(run, { items = ids(1, 24) }))
    assert.same({ { item = 1, due = "one" }, { item = 3, due_unknown = true } },
                run.pages[1].dues)
    assert.is_nil(run.pages[2].dues)
    assert.same({ { item = 24, due = "ten" } }, run.pages[3].dues)
    assert.same({ "one", nil, true, [24] = "ten" }, run.taken)
  end)

  it("have had the due dates that an earlier run read", function()
    local run = new_run(all(3, TO), { dues = { "new", "new", "new" } })
    assert.is_true(move(run, {
      items = ids(1, 3), maybe_sent = { true, true, true },
      read_before = { { due = "one" }, nil, { is_due_unknown = true } } }))
    assert.same({ "one", nil, true }, run.taken)
  end)

  it("may be none, or none to move", function()
    local run = new_run {}
    assert.is_true(move(run, { items = {} }))
    assert.same({}, run.log)
    assert.is_true(move(run, { items = ids(1, 16) }))
    assert.equal(2, #run.pages)
    assert.equal(0, run.begun)
  end)

  it("go on where an earlier run stopped", function()
    local run = new_run(all(30, FROM))
    assert.is_true(move(run, { items = ids(1, 20), at = 12,
                               retry_ids = { 2, 5, 7, 8, 9 } }))
    assert.same({ "read 2 5 7 8 9 12 13 14 15 16", "read 17 18 19 20" },
                reads_of(run))
    assert.same({ 16, 20 }, { run.pages[1].last, run.pages[2].last })
    assert.equal(14, run.begun)
  end)

  it("that come late are written as such", function()
    local run = new_run(all(3, FROM))
    assert.is_true(move(run, { items = ids(1, 3), late = true }))
    assert.is_nil(run.pages[1].last)
    assert.is_true(run.pages[1].late)
    assert.equal(1, logged(run, "moved 1 by 1001 late"))
  end)

  it("are read with the release that their changes belong to", function()
    local run = new_run(all(3, FROM))
    assert.is_true(move(run, { items = ids(1, 3), set = { release_id = 91 } }))
    assert.equal(91, run.release_id)
  end)
end)

describe("the due date of an item", function()
  local function set_for(due, more)
    local run = new_run(all(1, FROM), { dues = { due } })
    local work = { items = { 1 }, set = {} }
    for name, value in pairs(more or {}) do work[name] = value end
    assert.is_true(move(run, work))
    return run.moves[1].due_date
  end

  local ONE, OTHER = "2026-12-01T10:00:00.000Z", "2027-01-01T00:00:00.000Z"

  it("is kept", function()
    assert.equal(ONE, set_for(ONE))
    assert.is_nil(set_for(nil))
    assert.is_nil(set_for(false)) -- unknown
  end)

  it("is set or cleared by the operation", function()
    assert.equal(OTHER, set_for(ONE, { set = { due_date = OTHER } }))
    assert.is_false(set_for(ONE, { set = { due_date = false } }))
  end)

  it("is given back by a rollback", function()
    assert.equal(ONE, set_for(OTHER, { dues = { ONE }, left_due = OTHER }))
    assert.equal(ONE, set_for(nil, { dues = { ONE }, left_due = false }))
    assert.is_false(set_for(OTHER, { dues = { false }, left_due = OTHER }))
    assert.is_nil(set_for(nil, { dues = { false }, left_due = false }))
    assert.equal(ONE, set_for(false, { dues = { ONE } }))
    assert.equal(ONE, set_for("2027-01-01T01:00:00+01:00",
                              { dues = { ONE }, left_due = OTHER }))
  end)

  it("stays if somebody has set another since", function()
    assert.equal(ONE, set_for(ONE, { dues = { false }, left_due = OTHER }))
    assert.equal(OTHER, set_for(OTHER, { dues = { ONE } }))
    assert.is_nil(set_for(nil, { dues = { ONE }, left_due = OTHER }))
  end)
end)

-- By a clock of our own: each request takes its turn at the run's rate.
describe("the read of an item", function()
  local real_now = core.now

  after_each(function() core.now = real_now end)

  local function new_timed_run(rate, count, more)
    local clock, reads = 0, {}
    local run = new_run(all(count, FROM), more)
    run.rate, run.oldest, run.requests = rate, 0, 0
    core.now = function() return clock end
    local fetch, send = run.driver.fetch_current, run.driver.move
    function run.pass(seconds) clock = clock + seconds end
    local function count_request()
      run.requests = run.requests + 1
      run.pass(1 / rate)
    end
    function run.driver.fetch_current(client, asked, release_id)
      count_request()
      local found, err = fetch(client, asked, release_id)
      for _, id in ipairs(asked) do reads[id] = clock end
      return found, err
    end
    -- beside others that use `run.taken_by_others` seconds for each of ours
    function run.driver.move(client, item, to, set, opts)
      local wait = 1 / rate + (run.taken_by_others or 0)
      if wait > opts.start_within then
        run.pass(opts.start_within)
        return nil, errors.new { kind = "timeout", message = "too late",
                                 attempts = 0 }
      end
      run.pass(run.taken_by_others or 0)
      count_request()
      run.oldest = math.max(run.oldest, clock - reads[item.id])
      opts.start_within = math.min(opts.start_within, 8)
      return send(client, item, to, set, opts)
    end
    return run
  end

  for rate, most in pairs { [6] = 1.05, [3] = 1.09 } do
    it(("is young at its turn, for few requests: %d a second"):format(rate),
       function()
      for _, concurrency in ipairs { 1, 4, 8 } do
        local run = new_timed_run(rate, 600, { concurrency = concurrency })
        assert.is_true(move(run, { items = ids(1, 600) }))
        assert.equal(600, run.begun)
        assert.is_true(run.oldest < 8, run.oldest)
        assert.is_true(run.requests / 600 <= most, run.requests / 600)
      end
    end)
  end

  for _, rate in ipairs { 1, 0.5, 0.1 } do
    it(("is as young as a low rate allows: %g a second"):format(rate),
       function()
      local run = new_timed_run(rate, 30, { concurrency = 8 })
      assert.is_true(move(run, { items = ids(1, 30) }))
      assert.same({}, run.failures)
      assert.equal(30, run.begun)
      assert.is_true(run.oldest <= math.max(8, 4 / rate) + 0.01, run.oldest)
      assert.is_true(run.requests <= 60, run.requests)
    end)
  end

  it("may be older where others take most of the turns", function()
    local run = new_timed_run(6, 5, { taken_by_others = 11 })
    assert.is_true(move(run, { items = ids(1, 5) }))
    assert.same({}, run.failures)
    assert.equal(5, run.begun)
    assert.is_true(run.oldest < 16, run.oldest)
  end)

  it("is young where a service is slower than its rate limit", function()
    local run = new_timed_run(6, 300)
    function run.on_move(id)
      run.pass(0.5)
      return { id = id }
    end
    assert.is_true(move(run, { items = ids(1, 300) }))
    assert.is_true(run.oldest <= 8.7, run.oldest)
    assert.is_true(run.requests / 300 < 1.15, run.requests / 300)
  end)

  it("is done again after 8 seconds, and what has changed is skipped",
     function()
    local stages = all(12, FROM)
    local run = new_timed_run(6, 12)
    local fetch = run.driver.fetch_current
    function run.driver.fetch_current(client, asked)
      local found = fetch(client, asked)
      for id, item in pairs(found) do item.stage = stages[id] end
      return found
    end
    function run.on_move(id)
      if id == 4 then
        run.pass(8)
        stages[9], stages[10] = 17, TO
      end
      return { id = 1000 + id }
    end
    local done, _, work = move(run, { items = ids(1, 12) })
    assert.is_true(done)
    assert.same({ "read 1 2 3 4 5 6 7 8 9 10 11 12",
                  "read 5 6 7 8 9 10 11 12" }, reads_of(run))
    assert.same({ [9] = "it has been moved since the plan",
                  [10] = "it is there already" }, run.skips)
    assert.same({ [9] = true, [10] = true }, work.unmoved)
    assert.equal(0, logged(run, "move 9"))
    assert.equal(10, run.begun)
    assert.same({ { type = "page", operation = 7, stage = FROM, to = TO,
                    items = {}, skipped = {
                      { item = 9, why = "it has been moved since the plan" },
                      { item = 10, why = "it is there already" } } } },
                run.notes)
  end)

  it("is good for nearly 8 seconds", function()
    local run = new_timed_run(6, 6)
    function run.on_move(id)
      if id == 1 then run.pass(7) end
      return { id = 1000 + id }
    end
    assert.is_true(move(run, { items = ids(1, 5) }))
    assert.equal(1, #reads_of(run))
  end)

  it("is done again for a hundred items at once", function()
    local run = new_timed_run(1000, 250)
    run.rate = 0
    function run.on_move(id)
      if id == 76 then run.pass(8) end
      return { id = 1000 + id }
    end
    assert.is_true(move(run, { items = ids(1, 250) }))
    assert.equal("read " .. table.concat(ids(77, 176), " "), reads_of(run)[3])
    for id = 1, 250 do
      assert.equal(1, logged(run, ("move %d"):format(id)))
    end
  end)

  it("that fails when it is done again ends the run", function()
    local run = new_timed_run(6, 6)
    function run.on_move(id)
      if id == 2 then
        run.pass(8)
        run.read_error = "no answer"
      end
      return { id = 1000 + id }
    end
    local done, err = move(run, { items = ids(1, 6) })
    assert.is_nil(done)
    assert.equal("no answer", err)
    assert.same({ 3, 4, 5, 6 }, run.notes[1].items)
    assert.equal("unsent", run.notes[1].type)
  end)

  it("that finds one item elsewhere when it is done again notes it",
     function()
    local stages = all(3, FROM)
    local run = new_timed_run(6, 3)
    local fetch = run.driver.fetch_current
    function run.driver.fetch_current(client, asked)
      local found = fetch(client, asked)
      for id, item in pairs(found) do item.stage = stages[id] end
      return found
    end
    function run.on_move(id)
      if id == 1 then
        run.pass(8)
        stages[3] = 17
      end
      return { id = 1000 + id }
    end
    assert.is_true(move(run, { items = ids(1, 3) }))
    assert.equal(3, run.notes[1].skipped[1].item)
    assert.equal(1, #run.notes)
  end)

  it("that is done again is written to the journal where it differs",
     function()
    local run = new_timed_run(6, 6)
    run.created = { "a", "b", "c", "d", "e", "f" }
    function run.on_move(id)
      if id == 2 then
        run.pass(8)
        run.created[5] = "z"
      end
      return { id = 1000 + id }
    end
    assert.is_true(move(run, { items = ids(1, 6) }))
    assert.equal(2, #run.pages)
    assert.same({ 5 }, run.pages[2].items)
    assert.same({ "z" }, run.pages[2].created)
    assert.is_nil(run.pages[2].last)
    assert.equal(6, run.begun)
  end)

  it("is done again where a move could not be sent in time", function()
    local run = new_timed_run(6, 5)
    local refusals = 0
    function run.on_move(id)
      if id == 3 and refusals < 3 then
        refusals = refusals + 1
        return nil, errors.new { kind = "rate_limited", message = "wait" }
      end
      return { id = 1000 + id }
    end
    assert.is_true(move(run, { items = ids(1, 5) }))
    assert.same({}, run.failures)
    assert.equal(4, logged(run, "move 3"))
    assert.equal(1, logged(run, "moved 3 by 1003"))
    assert.equal(5, run.begun)
    assert.equal(3 + 1, #reads_of(run))
  end)

  it("is done again also where nothing else is left to be moved", function()
    local run = new_timed_run(6, 4, { concurrency = 4 })
    local tries = 0
    function run.on_move(id)
      for _ = 1, 5 do loop.sleep(0) end
      tries = tries + 1
      if id == 4 and tries < 8 then
        return nil, errors.new { kind = "rate_limited", message = "wait" }
      end
      return { id = 1000 + id }
    end
    assert.is_true(move(run, { items = ids(1, 4) }))
    assert.equal(1, logged(run, "moved 4 by 1004"))
    assert.equal(4, run.begun)
  end)

  it("is done again for all whose moves are held off one after another",
     function()
    local run = new_timed_run(6, 30, { concurrency = 6 })
    local refused = {}
    function run.on_read()
      for _ = 1, #run.pages > 0 and 40 or 0 do loop.sleep(0) end
    end
    function run.on_move(id)
      for _ = 1, 3 * (id % 10) do loop.sleep(0) end
      if id > 3 and id < 16 and not refused[id] then
        refused[id] = true
        return nil, errors.new { kind = "rate_limited", message = "wait" }
      end
      return { id = 1000 + id }
    end
    assert.is_true(move(run, { items = ids(1, 30) }))
    for id = 1, 30 do
      assert.equal(1, logged(run, ("moved %d by %d"):format(id, 1000 + id)))
      assert.equal(refused[id] and 2 or 1, logged(run, "move " .. id))
    end
    assert.equal(30, run.begun)
  end)

  it("is not done again forever", function()
    local run = new_timed_run(6, 3)
    function run.on_move()
      return nil, errors.new { kind = "rate_limited", message = "wait" }
    end
    assert.is_true(move(run, { items = ids(1, 3) }))
    assert.equal(3, run.begun)
    for id = 1, 3 do
      assert.equal("rate_limited", run.failures[id].kind)
      assert.equal(9, logged(run, ("move %d"):format(id)))
    end
  end)

  it("is not done again if the outcome of the move is unknown", function()
    local run = new_timed_run(6, 3)
    function run.on_move()
      run.pass(9)
      return nil, errors.new { kind = "network", message = "lost",
                               ambiguous = true }
    end
    assert.is_true(move(run, { items = ids(1, 3) }))
    for id = 1, 3 do
      assert.equal("network", run.failures[id].kind)
      assert.equal(1, logged(run, ("move %d"):format(id)))
    end
  end)
end)

describe("a move that is refused with 404", function()
  local function gone(count, becomes)
    local run = new_run(all(count, FROM))
    local found = run.driver.fetch_current
    local refused = {}
    function run.driver.fetch_current(client, asked)
      local items = found(client, asked)
      for _, id in ipairs(asked) do
        if refused[id] then becomes(items, id) end
      end
      return items
    end
    function run.on_move(id)
      if id == 2 then
        refused[id] = true
        return nil, errors.new { kind = "not_found", message = "no record" }
      end
      return { id = 1000 + id }
    end
    local done, _, work = move(run, { items = ids(1, count) })
    assert.is_true(done)
    assert.is_true(work.unmoved[2])
    return run
  end

  it("is skipped where the item is gone", function()
    local run = gone(3, function(items, id) items[id] = nil end)
    assert.same({ [2] = "it is gone" }, run.skips)
    assert.same({}, run.failures)
    assert.same({ { item = 2, why = "it is gone" } }, run.notes[1].skipped)
  end)

  it("is skipped where the item is elsewhere", function()
    local run = gone(3, function(items, id) items[id].stage = 17 end)
    assert.same({ [2] = "it has been moved since the plan" }, run.skips)
  end)

  it("has failed where the item is still there", function()
    local run = gone(3, function() end)
    assert.same({}, run.skips)
    assert.equal("not_found", run.failures[2].kind)
  end)
end)

describe("a move that was never sent", function()
  for _, kind in ipairs { "budget", "cancelled" } do
    it("is noted as such: " .. kind, function()
      local run = new_run(all(6, FROM))
      function run.on_move(id)
        if id < 3 then return { id = id } end
        return nil, errors.new { kind = kind, message = "no" }
      end
      local done, err = move(run, { items = ids(1, 6) })
      assert.is_nil(done)
      assert.equal(kind, err.kind)
      assert.same({}, run.failures)
      assert.same({ type = "unsent", operation = 7, items = ids(3, 6) },
                  run.notes[1])
    end)
  end
end)

describe("a run of items", function()
  it("continues if one fails, and reports it", function()
    local run = new_run(all(6, FROM))
    function run.on_move(id)
      if id == 2 then return nil, "refused" end
      return { id = id }
    end
    local done, _, work = move(run, { items = ids(1, 6) })
    assert.is_true(done)
    assert.same({ [2] = "refused" }, run.failures)
    assert.same({ [2] = true }, work.unmoved)
    assert.equal(6, run.begun)
    assert.equal(0, logged(run, "moved 2 by 2"))
  end)
end)

describe("a run of items ends", function()
  it("with the error of a read, and nothing written down", function()
    local run = new_run(all(6, FROM), { read_error = "no answer" })
    local done, err = move(run, { items = ids(1, 6) })
    assert.is_nil(done)
    assert.equal("no answer", err)
    assert.equal("no answer", run.fatal)
    assert.same({}, run.pages)
    assert.same({}, run.moves)
    assert.same({}, run.notes)
  end)

  it("with the disk's error, and nothing sent", function()
    local run = new_run(all(6, FROM), { disk_error = "disk full" })
    local done, err = move(run, { items = ids(1, 6) })
    assert.is_nil(done)
    assert.equal("disk full", err)
    assert.same({}, run.moves)
  end)

  it("with the first error that ends it", function()
    local run = new_run(all(6, FROM), { read_error = "later" })
    function run.on_read() run.fatal = "first" end
    local done, err = move(run, { items = ids(1, 6) })
    assert.is_nil(done)
    assert.equal("first", err)
  end)

  it("before a page is written down, when it has to", function()
    local run = new_run(all(6, FROM))
    function run.on_read() run.fatal = "meanwhile" end
    local done, err = move(run, { items = ids(1, 6) })
    assert.is_nil(done)
    assert.equal("meanwhile", err)
    assert.same({}, run.pages)
  end)

  it("without another item begun, when it has to", function()
    local run = new_run(all(12, FROM), { concurrency = 2 })
    function run.on_move(id)
      if id == 3 then run.fatal = "enough" end
      return { id = id }
    end
    local done, err = move(run, { items = ids(1, 12) })
    assert.is_nil(done)
    assert.equal("enough", err)
    assert.is_true(run.begun <= 4)
    local unsent = {}
    for _, id in ipairs(run.notes[1].items) do unsent[id] = true end
    for id = 1, 10 do assert.equal(not run.moves[id] or nil, unsent[id]) end
  end)

  it("with what a move raises", function()
    local run = new_run(all(6, FROM))
    function run.on_move() error("raised", 0) end
    local done, err = move(run, { items = ids(1, 6) })
    assert.is_nil(done)
    assert.equal("raised", err)
    assert.equal(1, run.begun)
    function run.on_move()
      run.fatal = "earlier"
      error("raised", 0)
    end
    run.fatal = nil
    done, err = move(run, { items = ids(1, 6) })
    assert.is_nil(done)
    assert.equal("earlier", err)
  end)

  it("at its limit, with what was not begun taken back", function()
    local run = new_run(all(12, FROM), { limit = 6 })
    function run.on_read() loop.sleep(#run.pages > 0 and 0.01 or 0) end
    local done, err = move(run, { items = ids(1, 12) })
    for _ = 1, 20 do loop.step(0.002) end -- nothing comes after the end
    assert.is_false(done)
    assert.is_nil(err)
    local written, unsent = {}, {}
    for _, page in ipairs(run.pages) do
      for _, id in ipairs(page.items) do written[id] = true end
    end
    assert.equal(1, #run.notes)
    assert.equal("unsent", run.notes[1].type)
    assert.equal(7, run.notes[1].operation)
    for _, id in ipairs(run.notes[1].items) do unsent[id] = true end
    for id = 1, 12 do
      assert.equal(written[id] and not run.moves[id] or nil, unsent[id])
    end
  end)

  it("at its limit without waiting for the page that is being read",
     function()
    local run = new_run(all(20, FROM), { limit = 10 })
    function run.on_read() loop.sleep(#run.pages > 0 and 60 or 0) end
    local began = core.now()
    assert.is_false((move(run, { items = ids(1, 20) })))
    assert.is_true(core.now() - began < 30)
    assert.equal(1, #run.pages)
    assert.same({}, run.notes)
  end)

  it("at its limit without a guess about what is being looked up", function()
    local stages = all(20, FROM)
    for id = 11, 20 do stages[id] = TO end
    local maybe_sent = all(20, true)
    local run = new_run(stages, { limit = 10 })
    function run.driver.find_change()
      loop.sleep(60)
      return "unknown", "cancelled"
    end
    assert.is_false((move(run, { items = {}, retry_ids = ids(1, 20),
                                 maybe_sent = maybe_sent })))
    for id = 11, 20 do
      assert.equal(0, logged(run, ("moved %d by nil"):format(id)))
    end
    assert.equal(1, #run.pages)
  end)

  it("at a limit of all as if there were none", function()
    local run = new_run(all(4, FROM), { limit = 4 })
    local done = move(run, { items = ids(1, 4) })
    assert.same({}, run.notes)
    assert.is_boolean(done)
    assert.equal(4, run.begun)
  end)

  it("at a limit that leaves one over", function()
    local run = new_run(all(4, FROM), { limit = 3 })
    function run.on_move(id)
      loop.sleep(0.002) -- by then it is known that there are no more
      return { id = id }
    end
    assert.is_false((move(run, { items = ids(1, 4) })))
    assert.same({ 4 }, run.notes[1].items)
  end)

  it("when its task is cancelled", function()
    local run = new_run(all(40, FROM))
    local done, err
    scope.run(function(tasks)
      local task = tasks:spawn(function()
        done, err = move(run, { items = ids(1, 40) })
      end)
      function run.on_move(id)
        if id == 5 then task:cancel() end
        return { id = id }
      end
      task:wait()
    end)
    assert.is_true(run.is_cancelled)
    assert.is_true(run.begun < 40)
    assert.is_falsy(done)
    assert.is_nil(err)
  end)
end)
