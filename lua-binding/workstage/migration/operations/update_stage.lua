--- Changes attributes of a stage.
local attributes = require "workstage.migration.stage"
local complete = require "workstage.migration.operations.defaults"
local quoted = require "workstage.visible".quoted
local stages = require "workstage.migration.execute.stages"
local state = require "workstage.migration.state"

local kind = {}

--- @tparam table before the state
function kind.new(before, ref, set)
  local stage, had = before.stages[ref], {}
  for name in pairs(set) do had[name] = stage[name] end
  return { op = "update_stage", workflow = stage.workflow, stage = ref,
           name = set.name or stage.name, set = set, before = had,
           next_names = state.names(before, set.workflow_stage_ids) }
end

function kind.reduce(before, op, result)
  local draft = state.draft(before)
  state.set_stage(draft, state.ref(before, op.stage),
                  result and result.set or op.set)
  return draft
end

function kind.needs(op) return { stages = { op.stage } } end

-- If conflicts are skipped, a taken name or colour is not required to be free.
function kind.requires(op)
  local list = { { check = "stage_is_in_workflow", stage = op.stage,
                   workflow = op.workflow, name = op.name } }
  if op.on_conflict ~= "skip" and (op.set.name or op.set.color) then
    list[2] = { check = "name_is_free", workflow = op.workflow,
                stage = op.stage, name = op.set.name,
                color = op.set.color or nil }
  end
  for i, ref in ipairs(op.set.workflow_stage_ids or {}) do
    list[#list + 1] = { check = "stage_is_in_workflow", stage = ref,
                        workflow = op.workflow,
                        name = op.next_names and op.next_names[i] }
  end
  return list
end

-- Names and colours in use by other stages: attribute -> the stage's name.
local function held_by_others(run, id, set)
  local held = {}
  for other, stage in pairs(run.state.stages) do
    for _, name in ipairs { "name", "color" } do
      if set[name] and other ~= id and
         stage.workflow == run.state.stages[id].workflow and
         attributes.equal(name, set[name], stage[name]) then
        held[name] = stage.name
      end
    end
  end
  return held
end

-- The conflict that prevents the change of an attribute, if conflicts are
-- skipped.
local function conflict(stage, op, before, held, name)
  if held[name] then
    return ("stage %s does not get the %s %s: stage %s has it"):format(
      quoted(stage.name), name, quoted(op.set[name]), quoted(held[name]))
  elseif before[name] ~= nil and
         not attributes.equal(name, stage[name], before[name]) then
    return ("stage %s: %s was changed since, and is kept"):format(
      quoted(stage.name), name)
  end
end

-- The attributes to send: without conflicting ones if conflicts are skipped.
local function without_conflicts(run, id, op)
  if op.on_conflict ~= "skip" then return op.set end
  local stage, rest = run.state.stages[id], {}
  local before = state.resolve(run.state, op.before)
  local held = held_by_others(run, id, op.set)
  for name, value in pairs(op.set) do
    local why = conflict(stage, op, before, held, name)
    if why then run:leave(why) else rest[name] = value end
  end
  return rest
end

function kind.execute(run, op)
  local id = state.ref(run.state, op.stage)
  run:begin()
  local set = without_conflicts(run, id, op)
  if next(set) ~= nil then
    local done, err = stages.update(run, id, set)
    if not done then return nil, err end
  end
  return run:finish { set = set ~= op.set and set or nil }
end

return complete(kind)
