-- Makes control characters in untrusted text visible.
local clients = require "support.clients"
local errors = require "workstage.errors"
local migrations = require "support.migrations"
local visible = require "workstage.visible"

local HOSTILE = "A\27[2J\n\u{9b}2J\u{202e}B"

describe("untrusted text", function()
  it("is unchanged if a terminal can show it", function()
    for _, text in ipairs { "", "Review", "größer", "日本語", "a \\ \"b\"",
                            "👩‍💻", "naïve\u{a0}space", "مرحبا" } do
      assert.equal(text, visible.text(text))
    end
  end)

  it("has C0, DEL and C1 as escapes", function()
    assert.equal("A\\x1b[2J\\n+ stage", visible.text "A\27[2J\n+ stage")
    assert.equal("\\t\\r\\x00\\x7f", visible.text "\t\r\0\127")
    assert.equal("\\u{9b}2J\\u{85}", visible.text "\u{9b}2J\u{85}")
  end)

  it("has characters that reorder or break lines as escapes", function()
    for _, code in ipairs { 0x61c, 0x200e, 0x200f, 0x2028, 0x2029, 0x202a,
                            0x202e, 0x2066, 0x2069 } do
      assert.equal(("a\\u{%x}b"):format(code),
                   visible.text("a" .. utf8.char(code) .. "b"))
    end
  end)

  it("has invalid bytes as escapes", function()
    assert.equal("\\x9b2J ö \\xff", visible.text "\x9b2J ö \xff")
    assert.equal("\\xed\\xa0\\x80", visible.text "\xed\xa0\x80")
    assert.equal("\\xe2\\x80", visible.text "\xe2\x80")
  end)

  it("contains no control characters, whatever it was", function()
    math.randomseed(11)
    for _ = 1, 2000 do
      local bytes = {}
      for i = 1, math.random(0, 24) do bytes[i] = math.random(0, 255) end
      local text = visible.text(string.char(table.unpack(bytes)))
      assert.truthy(utf8.len(text))
      for _, code in utf8.codes(text) do
        assert.is_true(code >= 32 and code ~= 127 and
                       not (code >= 0x80 and code <= 0x9f), text)
      end
    end
  end)
end)

describe("a quoted text", function()
  it("is a Lua string of the same value, on one line", function()
    for _, text in ipairs { "", "Review", 'say "x"', "back\\slash", "a\0001",
                            "\27[2J\n+ \u{202e}\u{9b}", "\1275", "\xff1" } do
      local quoted = visible.quoted(text)
      assert.equal(text, load("return " .. quoted)())
      assert.equal(visible.text(quoted), quoted)
    end
  end)
end)

describe("an error's sentence", function()
  it("shows control characters as escapes", function()
    local err = errors.new { kind = "rejected", message = HOSTILE,
                             fields = { name = { "\27\u{9b}" } } }
    assert.equal("A\\x1b[2J \\u{9b}2J\\u{202e}B (name \\x1b\\u{9b})",
                 tostring(err))
  end)

  it("lists names of a service on one line", function()
    local content = migrations.space {}
    content.workflows[2].stages[1].name = HOSTILE
    content.workflows[2].stages[1].workflow_stage_ids = {}
    content.workflows[2].stages[2].workflow_stage_ids = {}
    local server, space = migrations.start(content)
    local _, err = space.stages:find("\27x")
    space:close()
    server:stop()
    clients.has(err, 'no stage is named "\\x1bx"')
    clients.has(err, '"A\\x1b[2J\\n\\u{9b}2J\\u{202e}B"')
  end)
end)
