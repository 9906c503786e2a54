--- Finds the existing stage of each described one: by its name, its former
-- name (`was`), or its `id` if the description has one (false: a new stage).
-- Pure: no network or files.
--
-- If a stage's old and new names both exist, it swaps names with others, or
-- has already done so. Stages that exchange names with one another are decided
-- together.
local attributes = require "workstage.migration.stage"
local swap = require "workstage.migration.plan.swap"
local formatted = require "workstage.visible".format

local function index(stages)
  local found = {}
  for _, stage in ipairs(stages) do
    found[stage.name] = stage
    found[stage.id] = stage
  end
  return found
end

local Match = {}
Match.__index = Match

-- True if the existing stage of that name has all described attributes.
function Match:is_as_described(stage)
  local same = self.existing[stage.name]
  local target = attributes.target(stage, same, self.naming)
  return attributes.changes(same, target) == nil
end

-- The cycle of stages that exchange names with `stage`; nil if the chain ends.
function Match:circle_of(stage)
  local circle, each = { stage }, self.claims[stage.name]
  while each and each ~= stage do
    circle[#circle + 1] = each
    each = #circle <= #self.described and self.claims[each.name] or nil
  end
  return each and circle
end

local SWAPPED = "stages %s already have the names and everything else that " ..
  "the blueprint describes, so `was` changes nothing; to exchange their " ..
  "items, use `moves`"

function Match:note_swapped(circle)
  local names = {}
  for i, stage in ipairs(circle) do names[i] = formatted("%q", stage.name) end
  table.sort(names)
  local note = formatted(SWAPPED, table.concat(names, " and "))
  if not self.noted[note] then table.insert(self.notes, note) end
  self.noted[note] = true
end

function Match:is_done(circle)
  for _, stage in ipairs(circle) do
    if not self.existing[stage.name] or not self:is_as_described(stage) then
      return false
    end
  end
  self:note_swapped(circle)
  return true
end

local CLASH = "stages %q and %q both exist, but the blueprint says that " ..
  "the first was the second: remove `was`, or rename one of them"

-- Both names exist: follows the chain to the stage that takes this stage's
-- current name, and so on.
function Match:choose(stage, same, former)
  local circle = self:circle_of(stage)
  if circle then return self:is_done(circle) and same or former end
  local heir = self.claims[stage.name]
  if heir then return self:of(heir) == same and former or same end
  local other = self.by_name[stage.was]
  if other and not other.was or self:is_as_described(stage) then
    return same
  end
  table.insert(self.problems, formatted(CLASH, stage.name, stage.was))
  return same
end

-- A stage to which an interrupted run has given a temporary name.
function Match:left_under_spare(stage)
  for _, each in ipairs(stage.was and self.stages or {}) do
    if swap.is_spare_of(each.name, stage.was) and
       not self.by_name[each.name] then
      return each
    end
  end
end

-- The only described stage of a cycle that is not matched yet; nil if there
-- are several.
local function only_free(self, stage, taken)
  local free
  for _, name in ipairs { stage.name, stage.was } do
    local found = self.existing[name]
    if found and not taken[found] then
      if free then return nil end
      free = found
    end
  end
  return free
end

-- Handles a cycle of swapped names in which a run was interrupted: one stage
-- still has its temporary name, which determines the others.
function Match:fix_circle(circle, stage, spare)
  local taken, is_found = { [spare] = true }, true
  self.fixed[stage] = spare
  while is_found do
    is_found = false
    for _, each in ipairs(circle) do
      local found = not self.fixed[each] and only_free(self, each, taken)
      if found then
        self.fixed[each], taken[found], is_found = found, true, true
      end
    end
  end
end

function Match:fix_circles()
  for _, stage in ipairs(self.described) do
    local circle = stage.was and self:circle_of(stage)
    local spare = circle and not self.fixed[stage] and
                  self:left_under_spare(stage)
    for _, each in ipairs(spare and circle or {}) do
      if not self.existing[each.name] then
        self:fix_circle(circle, stage, spare)
        break
      end
    end
  end
end

--- Finds the existing stage of a described one; nil for a new one. A name is
-- free if its stage gets another one.
function Match:of(stage)
  if self.fixed[stage] then return self.fixed[stage] end
  if stage.id ~= nil then return self.existing[stage.id] end
  local same = self.existing[stage.name]
  if not stage.was then
    local heir = same and self.claims[stage.name]
    return (not heir or self:of(heir) ~= same) and same or nil
  end
  local former = self.existing[stage.was] or self:left_under_spare(stage)
  if not former or former == same then return same end
  if not same then return former end
  return self:choose(stage, same, former)
end

local function new(described, stages, context)
  local existing, by_name, claims = index(stages), {}, {}
  for _, stage in ipairs(described) do
    by_name[stage.name] = stage
    if stage.was then claims[stage.was] = stage end
  end
  -- until this is resolved, names stand for the stages that have them
  local naming = setmetatable({
    survives = function() return true end,
    ref_of = function(name)
      return existing[name] and existing[name].id or name
    end,
  }, { __index = context })
  return setmetatable({
    described = described, stages = stages, existing = existing,
    claims = claims, by_name = by_name, naming = naming, problems = {},
    notes = {}, noted = {}, matched = {}, taken = {}, fixed = {},
  }, Match)
end

local TWICE = "stages %q and %q both match the existing stage %q: remove " ..
  "`was` from the one that is new"

function Match:take(stage, found)
  local other = found and self.taken[found]
  if other then
    table.insert(self.problems, formatted(TWICE, other.name, stage.name,
                                             found.name))
  end
  self.matched[stage] = found
  if found then self.taken[found] = stage end
end

--- Matches described stages with existing ones.
-- @tparam table described the stages of a blueprint
-- @tparam table stages array of attributes
-- @tparam table context `roles`, `users`: name -> id
-- @treturn[1] table described stage -> existing stage
-- @treturn[1] table existing stages that are not described, in order
-- @treturn[1] table notes: sentences
-- @treturn[2] nil
-- @treturn[2] table problems
return function(described, stages, context)
  local self = new(described, stages, context)
  self:fix_circles()
  for _, stage in ipairs(described) do self:take(stage, self:of(stage)) end
  if #self.problems > 0 then return nil, self.problems end
  local gone = {}
  for _, stage in ipairs(stages) do
    if not self.taken[stage] then gone[#gone + 1] = stage end
  end
  return self.matched, gone, self.notes
end
