-- What a journal says about the requests of its run: their number, retries,
-- and waits, compared with what the server counted.
local migration = require "workstage.migration"
local migrations = require "support.migrations"
local outcomes = require "workstage.migration.journal.outcomes"

describe("the traffic in a journal", function()
  local folder, path, server, space

  before_each(function()
    folder = migrations.folder()
    path = folder .. "/journal"
    server, space = migrations.start(
      migrations.space { ["Old review"] = 12 })
  end)

  after_each(function()
    space:close()
    server:stop()
    migrations.remove(folder)
  end)

  local function plan()
    return assert(migration.plan(space, migrations.smaller()))
  end

  local function traffic() return assert(outcomes.read(path)).traffic end

  it("agrees with the server's counts over a stop and a resume", function()
    local planned, before = plan(), server:stats().requests
    server:inject {
      { status = 429, count = 3, method = "POST" },
      { status = 503, count = 2, method = "GET" },
      { close = "before", count = 1, method = "PUT" },
    }
    assert(migration.apply(space, planned, { journal = path, limit = 5 }))
    assert(migration.resume(space, path))
    local found, stats = traffic(), server:stats()
    assert.equal(stats.requests - before, found.requests)
    assert.equal(stats.rejected, found.rate_limited)
    assert.equal(stats.status["503"], found.server)
    assert.is_true(found.held > 0 and found.paused > 0)
    local progress = assert(migration.progress(path))
    assert.equal(found.requests, progress.requests)
    assert.equal(found.rate_limited + found.server + found.network,
                 progress.retries)
    assert.equal(found.held, progress.held)
  end)

  it("counts holds that overlap once", function()
    local patient <close> = migrations.client(server, { retry = { cap = 9 } })
    local planned = plan()
    server:inject { { status = 429, retry_after = 1, count = 6, delay = 0.2,
                      method = "POST" } }
    local report = assert(migration.apply(patient, planned,
                                          { journal = path }))
    assert.is_true(report.complete)
    local found = traffic()
    assert.equal(6, found.rate_limited)
    assert.is_true(found.held > 0.9 and found.held <= report.seconds)
  end)

  it("takes a record a minute, however much is sent", function()
    local planned = plan()
    assert(migration.apply(space, planned, { journal = path }))
    local count = 0
    for line in io.lines(path) do
      if line:find('"type":"traffic"', 1, true) then count = count + 1 end
    end
    assert.is_true(count >= 1 and count <= 3, count)
  end)

  it("says what a wait was for", function()
    local planned = plan()
    server:inject { { status = 500, method = "POST" } }
    assert(migration.apply(space, planned, { journal = path,
                                             on_failure = "stop" }))
    server:inject(false)
    assert(migration.resume(space, path))
    local pauses = assert(outcomes.read(path)).pauses
    assert.equal("requests of the interrupted run to show",
                 pauses[1].reason)
  end)
end)
