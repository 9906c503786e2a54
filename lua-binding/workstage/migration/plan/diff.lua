--- From what is and what is to be to the operations between: pure, without
-- network and files.
--
-- The order respects the service's rules instead of meeting its refusals:
-- the workflow; stages created closed; the ways that moves need opened; a new
-- default before the old one goes; moves; each stage that goes away proved
-- empty and deleted; names, colours, transitions and permissions; positions.
local attributes = require "workstage.migration.stage"
local exchange = require "workstage.migration.plan.swap"
local page_size = require "workstage.migration.page_size"
local match_all = require "workstage.migration.plan.match"

local planner = {}

-- --------------------------------------------------------------- the plan

local Draft = {}
Draft.__index = Draft

function Draft:add(operation)
  self.operations[#self.operations + 1] = operation
end

-- Only one stage of a workflow is the default: the service takes the mark
-- from the others.
function Draft:note_default(ref)
  for other, state in pairs(self.states) do
    if other ~= ref then state.is_default = false end
  end
end

function Draft:update(ref, set)
  local state = self.states[ref]
  if set.is_default then self:note_default(ref) end
  local before = {}
  for name, value in pairs(set) do
    before[name] = state[name]
    state[name] = value
  end
  self:add { op = "update_stage", stage = ref, name = state.name, set = set,
             before = before }
end

local function copy(state)
  local same = {}
  for name, value in pairs(state) do same[name] = value end
  return same
end

local function new_draft(structure, described, matched, gone, context)
  local self = setmetatable({
    structure = structure, described = described, matched = matched,
    gone = gone, context = context, operations = {}, states = {},
    refs = {}, targets = {}, opened = {},
  }, Draft)
  local is_gone = {}
  for _, stage in ipairs(gone) do is_gone[stage.id] = true end
  for _, stage in ipairs(structure.stages) do
    self.states[stage.id] = copy(stage)
  end
  for _, stage in ipairs(described) do
    self.refs[stage.name] = matched[stage] and matched[stage].id or stage.name
  end
  context.ref_of = function(name) return self.refs[name] end
  context.survives = function(ref) return not is_gone[ref] end
  for _, stage in ipairs(described) do
    self.targets[stage] = attributes.target(stage, matched[stage], context)
  end
  self:settle_default()
  return self
end

-- A stage that is described as the default leaves no other one.
function Draft:settle_default()
  local default
  for _, stage in ipairs(self.described) do
    if stage.is_default then default = stage end
  end
  for _, stage in ipairs(self.described) do
    if default and stage ~= default then
      self.targets[stage].is_default = false
    end
  end
end

-- A workflow that is not there is made; one that is may get other content
-- types.
function Draft:plan_workflow(blueprint)
  local workflow = self.structure.workflow
  if not workflow then
    self:add { op = "create_workflow", name = blueprint.workflow,
               content_types = blueprint.content_types }
  elseif blueprint.content_types and not workflow.is_default and
         not attributes.equal("content_types", workflow.content_types,
                              blueprint.content_types) then
    self:add { op = "update_workflow", name = workflow.name,
               set = { content_types = blueprint.content_types },
               before = { content_types = workflow.content_types } }
  end
end

-- What a stage is created with: nothing that refers to others.
local function closed(target, position)
  local set = copy(target)
  set.workflow_stage_ids, set.after_publish_id = {}, false
  set.allow_all_stages, set.allow_none_for_next_stages = false, false
  set.space_role_ids, set.user_ids = {}, {}
  set.position = position
  return set
end

-- Names and colours that a new stage needs are given up first.
function Draft:plan_creation()
  local wanted = {}
  for _, stage in ipairs(self.described) do
    wanted[#wanted + 1] = self.targets[stage]
  end
  self.exchange = exchange.new(self.states, wanted)
  for position, stage in ipairs(self.described) do
    if not self.matched[stage] then
      local target = self.targets[stage]
      for _, holder in ipairs(self.exchange:blockers(nil, target)) do
        self:update(holder, self.exchange:step_aside(holder, target))
      end
      local set = closed(target, position)
      self.exchange:set(stage.name, target)
      self.states[stage.name] = copy(set)
      if set.is_default then self:note_default(stage.name) end
      self:add { op = "create_stage", stage = stage.name, name = stage.name,
                 set = set }
    end
  end
end

-- A new workflow may come with stages of the service's own making: they go
-- once the described ones are there.
function Draft:plan_clearing()
  if self.structure.workflow then return end
  self:add { op = "clear_workflow" }
end

-- The default is another stage before the old one goes.
function Draft:plan_default()
  for _, stage in ipairs(self.described) do
    local ref = self.refs[stage.name]
    if self.targets[stage].is_default and
       not self.states[ref].is_default then
      self:update(ref, { is_default = true })
    end
  end
end

function Draft:plan_default_of_gone()
  for _, stage in ipairs(self.gone) do
    if stage.is_default then return self:plan_default() end
  end
end

-- A move inside the workflow needs a way from stage to stage.
function Draft:plan_ways(moves)
  local missing, order = {}, {}
  for _, move in ipairs(moves) do
    local state = move.count > 0 and self.states[move.from]
    if state and self.states[move.to] and
       not attributes.leads_to(state, move.to) then
      if not missing[move.from] then
        missing[move.from] =
          table.move(state.workflow_stage_ids, 1, #state.workflow_stage_ids,
                     1, {})
        order[#order + 1] = move.from
      end
      if not attributes.contains(missing[move.from], move.to) then
        table.insert(missing[move.from], move.to)
      end
    end
  end
  for _, ref in ipairs(order) do self:open(ref, missing[ref]) end
end

function Draft:open(ref, ways)
  local state = self.states[ref]
  table.insert(self.opened, { ref = ref, set = {
    workflow_stage_ids = state.workflow_stage_ids,
    allow_none_for_next_stages = state.allow_none_for_next_stages,
  } })
  self:update(ref, { workflow_stage_ids = ways,
                     allow_none_for_next_stages = false })
end

-- Without described stages, the ways that moves needed are closed again.
function Draft:plan_closing()
  for _, opened in ipairs(self.opened) do
    self:update(opened.ref, opened.set)
  end
end

function Draft:plan_moves(moves)
  for index, move in ipairs(moves) do
    if move.count > 0 then
      self:add { op = "move", rule = index, from = move.from, to = move.to,
                 from_name = move.from_name, to_name = move.to_name,
                 set = move.set, count = move.count, items = move.items,
                 dues = move.dues, left_due = move.left_due,
                 dues_count = move.dues_count }
    end
  end
end

function Draft:plan_deletion(moves)
  for _, stage in ipairs(self.gone) do
    local rules = {}
    for index, move in ipairs(moves) do
      if move.from == stage.id and not move.only then
        rules[#rules + 1] = index
      end
    end
    self:add { op = "delete_stage", stage = stage.id, name = stage.name,
               before = stage, rules = rules }
    self.states[stage.id] = nil
    self.exchange:remove(stage.id)
  end
end

-- What is still different, the default first: it takes the mark from the
-- other one.
function Draft:updates()
  local updates = {}
  for _, stage in ipairs(self.described) do
    local ref = self.refs[stage.name]
    local update = { ref = ref, target = self.targets[stage] }
    if attributes.changes(self.states[ref], update.target) then
      table.insert(updates, update.target.is_default and 1 or #updates + 1,
                   update)
    end
  end
  return updates
end

function Draft:plan_updates()
  local updates = self:updates()
  local first = updates[1]
  if first and first.target.is_default and
     #self.exchange:blockers(first.ref, first.target) > 0 then
    self:plan_default()
    updates = self:updates()
  end
  self.exchange:run(updates,
    function(ref, values) self:update(ref, values) end,
    function(update)
      local set = attributes.changes(self.states[update.ref], update.target)
      if set then self:update(update.ref, set) end
    end)
end

-- Whether the stages come in the order in which they are described.
function Draft:is_in_order()
  local last = -math.huge
  for _, stage in ipairs(self.described) do
    local position = self.states[self.refs[stage.name]].position or 0
    if position <= last then return false end
    last = position
  end
  return true
end

function Draft:plan_order()
  if self:is_in_order() then return end
  local order, before = {}, {}
  for i, stage in ipairs(self.described) do
    order[i] = self.refs[stage.name]
  end
  for _, stage in ipairs(self.structure.stages) do
    before[#before + 1] = stage.id
  end
  self:add { op = "order_stages", order = order, before = before }
end

-- --------------------------------------------------------------- counting

local function requests_of(operation, rate)
  if operation.op == "move" then
    return operation.count + math.ceil(operation.count / page_size(rate))
  elseif operation.op == "create_workflow" or
         operation.op == "delete_stage" then
    return 2
  elseif operation.op == "update_workflow" or
         operation.op == "order_stages" then
    -- with the workflow read first
    return 2
  elseif operation.op == "delete_workflow" then
    -- read again with its stages, and each of them counted
    local before = operation.before
    return 2 + (before and #before.stages or 0) + 1
  end
  return operation.op == "clear_workflow" and 0 or 1
end

--- The requests that applying takes, when nothing else changes the space:
-- those that show that the structure is as it was, the operations', and the
-- stages read again before the first update behind moves.
-- @tparam table operations
-- @tparam integer checks how many requests the look at the structure takes
-- @tparam[opt] boolean is_aged whether the stages are read again before the
--   first update anyhow
-- @tparam[opt=0] number rate requests a second; 0: no limit
function planner.count_requests(operations, checks, is_aged, rate)
  if #operations == 0 then return 0 end
  local count = checks
  for _, operation in ipairs(operations) do
    if operation.op == "update_stage" and is_aged then
      count, is_aged = count + 1, false
    end
    is_aged = is_aged or operation.op == "move"
    count = count + requests_of(operation, rate or 0)
  end
  return count
end

--- Plans the way from a structure to a blueprint.
-- @tparam table structure `workflow` (nil: none yet) and `stages`, each as
--   `attributes.of_stage` makes them, in order of position
-- @tparam table blueprint normalized
-- @tparam table moves for each rule `from`, `to` (references), `from_name`,
--   `to_name`, `set`, `count`, `items`; `only` where what comes later is not
--   moved; made by `resolve`
-- @tparam table context `roles`, `users`: name -> id
-- @treturn[1] table operations
-- @treturn[1] table stages that go away
-- @treturn[1] table the moves that `resolve` made
-- @treturn[2] nil
-- @treturn[2] table problems: sentences
function planner.plan(structure, blueprint, context, resolve)
  local described = blueprint.stages
  if not described then
    local draft = new_draft(structure, {}, {}, {}, context)
    local moves = resolve(draft.states, {})
    draft:plan_ways(moves)
    draft:plan_moves(moves)
    draft:plan_closing()
    return draft.operations, {}, moves
  end
  local matched, gone = match_all(described, structure, context)
  if not matched then return nil, gone end
  local draft = new_draft(structure, described, matched, gone, context)
  local moves = resolve(draft.states, draft.refs)
  draft:plan_workflow(blueprint)
  draft:plan_creation()
  draft:plan_clearing()
  draft:plan_default_of_gone()
  draft:plan_ways(moves)
  draft:plan_moves(moves)
  draft:plan_deletion(moves)
  draft:plan_updates()
  draft:plan_order()
  return draft.operations, gone, moves
end

return planner
