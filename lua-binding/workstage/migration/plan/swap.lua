--- Orders changes of names and colours, which are unique in a workflow: a
-- value is freed before another stage gets it; in a cycle one stage gets a
-- temporary value first. Values that two stages already share may stay.
local colors = require "workstage.migration.colors"

local swap = {}

local UNIQUE = { "name", "color" }

local function key_of(attribute, value)
  if not value then return nil end
  return attribute == "color" and colors.key(value) or value
end

-- Adds or removes a stage's values in the index: attribute -> value -> set of
-- references.
local function reserve(held, values, ref, is_held)
  for _, attribute in ipairs(UNIQUE) do
    local key = key_of(attribute, values[attribute])
    if key then
      held[attribute][key] = held[attribute][key] or {}
      held[attribute][key][ref] = is_held
    end
  end
end

local spare = {}

function spare.name(name, taken)
  local number = 1
  while taken[("%s (%d)"):format(name, number)] do number = number + 1 end
  return ("%s (%d)"):format(name, number)
end

function spare.color(_, taken)
  local number = 0x010203
  while taken[("#%06x"):format(number)] do number = number + 1 end
  return ("#%06x"):format(number)
end

--- A name or colour that is neither in use nor needed.
-- @tparam string attribute "name" or "color"
-- @tparam string value that it replaces
-- @tparam table taken the values in use (see `swap.key`), as keys
function swap.spare(attribute, value, taken)
  return spare[attribute](value, taken)
end

--- The form in which two values of an attribute are compared.
swap.key = key_of

--- True if a name is one that `swap.spare` makes for another.
function swap.is_spare_of(name, original)
  return name:sub(1, #original) == original and
         name:sub(#original + 1):match "^ %(%d+%)$" ~= nil
end

local Swap = {}
Swap.__index = Swap

local function take(taken, values)
  for _, attribute in ipairs(UNIQUE) do
    local key = key_of(attribute, values[attribute])
    if key then taken[attribute][key] = true end
  end
end

--- Initializes the order with the current values of each stage.
-- @tparam table stages reference -> { name, color }
-- @tparam table finals reference -> { name, color }: the values that stages
--   will have, which are not used as temporary ones
function swap.new(stages, finals)
  local self = setmetatable({
    stages = {}, finals = finals, taken = { name = {}, color = {} },
    held = { name = {}, color = {} },
  }, Swap)
  for ref, stage in pairs(stages) do
    self.stages[ref] = { name = stage.name, color = stage.color }
    reserve(self.held, stage, ref, true)
    take(self.taken, stage)
  end
  for _, final in pairs(finals) do take(self.taken, final) end
  return self
end

-- The value that a stage will get and does not have yet.
local function wanted(stage, target, attribute)
  local value = key_of(attribute, target[attribute])
  local has = stage and key_of(attribute, stage[attribute])
  return value ~= has and value or nil
end

local function holder_of(self, attribute, value)
  local held = value and self.held[attribute][value]
  return held and next(held)
end

--- The stages that have a value that `ref` needs: unique references.
function Swap:blockers(ref, target)
  local found, seen = {}, {}
  for _, attribute in ipairs(UNIQUE) do
    local holder = holder_of(self, attribute,
                             wanted(self.stages[ref], target, attribute))
    if holder and not seen[holder] then
      seen[holder] = true
      found[#found + 1] = holder
    end
  end
  return found
end

--- Records new values of a stage.
function Swap:set(ref, values)
  local stage = self.stages[ref] or {}
  reserve(self.held, stage, ref, nil)
  for _, attribute in ipairs(UNIQUE) do
    stage[attribute] = values[attribute] or stage[attribute]
  end
  reserve(self.held, stage, ref, true)
  self.stages[ref] = stage
end

function Swap:remove(ref)
  reserve(self.held, self.stages[ref] or {}, ref, nil)
  self.stages[ref] = nil
end

-- The replacement for a value that a stage frees: its final one if that is
-- free, else a temporary one.
local function next_value(self, ref, attribute)
  local final = (self.finals[ref] or {})[attribute]
  local key = wanted(self.stages[ref], { [attribute] = final }, attribute)
  if key and not holder_of(self, attribute, key) then return final end
  local value = spare[attribute](self.stages[ref][attribute],
                                 self.taken[attribute])
  self.taken[attribute][key_of(attribute, value)] = true
  return value
end

--- Frees the values of `holder` that `target` needs.
-- @treturn table the values that it gets instead
function Swap:step_aside(holder, target)
  local stage, values = self.stages[holder], {}
  for _, attribute in ipairs(UNIQUE) do
    local key = key_of(attribute, target[attribute])
    if key and key == key_of(attribute, stage[attribute]) then
      values[attribute] = next_value(self, holder, attribute)
    end
  end
  self:set(holder, values)
  return values
end

-- The first update whose values are free; nil in a cycle.
local function first_free(self, updates)
  for i, update in ipairs(updates) do
    if #self:blockers(update.ref, update.target) == 0 then return i end
  end
end

--- Orders updates so that each finds its values free.
-- @tparam table updates array of { ref, target } (target: name and color)
-- @tparam function step `step(ref, values)`: called for a stage that needs
--   temporary values first
-- @tparam function apply `apply(update)`: called for each update, in order
function Swap:run(updates, step, apply)
  local rest = table.move(updates, 1, #updates, 1, {})
  while #rest > 0 do
    local free = first_free(self, rest)
    if free then
      local update = table.remove(rest, free)
      self:set(update.ref, update.target)
      apply(update)
    else
      local update = rest[1]
      local holder = self:blockers(update.ref, update.target)[1]
      step(holder, self:step_aside(holder, update.target))
    end
  end
end

return swap
