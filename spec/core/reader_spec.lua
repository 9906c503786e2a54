-- Reading JSON: src/json/reader.c, through `core.decode`, which builds tables.
local cjson = require "cjson".new()
local core = require "workstage.core"
local tries = require "support.tries"

local NULL = cjson.null

describe("JSON is read", function()
  it("as Lua values", function()
    local value = core.decode [[ {"a":[1,-2.5,true,false,null,"x"],
      "b":{"c":{}}, "d":[], "e":null, "f" : "" } ]]
    assert.same({ a = { 1, -2.5, true, false, NULL, "x" }, b = { c = {} },
                  d = {}, f = "" }, value)
    assert.equal("integer", math.type(value.a[1]))
    assert.equal("word", core.decode '"word"')
    assert.equal(NULL, core.decode "null")
    assert.equal(false, core.decode " false ")
  end)

  it("with integers from their digits", function()
    for text, value in pairs {
      ["0"] = 0, ["-0"] = 0, ["9007199254740993"] = 9007199254740993,
      ["9223372036854775807"] = math.maxinteger,
      ["-9223372036854775808"] = math.mininteger,
      ["1.0"] = 1, ["12e2"] = 1200, ["9007199254740991.0"] = (1 << 53) - 1,
    } do
      local read = core.decode(text)
      assert.equal(value, read)
      assert.equal("integer", math.type(read), text)
    end
    for text, value in pairs {
      ["9223372036854775808"] = 2.0^63, ["1e300"] = 1e300, ["0.1"] = 0.1,
      ["-1.5E-3"] = -0.0015, ["1e-999"] = 0, ["9007199254740993.0"] = 2.0^53,
      [("1"):rep(400) .. "e-399"] = 1.1111111111111112,
    } do
      assert.equal(value, core.decode(text), text)
    end
  end)

  it("with the last of members of one name", function()
    assert.same({ a = 2 }, core.decode '{"a":1,"a":2}')
    assert.same({}, core.decode '{"a":1,"a":null}')
    assert.same({ a = 3 }, core.decode '{"a":null,"\\u0061":3}')
  end)

  it("with all escapes", function()
    assert.equal("\"\\/\b\f\n\r\t", core.decode [["\"\\\/\b\f\n\r\t"]])
    assert.equal("a\0é検🚀\u{FFFF}z",
                 core.decode [["a\u0000\u00e9\u691C\ud83D\uDE80\uffffz"]])
    for before = 0, 20 do
      local left, right = ("x"):rep(before), ("é"):rep(before)
      assert.equal(left .. '"' .. right,
                   core.decode('"' .. left .. '\\"' .. right .. '"'))
    end
  end)

  it("with escapes of every kind of code point", function()
    for _, code in ipairs { 1, 0x1F, 0x7F, 0x80, 0x7FF, 0x800, 0xFFF, 0xD7FF,
                            0xE000, 0xFFFF } do
      assert.equal(utf8.char(code),
                   core.decode(('"\\u%04x"'):format(code)))
    end
    for _, code in ipairs { 0x10000, 0x10001, 0x1F680, 0x103FF, 0x10400,
                            0x3FFFF, 0x40000, 0x10FFFF } do
      local high, low = 0xD800 + (code - 0x10000 >> 10),
                        0xDC00 + (code - 0x10000 & 0x3FF)
      assert.equal(utf8.char(code),
                   core.decode(('"\\u%04X\\u%04x"'):format(high, low)))
    end
  end)

  it("up to 1,000 levels", function()
    assert.truthy(core.decode(("["):rep(1000) .. ("]"):rep(1000)))
    local value, why = core.decode(("["):rep(1001) .. ("]"):rep(1001))
    assert.is_nil(value)
    assert.equal("expected at most 1000 levels at byte 1001, found '['",
                 why)
  end)

  it("like other readers do, for any document", function()
    math.randomseed(11)
    local function random(depth)
      local kind = math.random(depth > 0 and 8 or 6)
      if kind == 1 then return math.random(0)
      elseif kind == 2 then return math.random() * 10 ^ math.random(-20, 20)
      elseif kind == 3 then return math.random(2) == 1
      elseif kind == 4 then return NULL
      elseif kind <= 6 then
        local points = {}
        for i = 1, math.random(0, 12) do
          points[i] = utf8.char(math.random(1, ({ 0x7F, 0x7F, 0x2FF,
                                                  0xD7FF })[math.random(4)]))
        end
        return table.concat(points)
      end
      local made = {}
      for i = 1, math.random(0, 5) do
        made[kind == 7 and i or "k" .. math.random(9)] = random(depth - 1)
      end
      return made
    end
    local function without_null(value)
      if type(value) ~= "table" then return value end
      local copy = {}
      for name, item in pairs(value) do
        if item ~= NULL or type(name) == "number" then
          copy[name] = without_null(item)
        end
      end
      return copy
    end
    for _ = 1, tries(2000) do
      local value = { v = random(5) }
      local text = assert(core.any(false, value))
      assert.same(without_null(value), (core.decode(text)))
      assert.same(without_null(cjson.decode(text)),
                  without_null(cjson.decode(core.any(false,
                                                     core.decode(text)))))
    end
  end)
end)

