--- Checks the workflows of one blueprint for conflicts: names, content types,
-- and stages that change their workflow.
local quoted = require "workstage.visible".quoted

local space = {}

--- Finds a described workflow by its name or its former one.
-- @tparam table workflows
-- @tparam string name
-- @treturn ?table
function space.named(workflows, name)
  local former
  for _, workflow in ipairs(workflows) do
    if workflow.value.workflow == name then return workflow end
    if workflow.value.was == name then former = former or workflow end
  end
  return former
end

local function check_named(workflow, found)
  local value = workflow.value
  if value.workflow or value.default then return end
  found:error(workflow.at:at "workflow", "Which workflow? Set workflow = " ..
              "its name, or default = true.")
end

local function check_unique(workflows, found)
  local first, default = {}, nil
  for _, workflow in ipairs(workflows) do
    local value = workflow.value
    local same = value.workflow and first[value.workflow]
    if same and (not value.id or value.id == same.value.id) then
      found:error(workflow.at:at "workflow", "%s is also the name of %s. " ..
                  "If the space has two of that name, say which by id.",
                  quoted(value.workflow), same.at.path)
    end
    if value.default and default then
      found:error(workflow.at:at "default", "%s is the default workflow " ..
                  "already.", default.at.path)
    end
    default = default or value.default and workflow
    if value.workflow then first[value.workflow] = same or workflow end
  end
end

local function check_content_types(workflows, found)
  local claimed = {}
  for _, workflow in ipairs(workflows) do
    for i, name in ipairs(workflow.value.content_types or {}) do
      if claimed[name] then
        found:error(workflow.at:at("content_types"):at(i),
                    "The content type %s belongs to %s already.",
                    quoted(name), claimed[name]:label())
      end
      claimed[name] = claimed[name] or workflow
    end
  end
end

-- ---------------------------------------------------------- from_workflow

-- The description of the stage that `from_workflow` refers to, if that stage
-- is also moved out of its workflow.
local function source_of(workflows, stage)
  local workflow = stage.from_workflow and
                   space.named(workflows, stage.from_workflow)
  return workflow and workflow.by_name[stage.was or stage.name], workflow
end

local function goes_in_circles(workflows, stage)
  local seen, each = {}, stage
  repeat
    seen[each] = true
    local source = source_of(workflows, each)
    each = source and source.from_workflow and source
  until not each or seen[each]
  return each == stage
end

-- A source stage that is described without from_workflow or another `was` does
-- not leave its workflow.
local function stays(source, name)
  return source and not source.from_workflow and
         (not source.was or source.was == name)
end

local function check_source(workflows, workflow, i, found)
  local stage = workflow.stages[i]
  local at = workflow:stage_at(i):at "from_workflow"
  local source, from = source_of(workflows, stage)
  if from == workflow then
    found:error(at, "Stage %s is in that workflow.", quoted(stage.name))
  elseif goes_in_circles(workflows, stage) then
    found:error(at, "The workflows take stage %s from each other in a " ..
                "circle.", quoted(stage.name))
  elseif stays(source, stage.was or stage.name) then
    found:error(at, "%s lists stage %s as well: it cannot be in both.",
                from:label(), quoted(stage.was or stage.name))
  end
end

local function check_sources(workflows, found)
  for _, workflow in ipairs(workflows) do
    for i, stage in ipairs(workflow.stages) do
      if stage.from_workflow then
        check_source(workflows, workflow, i, found)
      end
    end
  end
end

--- Checks the workflows of a blueprint against each other.
-- @tparam table workflows
-- @tparam table found the findings
function space.check(workflows, found)
  for _, workflow in ipairs(workflows) do check_named(workflow, found) end
  check_unique(workflows, found)
  check_content_types(workflows, found)
  check_sources(workflows, found)
end

return space
