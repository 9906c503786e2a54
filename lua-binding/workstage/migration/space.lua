--- Reads a space: workflows, stages, members, content types. Sends only GETs.
-- (In a space without a workflow, the service creates the default one when
-- workflows are listed.)
local attributes = require "workstage.migration.stage"
local state = require "workstage.migration.state"

local structure = {}

--- The attributes of a workflow that a plan stores.
function structure.of_workflow(workflow)
  return {
    id = workflow.id, name = workflow.name,
    is_default = workflow.is_default or false,
    content_types = workflow.content_types or {},
  }
end

-- The service may omit the workflow id of stages listed by workflow.
local function of_stage(stage, workflow_id)
  local values = attributes.of_stage(stage)
  values.workflow = stage.workflow_id or workflow_id
  return values
end

--- One stage, with its `workflow`.
function structure.stage(space, id)
  local stage, err = space.stages:get(id)
  if not stage then return nil, err end
  return of_stage(stage)
end

--- The stages of a workflow, in order of position.
-- @treturn[1] table array of attributes (see `attributes.of_stage`)
-- @treturn[2] nil
-- @treturn[2] table the error
function structure.stages(space, workflow_id)
  local list, err = space.stages:list { in_workflow = workflow_id }
  if not list then return nil, err end
  local stages = {}
  for i, stage in ipairs(list) do
    stages[i] = of_stage(stage, workflow_id)
  end
  table.sort(stages, function(a, b)
    local left, right = a.position or 0, b.position or 0
    if left ~= right then return left < right end
    return a.id < b.id
  end)
  return stages
end

--- All workflows of a space.
function structure.workflows(space)
  local list, err = space.workflows:list()
  if not list then return nil, err end
  local workflows = {}
  for i, each in ipairs(list) do workflows[i] = structure.of_workflow(each) end
  return workflows
end

--- Reads workflows with their stages.
-- @tparam table space
-- @tparam table ids of the workflows whose stages are read
-- @treturn[1] table the state: all workflows of the space, and those stages
-- @treturn[2] nil
-- @treturn[2] table the error
function structure.read_state(space, ids)
  local workflows, err = structure.workflows(space)
  if not workflows then return nil, err end
  local stages, there = {}, {}
  for _, workflow in ipairs(workflows) do there[workflow.id] = true end
  for _, id in ipairs(ids) do
    local found = {}
    if there[id] then found, err = structure.stages(space, id) end
    if not found then return nil, err end
    table.move(found, 1, #found, #stages + 1, stages)
  end
  return state.new(workflows, stages)
end

--- Reads a workflow that is known by its id, without its stages.
function structure.workflow(space, id)
  local workflow, err = space.workflows:get(id)
  if not workflow then return nil, err end
  return structure.of_workflow(workflow)
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

-- The e-mail addresses of a user, the one used in blueprints first. The login
-- name is often an address as well.
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
-- @treturn[1] table name -> true; false if the service does not list them
-- @treturn[2] nil
-- @treturn[2] table the error
function structure.content_types(space)
  local response, err = space:request("GET", ("/v1/spaces/%d/components")
                                           :format(space.space_id))
  if response == nil then
    if err.kind == "not_found" or err.kind == "forbidden" then return false end
    return nil, err
  end
  local list = type(response) == "table" and response.components
  if type(list) ~= "table" then return false end
  local types = {}
  for _, component in ipairs(list) do
    if component.name and component.is_root ~= false then
      types[component.name] = true
    end
  end
  return types
end

return structure
