-- Who planned and ran a migration, where and with which command: in the plan
-- and in the journal, without a secret.
local clients = require "support.clients"
local core = require "workstage.core"
local journals = require "workstage.migration.journal.file"
local migration = require "workstage.migration"
local migrations = require "support.migrations"

describe("the origin of a migration", function()
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

  local function plan(command)
    return assert(migration.plan(space, migrations.smaller(),
                                 { command = command }))
  end

  local function header()
    local reader <close> = assert(journals.read(path))
    return reader.header
  end

  it("is in a saved plan and in the journal", function()
    local info, user = assert(space:info()), assert(space:whoami())
    local wanted = { space = info.name, region = info.region,
                     user = user.friendly_name, user_id = user.id,
                     version = core.version, command = "the plan's" }
    assert(plan("the plan's"):save(folder .. "/plan"))
    local loaded = assert(migration.load(folder .. "/plan"))
    assert.same(wanted, loaded.origin)
    assert(migration.apply(space, loaded, { journal = path,
                                            command = "the run's" }))
    wanted.command = "the run's"
    assert.same(wanted, header().origin)
  end)

  it("takes two requests with a client, however often it is used", function()
    plan()
    local count = 0
    for _, request in ipairs(server:requests()) do
      if request.path:find "/users/me$" or
         request.path:find "/spaces/%d+/?$" then
        count = count + 1
      end
    end
    assert.equal(2, count)
    local before = server:stats().requests
    local report = assert(migration.apply(space, plan(), { journal = path }))
    assert.is_true(report.complete)
    for i, request in ipairs(server:requests()) do
      assert.is_true(i <= before or not request.path:find "/users/me$")
    end
  end)

  it("stops nothing where the token may not read it", function()
    assert(server:inject {
      { path = "/v1/users/me", status = 403 },
      { path = "/v1/*/" .. migrations.SPACE, status = 403 },
    })
    local planned = plan()
    assert.same({ version = core.version }, planned.origin)
    assert.is_true(assert(migration.apply(space, planned,
                                          { journal = path })).complete)
    assert.matches("Article", assert(migration.report(path)))
  end)

  it("has neither the token nor a password of an address", function()
    local command = ("workstage apply --base-url https://me:secret@host/ %s")
                    :format(clients.TOKEN)
    assert(migration.apply(space, plan(command), { journal = path,
                                                   command = command }))
    local text = assert(io.open(path)):read "a"
    assert.is_false(clients.shows_token(text))
    assert.is_nil(text:find("me:secret", 1, true))
    assert.matches("https://[secret]@host/ [token]", text, 1, true)
  end)

  it("is recorded again when the run is resumed", function()
    assert(migration.apply(space, plan(), { journal = path, limit = 3 }))
    assert(migration.resume(space, path, { command = "the resume's" }))
    local html = assert(migration.report(path))
    assert.matches("Resumed", html, 1, true)
    assert.matches("the resume&#39;s", html, 1, true)
  end)
end)
