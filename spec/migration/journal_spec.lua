local core = require "workstage.core"
local errors = require "workstage.errors"
local journal = require "workstage.migration.journal.file"
local shell = require "house.shell"
local files = require "support.files"
local tries = require "support.tries"

local probe = files.probe

local folder, path

before_each(function()
  folder = shell.temporary()
  path = folder .. "/run.journal"
end)

after_each(function() shell.remove(folder) end)

local function fails(kind, value, err, ...)
  assert.is_nil(value)
  assert.is_true(errors.is(err), "no error")
  assert.equal(kind, err.kind, tostring(err))
  for _, piece in ipairs { ... } do
    assert.truthy(tostring(err):find(piece, 1, true), tostring(err))
  end
  return err
end

local function read_all()
  local seen = {}
  local reader = assert(journal.read(path))
  for record in reader do seen[#seen + 1] = record end
  return seen, reader.torn
end

-- A journal of so many records { n = i }, closed, and its text.
local function make(count)
  local self = assert(journal.create(path, { id = "j" }))
  for i = 1, count do assert(self:write { n = i }) end
  assert(self:close())
  return files.read(path)
end

local function count_up(seen)
  for i, record in ipairs(seen) do
    if record.n ~= i then return false end
  end
  return true
end

describe("a new journal", function()
  it("is on the disk with its header, and for its owner alone", function()
    local self = assert(journal.create(path, { plan = "p", id = 7 }))
    assert.equal("600\n", shell.must("stat -c %%a %s", path))
    assert.same({ "run.journal" }, files.list(folder))
    local text = files.read(path)
    assert.truthy(text:find(
      '^{"workstage":"journal","version":1,"id":7,"plan":"p","sum":"%x+"}\n$'
    ))
    assert.equal(#text, self:size())
    assert.same({ workstage = "journal", version = 1, plan = "p", id = 7 },
                self.header)
    assert.equal(path, self.path)
    self:close()
    local reader = assert(journal.read(path))
    assert.same(self.header, reader.header)
    assert.is_nil((reader:next()))
  end)

  it("does not replace another file", function()
    local text = make(2)
    local _, err = journal.create(path, {})
    fails("io", nil, err, "exists", path)
    assert.equal(text, files.read(path))
    assert.same({ "run.journal" }, files.list(folder))
    for _, other in ipairs { "mkdir", "mkfifo", "ln -s nowhere" } do
      shell.must("rm -rf %s && %s %s", path, other, path)
      local _
      _, err = journal.create(path, {})
      fails("io", nil, err, path)
      assert.same({ "run.journal" }, files.list(folder))
    end
  end)

  it("is refused where none can be, and leaves nothing", function()
    local _, err = journal.create(folder .. "/no/x", {})
    fails("io", nil, err, "No such file")
    _, err = journal.create(path .. "\0x", {})
    fails("invalid", nil, err)
    _, err = journal.create(path, { a = print })
    fails("invalid", nil, err, "a:")
    _, err = journal.create(path, { a = ("x"):rep(1 << 20) })
    fails("invalid", nil, err, "1 MiB")
    assert.same({}, files.list(folder))
    shell.must("chmod 555 %s", folder)
    local output = shell.run("%s", files.unprivileged([[
      local journal = require "workstage.migration.journal.file"
      local self, err = journal.create(arg[1], {})
      print(self, err.kind, err)]], path))
    assert.equal(("nil\tio\t'%s' cannot be created: Permission denied\n")
                 :format(path), output)
    shell.must("chmod 755 %s", folder)
  end)

  it("never exists without its header, whenever it is killed",
     function()
    for i = 1, 40, tries.step(40) do
      local script = [[
        local journal = require "workstage.migration.journal.file"
        io.write "go\n" io.flush()
        for i = 1, 1000 do
          assert(journal.create(arg[1] .. i, { n = i })):close()
        end]]
      shell.must("%s >%s/out & pid=$!; until [ -s %s/out ]; do :; done; " ..
                 "sleep 0.0%02d; kill -KILL $pid; wait $pid || true",
                 files.command(script, path), folder, folder, i)
      os.remove(folder .. "/out")
      for _, name in ipairs(files.list(folder)) do
        if not name:find "%.new$" then
          local self = assert(journal.open(folder .. "/" .. name))
          assert.is_nil(self.torn)
          self:close()
        end
      end
      shell.must("find %s -name 'run*' -delete", folder)
    end
  end)
end)

describe("writing to a journal", function()
  it("is seen by others at once, and kept in order", function()
    local self = assert(journal.create(path, {}))
    for i = 1, 50 do
      assert.is_true(self:write { n = i, text = "é\n" })
      local seen = read_all()
      assert.equal(i, #seen)
      assert.same({ n = i, text = "é\n" }, seen[i])
    end
    assert.equal(#files.read(path), self:size())
    self:close()
  end)

  it("goes on after it was opened again", function()
    make(3)
    for round = 1, 3 do
      local self = assert(journal.open(path))
      assert.is_nil(self.torn)
      assert.equal("j", self.header.id)
      assert.equal(#files.read(path), self:size())
      assert(self:write { n = 3 + round })
      self:close()
    end
    local seen = read_all()
    assert.equal(6, #seen)
    assert.is_true(count_up(seen))
  end)

  it("refuses a record that cannot be written, and goes on", function()
    local self = assert(journal.create(path, {}))
    local before = self:size()
    local done, err = self:write { a = print }
    fails("invalid", done, err, "a:")
    done, err = self:intend { a = ("x"):rep(1 << 20) }
    fails("invalid", done, err, "1 MiB")
    done, err = self:write {}
    fails("invalid", done, err)
    assert.equal(before, self:size())
    assert.is_true(self:write { n = 1 })
    self:close()
    assert.same({ { n = 1 } }, (read_all()))
  end)

  it("syncs at once what is intended, and the rest within a second",
     function()
    local self = assert(journal.create(path, {}))
    local syncs, file = 0, self.file
    self.file = setmetatable({
      sync = function() syncs = syncs + 1 return file:sync() end,
      append = function(_, text) return file:append(text) end,
      close = function() return file:close() end,
    }, {})
    local now = core.now()
    assert(self:tick(now + 100))
    assert.equal(0, syncs)
    assert(self:write { n = 1 })
    assert.equal(0, syncs)
    assert(self:tick(now + 0.5))
    assert(self:write { n = 2 })
    assert.equal(0, syncs)
    assert(self:tick(now + 1))
    assert.equal(1, syncs)
    assert(self:tick(now + 100))
    assert.equal(1, syncs)
    assert(self:intend { n = 3 })
    assert.equal(2, syncs)
    assert(self:tick(now + 100))
    assert(self:close())
    assert.equal(2, syncs)
    self = assert(journal.open(path))
    assert(self:write { n = 4 })
    self.oldest = self.oldest - 1
    assert(self:write { n = 5 })
    assert.is_nil(self.oldest)
    assert(self:write { n = 6 })
    assert(self:close())
    assert.equal(6, #read_all())
  end)

  it("ends with close, which may be called again", function()
    local self = assert(journal.create(path, {}))
    assert.is_true(self:write { n = 1 })
    assert.is_true(self:close())
    assert.is_true(self:close())
    for _, method in ipairs { "write", "intend" } do
      local done, err = self[method](self, { n = 2 })
      fails("invalid", done, err, "is closed", path)
    end
    local done, err = self:sync()
    fails("invalid", done, err, "is closed")
    do
      local other <close> = assert(journal.open(path))
      assert(other:write { n = 2 })
      assert.is_true(probe.is_open(path))
    end
    assert.is_false(probe.is_open(path))
    assert.equal(2, #read_all())
    self = assert(journal.open(path))
    assert(self:write { n = 3 })
    self = nil -- luacheck: ignore
    collectgarbage()
    collectgarbage()
    assert.is_false(probe.is_open(path))
  end)

  it("is not inherited by child processes",
     function()
    local self = assert(journal.create(path, {}))
    assert(self:write { n = 1 })
    assert.is_true(probe.in_child(function()
      local done, err = self:write { n = 2 }
      local synced, other = self:sync()
      return done == nil and err.kind == "invalid" and synced == nil and
             other.kind == "invalid" and
             tostring(err):find "another process" ~= nil
    end))
    assert.equal("", (shell.run("readlink /proc/self/fd/* | grep %s || true",
                                path)))
    assert.is_true(self:write { n = 2 })
    assert.is_true(count_up((read_all())))
    self:close()
    self = assert(journal.open(path))
    local reader = assert(journal.read(path))
    assert.equal("", (shell.run("readlink /proc/self/fd/* | grep %s || true",
                                path)))
    reader:close()
    self:close()
  end)
end)

describe("a journal in use", function()
  local second = [[
    local journal = require "workstage.migration.journal.file"
    local self, err = journal.open(arg[1])
    print(self and "open" or err.kind, err)]]

  it("is locked against a second run, which can read it", function()
    local self = assert(journal.create(path, {}))
    assert(self:write { n = 1 })
    local holder = (" (process %s)"):format(
      files.read "/proc/self/stat":match "^%d+")
    if (os.getenv "PORTABLE" or "") ~= "" then holder = "" end
    local output = shell.run("%s", files.command(second, path))
    assert.equal(("locked\t'%s' is in use by another run%s\n")
                 :format(path, holder), output)
    local other, err = journal.open(path)
    fails("locked", other, err, path)
    assert.same({ { n = 1 } }, (read_all()))
    assert.is_true(self:write { n = 2 })
    self:close()
    assert.equal("open\tnil\n", shell.run("%s", files.command(second, path)))
    self = assert(journal.open(path))
    output = shell.run("%s", files.command(second, path))
    assert.truthy(output:find "^locked")
    self:close()
  end)

  it("does not stay locked by a child that was forked meanwhile", function()
    make(1)
    local self = assert(journal.open(path))
    local end_child = require "probe_fork".linger()
    fails("locked", journal.open(path))
    assert(self:close())
    self = assert(journal.open(path))
    end_child()
    fails("locked", journal.open(path))
    assert(self:close())
  end)

  it("stays locked when such a child has closed its copy", function()
    make(1)
    local self = assert(journal.open(path))
    assert.equal("closed", require "probe_fork".in_child(function()
      self:close()
      return "closed"
    end))
    fails("locked", journal.open(path))
    assert(self:close())
  end)

  it("does not stay locked by a reader, nor by a refused opening",
     function()
    local self = assert(journal.create(path, {}))
    read_all()
    assert.truthy(shell.run("%s", files.command(second, path))
                  :find "^locked")
    assert.is_nil((journal.open(path)))
    self:close()
    files.write(path, files.read(path) .. "x\ny\n")
    local other, err = core.journal_open(path)
    assert.is_nil(other)
    assert.equal("damaged", err)
    assert.is_false(probe.is_open(path))
  end)

  it("is free again when its process was killed", function()
    make(0)
    shell.must("%s >%s/out & pid=$!; until [ -s %s/out ]; do :; done; " ..
               "%s >%s/second; kill -KILL $pid; wait $pid || true",
               files.command([[
      held = assert(require "workstage.migration.journal.file".open(arg[1]))
      io.write "go\n" io.flush()
      while true do end]], path), folder, folder,
               files.command(second, path), folder)
    assert.truthy(files.read(folder .. "/second"):find "^locked")
    assert(journal.open(path)):close()
  end)
end)

describe("a journal whose process was killed", function()
  it("has all that was synced, and lost a line at most", function()
    local script = [[
      local journal = require "workstage.migration.journal.file"
      local self = arg[2] == "0" and journal.create(arg[1], {}) or
                   assert(journal.open(arg[1]))
      local at = math.tointeger(arg[2])
      io.write "go\n" io.flush()
      for i = at + 1, at + 1000000 do
        local record = { n = i, text = ("x"):rep(i % 400) }
        if i % 50 == 0 then
          assert(self:intend(record))
          io.write(i, "\n")
          io.flush()
        else
          assert(self:write(record))
        end
      end]]
    math.randomseed()
    local count = 0
    for round = 1, 20 do
      shell.must("%s >%s/out & pid=$!; until [ -s %s/out ]; do :; done; " ..
                 "sleep %.4f; kill -KILL $pid; wait $pid || true",
                 files.command(script, path, count), folder, folder,
                 math.random() * 0.1)
      local synced = 0
      for number in files.read(folder .. "/out"):gmatch "(%d+)\n" do
        synced = math.tointeger(tonumber(number))
      end
      os.remove(folder .. "/out")
      local self = assert(journal.open(path))
      self:close()
      local seen, torn = read_all()
      assert.is_nil(torn)
      assert.is_true(count_up(seen))
      assert.is_true(#seen >= synced and #seen >= count,
                     ("round %d: %d, synced %d"):format(round, #seen, synced))
      count = #seen
    end
    assert.is_true(count > 100, "too few records: " .. count)
  end)

  it("is cut back to its last whole line, and says so", function()
    local text = make(3)
    local whole = text:match "^(.*\n)[^\n]+\n$"
    for size = #whole + 1, #text - 1 do
      files.write(path, text:sub(1, size))
      local self = assert(journal.open(path))
      assert.truthy(self.torn:find("line 4", 1, true))
      assert.truthy(self.torn:find(path, 1, true))
      assert.equal(whole, files.read(path))
      assert(self:write { n = 3 })
      self:close()
      assert.equal(text, files.read(path))
    end
  end)

  it("may end with garbage, NULs or a changed line", function()
    local text = make(3)
    local whole = text:match "^(.*\n)[^\n]+\n$"
    for tail, kept in pairs {
      ["garbage"] = text, ["garbage\n"] = text, ["\n"] = text,
      [("\0"):rep(5000)] = text, ["\0\0\n"] = text, ["\r\n"] = text,
      ["{}\n"] = text, [text:match "[^\n]+\n$"] = text,
    } do
      files.write(path, text .. tail)
      local self = assert(journal.open(path))
      assert.truthy(self.torn)
      assert.equal(kept, files.read(path))
      assert(self:write { n = 4 })
      self:close()
      assert.equal(4, #read_all())
    end
    files.write(path, (text:gsub('"n":3', '"n":4')))
    local self = assert(journal.open(path))
    assert.truthy(self.torn:find("checksum", 1, true))
    assert.equal(whole, files.read(path))
    assert(self:write { n = 3 })
    self:close()
    assert.equal(text, files.read(path))
  end)
end)

-- Blocks of 512 bytes that a power cut kept from the disk are NULs.
describe("a journal with a hole", function()
  -- Records on the disk, and some after them that need not be there.
  local function make_half_synced()
    local self = assert(journal.create(path, {}))
    for i = 1, 20 do assert(self:write { n = i, s = ("x"):rep(60) }) end
    assert(self:sync())
    local synced = self:size()
    for i = 21, 60 do assert(self:write { n = i, s = ("x"):rep(60) }) end
    self.file:close()
    return files.read(path), synced
  end

  local function without(text, from, to)
    return text:sub(1, from) .. ("\0"):rep(to - from) .. text:sub(to + 1)
  end

  it("after the synced part is truncated", function()
    local text, synced = make_half_synced()
    for block = synced // 512, #text // 512 do
      local from = math.max(synced, block * 512)
      for _, to in ipairs { block * 512 + 512, block * 512 + 1024 } do
        to = math.min(to, #text)
        files.write(path, without(text, from, to))
        local seen, torn = read_all()
        assert.is_true(count_up(seen) and #seen >= 20)
        assert.truthy(torn:find(path, 1, true))
        local self = assert(journal.open(path))
        assert.truthy(self.torn)
        assert.equal(text:sub(1, from):match "^.*\n", files.read(path))
        assert(self:write { n = #seen + 1 })
        self:close()
        assert.is_true(count_up((read_all())))
      end
    end
  end)

  it("in the synced part is damaged, and is not changed", function()
    local text, synced = make_half_synced()
    for from = 512, synced - 512, 512 do
      local holed = without(text, from, from + 512)
      files.write(path, holed)
      local self, err = journal.open(path)
      fails("damaged", self, err, path, "line ", "missing from the disk")
      assert.equal(holed, files.read(path))
      assert.is_false(probe.is_open(path))
    end
  end)

  it("that a disk cannot cause is damage", function()
    local text, synced = make_half_synced()
    for from = synced + 1, synced + 700, 50 do
      local holed = without(text, from, from + 10)
      files.write(path, holed)
      local self, err = journal.open(path)
      fails("damaged", self, err, path)
      assert.equal(holed, files.read(path))
    end
  end)
end)

describe("a damaged journal", function()
  -- Refused and unchanged.
  local function refused(text, kind, ...)
    files.write(path, text)
    local self, err = journal.open(path)
    fails(kind, self, err, path, ...)
    assert.equal(text, files.read(path))
    self, err = core.journal_open(path)
    assert.is_nil(self)
    assert.equal("damaged", err)
    assert.equal(text, files.read(path))
    assert.is_false(probe.is_open(path))
  end

  it("is refused with the number of the line", function()
    local text = make(3)
    local lines = shell.lines(text)
    refused((text:gsub('"n":1', '"n":5')), "damaged", "line 2", "checksum")
    refused((text:gsub('"n":2', '"n":22')), "damaged", "line 3")
    refused((text:gsub('"id":"j"', '"id":"k"')), "damaged", "line 1")
    refused(lines[1] .. "\n" .. lines[3] .. "\n" .. lines[4] .. "\n",
            "damaged", "line 2")
    refused((text:gsub("\n", "\r\n")), "damaged", "line 1",
            "carriage return")
    refused(text .. "garbage\n\n", "damaged", "line 5")
    refused(text .. "\0\n" .. lines[2] .. "\n", "damaged", "line 5")
    refused(text .. ("x"):rep(1100000), "damaged", "line 5", "1 MiB")
  end)

  it("is never truncated if it is not a journal", function()
    for _, text in ipairs { "", "\n", "hello", "hello\n", "one\ntwo",
                            "\0\0\0", make(0):sub(1, -2) } do
      refused(text, "damaged", "line 1")
    end
    local plan = core.seal '{"workstage":"plan","version":1}'
    refused(plan .. (core.seal '{"type":"end"}'), "damaged",
            "is a plan, not a journal")
    refused((core.seal '{"workstage":"journal","version":2}') .. "xx",
            "invalid", "newer version")
  end)

  it("has to be a plain file that may be written to", function()
    local self, err = journal.open(path)
    fails("io", self, err, "No such file")
    self, err = journal.open(folder)
    fails("io", self, err, "is not a regular file")
    self, err = journal.open "/dev/null"
    fails("io", self, err, "is not a regular file")
    shell.must("mkfifo %s", path)
    self, err = journal.open(path)
    fails("io", self, err, "is not a regular file")
    local kind
    self, kind = core.journal_open(path)
    assert.is_nil(self)
    assert.equal("io", kind)
    os.remove(path)
    make(1)
    shell.must("chmod 755 %s && chmod 444 %s", folder, path)
    local output = shell.run("%s", files.unprivileged([[
      local journal = require "workstage.migration.journal.file"
      local self, err = journal.open(arg[1])
      print(self, err.kind, err)
      print(journal.read(arg[1]):next().n)]], path))
    assert.equal(("nil\tio\t'%s' cannot be opened: Permission denied\n1\n")
                 :format(path), output)
  end)

  it("may be opened through a link", function()
    make(1)
    shell.must("ln -s run.journal %s/link", folder)
    local self = assert(journal.open(folder .. "/link"))
    local other, err = journal.open(path)
    fails("locked", other, err)
    assert(self:write { n = 2 })
    self:close()
    assert.is_true(count_up((read_all())))
    assert.equal("run.journal\n", shell.must("readlink %s/link", folder))
  end)
end)

describe("a journal whose disk fails", function()
  it("takes nothing more after a write that failed", function()
    local self = assert(journal.create(path, {}))
    assert(self:write { n = 1 })
    probe.swap(path, "/dev/full")
    local done, err = self:write { n = 2 }
    local first = fails("io", done, err, path, "cannot be written",
                        "No space left")
    for _ = 1, 2 do
      done, err = self:intend { n = 3 }
      fails("io", done, err)
      assert.equal(tostring(first), tostring(err))
      done, err = self:sync()
      fails("io", done, err)
      assert.equal(tostring(first), tostring(err))
    end
    done, err = self:close()
    fails("io", done, err)
    assert.same({ { n = 1 } }, (read_all()))
  end)

  it("takes nothing more after a sync that failed", function()
    local fifo = folder .. "/fifo"
    shell.must("mkfifo %s", fifo)
    for _, method in ipairs { "sync", "tick", "intend", "close" } do
      os.remove(path)
      local self = assert(journal.create(path, {}))
      assert(self:write { n = 1 })
      probe.swap(path, fifo)
      self.oldest = self.oldest - 1
      local opts = method == "intend" and { n = 2 } or nil
      local done, err = self[method](self, opts)
      local first = fails("io", done, err, path, "cannot be synced")
      if method ~= "close" then
        done, err = self:write { n = 3 }
        fails("io", done, err)
        assert.equal(tostring(first), tostring(err))
        done, err = self:sync()
        fails("io", done, err)
        self:close()
      end
      assert.is_false(probe.is_open(path))
    end
  end)

  it("removes an incomplete line that did not fit", function()
    local output = shell.run("trap '' XFSZ; ulimit -f 8; %s",
                             files.command([[
      local journal = require "workstage.migration.journal.file"
      local self = assert(journal.create(arg[1], {}))
      local count = 0
      while true do
        local done, err = self:write { n = count + 1, s = ("x"):rep(70) }
        if not done then print(err.kind, err) break end
        count = count + 1
      end
      print(count, self:size())
      local done, err = self:write { n = 0 }
      print(done, err.kind)
      print(self:sync() == nil)]], path))
    local kind, said, count, size, rest = output:match(
      "^(%a+)\t([^\n]+)\n(%d+)\t(%d+)\n(.*)$")
    assert.equal("io", kind, output)
    assert.equal(("'%s' cannot be written: File too large"):format(path),
                 said)
    assert.equal("nil\tio\ntrue\n", rest)
    assert.equal(tonumber(size), #files.read(path))
    local seen, torn = read_all()
    assert.equal(tonumber(count), #seen)
    assert.is_nil(torn)
    local self = assert(journal.open(path))
    assert.is_nil(self.torn)
    assert(self:write { n = #seen + 1 })
    self:close()
    assert.is_true(count_up((read_all())))
  end)

  it("fills a small disk and is complete up to there", function()
    local script = [[
      local journal = require "workstage.migration.journal.file"
      local self = assert(journal.create(arg[1] .. "/j", {}))
      local count = 0
      while count < 100000 do
        local done, err = self:intend { n = count + 1, s = ("x"):rep(70) }
        if not done then print(err.kind, err.message) break end
        count = count + 1
      end
      self:close()
      local seen, reader = 0, assert(journal.read(arg[1] .. "/j"))
      for record in reader do
        seen = seen + 1
        assert(record.n == seen)
      end
      print(seen == count, reader.torn)
      local other, err = journal.create(arg[1] .. "/k", { s = ("x"):rep(9000)})
      print(other, err.kind)
      os.execute("ls " .. arg[1])]]
    local mount = shell.quote("mount -t tmpfs -o size=64k none " .. folder ..
      " && " .. files.command(script, folder))
    local output, code = shell.run("unshare -m true && unshare -m sh -c %s",
                                   mount)
    if code ~= 0 then
      output, code = shell.run("unshare -rm sh -c %s", mount)
    end
    if code ~= 0 and output:find "unshare" then return end
    assert.equal(("io\t'%s/j' cannot be written: No space left on device\n")
                 :format(folder) .. "true\tnil\nnil\tio\nj\n", output)
  end)
end)
