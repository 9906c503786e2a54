--- What shows that a POST took effect although its answer was lost, for each
-- kind of object. Each function takes the resource, what was sent, and
-- whether this client had listed all there was by then. It returns what
-- `reconcile.post` asks for: the object; nil when it does not show; nil and why
-- when it cannot be told.
local core = require "workstage.core"
local resource = require "workstage.resource"
local sets = require "workstage.sets"
local reconcile = require "workstage.reconcile"
local time = require "workstage.time"

local evidence = {}

local function is_claimed(self, item)
  return reconcile.remembered(self.transport, self.class.name, item.id) ~= nil
end

-- One match is the effect; several cannot be told apart.
local function only_one(self, matches)
  if #matches > 1 then
    return nil, ("%d %ss match it"):format(#matches, self.class.one)
  end
  local found = matches[1]
  if found then
    reconcile.remember(self.transport, self.class.name, found.id)
  end
  return found
end

-- The changes of a list that match, were made since the first send, and are
-- no other request's.
local function since_then(self, lost, list, is_match)
  local matches = {}
  for _, change in ipairs(list) do
    if is_match(change) and not is_claimed(self, change) then
      local covered = lost:covers(time.parse(change.created_at))
      if covered == nil then
        return nil, "the service's answers name no times"
      end
      if covered then matches[#matches + 1] = change end
    end
  end
  return matches
end

-- Whose token it is; asked once. false where the service does not say: then
-- users are not compared. nil, err when it could not be asked.
local function own_user(self, lost)
  local transport = self.transport
  if transport.user_id == nil then
    local value, call = transport:fetch("GET", "/v1/users/me", nil, nil,
                                        lost:options())
    if not value and reconcile.is_transient(call) then return nil, call end
    local user = value and type(value.user) == "table" and
                 core.coerce(value.user, core.schema "storyblok.user", "user")
    if value then call:close() end
    transport.user_id = user and user.id or false
  end
  return transport.user_id
end

--- Storyblok: a change to that stage on that story since the first send, by
-- the token's own user.
function evidence.storyblok_change(self, attributes)
  return function(lost)
    local story = math.tointeger(attributes.story_id)
    local stage = math.tointeger(attributes.workflow_stage_id)
    local list, err = resource.all(self, { with_story = story },
                                   lost:options())
    if not list then return nil, err end
    local matches, why = since_then(self, lost, list, function(change)
      return change.workflow_stage_id == stage
    end)
    if not matches or #matches == 0 then return nil, why end
    local user, own = own_user(self, lost)
    if user == nil then return nil, own end
    own = {}
    for _, change in ipairs(matches) do
      if (not user or not change.user_id or change.user_id == user) and
         not is_claimed(self, change) then
        own[#own + 1] = change
      end
    end
    return only_one(self, own)
  end
end

-- ---------------------------------------------------------------- stages

local UNCOMPARED = { position = true, update_position = true,
                     workflow_id = true, workflow_stages = true }

local function same_list(sent, found)
  return type(found) == "table" and sets.equal(sent, found)
end

local function same(sent, found)
  if found == nil then return true end
  if type(sent) == "table" then return same_list(sent, found) end
  if type(sent) == "string" and type(found) == "string" then
    return sent:lower() == found:lower()
  end
  return sent == found
end

-- Whether an object holds what was sent; what the service leaves out of its
-- answer is not compared.
local function fits(attributes, object)
  for name, value in pairs(attributes) do
    if not UNCOMPARED[name] and type(name) == "string" and
       type(value) ~= "userdata" and not same(value, object[name]) then
      return false
    end
  end
  return true
end

-- Whether the object was there before the request was sent, as far as this
-- client has seen.
local function was_there(self, lost, object)
  local seen = reconcile.remembered(self.transport, self.class.seen, object.id)
  return seen ~= nil and seen < lost.first_sent
end

local function default_workflow(self, lost)
  local value, call, status, text = self.transport:fetch(
    "GET", self.prefix .. "/workflows", "is_default=true", nil,
    lost:options())
  if not value then return nil, call end
  call:close()
  local list = type(value.workflows) == "table" and value.workflows or {}
  for _, workflow in ipairs(list) do
    local object = core.coerce(workflow, core.schema "storyblok.workflow",
                              "workflow")
    if object and object.is_default then return object.id end
  end
  return nil, ("the default workflow is not listed (%d, %d bytes)")
              :format(status, #text)
end

--- Storyblok: the stage's name, which is unique in its workflow.
function evidence.storyblok_stage(self, attributes)
  local workflow = math.tointeger(attributes.workflow_id)
  return function(lost)
    local err
    if not workflow then
      workflow, err = default_workflow(self, lost)
      if not workflow then return nil, err end
    end
    local list
    list, err = resource.all(self, { in_workflow = workflow },
                             lost:options())
    if not list then return nil, err end
    for _, stage in ipairs(list) do
      if stage.name == attributes.name and
         not was_there(self, lost, stage) and not is_claimed(self, stage)
      then
        if fits(attributes, stage) then return only_one(self, { stage }) end
        return nil, "a stage of that name is there, with other attributes"
      end
    end
  end
end

-- ------------------------------------------------------------- workflows

-- A copy that was not given a name or content types may have any.
local function matches_workflow(attributes, workflow)
  return (attributes.name == nil or workflow.name == attributes.name) and
         (attributes.content_types == nil or
          same_list(attributes.content_types, workflow.content_types))
end

--- Storyblok: the one workflow of that name and those content types that was
-- not there before. Names may repeat, and nothing says when a workflow was
-- made: so a client that had not listed the workflows by then can only tell
-- when the first look does not show it and a later one does.
function evidence.storyblok_workflow(self, attributes, listed)
  return function(lost)
    local list, err = resource.all(self, nil, lost:options())
    if not list then return nil, err end
    local matches = {}
    for _, workflow in ipairs(list) do
      if matches_workflow(attributes, workflow) and
         not was_there(self, lost, workflow) and
         not is_claimed(self, workflow) then
        matches[#matches + 1] = workflow
      end
    end
    if #matches > 0 and not listed then
      return nil, "a workflow of that name may have been there before: " ..
                  "list the workflows first"
    end
    listed = true
    return only_one(self, matches)
  end
end

-- --------------------------------------------------------------- Kantata

-- A project that has the status although no change shows may have had it
-- before, or may show the change later.
local function check_status(self, lost, workspace, key)
  local value, call = self.transport:fetch(
    "GET", ("/workspaces/%d"):format(workspace), nil, nil, lost:options())
  if not value then return call end
  call:close()
  local all = type(value.workspaces) == "table" and value.workspaces or {}
  local found = all[("%d"):format(workspace)]
  local object = type(found) == "table" and
                 core.coerce(found, core.schema "kantata.workspace",
                            "workspace")
  if not object then return "the project cannot be read" end
  if object.status and object.status.key == key then
    return "the project has the status, but no change since then shows"
  end
end

--- Kantata: a change of that project to that key since the first send.
function evidence.kantata_change(self, attributes)
  local key = math.tointeger(attributes.to_status_key)
  local workspace = math.tointeger(attributes.workspace_id)
  return function(lost)
    local list, err = resource.all(self, {
      workspace_id = workspace, include = attributes.include,
    }, lost:options())
    if not list then return nil, err end
    local matches, why = since_then(self, lost, list, function(change)
      return change.to_status_key == key
    end)
    if not matches then return nil, why end
    if #matches == 0 and lost.is_last_check then
      return nil, check_status(self, lost, workspace, key)
    end
    return only_one(self, matches)
  end
end

return evidence
