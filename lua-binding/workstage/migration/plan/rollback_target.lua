--- What a workflow is to be after a rollback: pure, without network and
-- files. Each attribute that still is as the run left it goes back to what it
-- was before; what others have changed since stays, and is listed.
local attributes = require "workstage.migration.stage"
local exchange = require "workstage.migration.plan.swap"

local Restoring = {}
Restoring.__index = Restoring

local function copy(state)
  local same = {}
  for name, value in pairs(state) do same[name] = value end
  return same
end

function Restoring:list(message, ...)
  table.insert(self.left, message:format(...))
end

-- A stage as it is to be: what this run changed and nobody since goes back.
function Restoring:restored(now, before)
  local target = copy(now)
  for name in pairs(self.history.seen[now.id] or {}) do
    if self.history:is_own(now.id, name, now[name]) then
      target[name] = before[name]
    elseif not attributes.equal(name, now[name], before[name]) then
      self:list("stage %q: %s was changed since, and stays", now.name, name)
    end
  end
  return target
end

-- A stage that the run made goes, unless it has become somebody's.
function Restoring:is_dropped(now)
  local history = self.history
  if not history.created[now.id] and
     (self.before[now.id] or not history.created[now.name]) then
    return false
  end
  if history:is_changed(now) then
    self:list("stage %q was changed since it was made, and stays", now.name)
  elseif self.held[now.id] then
    self:list("stage %q stays: %d items that this run did not move there, " ..
              "or cannot move back, stand in it", now.name,
              self.held[now.id])
  else
    return true
  end
  return false
end

-- The stages that are there, as they are to be.
function Restoring:present(now)
  for _, stage in ipairs(now.stages) do
    local before = self.before[stage.id]
    self.there[stage.id] = true
    if before or not self:is_dropped(stage) then
      local target = before and self:restored(stage, before) or copy(stage)
      target.id, target.was_id = stage.id, stage.id
      target.is_fixed = target.name == stage.name
      table.insert(self.targets, target)
    end
  end
end

-- Those that the run took away, made anew.
function Restoring:absent(stages)
  for _, stage in ipairs(stages) do
    if self.history.deleted[stage.id] and not self.there[stage.id] then
      local target = copy(stage)
      target.id, target.was_id = nil, stage.id
      table.insert(self.targets, target)
    elseif not self.there[stage.id] then
      self:list("stage %q is gone, and not by this run", stage.name)
    end
  end
end

-- ------------------------------------------------------- what is unique

-- One value of those that are to be unique in a workflow.
local function key_of(attribute, value)
  return attribute == "color" and value:lower() or value
end

-- Who already has a name or colour keeps it; another gets a spare one.
function Restoring:settle_unique(attribute, now)
  local taken, current = {}, {}
  for _, stage in ipairs(now.stages) do current[stage.id] = stage end
  local function claim(kept)
    for _, target in ipairs(self.targets) do
      local held = current[target.id]
      local keeps = held and attributes.equal(attribute, held[attribute],
                                              target[attribute]) or false
      local key = key_of(attribute, target[attribute])
      if keeps == kept and not taken[key] then
        taken[key] = target
      elseif taken[key] ~= target and keeps == kept then
        local spare = exchange.spare(attribute, target[attribute], taken)
        self:list("stage %q: the %s %q is another stage's by now; it gets %q",
                  target.name, attribute, target[attribute], spare)
        target[attribute] = spare
        taken[key_of(attribute, spare)] = target
      end
    end
  end
  claim(true)
  claim(false)
end

-- One stage is the default: of several the one that is so now, of none too.
function Restoring:settle_default(now)
  local current, marked, kept = nil, {}, nil
  for _, stage in ipairs(now.stages) do
    if stage.is_default then current = stage.id end
  end
  for _, target in ipairs(self.targets) do
    if target.is_default then marked[#marked + 1] = target end
    if target.id and target.id == current then kept = target end
  end
  if #marked == 1 then return end
  local default = kept or marked[1]
  for _, target in ipairs(self.targets) do
    target.is_default = target == default
  end
end

-- ----------------------------------------------------------------- order

local function ids_in_order(stages, known)
  local ids = {}
  for _, stage in ipairs(stages) do
    if known[stage.id] then ids[#ids + 1] = stage.id end
  end
  return ids
end

local function same_order(a, b)
  for i, id in ipairs(a) do
    if b[i] ~= id then return false end
  end
  return #a == #b
end

-- Whether the stages still come as the run has ordered them.
function Restoring:is_order_own(now)
  local order = self.history.order
  if not order then return true end
  local both, left = {}, {}
  for _, id in ipairs(order) do
    if self.there[id] and self.before[id] then
      both[id], left[#left + 1] = true, id
    end
  end
  local is = ids_in_order(now.stages, both)
  return same_order(is, left) or
         same_order(is, ids_in_order(self.stages_before, both))
end

-- Where each stands: in the order before the run, others behind.
function Restoring:settle_order(now)
  local own = self:is_order_own(now)
  if not own then
    self:list "the order of the stages was changed since, and stays"
  end
  local rank = {}
  for i, stage in ipairs(own and self.stages_before or now.stages) do
    rank[stage.id] = i
  end
  for i, target in ipairs(self.targets) do
    target.rank = rank[target.was_id] or 1000 + i
    target.index = i
  end
  table.sort(self.targets, function(a, b)
    if a.rank ~= b.rank then return a.rank < b.rank end
    return a.index < b.index
  end)
end

-- ------------------------------------------------------------ the whole

local function names_of(targets)
  local names = {}
  for _, target in ipairs(targets) do names[target.was_id] = target.name end
  return names
end

-- Stages in the form in which the planner takes descriptions: references by
-- name, members by their ids.
local function describe(target, names)
  local stage = { id = target.id or false, name = target.name,
                  color = target.color, roles = target.space_role_ids,
                  users = target.user_ids, next = {} }
  for _, flag in ipairs(attributes.flags) do stage[flag] = target[flag] end
  for _, ref in ipairs(target.workflow_stage_ids) do
    if names[ref] then table.insert(stage.next, names[ref]) end
  end
  if target.allow_all_stages then stage.next = "all"
  elseif target.allow_none_for_next_stages then stage.next = "none" end
  stage.after_publish = names[target.after_publish_id] or false
  return stage
end

--- Makes the description of what is to be.
-- @tparam table now the structure as it is
-- @tparam table stages_before the stages before the run
-- @tparam table history of the run (see `run_effects.lua`)
-- @tparam table held id of a created stage -> how many items keep it
-- @tparam table left sentences about what stays, to be added to
-- @treturn table stages, as the planner takes them
-- @treturn table id before the run -> name
return function(now, stages_before, history, held, left)
  local self = setmetatable({
    history = history, held = held, left = left, targets = {}, there = {},
    before = {}, stages_before = stages_before,
  }, Restoring)
  for _, stage in ipairs(stages_before) do self.before[stage.id] = stage end
  self:present(now)
  self:absent(stages_before)
  self:settle_unique("name", now)
  self:settle_unique("color", now)
  self:settle_default(now)
  self:settle_order(now)
  local names, described = names_of(self.targets), {}
  for i, target in ipairs(self.targets) do
    described[i] = describe(target, names)
  end
  return described, names
end
