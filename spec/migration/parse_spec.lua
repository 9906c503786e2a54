-- A blueprint's text is data: what Lua or JSON would read from it, and
-- nothing else.
local clients = require "support.clients"
local parse_module = require "workstage.migration.blueprint.parse"
local source_location = require "workstage.migration.blueprint.source_location"
local tries = require "support.tries"
local failed, has = clients.failed, clients.has

local function parse(text, name) return parse_module.text(text, name) end

local function refused(text, name)
  return failed("invalid", parse(text, name))
end

-- The line of each entry of a table.
local function lines_of(value)
  local at, lines = source_location.root(value), {}
  for key in pairs(value) do lines[key] = at:at(key).line end
  return lines
end

-- What Lua itself makes of a text, when nothing can be called in it.
local function by_lua(text)
  text = text:gsub("^\xEF\xBB\xBF", "")
  local chunk = load(text, "=text", "t", {}) or
                load("return " .. text, "=text", "t", {})
  return assert(chunk, "Lua does not read it: " .. text)()
end

local function same_as_lua(text)
  assert.same(by_lua(text), (assert(parse(text))), text)
end

describe("the Lua form", function()
  it("is read as Lua reads it", function()
    for _, text in ipairs {
      "{}", "return {}", "return{}", "return {};", "{{},{{}},}",
      "{ 1, 2.5, -3, 0x10, 0xA.8p1, 1e3, 1E-2, .5, 3., -0.0, 0x7fffffff }",
      "{ true, false; 'a', \"b\"; }", "{ a = nil, b = false, _c1 = true }",
      "{ [1] = 'x', [3] = 'z', ['a b'] = 1, [-2] = 'm', [2.0] = 'y' }",
      "{ 'first', [7] = 'seventh', 'second', name = 'n', 'third' }",
      "{ [ [[k]] ] = [==[ ]] ]=] ]==] }", "{ [[\n\nfirst line gone]] }",
      "{ a = -- comment\n 1 --[[ long\n ]] , b --[==[ ]] ]==] = 2 }",
      "-- before\nreturn -- between\n{ } -- behind", "{}--", "{}--[[]]",
      "{ nils = 1, returned = 2, trueish = 3, ends = 4 }",
      "\t\v\f\r\n { \r a \r\n = \n\r 1 } \n",
      "{ 9007199254740993, 9223372036854775807, 9223372036854775808 }",
      "\xEF\xBB\xBFreturn { 'with a byte order mark' }",
      "{ 'größe', \"\xff\xfe\", [[\0]] }",
    } do
      same_as_lua(text)
    end
  end)

  it("takes strings with all their escapes", function()
    for _, text in ipairs {
      [[ "\a\b\f\n\r\t\v\\\"\'" ]], [[ '\a"\'' ]], [[ "\x41\065\10\u{20AC}" ]],
      '"one\\\ntwo"', '"one\\\r\ntwo"', "'\\z   \n\t  x'", '"\\z"',
      [[ "a \\" ]], [[ '\\\\' ]], '"\\z\r\n\r\n  y"', [[ "--[[" ]],
      [[ "}" ]], "[[\\n]]", "[=[\r\nx\r\n]=]",
    } do
      same_as_lua("{ " .. text .. ", after = 1 }")
    end
  end)

  it("does not accept reserved words as keys, like Lua", function()
    for word in ("and break do else elseif end false for function goto if in "
      .. "local nil not or repeat return then true until while")
      :gmatch "%a+" do
      refused(("{\n%s = 1 }"):format(word))
      same_as_lua(('{ ["%s"] = 1, %s_ = 2 }'):format(word, word))
    end
    has(tostring(refused "{\n for = 1 }"), '2: \'for\' is a word of Lua')
  end)

  it("distinguishes integers from floats", function()
    local value = assert(parse "{ 288868932106293, 1.0, -1, -0x1 }")
    assert.equal("integer", math.type(value[1]))
    assert.equal("float", math.type(value[2]))
    assert.equal("integer", math.type(value[3]))
    assert.equal(-1, value[4])
  end)

  it("knows the line of each entry", function()
    local value = assert(parse(
      "return {\r\n a = 1, b = {\n\n 2,\r 3 },\n --[[\n\n]] c = [[\n\n]],"
      .. " d = 'x\\\n\\z \n y', e = 4 }"))
    assert.same({ a = 2, b = 2, c = 8, d = 10, e = 12 }, lines_of(value))
    assert.same({ 4, 5 }, lines_of(value.b))
  end)
end)

