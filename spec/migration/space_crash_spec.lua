-- Any space becomes any other, and comes back, though the process is killed
-- at random moments and one request of twenty goes wrong.
-- WORKSTAGE_SPACES: how many pairs; WORKSTAGE_SEED: which.
local migration = require "workstage.migration"
local migrations = require "support.migrations"
local run_child = require "support.killed"
local service = require "support.service"
local spaces = require "support.spaces"

local PAIRS = tonumber(os.getenv "WORKSTAGE_SPACES") or 10
local SEED = tonumber(os.getenv "WORKSTAGE_SEED") or 1
local KILLS = 3

describe("any space, though the process is killed,", function()
  local server, space, folder

  setup(function()
    folder = migrations.folder()
    server, space = migrations.start(
      { workflows = {} },
      { log = 3000, story_stage = "change", permissions = "admin" })
  end)

  teardown(function()
    space:close()
    server:stop()
    migrations.remove(folder)
  end)

  -- Kills it a few times, within the time that a first run takes, and sees it
  -- to its end. Returns how often it was killed.
  local function run(kind)
    local killed, tries = 0, 0
    local output, code
    assert(server:inject(spaces.FAULTS))
    repeat
      tries = tries + 1
      local seconds = tries <= KILLS and 0.02 + math.random() * 0.2 or nil
      output, code = run_child(server, folder, seconds, kind)
      if code == 137 then killed = killed + 1 end
      if code == 3 then assert(os.remove(folder .. "/j")) end
      assert(tries < 40, output)
    until code == 0
    assert(server:inject(false))
    return killed
  end

  local function same(expected, got)
    assert(expected == got, "expected\n" .. expected .. "\ngot\n" .. got)
  end

  local function run_pair(number)
    math.randomseed(SEED, number)
    local a = spaces.first()
    local b, becomes = spaces.second(a)
    os.remove(folder .. "/j")
    os.remove(folder .. "/j.rollback")
    assert(server:load(migrations.snapshot(spaces.content_of(a))))
    local before = spaces.text(space)
    local plan = assert(migration.plan(space, b))
    assert(plan:save(folder .. "/plan"))
    local killed = run "apply"
    same(spaces.text_of(b.workflows), spaces.text(space))
    spaces.assert_places(server, becomes)
    b.moves = {}
    assert(assert(migration.plan(space, b)):is_empty())
    killed = killed + run "rollback"
    same(before, spaces.text(space))
    spaces.assert_places(server)
    return killed
  end

  it("becomes any other, and comes back", function()
    local killed, began = 0, service.now()
    for number = 1, PAIRS do
      local good, why = xpcall(run_pair, debug.traceback, number)
      if not good then
        error(("pair %d of seed %d: %s"):format(number, SEED, why), 0)
      end
      killed = killed + why
    end
    assert(killed >= PAIRS, ("killed %d times in %.0f s"):format(
      killed, service.now() - began))
  end)
end)
