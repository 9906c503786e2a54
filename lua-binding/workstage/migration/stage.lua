--- Converts a stage's attributes between blueprint and API form.
--
-- In a plan a stage is named by a reference: its id where it exists, its
-- name where the plan creates it.
local colors = require "workstage.migration.colors"
local sets = require "workstage.sets"

local attributes = {}

--- The flags of a stage, in the order in which they are shown.
attributes.flags = {
  "is_default", "allow_publish", "allow_admin_publish", "allow_all_users",
  "allow_admin_change", "allow_editor_change", "story_editing_locked",
  "auto_remove_assignee",
}

--- All attributes that an update sends.
attributes.all = {
  "name", "color", "position", "is_default", "allow_publish",
  "allow_admin_publish", "allow_all_users", "allow_admin_change",
  "allow_editor_change", "story_editing_locked", "auto_remove_assignee",
  "allow_all_stages", "allow_none_for_next_stages", "workflow_stage_ids",
  "after_publish_id", "space_role_ids", "user_ids",
}

--- The attributes of a stage as the service returned it: `false` for null or
-- missing ones, arrays copied.
function attributes.of_stage(stage)
  local copy = { id = stage.id }
  for _, name in ipairs(attributes.all) do
    local value = stage[name]
    if type(value) == "table" then
      value = table.move(value, 1, #value, 1, {})
    end
    copy[name] = value or false
  end
  for _, name in ipairs { "workflow_stage_ids", "space_role_ids",
                          "user_ids" } do
    copy[name] = copy[name] or {}
  end
  return copy
end

--- The next stages of a stage; empty if it has no transitions or they are not
-- known.
-- @tparam table state its attributes
-- @treturn table array of references
function attributes.next_of(state)
  if state.allow_none_for_next_stages then return {} end
  return state.workflow_stage_ids or {}
end

--- True if a stage has a transition to another.
-- @tparam table state its attributes
-- @tparam integer|string ref the other's reference
function attributes.leads_to(state, ref)
  if state.allow_none_for_next_stages then return false end
  return state.allow_all_stages or
         sets.has(attributes.next_of(state), ref)
end

--- True if two values of an attribute are equivalent.
function attributes.equal(name, a, b)
  if type(a) == "table" and type(b) == "table" then
    return sets.equal(a, b)
  end
  if name == "color" and type(a) == "string" and type(b) == "string" then
    return colors.key(a) == colors.key(b)
  end
  return (a or false) == (b or false)
end

-- The stages that may come next, as three attributes of the API.
local function set_next(target, next_stages, ref_of)
  if next_stages == nil then return end
  local is_all, is_none = next_stages == "all", next_stages == "none"
  target.allow_all_stages = is_all
  target.allow_none_for_next_stages = is_none
  if is_all then return end
  target.workflow_stage_ids = {}
  if is_none then return end
  for i, name in ipairs(next_stages) do
    target.workflow_stage_ids[i] = ref_of(name)
  end
end

local function ids_of(names, map)
  local ids = {}
  for i, name in ipairs(names) do ids[i] = map[name] end
  return ids
end

-- Removes references to stages that will be deleted.
local function drop_deleted(target, survives)
  if target.workflow_stage_ids then
    target.workflow_stage_ids = sets.filter(target.workflow_stage_ids, survives)
  end
  if target.after_publish_id and not survives(target.after_publish_id) then
    target.after_publish_id = false
  end
end

-- Sets the attributes that the description has.
local function set_described(target, described, context)
  target.name = described.name
  target.color = described.color or target.color
  for _, flag in ipairs(attributes.flags) do
    if described[flag] ~= nil then target[flag] = described[flag] end
  end
  set_next(target, described.next, context.ref_of)
  if described.after_publish ~= nil then
    target.after_publish_id = described.after_publish and
                              context.ref_of(described.after_publish)
  end
  if described.roles then
    target.space_role_ids = ids_of(described.roles, context.roles)
  end
  if described.users then
    target.user_ids = ids_of(described.users, context.users)
  end
end

-- Keeps the current list if the target would only remove unknown ids from it.
local function keep_list(target, current, name, is_known)
  local list = target[name]
  if list and sets.equal(sets.filter(list, is_known),
                         sets.filter(current[name], is_known)) then
    target[name] = current[name]
  end
end

-- A stage may refer to stages, roles and users that do not exist. A blueprint
-- cannot name them, so they are kept as long as nothing else changes.
local function keep_unknown(target, current, context)
  local is_known = context.is_known
  keep_list(target, current, "workflow_stage_ids", is_known)
  for name, members in pairs(context.members or {}) do
    keep_list(target, current, name, function(id) return members[id] end)
  end
  local publish = current.after_publish_id
  if not target.after_publish_id and publish and not is_known(publish) then
    target.after_publish_id = publish
  end
end

local NOT_INHERITED = { name = true, color = true, is_default = true,
                        position = true }

--- The attributes that a stage will have: `current` changed by its
-- description. For a new stage only those that the description sets; the
-- service decides the rest.
-- @tparam table described a stage of a blueprint
-- @tparam ?table current its attributes; nil for a new stage
-- @tparam table context `ref_of(name)`, `survives(ref)`, `is_known(ref)` (of a
--   stage that there is; nil: all are), `roles`, `users`, `members`
--   (attribute -> set of the ids that the space has; nil: all)
-- @tparam ?table model the attributes of the stage that it inherits from
function attributes.target(described, current, context, model)
  local target = {}
  for _, name in ipairs(attributes.all) do
    target[name] = (current or {})[name]
    if model and not NOT_INHERITED[name] then target[name] = model[name] end
  end
  -- a stage that inherits does not get a transition to itself from its model
  local own = model and context.ref_of(described.name)
  if not current and described.next == "all" then
    target.workflow_stage_ids = {}
  end
  drop_deleted(target, function(ref)
    return ref ~= own and context.survives(ref)
  end)
  set_described(target, described, context)
  if current and context.is_known then
    keep_unknown(target, current, context)
  end
  return target
end

--- The attributes in which two stages differ, except the position and those
-- that the target leaves open: name -> the value of `target`. nil if there are
-- none.
function attributes.changes(current, target)
  local changes
  for _, name in ipairs(attributes.all) do
    local ignored = name == "position" or target[name] == nil or
      (name == "workflow_stage_ids" and current.allow_all_stages and
       target.allow_all_stages)
    if not ignored and
       not attributes.equal(name, current[name], target[name]) then
      changes = changes or {}
      changes[name] = target[name]
    end
  end
  return changes
end

--- The body of a request from attributes whose references are all ids.
function attributes.body(values, null)
  local body = {}
  for _, name in ipairs(attributes.all) do body[name] = values[name] end
  if body.after_publish_id == false then body.after_publish_id = null end
  for _, name in ipairs { "position", "color" } do
    if body[name] == false then body[name] = nil end
  end
  return body
end

return attributes
