--- The workflows that a blueprint describes, each with the matching one in the
-- space.
local adapt_spelling = require "workstage.migration.plan.spelling"
local blueprints = require "workstage.migration.blueprint"
local check_stages = require "workstage.migration.plan.guards"
local choose_workflow = require "workstage.migration.plan.choose_workflow"
local name_key = require "workstage.migration.unicode".name_key
local near_name = require "workstage.near_name"
local quoted = require "workstage.visible".quoted

local described = {}

local Described = {}
Described.__index = Described

--- The workflow as text: `workflow "Article"`.
function Described:label()
  local name = self.value.workflow or self.existing and self.existing.name
  return name and "workflow " .. quoted(name) or "the default workflow"
end

--- True if a move that names a workflow means this one.
function Described:is_meant_by(place)
  if place.default then
    return self.value.default or self.existing and self.existing.is_default
  end
  local key = place.workflow and name_key(place.workflow)
  for _, name in pairs { self.value.workflow, self.value.was,
                         self.existing and self.existing.name } do
    if key == name_key(name) then return true end
  end
  return false
end

-- ------------------------------------------------------- what cannot work

local function check_existing(self)
  local value, existing = self.value, self.existing
  if value.remove and existing and existing.is_default then
    return ("%s is the default one and cannot be removed."):format(
      self:label())
  elseif existing or value.remove then
    return nil
  elseif not value.stages then
    return ("The space has no %s, and the blueprint describes no stages " ..
            "for it."):format(self:label())
  elseif not value.content_types then
    return ("%s is new and needs content_types."):format(
      self:label():gsub("^%l", string.upper))
  end
end

local function check_twice(self, list)
  for i, other in ipairs(list) do
    if self.existing and other.existing == self.existing then
      return ("workflows[%d] is the same workflow of the space, %s."):format(
        i, quoted(self.existing.name))
    end
  end
end

-- ----------------------------------------------------------------- reading

-- The names of all described workflows, as keys.
local function names_in(blueprint)
  local names = {}
  for _, value in ipairs(blueprints.workflows(blueprint)) do
    if value.workflow then names[value.workflow] = true end
  end
  return names
end

