local writer = require "support.writer"
local probe, query = writer.probe, writer.query

local function refusal(schema, filter)
  local text, message = query(schema, filter)
  assert.is_nil(text)
  return message
end

describe("a query", function()
  it("is written in the schema's order", function()
    assert.equal(
      "page=2&per_page=100&in_workflow_stages=288868932106293,5"
      .. "&starts_with=legal%2F&story_only=true&in_release=7",
      query("storyblok.story_filter", {
        in_release = 7, story_only = true, starts_with = "legal/",
        in_workflow_stages = { 288868932106293, 5.0 }, per_page = 100.0,
        page = 2,
      }))
  end)

  it("is empty for an empty table", function()
    assert.equal("", query("storyblok.story_filter", {}))
    assert.equal("", query(nil, {}))
  end)

  it("has an empty value for an empty array", function()
    assert.equal("by_ids=", query("storyblok.stage_filter", { by_ids = {} }))
    assert.equal("by_ids=", query(nil, { by_ids = {} }))
  end)

  it("accepts one value instead of a list", function()
    assert.equal("by_ids=5", query("storyblok.stage_filter", { by_ids = 5 }))
    assert.equal("include=user%2Cworkspace",
      query("kantata.get_filter", { include = "user,workspace" }))
  end)

  it("nests tables in brackets", function()
    assert.equal("filter_query%5Bx%20y%5D%5Bin%5D=a%26b,c",
      query("storyblok.story_filter",
            { filter_query = { ["x y"] = { ["in"] = { "a&b", "c" } } } }))
    assert.equal("", query("storyblok.story_filter", { filter_query = {} }))
    assert.equal("filter_query%5Ba%5D%5Bin_array%5D%5B%5D=x%2Cy&"
                 .. "filter_query%5Ba%5D%5Bin_array%5D%5B%5D=2",
                 query("storyblok.story_filter", {
                   filter_query = { a = { in_array = { "x,y", 2 } } } }))
    assert.equal("filter_query%5Ba%5D%5Ball_in_array%5D=x%2Cy",
                 query("storyblok.story_filter", {
                   filter_query = { a = { all_in_array = "x,y" } } }))
    assert.equal("filter_query%5B__or%5D%5B%5D%5Ba%5D%5Bin%5D=x,y&"
                 .. "filter_query%5B__or%5D%5B%5D%5Bb%5D%5Bis%5D=null",
                 query("storyblok.story_filter", { filter_query = { __or = {
                   { a = { ["in"] = { "x", "y" } } },
                   { b = { is = "null" } } } } }))
    local both = query("storyblok.story_filter", { page = 1,
      filter_query = { a = { is = true }, b = { gt_float = 1.5 } } })
    local one, two = "filter_query%5Ba%5D%5Bis%5D=true",
      "filter_query%5Bb%5D%5Bgt_float%5D=1.5"
    assert.truthy(both == "page=1&" .. one .. "&" .. two
                  or both == "page=1&" .. two .. "&" .. one)
  end)

  it("accepts any name without a schema", function()
    assert.equal("x%20y%5B%5D=1", query(nil, { ["x y[]"] = 1 }))
    assert.equal("a=1,2.5,true,x",
                 query(nil, { a = { 1, 2.5, true, "x" } }))
  end)

  it("skips fields of the body", function()
    local change = { workspace_id = 7, to_status_key = 605,
                     include = { "workspace" }, unknown = 1 }
    assert.equal("include=workspace",
      probe.query("kantata.change", true, true, change))
    assert.equal("", probe.query("kantata.change", true, true, {}))
  end)

  it("accepts unknown names if not strict", function()
    assert.equal("search=x&my%5Ba%5D=1",
      probe.query("storyblok.stage_filter", false, false,
                  { my = { a = 1 }, search = "x" }))
    local text, message = probe.query("storyblok.stage_filter", false, false,
                                      { my = { a = print }, search = "x" })
    assert.is_nil(text)
    assert.equal("my.a: expected a string, a number, true or false, "
                 .. "got a function", message)
  end)

  it("has 100 levels of tables, and any number of them", function()
    local deep, wide = 1, {}
    for _ = 1, 100 do deep = { a = deep } end
    for i = 1, 300 do wide["n" .. i] = { a = 1 } end
    assert.is_string(query(nil, { x = deep, y = wide }))
    assert.truthy(refusal(nil, { x = { a = deep } })
                  :find "more than 100 levels")
  end)

  it("escapes everything that is not plain", function()
    assert.equal("search=a%20%26%3D%2B%25%23%2C%C3%BC",
      query("storyblok.stage_filter", { search = "a &=+%#,ü" }))
    assert.equal("created_after=2026-12-01T10%3A00%3A00Z&workspace_id=7",
      (query("kantata.change_filter", { workspace_id = 7,
        created_after = "2026-12-01T10:00:00Z" })
        :gsub("^(workspace_id=7)&(.*)$", "%2&%1")))
  end)

  it("keeps the order of arrays, whatever the order of building", function()
    local ids = {}
    for i = 20, 1, -1 do ids[i] = i end
    local list = {}
    for i = 1, 20 do list[i] = i end
    assert.equal("by_ids=" .. table.concat(list, ","),
                 query("storyblok.stage_filter", { by_ids = ids }))
  end)
end)

