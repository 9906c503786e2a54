--- What `workstage.history` reads from Storyblok.
local errors = require "workstage.errors"
local near_name = require "workstage.near_name"
local paging = require "workstage.paging"
local time = require "workstage.time"
local visible = require "workstage.visible"

-- Pages overlap, so that no item is missed while others move items: at least 85
-- items of a page of 100 are new.
local storyblok = { PER_PAGE = 100, NEW_A_PAGE = 85 }

-- ------------------------------------------------------------------- names

-- An invited person who has not joined yet has only an address.
local function name_of(collaborator)
  local user = collaborator.user or {}
  local invitation = collaborator.invitation or {}
  local full = ("%s %s"):format(user.firstname or "", user.lastname or "")
    :match "^%s*(.-)%s*$"
  return user.friendly_name or full ~= "" and full or user.userid or
         invitation.email
end

local function read_users(space)
  local list, err = space.collaborators:list()
  if not list then return {}, err end
  local users = {}
  for _, collaborator in ipairs(list) do
    local id = collaborator.user_id or
               collaborator.user and collaborator.user.id
    if id then users[id] = name_of(collaborator) end
  end
  return users
end

--- See `history.names`.
function storyblok.names(space)
  local workflows, err = space.workflows:list()
  if not workflows then return nil, err end
  local names = { stages = {}, workflows = {}, order = {} }
  for _, workflow in ipairs(workflows) do
    local stages
    stages, err = space.stages:list { in_workflow = workflow.id }
    if not stages then return nil, err end
    names.workflows[workflow.id] = workflow.name
    for _, stage in ipairs(stages) do
      names.order[#names.order + 1] = stage.id
      names.stages[stage.id] = { name = stage.name, workflow = workflow.name }
    end
  end
  names.users, names.users_error = read_users(space)
  return names
end

-- ----------------------------------------------------------------- changes

--- Returns the changes of a story, unordered.
function storyblok.changes(space, id, names)
  local list, err = space.changes:list { with_story = id }
  if not list then return nil, err end
  local changes = {}
  for i, change in ipairs(list) do
    local stage = names.stages[change.workflow_stage_id] or {}
    changes[i] = {
      id = change.id, at = time.parse(change.created_at),
      stage = stage.name, stage_id = change.workflow_stage_id,
      workflow = stage.workflow or names.workflows[change.workflow_id],
      user = names.users[change.user_id], user_id = change.user_id,
    }
  end
  return changes
end

-- ---------------------------------------------------------------- standing

local function unknown(what, name, known)
  return nil, errors.new { kind = "not_found", message = (
    "The space has no %s %s.%s"):format(what, visible.quoted(name),
                                        near_name(name, known, true)) }
end

local function check_workflow(name, names)
  local known = {}
  for _, each in pairs(names.workflows) do
    if each == name then return true end
    known[#known + 1] = each
  end
  table.sort(known)
  return unknown("workflow", name, known)
end

-- Returns the ids of the stages that the options name.
local function stages_of(opts, names)
  if opts.workflow then
    local good, err = check_workflow(opts.workflow, names)
    if not good then return nil, err end
  end
  local ids, known = {}, {}
  for _, id in ipairs(names.order) do
    local stage = names.stages[id]
    if not opts.workflow or stage.workflow == opts.workflow then
      known[#known + 1] = stage.name
      if not opts.stage or stage.name == opts.stage then
        ids[#ids + 1] = id
      end
    end
  end
  if #ids == 0 then return unknown("stage", opts.stage or "", known) end
  return ids
end

local function filter_of(opts, names)
  local ids, err = stages_of(opts, names)
  if not ids then return nil, err end
  local filter = {}
  for name, value in pairs(opts.where or {}) do filter[name] = value end
  filter.in_workflow_stages = ids
  return filter
end

local function item_of(story, names)
  local at = story.stage or {}
  local stage = names.stages[at.workflow_stage_id] or {}
  return {
    id = story.id, name = story.name, slug = story.full_slug,
    stage = stage.name, stage_id = at.workflow_stage_id,
    workflow = stage.workflow, since = time.parse(at.created_at),
    created = time.parse(story.created_at),
  }
end

--- Returns an iterator over the stories in some stages.
function storyblok.standing(space, opts, names)
  local filter, err = filter_of(opts, names)
  if not filter then return nil, err end
  local next_story = paging.each(function(number, per_page)
    filter.page, filter.per_page = number, per_page or storyblok.PER_PAGE
    return space.stories:page(filter)
  end)
  return function()
    local story = next_story()
    return story and item_of(story, names)
  end
end

-- True if a list says when its stories entered their stage: one of the two
-- shapes of a story's stage does not.
local function has_dates(page)
  for _, story in ipairs(page) do
    if story.stage and not story.stage.created_at then return false end
  end
  return true
end

--- Returns the number of stories in some stages, and if the list says when they
-- entered them.
function storyblok.count(space, opts, names)
  local filter, err = filter_of(opts, names)
  if not filter then return nil, err end
  filter.per_page = storyblok.PER_PAGE
  local page
  page, err = space.stories:page(filter)
  if not page then return nil, err end
  return page.total or #page, has_dates(page)
end

return storyblok
