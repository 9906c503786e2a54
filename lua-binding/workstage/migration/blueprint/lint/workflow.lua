--- The workflows of a blueprint as its checks use them, and checks of the
-- workflows themselves.
local check_paths = require "workstage.migration.blueprint.lint.paths"
local check_stages = require "workstage.migration.blueprint.lint.stages".check
local quoted = require "workstage.visible".quoted

local workflow = {}

local Workflow = {}
Workflow.__index = Workflow

--- The location of a stage.
function Workflow:stage_at(index)
  return self.at:at("stages"):at(index)
end

--- The workflow as text: `workflow "Article"`.
function Workflow:label()
  local name = self.value.workflow
  return name and "workflow " .. quoted(name) or "the default workflow"
end

--- Makes one from its description.
-- @tparam table at the location of the description
function workflow.new(at)
  local stages = at.value.stages
  local self = setmetatable({
    at = at, value = at.value, stages = stages or {}, by_name = {},
    names = {}, was = {}, lists_stages = stages ~= nil,
  }, Workflow)
  for i, stage in ipairs(self.stages) do
    self.by_name[stage.name] = self.by_name[stage.name] or stage
    self.names[i] = stage.name
    if stage.was then self.was[stage.was] = stage end
  end
  return self
end

local function check_removed(self, found)
  local value, at = self.value, self.at
  if value.default then
    found:error(at:at "remove", "The default workflow cannot be removed.")
  end
  for _, name in ipairs { "stages", "content_types", "create", "was" } do
    if value[name] ~= nil then
      found:error(at:at(name), "A workflow that is removed has no `%s`.",
                  name)
    end
  end
end

-- Checks that the workflow is identified.
local function check_identity(self, found)
  local value, at = self.value, self.at
  if value.workflow and value.default then
    found:offline("error", at:at "workflow", "%s is given together with " ..
      "default = true, and whether the default workflow has that name " ..
      "cannot be checked offline. Keep one of the two.",
      quoted(value.workflow))
  elseif value.default and value.create then
    found:error(at:at "create", "The default workflow is made by the " ..
                "service.")
  end
  if value.was and value.was == value.workflow then
    found:warn(at:at "was", "%s is still the name of the workflow.",
               quoted(value.was))
  end
end

-- An existing workflow keeps its content types if none are given.
local function check_content_types(self, found)
  local value = self.value
  local types = value.content_types
  if value.default then return end
  if types and #types == 0 or value.create and not types then
    found:error(self.at:at "content_types",
                "A workflow other than the default one has at least one " ..
                "content type.")
  end
end

--- Checks one workflow.
-- @tparam table self
-- @tparam table found the findings
function workflow.check(self, found)
  check_identity(self, found)
  if self.value.remove then return check_removed(self, found) end
  check_content_types(self, found)
  if not self.lists_stages then return end
  if #self.stages == 0 then
    return found:error(self.at:at "stages",
                       "A workflow has at least one stage.")
  end
  check_stages(self, found)
  check_paths(self, found)
end

return workflow