describe("a query of every kind of field", function()
  local function thing(filter)
    filter.asked, filter.needed = "a", "n"
    return query("spec.thing", filter)
  end

  it("has numbers", function()
    assert.equal("number=1.5&asked=a&needed=n", thing { number = 1.5 })
    assert.equal("number=2&asked=a&needed=n", thing { number = 2 })
    local _, message = thing { number = "2" }
    assert.equal('number: expected a number, got the string "2"', message)
  end)

  it("has items of its lists, never null", function()
    assert.equal("names=a,b&ids=1,2&asked=a&needed=n",
                 thing { ids = { 1, 2.0 }, names = { "a", "b" } })
    local _, message = thing { names = { writer.null } }
    assert.equal("names[1]: expected a string, got null", message)
    _, message = thing { ids = { 1, writer.null } }
    assert.equal("ids[2]: expected an id (an integer from 1 to "
                 .. "9007199254740991), got null", message)
  end)

  it("has objects in brackets", function()
    assert.equal("inner%5Btext%5D=x&asked=a&needed=n",
                 thing { inner = { text = "x" } })
    assert.equal("any=1,2&asked=a&needed=n", thing { any = { 1, 2 } })
  end)

  it("needs its required fields", function()
    assert.equal("needed: is required", refusal("spec.thing", { asked = "a" }))
    assert.equal("asked: is required", refusal("spec.thing", { needed = "n" }))
    assert.equal("asked=a", probe.query("spec.thing", true, true,
                                        { asked = "a", own = 1, ids = 5 }))
    local _, message = probe.query("spec.thing", true, true, {})
    assert.equal("asked: is required", message)
  end)

  it("omits local options", function()
    assert.equal("asked=a&needed=n", thing { own = "x" })
  end)
end)

