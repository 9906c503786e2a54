--- Looks up the effect of a POST whose response was lost, for each kind of
-- object. Each function takes the resource and the request (see
-- `resource/post`) and returns a function of the lost request (see
-- `reconcile.resolve`), which returns the object; nil if it does not exist; nil
-- and the reason if that cannot be decided.
local core = require "workstage.core"
local reconcile = require "workstage.reconcile"
local lists = require "workstage.resource.lists"
local post = require "workstage.resource.post"
local rules = require "workstage.reconcile.rules"
local sets = require "workstage.sets"
local time = require "workstage.time"
local visible = require "workstage.visible"

local lookup = {}

local function memory_of(self) return self.transport.memory end

-- True if the client knows that an object belongs to another request, or
-- existed before this one was sent.
local function is_known(self, lost, object)
  local memory, kind = memory_of(self), self.class.name
  local seen_at = memory:seen_at(kind, object.id)
  return memory:is_claimed(kind, object.id) or
         (lost.first_sent ~= nil and seen_at ~= nil and
          seen_at < lost.first_sent)
end

-- Returns the only match, which is the effect; several are ambiguous.
local function only_one(self, matches)
  if #matches > 1 then
    return nil, ("%d %ss match it"):format(#matches, self.class.one)
  end
  local found = matches[1]
  if found then memory_of(self):claim(self.class.name, found.id) end
  return found
end

-- --------------------------------------------------------------- changes

-- Returns the id of the token's user, which is fetched once; false if it cannot
-- be known: then users are not compared; nil, err for a transient error.
local function own_user(self, lost)
  local transport = self.transport
  if transport.user_id == nil then
    local user, err = self.service.fetch_user(self, lost:options())
    if not user and reconcile.is_transient(err) then return nil, err end
    transport.user_id = user and user.id or false
  end
  return transport.user_id
end

-- Converts a list of changes for `rules.decide`. A change of an earlier run may
-- have been made by this client, which then knows it.
local function described(self, lost, request, list, user)
  local changes = {}
  for i, change in ipairs(list) do
    changes[i] = {
      object = change, stage = change[self.class.target],
      created = time.parse(change.created_at),
      is_own = not user or not change.user_id or change.user_id == user,
      is_taken = not request.is_of_earlier_run and
                 is_known(self, lost, change),
    }
  end
  return changes
end

-- True if a change could be the effect, regardless of who made it.
local function any_matches(changes, target)
  for _, change in ipairs(changes) do
    if change.stage == target and not change.is_taken then return true end
  end
  return false
end

-- True if another request for the same change is in flight: until it has ended,
-- a change cannot be attributed.
local function has_rival(self, request)
  return memory_of(self):is_in_flight(self.class.name, request.item,
                                      request.target)
end

-- Collects the facts for `rules.decide`.
local function facts_of(self, lost, request)
  local low, high = memory_of(self):offset()
  return {
    target = request.target, seen = request.seen, sent = lost.first_sent,
    now = core.now(), low = low, high = high, date_offset = lost.date_offset,
  }
end

-- Decides by a list of changes; claims the one that is found.
-- @return the verdict and the change or why; nil, err when reading failed
local function decide(self, lost, request, list)
  local facts = facts_of(self, lost, request)
  local changes = described(self, lost, request, list)
  if any_matches(changes, facts.target) then
    local user, err = own_user(self, lost)
    if user == nil then return nil, err end
    changes = described(self, lost, request, list, user)
    if has_rival(self, request) then
      return "unknown", "another request for the same is under way"
    end
  end
  local verdict, found = rules.decide(changes, facts)
  if verdict ~= "done" then return verdict, found end
  memory_of(self):claim(self.class.name, found.object.id)
  return verdict, found.object
end

-- Creates the function that `reconcile.resolve` calls. `list_changes` lists the
-- changes of the item; `why_hidden` returns a reason if an effect may not be
-- in that list.
local function change_finder(self, request, list_changes, why_hidden)
  return function(lost)
    local list, err = list_changes(lost)
    if not list then return nil, err end
    local verdict, found = decide(self, lost, request, list)
    if verdict == "done" then return found end
    if verdict ~= "not_done" then return nil, found end
    return nil, lost.is_last_check and why_hidden(lost) or nil
  end
end

--- Storyblok: a change of the story to the stage, by the token's user. Lists
-- are not proven to contain the changes of a release.
function lookup.storyblok_change(self, request)
  return change_finder(self, request, function(lost)
    return lists.all(self, { with_story = request.item }, lost:options())
  end, function()
    return request.release and "changes in a release may not be listed"
  end)
end

-- Returns a reason if the project has the status although no change shows: it
-- may have had it before, or the change may show later.
local function check_status(self, lost, workspace, key)
  local value, call = self.transport:fetch(
    "GET", ("/workspaces/%d"):format(workspace), "include_archived=true", nil,
    lost:options(), self.class.envelope)
  if not value then return call end
  call:close()
  local found = (value.workspaces or {})[("%d"):format(workspace)]
  if not found then return "the project cannot be read" end
  if found.status and found.status.key == key then
    return "the project has the status, but no change since then shows"
  end
end

-- Removes what was included only for this lookup.
local function without_user(list, wanted)
  for _, change in ipairs(list) do
    if not wanted then change.user = nil end
  end
  return list
end

--- Kantata: a change of the project to the status, by the token's user.
function lookup.kantata_change(self, request)
  local workspace = request.item
  local include, wants_user = { "user" }, false
  for _, name in ipairs(request.include or {}) do
    if name == "user" then wants_user = true
    else include[#include + 1] = name end
  end
  return change_finder(self, request, function(lost)
    local list, err = lists.all(self, {
      workspace_id = workspace, include = include }, lost:options())
    return list and without_user(list, wants_user), err
  end, function(lost)
    return check_status(self, lost, workspace, request.target)
  end)
end

-- ---------------------------------------------------------------- stages

local UNCOMPARED = { position = true, update_position = true,
                     workflow_id = true, workflow_stages = true }

local function same_list(sent, found)
  return type(found) == "table" and sets.equal(sent, found)
end

-- Converts ASCII to lower case; string.lower depends on the locale.
local function folded(text)
  return (text:gsub("[A-Z]", function(letter)
    return string.char(letter:byte() + 32)
  end))
end

local function same(sent, found)
  if found == nil then return true end
  if type(sent) == "table" then return same_list(sent, found) end
  if type(sent) == "string" and type(found) == "string" then
    return folded(sent) == folded(found)
  end
  return sent == found
end

-- True if an object has the attributes that were sent; those that the response
-- lacks are not compared.
local function fits(attributes, object)
  for name, value in pairs(attributes) do
    if not UNCOMPARED[name] and type(name) == "string" and
       type(value) ~= "userdata" and not same(value, object[name]) then
      return false
    end
  end
  return true
end

local workflows = core.envelope("workflows", "many",
                                core.schema "storyblok.workflow")

local function default_workflow(self, lost)
  local value, call, status = self.transport:fetch(
    "GET", self.prefix .. "/workflows", "is_default=true", nil,
    lost:options(), workflows)
  if not value then return nil, call end
  call:close()
  for _, workflow in ipairs(value.workflows or {}) do
    if workflow.is_default then return workflow.id end
  end
  return nil, ("the default workflow is not listed (%d)"):format(status)
end

--- Storyblok: the stage with that name, which is unique in its workflow.
function lookup.storyblok_stage(self, request)
  local attributes = request.sent
  local workflow = math.tointeger(attributes.workflow_id)
  return function(lost)
    local err
    if not workflow then
      workflow, err = default_workflow(self, lost)
      if not workflow then return nil, err end
    end
    local list
    list, err = lists.all(self, { in_workflow = workflow },
                             lost:options())
    if not list then return nil, err end
    for _, stage in ipairs(list) do
      if stage.name == attributes.name and not is_known(self, lost, stage) then
        if fits(attributes, stage) then return only_one(self, { stage }) end
        return nil, ("a stage named %s is there, with other attributes")
                    :format(visible.quoted(stage.name))
      end
    end
  end
end

-- ------------------------------------------------------------- workflows

-- True if a workflow has the given name and content types, if any are given.
local function matches_workflow(attributes, workflow)
  return (attributes.name == nil or workflow.name == attributes.name) and
         (attributes.content_types == nil or
          same_list(attributes.content_types, workflow.content_types))
end

--- Storyblok: the one new workflow with that name and those content types.
-- Names may repeat, and workflows have no date. So unless the client had listed
-- all workflows before, a workflow is only new if the first lookup does not
-- find it.
function lookup.storyblok_workflow(self, request)
  local listed = request.listed
  return function(lost)
    local list, err = lists.all(self, nil, lost:options())
    if not list then return nil, err end
    local matches = {}
    for _, workflow in ipairs(list) do
      if matches_workflow(request.sent, workflow) and
         not is_known(self, lost, workflow) then
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

--- Looks once, without waiting, for a change that an earlier run may have made.
-- When it was sent is unknown, so this relies on what was read before it.
function lookup.change(self, attributes, seen, opts)
  local request = { class = self.class, seen = seen,
                    is_of_earlier_run = true }
  post.note_change(request, attributes)
  local lost = reconcile.lost(opts.deadline)
  lost.is_last_check = true
  local found, why = self.class.lookup(self, request)(lost)
  if found then return "done", found end
  if why then return "unknown", why end
  return "not_done"
end

return lookup
