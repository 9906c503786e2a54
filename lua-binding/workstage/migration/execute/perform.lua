--- Carries out a plan, operation by operation, and writes down what it does.
local attributes = require "workstage.migration.stage"
local drain = require "workstage.migration.execute.drain"
local errors = require "workstage.errors"
local items = require "workstage.migration.items"
local move_items = require "workstage.migration.execute.move_items"
local stages = require "workstage.migration.execute.stages"
local structure = require "workstage.migration.space"

local apply = {}

-- ------------------------------------------------------------- operations
--
-- Each takes the run, the operation, its index, and what an earlier run left
-- of it (nil in a first run). Each returns true when it is done, false when
-- the run was stopped in it, or nil and an error.

local perform = {}

-- A create that was refused for certain has made nothing: it counts as one
-- that never began, and what has its name later is somebody else's.
local function note_refusal(run, index, err)
  if errors.is(err) and not err.ambiguous and err.kind ~= "cancelled" and
     err.kind ~= "memory" then
    run:note { type = "refused", operation = index }
  end
end

-- ------------------------------------------------------------ workflows

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
-- the same names or colours are used, the others go once ours are there.
function perform.create_workflow(run, operation, index, earlier)
  local err
  local workflow = false
  if earlier then workflow, err = look_for_workflow(run, operation) end
  if workflow == nil then return nil, err end
  if not workflow then
    workflow, err = run.client.workflows:create {
      name = operation.name, content_types = operation.content_types,
    }
    if not workflow then
      note_refusal(run, index, err)
      return nil, err
    end
  end
  run.workflow = workflow.id
  run.given, err = structure.stages(run.client, workflow.id)
  if not run.given then return nil, err end
  run:finish(index, { id = workflow.id, given = run.given })
  return true
end

-- The content types as they are, where what this run has just made of them
-- may not show yet.
local function types_of(run, now)
  local own = run.retyped
  if own and attributes.equal("content_types", now.content_types,
                              own.before.content_types) then
    return own.set.content_types
  end
  return now.content_types
end