describe("a query is refused", function()
  it("for wrong values", function()
    local f = "storyblok.stage_filter"
    local id = "expected an id (an integer from 1 to 9007199254740991), got "
    assert.equal("in_workflow: " .. id .. 'the string "12"',
                 refusal(f, { in_workflow = "12" }))
    assert.equal("by_ids[2]: " .. id .. 'the string "2"',
                 refusal(f, { by_ids = { 1, "2" } }))
    assert.equal("by_ids[1]: " .. id .. "null",
                 refusal(f, { by_ids = { writer.null } }))
    assert.equal("search: expected a string, got the number 5",
                 refusal(f, { search = 5 }))
    assert.equal("search: expected a string, got null",
                 refusal(f, { search = writer.null }))
    assert.equal("search: expected a string, got a table",
                 refusal(f, { search = {} }))
    assert.equal("page: expected a positive integer, got the number 0",
                 refusal("storyblok.collaborator_filter", { page = 0 }))
    assert.equal("include_stages: expected true or false, got the number 1",
      refusal("storyblok.workflow_get_filter", { include_stages = 1 }))
    assert.truthy(refusal("kantata.change_filter",
      { workspace_id = 7, created_after = "tomorrow" })
      :find("^created_after: expected a time such as .-, "
            .. 'got the string "tomorrow"$'))
  end)

  it("for unknown names, with the nearest", function()
    assert.equal("unknown field 'in_workflows', did you mean 'in_workflow'?",
      refusal("storyblok.stage_filter", { in_workflows = 1 }))
    assert.equal("unknown field 'zzz' (known fields: in_workflow, by_ids, "
      .. "exclude_id, search)", refusal("storyblok.stage_filter", { zzz = 1 }))
  end)

  it("for missing required fields", function()
    assert.equal("with_story: is required",
                 refusal("storyblok.change_filter", { page = 1 }))
  end)

  it("for an item with a comma, a hole, a key that is not a name", function()
    assert.equal("by_slugs[2]: holds a comma, which separates items",
      refusal("storyblok.story_filter", { by_slugs = { "a", "b,c" } }))
    assert.equal("by_ids: expected an array without holes, item 2 is missing",
      refusal("storyblok.story_filter", { by_ids = { 1, nil, 3 } }))
    assert.equal("expected a table of named fields, got one with the key 1",
      refusal("storyblok.story_filter", { 1 }))
    assert.equal("filter_query.a: expected names as keys, got true",
      refusal("storyblok.story_filter",
            { filter_query = { a = { [true] = 1 } } }))
    local function alternatives(list)
      return refusal("storyblok.story_filter",
                     { filter_query = { __or = list } })
    end
    assert.equal("filter_query.__or[1]: expected a table, got the string "
                 .. '"x"', alternatives { "x" })
    assert.equal("filter_query.__or[2]: has no condition",
                 alternatives { { a = { is = "null" } }, {} })
    assert.equal("filter_query.__or[1]: expected a table of named fields, "
                 .. "got one with the key 1", alternatives { { "x" } })
    for _, several in ipairs { { a = { is = "null" }, b = { is = "null" } },
                               { a = { gt_int = 1, lt_int = 5 } } } do
      assert.equal("filter_query.__or[1]: has several conditions: give each "
                   .. "alternative a table of its own",
                   alternatives { several })
    end
    assert.equal("filter_query.a[1]: expected a string, a number, true or "
      .. "false, got a table",
      refusal("storyblok.story_filter", { filter_query = { a = { {} } } }))
  end)

  it("for text that is not valid in a URL", function()
    assert.equal("search: holds a NUL, at byte 2; take it out",
      refusal("storyblok.stage_filter", { search = "a\0b" }))
    assert.equal("search: is not valid UTF-8, from byte 2 on (0xFF)",
      refusal("storyblok.stage_filter", { search = "a\xff" }))
    assert.truthy(refusal(nil, { ["a\0"] = 1 }):find "holds a NUL")
    assert.truthy(refusal(nil, { ["a\xc3"] = 1 }):find "not valid UTF%-8")
    assert.truthy(refusal(nil, { a = 0/0 }):find "got the number nan")
    assert.truthy(refusal(nil, { a = print }):find "got a function")
  end)

  it("for a table that contains itself", function()
    local loop = { a = 1 }
    loop.loop = loop
    assert.truthy(refusal(nil, { x = loop }):find "does it contain itself")
    assert.truthy(refusal("storyblok.story_filter", { filter_query = loop })
      :find "does it contain itself")
  end)
end)

describe("a query when memory runs out", function()
  it("is an error at each allocation, and leaks nothing", function()
    local filter = { starts_with = ("x"):rep(3000), by_ids = { 1, 2, 3 },
                     filter_query = { a = { b = ("é"):rep(2000) } } }
    local failures, text = writer.fail_each(function()
      return query("storyblok.story_filter", filter)
    end)
    assert.is_true(failures >= 3)
    assert.equal(query("storyblok.story_filter", filter), text)
  end)

  it("refuses a single value that is not a valid item", function()
    for _, value in ipairs { "x", 0, 1.5, true, -7 } do
      local text, why = probe.query("storyblok.story_filter", false, true,
                                    { by_ids = value })
      assert.is_nil(text)
      assert.truthy(why:find("^by_ids: expected an array of ids"), why)
    end
    assert.equal("by_ids=7", probe.query("storyblok.story_filter", false, true,
                                         { by_ids = 7 }))
  end)
end)
