--- The normal form of a Storyblok blueprint, however it was written.
local core = require "workstage.core"
local types = require "workstage.migration.blueprint.types"

local storyblok = {}

local text, flag, names = types.text, types.flag, types.names

-- ----------------------------------------------------------------- stages

local function next_stages(at)
  if at.value == "all" or at.value == "none" then return at.value end
  return names(at)
end

local function after_publish(at)
  if at.value == false then return false end
  if type(at.value) ~= "string" then at:expect "a stage's name or false" end
  return text(at)
end

--- A stage's attributes in the order in which they are written.
storyblok.stage = {
  { "name", text, true }, { "color", text }, { "was", text },
  { "from_workflow", text }, { "inherit", text }, { "is_default", flag },
  { "next", next_stages }, { "after_publish", after_publish },
  { "roles", names }, { "users", names }, { "allow_publish", flag },
  { "allow_admin_publish", flag }, { "allow_all_users", flag },
  { "allow_admin_change", flag }, { "allow_editor_change", flag },
  { "story_editing_locked", flag }, { "auto_remove_assignee", flag },
}

-- What the service calls these things.
local stage_hints = {
  id = "a blueprint knows stages by name",
  workflow_id = "say from_workflow = the name of the stage's present workflow",
  position = "stages are listed in order of position",
  update_position = "stages are listed in order of position",
  allow_all_stages = "say next = \"all\"",
  allow_none_for_next_stages = "say next = \"none\"",
  workflow_stage_ids = "say next = { names of stages }",
  after_publish_id = "say after_publish = the name of a stage",
  space_role_ids = "say roles = { names }",
  user_ids = "say users = { e-mail addresses }",
}

local function stage(at)
  return types.record(at, "a stage, { name =, color =, ... }",
                      storyblok.stage, stage_hints)
end

local function stages(at)
  return types.array(at, "a list of stages", stage)
end

-- -------------------------------------------------------------- workflows

--- What a blueprint says of a workflow itself, in the order in which it is
-- written.
storyblok.workflow = {
  { "workflow", text }, { "id", types.id }, { "was", text },
  { "default", types.only_true }, { "create", types.only_true },
  { "remove", types.only_true }, { "content_types", names },
  { "stages", stages },
}

local workflow_hints = {
  name = "say workflow = its name",
  is_default = "say default = true",
  workflow_stages = "say stages = { ... }",
  moves = "the moves of all workflows are one list beside `workflows`",
}

local function workflow(at)
  return types.record(at, "a workflow, { workflow =, stages = }",
                      storyblok.workflow, workflow_hints)
end

local function workflows(at)
  return types.array(at, "a list of workflows", workflow)
end

-- ------------------------------------------------------------------ moves

storyblok.end_of_move = {
  { "workflow", text }, { "default", types.only_true },
  { "stage", text, true },
}

-- Where a move begins or ends. In the blueprint of a single workflow its own
-- stages have no workflow.
local function end_of_move(at, own)
  if type(at.value) == "string" then return { stage = text(at) } end
  local place = types.record(at, "a stage's name or { workflow =, stage = }",
                             storyblok.end_of_move)
  if place.workflow and place.default then
    at:fail "give the workflow's name or default = true, not both"
  end
  local is_own = place.workflow and place.workflow == own.workflow or
                 place.default and own.default
  if is_own then place.workflow, place.default = nil, nil end
  return place
end

local story_filters, story_filter_names = {}, {}
for _, schema in ipairs(core.schemas()) do
  if schema.name == "storyblok.story_filter" then
    for i, field in ipairs(schema.fields) do
      story_filters[field.name], story_filter_names[i] = true, field.name
    end
  end
end

local where_hints = {
  page = "a migration reads all pages",
  per_page = "a migration chooses the size of pages",
  in_workflow_stages = "say it with `from`",
}

-- The service's own filters for stories: their names here, and their values
-- by writing them as they will be sent.
local function where(at)
  if type(at.value) ~= "table" then at:expect "a table of filters" end
  for _, key in ipairs(at:keys()) do
    if not story_filters[key] or where_hints[key] then
      at:unknown(key, "filter", story_filter_names, where_hints)
    end
  end
  local filters = types.data(at)
  local schema = core.schema "storyblok.story_filter"
  local query, why = core.query(schema, false, true, filters)
  if not query then at:fail(why) end
  return at:remember_copy(filters)
end

local function comment(at)
  if type(at.value) ~= "table" then return text(at) end
  return types.record(at, "a string", { { "message", text, true } }).message
end

-- A time; false removes the due dates that the items have.
local function due_date(at)
  if at.value == false then return false end
  return types.time(at)
end

storyblok.assign = { { "users", names }, { "roles", names } }

local assign_hints = {
  user_ids = "say users = { e-mail addresses }",
  space_role_ids = "say roles = { names }",
}

local function assign(at)
  return types.record(at, "a table, { users =, roles = }", storyblok.assign,
                      assign_hints)
end

-- The attributes of a move within a blueprint of the workflow `own`.
local function move_types(own)
  local function to(at) return end_of_move(at, own) end
  local function from(at)
    if at.value == "none" then return "none" end
    return end_of_move(at, own)
  end
  return {
    { "from", from, true }, { "where", where }, { "to", to, true },
    { "comment", comment }, { "notify", flag }, { "due_date", due_date },
    { "release_id", types.id }, { "assign", assign },
  }
end

--- A move's attributes in the order in which they are written.
storyblok.move = move_types {}

-- -------------------------------------------------------------- the whole

-- Read with the workflow that the moves compare theirs to.
local function moves(own)
  local list = move_types(own)
  return function(at)
    return types.array(at, "a list of moves", function(item)
      return types.record(item, "a move, { from =, to =, ... }", list)
    end)
  end
end

local several_hints = {}
for _, attribute in ipairs(storyblok.workflow) do
  several_hints[attribute[1]] = "it belongs into an entry of `workflows`"
end

-- The attributes of a whole blueprint: of one workflow, or of several.
local function types_of_whole(value)
  local list = { { "version", types.data }, { "service", text } }
  if value.workflows ~= nil then
    list[#list + 1] = { "workflows", workflows }
    list[#list + 1] = { "moves", moves {} }
    return list, several_hints
  end
  table.move(storyblok.workflow, 1, #storyblok.workflow, #list + 1, list)
  list[#list + 1] = { "moves", moves(value) }
  return list, { name = workflow_hints.name }
end

--- Reads a blueprint for Storyblok.
-- @tparam table at its location
-- @treturn table the blueprint in normal form
function storyblok.read(at)
  local list, hints = types_of_whole(at.value)
  local blueprint = types.record(at, "a blueprint", list, hints)
  blueprint.version, blueprint.service = nil, "storyblok"
  blueprint.moves = blueprint.moves or {}
  return blueprint
end

--- The workflows that a blueprint describes.
-- @tparam table blueprint in normal form
-- @treturn table array of { workflow, id, was, default, create, remove,
--   content_types, stages }
function storyblok.workflows(blueprint)
  return blueprint.workflows or { blueprint }
end

return storyblok
