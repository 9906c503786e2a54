--- Storyblok's Management API: workflows, stages, stage changes, stories.
local client = require "workstage.client"
local core = require "workstage.core"
local lookup = require "workstage.reconcile.lookup"
local options = require "workstage.options"
local resource = require "workstage.resource"
local arguments = require "workstage.resource.arguments"
local fetch = require "workstage.resource.fetch"
local post = require "workstage.resource.post"
local transport = require "workstage.transport"

local storyblok = {}

-- ---------------------------------------------------- reading responses

-- Normalises `story.stage`: "no stage" comes as null, absent or an object of
-- nulls, and becomes nil. A stage always gets the id of its story.
local function normalize_stage(story)
  local stage = story.stage
  if not stage then return end
  if not stage.workflow_stage_id then
    story.stage = nil
  else
    stage.story_id = stage.story_id or story.id
  end
end

-- Sets `content_type`: lists have it, a single story only has it as the
-- component of its content.
local function normalize_story(story)
  normalize_stage(story)
  local content = story.content
  if not story.content_type and type(content) == "table" and
     type(content.component) == "string" then
    story.content_type = content.component
  end
end

local service = { per_page = 100, default_per_page = 25 }

function service.read_one(self, value)
  local class = self.class
  local root = class.root
  local object = value[root]
  if object == nil then
    return nil, ("the response has no object '%s'"):format(root)
  end
  if not object.id then return nil, root .. ".id: is missing" end
  if class.finish then class.finish(object) end
  return object
end

-- The largest total, and the largest page size, that are taken as meant.
local MOST, LONGEST = 1 << 53, 1000

function service.read_many(self, value, call)
  local plural = self.class.plural
  local list = value[plural]
  if not fetch.is_array(list) then
    return nil, ("the response has no array '%s'"):format(plural)
  end
  local class = self.class
  for i, item in ipairs(list) do
    if not item.id then
      return nil, ("%s[%d].id: is missing"):format(plural, i)
    end
    if class.finish then class.finish(item) end
  end
  list.total = fetch.count(call:header "total", 0, MOST)
  list.per_page = fetch.count(call:header "per_page" or
                                 call:header "per-page", 1, LONGEST)
  return list
end

-- Returns a function that remembers when an object was first seen.
local function remember_seen(name)
  return function(memory, object, at) memory:see(name, object.id, at) end
end

-- Remembers the stage of a story, and since when.
local function remember_story(memory, story, at)
  local stage = story.stage
  memory:read_item("stories", story.id, stage and stage.workflow_stage_id,
                   stage and stage.created_at, at)
end

-- ------------------------------------------------------------ resources

local stages = resource.define {
  name = "stages", one = "stage", path = "/workflow_stages",
  schema = "storyblok.stage", filter = "storyblok.stage_filter",
  root = "workflow_stage", plural = "workflow_stages",
  lookup = lookup.storyblok_stage, remember = remember_seen "stages",
  marks = { "_new", "_destroy" },
  methods = { "list", "find", "get", "create", "update", "delete" },
}

local changes = resource.define {
  name = "changes", one = "change", path = "/workflow_stage_changes",
  schema = "storyblok.change", filter = "storyblok.change_filter",
  root = "workflow_stage_change", plural = "workflow_stage_changes",
  paged = true, needs_filter = true,
  lookup = lookup.storyblok_change, remember = remember_seen "changes",
  item = "story_id", item_kind = "stories", target = "workflow_stage_id",
  methods = { "list", "page", "each", "create" },
}

--- Copies a workflow within its space.
-- @tparam integer id of the original
-- @tparam[opt] copy attributes of the copy; the reference requires them
-- @tparam[opt] call opts options of this call
-- @treturn[1] item the copy
-- @treturn[2] nil
-- @treturn[2] table the error
local function duplicate(self, id, attributes, opts)
  arguments.check_self(self, "duplicate")
  arguments.check_optional(attributes, "attributes")
  arguments.check_optional(opts, "call options")
  local call, err = arguments.read_call(opts)
  if not call then return nil, err end
  id, err = arguments.check_id(id)
  if not id then return nil, err end
  local body = "{}"
  if attributes then
    body, err = arguments.body_of(core.schema "storyblok.duplicate", false,
                                 attributes, call)
    if not body then return nil, err end
  end
  local path = ("%s/%d/duplicate"):format(self.path, id)
  return post.create(self, path, body, attributes or {}, call)
end

local function has_content_type(workflow, names)
  for name in names:gmatch "[^,]+" do
    for _, content_type in ipairs(workflow.content_types or {}) do
      if content_type == name then return true end
    end
  end
  return false
end

