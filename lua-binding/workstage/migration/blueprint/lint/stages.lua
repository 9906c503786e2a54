--- Checks the stages of a workflow: names, colours, the default stage, former
-- names and references.
local colors = require "workstage.migration.colors"
local near_name = require "workstage.near_name"
local quoted = require "workstage.visible".quoted

local stages = {}

local function check_names(workflow, found)
  local first = {}
  for i, stage in ipairs(workflow.stages) do
    if first[stage.name] then
      found:error(workflow:stage_at(i):at "name",
                  "The name %s is also that of stages[%d].",
                  quoted(stage.name), first[stage.name])
    end
    first[stage.name] = first[stage.name] or i
  end
end

-- Stages share a colour in some spaces, so this is not an error.
local function check_shared_color(workflow, i, first, found)
  local color = workflow.stages[i].color
  local key = colors.key(color)
  if first[key] then
    found:warn(workflow:stage_at(i):at "color",
               "%s is also the color of %s: the service may refuse it " ..
               "unless both have it already.", quoted(color),
               quoted(workflow.stages[first[key]].name))
  end
  first[key] = first[key] or i
end

local function check_color_form(workflow, i, found)
  local color = workflow.stages[i].color
  if colors.is_hex(color) then return end
  local at = workflow:stage_at(i):at "color"
  if color:find "^#" then
    found:warn(at, "%s is not a hex color: the service may refuse it.",
               quoted(color))
  else
    found:offline("error", at, "%s is not a hex color such as \"#4a90e2\".",
                  quoted(color))
  end
end

local function check_colors(workflow, found)
  local first = {}
  for i, stage in ipairs(workflow.stages) do
    if stage.color then
      check_color_form(workflow, i, found)
      check_shared_color(workflow, i, first, found)
    end
  end
end

--- The message about a new workflow without a default stage.
stages.NO_DEFAULT = "No stage is the default one, where new stories start. " ..
                    "Set is_default = true on a stage."

local function check_default(workflow, found)
  local first
  for i, stage in ipairs(workflow.stages) do
    if stage.is_default and first then
      found:error(workflow:stage_at(i):at "is_default",
                  "%s is the default stage already.",
                  quoted(workflow.stages[first].name))
    end
    first = first or stage.is_default and i or nil
  end
  -- an existing workflow keeps its default stage
  if not first and workflow.value.create then
    found:offline("warning", workflow.at:at "stages", stages.NO_DEFAULT)
  end
end

-- If a stage's former name is now the name of another stage, that one must
-- also have a former name.
local function check_was(workflow, found)
  local claimed = {}
  for i, stage in ipairs(workflow.stages) do
    local was, at = stage.was, workflow:stage_at(i):at "was"
    local holder = was and workflow.by_name[was]
    if was == stage.name and not stage.from_workflow then
      found:warn(at, "%s is still the name of the stage.", quoted(was))
    elseif holder and not stage.from_workflow and
           (not holder.was or holder.was == holder.name) then
      found:error(at, "%s is the name of another stage, which has no " ..
                  "`was` of its own.", quoted(was))
    end
    local key = was and (stage.from_workflow or "") .. "\0" .. was
    if was and claimed[key] then
      found:error(at, "stages[%d] also has was = %s.", claimed[key],
                  quoted(was))
    elseif was then
      claimed[key] = i
    end
  end
end

-- ------------------------------------------------------------- references

--- Checks that a stage of the workflow has a name.
function stages.check_reference(name, at, workflow, found)
  if workflow.by_name[name] then return end
  found:error(at, "No stage is named %s.%s", quoted(name),
              near_name(name, workflow.names))
end

local function check_references(workflow, found)
  for i, stage in ipairs(workflow.stages) do
    local at = workflow:stage_at(i)
    if type(stage.next) == "table" then
      for j, name in ipairs(stage.next) do
        stages.check_reference(name, at:at("next"):at(j), workflow, found)
      end
    end
    for _, attribute in ipairs { "after_publish", "inherit" } do
      if stage[attribute] then
        stages.check_reference(stage[attribute], at:at(attribute), workflow,
                               found)
      end
    end
  end
end

-- True if `inherit` leads from a stage back to itself.
local function inherits_itself(stage, workflow)
  local seen, each = {}, stage
  repeat
    seen[each] = true
    each = each.inherit and workflow.by_name[each.inherit]
  until not each or seen[each]
  return each == stage
end

local function check_inherit(workflow, found)
  for i, stage in ipairs(workflow.stages) do
    if inherits_itself(stage, workflow) then
      found:error(workflow:stage_at(i):at "inherit",
                  "%s inherits from itself.", quoted(stage.name))
    end
  end
end

-- ------------------------------------------------------------ permissions

local PERMISSIONS = { "roles", "users", "allow_all_users",
                      "allow_admin_change", "allow_editor_change" }

--- True if a stage sets who may move items out of it.
function stages.has_permissions(stage)
  for _, name in ipairs(PERMISSIONS) do
    if stage[name] ~= nil then return true end
  end
  return stage.inherit ~= nil
end

--- The message about a new stage without permissions.
stages.NO_PERMISSIONS = "New stage %s has neither permissions nor " ..
  "`inherit`: the service's defaults decide who may move items out of it. " ..
  "Add: inherit = \"...\""

-- Checks new stages. All stages of a new workflow are new; for others, only a
-- plan knows.
local function check_permissions(workflow, found)
  if not workflow.value.create then return end
  for i, stage in ipairs(workflow.stages) do
    if not stages.has_permissions(stage) and not stage.from_workflow then
      found:offline("warning", workflow:stage_at(i), stages.NO_PERMISSIONS,
                    quoted(stage.name))
    end
  end
end

--- Checks the stages of a workflow.
-- @tparam table workflow see `lint/workflow`
-- @tparam table found the findings
function stages.check(workflow, found)
  check_names(workflow, found)
  check_colors(workflow, found)
  check_default(workflow, found)
  check_references(workflow, found)
  check_inherit(workflow, found)
  check_was(workflow, found)
  check_permissions(workflow, found)
end

return stages
