-- Reports without a browser: how they escape, how large they get, and what
-- they say of what cannot be read.
local clients = require "support.clients"
local colors = require "workstage.migration.colors"
local markup = require "workstage.migration.report.markup"
local migration = require "workstage.migration"
local migrations = require "support.migrations"

local journals = require "workstage.migration.journal.file"

local failed = clients.failed

describe("markup", function()
  it("escapes what HTML would read", function()
    assert.equal("&lt;a href=&#39;x&#39;&gt;&quot;&amp;amp;",
                 markup.text "<a href='x'>\"&amp;")
    assert.equal('<p title="&quot;&gt;&lt;b&gt;">', markup.element("p", {
      title = '"><b>' }):match "^<p[^>]*>")
  end)

  it("shows control characters and cuts long texts", function()
    assert.equal("a\\x1b[2J\\u{202e}", markup.text "a\27[2J\u{202E}")
    local cut = markup.text(("ä"):rep(10000))
    assert.equal(203, utf8.len(cut))
    assert.matches("%.%.%.$", cut)
  end)
end)

describe("a colour", function()
  it("is readable with the text on it", function()
    local function light(channel)
      local value = channel / 255
      return value <= 0.04045 and value / 12.92 or
             ((value + 0.055) / 1.055) ^ 2.4
    end
    for i = 0, 16 ^ 3 - 1 do
      local hex = ("#%03x"):format(i)
      local drawn = colors.drawn(hex)
      local red, green, blue = drawn:match "^#(..)(..)(..)$"
      local luminance = 0.2126 * light(tonumber(red, 16)) +
        0.7152 * light(tonumber(green, 16)) +
        0.0722 * light(tonumber(blue, 16))
      local on = colors.text_on(drawn)
      local contrast = on == "#000000" and (luminance + 0.05) / 0.05 or
                       1.05 / (luminance + 0.05)
      assert.is_true(contrast >= 4.5, hex)
    end
  end)

  it("that is invalid is grey", function()
    for _, text in ipairs { "#2d3v22", "red; }", "", "#12345" } do
      assert.equal("#e8e8e8", colors.drawn(text))
    end
    assert.equal("#e8e8e8", colors.drawn(nil))
  end)
end)

