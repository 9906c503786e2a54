--- The one item that a command is about: --story, --id, --slug, --project.
local numbers = require "workstage.tool.numbers"
local screen = require "workstage.tool.ui.screen"

local items = {}

--- Adds the options that name an item.
function items.define(parser)
  return {
    parser:option("--story", "The story, by id or full slug.")
      :argname "ID|SLUG",
    parser:option("--id", "The story or project, by id."):argname "ID",
    parser:option("--slug", "The story, by full slug."):argname "SLUG",
    parser:option("--project", "Kantata: the project, by id.")
      :argname "ID",
  }
end

--- True if the arguments name one item.
function items.is_named(parsed)
  return (parsed.story or parsed.id or parsed.slug or parsed.project) ~= nil
end

local function problem(text, ...)
  return nil, text:format(...)
end

-- Passes an item on; says in plain words that there is none.
local function known(item, err, text, id)
  if item or err.kind ~= "not_found" then return item, err end
  return problem(text, id)
end

local function by_slug(client, slug)
  local found, err = client.stories:list { by_slugs = { slug } }
  if not found then return nil, err end
  for _, story in ipairs(found) do
    if story.full_slug == slug then return story end
  end
end

-- A slug may look like an id: 2024 can be either, and then has to be named as
-- one of them.
local function either(client, text)
  local story, err = by_slug(client, text)
  if not story and err then return nil, err end
  local id = numbers.id(text)
  if not id then
    if story then return story end
    return problem("No story has the full slug '%s'", text)
  end
  local other
  other, err = client.stories:get(id)
  if not other and err.kind ~= "not_found" then return nil, err end
  if story and other and story.id ~= other.id then
    return problem("'%s' is the id of one story (%s) and the full slug of " ..
      "another (%d). Use --id or --slug", text,
      other.full_slug or other.name or "?", story.id)
  elseif story or other then return story or other
  end
  return problem("No story has the id or the full slug '%s'", text)
end

local find = {}

function find.storyblok(client, parsed)
  if parsed.project then return problem "--project is Kantata's, not " ..
                                        "Storyblok's" end
  if parsed.slug then
    local story, err = by_slug(client, parsed.slug)
    if story or err then return story, err end
    return problem("No story has the full slug '%s'", parsed.slug)
  elseif parsed.id then
    local id = numbers.id(parsed.id)
    if not id then return problem("--id: '%s' is not an id", parsed.id) end
    local story, err = client.stories:get(id)
    return known(story, err, "The space has no story with the id %s",
                 parsed.id)
  end
  return either(client, parsed.story)
end

function find.kantata(client, parsed)
  local text = parsed.project or parsed.id or parsed.story or parsed.slug
  local id = numbers.id(text)
  if not id then return problem("'%s' is not the id of a project", text) end
  local project, err = client.workspaces:get(id)
  return known(project, err, "There is no project with the id %s that this " ..
               "token may see", text)
end

--- Finds the item that the arguments name.
-- @tparam table client
-- @tparam table parsed `story`, `id`, `slug`, `project`
-- @treturn[1] table a story or a workspace
-- @treturn[2] nil
-- @return[2] a sentence, or the error of a request
function items.find(client, parsed)
  return find[client.transport.service](client, parsed)
end

--- The name of an item for people.
function items.name(item)
  return screen.clean(item.full_slug or item.title or item.name or
                      ("%d"):format(item.id))
end

return items
