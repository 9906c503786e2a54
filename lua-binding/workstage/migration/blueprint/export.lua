--- From a workflow to its blueprint: names in place of ids.
local attributes = require "workstage.migration.stage"
local errors = require "workstage.errors"
local structure = require "workstage.migration.space"

local function name_all(ids, names, what, stage, lost)
  local list = {}
  for _, id in ipairs(ids) do
    if names[id] then list[#list + 1] = names[id]
    else
      lost[#lost + 1] = ("stage %q: the %s %d is not in the space any more")
                        :format(stage.name, what, id)
    end
  end
  return list
end

local function next_of(stage, names, lost)
  if stage.allow_all_stages then return "all" end
  if stage.allow_none_for_next_stages then return "none" end
  return name_all(stage.workflow_stage_ids, names, "stage", stage, lost)
end

-- Members are read only where some stage names them.
local function read_members(space, stages, attribute, read)
  for _, stage in ipairs(stages) do
    if #stage[attribute] > 0 then
      local ids, names = read(space)
      return ids and names, names, ids
    end
  end
  return {}, nil, {}
end

-- A name that several roles have does not tell which one is meant.
local function note_several(ids, lost)
  for name, id in pairs(ids) do
    if not id then
      lost[#lost + 1] = ("several space roles are named %q: a plan needs " ..
                         "one name for each"):format(name)
    end
  end
end

local function publish_of(stage, names, lost)
  local id = stage.after_publish_id
  if id and not names[id] then
    lost[#lost + 1] = ("stage %q: the stage %d after publishing is not in " ..
                       "the workflow"):format(stage.name, id)
  end
  return id and names[id] or false
end

local function describe(stage, names, lost)
  local described = {
    name = stage.name, color = stage.color,
    next = next_of(stage, names.stages, lost),
    after_publish = publish_of(stage, names.stages, lost),
    roles = name_all(stage.space_role_ids, names.roles, "space role", stage,
                     lost),
    users = name_all(stage.user_ids, names.users, "user", stage, lost),
  }
  for _, flag in ipairs(attributes.flags) do
    described[flag] = stage[flag] or false
  end
  return described
end

--- Makes the blueprint of a workflow: no ids in it, stages, roles and users
-- by name.
-- @tparam table space
-- @tparam ?string name of the workflow; nil: the default one
-- @treturn[1] table the blueprint
-- @treturn[1] table sentences about what could not be taken along
-- @treturn[2] nil
-- @treturn[2] table the error
return function(space, name)
  local found, err = structure.read(space, { name = name,
                                             default = name == nil })
  if not found then return nil, err end
  if not found.workflow then
    return nil, errors.new {
      kind = "not_found",
      message = ("the space has no workflow %q"):format(name or "default"),
    }
  end
  local names, lost = { stages = {} }, {}
  for _, stage in ipairs(found.stages) do
    names.stages[stage.id] = stage.name
  end
  local role_ids
  names.roles, err, role_ids = read_members(
    space, found.stages, "space_role_ids", structure.roles)
  if not names.roles then return nil, err end
  note_several(role_ids, lost)
  names.users, err = read_members(space, found.stages, "user_ids",
                                  structure.users)
  if not names.users then return nil, err end
  local blueprint = { service = "storyblok", stages = {}, moves = {} }
  if found.workflow.is_default then blueprint.default = true
  else
    blueprint.workflow = found.workflow.name
    blueprint.content_types = found.workflow.content_types
  end
  for i, stage in ipairs(found.stages) do
    blueprint.stages[i] = describe(stage, names, lost)
  end
  return blueprint, lost
end
