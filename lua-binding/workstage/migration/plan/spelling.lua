--- Brings the names and colours of a blueprint into the spelling that the
-- space has, where people see both as the same: "#Fa5" and "#ffaa55", a name
-- with and without a blank at its end, or in another Unicode form. Nothing
-- would be gained by changing them, and a stage that looks the same must not
-- be deleted and made anew. Pure, without network and files.
local colors = require "workstage.migration.colors"
local name_key = require "workstage.migration.unicode".name_key
local quoted = require "workstage.visible".quoted

-- Names as the space spells them.
local Spelling = {}
Spelling.__index = Spelling

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

-- A name as the space has it: itself unless exactly one stage looks the same
-- and the blueprint does not name that one as well.
function Spelling:of(name)
  if not name or self.exact[name] then return name end
  local stage = self.alike[name_key(name)]
  return stage and not self.wanted[stage.name] and stage.name or name
end

function Spelling:list(names)
  if type(names) ~= "table" then return names end
  local list = {}
  for i, name in ipairs(names) do list[i] = self:of(name) end
  return list
end

-- A colour as the stage has it, which may have had another name.
function Spelling:color(stage)
  local existing = self.exact[self:of(stage.name)] or
                   stage.was and self.exact[self:of(stage.was)]
  local color = existing and existing.color
  if color and stage.color and colors.key(color) == colors.key(stage.color)
  then
    return color
  end
  return stage.color
end

function Spelling:stage(stage)
  local same = {}
  for name, value in pairs(stage) do same[name] = value end
  same.color = self:color(stage)
  for _, name in ipairs { "name", "was", "inherit", "after_publish" } do
    same[name] = stage[name] and self:of(stage[name])
  end
  same.next = self:list(stage.next)
  return same
end

function Spelling:move(move)
  local same = {}
  for name, value in pairs(move) do same[name] = value end
  for _, name in ipairs { "from", "to" } do
    local place = move[name]
    if type(place) == "table" and not place.workflow and not place.default
    then
      same[name] = { stage = self:of(place.stage) }
    end
  end
  return same
end

local function map(list, convert)
  local result = {}
  for i, item in ipairs(list) do result[i] = convert(item) end
  return result
end

local function notes_on(described, same)
  local notes = {}
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
  return notes
end

--- Brings a blueprint into the spelling of the space.
-- @tparam table blueprint of one workflow, in normal form
-- @tparam ?table workflow that workflow in the space
-- @tparam table existing its stages in the space
-- @treturn table a copy of the blueprint
-- @treturn table notes: sentences about stages that differ only in spelling
return function(blueprint, workflow, existing)
  local described = blueprint.stages or {}
  local spelling, same = new_spelling(described, existing), {}
  for name, value in pairs(blueprint) do same[name] = value end
  if workflow and blueprint.workflow and
     name_key(blueprint.workflow) == name_key(workflow.name) then
    same.workflow = workflow.name
  end
  same.moves = map(blueprint.moves, function(move)
    return spelling:move(move)
  end)
  if not blueprint.stages then return same, {} end
  same.stages = map(described, function(stage)
    return spelling:stage(stage)
  end)
  return same, notes_on(described, same.stages)
end
