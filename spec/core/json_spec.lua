local probe = require "support.writer".probe
local tries = require "support.tries"
local cjson = require "cjson".new()
local dkjson = require "dkjson"

local function reads_as(json)
  return cjson.decode("[" .. json .. "]")[1]
end

describe("JSON text", function()
  it("is quoted and escaped", function()
    assert.equal([["a\"b\\c/d\b\f\n\r\t\u0001\u001f]] .. '\127"',
      probe.text 'a"b\\c/d\b\f\n\r\t\1\31\127')
    assert.equal('""', probe.text "")
    assert.equal([["a\u0000b"]], probe.text "a\0b")
  end)

  it("keeps characters that are not ASCII", function()
    assert.equal('"Prüfung – 検討 🚀"', probe.text "Prüfung – 検討 🚀")
  end)

  it("escapes characters at each position of a long text", function()
    local function look(odd, left, right)
      local text = left .. odd .. right
      local json = probe.text(text)
      if json:find "[\0-\31]" or reads_as(json) ~= text then
        error(("%q is written as %s"):format(text, json))
      end
      assert(not probe.text(left .. "\x80" .. right))
    end
    for size = 1, 26 do
      for at = 1, size do
        for _, odd in ipairs { '"', "\\", "\n", "\31", "é", "\127", "!" } do
          look(odd, ("x"):rep(at - 1), ("y"):rep(size - at))
          look(odd, ("A"):rep(at - 1), ("0"):rep(size - at))
          look(odd, (" "):rep(at - 1), ("D"):rep(size - at))
        end
      end
    end
  end)

  -- Each text differs from the previous one at every position, so that none is
  -- correct because of bytes left in memory.
  it("is checked and copied completely, however long it is", function()
    for size = 0, 100 do
      local bytes = {}
      for i = 1, size do bytes[i] = string.char(0x61 + (i + size) % 26) end
      local text = table.concat(bytes)
      assert.equal('"' .. text .. '"', probe.text(text))
      for at = 1, size, 5 do
        local before, after = text:sub(1, at - 1), text:sub(at + 1)
        assert.equal('"' .. before .. '\\n' .. after .. '"',
                     probe.text(before .. "\n" .. after))
      end
    end
  end)

  it("reads back the same, by two readers, for any text", function()
    math.randomseed(2)
    for _ = 1, tries(3000) do
      local points = {}
      for i = 1, math.random(0, 30) do
        local limit = ({ 0x7F, 0x7F, 0x24F, 0xD7FF, 0x10FFFF })
          [math.random(5)]
        local point = math.random(1, limit)
        if point >= 0xD800 and point <= 0xDFFF then point = 0xE000 end
        points[i] = utf8.char(point)
      end
      local text = table.concat(points)
      local json = probe.text(text)
      assert.equal(text, reads_as(json))
      assert.equal(text, dkjson.decode(json))
    end
  end)

  it("is refused when it is not UTF-8", function()
    local bad = {
      ["\x80"] = 0, ["ab\xff"] = 2, ["\xc0\xaf"] = 0, ["\xc1\xbf"] = 0,
      ["x\xc3"] = 1, ["x\xc3("] = 1, ["\xe0\x9f\xbf"] = 0,
      ["\xed\xa0\x80"] = 0, ["a\xed\xbf\xbf"] = 1, ["\xe2\x82"] = 0,
      ["\xf0\x8f\xbf\xbf"] = 0, ["\xf4\x90\x80\x80"] = 0,
      ["\xf5\x80\x80\x80"] = 0, ["\xf0\x9f\x9a"] = 0,
      ["12345678\xe2\x28\xa1"] = 8,
    }
    for text, offset in pairs(bad) do
      assert.equal(offset, probe.utf8(text))
      local json, _, _, _, size = probe.text(text)
      assert.is_nil(json)
      assert.equal(0, size)
    end
    assert.equal(-1, probe.utf8 "")
    assert.equal(-1, probe.utf8 "\u{D7FF}\u{E000}\u{10FFFF}\u{800}\u{80}")
  end)

  it("is valid if Lua's utf8.len accepts it, for any bytes", function()
    math.randomseed(3)
    local pool = { "\xc2", "\xe0", "\xed", "\xf0", "\xf4", "\x80", "\x8f",
      "\x90", "\x9f", "\xa0", "\xbf", "a", "é", "検", "🚀", "\xf5", "\xc0" }
    for _ = 1, tries(20000) do
      local bytes = {}
      for i = 1, math.random(12) do bytes[i] = pool[math.random(#pool)] end
      local text = table.concat(bytes)
      local length, position = utf8.len(text)
      assert.equal(length and -1 or position - 1, probe.utf8(text))
      assert.equal(length ~= nil, (probe.text(text)) ~= nil)
    end
  end)
end)

describe("JSON numbers", function()
  it("are exact for integers", function()
    for _, value in ipairs { 0, 7, 10, 99, 100, -1, -100, 12345,
        288868932106293, 2^53 // 1 | 0, math.maxinteger, math.mininteger } do
      assert.equal(("%d"):format(value), probe.number(value))
    end
    for power = 0, 62 do
      for d = -1, 1 do
        assert.equal(("%d"):format((1 << power) + d),
                     probe.number((1 << power) + d))
      end
    end
  end)

  it("are integers where a float is integral", function()
    assert.equal("3", probe.number(3.0))
    assert.equal("0", probe.number(0.0))
    assert.equal("0", probe.number(-0.0))
    assert.equal("-7", probe.number(-7.0))
    assert.equal("288868932106293", probe.number(288868932106293.0))
    assert.equal("9007199254740991", probe.number(2.0^53 - 1))
  end)

  it("are the shortest digits that read back the same", function()
    assert.equal("0.1", probe.number(0.1))
    assert.equal("-2.5", probe.number(-2.5))
    assert.equal("0.30000000000000004", probe.number(0.1 + 0.2))
    assert.equal("1e+300", probe.number(1e300))
    assert.equal("3.141592653589793", probe.number(math.pi))
    assert.equal("4.94065645841247e-324", probe.number(0x1p-1074))
  end)

  it("read back the same, for any bits", function()
    math.randomseed(4)
    for _ = 1, tries(20000) do
      local value = string.unpack("d", string.pack("j", math.random(0)))
      local text = probe.number(value)
      if value ~= value or value == 1/0 or value == -1/0 then
        assert.is_nil(text)
      else
        assert.equal(value, tonumber(text))
        assert.equal(value, dkjson.decode(text))
      end
    end
  end)

  it("exclude values that JSON does not have", function()
    for _, value in ipairs { 1/0, -1/0, 0/0 } do
      assert.is_nil((probe.number(value)))
    end
  end)
end)

describe("copies", function()
  it("end with a NUL, and are NULL if memory runs out", function()
    assert.equal("a\0b\0", probe.copy "a\0b")
    assert.equal("\0", probe.copy "")
    probe.fail_at(1)
    assert.is_nil((probe.copy "x"))
    probe.fail_at()
  end)
end)
