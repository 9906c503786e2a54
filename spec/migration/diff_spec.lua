-- The planner: from a state to the desired one, without network or files.
local diff = require "workstage.migration.plan.diff"
local planning = require "support.planning"

local stage = planning.stage

local function structure(stages, more)
  local found = { stages = stages, workflow = {
    id = 7, name = "Article", content_types = { "article" },
    is_default = false } }
  for key, value in pairs(more or {}) do found[key] = value end
  return found
end

local function three()
  return structure {
    stage(1, "Drafting", "#1", { is_default = true,
                                 workflow_stage_ids = { 2 } }),
    stage(2, "Review", "#2", { workflow_stage_ids = { 1, 3 } }),
    stage(3, "Ready", "#3"),
  }
end

-- The same, described.
local function described()
  return {
    { name = "Drafting", color = "#1", is_default = true,
      next = { "Review" } },
    { name = "Review", color = "#2", next = { "Drafting", "Ready" } },
    { name = "Ready", color = "#3", next = {} },
  }
end

local function plan(found, stages, moves, context)
  return planning.plan(found, {
    workflow = "Article", content_types = { "article" }, stages = stages,
  }, context or { roles = {}, users = {} }, function(refs)
    local list = {}
    for i, move in ipairs(moves or {}) do
      local made = { from_name = "?", to_name = "?", set = {},
                     items = {} }
      for key, value in pairs(move) do made[key] = value end
      made.to = refs[made.to] or made.to
      made.count = made.count or 0
      list[i] = made
    end
    return list
  end)
end

local function kinds(operations)
  local list = {}
  for i, operation in ipairs(operations) do
    list[i] = operation.op .. (operation.name and " " .. operation.name or "")
  end
  return list
end

local function position_of(operations, op, name)
  for i, operation in ipairs(operations) do
    if operation.op == op and (not name or operation.name == name) then
      return i
    end
  end
end

