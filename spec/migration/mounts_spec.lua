-- Migrations on full or read-only disks: real ones, if this machine allows
-- mounts in a separate namespace.
local files = require "support.files"
local migration = require "workstage.migration"
local migrations = require "support.migrations"
local shell = require "house.shell"

local RUN = [[
local migration = require "workstage.migration"
local workstage = require "workstage"
local url, space_id, plan, journal = table.unpack(arg)
local space = assert(workstage.storyblok {
  token = "process-of-the-specs", base_url = url, space_id = space_id,
  rate_limit = false, settle_time = 0.001, proxy = false })
local report, err
if io.open(journal) then report, err = migration.resume(space, journal)
else
  report, err = migration.apply(space, assert(migration.load(plan)),
                                { journal = journal })
end
print(report and report.complete, err and err.kind, report or err)
]]

describe("a migration", function()
  local server, space, folder, journal

  before_each(function()
    folder = shell.temporary()
    shell.must("mkdir %s/disk", folder)
    journal = folder .. "/disk/j"
    server, space = migrations.start(migrations.space {
      ["Old review"] = 150 })
    assert(assert(migration.plan(space, migrations.smaller()))
           :save(folder .. "/plan"))
  end)

  after_each(function()
    space:close()
    server:stop()
    shell.remove(folder)
  end)

  local function command()
    return files.command(RUN, server.url, ("%d"):format(migrations.SPACE),
                         folder .. "/plan", journal)
  end

  -- Runs a shell's lines where they may mount; nil where nobody may.
  local function with_mounts(script)
    for _, way in ipairs { "unshare -m", "unshare -rm" } do
      if select(2, shell.run("%s mount -t tmpfs none %s/disk", way,
                             folder)) == 0 then
        return shell.must("%s sh -ec %s", way, shell.quote(script))
      end
    end
  end

  local function changes()
    local count = 0
    for _, each in pairs(migrations.changes(server)) do
      assert.equal(1, #each)
      count = count + 1
    end
    return count
  end

  it("stops on a disk that is full, and goes on when there is room",
     function()
    local output = with_mounts(([[
      mount -t tmpfs -o size=16k none %s/disk
      %s
      echo cut
      mount -o remount,size=1m %s/disk
      %s]]):format(folder, command(), folder, command()))
    if not output then return end
    local first, second = output:match "^(.*)cut\n(.*)$"
    assert.truthy(first:find "^false", first)
    assert.truthy(first:find("No space left on device", 1, true), first)
    assert.truthy(first:find("resume it from " .. journal, 1, true))
    assert.truthy(second:find "^true", second)
    assert.equal(150, changes())
  end)

  it("sends nothing if the disk has no space for its plan", function()
    local before = #migrations.changes(server)
    local output = shell.run("trap '' XFSZ; ulimit -f 1; %s", command())
    assert.truthy(output:find "^nil\tio\t", output)
    assert.truthy(output:find(journal, 1, true), output)
    for _, request in ipairs(server:requests()) do
      assert.equal("GET", request.method)
    end
    assert.equal(before, #migrations.changes(server))
    assert.same({}, files.list(folder .. "/disk"))
  end)

  it("sends nothing where it may not write", function()
    local output = with_mounts(([[
      mount -t tmpfs none %s/disk
      mount -o remount,ro %s/disk
      %s]]):format(folder, folder, command()))
    if not output then return end
    assert.truthy(output:find "^nil\tio\t", output)
    assert.truthy(output:find("Read-only file system", 1, true), output)
    assert.equal(0, changes())
  end)

  it("is not resumed if it may not write", function()
    local plan = assert(migration.load(folder .. "/plan"))
    assert(migration.apply(space, plan, { journal = journal, limit = 5 }))
    local requests = #server:requests()
    local output = with_mounts(([[
      mount --bind %s/disk %s/disk
      mount -o remount,ro,bind %s/disk
      %s]]):format(folder, folder, folder, command()))
    if not output then return end
    assert.truthy(output:find "^nil\tio\t", output)
    assert.truthy(output:find(journal, 1, true), output)
    assert.equal(requests, #server:requests())
    assert.is_true(assert(migration.resume(space, journal)).complete)
    assert.equal(150, changes())
  end)
end)