-- All that it has is sent, whatever the service does with what is left out:
-- as it is now, for others may have changed it since the plan.
local function update_workflow(run, values)
  local now, err = structure.workflow(run.client, run.workflow)
  if not now then return nil, err end
  local types = types_of(run, now)
  local body = { name = now.name, content_types = #types > 0 and types or nil }
  for name, value in pairs(values) do body[name] = value end
  return run.client.workflows:update(run.workflow, body)
end

function perform.update_workflow(run, operation, index)
  local done, err = update_workflow(run, operation.set)
  if not done then return nil, err end
  run.retyped = operation
  run:finish(index)
  return true
end

function perform.order_stages(run, operation, index)
  local places = {}
  for position, ref in ipairs(operation.order) do
    places[position] = { id = run:id_of(ref), position = position }
  end
  local done, err = update_workflow(run, {
    workflow_stages_attributes = places,
  })
  if not done then return nil, err end
  for _, place in ipairs(places) do
    stages.set(run, place.id, { position = place.position })
  end
  run:finish(index)
  return true
end

-- --------------------------------------------------------------- stages

-- A stage that came with the workflow and stands for one that is wanted.
local function take_given(run, operation)
  local color = operation.set.color:lower()
  for _, attribute in ipairs { "name", "color" } do
    for i, stage in ipairs(run.given or {}) do
      if attribute == "name" and stage.name == operation.name or
         attribute == "color" and stage.color:lower() == color then
        return table.remove(run.given, i)
      end
    end
  end
end

-- The stage that an operation is to make, where it is there already.
local function find_created(run, operation, earlier)
  local stage = take_given(run, operation)
  if not stage and earlier then
    local err
    stage, err = run.client.stages:find(operation.name,
                                        { in_workflow = run.workflow })
    if not stage and err.kind ~= "not_found" then return nil, err end
    stage = stage and attributes.of_stage(stage)
  end
  return stage or false
end

local function create_new(run, operation, index)
  local body = stages.body(run, operation.set)
  body.workflow_id = run.workflow
  local stage, err = run.client.stages:create(body)
  if not stage then
    note_refusal(run, index, err)
    return nil, err
  end
  stages.set(run, stage.id, attributes.of_stage(stage))
  return stage.id
end

local function adopt(run, stage, operation)
  run.states[stage.id] = stage
  local done, err = stages.update(run, stage.id, operation.set)
  if not done then return nil, err end
  return stage.id
end

function perform.create_stage(run, operation, index, earlier)
  local id
  local stage, err = find_created(run, operation, earlier)
  if stage == nil then return nil, err end
  if stage then id, err = adopt(run, stage, operation)
  else id, err = create_new(run, operation, index) end
  if not id then return nil, err end
  run.ids[operation.stage] = id
  stages.set(run, id, operation.set)
  run:finish(index, { id = id })
  return true
end

-- What a stage cannot get back, for one that a rollback had to leave has it.
local function held_by_others(run, id, set)
  local held = {}
  for _, name in ipairs { "name", "color" } do
    for other, state in pairs(run.states) do
      if set[name] and other ~= id and
         attributes.equal(name, set[name], state[name]) then
        held[name] = state.name
      end
    end
  end
  return held
end

-- A rollback goes on without what others keep from it.
local function update_without(run, id, set, err)
  local held = held_by_others(run, id, set)
  if run.plan.kind ~= "rollback" or err.kind ~= "rejected" or
     next(held) == nil then
    return nil, err
  end
  local rest = {}
  for name, value in pairs(set) do
    if held[name] then
      run:leave(("stage %q does not get its %s %q back: stage %q has it")
                :format(run.states[id].name, name, value, held[name]))
    else
      rest[name] = value
    end
  end
  if next(rest) == nil then return true end
  return stages.update(run, id, rest)
end

function perform.update_stage(run, operation, index)
  local id = run:id_of(operation.stage)
  local done, err = stages.update(run, id, operation.set)
  if not done then
    done, err = update_without(run, id, operation.set, err)
  end
  if not done then return nil, err end
  run:finish(index)
  return true
end

function perform.clear_workflow(run, _, index)
  for _, stage in ipairs(run.given or {}) do
    local left, err = items.count(run.client, stage.id)
    if not left then return nil, err end
    if left > 0 then
      run:leave(("stage %q came with the workflow, and %d items stand in " ..
                 "it: it stays"):format(stage.name, left))
    else
      left, err = run.client.stages:delete(stage.id)
      if not left and err.kind ~= "not_found" then return nil, err end
    end
  end
  run.given = nil
  run:finish(index)
  return true
end

function perform.move(run, operation, index, earlier)
  local failed_before = run.report.failed
  run.is_aged = true
  local done, err = move_items.run(run, {
    operation = index, from = run:id_of(operation.from),
    to = run:id_of(operation.to), set = operation.set,
    from_name = operation.from_name, to_name = operation.to_name,
    items = operation.items, dues = operation.dues,
    left_due = operation.left_due, at = earlier and earlier.at,
    retry_ids = earlier and earlier.retry_ids,
    maybe_sent = earlier and earlier.maybe_sent,
    read_before = earlier and earlier.read_before,
  })
  if done and run.report.failed == failed_before then run:finish(index) end
  return done, err
end

-- -------------------------------------------------------- stages that go

function perform.delete_stage(run, operation, index, earlier)
  local id = run:id_of(operation.stage)
  local done, err = drain.stage(run, operation, index, earlier)
  if not done then return done, err end
  if done == "left" then
    if run.plan.kind == "rollback" then run:finish(index, { left = true }) end
    return true
  end
  run:intend { type = "begin", operation = index }
  done, err = run.client.stages:delete(id)
  if not done and err.kind ~= "not_found" then return nil, err end
  run.states[id], run.deleted[id] = nil, true
  run:finish(index)
  return true
end

function perform.delete_workflow(run, operation, index)
  local done, err = drain.workflow(run, operation)
  if not done then return nil, err end
  if done == "left" then
    run:finish(index, { left = true })
    return true
  end
  run:intend { type = "begin", operation = index }
  done, err = run.client.workflows:delete(operation.id)
  if not done and err.kind ~= "not_found" then return nil, err end
  run:finish(index)
  return true
end

-- ----------------------------------------------------------------- runs

-- Operations that say themselves when they begin.
local SAY_THEMSELVES = { move = true, delete_stage = true,
                         delete_workflow = true }

local function perform_one(run, operation, index, earlier)
  if not SAY_THEMSELVES[operation.op] then
    run:intend { type = "begin", operation = index }
  end
  return perform[operation.op](run, operation, index, earlier)
end

-- What comes after the moves closes ways and takes stages away that an item
-- still needs which could not be moved.
local function must_wait(run, operation)
  local failed = run.report.failed
  if failed > 0 and operation.op ~= "move" then
    return ("%d item%s failed, and the workflow's last changes wait for " ..
            "them"):format(failed, failed == 1 and "" or "s")
  elseif run.left_over and operation.op ~= "delete_stage" then
    return "the workflow's last changes wait for a stage that is not empty"
  end
end

--- Carries out what is left of a plan.
-- @tparam table run
-- @tparam table progress operation's index -> `done`, or what an earlier run
--   left of it
-- @treturn table the report
function apply.go_on(run, progress)
  for index, operation in ipairs(run.plan.operations) do
    local earlier = progress[index]
    if not (earlier and earlier.done) then
      run.stopped = run.stopped or must_wait(run, operation)
      if run:must_stop() then return run:close(false) end
      run.current = index
      local good, done, err = pcall(perform_one, run, operation, index,
                                    earlier)
      if not good then done, err = nil, done end
      if not done then return run:close(false, err) end
    end
  end
  return run:close(not run.left_over)
end

return apply
