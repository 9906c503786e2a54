--- Preconditions of operations: data that says what must hold before one is
-- performed, and the sentences that say what has changed. Pure functions.
local attributes = require "workstage.migration.stage"
local errors = require "workstage.errors"
local operations = require "workstage.migration.operations"
local state = require "workstage.migration.state"
local formatted = require "workstage.visible".format

local preconditions = {}

local checks = {}

local function workflow_name(self, ref)
  local workflow = self.workflows[state.workflow_ref(self, ref)]
  return workflow and workflow.name or tostring(ref)
end

function checks.workflow_name_is_free(self, condition)
  local own = state.workflow_ref(self, condition.workflow)
  for ref, workflow in pairs(self.workflows) do
    if ref ~= own and workflow.name == condition.name then
      return formatted("a workflow %q now exists", condition.name)
    end
  end
end

function checks.workflow_exists(self, condition)
  local ref = state.workflow_ref(self, condition.workflow)
  if not self.workflows[ref] then
    return formatted("the workflow %q is gone", condition.name or ref)
  end
end

function checks.stage_is_in_workflow(self, condition)
  local ref = state.ref(self, condition.stage)
  local stage = self.stages[ref]
  if not stage then
    if condition.may_be_gone then return nil end
    return formatted("stage %q is gone", condition.name or ref)
  elseif stage.workflow ~= state.workflow_ref(self, condition.workflow) then
    return formatted("stage %q is in workflow %q now, no longer in %q",
                     stage.name, workflow_name(self, stage.workflow),
                     workflow_name(self, condition.workflow))
  end
end

function checks.stage_is_not_default(self, condition)
  local stage = self.stages[state.ref(self, condition.stage)]
  if stage and stage.is_default then
    return formatted("stage %q is the default stage now", stage.name)
  end
end

-- Stages that the service put into a new workflow do not conflict: they are
-- adopted or deleted.
function checks.name_is_free(self, condition)
  local workflow = state.workflow_ref(self, condition.workflow)
  local own = condition.stage and state.ref(self, condition.stage)
  for _, ref in ipairs(state.order(self, workflow)) do
    local stage = self.stages[ref]
    for _, name in ipairs { "name", "color" } do
      if ref ~= own and not stage.is_given and condition[name] and
         attributes.equal(name, condition[name], stage[name]) then
        return formatted("the %s %q is taken by stage %q now", name,
                         condition[name], stage.name)
      end
    end
  end
end

-- A transition is needed only within one workflow.
function checks.leads_to(self, condition)
  local from = self.stages[state.ref(self, condition.from)]
  local ref = state.ref(self, condition.to)
  local to = self.stages[ref]
  if from and to and from ~= to and from.workflow == to.workflow and
     not attributes.leads_to(from, ref) then
    return formatted("stage %q no longer leads to %q", from.name,
                                                            to.name)
  end
end

--- The preconditions of an operation that no longer hold.
-- @tparam table self the state
-- @tparam table op
-- @tparam[opt] boolean is_begun true if an earlier run has begun it, so that
--   its last requests may have been sent; conditions with `unless_begun` are
--   then skipped
-- @treturn table sentences
function preconditions.broken(self, op, is_begun)
  local found = {}
  for _, condition in ipairs(operations.of(op).requires(op)) do
    if not (is_begun and condition.unless_begun) then
      found[#found + 1] = checks[condition.check](self, condition)
    end
  end
  return found
end

--- The same for a sequence of operations, each checked in the state after
-- those before it. Operations that skip conflicts are not checked.
-- @tparam table self the state before the first of them
-- @tparam table list the operations
-- @tparam[opt] table progress index -> `done` and `started` of an earlier run
-- @treturn table sentences
function preconditions.broken_in_plan(self, list, progress)
  local found, seen = {}, {}
  for index, op in ipairs(list) do
    local begun = progress and progress[index]
    local earlier = begun or {}
    if not earlier.done then
      if not earlier.started and op.on_conflict ~= "skip" then
        for _, sentence in ipairs(preconditions.broken(self, op, begun)) do
          if not seen[sentence] then found[#found + 1] = sentence end
          seen[sentence] = true
        end
      end
      self = operations.reduce(self, op)
    end
  end
  return found
end

--- The error that says what has changed.
-- @tparam table differences sentences
function preconditions.stale(differences)
  local err = errors.new {
    kind = "stale",
    message = "the workflow has changed since the plan: " ..
              table.concat(differences, "; "),
  }
  err.differences = differences
  return err
end

return preconditions