describe("the planner", function()
  it("has no operations if everything matches the description", function()
    assert.same({}, (plan(three(), described())))
  end)

  it("leaves alone what is not described", function()
    local found = three()
    found.stages[2].allow_editor_change = true
    found.stages[2].user_ids = { 5 }
    assert.same({}, (plan(found, described())))
  end)

  it("creates a workflow, stages first and what they still lack last",
     function()
    local operations = plan({ stages = {} }, described())
    assert.same({ "create_workflow Article", "create_stage Drafting",
                  "create_stage Review", "create_stage Ready",
                  "update_stage Drafting", "update_stage Review",
                  "clear_workflow" }, kinds(operations))
    -- references that exist already are sent, and never the default
    assert.same({ name = "Drafting", color = "#1", position = 1,
                  workflow_stage_ids = {}, allow_all_stages = false,
                  allow_none_for_next_stages = false }, operations[2].set)
    assert.same({ "Drafting" }, operations[3].set.workflow_stage_ids)
    assert.same({ is_default = true, workflow_stage_ids = { "Review" } },
                operations[5].set)
    assert.same({ workflow_stage_ids = { "Drafting", "Ready" } },
                operations[6].set)
  end)

  it("sends of a new stage what is described, and leaves the rest to the " ..
     "service", function()
    local stages = described()
    stages[4] = { name = "Legal", color = "#4", allow_publish = false }
    local operations = plan(three(), stages)
    assert.same({ "create_stage Legal" }, kinds(operations))
    assert.same({ name = "Legal", color = "#4", position = 4,
                  allow_publish = false }, operations[1].set)
  end)

  it("takes what a stage inherits from the stage as it will be", function()
    local found, stages = three(), described()
    found.stages[2].user_ids, found.stages[2].allow_publish = { 5 }, true
    stages[2].allow_publish = false
    stages[4] = { name = "Legal", color = "#4", inherit = "Review",
                  next = { "Ready" } }
    local operations = plan(found, stages)
    assert.equal("create_stage Legal", kinds(operations)[1])
    local set = operations[1].set
    assert.same({ 5 }, set.user_ids)
    assert.is_false(set.allow_publish)
    assert.same({ 3 }, set.workflow_stage_ids)
    assert.equal("Legal", set.name)
    assert.equal("#4", set.color)
    assert.is_nil(set.is_default)
  end)

  it("changes the content types of all but the default workflow", function()
    local found = three()
    found.workflow.content_types = { "page" }
    local operations = plan(found, described())
    assert.same({ "update_workflow Article" }, kinds(operations))
    assert.same({ content_types = { "page" } }, operations[1].before)
    found.workflow.is_default = true
    assert.same({}, (plan(found, described())))
  end)

  it("moves before it deletes, and changes after", function()
    local stages = described()
    table.remove(stages, 2)
    stages[1].next, stages[1].color = { "Ready" }, "#2"
    local operations = plan(three(), stages,
                            { { from = 2, to = "Ready", count = 3 },
                              { from = 3, to = "Drafting", count = 0 },
                              { from = 2, to = "Ready", only = true },
                              { from = 2, to = "Drafting" } })
    assert.same({ "update_stage Drafting", "move", "update_stage Drafting",
                  "delete_stage Review", "update_stage Drafting" },
                kinds(operations))
    -- widened before the moves, closed before the stage is drained
    assert.same({ workflow_stage_ids = { 2, 3 } }, operations[1].set)
    assert.same({ workflow_stage_ids = { 3 } }, operations[3].set)
    assert.same({ color = "#2" }, operations[5].set)
    assert.same({ 1, 4 }, operations[4].rules)
  end)

  it("opens the transitions that moves need, and closes them again", function()
    local stages = described()
    local operations = plan(three(), stages,
                            { { from = 1, to = "Ready", count = 1 } })
    assert.same({ "update_stage Drafting", "move", "update_stage Drafting" },
                kinds(operations))
    assert.same({ 2, 3 }, operations[1].set.workflow_stage_ids)
    assert.same({ 2 }, operations[3].set.workflow_stage_ids)
  end)

  it("opens a transition once, however many moves need it", function()
    local operations = plan(three(), described(),
                            { { from = 1, to = "Ready", count = 1 },
                              { from = 1, to = "Ready", count = 2 } })
    assert.same({ "update_stage Drafting", "move", "move",
                  "update_stage Drafting" }, kinds(operations))
    assert.same({ 2, 3 }, operations[1].set.workflow_stage_ids)
  end)

  it("closes them also where no stages are described", function()
    local operations = planning.plan(three(), {},
      { roles = {}, users = {} }, function()
        return { { from = 1, to = 3, count = 1, items = {}, set = {} } }
      end)
    assert.same({ "update_stage Drafting", "move", "update_stage Drafting" },
                kinds(operations))
    assert.same({ 2 }, operations[3].set.workflow_stage_ids)
  end)

  it("opens a stage that lets nothing through", function()
    local found = three()
    found.stages[3].allow_none_for_next_stages = true
    local stages = described()
    stages[3].next = "none"
    local operations = plan(found, stages,
                            { { from = 3, to = "Drafting", count = 1 } })
    assert.is_false(operations[1].set.allow_none_for_next_stages)
    assert.is_true(operations[3].set.allow_none_for_next_stages)
  end)

  it("plans neither a move without items nor its transition", function()
    assert.same({}, (plan(three(), described(),
                          { { from = 1, to = "Ready", count = 0 } })))
  end)

  it("marks a new default before the old one goes", function()
    local stages = described()
    table.remove(stages, 1)
    stages[1].next, stages[2].is_default = { "Ready" }, true
    local operations = plan(three(), stages)
    local marked = position_of(operations, "update_stage", "Ready")
    assert.same({ is_default = true }, operations[marked].set)
    assert.is_true(marked < position_of(operations, "delete_stage"))
  end)

  it("creates a new default before the old one goes", function()
    local stages = described()
    stages[1] = { name = "Start", color = "#9", is_default = true,
                  next = { "Review" } }
    stages[2].next = { "Start", "Ready" }
    local operations = plan(three(), stages)
    assert.equal("create_stage Start", kinds(operations)[1])
    assert.is_nil(operations[1].set.is_default)
    local marked = position_of(operations, "update_stage", "Start")
    assert.is_true(operations[marked].set.is_default)
    assert.is_true(position_of(operations, "delete_stage") > marked)
  end)

  it("marks a default in the same update as its other attributes", function()
    local stages = described()
    stages[1].is_default, stages[3].is_default = nil, true
    stages[3].color = "#9"
    local operations = plan(three(), stages)
    assert.same({ "update_stage Ready" }, kinds(operations))
    assert.same({ is_default = true, color = "#9" }, operations[1].set)
  end)

  it("never leaves the workflow without a default stage in between", function()
    local stages = described()
    stages[1].is_default, stages[3].is_default = nil, true
    stages[3].was, stages[1].was = "Drafting", "Ready"
    stages[1].name, stages[3].name = "Drafting", "Ready"
    stages[1].next = {}
    local operations = plan(three(), stages)
    local default = 1
    for _, operation in ipairs(operations) do
      if operation.set and operation.set.is_default then
        default = operation.stage
      end
      assert.is_false(operation.stage == default and operation.set and
                      operation.set.is_default == false)
    end
  end)

  it("drops references to a stage before it is drained", function()
    local found, stages = three(), described()
    found.stages[1].after_publish_id = 3
    table.remove(stages)
    stages[1].next, stages[2].next = nil, nil
    local operations = plan(found, stages)
    assert.same({ "update_stage Drafting", "update_stage Review",
                  "delete_stage Ready" }, kinds(operations))
    assert.same({ after_publish_id = false }, operations[1].set)
    assert.same({ workflow_stage_ids = { 1 } }, operations[2].set)
  end)

  it("makes a stage that leads to all lead to the others meanwhile", function()
    local found, stages = three(), described()
    found.stages[1].allow_all_stages = true
    table.remove(stages)
    stages[1].next, stages[2].next = "all", nil
    local operations = plan(found, stages)
    assert.same({ "update_stage Drafting", "update_stage Review",
                  "delete_stage Ready", "update_stage Drafting" },
                kinds(operations))
    assert.same({ allow_all_stages = false, workflow_stage_ids = { 1, 2 } },
                operations[1].set)
    assert.is_true(operations[4].set.allow_all_stages)
  end)

  it("frees a new stage's name and colour", function()
    local stages = described()
    stages[2] = { name = "Legal", color = "#2", next = { "Ready" } }
    stages[1].next = { "Legal" }
    local operations = plan(three(), stages)
    assert.same({ "update_stage Review", "create_stage Legal",
                  "update_stage Drafting", "update_stage Drafting",
                  "delete_stage Review" }, kinds(operations))
    assert.is_string(operations[1].set.color)
    assert.same({ workflow_stage_ids = { 2, "Legal" } }, operations[3].set)
    assert.same({ workflow_stage_ids = { "Legal" } }, operations[4].set)
  end)

  it("gives the holder of a name that a new stage needs its final one",
     function()
    -- Review is renamed, and a new stage takes its name
    local stages = described()
    stages[2].name, stages[2].was, stages[2].color = "Proof", "Review", "#9"
    stages[4] = { name = "Review", color = "#2", next = { "Ready" } }
    stages[1].next = { "Proof", "Review" }
    local operations = plan(three(), stages)
    assert.same({ "update_stage Proof", "create_stage Review",
                  "update_stage Drafting" }, kinds(operations))
    assert.same({ name = "Proof", color = "#9" }, operations[1].set)
  end)

  it("exchanges names and colours with a new stage between", function()
    -- A and B exchange everything that shows; the new one takes B's name
    local stages = described()
    stages[1].name, stages[1].was, stages[1].color = "Review", "Drafting",
                                                     "#2"
    stages[2].name, stages[2].was, stages[2].color = "Proof", "Review", "#1"
    stages[4] = { name = "Drafting", color = "#4", next = {} }
    stages[1].next, stages[2].next = { "Proof" }, { "Review", "Ready" }
    local operations, draft = plan(three(), stages)
    local names = {}
    for ref, each in pairs(draft.state.stages) do names[ref] = each.name end
    assert.same({ [1] = "Review", [2] = "Proof", [3] = "Ready",
                  Drafting = "Drafting" }, names)
    assert.is_true(#operations <= 5)
  end)

  it("renames by `was` and keeps the items", function()
    local stages = described()
    stages[2].name, stages[2].was = "Proof", "Review"
    stages[1].next = { "Proof" }
    local operations = plan(three(), stages)
    assert.same({ "update_stage Proof" }, kinds(operations))
    assert.same({ name = "Proof" }, operations[1].set)
    assert.equal(2, operations[1].stage)
  end)

  it("does not rename again what has its new name", function()
    local stages = described()
    stages[2].was = "Reviewing"
    assert.same({}, (plan(three(), stages)))
  end)

  it("exchanges names in a cycle, once", function()
    local stages = described()
    stages[1].was, stages[2].was = "Review", "Drafting"
    stages[1].color, stages[2].color = "#2", "#1"
    stages[1].next, stages[2].next = { "Drafting", "Ready" }, { "Drafting" }
    stages[1].is_default, stages[2].is_default = nil, true
    local operations = plan(three(), stages)
    assert.same({ "update_stage Review (1)", "update_stage Review",
                  "update_stage Drafting", "order_stages" },
                kinds(operations))
    -- and now they have them
    local after = structure {
      stage(2, "Drafting", "#2", { workflow_stage_ids = { 2, 3 },
                                   position = 1 }),
      stage(1, "Review", "#1", { is_default = true, position = 2,
                                 workflow_stage_ids = { 2 } }),
      stage(3, "Ready", "#3"),
    }
    assert.same({}, (plan(after, stages)))
    for _, each in ipairs(stages) do each.next = nil end
    assert.same({}, (plan(after, stages)))
  end)

  it("takes a stage that has all for the one that is meant", function()
    local stages = described()
    stages[2] = { name = "Ready", color = "#3", was = "Review", next = {} }
    table.remove(stages, 3)
    stages[1].next = nil
    assert.same({ "update_stage Drafting", "delete_stage Review" },
                kinds((plan(three(), stages))))
  end)

  it("takes a stage by its id, where it is known", function()
    local stages = described()
    stages[1].id, stages[2].id, stages[3].id = 1, 3, false
    stages[2].color, stages[3].color = "#3", "#2"
    stages[2].next, stages[3].next = {}, { "Drafting" }
    local operations = plan(three(), stages)
    assert.truthy(position_of(operations, "create_stage", "Ready"))
    local deleted = position_of(operations, "delete_stage")
    assert.equal(2, operations[deleted].stage)
    local named = {}
    for _, operation in ipairs(operations) do
      if operation.op == "update_stage" then
        named[operation.stage] = operation.name
      end
    end
    assert.equal("Review", named[3])
  end)

  it("follows a chain of `was` to its end", function()
    local stages = described()
    stages[1].name, stages[1].was = "Review", "Drafting"
    stages[2].name, stages[2].was = "Ready", "Review"
    stages[3].name, stages[3].was = "Done", "Ready"
    stages[1].next, stages[2].next = { "Ready" }, { "Review", "Done" }
    local operations = plan(three(), stages)
    assert.same({ "update_stage Done", "update_stage Ready",
                  "update_stage Review" }, kinds(operations))
    assert.same({ 3, 2, 1 }, { operations[1].stage, operations[2].stage,
                               operations[3].stage })
  end)

  it("follows it also when its middle looks done by chance", function()
    local found = three()
    local stages = described()
    -- the current "Review" is what the second one must become
    stages[1].name, stages[1].was = "Proof", "Review"
    stages[2].was, stages[1].next = "Drafting", { "Review" }
    stages[1].is_default, stages[2].is_default = true, nil
    stages[2].next, stages[1].color, stages[2].color = { "Proof", "Ready" },
                                                       "#1", "#2"
    found.stages[2].workflow_stage_ids = { 2, 3 }
    local operations = assert(plan(found, stages))
    local renamed = {}
    for _, operation in ipairs(operations) do
      if operation.set and operation.set.name then
        renamed[operation.stage] = operation.set.name
      end
    end
    assert.equal("Proof", renamed[2])
    assert.equal("Review", renamed[1])
  end)

  it("refuses a rename where both names are there", function()
    local stages = described()
    stages[2] = { name = "Ready", color = "#2", was = "Review" }
    table.remove(stages, 3)
    stages[1].next = { "Ready" }
    local operations, problems = plan(three(), stages)
    assert.is_nil(operations)
    assert.matches("remove `was`", problems[1])
  end)

  it("orders by position, when it is not so already", function()
    local stages = described()
    stages[1], stages[3] = stages[3], stages[1]
    local operations = plan(three(), stages)
    assert.same({ "order_stages" }, kinds(operations))
    assert.same({ 3, 2, 1 }, operations[1].order)
    assert.same({ 1, 2, 3 }, operations[1].before)
  end)

  it("takes no position for one before all others", function()
    local found = three()
    for i, each in ipairs(found.stages) do each.position = i - 1 end
    found.stages[1].position = false
    assert.same({}, (plan(found, described())))
  end)

  it("takes other positions for an order as well", function()
    local found = three()
    for i, each in ipairs(found.stages) do each.position = i * 10 end
    assert.same({}, (plan(found, described())))
    -- those that share one are in the order of their ids
    found.stages[2].position = 10
    assert.same({}, (plan(found, described())))
    local stages = described()
    stages[1], stages[2] = stages[2], stages[1]
    assert.same({ "order_stages" }, kinds((plan(found, stages))))
  end)

  it("gives roles and users by their ids", function()
    local stages = described()
    stages[1].roles, stages[1].users = { "Lawyer" }, { "a@b" }
    local operations = plan(three(), stages, nil,
                            { roles = { Lawyer = 4 }, users = { ["a@b"] = 9 } })
    assert.same({ space_role_ids = { 4 }, user_ids = { 9 } },
                operations[1].set)
  end)

  it("keeps what an update was before", function()
    local stages = described()
    stages[3].allow_publish = true
    local operations = plan(three(), stages)
    assert.same({ allow_publish = true }, operations[1].set)
    assert.same({ allow_publish = false }, operations[1].before)
  end)

  local function count(list, checks, rate, found)
    for _, op in ipairs(list) do op.stage, op.set = op.stage or 1, {} end
    return diff.count_requests(planning.state(found or three()), list,
                               checks, rate)
  end

  it("counts the requests", function()
    local function op(kind, more)
      local made = { op = kind, workflow = 7, order = {}, targets = {},
                     name = "New" }
      for name, value in pairs(more or {}) do made[name] = value end
      return made
    end
    assert.equal(0, count({}, 2))
    assert.equal(3, count({ op "update_stage" }, 2))
    assert.equal(2 + 2, count({ op "delete_stage" }, 2))
    assert.equal(1 + 2 + 1, count({ op("create_workflow", { workflow = "N" }),
      op "create_stage", op("clear_workflow", { workflow = "N" }) }, 1))
    for items, pages in pairs { [1] = 1, [100] = 1, [101] = 2, [250] = 3 } do
      assert.equal(items + pages, count({ op("move", { count = items }) }, 0))
    end
    assert.equal(90 + 3, count({ op("move", { count = 90 }) }, 0, 6))
    assert.equal(90 + 6, count({ op("move", { count = 90 }) }, 0, 3))
    assert.equal(2 + 2, count({ op "update_workflow", op "order_stages" }, 0))
    assert.equal(1 + 2 + 3, count({ op("delete_workflow", {
      before = { stages = { {}, {} } } }) }, 1))
  end)

  it("counts one more read of the stages after moves",
     function()
    local function update() return { op = "update_stage", workflow = 7 } end
    local function move()
      return { op = "move", workflow = 7, from = 1, to = 2, count = 1 }
    end
    assert.equal(2, count({ update(), update() }, 0))
    assert.equal(1 + 2 + 1 + 2, count({ update(), move(), update(),
                                        update() }, 0))
    -- a move needs its stages as well
    assert.equal(2 + 1 + 2 + 1 + 1, count({ move(), move(), update() }, 0))
    -- not where it is about statuses
    local plain = { op = "move", from = 1, to = 2, count = 1 }
    assert.equal(2 + 2, count({ plain, plain }, 0))
  end)

  it("does not change its arguments", function()
    local found, stages = three(), described()
    stages[1].next, stages[1].color = { "Ready" }, "#8"
    table.remove(stages, 2)
    plan(found, stages, { { from = 2, to = "Ready", count = 1 } })
    assert.same(three().stages, found.stages)
  end)

  it("has no superfluous operations", function()
    -- 12 stages whose names and colours all go round
    local stages, wanted = {}, {}
    for i = 1, 12 do
      stages[i] = stage(i, "S" .. i, "#" .. i, { is_default = i == 1 })
      wanted[i] = { name = "S" .. i % 12 + 1, was = "S" .. i,
                    color = "#" .. i % 12 + 1, is_default = i == 1,
                    next = {} }
    end
    local operations = plan(structure(stages), wanted)
    assert.equal(13, #operations)
  end)
end)
