local writer = require "support.writer"
local tries = require "support.tries"
local cjson = require "cjson".new()
local dkjson = require "dkjson"
local probe, null = writer.probe, writer.null
local create, update, loose = writer.create, writer.update, writer.loose

local function refusal(write, schema, attributes)
  local text, message, field = write(schema, attributes)
  assert.is_nil(text)
  assert.is_true(#message < 384 and not message:find "[^\x20-\x7e]")
  return message, field
end

local ID = "expected an id (an integer from 1 to 9007199254740991), got "

describe("a body", function()
  it("has the root object and the fields beside it", function()
    assert.equal('{"workflow_stage_change":{"story_id":119522102426879,'
      .. '"workflow_stage_id":288868932106293,'
      .. '"due_date":"2026-12-01T10:00:00.000Z"},"release_id":7,'
      .. '"notify":false,"comment":{"message":"please check"},'
      .. '"assign":{"user_ids":[1],"space_role_ids":[2]}}',
      create("storyblok.change", {
        story_id = 119522102426879, workflow_stage_id = 288868932106293,
        due_date = "2026-12-01T10:00:00.000Z", release_id = 7,
        notify = false, comment = { message = "please check" },
        assign = { user_ids = { 1 }, space_role_ids = { 2 } },
      }))
  end)

  it("takes a string for a comment", function()
    assert.equal('{"workflow_stage_change":{"story_id":1,'
      .. '"workflow_stage_id":2},"comment":{"message":"a \\"b\\""}}',
      create("storyblok.change",
             { story_id = 1, workflow_stage_id = 2, comment = 'a "b"' }))
  end)

  it("may have only fields beside the root object", function()
    assert.equal('{"workflow_stage_change":{},"notify":true}',
                 update("storyblok.change", { notify = true }))
  end)

  it("writes integral floats as integers", function()
    assert.equal('{"workflow_stage":{"position":3,"workflow_id":'
      .. '9007199254740991,"user_ids":[123123,2]}}',
      update("storyblok.stage", { position = 3.0, user_ids = { 123123.0, 2 },
                                  workflow_id = 2.0^53 - 1 }))
  end)

  it("writes an empty array as []", function()
    assert.equal('{"workflow_stage":{"user_ids":[],"space_role_ids":[],'
      .. '"workflow_stage_ids":[]}}', update("storyblok.stage",
      { user_ids = {}, workflow_stage_ids = {}, space_role_ids = {} }))
    assert.equal('{"workflow":{"name":"A","content_types":[],'
      .. '"workflow_stages":[]}}', create("storyblok.workflow",
      { name = "A", content_types = {}, workflow_stages = {} }))
    assert.equal('{"workflow_stage_change":{},"assign":{}}',
                 update("storyblok.change", { assign = {} }))
  end)

  it("writes null where the service accepts it", function()
    assert.equal('{"workflow_stage":{"workflow_id":null,'
      .. '"after_publish_id":null}}', update("storyblok.stage",
      { workflow_id = null, after_publish_id = null }))
  end)

  it("writes objects in arrays", function()
    assert.equal('{"workflow":{"workflow_stages_attributes":'
      .. '[{"id":5,"position":1},{"id":6,"position":2}]}}',
      update("storyblok.workflow", { workflow_stages_attributes = {
        { position = 1, id = 5 }, { id = 6, position = 2 } } }))
    assert.equal('{"workflow":{"name":"W","content_types":["a","b"],'
      .. '"workflow_stages":[{"name":"S","color":"#fff"}]}}',
      create("storyblok.duplicate", { name = "W",
        content_types = { "a", "b" },
        workflow_stages = { { color = "#fff", name = "S" } } }))
  end)

  it("omits the fields of the query", function()
    assert.equal('{"workspace_status_change":{"workspace_id":7,'
      .. '"to_status_key":605}}', create("kantata.change",
      { workspace_id = 7, to_status_key = 605, include = { "workspace" } }))
    assert.equal("nothing to update: give at least one field",
                 refusal(update, "kantata.change", { include = {} }))
  end)

  it("is the same whatever the order of building", function()
    local names = { "name", "color", "position", "workflow_id", "is_default",
      "allow_publish", "allow_all_users", "user_ids" }
    local values = { "N", "#fff", 1, 2, true, false, true, { 1 } }
    math.randomseed(6)
    local expected
    for _ = 1, 50 do
      local stage, order = {}, {}
      for i = 1, #names do
        table.insert(order, math.random(#order + 1), i)
      end
      for _, i in ipairs(order) do stage[names[i]] = values[i] end
      local text = create("storyblok.stage", stage)
      expected = expected or text
      assert.equal(expected, text)
    end
  end)

  it("keeps the order of arrays, whatever the order of building", function()
    for size = 1, 40 do
      local down, up, pairs_down = {}, {}, {}
      for i = size, 1, -1 do down[i] = i end
      for i = 1, size do
        up[i] = i
        table.insert(pairs_down, 1, ("[%d]=%d"):format(i, i))
      end
      -- Built by a constructor, lua_next returns the items in another order.
      local mixed = load("return {" .. table.concat(pairs_down, ",") .. "}")()
      local list = "[" .. table.concat(up, ",") .. "]"
      local text = '{"workflow_stage":{"name":"A","user_ids":' .. list
        .. ',"space_role_ids":' .. list .. "}}"
      for _, ids in ipairs { down, up, mixed } do
        assert.equal(text, update("storyblok.stage",
          { user_ids = ids, name = "A", space_role_ids = ids }))
        assert.equal("[[" .. list .. "]]", probe.any { { ids } })
      end
    end
  end)

  it("runs no metamethod", function()
    local function never() error "was called" end
    local meta = { __index = never, __pairs = never, __len = never }
    assert.equal('{"workflow_stage":{"name":"A","user_ids":[1]}}',
      update("storyblok.stage", setmetatable({ name = "A",
        user_ids = setmetatable({ 1 }, meta) }, meta)))
    local filled = setmetatable({ [3] = 3, [1] = 1 },
                                { __index = function() return 5 end })
    assert.truthy(refusal(update, "storyblok.stage", { user_ids = filled })
      :find "item 2 is missing$")
  end)
end)

describe("the documented examples", function()
  local function example(name)
    local path = "spec/data/examples/" .. name .. ".json"
    local file = assert(io.open(path))
    local text = file:read "a"
    file:close()
    return text
  end

  local function passes(name, schema, write, root, drop)
    local text = example(name)
    local object = cjson.decode(text)[root]
    if drop then object[drop] = nil end
    local sent = assert(write(schema, object))
    local expected = cjson.decode(text)
    if drop then
      expected[root][drop] = nil
      text = text:gsub('"' .. drop .. '":%d+,', "")
    end
    assert.same(expected, cjson.decode(sent))
    assert.same(writer.tokens(text), writer.tokens(sent))
  end

  it("are sent unchanged", function()
    passes("storyblok_create_stage", "storyblok.stage", create,
           "workflow_stage")
    passes("storyblok_update_stage_18", "storyblok.stage", update,
           "workflow_stage")
    passes("storyblok_create_change", "storyblok.change", create,
           "workflow_stage_change")
    passes("kantata_create_change", "kantata.change", create,
           "workspace_status_change")
  end)

  it("are sent without the id when an object is sent back", function()
    passes("storyblok_stage_object", "storyblok.stage", update,
           "workflow_stage", "id")
  end)

  it("are written completely when not strict", function()
    passes("storyblok_stage_object", "storyblok.stage", loose,
           "workflow_stage")
    passes("storyblok_change_object", "storyblok.change", loose,
           "workflow_stage_change")
  end)
end)

describe("a body is refused", function()
  it("for an invalid id", function()
    local bad = {
      { "12", 'the string "12"' }, { 12.5, "the number 12.5" },
      { 0, "the number 0" }, { -1, "the number -1" },
      { 2^53 // 1 | 0, "the number 9007199254740992" },
      { 2.0^53, "the number 9007199254740992" },
      { 1e300, "the number 1e+300" }, { 0/0, "the number nan" },
      { 1/0, "the number inf" }, { -1/0, "the number -inf" },
      { math.maxinteger, "the number 9223372036854775807" },
      { math.mininteger, "the number -9223372036854775808" },
      { true, "true" }, { null, "null" }, { {}, "a table" },
      { print, "a function" }, { coroutine.create(print), "a thread" },
      { io.stdout, "a userdata" },
    }
    for _, case in ipairs(bad) do
      local message, field = refusal(create, "storyblok.change",
        { story_id = case[1], workflow_stage_id = 2 })
      assert.equal("story_id: " .. ID .. case[2], message)
      assert.equal("story_id", field)
      message, field = refusal(update, "storyblok.stage",
                             { user_ids = { 1, case[1] } })
      assert.equal("user_ids[2]: " .. ID .. case[2], message)
      assert.equal("user_ids[2]", field)
    end
  end)

  it("for values of a wrong type", function()
    local function stage(attributes)
      return (refusal(update, "storyblok.stage", attributes))
    end
    assert.equal("color: expected a string, got the number 5",
                 stage { color = 5 })
    assert.equal("color: expected a string, got null", stage { color = null })
    assert.equal("is_default: expected true or false, got the number 1",
                 stage { is_default = 1 })
    assert.equal('is_default: expected true or false, got the string "true"',
                 stage { is_default = "true" })
    assert.equal("is_default: expected true or false, got null",
                 stage { is_default = null })
    assert.equal("position: expected an integer, got the number 1.5",
                 stage { position = 1.5 })
    assert.equal("user_ids: expected an array of ids, got the number 5",
                 stage { user_ids = 5 })
    assert.equal("user_ids: expected an array of ids, got null",
                 stage { user_ids = null })
    assert.equal("workflow_id: expected an id (an integer from 1 to "
      .. '9007199254740991) or null, got the string "x"',
      stage { workflow_id = "x" })
    assert.equal("to_status_key: expected a positive integer, "
      .. "got the number 0", (refusal(create, "kantata.change",
                                    { workspace_id = 7, to_status_key = 0 })))
    assert.truthy(refusal(update, "storyblok.change", { due_date = "soon" })
      :find '^due_date: expected a time such as .* or null, got the string')
    assert.equal("comment: expected a string or a table of fields, "
      .. "got the number 5", (refusal(update, "storyblok.change",
                                    { comment = 5 })))
    assert.equal("assign: expected a table of fields, "
      .. 'got the string "me"', (refusal(update, "storyblok.change",
                                       { assign = "me" })))
  end)

  it("for values of a wrong type also when not strict", function()
    assert.equal("color: expected a string, got the number 5",
                 (refusal(loose, "storyblok.stage", { color = 5, more = 1 })))
  end)

  it("for an unknown field, with the nearest", function()
    local message, field = refusal(create, "storyblok.stage",
      { name = "A", color = "#fff", colour = "#fff" })
    assert.equal("unknown field 'colour', did you mean 'color'?", message)
    assert.equal("colour", field)
    message, field = refusal(update, "storyblok.change",
                           { assign = { user_id = { 1 } } })
    assert.equal(
      "unknown field 'assign.user_id', did you mean 'user_ids'?", message)
    assert.equal("assign.user_id", field)
    assert.equal("unknown field 'comment.zzz' (known fields: message)",
      (refusal(update, "storyblok.change", { comment = { zzz = 1 } })))
    assert.truthy(refusal(update, "storyblok.stage", { zzz = 1 })
      :find "^unknown field 'zzz' %(known fields: name, color, .*%)$")
    assert.truthy(refusal(update, "storyblok.stage", { _neww = 1 })
      :find "^unknown field '_neww' %(known")
    assert.equal("unknown field 'zzz' (no field can be given)",
                 (refusal(update, "storyblok.role", { zzz = 1 })))
  end)

  it("for a field that the service sets", function()
    assert.equal("id is set by the service and cannot be given",
                 (refusal(update, "storyblok.stage", { id = 5 })))
    local message, field = refusal(create, "storyblok.workflow", { name = "W",
      content_types = { "a" },
      workflow_stages = { { name = "S", color = "c", _new = true } } })
    assert.equal("workflow_stages[1]._new is set by the service "
                 .. "and cannot be given", message)
    assert.equal("workflow_stages[1]._new", field)
  end)

  it("for missing required fields", function()
    assert.equal("name: is required",
                 (refusal(create, "storyblok.stage", { color = "#fff" })))
    assert.equal("workflow_stage_id: is required",
                 (refusal(create, "storyblok.change", { story_id = 1 })))
    local message, field = refusal(update, "storyblok.workflow", {
      workflow_stages_attributes = { { id = 1 }, { position = 2 } } })
    assert.equal("workflow_stages_attributes[2].id: is required", message)
    assert.equal("workflow_stages_attributes[2].id", field)
  end)

  it("for an update without fields", function()
    assert.equal("nothing to update: give at least one field",
                 (refusal(update, "storyblok.stage", {})))
    assert.equal("nothing to update: give at least one field",
                 (refusal(loose, "storyblok.stage", {})))
  end)

  it("for text that is not UTF-8 or contains a NUL", function()
    local message, field = refusal(update, "storyblok.stage",
                                 { name = "abc\xe2\x82" })
    assert.equal("name: is not valid UTF-8, from byte 4 on (0xE2)", message)
    assert.equal("name", field)
    assert.equal("name: holds a NUL, at byte 2; take it out",
                 (refusal(update, "storyblok.stage", { name = "a\0b" })))
    assert.truthy(refusal(update, "storyblok.change", { comment = "\xff" })
      :find "^comment: is not valid UTF%-8")
    assert.truthy(refusal(loose, "storyblok.stage", { ["x\xff"] = 1 })
      :find "not valid UTF%-8")
    assert.truthy(refusal(loose, "storyblok.stage", { ["x\0"] = 1 })
      :find "holds a NUL")
  end)

  it("for an array with holes or names", function()
    local hole = "user_ids: expected an array without holes, item %d is missing"
    local function ids(list)
      return (refusal(update, "storyblok.stage", { user_ids = list }))
    end
    assert.equal(hole:format(2), ids { 1, nil, 3 })
    assert.equal(hole:format(1), ids { nil, 2 })
    assert.equal(hole:format(1), ids { [1000000000] = 1 })
    assert.equal(hole:format(3), ids { 1, 2, [4] = 4 })
    assert.equal("user_ids: expected an array, got a table with the key 'n'",
                 ids { 1, 2, n = 2 })
    assert.equal("user_ids: expected an array, got a table with the number "
                 .. "0 as a key", ids { [0] = 1 })
    assert.equal("user_ids: expected an array, got a table with the number "
                 .. "1.5 as a key", ids { 1, [1.5] = 1 })
  end)

  it("for an array where fields belong", function()
    assert.equal("expected a table of named fields, got one with the key 1",
                 (refusal(update, "storyblok.stage", { "A" })))
    assert.equal("comment: expected a table of named fields, "
      .. "got one with the key 1",
      (refusal(update, "storyblok.change", { comment = { "A" } })))
    assert.equal("expected names as keys, got true",
                 (refusal(update, "storyblok.stage", { [true] = 1 })))
  end)

  it("for a table that contains itself", function()
    local loop = {}
    loop.loop = loop
    assert.equal("x: has more than 100 levels of tables; "
      .. "does it contain itself?",
      (refusal(loose, "storyblok.stage", { x = loop })))
  end)

  it("with hostile names and values truncated and printable", function()
    local message = refusal(update, "storyblok.stage",
                          { [("\27[2J\n"):rep(5000)] = 1 })
    assert.truthy(message:find("^unknown field '%?%[2J%?"))
    message = refusal(update, "storyblok.change",
                    { story_id = "\27" .. ("9"):rep(100000) })
    assert.equal('story_id: ' .. ID .. 'the string "?' .. ("9"):rep(39)
                 .. '..."', message)
    local deep = {}
    for _ = 1, 90 do deep = { [("n"):rep(60)] = deep } end
    deep.x = print
    assert.is_string(refusal(loose, "storyblok.stage", { deep = deep }))
  end)
end)

describe("a schema of every kind of field", function()
  local function thing(attributes)
    attributes.needed = "n"
    return create("spec.thing", attributes)
  end

  local function wrong(attributes)
    attributes.needed = "n"
    return (refusal(create, "spec.thing", attributes))
  end

  it("may have no root", function()
    assert.equal('{"needed":"n"}', thing {})
    assert.equal('{"number":7}', update("spec.thing", { number = 7 }))
  end)

  it("has numbers", function()
    assert.equal('{"number":1.5,"needed":"n"}', thing { number = 1.5 })
    assert.equal('{"number":2,"needed":"n"}', thing { number = 2 })
    assert.equal('number: expected a number, got the string "1"',
                 wrong { number = "1" })
    assert.equal("number: expected a number, got true",
                 wrong { number = true })
  end)

  it("has any value of JSON", function()
    assert.equal('{"any":[1,"x",{"a":null}],"needed":"n"}',
                 thing { any = { 1, "x", { a = null } } })
  end)

  it("has null for lists, but not in them", function()
    assert.equal('{"names":null,"ids":null,"inners":null,"needed":"n"}',
                 thing { names = null, ids = null, inners = null })
    assert.equal("names[1]: expected a string, got null",
                 wrong { names = { null } })
    assert.equal("ids[1]: expected an id (an integer from 1 to "
                 .. "9007199254740991), got null", wrong { ids = { null } })
    assert.equal("inners[2]: expected a table of fields, got null",
                 wrong { inners = { { text = "a" }, null } })
  end)

  it("has objects, and a string instead of one", function()
    assert.equal('{"inner":{"text":"a","number":1},"needed":"n"}',
                 thing { inner = { number = 1, text = "a" } })
    assert.equal('{"inner":{"text":"a"},"needed":"n"}', thing { inner = "a" })
    assert.equal("inner.text: is required", wrong { inner = {} })
    assert.equal("inners[1]: expected a table of fields, "
                 .. 'got the string "a"', wrong { inners = { "a" } })
  end)

  it("omits fields of the query and local options", function()
    assert.equal('{"needed":"n"}', thing { asked = "x", own = { 1 } })
    assert.equal("needed: is required",
                 (refusal(create, "spec.thing", { asked = "x" })))
  end)
end)

describe("a body that is not strict", function()
  it("has unknown fields after the known ones", function()
    assert.equal('{"workflow_stage":{"name":"A","mine":{"a":[1,{}]}}}',
      loose("storyblok.stage", { mine = { a = { 1, {} } }, name = "A" }))
    assert.equal('{"workflow_stage":{"mine":null}}',
                 loose("storyblok.stage", { mine = null }))
    assert.same({ workflow_stage = { name = "A", mine = 1, yours = "2",
                                     theirs = { 3 } } },
                cjson.decode(loose("storyblok.stage", {
                  name = "A", mine = 1, yours = "2", theirs = { 3 } })))
    assert.same({ workflow_stage = { ['a"b'] = 1, ["é"] = { ["\n"] = 2 } } },
                cjson.decode(loose("storyblok.stage", {
                  ['a"b'] = 1, ["é"] = { ["\n"] = 2 } })))
  end)

  it("has them in the root object", function()
    assert.equal('{"workflow_stage_change":{"mine":1},"notify":true}',
                 loose("storyblok.change", { notify = true, mine = 1 }))
  end)

  it("knows empty arrays by the service's schemas", function()
    assert.equal('{"workflow_stage":{"mine":{"user_ids":[]}}}',
                 loose("storyblok.stage", { mine = { user_ids = {} } }))
  end)

  it("may have read-only fields", function()
    assert.equal('{"workflow_stage":{"id":5,"_destroy":true}}',
                 loose("storyblok.stage", { _destroy = true, id = 5 }))
  end)

  it("has unknown fields of nested objects", function()
    assert.equal('{"workflow_stage_change":{},"comment":'
      .. '{"message":"m","kind":"x"}}', loose("storyblok.change",
      { comment = { kind = "x", message = "m" } }))
    assert.equal("comment.kind: expected a value that JSON can hold, "
      .. "got a function", (refusal(loose, "storyblok.change",
      { comment = { kind = print, message = "m" } })))
  end)

  it("has 100 levels of them, and any number of tables", function()
    local deep, wide = {}, {}
    for _ = 2, 100 do deep = { deep } end
    for i = 1, 300 do wide[i] = { { name = i } } end
    assert.is_string(loose("storyblok.stage", { x = deep, y = wide }))
    assert.equal("x: has more than 100 levels of tables; "
      .. "does it contain itself?",
      (refusal(loose, "storyblok.stage", { x = { deep } })))
  end)
end)

describe("any table as a body", function()
  it("has arrays for sequences and objects for the rest", function()
    assert.equal('{"a":[1,2.5,"x",true,null,{"b":false}]}',
      probe.any { a = { 1, 2.5, "x", true, null, { b = false } } })
    assert.equal("[1,2]", probe.any { 1, 2 })
    assert.equal("{}", probe.any {})
    assert.equal("9223372036854775807",
                 probe.any { math.maxinteger }:match "%d+")
  end)

  it("knows empty arrays by name", function()
    assert.equal('{"user_ids":[]}', probe.any { user_ids = {} })
    assert.equal('{"stories":[]}', probe.any { stories = {} })
    assert.equal('{"content":{}}', probe.any { content = {} })
    assert.equal('[{}]', probe.any { {} })
  end)

  it("is refused for values that JSON does not have", function()
    local function any(value)
      local text, message = probe.any(value)
      assert.is_nil(text)
      return message
    end
    local loop = {}
    loop[1] = loop
    assert.truthy(any(loop):find "does it contain itself")
    assert.equal("a: expected a value that JSON can hold, got a function",
                 any { a = print })
    assert.equal("a.b[2]: expected a value that JSON can hold, "
                 .. "got the number inf", any { a = { b = { 1, 1/0 } } })
    assert.equal("a: expected an array without holes, item 2 is missing",
                 any { a = { 1, nil, 3 } })
    assert.truthy(any { 1, 2, x = 1 }:find "expected")
    assert.truthy(any { a = "\xff" }:find "^a: is not valid UTF%-8")
    assert.truthy(any { ["\xff"] = 1 }:find "is not valid UTF%-8")
    assert.truthy(any { a = "\0" }:find "^a: holds a NUL")
    assert.truthy(any { [true] = 1 }:find "expected names as keys")
    assert.truthy(any { [1.5] = 1 }:find "expected names as keys")
  end)

  it("has at most 100 levels", function()
    local function deep(levels)
      local value = {}
      for _ = 2, levels do value = { value } end
      return value
    end
    assert.is_string(probe.any(deep(100)))
    assert.is_nil((probe.any(deep(101))))
    assert.is_nil((probe.any(deep(100000))))
  end)

  it("reads back the same, by two readers, for any values", function()
    math.randomseed(7)
    local function value(level)
      local kind = math.random(level > 4 and 5 or 7)
      if kind == 1 then return math.random(0) >> math.random(11, 60) end
      if kind == 2 then
        return (math.random() - 0.5) * 10 ^ math.random(-9, 9)
      end
      if kind == 3 then return math.random(2) == 1 end
      if kind == 4 then return ('é"\\\n🚀x'):rep(math.random(0, 3)) end
      if kind == 5 then return null end
      local made = {}
      for i = 1, math.random(1, 5) do
        made[kind == 6 and i or "k" .. i] = value(level + 1)
      end
      return made
    end
    for _ = 1, tries(1000) do
      local expected = { value(0), value(0) }
      local text = assert(probe.any(expected))
      assert.same(expected, cjson.decode(text))
      assert.same(expected, (dkjson.decode(text, 1, null)))
    end
  end)
end)

describe("a body when memory runs out", function()
  local function told_each_time(write)
    local failures, text = writer.fail_each(write)
    assert.equal(write(), text)
    return failures
  end

  it("is an error at each allocation, and leaks nothing", function()
    local long = ("é\"\n"):rep(3000)
    local stages = {}
    for i = 1, 200 do stages[i] = { name = "S" .. i, color = "#" .. i } end
    assert.is_true(told_each_time(function()
      return create("storyblok.workflow", { name = long,
        content_types = { "a", long }, workflow_stages = stages })
    end) >= 5)
    assert.equal(1, told_each_time(function()
      return create("storyblok.change",
                    { story_id = 1, workflow_stage_id = 2, comment = "c" })
    end))
    told_each_time(function()
      return loose("storyblok.stage", { a = { b = { long } }, name = long })
    end)
    told_each_time(function() return probe.any { long, { long } } end)
  end)
end)

describe("a body's error", function()
  it("leaks nothing", function()
    local _, before = probe.memory()
    for _ = 1, 100 do
      refusal(update, "storyblok.stage", { name = "x", user_ids = { 1, "2" } })
    end
    local _, after = probe.memory()
    assert.equal(before, after)
  end)
end)
