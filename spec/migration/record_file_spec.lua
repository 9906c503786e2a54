local core = require "workstage.core"
local errors = require "workstage.errors"
local record_file = require "workstage.migration.journal.record_file"
local transport = require "workstage.transport"
local shell = require "house.shell"
local files = require "support.files"
local tries = require "support.tries"
local cjson = require "cjson".new()

local null = transport.null
local encode = record_file.encode

local function refused(record, ...)
  local text, err = encode(record)
  assert.is_nil(text)
  assert.is_true(errors.is(err))
  assert.equal("invalid", err.kind)
  for _, piece in ipairs { ... } do
    assert.truthy(tostring(err):find(piece, 1, true), tostring(err))
  end
end

describe("a record as text", function()
  it("has its names in order, the descriptive ones first", function()
    assert.equal('{"workstage":"plan","version":1,"type":"x","a":1,' ..
      '"b":{"type":1,"a":2},"z":true}',
      encode { z = true, a = 1, b = { a = 2, type = 1 }, type = "x",
               version = 1, workstage = "plan" })
  end)

  it("is the same however the table was built", function()
    math.randomseed(5)
    local names = {}
    for i = 1, 40 do names[i] = "n" .. i end
    local first
    for _ = 1, 50 do
      for i = #names, 2, -1 do
        local j = math.random(i)
        names[i], names[j] = names[j], names[i]
      end
      local record = {}
      for _, name in ipairs(names) do
        record[name .. "x"] = 1
        record[name] = name
      end
      for _, name in ipairs(names) do record[name .. "x"] = nil end
      first = first or encode(record)
      assert.equal(first, encode(record))
    end
  end)

  it("holds arrays, empty tables, null and false", function()
    assert.equal('{"a":[1,"b",false,[[]],null],"b":[],"c":null}',
      encode { a = { 1, "b", false, { {} }, null }, b = {}, c = null })
  end)

  it("holds integers exactly, and no zeros behind", function()
    assert.equal('{"a":288868932106293,"b":9007199254740991,' ..
      '"c":-9007199254740991,"d":0,"e":3,"f":0}',
      encode { a = 288868932106293, b = 2^53 - 1, c = -(1 << 53) + 1,
               d = 0, e = 3.0, f = -0.0 })
  end)

  it("refuses an integer that would not be read back the same", function()
    refused({ a = { 1, 1 << 53 } }, "a[2]", "9007199254740992")
    refused({ a = math.mininteger }, "a:")
    refused({ a = math.maxinteger }, "a:")
  end)

  it("holds floats in the shortest digits that read back the same",
     function()
    assert.equal('{"a":0.1,"b":0.30000000000000004,"c":1e+300,"d":-2.5}',
      encode { a = 0.1, b = 0.1 + 0.2, c = 1e300, d = -2.5 })
    math.randomseed(6)
    for _ = 1, tries(5000) do
      local value = string.unpack("d", string.pack("j", math.random(0)))
      if value - value == 0 then
        assert.equal(value, tonumber(encode { a = value }:match ":(.*)}"))
      end
    end
  end)

  it("is one line of valid UTF-8 whatever text it holds", function()
    assert.equal([[{"a":"a\"b\\c\n\r\t\b\f\u0000\u001f]] .. '\127/é"}',
                 encode { a = 'a"b\\c\n\r\t\b\f\0\31\127/é' })
    assert.equal('{"a":"x\u{FFFD}\u{FFFD}y\u{FFFD}"}',
                 encode { a = "x\xff\x80y\xc3" })
    assert.equal('{"\u{FFFD}\\n":1}', encode { ["\xff\n"] = 1 })
    math.randomseed(7)
    local pool = { "\xc2", "\xe0", "\xed", "\xf0", "\xf4", "\x80", "\x9f",
                   "\xbf", "a", "é", "検", "🚀", "\n", '"', "\\", "\0" }
    for _ = 1, tries(5000) do
      local bytes = {}
      for i = 1, math.random(12) do bytes[i] = pool[math.random(#pool)] end
      local text = table.concat(bytes)
      local json = encode { a = text }
      assert.truthy(utf8.len(json))
      assert.is_nil(json:find "[\0-\31]")
      local back = cjson.decode(json).a
      if utf8.len(text) then assert.equal(text, back)
      else assert.truthy(back:find("\u{FFFD}", 1, true)) end
    end
  end)

  it("refuses what JSON cannot hold, and says where", function()
    refused({ a = 1 / 0 }, "a:", "inf")
    refused({ a = 0 / 0 }, "a:", "nan")
    refused({ a = { b = print } }, "a.b:", "function")
    refused({ a = { 1, { b = io.stdout } } }, "a[2].b:", "userdata")
    refused({ a = { 1, nil, 3 } }, "a:", "holes")
    refused({ a = { 1, b = 2 } }, "a:", "names")
    refused({ a = { [true] = 1 } }, "a:")
    refused({ a = { [2] = 1 } }, "a:")
    refused({ a = { [1.5] = 1 } }, "a:")
    refused({ sum = "x" }, "sum")
    refused({}, "record")
    refused({ 1, 2 }, "record")
    refused(nil, "record")
    refused("x", "record")
  end)

  it("refuses a table that contains itself", function()
    local record = { a = {} }
    record.a.b = record.a
    refused(record, "a:", "contain itself")
    local deep = {}
    for _ = 1, 98 do deep = { deep } end
    assert.truthy(encode { a = deep })
    refused({ a = { deep } }, "100 levels")
  end)

  it("asks no metamethod", function()
    local odd = setmetatable({ 1, 2 }, {
      __index = error, __len = error, __pairs = error, __eq = error })
    assert.equal('{"a":[1,2]}', encode { a = odd })
  end)
end)

describe("a checksum", function()
  it("is the standard CRC-32", function()
    assert.equal(0xCBF43926, core.checksum "123456789")
    assert.equal(0, core.checksum "")
    assert.equal(core.checksum "123456789",
                 core.checksum("6789", core.checksum "12345"))
  end)

  it("covers a line up to its last member", function()
    local line, sum = core.seal '{"a":1}'
    assert.equal(core.checksum '{"a":1', sum)
    assert.equal(('{"a":1,"sum":"%08x"}\n'):format(sum), line)
    local _, second = core.seal('{"b":2}', sum)
    assert.equal(core.checksum '{"a":1{"b":2', second)
  end)

  it("is refused for anything but a line", function()
    local most = '{"a":"' .. ("x"):rep(1024 * 1024 - 56) .. '"}'
    assert.truthy((core.seal(most)))
    for _, text in ipairs { "", "{}", "[]", "[1]", '{"a":1', '{"a":\n1}',
                            '{"a":"\0"}', (most:gsub("x", "xx", 1)) } do
      local line, kind, why = core.seal(text)
      assert.is_nil(line)
      assert.equal("invalid", kind)
      assert.truthy(why:find "^the record ")
    end
  end)
end)

-- An independent reader checks the result.
describe("any record", function()
  local function read_back(value)
    local text = assert(encode { a = value })
    return cjson.decode(text).a, text
  end

  local function any(level)
    local kinds = {
      function() return math.random(-1000, 1000) end,
      function() return math.random(0, (1 << 53) - 1) end,
      function() return math.random() * 10 ^ math.random(-300, 300) end,
      function() return math.random(2) == 1 end,
      function()
        local parts = {}
        for i = 1, math.random(0, 12) do
          parts[i] = utf8.char(math.random(0, 0x2ff))
        end
        return table.concat(parts)
      end,
    }
    local kind = math.random(level < 4 and 7 or 5)
    if kind <= 5 then return kinds[kind]() end
    local made = {}
    for i = 1, math.random(0, 8) do
      made[kind == 6 and i or ("k%d"):format(math.random(99))] =
        any(level + 1)
    end
    return made
  end

  it("is read back unchanged", function()
    math.randomseed(5)
    for _ = 1, 2000 do
      local value = any(1)
      assert.same(value, (read_back(value)))
    end
  end)

  it("may be wide and deep", function()
    local wide, deep, names = {}, {}, {}
    for i = 1, 500 do wide["n" .. i] = i end
    assert.same(wide, (read_back(wide)))
    for name in select(2, read_back(wide)):gmatch '"(n%d+)"' do
      assert.is_true(#names == 0 or names[#names] < name)
      names[#names + 1] = name
    end
    assert.equal(500, #names)
    for _ = 1, 30 do deep = { deep } end
    assert.same(deep, (read_back(deep)))
    wide.x = print
    refused({ a = { b = wide } }, "a.b.x:", "function")
  end)
end)

describe("a file of records", function()
  local folder, path

  before_each(function()
    folder = shell.temporary()
    path = folder .. "/file"
  end)

  after_each(function() shell.remove(folder) end)

  -- A file made by hand, of records or of whole lines.
  local function make(kind, records)
    local parts, sum = {}, 0
    for i, record in ipairs(records) do
      if type(record) == "string" then parts[i] = record
      else
        parts[i], sum = core.seal(assert(encode(record)),
                                  kind == "journal" and sum or 0)
      end
    end
    files.write(path, table.concat(parts))
    return parts
  end

  local function journal(version, ...)
    return make("journal", { { workstage = "journal", version = version },
                             ... })
  end

  local function plan(...)
    local writer = assert(record_file.create(path, "plan", { id = "p" }))
    for _, record in ipairs { ... } do assert(writer:write(record)) end
    assert(writer:commit())
    return files.read(path)
  end

  local function fails(kind, expected, ...)
    local reader, err = record_file.each(path, expected)
    while reader do
      local record
      record, err = reader:next()
      if not record then break end
    end
    assert.is_true(errors.is(err), "it did not fail")
    assert.equal(kind, err.kind)
    for _, piece in ipairs { path, ... } do
      assert.truthy(tostring(err):find(piece, 1, true), tostring(err))
    end
    assert.is_false(files.probe.is_open(path))
    return err
  end

  local function read_all(kind)
    local seen = {}
    local reader = assert(record_file.each(path, kind))
    for record, number in reader do
      seen[#seen + 1] = record
      assert.equal(#seen + 1, number)
    end
    return seen, reader
  end

  it("is read back unchanged", function()
    local opts = {
      { type = "a", id = 9007199254740991, at = 1.25, ok = false,
        list = { 1, { 2, "x" } }, map = { a = { b = "é\n\0" } } },
      { type = "b", n = -3 },
    }
    journal(1, opts[1], opts[2])
    local seen, reader = read_all "journal"
    assert.same(opts, seen)
    assert.equal("integer", math.type(seen[1].id))
    assert.equal("integer", math.type(seen[1].list[2][1]))
    assert.same({ workstage = "journal", version = 1 }, reader.header)
    assert.is_nil(reader.torn)
    assert.is_nil((reader:next()))
    plan(opts[1], opts[2])
    seen, reader = read_all "plan"
    assert.same(opts, seen)
    assert.same({ workstage = "plan", version = 1, id = "p" }, reader.header)
  end)

  it("closes what a loop left early", function()
    journal(1, { a = 1 }, { a = 2 })
    for record in assert(record_file.each(path, "journal")) do
      assert.is_true(files.probe.is_open(path))
      if record.a == 1 then break end
    end
    assert.is_false(files.probe.is_open(path))
    read_all "journal"
    assert.is_false(files.probe.is_open(path))
  end)

  it("raises in a loop, which must not end early unnoticed", function()
    local parts = journal(1, { a = 1 }, { a = 2 }, { a = 3 })
    files.write(path, parts[1] .. parts[2] .. "x" .. parts[3] .. parts[4])
    local reader, count = assert(record_file.each(path, "journal")), 0
    local good, err = pcall(function()
      for _ in reader do count = count + 1 end
    end)
    assert.is_false(good)
    assert.equal(1, count)
    assert.equal("damaged", err.kind)
    assert.truthy(tostring(err):find("line 3", 1, true))
    assert.equal(err, select(2, reader:next()))
  end)

  it("says which line was changed by hand, at whatever byte", function()
    local parts = journal(1, { type = "done", id = 17 }, { type = "x" },
                          { type = "y" })
    local text = table.concat(parts)
    local ends = { #parts[1], #parts[1] + #parts[2] }
    for at = 1, ends[2] - 1 do
      if at ~= ends[1] then
        for _, byte in ipairs { "Z", "\0", "\255" } do
          files.write(path, text:sub(1, at - 1) .. byte .. text:sub(at + 1))
          fails("damaged", "journal", at < ends[1] and "line 1" or "line 2")
        end
      end
    end
  end)

  it("notices lines of a journal taken out, put in, moved or doubled",
     function()
    local p = journal(1, { n = 1 }, { n = 2 }, { n = 3 }, { n = 4 })
    local foreign = core.seal '{"n":9}'
    for at, text in pairs {
      [3] = p[1] .. p[2] .. p[4] .. p[5],
      [2] = p[1] .. p[3] .. p[2] .. p[4] .. p[5],
      [4] = p[1] .. p[2] .. p[3] .. p[3] .. p[4] .. p[5],
      [5] = p[1] .. p[2] .. p[3] .. p[4] .. foreign .. p[5],
    } do
      files.write(path, text)
      fails("damaged", "journal", "line " .. at, "checksum")
    end
  end)

  it("notices the same in a plan", function()
    local text = plan({ n = 1 }, { n = 2 }, { n = 3 })
    local p = {}
    for line in text:gmatch "[^\n]*\n" do p[#p + 1] = line end
    assert.equal(5, #p)
    for _, damage in ipairs {
      { p[1], p[2], p[4], p[5] }, { p[1], p[3], p[2], p[4], p[5] },
      { p[1], p[2], p[2], p[3], p[4], p[5] }, { p[1], p[5] },
      { core.seal '{"workstage":"plan","version":1,"id":"q"}', p[2], p[3],
        p[4], p[5] },
    } do
      files.write(path, table.concat(damage))
      fails("damaged", "plan", "line " .. #damage,
            "not the ones that were written")
    end
    files.write(path, text .. p[2])
    fails("damaged", "plan", "line 6", "after the end")
    files.write(path, p[1] .. p[2] .. p[3])
    fails("damaged", "plan", "its end is missing")
  end)

  it("differs from another plan only where the plans do", function()
    local a = plan({ n = 1 }, { n = 2 }, { n = 3 })
    local b = plan({ n = 1 }, { n = 5 }, { n = 3 })
    local differ, other = {}, shell.lines(b)
    for i, line in ipairs(shell.lines(a)) do
      if line ~= other[i] then differ[#differ + 1] = i end
    end
    assert.same({ 3, 5 }, differ)
  end)

  it("yields nothing that was not written, whatever happened to it",
     function()
    local records = {}
    for i = 1, 8 do records[i] = { n = i, text = ("x"):rep(i) } end
    math.randomseed(8)
    for _, kind in ipairs { "journal", "plan" } do
      local text
      if kind == "plan" then text = plan(table.unpack(records))
      else text = table.concat(journal(1, table.unpack(records))) end
      for _ = 1, tries(2000) do
        local from = math.random(#text)
        local to = from + math.random(0, 4) - 1
        local put = {}
        for i = 1, math.random(0, 3) do put[i] = math.random(0, 255) end
        if math.random(4) == 1 then put = { 10 } end
        files.write(path, text:sub(1, from - 1) .. string.char(
          table.unpack(put)) .. text:sub(to + 1))
        local reader, err = record_file.each(path, kind)
        local count = 0
        while reader do
          local record
          record, err = reader:next()
          if not record then break end
          count = count + 1
          assert.same(records[count], record)
        end
        if err then assert.equal("damaged", err.kind)
        elseif kind == "plan" then assert.equal(text, files.read(path))
        elseif count < 8 then
          assert.is_true(count >= 6 and reader.torn ~= nil)
        end
      end
    end
  end)

  it("may have a torn last line in a journal, which is reported", function()
    local parts = journal(1, { n = 1 }, { n = 2 })
    local whole = parts[1] .. parts[2]
    for size = 1, #parts[3] - 1 do
      files.write(path, whole .. parts[3]:sub(1, size))
      local seen, reader = read_all "journal"
      assert.same({ { n = 1 } }, seen)
      assert.truthy(reader.torn:find("line 3", 1, true))
      assert.truthy(reader.torn:find(path, 1, true))
    end
    local seal = ',"sum":"12345678"}'
    for _, tail in ipairs { "garbage\n", "\n", "\0\0\0\0", "x", seal,
                            seal .. seal .. "\n", seal:sub(1, 10),
                            (parts[3]:gsub("2", "3", 1)) } do
      files.write(path, whole .. tail)
      local seen, reader = read_all "journal"
      assert.same({ { n = 1 } }, seen)
      assert.truthy(reader.torn)
    end
    files.write(path, whole .. "garbage\nmore\n")
    fails("damaged", "journal", "line 3")
    files.write(path, whole .. "garbage\n" .. parts[3])
    fails("damaged", "journal", "line 3")
    files.write(path, whole .. "\0\0\0\n" .. parts[3])
    fails("damaged", "journal", "line 3")
  end)

  it("is damaged where a line has lost its end to the next", function()
    local inner = { sum = "12345678" }
    local parts = journal(1, { n = 1 }, { a = { 1, { b = 1, sum = "0" },
                          inner } }, { n = 3 })
    local text = table.concat(parts)
    local at = #text - #parts[4]
    for _, byte in ipairs { "", "x", "\0", "\r", "}" } do
      files.write(path, text:sub(1, at - 1) .. byte .. parts[4])
      fails("damaged", "journal", "line 3", "its end was changed")
    end
    for _, tail in ipairs { "", "\0", "\0\0\0" } do
      files.write(path, text:sub(1, at - 1) .. tail)
      local seen, reader = read_all "journal"
      assert.same({ { n = 1 } }, seen)
      assert.truthy(reader.torn)
    end
  end)

  it("may not in a plan", function()
    local text = plan({ n = 1 }, { n = 2 })
    for size = 0, #text - 1 do
      files.write(path, text:sub(1, size))
      fails("damaged", "plan")
    end
    files.write(path, text:sub(1, -2))
    fails("damaged", "plan", "line 4", "cut off")
  end)

  it("has a whole header in any case", function()
    local parts = journal(1)
    files.write(path, "")
    fails("damaged", "journal", "line 1", "empty")
    for size = 1, #parts[1] - 1 do
      files.write(path, parts[1]:sub(1, size))
      fails("damaged", "journal", "line 1")
    end
    for _, text in ipairs { "hello\n", "hello", "\n", "\0", "{}\n",
                            '{"workstage":"journal","version":1}\n',
                            "\u{FEFF}" .. parts[1] } do
      files.write(path, text)
      fails("damaged", "journal", "line 1")
    end
  end)

  it("must be of the kind that is asked for", function()
    journal(1)
    fails("damaged", "plan", "is a journal, not a plan")
    plan()
    fails("damaged", "journal", "is a plan, not a journal")
    for _, record in ipairs { { a = 1 }, { workstage = "journal" },
                              { version = 1 },
                              { workstage = 1, version = 1 },
                              { workstage = "journal", version = "1" },
                              { workstage = "journal", version = 1.5 },
                              { workstage = "journal", version = 0 } } do
      make("journal", { record })
      fails("damaged", "journal", "line 1")
    end
  end)

  it("is refused when a newer version made it", function()
    journal(2, { n = 1 })
    fails("invalid", "journal", "newer version of workstage", "2")
    make("plan", { { workstage = "plan", version = 99 } })
    fails("invalid", "plan", "newer version of workstage", "99")
  end)

  it("is damaged by Windows line ends, and says so", function()
    local parts = journal(1, { n = 1 })
    files.write(path, (table.concat(parts):gsub("\n", "\r\n")))
    fails("damaged", "journal", "line 1", "carriage return")
    files.write(path, parts[1] .. parts[2]:gsub("\n", "\r\n") .. "\n")
    fails("damaged", "journal", "line 2", "carriage return")
  end)

  it("is damaged if a sealed line is not JSON", function()
    local p = make("journal", { { workstage = "journal", version = 1 } })
    local header = core.checksum(p[1]:sub(1, -20))
    for _, text in ipairs { '{"a":}', '{"a":NaN}', '{x}', '{"a":1}}',
                            '{"a":' .. ("["):rep(5000) .. "}" } do
      files.write(path, p[1] .. (core.seal(text, header)))
      fails("damaged", "journal", "line 2")
    end
  end)

  it("is damaged by a line longer than 1 MiB, ended or not", function()
    local parts = journal(1, { n = 1 }, { n = ("x"):rep(1000000) })
    assert.equal(1000000, #read_all "journal"[2].n)
    local long = ("y"):rep(1024 * 1024 + 1)
    for _, tail in ipairs { "", "\n", "\n" .. parts[3] } do
      files.write(path, parts[1] .. parts[2] .. long .. tail)
      fails("damaged", "journal", "line 3", "1 MiB")
    end
    files.write(path, long)
    fails("damaged", "journal", "line 1", "1 MiB")
  end)

  it("has to be a plain file, and to be there", function()
    fails("io", "journal", "No such file")
    shell.must("mkdir %s", path)
    fails("io", "journal", "is not a regular file")
    shell.must("rmdir %s && mkfifo %s", path, path)
    fails("io", "journal", "is not a regular file")
    shell.must("rm %s && ln -s /dev/zero %s", path, path)
    fails("io", "journal", "is not a regular file")
    shell.must("rm %s && ln -s %s %s", path, path, path)
    fails("io", "journal", "cannot be opened")
  end)

  it("may be named by a link, but not with a NUL", function()
    journal(1, { n = 1 })
    shell.must("mv %s %s.real && ln -s %s.real %s", path, path, path, path)
    assert.same({ { n = 1 } }, (read_all "journal"))
    local reader, err = record_file.each(path .. "\0.real", "journal")
    assert.is_nil(reader)
    assert.equal("invalid", err.kind)
    assert.has_error(function() record_file.each(nil, "journal") end)
  end)

  it("says that it may not be read", function()
    journal(1)
    shell.must("chmod 755 %s && chmod 000 %s", folder, path)
    local output = shell.run("%s", files.unprivileged([[
      local record_file = require "workstage.migration.journal.record_file"
      local reader, err = record_file.each(arg[1], "journal")
      print(reader, err.kind, err)]], path))
    assert.equal(("nil\tio\t'%s' cannot be opened: Permission denied\n")
                 :format(path), output)
  end)

  it("is read in flat memory, 100,000 lines of it", function()
    local file = assert(io.open(path, "wb"))
    local line, sum = core.seal '{"workstage":"journal","version":1}'
    file:write(line)
    for i = 1, 100000 do
      line, sum = core.seal(('{"type":"moved","id":%d,"slug":"a/%d"}')
                            :format(119522102400000 + i, i), sum)
      file:write(line)
    end
    file:close()
    local function resident()
      return tonumber(files.read "/proc/self/status":match "VmRSS:%s*(%d+)")
    end
    local count, most = 0, 0
    collectgarbage()
    collectgarbage()
    local before, resident_before = collectgarbage "count", resident()
    for record in assert(record_file.each(path, "journal")) do
      count = count + 1
      if record.id ~= 119522102400000 + count then error(record.id) end
      if count % 5000 == 0 then
        collectgarbage()
        most = math.max(most, collectgarbage "count" - before)
      end
    end
    assert.equal(100000, count)
    assert.is_true(most < 100, most .. " KiB")
    if not os.getenv "ASAN_OPTIONS" then
      local grown = resident() - resident_before
      assert.is_true(grown < 4096, grown .. " KiB")
    end
  end)
end)

describe("a file that appears whole", function()
  local folder, path

  before_each(function()
    folder = shell.temporary()
    path = folder .. "/file"
  end)

  after_each(function() shell.remove(folder) end)

  local function mode()
    return shell.must("stat -c %%a %s", path):gsub("\n", "")
  end

  it("is there with its content and mode, and nothing beside it",
     function()
    assert.is_true(core.write_file(path, "one\0two", 384))
    assert.equal("one\0two", files.read(path))
    assert.equal("600", mode())
    assert.same({ "file" }, files.list(folder))
    assert.is_true(core.write_file(path, ""))
    assert.equal("", files.read(path))
  end)

  it("keeps the mode that it had unless one is given", function()
    files.write(path, "old")
    shell.must("chmod 640 %s", path)
    assert.is_true(core.write_file(path, "new"))
    assert.equal("640", mode())
    assert.is_true(core.write_file(path, "new", 420))
    assert.equal("644", mode())
    os.remove(path)
    shell.must("umask 027; %s", files.command([[
      assert(require "workstage.core".write_file(arg[1], "x"))]], path))
    assert.equal("640", mode())
  end)

  it("is written where a link points to", function()
    files.write(path .. ".real", "old")
    shell.must("ln -s file.real %s", path)
    assert.is_true(core.write_file(path, "new"))
    assert.equal("new", files.read(path .. ".real"))
    assert.equal("file.real\n", shell.must("readlink %s", path))
  end)

  it("is never put in the place of anything but a plain file", function()
    local fifo, link = folder .. "/fifo", folder .. "/link"
    shell.must("mkfifo %s && ln -s %s %s", fifo, fifo, link)
    for place, named in pairs { [folder] = folder, [fifo] = fifo,
                                [link] = fifo } do
      local done, kind, why = core.write_file(place, "x")
      assert.is_nil(done)
      assert.equal("io", kind)
      assert.equal(("'%s' is not a regular file"):format(named), why)
    end
    assert.same({ "fifo", "link" }, files.list(folder))
    assert.equal("fifo\n", shell.must("stat -c %%F %s", fifo))
  end)

  it("keeps the old file if it is not completed", function()
    files.write(path, "old")
    local file = assert(core.atomic_file(path))
    assert.is_true(file:write "half")
    assert.equal("old", files.read(path))
    assert.equal(2, #files.list(folder))
    file:close()
    file:close()
    assert.same({ "file" }, files.list(folder))
    do
      local other <close> = assert(core.atomic_file(path))
      assert.is_true(other:write "half")
    end
    assert.same({ "file" }, files.list(folder))
    local _ = assert(core.atomic_file(path))
    assert.equal(2, #files.list(folder))
    _ = nil
    collectgarbage()
    collectgarbage()
    assert.same({ "file" }, files.list(folder))
    assert.equal("old", files.read(path))
  end)

  it("is left alone by a child of the process", function()
    local file = assert(core.atomic_file(path))
    assert.is_true(files.probe.in_child(function()
      file:close()
      return true
    end))
    assert.is_true(file:write "x" and file:commit())
    assert.equal("x", files.read(path))
  end)

  it("leaves the old one when the disk is full", function()
    files.write(path, "old")
    local output = shell.run("trap '' XFSZ; ulimit -f 8; %s",
                             files.command([[
      local core = require "workstage.core"
      print(core.write_file(arg[1], ("x"):rep(100000)))
      local file = assert(core.atomic_file(arg[1]))
      print((file:write(("x"):rep(100000))))
      print((select(3, file:write "x")))
      print((select(3, file:commit())))
      print(core.write_file(arg[1], "short"))]], path))
    local said = ("'%s' cannot be written: File too large\n"):format(path)
    assert.equal("nil\tio\t" .. said .. "nil\n" .. said .. said .. "true\n",
                 output)
    assert.same({ "file" }, files.list(folder))
    assert.equal("short", files.read(path))
  end)

  it("says that the folder may not be written to, or is not there",
     function()
    shell.must("chmod 555 %s", folder)
    local output = shell.run("%s", files.unprivileged([[
      local core = require "workstage.core"
      print(core.write_file(arg[1], "x"))
      print(core.write_file(arg[1] .. "/x/y", "x"))]], path))
    assert.equal(("nil\tio\t'%s' cannot be written: Permission denied\n")
                 :format(path)
      .. ("nil\tio\t'%s/x/y' cannot be written: No such file or directory\n")
         :format(path), output)
    shell.must("chmod 755 %s", folder)
  end)

  it("is written in a folder that may be written to but not read",
     function()
    shell.must("chmod 333 %s", folder)
    local output = shell.run("%s", files.unprivileged([[
      print(require "workstage.core".write_file(arg[1], "x"))]], path))
    assert.equal("true\n", output)
    shell.must("chmod 755 %s", folder)
    assert.same({ "file" }, files.list(folder))
  end)

  it("ignores temporary files of an earlier process", function()
    local name = shell.must("%s; ls %s", files.command([[
      local core = require "workstage.core"
      assert(core.atomic_file(arg[1])):write "half"
      os.execute "kill -KILL $PPID"]], path) .. " 2>&1 || true", folder)
    assert.truthy(name:find "file%.%d+%-1%.new")
    assert.is_true(core.write_file(path, "new"))
    assert.equal("new", files.read(path))
    local pid = files.read "/proc/self/stat":match "^%d+"
    files.write(("%s.%s-1.new"):format(path, pid), "left")
    assert.is_true(core.write_file(path, "newer"))
    assert.equal("newer", files.read(path))
    assert.equal("left", files.read(("%s.%s-1.new"):format(path, pid)))
  end)

  it("as a plan shows only once it is committed", function()
    local writer = assert(record_file.create(path, "plan", { id = 1 }, 384))
    assert.is_true(writer:write { n = 1 })
    local done, err = writer:write { n = print }
    assert.is_nil(done)
    assert.equal("invalid", err.kind)
    done, err = writer:write { type = "end" }
    assert.is_nil(done)
    assert.equal("invalid", err.kind)
    assert.is_nil(io.open(path))
    assert.is_true(writer:commit())
    assert.equal("600", mode())
    writer:close()
    local reader = assert(record_file.each(path, "plan"))
    assert.same({ n = 1 }, (reader:next()))
    assert.is_nil((reader:next()))
    done, err = record_file.create(folder .. "/x/y", "plan", {})
    assert.is_nil(done)
    assert.equal("io", err.kind)
    done, err = record_file.create(path, "plan", { a = print })
    assert.is_nil(done)
    assert.equal("invalid", err.kind)
    assert.same({ "file" }, files.list(folder))
  end)
end)