describe("invalid JSON", function()
  local bad = {
    [""] = "expected a value, but it ends at byte 0",
    ["{"] = "expected a name, but it ends at byte 1",
    ['{"a"'] = "expected ':', but it ends at byte 4",
    ['{"a" 1}'] = "expected ':' at byte 6, found '1'",
    ['{"a":1 "b":2}'] = "expected ',' or '}' at byte 8, found '\"'",
    ['{"a":1,}'] = "expected a name at byte 8, found '}'",
    ["{a:1}"] = "expected a name at byte 2, found 'a'",
    ["[1,]"] = "expected a value at byte 4, found ']'",
    ["[1 2]"] = "expected ',' or ']' at byte 4, found '2'",
    ["[,1]"] = "expected a value at byte 2, found ','",
    ["[1}"] = "expected ',' or ']' at byte 3, found '}'",
    ["nul"] = "expected a value at byte 1, found 'n'",
    ["True"] = "expected a value at byte 1, found 'T'",
    ["01"] = "expected the end at byte 2, found '1'",
    ["+1"] = "expected a value at byte 1, found '+'",
    ["-"] = "expected a digit, but it ends at byte 1",
    ["1."] = "expected a digit, but it ends at byte 2",
    [".5"] = "expected a value at byte 1, found '.'",
    ["1e"] = "expected a digit, but it ends at byte 2",
    ["1e999"] = "expected a number below 1.8e308 at byte 1, found '1'",
    ["NaN"] = "expected a value at byte 1, found 'N'",
    ["0x10"] = "expected the end at byte 2, found 'x'",
    ['"a'] = "expected a quotation mark, but it ends at byte 2",
    ['"a\nb"'] =
      "expected an escape for the control character at byte 3, found 0x0A",
    ['"\\x"'] = "expected an escape at byte 4, found '\"'",
    ['"\\u12g4"'] = "expected the code of a character at byte 7, found '4'",
    ['"\\ud800"'] = "expected the code of a character at byte 8, found '\"'",
    ['"\\'] = "expected an escape, but it ends at byte 2",
    ['"\\ud800\\ue000"'] =
      "expected the code of a character at byte 14, found '\"'",
    ['"\\ud800n"'] = "expected the code of a character at byte 8, found 'n'",
    ['"\\ud800\\n"'] =
      "expected the code of a character at byte 9, found 'n'",
    ['"\\udc00"'] = "expected the code of a character at byte 8, found '\"'",
    ['"\xff"'] = "expected UTF-8 at byte 2, found 0xFF",
    ['"a\xc3"'] = "expected UTF-8 at byte 3, found 0xC3",
    ["\xef\xbb\xbf{}"] = "expected a value at byte 1, found 0xEF",
    ["[1]x"] = "expected the end at byte 4, found 'x'",
    ["1\0"] = "expected the end at byte 2, found 0x00",
  }
  for text, why in pairs(bad) do
    it(("is refused: %q"):format(text), function()
      local value, message, is_json = core.decode(text)
      assert.is_nil(value)
      assert.equal(why, message)
      assert.is_false(is_json)
      -- the same if it is skipped, or has the wrong type for a schema
      local stage = core.schema "storyblok.stage"
      local envelope = core.envelope("stages", "many", stage)
      local inside = '{"stages":[{"unknown":' .. text .. "}]}"
      local only = core.projection(stage, { "id" })
      assert.is_nil((core.decode(inside, envelope)))
      assert.is_nil((core.decode(inside, envelope, only)))
    end)
  end

  it("is refused wherever a document is truncated", function()
    local text = [[{"a":[1,2.5e3,true,null,"x\u00e9é"],"b":{"c":[{}]}}]]
    for size = 0, #text - 1 do
      assert.is_nil((core.decode(text:sub(1, size))), size)
    end
  end)
end)

