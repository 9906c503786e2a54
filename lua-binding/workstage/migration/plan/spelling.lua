--- Replaces names and colours in a blueprint by the space's spelling if both
-- look the same: "#Fa5" and "#ffaa55", a name with and without a trailing
-- space, or in another Unicode form. Changing them would be useless, and a
-- stage that looks the same must not be deleted and created again. Pure: no
-- network or files.
local colors = require "workstage.migration.colors"
local name_key = require "workstage.migration.unicode".name_key
local quoted = require "workstage.visible".quoted

-- The spelling in the space of a workflow's stage names.
local Spelling = {}
Spelling.__index = Spelling

--- Makes the spelling of a workflow.
-- @tparam table described the stages that a blueprint describes
-- @tparam table existing the stages in the space
local function new_spelling(described, existing)
  local self = setmetatable({ exact = {}, alike = {}, wanted = {} }, Spelling)
  for _, stage in ipairs(existing) do
    local key = name_key(stage.name)
    self.exact[stage.name] = stage
    self.alike[key] = self.alike[key] == nil and stage
  end
  for _, stage in ipairs(described) do self.wanted[stage.name] = true end
  return self
end

--- The spelling of a name in the space: unchanged unless exactly one stage
-- looks the same and the blueprint does not also name that one.
function Spelling:of(name)
  if not name or self.exact[name] then return name end
  local stage = self.alike[name_key(name)]
  return stage and not self.wanted[stage.name] and stage.name or name
end

--- The existing stage with a name, in any spelling.
function Spelling:find(name)
  return self.exact[self:of(name)]
end

local function names_of(self, names)
  if type(names) ~= "table" then return names end
  local list = {}
  for i, name in ipairs(names) do list[i] = self:of(name) end
  return list
end

-- The spelling of a colour in the existing stage, which may have the former
-- name.
local function color_of(self, stage)
  local existing = self:find(stage.name) or
                   stage.was and self:find(stage.was)
  local color = existing and existing.color
  if color and stage.color and colors.key(color) == colors.key(stage.color)
  then
    return color
  end
  return stage.color
end

local function spell_stage(self, stage)
  local same = {}
  for name, value in pairs(stage) do same[name] = value end
  same.color = color_of(self, stage)
  for _, name in ipairs { "name", "inherit", "after_publish" } do
    same[name] = stage[name] and self:of(stage[name])
  end
  if not stage.from_workflow then same.was = self:of(stage.was) end
  same.next = names_of(self, stage.next)
  return same
end

local function note_differences(described, same, notes)
  for i, stage in ipairs(described) do
    local spelled = same[i]
    if stage.name ~= spelled.name then
      notes[#notes + 1] = ("Stage %s is %s in the space: the names differ " ..
        "only in blanks at the end or in their Unicode form."):format(
        quoted(stage.name), quoted(spelled.name))
    end
    if stage.color ~= spelled.color then
      notes[#notes + 1] = ("Stage %s: the color %s is %s in the space, " ..
        "which is the same."):format(quoted(stage.name), quoted(stage.color),
                                     quoted(spelled.color))
    end
  end
end

--- Copies a described workflow in the spelling of the space.
-- @tparam table described a workflow of a blueprint, in normal form
-- @tparam ?table workflow that workflow in the space
-- @tparam table existing its stages in the space
-- @tparam table notes gets sentences about differences in spelling only
-- @treturn table a copy of `described`
-- @treturn table the spelling: `of(name)`, `find(name)`
return function(described, workflow, existing, notes)
  local self = new_spelling(described.stages or {}, existing)
  local same = {}
  for name, value in pairs(described) do same[name] = value end
  if workflow and described.workflow and
     name_key(described.workflow) == name_key(workflow.name) then
    same.workflow = workflow.name
  end
  if described.stages then
    same.stages = {}
    for i, stage in ipairs(described.stages) do
      same.stages[i] = spell_stage(self, stage)
    end
    note_differences(described.stages, same.stages, notes)
  end
  return same, self
end
