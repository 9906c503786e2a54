-- A real journal that was modified, line by line, as an editor, a disk or a
-- copy might do it. A modified journal is refused, with the file, the line and
-- the remedy. Only its end may be missing without an error, and then nothing
-- is done twice.
local files = require "support.files"
local journals = require "workstage.migration.journal.file"
local migration = require "workstage.migration"
local migrations = require "support.migrations"
local tries = require "support.tries"

describe("a journal changed by hand", function()
  local server, space, folder, path, lines, records

  before_each(function()
    folder = migrations.folder()
    path = folder .. "/j"
    server, space = migrations.start(migrations.space { ["Old review"] = 6 })
    local plan = assert(migration.plan(space, migrations.smaller()))
    assert.is_true(assert(migration.apply(space, plan,
                                          { journal = path })).complete)
    lines, records = {}, {}
    for line in io.lines(path, "L") do lines[#lines + 1] = line end
    for record in assert(journals.read(path)) do
      records[#records + 1] = record
    end
  end)

  after_each(function()
    space:close()
    server:stop()
    migrations.remove(folder)
  end)

  -- What is read of a text, and the error after it.
  local function read(text)
    files.write(path, text)
    local reader, err = journals.read(path)
    if not reader then return 0, err end
    local count = 0
    while true do
      local record
      record, err = reader:next()
      if not record then return count, err, reader.torn end
      count = count + 1
      assert.same(records[count], record)
    end
  end

  local function refused(text, line)
    local count, err = read(text)
    assert.truthy(err, "read to its end after line " .. line)
    assert.equal("damaged", err.kind)
    assert.is_true(count <= line)
    local remedies = { resume = "; nothing was sent, and a new plan",
                       rollback = "; .*apply a blueprint" }
    for name, remedy in pairs(remedies) do
      local requests = #server:requests()
      local report, why = migration[name](space, path)
      assert.is_nil(report)
      assert.equal("damaged", why.kind)
      assert.truthy(tostring(why):find(path, 1, true))
      assert.truthy(tostring(why):find(remedy), tostring(why))
      assert.equal(requests, #server:requests())
    end
    assert.equal(text, files.read(path))
  end

  local function with(index, text)
    local copy = table.move(lines, 1, #lines, 1, {})
    copy[index] = text
    return table.concat(copy)
  end

  it("is refused for a bit of any line but the last", function()
    for i = 1, #lines - 1 do
      for _, at in ipairs { 1, #lines[i] // 2, #lines[i] - 3, #lines[i] } do
        local byte = lines[i]:byte(at) ~ 1 << i % 7
        refused(with(i, lines[i]:sub(1, at - 1) .. string.char(byte) ..
                        lines[i]:sub(at + 1)), i)
      end
    end
  end)

  it("is refused for a line that is gone, doubled or moved", function()
    for i = 1, #lines - 2 do
      refused(with(i, ""), i)
      refused(with(i, lines[i] .. lines[i]), i)
      local swapped = with(i, lines[i + 1] .. lines[i])
      swapped = swapped:sub(1, #table.concat(lines, "", 1, i - 1) +
                               #lines[i] + #lines[i + 1]) ..
                table.concat(lines, "", i + 2)
      refused(swapped, i)
    end
  end)

  it("is a shorter one where its end was cut off, at any byte", function()
    local text, whole = table.concat(lines), 0
    local step = tries.step(#text)
    for size = #lines[1], #text do
      if text:sub(size, size) == "\n" then whole = whole + 1 end
      if size % step ~= 0 then goto continue end
      local count, err, torn = read(text:sub(1, size))
      assert.is_nil(err)
      assert.equal(whole - 1, count)
      assert.equal(text:sub(size, size) ~= "\n", torn ~= nil)
      ::continue::
    end
    for size = 0, #lines[1] - 1, tries.step(#lines[1]) do
      local count, err = read(text:sub(1, size))
      assert.equal(0, count)
      assert.equal("damaged", err.kind)
    end
  end)

  -- Each story was moved when the journal had its end, and a stage deleted:
  -- what was synced is gone, and it may not be able to go on. It says so.
  it("moves nothing twice where its end is missing", function()
    local planned = 0
    for i, record in ipairs(records) do
      if record.type == "begin" or record.type == "page" then
        planned = i
        break
      end
    end
    local complete = 0
    for last = planned, #lines do
      files.write(path, table.concat(lines, "", 1, last))
      local report, err = migration.resume(space, path)
      if not report then assert.equal("stale", err.kind)
      elseif report.complete then complete = complete + 1
      else assert.truthy(tostring(report):find(path, 1, true)) end
      assert.same({ Review = 6 }, migrations.counts(server))
      for _, changes in pairs(migrations.changes(server)) do
        assert.equal(1, #changes)
      end
    end
    assert.is_true(complete > (#lines - planned) / 2)
  end)
end)
