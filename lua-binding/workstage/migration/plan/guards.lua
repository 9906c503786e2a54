--- Checks described stages against a space: problems, which prevent a plan,
-- and notes on probable mistakes. Pure: no network or files.
local colors = require "workstage.migration.colors"
local lint = require "workstage.migration.blueprint.lint.stages"
local quoted = require "workstage.visible".quoted

-- For each described stage the existing one with its name or former name; nil
-- for a new one. Exchanged names make no difference here.
local function existing_of(described, existing)
  local by_name, found = {}, {}
  for _, stage in ipairs(existing) do by_name[stage.name] = stage end
  for _, stage in ipairs(described) do
    found[stage] = by_name[stage.name] or stage.was and by_name[stage.was]
  end
  return found
end

-- Colours that are new for a stage.
local function new_color(stage, current)
  local color = stage.color
  local same = color and current and current.color and
               colors.key(color) == colors.key(current.color)
  return not same and color or nil
end

local function check_color(stage, current, problems)
  local color = new_color(stage, current)
  if not stage.color and not current then
    problems[#problems + 1] = ('New stage %s has no color. Add: color = ' ..
                               '"#4a90e2"'):format(quoted(stage.name))
  elseif color and not color:find "^#" then
    problems[#problems + 1] = ('Stage %s: %s is not a hex color such as ' ..
      '"#4a90e2".'):format(quoted(stage.name), quoted(color))
  end
end

-- Stages may already share a colour, but a plan must not add a conflict.
local function check_clashes(described, current, problems)
  local held = {}
  for _, stage in ipairs(described) do
    local now = current[stage]
    local color = stage.color or now and now.color
    local key = color and colors.key(color)
    local other = key and held[key]
    if other and (new_color(stage, now) or new_color(other, current[other]))
    then
      problems[#problems + 1] = ("Stages %s and %s would have the same " ..
        "color %s. Choose another one."):format(quoted(other.name),
                                                quoted(stage.name),
                                                quoted(color))
    end
    if key then held[key] = other or stage end
  end
end

-- New stories start in the default stage: it can only be removed if another
-- one is named.
local function check_default(described, current, existing, problems, notes)
  local stays = {}
  for _, stage in ipairs(described) do
    if stage.is_default then return end
    if current[stage] then stays[current[stage]] = true end
  end
  if #existing == 0 then notes[#notes + 1] = lint.NO_DEFAULT end
  for _, stage in ipairs(existing) do
    if stage.is_default and not stays[stage] then
      problems[#problems + 1] = ("Stage %s is the default one and would be " ..
        "removed. Set is_default = true on another stage.")
        :format(quoted(stage.name))
    end
  end
end

local function add_notes(stage, notes)
  if stage.was and not stage.from_workflow then
    notes[#notes + 1] = ("No stage is named %s (`was`): %s is a new one.")
                        :format(quoted(stage.was), quoted(stage.name))
  end
  if not lint.has_permissions(stage) and not stage.from_workflow then
    notes[#notes + 1] = lint.NO_PERMISSIONS:format(quoted(stage.name))
  end
end

--- Compares described stages with those of the space.
-- @tparam table described the stages of a blueprint, in the space's spelling
-- @tparam table existing the stages of the workflow in the space
-- @treturn table problems: sentences
-- @treturn table notes: sentences
return function(described, existing)
  local current = existing_of(described, existing)
  local problems, notes = {}, {}
  for _, stage in ipairs(described) do
    if not stage.from_workflow or stage.color then
      check_color(stage, current[stage], problems)
    end
    if not current[stage] then add_notes(stage, notes) end
  end
  check_clashes(described, current, problems)
  check_default(described, current, existing, problems, notes)
  return problems, notes
end
