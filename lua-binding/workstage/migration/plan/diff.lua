--- Finds the operations that lead from a state to the desired workflows. Pure:
-- no network or files.
--
-- In this order, people can keep working during a run that takes hours:
-- 1. workflows, names and colours that new stages need,
-- 2. stages are created,
-- 3. transitions and permissions are widened,
-- 4. a new default stage takes over before the old one is deleted,
-- 5. items move,
-- 6. transitions to removed stages are closed; the stages are drained and
--    deleted,
-- 7. transitions and permissions are narrowed; names, colours and positions
--    set.
local attributes = require "workstage.migration.stage"
local operations = require "workstage.migration.operations"
local sets = require "workstage.sets"
local state = require "workstage.migration.state"
local swap = require "workstage.migration.plan.swap"
local transfers = require "workstage.migration.plan.transfers"
local widen = require "workstage.migration.plan.widen"
local workflow_target = require "workstage.migration.plan.workflow_target"

local kinds = operations.kinds

local diff = {}

local Draft = {}
Draft.__index = Draft

function Draft:add(op)
  op.on_conflict = self.on_conflict
  self.operations[#self.operations + 1] = op
  self.state = operations.reduce(self.state, op)
end

-- Removes transitions to unknown stages from what is sent, although a stage
-- may have such transitions already.
local function without_unknown(self, set)
  if not set.workflow_stage_ids then return set end
  local copy = state.copy(set)
  copy.workflow_stage_ids = sets.filter(set.workflow_stage_ids, function(ref)
    return self.state.stages[ref]
  end)
  return copy
end

function Draft:update(ref, set)
  if not set then return end
  self:add(kinds.update_stage.new(self.state, ref,
                                  without_unknown(self, set)))
end

-- ------------------------------------------------------------ workflows

-- Content types are removed from one workflow before another one gets them.
function Draft:plan_workflows()
  for _, workflow in ipairs(self.workflows) do
    local target, now = workflow.target, self.state.workflows[workflow.ref]
    local types = target.content_types
    local set = {}
    if now and types and not now.is_default and
       not attributes.equal("content_types", now.content_types, types) then
      set.content_types = types
    end
    if now and target.name and target.name ~= now.name then
      set.name = target.name
    end
    if now and not target.remove and next(set) ~= nil then
      self:add(kinds.update_workflow.new(now, set))
    end
  end
  for _, workflow in ipairs(self.workflows) do
    if workflow.is_new and not workflow.target.remove then
      self:add(kinds.create_workflow.new(workflow.ref,
                                         workflow.target.content_types))
    end
  end
end

-- ------------------------------------------------------------- creation

local function held_in(self, ref)
  local held = {}
  for each, stage in pairs(self.stages) do
    if stage.workflow == ref then held[each] = stage end
  end
  return held
end

-- The attributes with which a stage is created: its target, without references
-- to stages that are not in its workflow yet. It becomes the default later.
local function set_of_new(draft, workflow, target, position)
  local set = state.copy(target)
  set.is_default, set.position = nil, position
  local function is_there(stage)
    return state.has_stage(draft.state, stage, workflow)
  end
  if set.workflow_stage_ids then
    set.workflow_stage_ids = sets.filter(set.workflow_stage_ids, is_there)
  end
  if set.after_publish_id and not is_there(set.after_publish_id) then
    set.after_publish_id = nil
  end
  return set
end

-- Names and colours that new stages need are freed first.
function Draft:plan_creation(workflow)
  local finals = {}
  for ref, target in workflow:each() do finals[ref] = target end
  workflow.swap = swap.new(held_in(self.state, workflow.ref), finals)
  for ref, target, current, position in workflow:each() do
    if not current then
      for _, holder in ipairs(workflow.swap:blockers(nil, target)) do
        self:update(holder, workflow.swap:step_aside(holder, target))
      end
      workflow.swap:set(ref, target)
      self:add(kinds.create_stage.new(workflow.ref, ref,
        set_of_new(self, workflow.ref, target, position)))
    end
  end
end

-- New stages get their remaining attributes before other stages lead to them.
function Draft:plan_opening(workflow)
  for ref, target, current in workflow:each() do
    if not current then
      local set = state.copy(target)
      set.is_default = target.is_default or nil
      if not widen.is_open(self.state, set.after_publish_id) then
        set.after_publish_id = nil
      end
      self:update(ref, attributes.changes(self.state.stages[ref], set))
    end
  end
end

-- ---------------------------------------------------------------- moves

-- The transitions that moves need: reference -> array of references.
local function transitions_for(self, moves)
  local needed = {}
  for _, move in ipairs(moves) do
    local from, to = self.state.stages[move.from], self.state.stages[move.to]
    if move.count > 0 and from and to and from.workflow == to.workflow then
      needed[move.from] = needed[move.from] or {}
      table.insert(needed[move.from], move.to)
    end
  end
  return needed
end

-- Existing stages get the union of their old and final transitions and
-- members, so that editors are not blocked while items move.
function Draft:plan_widening(workflow, needed)
  for ref, target, current in workflow:each() do
    if current then
      self:update(ref, widen.set(self.state.stages[ref], target,
                                 needed[ref]))
    end
  end
  for _, stage in ipairs(workflow.gone) do
    local now = self.state.stages[stage.id]
    self:update(stage.id, widen.set(now, now, needed[stage.id]))
  end
end

function Draft:plan_default(workflow)
  for ref, target in workflow:each() do
    if target.is_default and not self.state.stages[ref].is_default then
      self:update(ref, { is_default = true })
    end
  end
end

-- Makes another stage the default before the old one is deleted.
function Draft:plan_default_of_gone(workflow)
  local is_needed = workflow.is_new
  for _, stage in ipairs(workflow.gone) do
    is_needed = is_needed or stage.is_default
  end
  if is_needed then self:plan_default(workflow) end
end

function Draft:plan_moves(moves)
  for rule, move in ipairs(moves) do
    if move.count > 0 then
      self:add(kinds.move.new(move, rule, self.state))
    end
  end
end

-- -------------------------------------------------------------- deletion

-- Removes all transitions to stages that will be deleted, except from one of
-- them to those that are deleted after it.
function Draft:plan_closing(workflow)
  local place, order = {}, state.order(self.state, workflow.ref)
  for i, stage in ipairs(workflow.gone) do place[stage.id] = i end
  for _, ref in ipairs(order) do
    local is_gone = {}
    for other, i in pairs(place) do
      is_gone[other] = i < (place[ref] or math.huge)
    end
    self:update(ref, widen.without(self.state.stages[ref], is_gone, order))
  end
end

function Draft:plan_deletion(workflow, moves)
  if #workflow.gone == 0 or workflow.target.remove then return end
  self:plan_closing(workflow)
  for _, stage in ipairs(workflow.gone) do
    self:add(kinds.delete_stage.new(self.state, stage.id, moves,
                                    workflow.target.if_not_empty))
    workflow.swap:remove(stage.id)
  end
end

-- -------------------------------------------------------------- the rest

-- The remaining differences, the default stage first: the service clears the
-- mark of the other one.
function Draft:updates(workflow)
  local updates = {}
  for ref, target in workflow:each() do
    if attributes.changes(self.state.stages[ref], target) then
      table.insert(updates, target.is_default and 1 or #updates + 1,
                   { ref = ref, target = target })
    end
  end
  return updates
end

function Draft:plan_updates(workflow)
  local updates = self:updates(workflow)
  local first = updates[1]
  if first and first.target.is_default and
     #workflow.swap:blockers(first.ref, first.target) > 0 then
    self:plan_default(workflow)
    updates = self:updates(workflow)
  end
  workflow.swap:run(updates,
    function(ref, values) self:update(ref, values) end,
    function(update)
      self:update(update.ref, attributes.changes(
        self.state.stages[update.ref], update.target))
    end)
end

local function comes_before(a, b)
  local left, right = a.position or 0, b.position or 0
  if left ~= right then return left < right end
  return a.id and b.id and a.id < b.id
end

-- True if the stages are in the described order. Existing ones with the same
-- position are ordered by id.
local function is_in_order(self, workflow)
  local last
  for ref in workflow:each() do
    local stage = self.state.stages[ref]
    if last and not comes_before(last, stage) then return false end
    last = stage
  end
  return true
end

function Draft:plan_order(workflow)
  if is_in_order(self, workflow) then return end
  local order = {}
  for ref in workflow:each() do order[#order + 1] = ref end
  self:add(kinds.order_stages.new(workflow.ref, order,
    state.order(self.first_state, workflow.ref)))
end

function Draft:plan_removal(workflow, moves)
  if not workflow.target.remove then return end
  self:add(kinds.delete_workflow.new(self.state, workflow.ref, moves,
                                     workflow.target.if_not_empty))
end

-- ------------------------------------------------------------- the whole

function Draft:for_each(name, ...)
  for _, workflow in ipairs(self.workflows) do self[name](self, workflow, ...)
  end
end

-- Without moves and deletions the run is short, so each stage is changed only
-- once.
local function is_long(self, moves)
  for _, workflow in ipairs(self.workflows) do
    if #workflow.gone > 0 and not workflow.target.remove then return true end
  end
  for _, move in ipairs(moves) do
    if move.count > 0 then return true end
  end
  return false
end

function Draft:plan_clearing(workflow)
  if workflow.is_new then
    self:add(kinds.clear_workflow.new(workflow.ref))
  end
end

function Draft:plan(resolve)
  self:plan_workflows()
  self:for_each "plan_creation"
  for _, workflow in ipairs(self.workflows) do
    transfers.plan(self, workflow)
  end
  local moves = resolve(self)
  self:for_each "plan_opening"
  if is_long(self, moves) then
    self:for_each("plan_widening", transitions_for(self, moves))
  end
  self:for_each "plan_default_of_gone"
  self:for_each "plan_clearing"
  self:plan_moves(moves)
  self:for_each("plan_deletion", moves)
  self:for_each "plan_updates"
  self:for_each "plan_order"
  self:for_each("plan_removal", moves)
  return moves
end

local function new_draft(first, targets, context)
  local self = setmetatable({
    first_state = first, state = first, operations = {}, workflows = {},
    layout = transfers.layout(first, targets),
    new_refs = {}, notes = {}, on_conflict = context.on_conflict,
  }, Draft)
  local problems = {}
  for _, target in ipairs(targets) do
    local workflow, why = workflow_target.new(self, target, context)
    if workflow then workflow:check_unique(problems)
    else table.move(why, 1, #why, #problems + 1, problems) end
    self.workflows[#self.workflows + 1] = workflow
  end
  return self, problems
end

--- Plans the operations from a state to the desired workflows.
-- @tparam table first the state (`state.new`)
-- @tparam table targets array of workflows: `ref` (id; nil: a new one),
--   `name`, `content_types`, `stages` (as in a normalized blueprint; nil: as
--   they are; `key`: what other stages call one, instead of its name; `id`:
--   the existing stage that one is, perhaps of another workflow),
--   `remove`, `if_not_empty` (of stages that will be deleted)
-- @tparam table context `roles`, `users`: name -> id; `on_conflict` of the
--   operations
-- @tparam function resolve `resolve(draft)`: the moves, each with `from`,
--   `to` (references), `from_name`, `to_name`, `set`, `count`, `items`;
--   `only` where what comes later is not moved. `draft.workflows[i].refs`
--   has the reference of each stage name, `.gone` the stages that go.
-- @treturn[1] table the draft: `operations`, `workflows`, `notes`, `state`
-- @treturn[1] table the moves
-- @treturn[2] nil
-- @treturn[2] table problems: sentences
function diff.plan(first, targets, context, resolve)
  local draft, problems = new_draft(first, targets, context)
  if #problems > 0 then return nil, problems end
  return draft, draft:plan(resolve)
end

-- -------------------------------------------------------------- requests

-- The requests that read again what an operation needs, if the last read is
-- too old.
local function count_reads(self, op, fresh)
  local count = 0
  for _, ref in ipairs(operations.workflows(self, op)) do
    count = count + (fresh[ref] and 0 or 1)
    fresh[ref] = true
  end
  return count
end

--- The number of requests to apply a plan if nobody else changes the space:
-- the initial check, the operations, and reading stages again after moves.
-- @tparam table self the state before the first operation
-- @tparam table list the operations
-- @tparam integer checks requests before the first operation
-- @tparam ?number rate requests a second
function diff.count_requests(self, list, checks, rate)
  if #list == 0 then return 0 end
  local count, fresh = checks, nil
  for _, op in ipairs(list) do
    local kind = operations.of(op)
    if fresh and #kind.requires(op) > 0 then
      count = count + count_reads(self, op, fresh)
    end
    if kind.ages then fresh = {} end
    count = count + kind.requests(op, rate or 0)
    self = operations.reduce(self, op)
  end
  return count
end

return diff
