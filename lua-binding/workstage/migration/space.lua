--- What a workflow of a space is now: its stages, and who its members are.
-- Reads only (but a space without any workflow gets its default one by the
-- service the moment that its workflows are listed).
local attributes = require "workstage.migration.stage"
local errors = require "workstage.errors"

local structure = {}

--- What a plan keeps of a workflow.
function structure.of_workflow(workflow)
  return {
    id = workflow.id, name = workflow.name,
    is_default = workflow.is_default or false,
    content_types = workflow.content_types or {},
  }
end

--- The stages of a workflow, in order of position.
-- @treturn[1] table array of attributes (see `attributes.of_stage`)
-- @treturn[2] nil
-- @treturn[2] table the error
function structure.stages(space, workflow_id)
  local list, err = space.stages:list { in_workflow = workflow_id }
  if not list then return nil, err end
  local stages = {}
  for i, stage in ipairs(list) do stages[i] = attributes.of_stage(stage) end
  table.sort(stages, function(a, b)
    local left, right = a.position or 0, b.position or 0
    if left ~= right then return left < right end
    return a.id < b.id
  end)
  return stages
end

local function default_of(workflows)
  for _, workflow in ipairs(workflows) do
    if workflow.is_default then return workflow end
  end
end

local function named(workflows, name)
  local found
  for _, workflow in ipairs(workflows) do
    if workflow.name == name then
      if found then
        return nil, errors.new {
          kind = "refused",
          message = ("several workflows are named %q"):format(name),
        }
      end
      found = workflow
    end
  end
  return found
end

--- Chooses from a list of workflows: by name, or the default one.
-- @tparam table workflows
-- @tparam table which `name` or `default`
-- @treturn ?table nil when there is none; nil and the error when several
function structure.choose(workflows, which)
  if which.default then return default_of(workflows) end
  return named(workflows, which.name)
end

--- Reads a workflow and its stages.
-- @tparam table space
-- @tparam table which `name` or `default`
-- @treturn[1] table `workflow` (nil when there is none of that name),
--   `stages`, and `workflows`, all that the space has
-- @treturn[2] nil
-- @treturn[2] table the error
function structure.read(space, which)
  local workflows, err = space.workflows:list()
  if not workflows then return nil, err end
  local workflow
  workflow, err = structure.choose(workflows, which)
  if err then return nil, err end
  local found = { workflows = workflows, stages = {} }
  if not workflow then return found end
  found.workflow = structure.of_workflow(workflow)
  found.stages, err = structure.stages(space, workflow.id)
  if not found.stages then return nil, err end
  return found
end

--- The workflow of a name; nil when there is none; nil and the error.
function structure.read_workflow(space, name)
  local workflows, err = space.workflows:list()
  if not workflows then return nil, err end
  return named(workflows, name)
end

--- Reads a workflow that is known by its id, without its stages.
function structure.workflow(space, id)
  local workflow, err = space.workflows:get(id)
  if not workflow then return nil, err end
  return structure.of_workflow(workflow)
end

--- Reads a workflow that is known by its id again.
function structure.reread(space, id)
  local workflow, err = structure.workflow(space, id)
  if not workflow then return nil, err end
  local stages
  stages, err = structure.stages(space, id)
  if not stages then return nil, err end
  return { workflow = workflow, stages = stages }
end

--- The space roles by name.
-- @treturn[1] table name -> id; false where several have the name
-- @treturn[1] table id -> name
function structure.roles(space)
  local list, err = space.roles:list()
  if not list then return nil, err end
  local ids, names = {}, {}
  for _, role in ipairs(list) do
    ids[role.role] = ids[role.role] == nil and role.id
    names[role.id] = role.role
  end
  return ids, names
end

-- The addresses of a user, the one that a blueprint is written with first. The
-- login name is often an address as well.
local function addresses_of(user)
  local list = {}
  for _, name in ipairs { "real_email", "userid", "alt_email" } do
    if type(user[name]) == "string" and user[name] ~= "" then
      list[#list + 1] = user[name]
    end
  end
  return list
end

--- The users of the space by e-mail address.
-- @treturn[1] table address -> id; false where several have the address
-- @treturn[1] table id -> address
-- @treturn[1] table set of the addresses that are invited and not yet users
function structure.users(space)
  local list, err = space.collaborators:list()
  if not list then return nil, err end
  local ids, names, invited = {}, {}, {}
  for _, collaborator in ipairs(list) do
    local user = collaborator.user or {}
    local id = collaborator.user_id or user.id
    local addresses = id and addresses_of(user) or {}
    for _, address in ipairs(addresses) do
      local is_other = ids[address] ~= nil and ids[address] ~= id
      ids[address] = not is_other and id
    end
    if id then names[id] = names[id] or addresses[1] end
    local invitation = not id and collaborator.invitation
    if invitation and invitation.email then
      invited[invitation.email] = true
    end
  end
  return ids, names, invited
end

--- The content types of the space: the components that can be a story's.
-- @treturn[1] table name -> true; false where the service does not say
-- @treturn[2] nil
-- @treturn[2] table the error
function structure.content_types(space)
  local answer, err = space:request("GET", ("/v1/spaces/%d/components")
                                           :format(space.space_id))
  if answer == nil then
    if err.kind == "not_found" or err.kind == "forbidden" then return false end
    return nil, err
  end
  local list = type(answer) == "table" and answer.components
  if type(list) ~= "table" then return false end
  local types = {}
  for _, component in ipairs(list) do
    if component.name and component.is_root ~= false then
      types[component.name] = true
    end
  end
  return types
end

-- ------------------------------------------------------- what is different

local function names_by_id(stages)
  local names = {}
  for _, stage in ipairs(stages) do names[stage.id] = stage.name end
  return names
end

local function shown(value, names)
  if type(value) ~= "table" then return names[value] or tostring(value) end
  local items = {}
  for i, item in ipairs(value) do
    items[i] = tostring(names[item] or item)
  end
  table.sort(items)
  return "[" .. table.concat(items, ", ") .. "]"
end

local function compare_stage(found, before, now, names)
  for _, name in ipairs(attributes.all) do
    if not attributes.equal(name, before[name], now[name]) then
      found[#found + 1] = ("stage %q: %s was %s, is %s"):format(
        before.name, name, shown(before[name], names),
        shown(now[name], names))
    end
  end
end

--- What differs between two structures, as sentences.
function structure.differences(before, now)
  local found, left = {}, {}
  local names = names_by_id(before.stages)
  for id, name in pairs(names_by_id(now.stages)) do names[id] = name end
  for _, stage in ipairs(now.stages) do left[stage.id] = stage end
  for _, stage in ipairs(before.stages) do
    local same = left[stage.id]
    left[stage.id] = nil
    if same then compare_stage(found, stage, same, names)
    else
      found[#found + 1] = ("stage %q is gone"):format(stage.name)
    end
  end
  for _, stage in ipairs(now.stages) do
    if left[stage.id] then
      found[#found + 1] = ("stage %q is new"):format(stage.name)
    end
  end
  local was, is = before.workflow, now.workflow
  if was and is and was.name ~= is.name then
    found[#found + 1] = ("the workflow was %q, is %q"):format(was.name,
                                                              is.name)
  end
  if was and is and not attributes.equal("content_types", was.content_types,
                                         is.content_types) then
    found[#found + 1] = ("content types were %s, are %s")
      :format(shown(was.content_types, {}), shown(is.content_types, {}))
  end
  return found
end

return structure