-- Reads one workflow; returns a problem as a sentence.
local function read_one(reader, value, names, notes)
  local existing, said = choose_workflow(reader.workflows, value, names)
  if existing == nil then return nil, nil, said.message end
  table.move(said, 1, #said, #notes + 1, notes)
  local self = setmetatable({ value = value, existing = existing or nil,
                              stages = {} }, Described)
  if existing then
    local stages, err = reader:stages(existing.id)
    if not stages then return nil, err end
    self.stages = stages
  end
  self.value, self.spelling = adapt_spelling(value, self.existing,
                                             self.stages, notes)
  return self, nil, check_existing(self)
end

local function names_a_workflow(value)
  return value.workflow or value.default or value.id
end

-- Prefixes a problem with its workflow if there are several.
local function add_problem(problems, blueprint, i, sentence)
  if not sentence then return end
  problems[#problems + 1] = blueprint.workflows and
    ("workflows[%d]: %s"):format(i, sentence) or sentence
end

--- Reads the described workflows.
-- @tparam table reader see `plan/space_reader`
-- @tparam table blueprint in normal form
-- @tparam table problems gets sentences
-- @tparam table notes gets sentences
-- @treturn[1] table array of { value (the description, spelled as in the
--   space), existing (nil: a new one), stages (those that it has), spelling }
-- @treturn[2] nil
-- @treturn[2] table the error
function described.read(reader, blueprint, problems, notes)
  local list, names = {}, names_in(blueprint)
  for i, value in ipairs(blueprints.workflows(blueprint)) do
    if names_a_workflow(value) then
      local self, err, problem = read_one(reader, value, names, notes)
      if err then return nil, err end
      problem = problem or check_twice(self, list)
      add_problem(problems, blueprint, i, problem)
      list[#list + 1] = self
    end
  end
  return list
end

--- Compares described stages with those of the space.
-- @tparam table list as `read` returns it
-- @tparam table problems gets sentences
-- @tparam table notes gets sentences
function described.check(list, problems, notes)
  for _, self in ipairs(list) do
    if self.value.stages then
      local found, said = check_stages(self.value.stages, self.stages)
      table.move(found, 1, #found, #problems + 1, problems)
      table.move(said, 1, #said, #notes + 1, notes)
    end
  end
end

-- ------------------------------------------- stages from other workflows

-- The workflow that a stage is taken from: a described one, or another one in
-- the space, whose stages are then read.
local function source_of(reader, list, name)
  for _, self in ipairs(list) do
    if self:is_meant_by { workflow = name } then return self end
  end
  local existing, said = choose_workflow(reader.workflows, {
    workflow = name, create = true,
  })
  if existing == nil then return nil, nil, said.message end
  if not existing then
    return nil, nil, ("The space has no workflow %s.%s"):format(
      quoted(name), near_name(name, reader.workflows))
  end
  local stages, err = reader:stages(existing.id)
  if not stages then return nil, err end
  local _, spelling = adapt_spelling({}, existing, stages, {})
  local source = setmetatable({ value = {}, existing = existing,
                                stages = stages, spelling = spelling },
                              Described)
  list[#list + 1] = source
  return source
end

local function check_taken(self, source, stage, taken)
  local count = source.existing and #source.stages or 0
  source.left = (source.left or count) - 1
  local value = source.value
  if taken.is_default and not value.stages and not value.remove then
    return ("Stage %s is the default one of %s: choose another one there " ..
            "first."):format(quoted(stage.name), source:label())
  elseif source.left < 1 then
    return ("Stage %s is the last one of %s: a workflow keeps at least one.")
           :format(quoted(taken.name), source:label())
  elseif not self.existing and not self.has_own then
    return ("%s is new and needs a stage of its own."):format(self:label())
  end
end

-- Takes a stage from another workflow, unless it is already in the new one.
-- Returns a problem as a sentence.
local function take(reader, list, self, stage)
  local name = stage.was or stage.name
  local source, err, problem = source_of(reader, list, stage.from_workflow)
  if not source then return nil, err, problem end
  local found = source.spelling:find(name)
  stage.was = nil
  if not found then
    if self.spelling:find(stage.name) then return true end
    return nil, nil, ("Workflow %s has no stage %s.%s"):format(
      quoted(stage.from_workflow), quoted(name),
      near_name(name, source.stages))
  end
  stage.id, stage.taken = found.id, found
  return true, nil, check_taken(self, source, stage, found)
end

local function has_own_stage(self)
  for _, stage in ipairs(self.value.stages or {}) do
    if not stage.from_workflow then return true end
  end
  return false
end

--- Finds the stages that are taken from other workflows: each gets its `id`.
-- Workflows that only lose stages join the list.
-- @tparam table reader
-- @tparam table list as `read` returns it
-- @tparam table problems gets sentences
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] table the error
function described.take_stages(reader, list, problems)
  for i = 1, #list do
    local self = list[i]
    self.has_own = has_own_stage(self)
    for _, stage in ipairs(self.value.stages or {}) do
      if stage.from_workflow then
        local _, err, problem = take(reader, list, self, stage)
        if err then return nil, err end
        problems[#problems + 1] = problem
      end
    end
  end
  return true
end

--- The desired workflows, as targets for the planner.
-- @treturn table array of targets, see `plan/diff`
function described.targets(list)
  local targets = {}
  for _, self in ipairs(list) do
    local value, existing = self.value, self.existing
    if existing or not value.remove then
      targets[#targets + 1] = {
        ref = existing and existing.id, name = value.workflow,
        content_types = value.content_types, stages = value.stages,
        remove = value.remove,
      }
      self.target = #targets
    end
  end
  return targets
end

return described