-- Filters workflows by content type: the documents have two names for the
-- filter, and the service may ignore one.
local function choose_workflows(list, filter)
  local names = filter.content_type or filter.by_content_type
  if not names then return list end
  local chosen = {}
  for _, workflow in ipairs(list) do
    if has_content_type(workflow, names) then
      chosen[#chosen + 1] = workflow
    end
  end
  return chosen
end

local workflows = resource.define {
  name = "workflows", one = "workflow", path = "/workflows",
  schema = "storyblok.workflow", filter = "storyblok.workflow_filter",
  get_filter = "storyblok.workflow_get_filter",
  root = "workflow", plural = "workflows",
  choose = choose_workflows,
  lookup = lookup.storyblok_workflow, remember = remember_seen "workflows",
  needs_listing = true,
  methods = { "list", "find", "get", "create", "update", "delete" },
  extra = { duplicate = duplicate },
}

-- Sends a GET that changes the story, so it is sent like a write.
local function fetch_published(opts, self, path, query)
  return fetch.object(self, service.read_one, "GET", path, query, nil, opts)
end

local function publish(self, verb, id, what, opts)
  arguments.check_self(self, verb)
  arguments.check_optional(what, "filter")
  arguments.check_optional(opts, "call options")
  local call, err = arguments.read_call(opts)
  if not call then return nil, err end
  id, err = arguments.check_id(id)
  if not id then return nil, err end
  local query
  if what then
    query, err = arguments.write_query(core.schema "storyblok.publish_filter",
                                      what, call)
    if not query then return nil, err end
  end
  local path = ("%s/%d/%s"):format(self.path, id, verb)
  local story, why, lost = transport.protect(transport.attempt(call),
                                             fetch_published, self, path,
                                             query)
  return story, why and self.transport:known(why, lost)
end

local publishing = {}

--- Publishes a story. The request is not repeated: if its response is lost,
-- the error is `ambiguous`.
-- @tparam integer id of the story
-- @tparam[opt] publish_filter what `lang`, `release_id`
-- @tparam[opt] call opts options of this call
-- @treturn[1] item the story
-- @treturn[2] nil
-- @treturn[2] table the error
function publishing:publish(id, what, opts)
  return publish(self, "publish", id, what, opts)
end

--- Unpublishes a story. The request is not repeated, as with `publish`.
-- @tparam integer id of the story
-- @tparam[opt] publish_filter what `lang`, `release_id`
-- @tparam[opt] call opts options of this call
-- @treturn[1] item the story
-- @treturn[2] nil
-- @treturn[2] table the error
function publishing:unpublish(id, what, opts)
  return publish(self, "unpublish", id, what, opts)
end

local stories = resource.define {
  name = "stories", one = "story", path = "/stories",
  schema = "storyblok.story", filter = "storyblok.story_filter",
  root = "story", plural = "stories", paged = true,
  by_ids = { field = "by_ids",
             keep = { "release_id", "branch_id", "in_trash", "with_alts",
                      "with_summary", "with_translated_stories" } },
  get_filter = "storyblok.story_get_filter",
  finish = normalize_story, remember = remember_story, seen = "stage",
  methods = { "list", "page", "each", "get" }, extra = publishing,
}

local roles = resource.define {
  name = "roles", one = "space role", path = "/space_roles",
  schema = "storyblok.role", filter = "storyblok.role_filter",
  root = "space_role", plural = "space_roles",
  methods = { "list" },
}

local collaborators = resource.define {
  name = "collaborators", one = "collaborator", path = "/collaborators",
  schema = "storyblok.collaborator",
  filter = "storyblok.collaborator_filter",
  root = "collaborator", plural = "collaborators", paged = true,
  methods = { "list", "page", "each" },
}

local releases = resource.define {
  name = "releases", one = "release", path = "/releases",
  schema = "storyblok.release", filter = "storyblok.release_filter",
  root = "release", plural = "releases",
  methods = { "list" },
}

local users = resource.define {
  name = "users", one = "user", path = "/v1/users/me",
  schema = "storyblok.user", root = "user", methods = {},
}

-- Removes the space's access token of the delivery API, a secret that is not
-- needed here.
local function drop_first_token(space) space.first_token = nil end

local info = resource.define {
  name = "info", one = "space", path = "", schema = "storyblok.space",
  root = "space", finish = drop_first_token, methods = {},
}

--- Fetches the token's user, for `reconcile.lookup`.
function service.fetch_user(self, call)
  return fetch.object({ class = users, transport = self.transport },
                        service.read_one, "GET", users.path, nil, nil, call)
end

-- ---------------------------------------------------------------- space

local Space = client.class("workstage.storyblok")

-- Fetches the one object at a path.
local function get_one(of, path, opts)
  arguments.check_optional(opts, "call options")
  local call, err = arguments.read_call(opts)
  if not call then return nil, err end
  return fetch.object(of, service.read_one, "GET", path, nil, nil, call)
end

--- Fetches the token's user: `id`, `userid` (a login name), `email`,
-- `friendly_name`.
-- @tparam[opt] call opts options of this call
-- @treturn[1] table the user
-- @treturn[2] nil
-- @treturn[2] table the error
function Space:whoami(opts)
  client.check_self(self, Space, "whoami")
  return get_one(self._users, users.path, opts)
end

--- Fetches the space: `id`, `name`, `region`, `plan`, `role` and more. The
-- secret `first_token` is removed.
-- @tparam[opt] call opts options of this call
-- @treturn[1] table the space
-- @treturn[2] nil
-- @treturn[2] table the error
function Space:info(opts)
  client.check_self(self, Space, "info")
  return get_one(self._info, self._info.path, opts)
end

--- Creates a client of one space.
-- @tparam table opts the options (see `workstage.options`)
-- @treturn[1] table
-- @treturn[2] nil
-- @treturn[2] table the error
function storyblok.new(opts)
  local read, err = options.read("storyblok", opts)
  if not read then return nil, err end
  local opened
  opened, err = transport.new(read)
  if not opened then return nil, err end
  local owner = { transport = opened, service = service,
                  prefix = ("/v1/spaces/%d"):format(read.space_id) }
  return client.new(Space, owner, {
    space_id = read.space_id,
    stages = resource.new(stages, owner),
    changes = resource.new(changes, owner),
    workflows = resource.new(workflows, owner),
    stories = resource.new(stories, owner),
    roles = resource.new(roles, owner),
    collaborators = resource.new(collaborators, owner),
    releases = resource.new(releases, owner),
    _users = resource.new(users, owner),
    _info = resource.new(info, owner),
  })
end

return storyblok
