--- The copy of what a plan needs, as a snapshot for the sandbox: its
-- workflows, and the items, members and releases that it names.
local attributes = require "workstage.migration.stage"

local function each_move(plan, visit)
  for _, operation in ipairs(plan.operations) do
    if operation.op == "move" then visit(operation) end
  end
end

-- Attributes whose `false` stands for null; others are false themselves.
local NULLABLE = { "color", "position", "after_publish_id" }

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

-- Stages of other workflows that items come from or go to.
local function other_stages(plan)
  local known, stages = {}, {}
  for _, stage in ipairs(plan.structure.stages) do known[stage.id] = true end
  each_move(plan, function(operation)
    for _, ref in ipairs { operation.from or nil, operation.to } do
      if math.type(ref) and not known[ref] then
        known[ref] = true
        stages[#stages + 1] = {
          id = ref, name = ("Stage %d"):format(ref),
          color = ("#%06x"):format(#stages + 1), allow_all_stages = true,
          position = #stages + 1, is_default = #stages == 0,
        }
      end
    end
  end)
  return stages
end

local function stories_of(plan, content_type)
  local stories = {}
  each_move(plan, function(operation)
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

-- Releases that changes name.
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

-- Colours that repeat are there: so this service lets them.
local function has_unique_colors(plan)
  local held = {}
  for _, stage in ipairs(plan.structure and plan.structure.stages or {}) do
    if held[stage.color] then return false end
    held[stage.color] = true
  end
  return true
end

local function workflows_of(plan, members)
  local workflow, workflows = plan.structure.workflow, {}
  if workflow then
    local stages = {}
    for i, stage in ipairs(plan.structure.stages) do
      stages[i] = stage_of(stage, members)
    end
    workflows[1] = {
      id = workflow.id, name = workflow.name, stages = stages,
      content_types = workflow.content_types,
      is_default = workflow.is_default,
    }
  end
  local others = other_stages(plan)
  if #others > 0 then
    local has_default = workflow and workflow.is_default
    workflows[#workflows + 1] = {
      name = "Other workflows", stages = others, is_default = not has_default,
      content_types = has_default and { "another_type" } or {},
    }
  end
  return workflows
end

local make = {}

function make.storyblok(plan)
  local members = { roles = {}, users = {} }
  note_members(plan, members)
  local workflow = plan.structure.workflow
  local workflows = workflows_of(plan, members)
  local types = workflow and workflow.content_types or {}
  local roles, users, collaborators = members_of(members)
  return {
    users = users,
    spaces = { {
      id = plan.space_id, workflows = workflows, space_roles = roles,
      collaborators = collaborators, releases = releases_of(plan),
      stories = stories_of(plan, types[1] or "page"),
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
-- @treturn boolean whether the colours of a workflow are unique: where some
--   repeat, the service does not ask for it
return function(plan)
  return make[plan.service](plan), has_unique_colors(plan)
end
