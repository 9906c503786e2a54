-- workstage move: one story, or one project of Kantata's, to another stage.

local confirm = require "workstage.tool.ui.confirm"
local connect = require "workstage.tool.connect"
local failure = require "workstage.tool.ui.failure"
local job = require "workstage.tool.job"
local screen = require "workstage.tool.ui.screen"
local exit_status = require "workstage.tool.exit_status"
local statuses = require "workstage.statuses"

local command = {
  summary = "Move one story to a stage.",
  examples = {
    "workstage move --story blog/hello --to Review",
    "workstage move --story 312 --to Legal --comment 'Please check' --notify",
    "workstage move --service kantata --project 7 --to 605",
  },
}

function command.define(parser)
  parser:option("--story --project", "The story, by id or full slug; a " ..
                "project of Kantata's by id.")
    :argname "ID|SLUG":count(1)
  parser:option("--to", "The stage, by name or id; a status of Kantata's " ..
                "by key or message.")
    :argname "STAGE":count(1)
  parser:option("--workflow", "The stage's workflow, where the story does " ..
                "not tell.")
    :argname "NAME"
  parser:option("--comment", "A comment on the change."):argname "TEXT"
  parser:flag("--notify", "Let the service send its e-mails.")
  confirm.define(parser)
  parser:flag("--json", "Write the result as one line of JSON.")
  connect.define(parser)
end

local function sentence(text, ...)
  return { text = text:format(...), plain = true }
end

-- ------------------------------------------------------------ Storyblok

local function id_of(text)
  return text:find "^%d+$" and math.tointeger(tonumber(text)) or nil
end

local function find_story(client, text)
  local id = id_of(text)
  if id then return client.stories:get(id) end
  local found, err = client.stories:list { by_slugs = { text } }
  if not found then return nil, err end
  for _, story in ipairs(found) do
    if story.full_slug == text then return story end
  end
  return nil, sentence("there is no story with the full slug '%s'", text)
end

local function holds(list, value)
  for _, item in ipairs(list or {}) do
    if item == value then return true end
  end
  return false
end

-- The workflow of a story: the one it is in, else the one for its content
-- type, else the default one.
local function choose_workflow(workflows, story, name)
  local default
  for _, workflow in ipairs(workflows) do
    if name and workflow.name == name then return workflow end
    if not name and story.stage and
       workflow.id == story.stage.workflow_id then
      return workflow
    end
    if workflow.is_default then default = workflow end
  end
  if name then return nil end
  for _, workflow in ipairs(workflows) do
    if holds(workflow.content_types, story.content_type) then
      return workflow
    end
  end
  return default
end

local function find_stage(client, story, parsed)
  local workflows, err = client.workflows:list()
  if not workflows then return nil, err end
  local workflow = choose_workflow(workflows, story, parsed.workflow)
  if not workflow then
    return nil, sentence("the space has no workflow '%s'", parsed.workflow)
  end
  local stages
  stages, err = client.stages:list { in_workflow = workflow.id }
  if not stages then return nil, err end
  local names, id = {}, id_of(parsed.to)
  for i, stage in ipairs(stages) do
    if stage.name == parsed.to or stage.id == id then return stage end
    names[i] = stage.name
  end
  return nil, sentence("the workflow '%s' has no stage '%s'; there are: %s",
                       workflow.name, parsed.to, table.concat(names, ", "))
end

local find, send = {}, {}

function find.storyblok(client, parsed)
  local story, err = find_story(client, parsed.story)
  if not story then return nil, err end
  local stage
  stage, err = find_stage(client, story, parsed)
  if not stage then return nil, err end
  return {
    item = story.id, to = stage.id, to_name = stage.name,
    name = story.full_slug or story.name,
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

-- -------------------------------------------------------------- Kantata

local function find_status(text)
  local key, found = id_of(text), {}
  for _, each in ipairs(statuses) do
    if each.key == key or each.message == text then
      found[#found + 1] = each
    end
  end
  if #found == 1 then return found[1] end
  if #found == 0 then return nil, sentence("there is no status '%s'", text) end
  local keys = {}
  for i, each in ipairs(found) do
    keys[i] = ("%d (%s)"):format(each.key, each.color)
  end
  return nil, sentence("several statuses are called '%s': name one by its " ..
                       "key: %s", text, table.concat(keys, ", "))
end

function find.kantata(client, parsed)
  local id = id_of(parsed.story)
  if not id then return nil, sentence("'%s' is no project's id",
                                      parsed.story) end
  local to, err = find_status(parsed.to)
  if not to then return nil, err end
  local project
  project, err = client.workspaces:get(id)
  if not project then return nil, err end
  return {
    item = project.id, to = to.key, to_name = to.message,
    name = project.title,
    is_there = project.status ~= nil and project.status.key == to.key,
  }
end

function send.kantata(client, found)
  return client.changes:create { workspace_id = found.item,
                                 to_status_key = found.to }
end

-- -------------------------------------------------------------- the move

local function tell(found, change, json)
  if json then
    screen.json { item = found.item, to = found.to,
                  moved = change ~= nil, change = change and change.id }
  elseif change then
    screen.say(("%s is in %s now (change %d)."):format(
      screen.clean(found.name), screen.clean(found.to_name), change.id))
  else
    screen.say(("%s is in %s already."):format(
      screen.clean(found.name), screen.clean(found.to_name)))
  end
  return exit_status.DONE
end

local function fail(err)
  if err.plain then
    screen.complain("%s", err.text)
    return exit_status.FAILED
  end
  return failure.tell(err)
end

local function check(parsed, service)
  if service == "kantata" and (parsed.comment or parsed.notify or
                               parsed.workflow) then
    screen.complain "Kantata takes no --comment, --notify or --workflow"
    return false
  end
  return true
end

function command.run(parsed)
  local service = connect.service(parsed)
  if not check(parsed, service) then return exit_status.USAGE end
  local self, code = job.new(parsed)
  if not self then return code end
  local found, err = self:read(function(client)
    return find[service](client, parsed)
  end)
  if not found then return fail(err) end
  if found.is_there then return tell(found, nil, parsed.json) end
  local agreed
  agreed, code = confirm.ask(parsed, ("Move %s to %s?"):format(
    screen.clean(found.name), screen.clean(found.to_name)))
  if not agreed then return code end
  local change
  change, err = self:read(function(client)
    return send[service](client, found, parsed)
  end)
  if not change then return failure.tell(err) end
  return tell(found, change, parsed.json)
end

return command
