local probe = require "support.writer".probe
local schemas = probe.schemas()

local function field(schema, name)
  for _, each in ipairs(schemas[schema]) do
    if each.name == name then return each end
  end
end

describe("every schema", function()
  it("is found by its name", function()
    for name in pairs(schemas) do assert.is_true(probe.named(name)) end
    assert.is_false(probe.named "storyblok.stages")
  end)

  it("finds each of its fields, and no other", function()
    for name, schema in pairs(schemas) do
      assert.is_true(#schema > 0 and #schema <= 64, name)
      for _, each in ipairs(schema) do
        assert.is_true(each.found, name .. "." .. each.name)
        assert.is_false(probe.has_field(name, each.name .. "x"))
        local shorter = each.name:sub(1, -2)
        assert.equal(field(name, shorter) ~= nil,
                     probe.has_field(name, shorter))
        assert.is_false(probe.has_field(name, each.name:upper() .. "\0"))
      end
      assert.is_false(probe.has_field(name, ""))
    end
  end)

  it("documents itself and each field in one sentence", function()
    for name, schema in pairs(schemas) do
      assert.truthy(schema.doc:find "^%u.*%.$", name)
      for _, each in ipairs(schema) do
        assert.truthy(each.doc:find "^%u.*%.$", name .. "." .. each.name)
      end
    end
  end)

  it("has a schema for each object field", function()
    for name, schema in pairs(schemas) do
      for _, each in ipairs(schema) do
        local holds = each.type == "object" or each.type == "array of objects"
        assert.equal(holds, each.object ~= nil, name .. "." .. each.name)
        if each.shorthand then
          assert.truthy(field(each.object, each.shorthand))
        end
      end
    end
  end)

  it("is a filter in all its fields or has a name that says otherwise",
  function()
    for name, schema in pairs(schemas) do
      for _, each in ipairs(schema) do
        if name:find "_filter$" then assert.is_true(each.in_query) end
      end
    end
  end)
end)

describe("the schemas", function()
  it("know what the services require on create", function()
    local required = {}
    for name, schema in pairs(schemas) do
      for _, each in ipairs(schema) do
        if each.required then required[name .. "." .. each.name] = true end
      end
    end
    assert.same({
      ["storyblok.stage.name"] = true, ["storyblok.stage.color"] = true,
      ["storyblok.change.story_id"] = true,
      ["storyblok.change.workflow_stage_id"] = true,
      ["storyblok.workflow.name"] = true,
      ["storyblok.workflow.content_types"] = true,
      ["storyblok.stage_position.id"] = true,
      ["storyblok.change_filter.with_story"] = true,
      ["kantata.change.workspace_id"] = true,
      ["kantata.change.to_status_key"] = true,
      ["kantata.change_filter.workspace_id"] = true,
      ["kantata.workspace.title"] = true,
    }, required)
  end)

  it("know the fields beside a change", function()
    for _, name in ipairs { "release_id", "notify", "comment", "assign" } do
      assert.is_true(field("storyblok.change", name).outside_root)
    end
    assert.is_false(field("storyblok.change", "due_date").outside_root)
  end)

  it("know the arrays of the service", function()
    for _, name in ipairs { "user_ids", "space_role_ids", "stories",
        "workflow_stage_ids", "content_types", "workflow_stages" } do
      assert.is_true(probe.is_array(name), name)
    end
    for _, name in ipairs { "name", "comment", "story", "" } do
      assert.is_false(probe.is_array(name), name)
    end
  end)
end)

describe("the nearest name", function()
  local names = { "name", "color", "workflow_id", "is_default", "user_ids" }
  local function nearest(name)
    return probe.nearest(name, table.unpack(names))
  end

  it("is found for usual typing errors", function()
    assert.equal("color", nearest "colour")
    assert.equal("color", nearest "colro")
    assert.equal("color", nearest "COLOR")
    assert.equal("name", nearest "nmae")
    assert.equal("name", nearest "names")
    assert.equal("name", nearest "nam")
    assert.equal("age", probe.nearest("gae", "age"))
    assert.equal("workflow_id", nearest "workflowId")
    assert.equal("workflow_id", nearest "workflow-id")
    assert.equal("user_ids", nearest "user_id")
  end)

  it("is none if no name is near", function()
    for _, name in ipairs { "", "x", "zzz", "position", "default_is", "cxxxr",
        ("y"):rep(500) } do
      assert.is_nil(nearest(name))
    end
    assert.is_nil(probe.nearest "name")
  end)
end)
