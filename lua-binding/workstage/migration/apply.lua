--- Carries out a plan, operation by operation, and writes down what it does.
local errors = require "workstage.errors"
local attributes = require "workstage.migration.attributes"
local items = require "workstage.migration.items"
local loop = require "workstage.loop"
local moving = require "workstage.migration.moving"
local structure = require "workstage.migration.structure"
local transport = require "workstage.transport"

local apply = {}

local null = transport.null

-- ------------------------------------------------------------- operations
--
-- Each takes the run, the operation, its index, and what an earlier run left
-- of it (nil in a first run). Each returns true when it is done, false when
-- the run was stopped in it, or nil and an error.

local perform = {}

local function copy(state)
  local same = {}
  for name, value in pairs(state) do same[name] = value end
  return same
end

-- Attributes with ids in place of references.
local function resolved(run, values)
  local set = copy(values)
  local ids = set.workflow_stage_ids
  if ids then
    set.workflow_stage_ids = {}
    for i, ref in ipairs(ids) do
      set.workflow_stage_ids[i] = run:id_of(ref)
    end
  end
  if set.after_publish_id then
    set.after_publish_id = run:id_of(set.after_publish_id)
  end
  return set
end

-- The service takes the mark of the default from the others.
local function note_default(run, id)
  for other, state in pairs(run.states) do
    if other ~= id then state.is_default = false end
  end
end

local function set_state(run, id, values)
  local state = run.states[id] or {}
  for name, value in pairs(values) do state[name] = value end
  run.states[id] = state
  if values.is_default then note_default(run, id) end
end

-- After a crash: the object that the request may have made all the same.
local function look_for_workflow(run, operation)
  local found, err = run.client.workflows:list()
  if not found then return nil, err end
  for _, workflow in ipairs(found) do
    if workflow.name == operation.name and
       attributes.equal("content_types", workflow.content_types or {},
                        operation.content_types) then
      return workflow
    end
  end
  return false
end

-- A new workflow may come with stages of the service's own making: those of
-- the same names are used, the others go once ours are there.
function perform.create_workflow(run, operation, index, earlier)
  local err
  local workflow = false
  if earlier then workflow, err = look_for_workflow(run, operation) end
  if workflow == nil then return nil, err end
  if not workflow then
    workflow, err = run.client.workflows:create {
      name = operation.name, content_types = operation.content_types,
    }
    if not workflow then return nil, err end
  end
  run.workflow = workflow.id
  local stages
  stages, err = structure.stages(run.client, workflow.id)
  if not stages then return nil, err end
  run.given = {}
  for _, stage in ipairs(stages) do run.given[stage.name] = stage end
  run:finish(index, { id = workflow.id })
  return true
end

function perform.update_workflow(run, operation, index)
  local done, err = run.client.workflows:update(run.workflow, {
    name = operation.name, content_types = operation.set.content_types,
  })
  if not done then return nil, err end
  run:finish(index)
  return true
end

local function update_stage(run, id, set)
  local values = copy(run.states[id] or {})
  for name, value in pairs(resolved(run, set)) do values[name] = value end
  local done, err = run.client.stages:update(id,
                                             attributes.body(values, null))
  if not done then return nil, err end
  set_state(run, id, values)
  return true
end

function perform.create_stage(run, operation, index, earlier)
  local err
  local stage = run.given and run.given[operation.name]
  if not stage and earlier then
    stage, err = run.client.stages:find(operation.name,
                                        { in_workflow = run.workflow })
    if not stage and err.kind ~= "not_found" then return nil, err end
  end
  local body = attributes.body(resolved(run, operation.set), null)
  body.workflow_id = run.workflow
  if stage then
    run.states[stage.id] = attributes.of_stage(stage)
    local done
    done, err = update_stage(run, stage.id, operation.set)
    if not done then return nil, err end
    if run.given then run.given[operation.name] = nil end
  else
    stage, err = run.client.stages:create(body)
    if not stage then return nil, err end
    run.states[stage.id] = attributes.of_stage(stage)
  end
  run.ids[operation.stage] = stage.id
  set_state(run, stage.id, resolved(run, operation.set))
  run:finish(index, { id = stage.id })
  return true
end

function perform.update_stage(run, operation, index)
  local done, err = update_stage(run, run:id_of(operation.stage),
                                 operation.set)
  if not done then return nil, err end
  run:finish(index)
  return true
end

function perform.order_stages(run, operation, index)
  local places = {}
  for position, ref in ipairs(operation.order) do
    places[position] = { id = run:id_of(ref), position = position }
  end
  local done, err = run.client.workflows:update(run.workflow, {
    workflow_stages_attributes = places,
  })
  if not done then return nil, err end
  for _, place in ipairs(places) do
    set_state(run, place.id, { position = place.position })
  end
  run:finish(index)
  return true
end

function perform.move(run, operation, index, earlier)
  local failed_before = run.report.failed
  local done, err = moving.run(run, {
    operation = index, from = run:id_of(operation.from),
    to = run:id_of(operation.to), set = operation.set,
    items = operation.items, at = earlier and earlier.at,
    again = earlier and earlier.again, was_begun = earlier and earlier.begun,
  })
  if done and run.report.failed == failed_before then run:finish(index) end
  return done, err
end

-- -------------------------------------------------------- stages that go

