--- The objects of a probe: a workflow of two stages and a story, with names
-- that say what they are for.
local objects = {}

objects.WORKFLOW_PREFIX = "workstage probe "
objects.SLUG_PREFIX = "workstage-probe-"

-- Content type of both, so that no existing workflow or story is concerned.
local CONTENT_TYPE = "workstage_probe"

--- The attributes of the two stages that do not have the default value, to see
-- what an update does to them.
objects.STAGE = { allow_publish = true, story_editing_locked = true }

--- The names of a new probe.
-- @treturn table `workflow`, `slug`
function objects.names()
  local at = os.date "!%Y%m%d-%H%M%S"
  return { workflow = objects.WORKFLOW_PREFIX .. at,
           slug = objects.SLUG_PREFIX .. at }
end

local function stage(name, color)
  return { name = name, color = color, allow_all_stages = true,
           allow_all_users = true, allow_admin_change = true,
           allow_publish = objects.STAGE.allow_publish,
           story_editing_locked = objects.STAGE.story_editing_locked }
end

-- The stages of a workflow that was just created. The response to the creation
-- need not have them.
local function read_stages(session, workflow)
  local body, err = session:send("GET", "/workflow_stages",
                                 { query = { in_workflow = workflow } })
  if not body then return nil, err end
  local ids = {}
  for _, each in ipairs(body.workflow_stages or {}) do
    ids[each.name] = each.id
  end
  return ids
end

--- Creates the workflow and the story.
-- @tparam table session see `probe.session`
-- @tparam table names see `objects.names`
-- @treturn[1] table `workflow`, `story` (ids), `a`, `b` (ids of the stages)
-- @treturn[2] nil
-- @treturn[2] table the error
function objects.create(session, names)
  local made = { content_type = CONTENT_TYPE }
  local body, err = session:send("POST", "/workflows", { body = {
    workflow = { name = names.workflow, content_types = { CONTENT_TYPE },
                 workflow_stages = { stage("A", "#2563eb"),
                                     stage("B", "#db2777") } } } })
  if not body then return nil, err end
  made.workflow = body.workflow.id
  local stages
  stages, err = read_stages(session, made.workflow)
  if not stages then return nil, err end
  made.a, made.b = stages.A, stages.B
  body, err = session:send("POST", "/stories", { body = {
    story = { name = names.slug, slug = names.slug,
              content = { component = CONTENT_TYPE } } } })
  if not body then return nil, err end
  made.story = body.story.id
  return made
end

local function begins_with(text, prefix)
  return type(text) == "string" and text:sub(1, #prefix) == prefix
end

-- Removes the objects of one kind whose `key` begins with a prefix.
local function remove(session, path, query, plural, key, prefix, removed)
  local body, err = session:send("GET", path, { query = query })
  if not body then return nil, err end
  for _, each in ipairs(body[plural] or {}) do
    if begins_with(each[key], prefix) then
      local done
      done, err = session:send("DELETE", ("%s/%d"):format(path, each.id))
      if not done and err.kind ~= "not_found" then return nil, err end
      removed[#removed + 1] = each[key]
    end
  end
  return removed
end

--- Removes the objects of a probe, or of all probes that were interrupted.
-- They are found by their names, so that those whose creation got no response
-- are found as well.
-- @tparam table session
-- @tparam[opt] table names of one probe; all unless given
-- @treturn[1] table the names of the removed objects
-- @treturn[2] nil
-- @treturn[2] table the error
function objects.remove(session, names)
  local slug = names and names.slug or objects.SLUG_PREFIX
  local removed, err = remove(session, "/stories", { starts_with = slug },
                              "stories", "slug", slug, {})
  if not removed then return nil, err end
  return remove(session, "/workflows", nil, "workflows", "name",
                names and names.workflow or objects.WORKFLOW_PREFIX, removed)
end

return objects
