-- A run with a marked token, which must not appear in any output or file.
local clients = require "support.clients"
local migration = require "workstage.migration"
local migrations = require "support.migrations"

local TOKEN = clients.TOKEN

local function output_of(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read "a"
  pipe:close()
  return text
end

describe("the token of a migration", function()
  local server, space, folder, said

  -- All events and progress reports, as text.
  local function hear(...)
    for _, value in ipairs { ... } do
      assert.is_false(clients.shows_token(value))
      said[#said + 1] = tostring(value)
    end
  end

  before_each(function()
    folder, said = migrations.folder(), {}
    server, space = migrations.start(
      migrations.space { ["Old review"] = 12 }, nil,
      { on_event = function(event) hear(event) end })
  end)

  after_each(function()
    space:close()
    server:stop()
    migrations.remove(folder)
  end)

  it("is in no plan, journal, report, progress, event or error", function()
    local plan = assert(migration.plan(space, migrations.smaller()))
    assert(plan:save(folder .. "/plan"))
    hear(plan, tostring(plan), space, tostring(space.stages))
    server:inject { { status = 500, count = 2 },
                    { close = "after", count = 1 } }
    local report = assert(migration.apply(space, plan, {
      journal = folder .. "/journal", limit = 4,
      on_progress = function(progress) hear(progress) end,
    }))
    hear(report)
    hear(assert(migration.resume(space, folder .. "/journal")))
    hear(assert(migration.progress(folder .. "/journal")))
    hear(assert(migration.rollback(space, folder .. "/journal")))
    hear(select(2, space.stories:get(7)))
    hear(select(2, migration.apply(space, plan, {
      journal = folder .. "/journal" })))
    assert.is_true(#said > 40)
    assert.equal("", output_of(("grep -rF -e '%s' -e s3cret '%s'")
                               :format(TOKEN, folder)))
    -- grep finds it where it is expected
    assert(io.open(folder .. "/mark", "w")):write(TOKEN):close()
    assert.truthy(output_of(("grep -rFl -e s3cret '%s'"):format(folder))
                  :find "mark")
  end)

  it("is in no output of the tool, and not in its command line", function()
    local command = ("STORYBLOK_TOKEN='%s' STORYBLOK_SPACE_ID=%d " ..
      "WORKSTAGE_BASE_URL=%s workstage %%s 2>&1")
      :format(TOKEN, migrations.SPACE, server.url)
    for _, arguments in ipairs {
      "whoami", "stages", "stages Article", "export Article",
      "stages Nothing", "progress /nowhere", "move --story 1 --to Nowhere",
      "--no-such-option",
    } do
      local text = output_of(command:format(arguments))
      assert.is_true(#text > 10, arguments)
      assert.is_nil(text:find("s3cret", 1, true), arguments)
    end
    server:inject { { delay = 0.5 } }
    local lines = output_of(command:format "whoami" ..
      " & sleep 0.25; cat /proc/[0-9]*/cmdline 2>/dev/null | " ..
      "tr '\\0' '\\n' | grep '^[^ ]*s3cre[t]' | " ..
      "grep -v ^STORYBLOK_TOKEN=; wait")
    assert.is_nil(lines:find("s3cret", 1, true), lines)
  end)
end)