describe("a schema", function()
  local stage = core.schema "storyblok.stage"
  local envelope = core.envelope("workflow_stage", "one", stage,
                                 "workflow_stages", "many", stage)

  it("checks its fields, and keeps unknown ones", function()
    local value = core.decode([[{"workflow_stages":[
      {"id":288868932106293,"name":"x","user_ids":[1,2.0],"color":null,
       "_later":{"a":[1.5,null]}}],"other":[{"id":"x"}]}]], envelope)
    assert.same({ workflow_stages = { { id = 288868932106293, name = "x",
      user_ids = { 1, 2 }, _later = { a = { 1.5, NULL } } } },
      other = { { id = "x" } } }, value)
    assert.equal("integer", math.type(value.workflow_stages[1].user_ids[2]))
  end)

  it("refuses other values, and says where", function()
    for text, why in pairs {
      ['{"id":0}'] = "id: expected an id from 1 to 9007199254740991, " ..
                     "the response has the number 0",
      ['{"id":9007199254740993}'] = "id: expected an id from 1 to " ..
        "9007199254740991, the response has the number 9007199254740993",
      ['{"id":1.5}'] = "id: expected an id from 1 to 9007199254740991, " ..
                       "the response has the number 1.5",
      ['{"id":"5"}'] = "id: expected an id from 1 to 9007199254740991, " ..
                       "the response has a string",
      ['{"name":5}'] = "name: expected a string, the response has the " ..
                       "number 5",
      ['{"is_default":1}'] = "is_default: expected a boolean, the response " ..
                             "has the number 1",
      ['{"user_ids":[1,null]}'] = "user_ids[2]: expected an id from 1 to " ..
                                  "9007199254740991, the response has null",
      ['{"user_ids":{"a":1}}'] = "user_ids: expected an array, the response " ..
                                 "has an object",
      ['[{"id":1}]'] = ": expected an object, the response has an array",
      ["7"] = ": expected an object, the response has the number 7",
    } do
      local value, message, is_json =
        core.decode('{"workflow_stage":' .. text .. "}", envelope)
      assert.is_nil(value)
      assert.equal("workflow_stage" .. (why:sub(1, 1) == ":" and "" or ".")
                   .. why, message)
      assert.is_true(is_json)
      value, message = core.decode('{"workflow_stages":[{},' .. text .. "]}",
                                   envelope)
      assert.is_nil(value)
      assert.truthy(message:find("workflow_stages[2]", 1, true), message)
    end
  end)

  it("accepts an empty array as an empty object, and vice versa", function()
    assert.same({ workflow_stages = {}, workflow_stage = {} }, core.decode(
      '{"workflow_stages":{},"workflow_stage":[]}', envelope))
  end)

  it("reports invalid JSON rather than a mismatch with the schema", function()
    local value, why, is_json =
      core.decode('{"workflow_stage":{"id":"x"}', envelope)
    assert.is_nil(value)
    assert.is_false(is_json)
    assert.truthy(why:find("ends at byte", 1, true))
  end)

  it("reads objects by their ids", function()
    local maps = core.envelope("users", "map", core.schema "kantata.user")
    local value = core.decode('{"users":{"11":{"id":"11"}}}', maps)
    assert.same({ users = { ["11"] = { id = 11 } } }, value)
    local _, why = core.decode('{"users":{"11":{"id":"x1"}}}', maps)
    assert.truthy(why:find("^users%.11%.id: expected an id"), why)
  end)
end)

describe("a projection", function()
  local stage = core.schema "storyblok.stage"
  local envelope = core.envelope("workflow_stages", "many", stage)
  local text = [[{"workflow_stages":[{"id":5,"x":[[{"a":"\u0041"}],2],
    "name":"n","user_ids":[1,2],"color":{}},{"name":"m"}],"total":[1]}]]

  it("omits other fields, even if their types are wrong", function()
    local only = core.projection(stage, { "name", "id" })
    assert.same({ workflow_stages = { { id = 5, name = "n" },
                                      { name = "m" } }, total = { 1 } },
                core.decode(text, envelope, only))
    assert.is_nil((core.decode(text, envelope)))
  end)

  it("knows each field of each schema", function()
    for _, schema in ipairs(core.schemas()) do
      for i, field in ipairs(schema.fields) do
        local handle = core.schema(schema.name)
        local only = assert(core.projection(handle, { field.name }))
        local whole = ('{"%s":null,"_other":1}'):format(field.name)
        assert.is_true(i <= 64)
        assert.same({}, core.decode(whole, handle, only))
      end
    end
  end)

  it("refuses unknown names", function()
    local only, why = core.projection(stage, { "id", "nam" })
    assert.is_nil(only)
    assert.equal("unknown field 'nam', did you mean 'name'?", why)
    only, why = core.projection(stage, { 5 })
    assert.is_nil(only)
    assert.equal("expected an array of names", why)
  end)
end)
