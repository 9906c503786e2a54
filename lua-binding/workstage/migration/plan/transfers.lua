--- Plans the transfer of stages between workflows, with their items. Pure: no
-- network or files.
local sets = require "workstage.sets"
local state = require "workstage.migration.state"
local transfer_stage = require "workstage.migration.operations".kinds
                       .transfer_stage
local widen = require "workstage.migration.plan.widen"

local transfers = {}

--- The state with each stage in its future workflow: a description with the id
-- of another workflow's stage takes it from there.
function transfers.layout(first, targets)
  local layout = state.draft(first)
  for _, target in ipairs(targets) do
    local ref = target.ref or target.name
    for _, described in ipairs(target.stages or {}) do
      local stage = described.id and first.stages[described.id]
      if stage and stage.workflow ~= ref then
        stage = state.copy(stage)
        stage.workflow, stage.is_default = ref, false
        layout.stages[described.id] = stage
      end
    end
  end
  return layout
end

-- The transitions of a target to stages that are already in its workflow.
local function present_transitions(self, target, workflow)
  local present = state.copy(target)
  present.workflow_stage_ids = sets.filter(
    target.workflow_stage_ids, function(ref)
      return state.has_stage(self.state, ref, workflow)
    end)
  return present
end

-- Removes a stage's transitions to one that moves to another workflow, and
-- adds its final transitions, so that items can still leave it.
local function close_one(self, workflow, ref, target, taken)
  local now = self.state.stages[ref]
  if target then
    self:update(ref, widen.set(now,
                               present_transitions(self, target, workflow)))
    now = self.state.stages[ref]
  end
  local order = state.order(self.state, workflow)
  local set = widen.without(now, { [taken] = true }, order)
  if set and widen.leads_on(now, ref, order) then
    set = widen.keep_open(now, ref, set, sets.filter(order, function(other)
      return other ~= taken
    end))
  end
  self:update(ref, set)
end

-- Removes the transitions in its workflow to a stage that moves to another
-- one.
local function close_before_transfer(self, taken)
  local from, targets = self.state.stages[taken].workflow, {}
  for _, workflow in ipairs(self.workflows) do
    if workflow.ref == from then
      workflow.swap:remove(taken)
      for ref, target in workflow:each() do targets[ref] = target end
    end
  end
  for _, ref in ipairs(state.order(self.state, from)) do
    if ref ~= taken then close_one(self, from, ref, targets[ref], taken) end
  end
end

-- The stage that becomes the default when the default stage moves to another
-- workflow: the final one if it is there, else one that stays.
local function heir_of(self, workflow, taken)
  local heir
  for ref, target in workflow:each() do
    if ref ~= taken and state.has_stage(self.state, ref, workflow.ref) and
       (target.is_default or not heir) then
      heir = ref
    end
  end
  return heir
end

local function pass_on_default(self, taken)
  local stage = self.state.stages[taken]
  for _, workflow in ipairs(self.workflows) do
    if stage.is_default and workflow.ref == stage.workflow then
      local heir = heir_of(self, workflow, taken)
      self:update(heir, heir and { is_default = true })
    end
  end
end

-- The attributes that a stage gets when it moves to a workflow.
local function set_of_taken(self, workflow, ref, target)
  local now = self.state.stages[ref]
  local set = transfer_stage.set_of(self.state, ref, workflow.ref, target)
  if widen.leads_on(target, ref, workflow.order) then
    set = widen.keep_open(now, ref, set,
                          state.order(self.state, workflow.ref))
  end
  return set
end

--- Plans the transfer of stages from other workflows into one.
-- @tparam table self the draft of the plan, see `plan/diff`
-- @tparam table workflow
function transfers.plan(self, workflow)
  for ref, target, current in workflow:each() do
    if current and self.state.stages[ref].workflow ~= workflow.ref then
      pass_on_default(self, ref)
      close_before_transfer(self, ref)
      for _, holder in ipairs(workflow.swap:blockers(nil, target)) do
        self:update(holder, workflow.swap:step_aside(holder, target))
      end
      workflow.swap:set(ref, target)
      self:add(transfer_stage.new(self.state, ref, workflow.ref,
        set_of_taken(self, workflow, ref, target)))
    end
  end
end

return transfers