-- Items that came to a stage since the plan, by the rules of the plan; those
-- that failed in this run are not tried again in it.
local function late_arrivals(run, operation, id)
  local rules = {}
  for i, index in ipairs(operation.rules) do
    local rule = run.plan.rules[index]
    rules[i] = { from = id, where = rule.where, to = run:id_of(rule.to),
                 set = rule.set }
  end
  local listed, err = items.list(run.client, rules)
  if not listed then return nil, err end
  local failed = {}
  for _, failure in ipairs(run.report.failures) do
    failed[failure.item] = true
  end
  local count = 0
  for _, rule in ipairs(rules) do
    local left = {}
    for _, item in ipairs(rule.items) do
      if not failed[item] then left[#left + 1] = item end
    end
    rule.items, count = left, count + #left
  end
  return rules, count
end

local function move_late(run, index, rules)
  for _, rule in ipairs(rules) do
    local done, err = moving.run(run, {
      operation = index, from = rule.from, to = rule.to, set = rule.set,
      items = rule.items, late = { from = rule.from, to = rule.to },
    })
    if not done then return done, err end
  end
  return true
end

local function not_empty(operation, left)
  return errors.new {
    kind = "refused",
    message = ("stage %q is not deleted: %d items still stand in it")
              :format(operation.name, left),
  }
end

-- Proves a stage empty by a fresh read; moves what has come to it, until a
-- read finds none.
local function empty(run, operation, index, id)
  local waited = false
  while true do
    local left, err = items.count(run.client, id)
    if not left then return nil, err end
    if left == 0 then return true end
    if not waited then
      loop.sleep(run.client.transport.settle_time)
      waited = true
    else
      local rules, count = late_arrivals(run, operation, id)
      if not rules then return nil, count end
      if count == 0 then return nil, not_empty(operation, left) end
      local done
      done, err = move_late(run, index, rules)
      if not done then return done, err end
    end
  end
end

-- Late arrivals that an earlier run meant to move, and may have moved.
local function note_begun(run, operation, index, earlier)
  local again = earlier and earlier.again or {}
  for from = 1, #again, run.driver.PER_PAGE do
    local ids = table.move(again, from, from + run.driver.PER_PAGE - 1, 1, {})
    local found, err = run.driver.look(run.client, ids)
    if not found then return nil, err end
    for _, rule in ipairs(operation.rules) do
      local to = run:id_of(run.plan.rules[rule].to)
      for id, item in pairs(found) do
        if item.stands == to and earlier.begun[id] then
          earlier.begun[id] = nil
          run:moved(index, id, nil, item,
                    { from = operation.stage, to = to })
        end
      end
    end
  end
  return true
end

function perform.delete_stage(run, operation, index, earlier)
  local id = run:id_of(operation.stage)
  local noted, why = note_begun(run, operation, index, earlier)
  if not noted then return nil, why end
  local done, err = empty(run, operation, index, id)
  if not done then
    if err and err.kind == "refused" then
      run.report.notes[#run.report.notes + 1] = tostring(err)
      run.left_over = true
      return true
    end
    return done, err
  end
  done, err = run.client.stages:delete(id)
  if not done and err.kind ~= "not_found" then return nil, err end
  run.states[id] = nil
  run:finish(index)
  return true
end

function perform.delete_workflow(run, operation, index)
  local stages, err = structure.stages(run.client, operation.id)
  if not stages then
    if err.kind ~= "not_found" then return nil, err end
    stages = {}
  end
  for _, stage in ipairs(stages) do
    local left
    left, err = items.count(run.client, stage.id)
    if not left then return nil, err end
    if left > 0 then
      run.report.notes[#run.report.notes + 1] =
        ("workflow %q is not deleted: %d items stand in its stage %q")
        :format(operation.name, left, stage.name)
      run.left_over = true
      return true
    end
  end
  local done
  done, err = run.client.workflows:delete(operation.id)
  if not done and err.kind ~= "not_found" then return nil, err end
  run:finish(index)
  return true
end

-- ----------------------------------------------------------------- runs

-- Stages that the service gave a new workflow and nobody described.
local function drop_given(run)
  for _, stage in pairs(run.given or {}) do
    local done, err = run.client.stages:delete(stage.id)
    if not done and err.kind ~= "not_found" then return nil, err end
  end
  run.given = nil
  return true
end

local function perform_one(run, operation, index, earlier)
  if operation.op ~= "move" and operation.op ~= "delete_stage" then
    run:intend { type = "begin", operation = index }
  end
  return perform[operation.op](run, operation, index, earlier)
end

-- Whether all created stages are there: then the service's own may go.
local function is_last_creation(plan, index)
  for i = index + 1, #plan.operations do
    if plan.operations[i].op == "create_stage" then return false end
  end
  return plan.operations[index].op == "create_stage"
end

--- Carries out what is left of a plan.
-- @tparam table run
-- @tparam table progress operation's index -> `done`, or what an earlier run
--   left of it
-- @treturn table the report
function apply.go_on(run, progress)
  local complete = true
  for index, operation in ipairs(run.plan.operations) do
    local earlier = progress[index]
    if not (earlier and earlier.done) then
      if run:must_stop() then complete = false break end
      run.current = index
      local raised, done, err = pcall(perform_one, run, operation, index,
                                      earlier)
      if not raised then done, err = nil, done end
      if done and is_last_creation(run.plan, index) then
        done, err = drop_given(run)
      end
      if not done then return run:close(false, err) end
    end
  end
  return run:close(complete and not run.left_over)
end

return apply
