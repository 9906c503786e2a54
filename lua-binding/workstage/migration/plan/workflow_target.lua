--- The target of one workflow: each described stage with the matching existing
-- one and its final attributes. Pure functions.
local attributes = require "workstage.migration.stage"
local formatted = require "workstage.visible".format
local match = require "workstage.migration.plan.match"
local state = require "workstage.migration.state"
local swap = require "workstage.migration.plan.swap"

local workflow_target = {}

local Workflow = {}
Workflow.__index = Workflow

-- The reference of a new stage: its name, made unique if another new stage has
-- the same.
local function new_ref(draft, name)
  local ref, number = name, 2
  while draft.new_refs[ref] do
    ref, number = ("%s #%d"):format(name, number), number + 1
  end
  draft.new_refs[ref] = true
  return ref
end

-- Computes the target of a stage, after that of the stage it inherits from.
local function target_of(self, stage)
  if self.targets[stage] then return self.targets[stage] end
  local model
  for _, other in ipairs(self.described) do
    if stage.inherit and other.name == stage.inherit then
      model = target_of(self, other)
    end
  end
  local target = attributes.target(stage, self.matched[stage], self.context,
                                   model)
  self.targets[stage] = target
  return target
end

-- If a described stage is the default, no other stage is.
local function settle_default(self)
  local default
  for _, stage in ipairs(self.described) do
    if stage.is_default then default = stage end
  end
  for _, stage in ipairs(self.described) do
    local target = self.targets[stage]
    if default and stage ~= default and target.is_default then
      target.is_default = false
    end
  end
end

local function set_targets(self, stages, context)
  local survives = {}
  for _, ref in ipairs(self.order) do survives[ref] = true end
  self.context = setmetatable({
    ref_of = function(name) return self.refs[name] end,
    survives = function(ref) return survives[ref] end,
    is_known = function(ref) return survives[ref] or stages[ref] ~= nil end,
  }, { __index = context })
  for _, stage in ipairs(self.described) do target_of(self, stage) end
  settle_default(self)
end

-- Attributes that are not described are unchanged.
local function described_as_is(stages)
  local described = {}
  for i, stage in ipairs(stages) do
    described[i] = { id = stage.id, name = stage.name }
  end
  return described
end

--- Matches a workflow's stages with the described ones.
-- @tparam table draft `layout` (the state), `new_refs`, `notes`
-- @tparam table target one of the targets of `diff.plan`
-- @tparam table context see `diff.plan`
-- @treturn[1] table `ref`, `target`, `refs` (name -> reference), `gone`
--   (stages that will be deleted), `is_new`
-- @treturn[2] nil
-- @treturn[2] table problems: sentences
function workflow_target.new(draft, target, context)
  local ref = target.ref or target.name
  local stages = state.stages_of(draft.layout, ref)
  local described = target.remove and {} or target.stages or
                    described_as_is(stages)
  local matched, gone, notes = match(described, stages, context)
  if not matched then return nil, gone end
  local self = setmetatable({
    ref = ref, target = target, described = described, matched = matched,
    gone = gone, targets = {}, refs = {}, order = {},
    is_new = not target.ref,
  }, Workflow)
  table.move(notes, 1, #notes, #draft.notes + 1, draft.notes)
  for i, stage in ipairs(described) do
    local found = matched[stage]
    self.order[i] = found and found.id or new_ref(draft, stage.name)
    self.refs[stage.key or stage.name] = self.order[i]
  end
  set_targets(self, draft.layout.stages, context)
  return self
end

--- Each described stage with its reference, its target, and the existing
-- stage.
function Workflow:each()
  local i = 0
  return function()
    i = i + 1
    local stage = self.described[i]
    if not stage then return nil end
    return self.order[i], self.targets[stage], self.matched[stage], i
  end
end

local function clash(a, b, attribute, value)
  return formatted("stages %q and %q would have the same %s %q", a, b,
                   attribute, value)
end

-- Finds names and colours that two stages would newly share; values that they
-- already share may stay.
function Workflow:check_unique(problems)
  for _, attribute in ipairs { "name", "color" } do
    local owners = {}
    for ref, target, current in self:each() do
      local key = swap.key(attribute, target[attribute])
      local is_old = current and attributes.equal(attribute,
        current[attribute], target[attribute])
      local other = key and owners[key]
      if other and not (is_old and other.is_old) then
        problems[#problems + 1] = clash(other.name, target.name, attribute,
                                        target[attribute])
      end
      if key then
        owners[key] = { name = target.name, ref = ref, is_old = is_old }
      end
    end
  end
end

return workflow_target
