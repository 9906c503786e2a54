--- The one form of a Storyblok blueprint, whichever way it was written.
local core = require "workstage.core"
local fields = require "workstage.migration.blueprint.types"

local form = {}

local text, flag, names = fields.text, fields.flag, fields.names

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
form.stage = {
  { "name", text, true }, { "color", text, true }, { "was", text },
  { "is_default", flag }, { "next", next_stages },
  { "after_publish", after_publish }, { "roles", names },
  { "users", names }, { "allow_publish", flag },
  { "allow_admin_publish", flag }, { "allow_all_users", flag },
  { "allow_admin_change", flag }, { "allow_editor_change", flag },
  { "story_editing_locked", flag }, { "auto_remove_assignee", flag },
}

-- What the service calls these things.
local stage_hints = {
  id = "a blueprint knows stages by name",
  workflow_id = "the stages are those of the blueprint's workflow",
  position = "the stages stand in order of position",
  update_position = "the stages stand in order of position",
  allow_all_stages = "say next = \"all\"",
  allow_none_for_next_stages = "say next = \"none\"",
  workflow_stage_ids = "say next = { names of stages }",
  after_publish_id = "say after_publish = the name of a stage",
  space_role_ids = "say roles = { names }",
  user_ids = "say users = { e-mail addresses }",
}

local function stage(at)
  return fields.record(at, "a stage, { name =, color =, ... }", form.stage,
                       stage_hints)
end

-- ------------------------------------------------------------------ moves

-- A flag that is either true or not there.
local function only_true(at) return flag(at) or nil end

form.end_of_move = {
  { "workflow", text }, { "default", only_true }, { "stage", text, true },
}

-- Where a move begins or ends, told from the blueprint's own workflow.
local function end_of_move(at, own)
  if type(at.value) == "string" then return { stage = text(at) } end
  local place = fields.record(at, "a stage's name or { workflow =, stage = }",
                              form.end_of_move)
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
  local filters = fields.data(at)
  local schema = core.schema "storyblok.story_filter"
  local query, why = core.query(schema, false, true, filters)
  if not query then at:fail(why) end
  return filters
end

local function comment(at)
  if type(at.value) ~= "table" then return text(at) end
  return fields.record(at, "a string", { { "message", text, true } }).message
end

form.assign = { { "users", names }, { "roles", names } }

local assign_hints = {
  user_ids = "say users = { e-mail addresses }",
  space_role_ids = "say roles = { names }",
}

local function assign(at)
  return fields.record(at, "a table, { users =, roles = }", form.assign,
                       assign_hints)
end

-- The attributes of a move within a blueprint of the workflow `own`.
local function move_fields(own)
  local function to(at) return end_of_move(at, own) end
  local function from(at)
    if at.value == "none" then return "none" end
    return end_of_move(at, own)
  end
  return {
    { "from", from, true }, { "where", where }, { "to", to, true },
    { "comment", comment }, { "notify", flag }, { "due_date", fields.time },
    { "release_id", fields.id }, { "assign", assign },
  }
end

form.move = move_fields {}

-- -------------------------------------------------------------- the whole

local function stages(at)
  return fields.array(at, "a list of stages", stage)
end

-- Read with the workflow that the moves compare theirs to.
local function moves(own)
  local list = move_fields(own)
  return function(at)
    return fields.array(at, "a list of moves", function(item)
      return fields.record(item, "a move, { from =, to =, ... }", list)
    end)
  end
end

--- Reads a blueprint for Storyblok.
-- @tparam table at its place
-- @treturn table the blueprint in its one form
function form.read(at)
  local own = { workflow = at.value.workflow, default = at.value.default }
  local blueprint = fields.record(at, "a blueprint", {
    { "version", fields.data }, { "service", text }, { "workflow", text },
    { "default", only_true }, { "content_types", names },
    { "stages", stages }, { "moves", moves(own) },
  })
  blueprint.version, blueprint.service = nil, "storyblok"
  blueprint.moves = blueprint.moves or {}
  return blueprint
end

return form
