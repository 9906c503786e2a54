-- A stage's current and target attributes.
local attributes = require "workstage.migration.stage"

local CONTEXT = {
  ref_of = function(name) return ({ A = 1, B = 2, C = "C" })[name] end,
  survives = function(ref) return ref ~= 9 end,
  roles = { Judge = 71 }, users = { ["a@example"] = 81 },
}

local function target(described, current)
  described.name = described.name or "A"
  return attributes.target(described, current, CONTEXT)
end

describe("a stage as the service returned it", function()
  it("has false for what is null or missing, and lists of its own", function()
    local answered = { id = 5, name = "A", is_default = true,
                       workflow_stage_ids = { 1, 2 }, unknown = 1 }
    local stage = attributes.of_stage(answered)
    assert.same({ 1, 2 }, stage.workflow_stage_ids)
    assert.not_equal(answered.workflow_stage_ids, stage.workflow_stage_ids)
    assert.same({}, stage.space_role_ids)
    assert.same({}, stage.user_ids)
    assert.is_true(stage.is_default)
    assert.is_false(stage.allow_publish)
    assert.is_false(stage.position)
    assert.is_nil(stage.unknown)
    assert.equal(5, stage.id)
  end)
end)

describe("two values", function()
  local function same(...) return attributes.equal(...) end

  it("are the same in any order of members", function()
    assert.is_true(same("user_ids", { 1, 2, 3 }, { 3, 1, 2 }))
    assert.is_false(same("user_ids", { 1, 2 }, { 1, 2, 3 }))
    assert.is_false(same("user_ids", { 1, 2 }, { 1, 3 }))
    assert.is_false(same("user_ids", { 1, 2, 3 }, { 1, 1, 1 }))
    assert.is_false(same("user_ids", { 1, 1, 1 }, { 1, 2, 3 }))
    assert.is_true(same("user_ids", { 1, 2, 1 }, { 1, 1, 2 }))
    assert.is_false(same("user_ids", {}, false))
    assert.is_false(same("user_ids", nil, {}))
  end)

  it("are the same colour in any case", function()
    assert.is_true(same("color", "#AABBCC", "#aabbcc"))
    assert.is_false(same("color", "#AABBCC", "#aabbcd"))
    assert.is_false(same("color", nil, "#aabbcc"))
    assert.is_false(same("color", "#aabbcc", nil))
    assert.is_false(same("name", "A", "a"))
    assert.is_true(same("name", "A", "A"))
  end)

  it("are the same where one is false and one is missing", function()
    assert.is_true(same("allow_publish", nil, false))
    assert.is_false(same("allow_publish", nil, true))
  end)
end)

