--- Finds the existing stage of each described one: by its name, by the name
-- that it had (`was`), or by `id` where the description has one (false: a new
-- stage). Pure, without network and files.
--
-- A stage whose old name and new name both exist is one that swaps its name
-- with others, or one that has done so already: those that hang together are
-- decided together.
local attributes = require "workstage.migration.stage"
local swap = require "workstage.migration.plan.swap"

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

-- True if an existing stage of that name has all that is described.
function Match:is_as_described(stage)
  local same = self.existing[stage.name]
  local target = attributes.target(stage, same, self.naming)
  return attributes.changes(same, target) == nil
end

-- The stages of the circle of names that `stage` is in; nil when its chain
-- has an end.
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
  for i, stage in ipairs(circle) do names[i] = ("%q"):format(stage.name) end
  table.sort(names)
  local note = SWAPPED:format(table.concat(names, " and "))
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

-- Both names exist. Who takes this stage's present name over decides for it,
-- and so on along the chain.
function Match:choose(stage, same, former)
  local circle = self:circle_of(stage)
  if circle then return self:is_done(circle) and same or former end
  local heir = self.claims[stage.name]
  if heir then return self:of(heir) == same and former or same end
  local other = self.by_name[stage.was]
  if other and not other.was or self:is_as_described(stage) then
    return same
  end
  table.insert(self.problems, CLASH:format(stage.name, stage.was))
  return same
end

-- A stage that an interrupted run has left under a temporary name.
function Match:left_under_spare(stage)
  for _, each in ipairs(stage.was and self.stages or {}) do
    if swap.is_spare_of(each.name, stage.was) and
       not self.by_name[each.name] then
      return each
    end
  end
end

--- The existing stage of a described one; nil for a new one. A name that
-- another stage gives up is free.
function Match:of(stage)
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
  -- names stand for the stages that have them while this is found out
  local naming = setmetatable({
    survives = function() return true end,
    ref_of = function(name)
      return existing[name] and existing[name].id or name
    end,
  }, { __index = context })
  return setmetatable({
    described = described, stages = stages, existing = existing,
    claims = claims, by_name = by_name, naming = naming, problems = {},
    notes = {}, noted = {}, matched = {}, taken = {},
  }, Match)
end

local TWICE = "stages %q and %q both match the existing stage %q: remove " ..
  "`was` from the one that is new"

function Match:take(stage, found)
  self.matched[stage] = found
  if found then self.taken[found] = stage end
end

-- Two descriptions match one stage: one of them may be a stage that has a
-- temporary name.
function Match:settle(stage, found)
  local other = self.taken[found]
  for _, each in ipairs { stage, other } do
    local spare = self:left_under_spare(each)
    if spare and not self.taken[spare] then
      self:take(each == stage and other or stage, found)
      return self:take(each, spare)
    end
  end
  table.insert(self.problems, TWICE:format(other.name, stage.name,
                                           found.name))
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
  for _, stage in ipairs(described) do
    local found = self:of(stage)
    if found and self.taken[found] then self:settle(stage, found)
    else self:take(stage, found) end
  end
  if #self.problems > 0 then return nil, self.problems end
  local gone = {}
  for _, stage in ipairs(stages) do
    if not self.taken[stage] then gone[#gone + 1] = stage end
  end
  return self.matched, gone, self.notes
end