-- ------------------------------------------------------------------ code

local CODE = {
  ["a function"] = { "{ f = function() end }", "function f() end",
                     "return function() end" },
  ["a call"] = { "{ print('x') }", "{ f('x') }",
    "{ ('x'):rep(1e9) }", "{ a = ('x'):rep(1e9) }", "{ ('x') }",
    "{ a = require('os') }", "{ [('x'):rep(9)] = 1 }" },
  ["a method call"] = { "{ 'x':rep(1e9) }", "{ a = 'x':rep(9) }",
                        "{}:x()", "{ a = {}:f() }" },
  ["a concatenation"] = { "{ 'a' .. 'b' }", "{ a = 'x'..'y' }",
                          "{ ['a' .. 'b'] = 1 }", "return {} .. {}" },
  ["an operation"] = { "{ 1 + 1 }", "{ 2 ^ 1e9 }", "{ 1 - 2 }", "{ 1 -2 }",
    "{ 6 // 2 }", "{ 5 % 2 }", "{ 1 << 62 }", "{ ~1 }", "{ #'abc' }",
    "{ not true }", "{ true and false }", "{ a = 1 or 2 }", "{ - -1 }",
    "{ -'1' }", "{ 'a' * 2 }", "{ a = 2 | 1 }", "{ a = -{} }" },
  ["a comparison"] = { "{ 1 == 1 }", "{ 1 ~= 2 }", "{ 'a' <= 'b' }" },
  ["a loop"] = { "while true do end", "for i = 1, 1e9 do end",
                 "repeat until false", "{ for }", "{ a = while }" },
  ["a jump"] = { "goto x", "{ a = goto }" },
  ["a label"] = { "::x:: goto x", "{ ::x:: }" },
  ["a variable"] = { "local x = {} return x", "{ local }" },
  ["a condition"] = { "if true then return {} end", "{ a = if }" },
  ["a block"] = { "do return {} end" },
  ["a list of arguments"] = { "{ ... }", "return ...", "{ a = ... }" },
  ["is not a value"] = { "{ x }", "{ a = os }", "{ os.exit(1) }", "{ _ENV }",
    "{ a = _G.x }", "{ a == 1 }", "{ 'a', b }", "{ a.b = 1 }",
    "{ goto_x }", "{ a = f{} }", "{ a = f'x' }", "{ a ? 1 }" },
  ["expected"] = { "", " ", "\n", "return", "--", "nil", "true", "5", "'x'",
    "x", "{", "{ 1", "{ a = }", "{ a = , }", "{ , }", "{ 1,, 2 }", "{ ; }",
    "{ 1 2 }", "{ 'a' 'b' }", "{ a = 1 b = 2 }", "{ [1] }", "{ [1 = 2 }",
    "{ [true] = 1 }", "{ [nil] = 1 }", "{ [{}] = 1 }", "{ [] = 1 }", "}",
    "{}}", "{} {}", "{}; {}", "{};;", "{}, {}", "return {} return {}",
    "{ a = {}, }, 1", "{ true = 1 }", "@", "{ $ }", "{ `x` }", "{ !a }",
    "{ \\n }", "{ \0 }", "\0", "{ \x80 }", "{ = 1 }", "{ 1 = 2 }" },
  ["nil is not allowed in a list"] = { "{ nil }", "{ 1, nil, 2 }" },
  ["is set twice"] = { "{ a = 1, a = 2 }", "{ 1, [1] = 2 }",
    "{ ['a'] = 1, a = 1 }", "{ [2.0] = 1, [2] = 2 }", "{ a = nil, a = 1 }" },
  ["is not closed"] = { "{ 'x", "{ \"x }", "{ 'x\n' }", "{ [[x }",
    "{ [==[ ]=] }", "{ --[[ }", "{ 'x\\' }", "{ 'x\\", "{ 'x\\z", "{ 'x\r' }",
    "{ \"x' }" },
  ["cannot be read"] = { "{ '\\q' }", "{ '\\300' }", "{ '\\xg0' }",
    "{ '\\u{110000000}' }", "{ '\\u{20' }" },
  ["malformed number"] = { "{ 3x }", "{ 1..2 }", "{ 0x }", "{ 1e }",
    "{ 1.2.3 }", "{ 0x1p }", "{ 1_000 }", "{ 08z }", "{ 1e+ }" },
  ["too large"] = { "{ 1e999 }", "{ -1e999 }",
                    "{ 0x1p99999 }" },
}

