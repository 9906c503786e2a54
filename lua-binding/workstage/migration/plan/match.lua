--- Which existing stage a described one is: by its name, by the name that it
-- had (`was`), or by `id` where the description has one (false: a new one).
-- Pure, without network and files.
--
-- A stage whose old name and new name are both there is one that exchanges
-- its name with others, or one that has done so already: those that hang
-- together are judged together.
local attributes = require "workstage.migration.stage"

local function by_name(stages)
  local found = {}
  for _, stage in ipairs(stages) do
    found[stage.name] = stage
    found[stage.id] = stage
  end
  return found
end

-- The descriptions by the name that they had before.
local function claims_of(described)
  local claims = {}
  for _, stage in ipairs(described) do
    if stage.was then claims[stage.was] = stage end
  end
  return claims
end

local Matching = {}
Matching.__index = Matching

-- Whether a stage of that name has all that is described already.
function Matching:is_as_described(stage)
  local same = self.existing[stage.name]
  local target = attributes.target(stage, same, self.naming)
  return attributes.changes(same, target) == nil
end

-- The stages of the circle of names that `stage` is in; nil when its chain
-- has an end.
function Matching:circle_of(stage)
  local circle, each = { stage }, self.claims[stage.name]
  while each and each ~= stage do
    circle[#circle + 1] = each
    each = #circle <= self.count and self.claims[each.name] or nil
  end
  return each and circle
end

function Matching:is_done(circle)
  for _, stage in ipairs(circle) do
    if not self.existing[stage.name] or not self:is_as_described(stage) then
      return false
    end
  end
  return true
end

local function clash(stage)
  return ("stage %q is there, and so is %q, which it is said to have " ..
          "been: drop `was`, or rename one of them")
         :format(stage.name, stage.was)
end

-- Both names are there. Who takes this stage's present name over decides
-- for it, and so on along the chain.
function Matching:choose(stage, same, former)
  local circle = self:circle_of(stage)
  if circle then return self:is_done(circle) and same or former end
  local heir = self.claims[stage.name]
  if heir then return self:of(heir) == same and former or same end
  if self:is_as_described(stage) then return same end
  self.problems[#self.problems + 1] = clash(stage)
  return same
end

--- The existing stage of a described one; nil for a new one.
function Matching:of(stage)
  if stage.id ~= nil then return self.existing[stage.id] end
  local same = self.existing[stage.name]
  local former = stage.was and self.existing[stage.was]
  if not former or former == same then return same end
  if not same then return former end
  return self:choose(stage, same, former)
end

local function new(described, structure, context)
  local existing = by_name(structure.stages)
  -- names stand for the stages that bear them while this is found out
  local naming = setmetatable({
    survives = function() return true end,
    ref_of = function(name)
      return existing[name] and existing[name].id or name
    end,
  }, { __index = context })
  return setmetatable({
    existing = existing, claims = claims_of(described), naming = naming,
    count = #described, problems = {},
  }, Matching)
end

--- Matches described stages with existing ones.
-- @tparam table described the stages of a blueprint
-- @tparam table structure `stages`
-- @tparam table context `roles`, `users`: name -> id
-- @treturn[1] table described stage -> existing stage
-- @treturn[1] table existing stages that are not described, in order
-- @treturn[2] nil
-- @treturn[2] table problems
return function(described, structure, context)
  local self = new(described, structure, context)
  local matched, taken, problems = {}, {}, self.problems
  for _, stage in ipairs(described) do
    local found = self:of(stage)
    if found and taken[found] then
      problems[#problems + 1] = ("stages %q and %q are both said to be %q")
        :format(taken[found], stage.name, found.name)
    end
    matched[stage] = found
    if found then taken[found] = stage.name end
  end
  if #problems > 0 then return nil, problems end
  local gone = {}
  for _, stage in ipairs(structure.stages) do
    if not taken[stage] then gone[#gone + 1] = stage end
  end
  return matched, gone
end
