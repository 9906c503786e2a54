--- The normal form of a Storyblok blueprint.
--
-- Each attribute is a row { name, reader, required } with its type and its
-- description for the reference and for editors, in output order.
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

local NAMES = "string|string[]"

local function string_row(name, read, doc)
  return { name, read, type = "string", doc = doc }
end

local function flag_row(name, doc)
  return { name, flag, type = "boolean", doc = doc }
end

--- A stage. Omitted attributes are unchanged; a new stage gets the service's
-- defaults.
storyblok.stage = {
  { "name", text, true, type = "string",
    doc = "The stage's name, unique in its workflow." },
  string_row("color", text, "A hex color such as \"#4a90e2\". A new stage " ..
             "needs one."),
  string_row("was", text, "The stage's former name: it is renamed."),
  string_row("from_workflow", text, "The workflow that the stage is in now: " ..
             "it moves here with its items."),
  string_row("inherit", text, "A stage of the same workflow: what is not " ..
             "set here is copied from it, except name, color, default mark " ..
             "and position."),
  flag_row("is_default", "true: new stories start in this stage."),
  { "next", next_stages, type = "\"all\"|\"none\"|string|string[]",
    doc = "The stages that an item may go to from here." },
  { "after_publish", after_publish, type = "string|false",
    doc = "The stage that an item goes to when it is published; false: none." },
  { "roles", names, type = NAMES,
    doc = "Space roles that may move items out of this stage." },
  { "users", names, type = NAMES,
    doc = "Users that may do so, by e-mail address." },
  flag_row("allow_publish", "True if items can be published in this stage."),
  flag_row("allow_admin_publish", "True if admins can publish them."),
  flag_row("allow_all_users", "True if everybody may move items out of it."),
  flag_row("allow_admin_change", "True if admins may do so as well."),
  flag_row("allow_editor_change", "True if editors may do so as well."),
  flag_row("story_editing_locked", "True if items cannot be edited here."),
  flag_row("auto_remove_assignee", "True if items lose their assignees here."),
}

-- The service's names for these attributes, and what to use instead.
local stage_hints = {
  id = "a blueprint knows stages by name",
  workflow_id = "use from_workflow = the name of the stage's present workflow",
  position = "stages are listed in order of position",
  update_position = "stages are listed in order of position",
  allow_all_stages = "use next = \"all\"",
  allow_none_for_next_stages = "use next = \"none\"",
  workflow_stage_ids = "use next = { names of stages }",
  after_publish_id = "use after_publish = the name of a stage",
  space_role_ids = "use roles = { names }",
  user_ids = "use users = { e-mail addresses }",
}

local function stage(at)
  return types.record(at, "a stage, { name =, color =, ... }",
                      storyblok.stage, stage_hints)
end

local function stages(at)
  return types.array(at, "a list of stages", stage)
end

-- -------------------------------------------------------------- workflows

local function mark_row(name, doc)
  return { name, types.only_true, type = "boolean", doc = doc }
end

--- A workflow.
storyblok.workflow = {
  string_row("workflow", text, "The workflow's name."),
  { "id", types.id, type = "integer",
    doc = "Its id, needed where several have the name." },
  string_row("was", text, "Its former name: it is renamed."),
  mark_row("default", "true: the default workflow, instead of a name."),
  mark_row("create", "true: make a new workflow although one has a similar " ..
           "name."),
  mark_row("remove", "true: remove the workflow."),
  { "content_types", names, type = NAMES,
    doc = "The content types that it is for." },
  { "stages", stages, type = "workstage.blueprint.stage[]",
    doc = "All its stages, in order of position. Others are removed." },
}

local workflow_hints = {
  name = "use workflow = its name",
  is_default = "use default = true",
  workflow_stages = "use stages = { ... }",
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

--- Where a move begins or ends.
storyblok.end_of_move = {
  string_row("workflow", text, "The workflow's name; the blueprint's own " ..
             "unless given."),
  mark_row("default", "true: the default workflow, instead of a name."),
  { "stage", text, true, type = "string", doc = "The stage's name." },
}

-- The start or end of a move. In a blueprint of a single workflow, its own
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
  in_workflow_stages = "use `from`",
}

-- The service's own story filters: names are checked here, values by
-- serializing them as they will be sent.
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

--- Who is assigned to the items of a move.
storyblok.assign = {
  { "users", names, type = NAMES, doc = "By e-mail address." },
  { "roles", names, type = NAMES, doc = "Space roles by name." },
}

local assign_hints = {
  user_ids = "use users = { e-mail addresses }",
  space_role_ids = "use roles = { names }",
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
    { "from", from, true, type = "string|workstage.blueprint.place",
      doc = "The stage that items are moved from; \"none\": those without " ..
            "a stage." },
    { "where", where, type = "workstage.storyblok.story_filter",
      doc = "Filters of the stage's items; all items by default." },
    { "to", to, true, type = "string|workstage.blueprint.place",
      doc = "The stage that they are moved to." },
    string_row("comment", comment, "A comment on each change."),
    flag_row("notify", "true: users of the stage are notified by e-mail."),
    { "due_date", due_date, type = "string|false",
      doc = "A new due date; false: none; each item keeps its own unless " ..
            "given." },
    { "release_id", types.id, type = "integer",
      doc = "The release whose versions are moved." },
    { "assign", assign, type = "workstage.blueprint.assign",
      doc = "Who is assigned." },
  }
end

--- A move.
storyblok.move = move_types {}

-- -------------------------------------------------------------- the whole

-- Each is read with the blueprint's own workflow, to which moves compare
-- theirs.
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
  several_hints[attribute[1]] = "it belongs in an entry of `workflows`"
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

--- The tables of a blueprint, for the reference: name, description,
-- attributes, and an example, which is a blueprint.
storyblok.tables = {
  { "workflow", "A workflow in a blueprint of several.", storyblok.workflow,
    [[
return {
  version = 1,
  workflows = {
    { workflow = "Article", was = "Posts", content_types = { "article" } },
    { workflow = "Old news", remove = true },
  },
  moves = {
    { from = { workflow = "Old news", stage = "Live" },
      to = { workflow = "Article", stage = "Ready" } },
  },
}
]] },
  { "stage", "A stage in a blueprint. Omitted attributes are unchanged; a " ..
    "new stage gets the service's default.", storyblok.stage, [[
return {
  version = 1,
  workflow = "Article",
  stages = {
    { name = "Drafting", is_default = true, next = { "Review", "Legal" } },
    { name = "Review", was = "Reviewing", next = "all", roles = { "Editor" } },
    { name = "Legal", color = "#4a90e2", inherit = "Review",
      users = { "law@example.com" } },
    { name = "Ready", next = "none", allow_publish = true },
  },
}
]] },
  { "move", "A move in a blueprint. The first that matches an item wins.",
    storyblok.move, [[
return {
  version = 1,
  workflow = "Article",
  moves = {
    { from = "Old review", where = { starts_with = "legal/" }, to = "Legal",
      comment = "moved by the 2026 workflow",
      due_date = "2026-12-01T10:00:00.000Z" },
    { from = "Old review", to = "Review", notify = true, due_date = false,
      assign = { roles = { "Editor" } } },
    { from = "none", where = { contain_component = "article" },
      to = "Drafting" },
  },
}
]] },
  { "place", "Where a move begins or ends.", storyblok.end_of_move },
  { "assign", "Who is assigned to the items of a move.", storyblok.assign },
}

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