describe("a report", function()
  local folder, path

  before_each(function()
    folder = migrations.folder()
    path = folder .. "/journal"
  end)

  after_each(function() migrations.remove(folder) end)

  -- What was read of the next hundred items.
  local function write_page(journal, operation, from, count)
    local ids, created = {}, {}
    for i = from, math.min(from + 99, count) do
      ids[#ids + 1], created[#created + 1] = 5000000 + i, 1600000000
    end
    assert(journal:write { type = "page", operation = operation, items = ids,
                           created = created, at = 1700000000 + from })
  end

  -- A journal of so many items, the last of which failed.
  local function write_journal(count, lost)
    local server, space = migrations.start(migrations.space {
      ["Old review"] = 1 })
    local plan = assert(migration.plan(space, migrations.smaller()))
    assert(migration.apply(space, plan, { journal = path }))
    space:close()
    server:stop()
    -- the same once more, with the items in the place of its only one
    local reader = assert(journals.read(path))
    local journal = assert(journals.create(path .. ".long", reader.header))
    assert(reader:take_all(function(record)
      if record.type ~= "moved" then
        assert(journal:write(record))
        return
      end
      for i = 1, count do
        if i % 100 == 1 then write_page(journal, record.operation, i, count) end
        local has_failed = i > count - lost
        assert(journal:write {
          type = has_failed and "failed" or "moved", item = 5000000 + i,
          operation = record.operation, at = 1700000000 + i,
          why = has_failed and ("the reason of item %d <b>"):format(i) or nil,
          name = has_failed and "Story " .. i or nil,
        })
      end
    end))
    journal:close()
    path = path .. ".long"
  end

  it("of 10,000 items that failed is smaller than a megabyte", function()
    write_journal(10000, 10000)
    local html = assert(migration.report(path))
    assert.is_true(#html < 1e6, #html)
    assert.matches("9,500 further items not shown here", html, 1, true)
    assert.matches("workstage progress " .. path .. " --failures", html, 1,
                   true)
  end)

  it("of 100,000 items does not keep them in memory", function()
    write_journal(100000, 10)
    collectgarbage()
    local before, most = collectgarbage "count", 0
    debug.sethook(function()
      most = math.max(most, collectgarbage "count" - before)
    end, "", 100000)
    local html = assert(migration.report(path))
    debug.sethook()
    assert.is_true(most > 0 and most < 8 * 1024, most)
    assert.matches("99990", html, 1, true)
  end)

  it("has a policy that allows its own style and script alone", function()
    write_journal(1, 0)
    local html = assert(migration.report(path))
    local key = html:match "style%-src 'nonce%-(%x+)'"
    assert.equal(32, #key)
    assert.matches("default-src 'none'; style-src 'nonce-" .. key ..
                   "'; script-src 'nonce-" .. key .. "'", html, 1, true)
    assert.not_equal(key, assert(migration.report(path)):
                     match "style%-src 'nonce%-(%x+)'")
    assert.is_nil(html:find "%sstyle=")
    assert.is_nil(html:find "%son%l+=")
  end)

  -- Applies the small migration, with faults, and returns the report.
  local function report_of(options, faults)
    local server, space = migrations.start(
      migrations.space { ["Old review"] = 9 })
    local _ <close> = server
    local _ <close> = space
    local plan = assert(migration.plan(space, migrations.smaller()))
    if faults then server:inject(faults) end
    options.journal = path
    assert(migration.apply(space, plan, options))
    return assert(migration.report(path))
  end

  local function has(html, ...)
    for _, text in ipairs { ... } do assert.matches(text, html, 1, true) end
  end

  it("says what a rollback would do, and its command", function()
    has(report_of {}, "Moves 9 items back.",
        "Creates 1 stage again, with new ids: Old review.",
        "workstage rollback " .. path)
  end)

  it("of an interrupted run has the command that continues it", function()
    path = folder .. "/a long way/" .. ("x"):rep(200) .. ".journal"
    os.execute(("mkdir '%s/a long way'"):format(folder))
    local html = report_of { limit = 4 }
    has(html, "The run stopped early and can be resumed.",
        "workstage resume &#39;" .. path .. "&#39;")
    assert.is_nil(html:find("workflow changes are done", 1, true))
  end)

  it("has retries and waits by their reasons", function()
    has(report_of({}, { { status = 429, count = 3, method = "POST" } }),
        "3 retries after 429 (rate limit); nothing could be sent for")
  end)

  it("is made of a saved plan or a journal, by its path", function()
    local server, space = migrations.start(
      migrations.space { ["Old review"] = 9 })
    local plan = assert(migration.plan(space, migrations.smaller()))
    assert(plan:save(path))
    local html = assert(migration.report(path))
    has(html, "Migration plan", "9 to move", "workstage apply " .. path)
    assert(migration.apply(space, plan, { journal = path .. ".journal" }))
    has(assert(migration.report(path .. ".journal")), "Migration run")
    space:close()
    server:stop()
  end)

  it("refuses a journal that was changed, and names the line", function()
    report_of {}
    local file = assert(io.open(path, "r+"))
    local text = file:read "a"
    file:seek("set", assert(text:find('"moved"', 1, true)))
    file:write "M"
    file:close()
    local err = failed("damaged", migration.report(path))
    assert.matches("is damaged in line %d+", err.message)
  end)

  it("refuses an option that there is not, and a file that is none",
     function()
    failed("invalid", migration.report(path, { colour = true }))
    failed("invalid", migration.report(path, { picture = 5 }))
    failed("io", migration.report(folder .. "/none"))
    local file = assert(io.open(path, "w"))
    file:write "return {}"
    file:close()
    failed("damaged", migration.report(path))
    assert.has_error(function() migration.report(5) end)
  end)
end)
