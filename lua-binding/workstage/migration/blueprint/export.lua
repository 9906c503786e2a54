--- Exports workflows of a space as a blueprint, with names instead of ids.
local attributes = require "workstage.migration.stage"
local choose_workflow = require "workstage.migration.plan.choose_workflow"
local errors = require "workstage.errors"
local near_name = require "workstage.near_name"
local quoted = require "workstage.visible".quoted
local structure = require "workstage.migration.space"

local export = {}

-- State of an export: the space's members, read when a stage names some, and
-- sentences about what could not be exported.
local Export = {}
Export.__index = Export

local function new_export(space)
  return setmetatable({ space = space, lost = {} }, Export)
end

function Export:lose(message, ...)
  table.insert(self.lost, message:format(...))
end

-- A name that several roles share is ambiguous.
local function note_several(self, ids)
  local several = {}
  for name, id in pairs(ids) do
    if not id then several[#several + 1] = name end
  end
  table.sort(several)
  for _, name in ipairs(several) do
    self:lose("several space roles are named %s: a plan needs one name for " ..
              "each", quoted(name))
  end
end

local READ = { roles = structure.roles, users = structure.users }

-- The names of roles or users by id; nil and the error.
function Export:members(kind)
  if self[kind] then return self[kind] end
  local ids, names = READ[kind](self.space)
  if not ids then return nil, names end
  note_several(self, ids)
  self[kind] = names
  return names
end

-- ----------------------------------------------------------------- stages

local function name_all(self, ids, names, what, stage)
  local list = {}
  for _, id in ipairs(ids) do
    if names[id] then list[#list + 1] = names[id]
    else
      self:lose("stage %s: the %s %d is not in the space any more",
                quoted(stage.name), what, id)
    end
  end
  return list
end

local function next_of(self, stage, names)
  if stage.allow_all_stages then return "all" end
  if stage.allow_none_for_next_stages then return "none" end
  return name_all(self, stage.workflow_stage_ids, names, "stage", stage)
end

local function publish_of(self, stage, names)
  local id = stage.after_publish_id
  if id and not names[id] then
    self:lose("stage %s: the stage %d after publishing is not in the " ..
              "workflow", quoted(stage.name), id)
  end
  return id and names[id] or false
end

-- The names of a stage's roles or users; nil and the error.
local function members_of(self, stage, attribute, kind, what)
  local ids = stage[attribute]
  if #ids == 0 then return {} end
  local names, err = self:members(kind)
  if not names then return nil, err end
  return name_all(self, ids, names, what, stage)
end

local function describe(self, stage, names)
  local roles, users, err
  roles, err = members_of(self, stage, "space_role_ids", "roles",
                          "space role")
  if not roles then return nil, err end
  users, err = members_of(self, stage, "user_ids", "users", "user")
  if not users then return nil, err end
  local described = {
    name = stage.name, color = stage.color or nil, roles = roles,
    users = users, next = next_of(self, stage, names),
    after_publish = publish_of(self, stage, names),
  }
  for _, flag in ipairs(attributes.flags) do
    described[flag] = stage[flag] or false
  end
  return described
end

-- The names of stages by id. A blueprint cannot distinguish two stages with
-- the same name.
local function names_of(self, stages)
  local names, seen = {}, {}
  for _, stage in ipairs(stages) do
    if seen[stage.name] then
      self:lose("several stages are named %s: a plan needs one name for each",
                quoted(stage.name))
    end
    names[stage.id], seen[stage.name] = stage.name, true
  end
  return names
end

-- -------------------------------------------------------------- workflows

local function describe_workflow(self, workflow)
  local stages, err = structure.stages(self.space, workflow.id)
  if not stages then return nil, err end
  local names, described = names_of(self, stages), { stages = {} }
  if workflow.is_default then
    described.default = true
  else
    described.workflow = workflow.name
    described.content_types = workflow.content_types or {}
  end
  for i, stage in ipairs(stages) do
    described.stages[i], err = describe(self, stage, names)
    if err then return nil, err end
  end
  return described
end

local function no_workflow(list, name)
  return errors.new {
    kind = "not_found",
    message = ("The space has no workflow %s.%s"):format(
      quoted(name), near_name(name, list)),
  }
end

--- Makes the blueprint of a workflow: no ids in it, stages, roles and users
-- by name.
-- @tparam table space
-- @tparam ?string name of the workflow; nil: the default one
-- @treturn[1] table the blueprint
-- @treturn[1] table sentences about what could not be exported
-- @treturn[2] nil
-- @treturn[2] table the error
function export.one(space, name)
  local list, err = space.workflows:list()
  if not list then return nil, err end
  local workflow, why = choose_workflow(list, {
    workflow = name, default = name == nil, create = true,
  })
  if workflow == nil then return nil, why end
  if not workflow then return nil, no_workflow(list, name) end
  local self = new_export(space)
  local blueprint, failed = describe_workflow(self, workflow)
  if not blueprint then return nil, failed end
  blueprint.service, blueprint.moves = "storyblok", {}
  return blueprint, self.lost
end

-- The default workflow first, the others by name.
local function in_order(list)
  local sorted = table.move(list, 1, #list, 1, {})
  table.sort(sorted, function(a, b)
    local left, right = a.is_default or false, b.is_default or false
    if left ~= right then return left end
    if a.name ~= b.name then return a.name < b.name end
    return a.id < b.id
  end)
  return sorted
end

-- Adds ids where several workflows have the same name.
local function add_ids(list, described)
  local count = {}
  for _, each in ipairs(described) do
    if each.workflow then
      count[each.workflow] = (count[each.workflow] or 0) + 1
    end
  end
  for i, each in ipairs(described) do
    if (count[each.workflow] or 0) > 1 then each.id = list[i].id end
  end
end

--- Makes the blueprint of a whole space: all its workflows, the default one
-- first.
-- @tparam table space
-- @treturn[1] table the blueprint, with `workflows`
-- @treturn[1] table sentences about what could not be exported
-- @treturn[2] nil
-- @treturn[2] table the error
function export.all(space)
  local list, err = space.workflows:list()
  if not list then return nil, err end
  list = in_order(list)
  local self, described = new_export(space), {}
  for i, workflow in ipairs(list) do
    described[i], err = describe_workflow(self, workflow)
    if not described[i] then return nil, err end
  end
  add_ids(list, described)
  return { service = "storyblok", workflows = described, moves = {} },
         self.lost
end

return export