describe("the target of a stage", function()
  it("has the current attributes if nothing is described", function()
    local current = attributes.of_stage {
      id = 1, name = "Old", color = "#1", position = 4, allow_publish = true,
      workflow_stage_ids = { 2, 9, 3 }, after_publish_id = 2,
      space_role_ids = { 5 }, user_ids = { 6 }, allow_all_stages = true }
    local to_be = target({}, current)
    assert.equal("A", to_be.name)
    assert.equal("#1", to_be.color)
    assert.same({ 2, 3 }, to_be.workflow_stage_ids)
    assert.same({ 2, 9, 3 }, current.workflow_stage_ids)
    assert.same({ name = "A" }, attributes.changes(current, to_be))
    current.after_publish_id = 9
    assert.is_false(target({}, current).after_publish_id)
  end)

  it("has only the described attributes for a new stage", function()
    assert.same({ name = "A", color = "#2" }, target { color = "#2" })
    assert.same({ name = "A", color = "#2", allow_publish = false,
                  allow_all_stages = false, workflow_stage_ids = { 2 },
                  allow_none_for_next_stages = false },
                target { color = "#2", allow_publish = false,
                         next = { "B" } })
  end)

  it("lists no stages of its model where all are open", function()
    local model = attributes.of_stage { name = "B", workflow_stage_ids = { 2 } }
    local to_be = attributes.target({ name = "A", next = "all" }, nil, CONTEXT,
                                    model)
    assert.is_true(to_be.allow_all_stages)
    assert.same({}, to_be.workflow_stage_ids)
  end)

  it("does not lead to itself because its model does", function()
    local model = attributes.of_stage {
      name = "B", workflow_stage_ids = { 1, 2 }, after_publish_id = 1 }
    local to_be = attributes.target({ name = "A" }, nil, CONTEXT, model)
    assert.same({ 2 }, to_be.workflow_stage_ids)
    assert.is_false(to_be.after_publish_id)
    to_be = attributes.target({ name = "A", next = { "A" } }, nil, CONTEXT,
                              model)
    assert.same({ 1 }, to_be.workflow_stage_ids)
  end)

  it("is what its model has where nothing is described", function()
    local model = attributes.of_stage {
      name = "M", color = "#9", is_default = true, position = 3,
      allow_publish = true, workflow_stage_ids = { 2, 9 }, user_ids = { 6 } }
    local to_be = attributes.target({ name = "A", color = "#2",
      users = { "a@example" } }, nil, CONTEXT, model)
    assert.same({ "A", "#2", true }, { to_be.name, to_be.color,
                                       to_be.allow_publish })
    assert.is_nil(to_be.is_default)
    assert.is_nil(to_be.position)
    assert.same({ 2 }, to_be.workflow_stage_ids)
    assert.same({ 81 }, to_be.user_ids)
  end)

  it("is what is described", function()
    local to_be = target({
      color = "#3", is_default = false, allow_publish = true,
      next = { "C", "A" }, after_publish = "B", roles = { "Judge" },
      users = { "a@example" } },
      attributes.of_stage { name = "A", color = "#1", is_default = true,
                            allow_all_stages = true })
    assert.same({ "C", 1 }, to_be.workflow_stage_ids)
    assert.is_false(to_be.allow_all_stages)
    assert.is_false(to_be.allow_none_for_next_stages)
    assert.equal(2, to_be.after_publish_id)
    assert.same({ 71 }, to_be.space_role_ids)
    assert.same({ 81 }, to_be.user_ids)
    assert.is_false(to_be.is_default)
    assert.is_true(to_be.allow_publish)
    assert.is_false(target({ after_publish = false },
      attributes.of_stage { after_publish_id = 2 }).after_publish_id)
  end)

  it("is open to all, to none or to some", function()
    local current = attributes.of_stage { workflow_stage_ids = { 1, 2 } }
    local to_be = target({ next = "all" }, current)
    assert.is_true(to_be.allow_all_stages)
    assert.is_false(to_be.allow_none_for_next_stages)
    assert.same({ 1, 2 }, to_be.workflow_stage_ids) -- for when it is closed
    to_be = target({ next = "none" }, current)
    assert.is_false(to_be.allow_all_stages)
    assert.is_true(to_be.allow_none_for_next_stages)
    assert.same({}, to_be.workflow_stage_ids)
  end)
end)

describe("changes", function()
  it("are nothing that the target leaves open", function()
    local current = attributes.of_stage { name = "A", allow_publish = true }
    assert.same({ name = "B" }, attributes.changes(current, { name = "B" }))
  end)

  it("are what differs, but for the position", function()
    local current = attributes.of_stage { name = "A", color = "#1",
                                          position = 1 }
    local to_be = target({ name = "B", color = "#1", allow_publish = true },
                         current)
    to_be.position = 7
    assert.same({ name = "B", allow_publish = true },
                attributes.changes(current, to_be))
    assert.is_nil(attributes.changes(current, current))
  end)

  it("do not include transitions if all are open before and after", function()
    local function transitions(before, after)
      local from = attributes.of_stage { name = "A", color = "#1" }
      local to = attributes.of_stage { name = "A", color = "#1" }
      from.allow_all_stages, to.allow_all_stages = before, after
      to.workflow_stage_ids = { 1 }
      return (attributes.changes(from, to) or {}).workflow_stage_ids
    end
    assert.is_nil(transitions(true, true))
    assert.same({ 1 }, transitions(true, false))
    assert.same({ 1 }, transitions(false, true))
    assert.same({ 1 }, transitions(false, false))
  end)
end)

describe("a request's body", function()
  it("has null for no stage, and no position that there is not", function()
    local null = setmetatable({}, {})
    assert.same({ name = "A", after_publish_id = null },
                attributes.body({ name = "A", after_publish_id = false,
                                  position = false, id = 5 }, null))
    assert.same({ after_publish_id = 3, position = 2 },
                attributes.body({ after_publish_id = 3, position = 2 }, null))
    assert.same({}, attributes.body({}, null))
  end)
end)
