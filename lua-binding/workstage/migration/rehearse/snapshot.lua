--- Copies what a plan needs into a snapshot for the sandbox: its workflows,
-- and the items, members and releases to which it refers.
local attributes = require "workstage.migration.stage"
local colors = require "workstage.migration.colors"
local state = require "workstage.migration.state"

local function each_move(plan, visit)
  for _, operation in ipairs(plan.operations) do
    if operation.items then visit(operation) end
  end
end

-- Numeric attributes for which `false` means null. For a colour the sandbox
-- accepts `false`; a stage without a colour gets a unique one.
local NULLABLE = { "position", "after_publish_id" }

local function stage_of(stage, members)
  local copy = { id = stage.id }
  for _, name in ipairs(attributes.all) do copy[name] = stage[name] end
  for _, name in ipairs(NULLABLE) do copy[name] = stage[name] or nil end
  for _, id in ipairs(stage.space_role_ids) do members.roles[id] = true end
  for _, id in ipairs(stage.user_ids) do members.users[id] = true end
  return copy
end

local function note_members(plan, members)
  for _, operation in ipairs(plan.operations) do
    local set = operation.set or {}
    local assign = set.assign or {}
    for _, list in ipairs { set.space_role_ids or {},
                            assign.space_role_ids or {} } do
      for _, id in ipairs(list) do members.roles[id] = true end
    end
    for _, list in ipairs { set.user_ids or {}, assign.user_ids or {} } do
      for _, id in ipairs(list) do members.users[id] = true end
    end
  end
end

-- The content type of stories in a stage: one of its workflow's content types.
local function content_type_of(plan, stage_id)
  local stage = plan.state.stages[stage_id]
  local workflow = stage and plan.state.workflows[stage.workflow]
  return workflow and workflow.content_types[1] or "page"
end

local function stories_of(plan)
  local stories = {}
  each_move(plan, function(operation)
    local content_type = content_type_of(plan, operation.from or operation.to)
    for _, id in ipairs(operation.items) do
      stories[#stories + 1] = {
        id = id, name = ("Story %d"):format(id),
        full_slug = ("story-%d"):format(id), content_type = content_type,
        stage = operation.from and
                { workflow_stage_id = operation.from } or nil,
      }
    end
  end)
  return stories
end

-- The releases of changes.
local function releases_of(plan)
  local known, releases = {}, {}
  each_move(plan, function(operation)
    local id = operation.set.release_id
    if id and not known[id] then
      known[id] = true
      releases[#releases + 1] = { id = id, name = ("Release %d"):format(id) }
    end
  end)
  return releases
end

local function members_of(members)
  local roles, users, collaborators = {}, {}, {}
  for id in pairs(members.roles) do
    roles[#roles + 1] = { id = id, role = ("Role %d"):format(id) }
  end
  for id in pairs(members.users) do
    users[#users + 1] = { id = id, friendly_name = ("User %d"):format(id),
                          userid = ("user%d@example.com"):format(id) }
    collaborators[#collaborators + 1] = { user_id = id, role = "editor" }
  end
  return roles, users, collaborators
end

-- If a workflow has equal colours, the service evidently allows them.
local function has_unique_colors(plan)
  local held = {}
  for _, stage in pairs(plan.state.stages) do
    local key = stage.color and ("%s %s"):format(stage.workflow,
                                                 colors.key(stage.color))
    if key and held[key] then return false end
    if key then held[key] = true end
  end
  return true
end

local function workflows_of(plan, members)
  local workflows = {}
  for _, id in ipairs(state.touched(plan.state)) do
    local workflow, stages = state.copy(plan.state.workflows[id]), {}
    for i, stage in ipairs(state.stages_of(plan.state, id)) do
      stages[i] = stage_of(stage, members)
    end
    workflow.stages = stages
    workflows[#workflows + 1] = workflow
  end
  return workflows
end

local make = {}

function make.storyblok(plan)
  local members = { roles = {}, users = {} }
  note_members(plan, members)
  local workflows = workflows_of(plan, members)
  local roles, users, collaborators = members_of(members)
  return {
    users = users,
    spaces = { {
      id = plan.space_id, workflows = workflows, space_roles = roles,
      collaborators = collaborators, releases = releases_of(plan),
      stories = stories_of(plan),
    } },
  }
end

function make.kantata(plan)
  local workspaces = {}
  each_move(plan, function(operation)
    for _, id in ipairs(operation.items) do
      workspaces[#workspaces + 1] = {
        id = id, title = ("Project %d"):format(id),
        status_key = operation.from,
      }
    end
  end)
  return { kantata = { workspaces = workspaces } }
end

--- Makes the snapshot for a plan.
-- @tparam table plan
-- @treturn table for `sandbox.start { seed = }`
-- @treturn boolean true if the colours in each workflow are unique; if not,
--   the service does not require it
return function(plan)
  return make[plan.service](plan), has_unique_colors(plan)
end
