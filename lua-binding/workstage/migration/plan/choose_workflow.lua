--- Finds the workflow of a space that a blueprint describes. Pure: no network
-- or files.
local errors = require "workstage.errors"
local near_name = require "workstage.near_name"
local name_key = require "workstage.migration.unicode".name_key
local quoted = require "workstage.visible".quoted

local function refused(message, ...)
  return nil, errors.new { kind = "refused", message = message:format(...) }
end

local function default_of(workflows)
  for _, workflow in ipairs(workflows) do
    if workflow.is_default then return workflow end
  end
end

local function same_name(a, b) return name_key(a) == name_key(b) end

-- The workflows with a name: exact matches, or else those whose names look the
-- same.
local function named(workflows, name)
  local exact, alike = {}, {}
  for _, workflow in ipairs(workflows) do
    if workflow.name == name then exact[#exact + 1] = workflow
    elseif same_name(workflow.name, name) then alike[#alike + 1] = workflow end
  end
  return #exact > 0 and exact or alike
end

-- The only one of a list; nil and the error when there are several.
local function only(list, name)
  if #list < 2 then return list[1] end
  local ids = {}
  for i, workflow in ipairs(list) do
    ids[i] = ("id = %d"):format(workflow.id)
  end
  return refused("%d workflows are named %s. Set one of: %s", #list,
                 quoted(name), table.concat(ids, " or "))
end

-- True if a workflow has the name in the blueprint, or its former one.
local function has_name(workflow, described)
  return not described.workflow or
         same_name(workflow.name, described.workflow) or
         described.was ~= nil and same_name(workflow.name, described.was)
end

local function by_default(workflows, described)
  local workflow = default_of(workflows)
  if not workflow then return refused "The space has no default workflow." end
  if has_name(workflow, described) then return workflow end
  return refused("The default workflow is named %s, not %s. Remove " ..
                 "default = true, or `workflow`.", quoted(workflow.name),
                 quoted(described.workflow))
end

local function by_id(workflows, described)
  for _, workflow in ipairs(workflows) do
    if workflow.id == described.id then
      if has_name(workflow, described) then return workflow end
      return refused("The workflow %d is named %s, not %s.", described.id,
                     quoted(workflow.name), quoted(described.workflow))
    end
  end
  return refused("The space has no workflow with the id %d.", described.id)
end

-- Without this check a misspelt name would create a workflow. Workflows that
-- the blueprint also describes are not suggested.
local function check_near(workflows, described, others)
  if described.create then return true end
  local names = {}
  for _, workflow in ipairs(workflows) do
    if not others[workflow.name] then names[#names + 1] = workflow.name end
  end
  local meant = near_name(described.workflow, names)
  if meant == "" then return true end
  return refused("The space has no workflow %s.%s To make a new workflow, " ..
                 "set create = true.", quoted(described.workflow), meant)
end

local function by_name(workflows, described, others)
  local workflow, err = only(named(workflows, described.workflow),
                             described.workflow)
  if err then return nil, err end
  local former
  if described.was then
    former, err = only(named(workflows, described.was), described.was)
    if err then return nil, err end
  end
  if workflow and former and workflow ~= former then
    return refused("Workflow %s exists, and so does %s, its former name " ..
                   "(`was`). Remove `was`, or rename one of them.",
                   quoted(workflow.name), quoted(former.name))
  elseif workflow or former then
    return workflow or former
  end
  local good
  good, err = check_near(workflows, described, others)
  if not good then return nil, err end
  return nil
end

local function notes_on(workflow, described)
  local notes = {}
  if not workflow and described.was and not described.remove then
    notes[1] = ("No workflow is named %s (`was`): %s is a new one."):format(
      quoted(described.was), quoted(described.workflow))
  elseif workflow and described.workflow and
         workflow.name ~= described.workflow and
         same_name(workflow.name, described.workflow) then
    notes[1] = ("Workflow %s is %s in the space: the names differ only in " ..
                "blanks at the end or in their Unicode form."):format(
      quoted(described.workflow), quoted(workflow.name))
  end
  return notes
end

--- Chooses the workflow that a blueprint describes.
-- @tparam table workflows those of the space: `id`, `name`, `is_default`
-- @tparam table described `workflow` (name), `default`, `id`, `was`,
--   `create`, `remove`, as in a blueprint
-- @tparam[opt] table others the names of the blueprint's workflows, as keys
-- @treturn[1] table|boolean one of the workflows; false for a new one
-- @treturn[1] table notes: sentences
-- @treturn[2] nil
-- @treturn[2] table the error, of the kind refused
return function(workflows, described, others)
  local choose = described.id and by_id or described.default and by_default or
                 by_name
  local workflow, err = choose(workflows, described, others or {})
  if err then return nil, err end
  return workflow or false, notes_on(workflow, described)
end