describe("the Lua form refuses", function()
  for what, texts in pairs(CODE) do
    it(what, function()
      for _, text in ipairs(texts) do
        assert(has(refused(text), what), text)
      end
    end)
  end

  it("with file and line", function()
    local text = "return {\n  stages = {\n    { f = function() end },\n}}"
    local err = refused(text, "blueprint.lua")
    assert.equal("blueprint.lua:3: a function is not allowed here: "
                 .. "a blueprint is data", tostring(err))
    assert.equal("blueprint.lua", err.file)
    assert.equal(3, err.line)
    has(refused "{\n1,\n\nx\n}", "line 4: the name 'x'")
    has(refused("{\r\n'a'\r\n..\r\n'b' }", "f"), "f:3:")
    has(refused("{ --[[\n\n]] [[\n\n]], '\\\n', '\n' }", "f"), "f:6:")
    has(refused("{\n a = 1,\n b = 2,\n a = 3 }", "f"), "f:4: 'a'")
    has(refused("{\n a = 1,\n a = 3 }", "f"), "line 2")
    has(refused("{\n\r\n\r@ }", "f"), "f:3: ")
    has(refused "{ 'a' 'b' }", "expected ',' or '}', got a string")
    has(refused "{ 'a' 5 }", "got '5'")
    has(refused "{ 'a'", "got the end of the text")
  end)

  it("what a shell would run", function()
    has(refused "#!/usr/bin/env lua\nreturn {}", "not allowed")
  end)

  it("bytecode", function()
    local code = string.dump(function() return {} end)
    has(refused(code, "b.lua"), "bytecode")
    has(refused(code, "b.json"), "bytecode")
    refused(code:sub(2))
    refused("\n" .. code)
    refused("return {" .. code .. "}")
  end)

  it("in one short line, whatever the text contains", function()
    for _, text in ipairs { "{ " .. ("x"):rep(1e5) .. " }",
        "{ 1" .. ("z"):rep(1e5) .. " }", "{ a = \27[31m }", "{ '\\\27' }",
        "{ ['" .. ("k"):rep(1e5) .. "'] = 1, ['" .. ("k"):rep(1e5)
        .. "'] = 1 }", "{ ['\27\n'] = 1, ['\27\n'] = 1 }" } do
      assert.is_true(#tostring(refused(text)) < 300)
    end
    local err = refused("{ x }", "evil\27[31m\nname" .. ("n"):rep(1000))
    assert.is_true(#tostring(err) < 600)
    has(err, "evil\\x1b[31m\\nname")
  end)
end)

-- ---------------------------------------------------------------- limits

-- At once, and with no more memory than a small multiple of the text.
local function soon(text, name)
  collectgarbage()
  local before, began = collectgarbage "count", os.clock()
  local value, err = parse(text, name)
  assert.is_true(os.clock() - began < 2)
  assert.is_true(collectgarbage "count" - before < 100 * 1024)
  return value, err
end

describe("a hostile text", function()
  local MB = 1048576

  it("is refused at once when it is deep", function()
    for _, open in ipairs { "{", "{{", "{a=", "{[1]=", "{1,", "{\n" } do
      has(failed("invalid", soon(open:rep(100000))), "64 levels")
    end
    local deep = ("{"):rep(100000) .. ("}"):rep(100000)
    has(failed("invalid", soon("return " .. deep)), "64 levels")
    has(failed("invalid", soon(('{"a":'):rep(100000))), "nested")
    has(failed("invalid", soon(("["):rep(100000), "x.json")), "nested")
  end)

  it("may have 64 levels and no more", function()
    assert(parse(("{"):rep(64) .. ("}"):rep(64)))
    has(refused(("{"):rep(65) .. ("}"):rep(65)), "64 levels")
    assert(parse(('{"a":'):rep(63) .. "{}" .. ("}"):rep(63)))
    refused(('{"a":'):rep(64) .. "{}" .. ("}"):rep(64))
  end)

  it("is refused by its size", function()
    local fits = "{ '" .. ("x"):rep(MB - 6) .. "' }"
    assert.equal(MB, #fits)
    assert(soon(fits))
    has(failed("invalid", soon(fits .. " ")), "larger than 1048576 bytes")
    has(failed("invalid", soon((" "):rep(10 * MB), "big.lua")), "big.lua")
    has(failed("invalid", soon((" "):rep(10 * MB), "big.json")), "larger")
  end)

  it("is refused for too many values", function()
    has(failed("invalid", soon("{" .. ("{},"):rep(300000) .. "}")),
        "100000 values")
    has(failed("invalid", soon("{" .. ("1,"):rep(500000) .. "}")),
        "100000 values")
    has(failed("invalid", soon('{"a":[' .. ("1,"):rep(200000) .. "1]}")),
        "100000 values")
    assert.equal(100000, #assert(soon("{" .. ("1,"):rep(100000) .. "}")))
  end)

  it("takes no longer the longer its parts are", function()
    local n = 500000
    for _, text in ipairs {
      (" "):rep(MB), ("\n"):rep(MB), ("-"):rep(MB), ("--\n"):rep(300000),
      ("--[[]]"):rep(170000), ("["):rep(MB), "[" .. ("="):rep(MB - 1),
      "{[" .. ("="):rep(MB - 9) .. "[", "{--[" .. ("="):rep(MB - 9) .. "[",
      "{ '" .. ("\\z "):rep(300000), "{ '" .. ("\\\n"):rep(n) .. "' }",
      "{ '" .. ("\\065"):rep(250000) .. "' }", "{ " .. ("9"):rep(MB - 9),
      "{ 0x" .. ("f"):rep(MB - 9) .. "}", "{ " .. ("1e+"):rep(300000),
      "{ " .. ("a"):rep(MB - 9), "{" .. ("="):rep(n), ("\r"):rep(MB),
      ("\r\n"):rep(n), "{ [[" .. ("]="):rep(n), "return " .. ("("):rep(n),
      "{ " .. ("."):rep(n), "{" .. ("-"):rep(n), '{"' .. ("a"):rep(n),
      '{"a":"' .. ("\\u0041"):rep(170000), ("{"):rep(n), ("}"):rep(n),
      "{ a = " .. ("-1"):rep(n), "{" .. ('"" '):rep(300000),
    } do
      soon(text:sub(1, MB))
    end
  end)

  it("has no access to anything", function()
    -- luacheck: globals reached
    local meta = getmetatable ""
    local index = meta.__index
    meta.__index = setmetatable({}, { __index = function(_, name)
      if name == "reached" then _G.reached = true end
      return index[name]
    end })
    for _, text in ipairs { "{ ('x').reached }", "{ ('x'):reached() }",
        "{ a = ''.reached }", "{ 'x', reached = ('').reached }",
        "return ('').reached", "{} reached = 1", "reached = 1 return {}",
        "{ [ (''):reached() ] = 1 }", "{ '\\z' .reached }" } do
      refused(text)
    end
    meta.__index = index
    assert.is_nil(rawget(_G, "reached"))
    assert.is_nil(getmetatable(assert(parse "{ __index = {} }")))
  end)
end)

-- ------------------------------------------------------------------ JSON

describe("the JSON form", function()
  it("is detected by its first character or by the file's name", function()
    assert.same({ a = 1 }, (assert(parse '{ "a": 1 }')))
    assert.same({ a = 1 }, (assert(parse('\n {\n"a" : 1 }', "b.lua"))))
    assert.same({}, (assert(parse("{}", "b.json"))))
    assert.same({ a = { 1 } }, (assert(parse('{"a":[1]}', "B.JSON"))))
    assert.same({ a = 1 }, (assert(parse('\xEF\xBB\xBF{"a":1}'))))
    refused("{ a = 1 }", "b.json")
    refused("return {}", "b.json")
  end)

  it("has whole numbers as integers, and null as nothing", function()
    local value = assert(parse
      '{"id": 288868932106293, "n": 2.5, "f": false, "x": null, "l": [1]}')
    assert.same({ id = 288868932106293, n = 2.5, f = false, l = { 1 } },
                value)
    assert.equal("integer", math.type(value.id))
    assert.equal("integer", math.type(value.l[1]))
    assert.equal("float", math.type(value.n))
    has(refused '{"a": [1, null, 2]}', "null is not allowed in a list")
  end)

  it("knows the line of each entry", function()
    local value = assert(parse('{ "a": 1,\n"b": [\n2, 3,\n{"c":\n4}]}'))
    assert.same({ a = 1, b = 2 }, lines_of(value))
    assert.same({ 3, 3, 4 }, lines_of(value.b))
    assert.same({ c = 4 }, lines_of(value.b[3]))
  end)

  it("has each key of an object once", function()
    local err = refused('{\n  "stages": [],\n  "moves": [],\n "stages": 5\n}',
                        "b.json")
    has(err, "b.json:4: the key 'stages' appears twice (before on line 2)")
    has(refused '{"a":{"b":1,"\\u0062":2}}', "the key 'b' appears twice")
    assert.same({ { a = 1 }, { a = 2 } },
                assert(parse '{"l":[{"a":1},{"a":2}]}').l)
  end)

  it("takes strings with all their escapes, and no others", function()
    assert.same({ "a\"\\/\b\f\n\r\tö\u{1F600}", "größe", "\127" }, assert(parse
      [[{"l":["a\"\\\/\b\f\n\r\t\u00f6\uD83D\uDE00","größe","\u007f"]}]]).l)
    for _, text in ipairs { '"\\x41"', '"\\u12g4"', '"a\nb"', '"a\0b"',
                            '"open', '"\\', "'x'" } do
      has(refused('{"a":' .. text .. "}"), "not JSON")
    end
  end)

  it("takes numbers as JSON has them, exactly", function()
    assert.same({ 0, -1, 2.5, 1000, 0.015, 9007199254740993 }, assert(parse
      '{"l":[0,-1,2.5,1e3,1.5E-2,9007199254740993]}').l)
    for _, text in ipairs { "01", "+1", ".5", "1.", "1e", "0x10", "- 1", "1f",
                            "1.e3", "nan", "-" } do
      has(refused('{"a":' .. text .. "}"), "not JSON")
    end
    has(refused '{"a":1e999}', "too large")
  end)

  it("has nothing before, between or behind its values", function()
    for _, text in ipairs { '{"a":1,}', '{"a" 1}', '{"a":1 "b":2}', '{,}',
        '{"a":[1,]}', '{"a":[,]}', '{"a":[1 2]}', '{"a":1}}', '{a:1}',
        '{"a":tru}', '{"a":null1}', '{"a":1}//x', '{"a":[1}', '{"a":{]}' } do
      has(refused(text, "b.json"), "not JSON")
    end
  end)

  it("is refused with file and line", function()
    local err = refused('{\n  "a": 1,\n  "b": x\n}', "b.json")
    has(err, "b.json:3: not JSON")
    for _, text in ipairs { '{"a":}', '{"a":1', '{"a":1} x', '{"a":NaN}',
        '{"a":Infinity}', '{"a":01x}', '{"a":"\\q"}' } do
      has(refused(text, "b.json"), "not JSON")
    end
    for _, text in ipairs { '"x"', "5", "true", "null" } do
      has(refused(text, "b.json"), "one JSON object")
    end
    refused("", "b.json")
  end)
end)

-- ------------------------------------------------------------ properties

local SEED = 4
local pick = math.random

local function spaces()
  local list = { "", " ", "\n", "--x\n", "--[[ } ]]", "\t", "\r\n",
                 "--[=[ ]] ]=]" }
  return list[pick(#list)]
end

local function random_bytes()
  local bytes = {}
  for i = 1, pick(0, 8) do bytes[i] = string.char(pick(0, 255)) end
  return table.concat(bytes)
end

local texts = {
  function(text) return ("%q"):format(text) end,
  function(text)
    return "'" .. text:gsub(".", function(c)
      return ("\\x%02X"):format(c:byte())
    end) .. "'"
  end,
  function(text)
    return '"' .. text:gsub("[^%w]", function(c)
      return ("\\%03d\\z \n "):format(c:byte())
    end) .. '"'
  end,
  function(text)
    if text:find "[]\r]" then return ("%q"):format(text) end
    return "[==[\n" .. text .. "]==]"
  end,
}

local function random_scalar()
  local kind = pick(5)
  if kind == 1 then return tostring(pick(2) == 1) end
  if kind == 2 then return ("%d"):format(pick(-2^53 | 0, 2^53 | 0)) end
  if kind == 3 then return ("%.17g"):format((pick() - 0.5) * 10^pick(20)) end
  return texts[pick(#texts)](random_bytes())
end

-- The text of random data in one of the many ways to write it.
local function random_table(depth)
  local parts = {}
  for i = 1, pick(0, 4) do
    local value = depth > 0 and pick(3) == 1 and random_table(depth - 1) or
                  random_scalar()
    local key = ({ "", ("k%d%s="):format(i, spaces()),
      ("[%s%d]%s="):format(spaces(), i + 90, spaces()),
      ("[ %s]="):format(texts[pick(#texts)]("key" .. i)) })[pick(4)]
    parts[i] = spaces() .. key .. spaces() .. value .. spaces()
  end
  return "{" .. table.concat(parts, pick(2) == 1 and "," or ";") ..
         spaces() .. "}"
end

describe("random texts", function()
  before_each(function() math.randomseed(SEED) end)

  it("are read as Lua reads them", function()
    for _ = 1, tries(2000) do
      local text = random_table(4)
      if pick(2) == 1 then text = "return " .. text end
      same_as_lua(text)
    end
  end)

  it("damaged, are refused or read as Lua reads them", function()
    local accepted = 0
    local pieces = { "\\", '"', "'", "[", "]", "[[", "]]", "{", "}", "=",
      ",", "--", "-", "\n", "\r", "\\z", "x", "1", ".", "..", "e", "0x",
      "(", ")", ":", " ", "nil", "true", "\0", "\255", "--[[", "--]]" }
    for _ = 1, tries(20000) do
      local text = "return " .. random_table(2)
      for _ = 1, pick(3) do
        local at = pick(#text)
        text = text:sub(1, at) .. pieces[pick(#pieces)] ..
               text:sub(at + pick(0, 3))
      end
      local value = parse(text)
      if value then
        accepted = accepted + 1
        assert.same(by_lua(text), value, text)
      end
    end
    assert.is_true(accepted > tries(1000), "only " .. accepted)
  end)

  it("of bytes raise no error of Lua's", function()
    for _ = 1, tries(20000) do
      local bytes = { "{" }
      for i = 2, pick(2, 20) do bytes[i] = string.char(pick(0, 255)) end
      local value, err = parse(table.concat(bytes))
      assert.is_true(value ~= nil or err.kind == "invalid")
    end
  end)
end)
