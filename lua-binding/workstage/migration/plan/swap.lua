--- The order of changes to names and colours, which are unique in a
-- workflow: who gives a value up goes before who takes it, and in a circle
-- one steps aside to a temporary value first.
local exchange = {}

local UNIQUE = { "name", "color" }

local function key_of(attribute, value)
  return attribute == "color" and value:lower() or value
end

-- Notes, or forgets, that a stage holds its values: attribute -> value -> set
-- of the references that hold it.
local function hold(held, state, ref, is_held)
  for _, attribute in ipairs(UNIQUE) do
    local value = state[attribute]
    if value then
      local key = key_of(attribute, value)
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

--- A name or a colour that nobody has or wants.
-- @tparam string attribute "name" or "color"
-- @tparam string value that it stands for
-- @tparam table taken the values in use (colours in lower case), as keys
function exchange.spare(attribute, value, taken)
  return spare[attribute](value, taken)
end

local Exchange = {}
Exchange.__index = Exchange

--- Begins with what each stage has now.
-- @tparam table states reference -> { name, color }
-- @tparam table wanted array of { name, color }: values that are not to be
--   used as temporary ones either
function exchange.new(states, wanted)
  local copy, taken = {}, { name = {}, color = {} }
  local held = { name = {}, color = {} }
  for ref, state in pairs(states) do
    copy[ref] = { name = state.name, color = state.color }
    hold(held, state, ref, true)
    taken.name[state.name] = true
    taken.color[state.color:lower()] = true
  end
  for _, target in ipairs(wanted) do
    taken.name[target.name] = true
    taken.color[target.color:lower()] = true
  end
  return setmetatable({ states = copy, taken = taken, held = held },
                      Exchange)
end

-- What a target has of an attribute that the stage does not have yet.
local function wanted(state, target, attribute)
  local value = target[attribute] and key_of(attribute, target[attribute])
  local has = state and state[attribute] and
              key_of(attribute, state[attribute])
  return value ~= has and value or nil
end

--- Who holds a value that `ref` is to get: references, none twice.
function Exchange:blockers(ref, target)
  local found, seen = {}, {}
  for _, attribute in ipairs(UNIQUE) do
    local value = wanted(self.states[ref], target, attribute)
    local held = value and self.held[attribute][value]
    local holder = held and next(held)
    if holder and not seen[holder] then
      seen[holder] = true
      found[#found + 1] = holder
    end
  end
  return found
end

--- Notes that a stage has new values.
function Exchange:set(ref, values)
  local state = self.states[ref] or {}
  hold(self.held, state, ref, nil)
  for _, attribute in ipairs(UNIQUE) do
    state[attribute] = values[attribute] or state[attribute]
  end
  hold(self.held, state, ref, true)
  self.states[ref] = state
end

function Exchange:remove(ref)
  hold(self.held, self.states[ref] or {}, ref, nil)
  self.states[ref] = nil
end

--- Temporary values for what `holder` has to give up to `target`.
-- @treturn table the values that it gets meanwhile
function Exchange:step_aside(holder, target)
  local state, values = self.states[holder], {}
  if target.name == state.name then
    values.name = spare.name(state.name, self.taken.name)
    self.taken.name[values.name] = true
  end
  if target.color and target.color:lower() == state.color:lower() then
    values.color = spare.color(nil, self.taken.color)
    self.taken.color[values.color] = true
  end
  self:set(holder, values)
  return values
end

--- Orders updates so that each finds its values free.
-- @tparam table updates array of { ref, target } (target: name and color)
-- @tparam function step `step(ref, values)`: called where one has to step
--   aside first
-- @tparam function apply `apply(update)`: called for each update, in order
function Exchange:run(updates, step, apply)
  local left = table.move(updates, 1, #updates, 1, {})
  while #left > 0 do
    local free
    for i, update in ipairs(left) do
      if #self:blockers(update.ref, update.target) == 0 then
        free = i
        break
      end
    end
    if free then
      local update = table.remove(left, free)
      self:set(update.ref, update.target)
      apply(update)
    else
      local update = left[1]
      local holder = self:blockers(update.ref, update.target)[1]
      step(holder, self:step_aside(holder, update.target))
    end
  end
end

return exchange
