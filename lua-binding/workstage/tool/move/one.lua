--- `workstage move` for one story or one project.
local connect = require "workstage.tool.connect"
local exit_status = require "workstage.tool.exit_status"
local failure = require "workstage.tool.ui.failure"
local items = require "workstage.tool.items"
local job = require "workstage.tool.job"
local screen = require "workstage.tool.ui.screen"
local sets = require "workstage.sets"
local stage_names = require "workstage.tool.stage_names"
local statuses = require "workstage.tool.statuses"

local find, send = {}, {}

-- A list tells the content type of a story, a single one its component.
local function content_type_of(story)
  return story.content_type or story.content and story.content.component
end

-- The workflow of a story: the one that it is in, else the one for its
-- content type, else the default one.
local function workflow_of(all, story)
  local stage = story.stage and all.by_id[story.stage.workflow_stage_id]
  if stage then return stage.workflow end
  local default
  for _, workflow in ipairs(all.workflows) do
    if sets.has(workflow.content_types or {}, content_type_of(story)) then
      return workflow.name
    end
    if workflow.is_default then default = workflow.name end
  end
  return default
end

function find.storyblok(client, parsed)
  local story, err = items.find(client, parsed)
  if not story then return nil, err end
  local all, stage
  all, err = stage_names.read(client)
  if not all then return nil, err end
  stage, err = stage_names.find(all, parsed.to, parsed.workflow or
                                                workflow_of(all, story))
  if not stage then return nil, err end
  return {
    item = story.id, to = stage.id, to_name = stage.name,
    name = items.name(story),
    is_there = story.stage ~= nil and
               story.stage.workflow_stage_id == stage.id,
  }
end

function send.storyblok(client, found, parsed)
  return client.changes:create {
    story_id = found.item, workflow_stage_id = found.to,
    comment = parsed.comment, notify = parsed.notify,
  }
end

function find.kantata(client, parsed)
  local to, err = statuses.find(parsed.to)
  if not to then return nil, err end
  local project
  project, err = items.find(client, parsed)
  if not project then return nil, err end
  return {
    item = project.id, to = to.key, to_name = to.message,
    name = items.name(project),
    is_there = project.status ~= nil and project.status.key == to.key,
  }
end

function send.kantata(client, found)
  return client.changes:create { workspace_id = found.item,
                                 to_status_key = found.to }
end

local function record_of(found, change)
  return { item = found.item, to = found.to, moved = change ~= nil,
           change = change and change.id }
end

local function preview(found, json)
  if json then screen.json(record_of(found))
  else
    screen.say(("Would move %s to %s."):format(found.name,
                                               screen.clean(found.to_name)))
  end
  return exit_status.CHANGES
end

local function tell(found, change, json)
  local name, to = found.name, screen.clean(found.to_name)
  if json then
    screen.json(record_of(found, change))
  elseif change then
    screen.say(("Moved %s to %s (change %d)."):format(name, to, change.id))
  else
    screen.say(("%s is already in %s."):format(name, to))
  end
  return exit_status.DONE
end

--- Moves the item that the arguments name.
-- @tparam table parsed
-- @treturn integer the exit status
return function(parsed)
  local self, found = job.read(parsed, find)
  if not self then return found end
  if found.is_there then return tell(found, nil, parsed.json) end
  if parsed.dry_run then return preview(found, parsed.json) end
  local agreed, code = self:confirm(("Move %s to %s"):format(
    found.name, screen.clean(found.to_name)))
  if not agreed then return code end
  local change, err = self:read(function(client)
    return send[connect.service(parsed)](client, found, parsed)
  end)
  if not change then return failure.tell(err) end
  return tell(found, change, parsed.json)
end
