-- The items of one operation, page by page: with a service and a journal of
-- plain tables.
local loop = require "workstage.loop"
local moving = require "workstage.migration.execute.move_items"
local scope = require "workstage.scope"

local FROM, TO = 1, 2

-- A run whose items stand where `stands` says; what it does is in its `log`.
local function new_run(stands, more)
  local run = { client = {}, concurrency = 1, log = {}, moves = {},
                pages = {}, notes = {}, skips = {}, failures = {}, begun = 0,
                dues = {}, taken = {} }
  for name, value in pairs(more or {}) do run[name] = value end
  local function log(text, ...)
    run.log[#run.log + 1] = text:format(...)
  end
  run.driver = { PER_PAGE = run.per_page or 4 }
  function run.driver.look(client, ids)
    assert(client == run.client)
    log("look at %s", table.concat(ids, " "))
    loop.sleep(0)
    if run.on_look then run.on_look() end
    if run.look_error then return nil, run.look_error end
    local found = {}
    for _, id in ipairs(ids) do
      if stands[id] then
        found[id] = { stands = stands[id], due = run.dues[id] or nil,
                      is_due_unknown = run.dues[id] == false or nil }
      end
    end
    return found
  end
  function run.driver.move(client, id, to, set)
    assert(client == run.client and to == TO)
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
  function run.moved(_, operation, id, change, item, late)
    assert(operation == 7 and (item.stands or not change))
    log("moved %d by %s%s", id, change and change.id, late and " late" or "")
    run.taken[id] = item.due or item.is_due_unknown
  end
  function run:failed(operation, item, err)
    assert(operation == 7)
    self.failures[item.id] = err
  end
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
  local given = { operation = 7, from = FROM, to = TO, set = { comment = "c" },
                  unmoved = {} }
  for name, value in pairs(work) do given[name] = value end
  local done, err = moving.run(run, given)
  return done, err, given
end

local function logged(run, text)
  local count = 0
  for _, line in ipairs(run.log) do
    if line == text then count = count + 1 end
  end
  return count
end

describe("the items of an operation", function()
  it("are looked at, written down and moved, page by page", function()
    local run = new_run(all(10, FROM))
    local done, _, work = move(run, { items = ids(1, 10) })
    assert.is_true(done)
    assert.same({
      { type = "page", operation = 7, at = 4, items = { 1, 2, 3, 4 } },
      { type = "page", operation = 7, at = 8, items = { 5, 6, 7, 8 } },
      { type = "page", operation = 7, at = 10, items = { 9, 10 } },
    }, run.pages)
    for id = 1, 10 do
      assert.equal(1, logged(run, ("move %d"):format(id)))
      assert.equal(1, logged(run, ("moved %d by %d"):format(id, 1000 + id)))
      assert.equal(work.set, run.moves[id])
    end
    assert.equal(10, run.begun)
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

  it("are looked at ahead, so that no page is waited for", function()
    local run = new_run(all(90, FROM), { per_page = 40 })
    assert.is_true(move(run, { items = ids(1, 90) }))
    local begun, looks = 0, {}
    for _, line in ipairs(run.log) do
      if line:find "^move " then begun = begun + 1 end
      if line:find "^look" then looks[#looks + 1] = begun end
    end
    assert.equal(0, looks[1])
    assert.is_true(looks[2] > 20 and looks[2] < 30, looks[2])
    assert.is_true(looks[3] > 60 and looks[3] < 70, looks[3])
  end)

  it("do not wait for the page after theirs", function()
    local run = new_run(all(8, FROM))
    local waited
    function run.on_look()
      for _ = 1, #run.pages > 0 and 400 or 0 do
        if run.moves[4] then return end
        loop.sleep(0.002)
      end
      waited = #run.pages > 0
    end
    assert.is_true(move(run, { items = ids(1, 8) }))
    assert.falsy(waited)
  end)

  it("are skipped where they stand elsewhere", function()
    local stands = all(10, FROM)
    stands[3], stands[5], stands[6], stands[7] = nil, TO, 9, TO
    local run = new_run(stands)
    local done, _, work = move(run, { items = ids(1, 10),
                                      was_begun = { [7] = true, [6] = true } })
    assert.is_true(done)
    assert.same({ [3] = "it is gone", [5] = "it is there already",
                  [6] = "it has been moved since the plan" }, run.skips)
    assert.same({ [3] = true, [5] = true, [6] = true }, work.unmoved)
    assert.same({ 1, 2, 4 }, run.pages[1].items)
    assert.same({ { item = 3, why = "it is gone" } }, run.pages[1].skipped)
    assert.same({ 8 }, run.pages[2].items)
    assert.equal(2, #run.pages[2].skipped)
    assert.equal(1, logged(run, "moved 7 by nil"))
    assert.equal(0, logged(run, "move 7"))
    assert.equal(6, run.begun)
  end)

  it("have the due dates written down that they are to lose", function()
    local run = new_run(all(10, FROM), { dues = { "one", nil, false,
                                                  [10] = "ten" } })
    assert.is_true(move(run, { items = ids(1, 10) }))
    assert.same({ { item = 1, due = "one" }, { item = 3, due_unknown = true } },
                run.pages[1].dues)
    assert.is_nil(run.pages[2].dues)
    assert.same({ { item = 10, due = "ten" } }, run.pages[3].dues)
    assert.same({ "one", nil, true, [10] = "ten" }, run.taken)
  end)

  it("have had the due dates that an earlier run saw", function()
    local run = new_run(all(3, TO), { dues = { "new", "new", "new" } })
    assert.is_true(move(run, {
      items = ids(1, 3), was_begun = { true, true, true },
      was = { { due = "one" }, nil, { is_due_unknown = true } } }))
    assert.same({ "one", nil, true }, run.taken)
  end)

  it("may be none, or none to move", function()
    local run = new_run {}
    assert.is_true(move(run, { items = {} }))
    assert.same({}, run.log)
    assert.is_true(move(run, { items = ids(1, 6) }))
    assert.equal(2, #run.pages)
    assert.equal(0, run.begun)
  end)

  it("go on where an earlier run stopped", function()
    local run = new_run(all(20, FROM))
    assert.is_true(move(run, { items = ids(1, 12), at = 11,
                               again = { 2, 5, 7, 8, 9 } }))
    assert.same({ "look at 2 5 7 8", "look at 9 11 12" },
                (function()
      local looks = {}
      for _, line in ipairs(run.log) do
        if line:find "^look" then looks[#looks + 1] = line end
      end
      return looks
    end)())
    assert.same({ 10, 12 }, { run.pages[1].at, run.pages[2].at })
    assert.equal(7, run.begun)
  end)

  it("that come late say from where and to where", function()
    local run = new_run(all(3, FROM))
    assert.is_true(move(run, { items = ids(1, 3), late = { from = FROM } }))
    assert.is_nil(run.pages[1].at)
    assert.equal(1, logged(run, "moved 1 by 1001 late"))
  end)

  it("take their own due dates with them", function()
    local run = new_run(all(4, FROM))
    local _, _, work = move(run, { items = ids(1, 3), set = {
      comment = "c", due_date = "all" }, dues = { "one", false, "three" } })
    assert.same({ comment = "c", due_date = "one" }, run.moves[1])
    assert.equal(work.set, run.moves[2])
    assert.same({ comment = "c", due_date = "three" }, run.moves[3])
    assert.equal("all", work.set.due_date)
  end)

  it("that fail are told, and the others go on", function()
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
  it("with the error of a look, and nothing written down", function()
    local run = new_run(all(6, FROM), { look_error = "no answer" })
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
    local run = new_run(all(6, FROM), { look_error = "later" })
    function run.on_look() run.fatal = "first" end
    local done, err = move(run, { items = ids(1, 6) })
    assert.is_nil(done)
    assert.equal("first", err)
  end)

  it("before a page is written down, when it has to", function()
    local run = new_run(all(6, FROM))
    function run.on_look() run.fatal = "meanwhile" end
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
    assert.same({}, run.notes) -- who resumes looks at all of the page
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
    function run.on_look() loop.sleep(#run.pages > 0 and 0.01 or 0) end
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

  it("at a limit of all as if there were none", function()
    local run = new_run(all(4, FROM), { limit = 4 })
    run.driver.PER_PAGE = 2
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
