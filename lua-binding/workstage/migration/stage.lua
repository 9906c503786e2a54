--- A stage's attributes as blueprints say them and as the API does.
--
-- In a plan a stage is named by a reference: its id where it exists, its
-- name where the plan creates it.
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

--- What a stage has unless it is told otherwise.
function attributes.of_new(name, color)
  local stage = { name = name, color = color, workflow_stage_ids = {},
                  space_role_ids = {}, user_ids = {}, after_publish_id = false,
                  allow_all_stages = false,
                  allow_none_for_next_stages = false }
  for _, flag in ipairs(attributes.flags) do stage[flag] = false end
  return stage
end

--- The attributes of a stage as the service answered it: `false` in place of
-- what is null or missing, arrays copied.
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

--- Whether an array has a value.
function attributes.contains(list, value)
  for _, item in ipairs(list) do
    if item == value then return true end
  end
  return false
end

--- Whether a stage lets items go on to another.
-- @tparam table state its attributes
-- @tparam integer|string ref the other's reference
function attributes.leads_to(state, ref)
  if state.allow_none_for_next_stages then return false end
  return state.allow_all_stages or
         attributes.contains(state.workflow_stage_ids, ref)
end

--- Whether two values of an attribute mean the same.
function attributes.equal(name, a, b)
  if type(a) == "table" and type(b) == "table" then
    return sets.equal(a, b)
  end
  if name == "color" and type(a) == "string" and type(b) == "string" then
    return a:lower() == b:lower()
  end
  return (a or false) == (b or false)
end

-- Which stages may come next, as three attributes of the API.
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

--- What a stage is to have: `current` (attributes; nil for a new stage)
-- changed by its description.
-- @tparam table described a stage of a blueprint
-- @tparam ?table current
-- @tparam table context `ref_of(name)`, `survives(ref)`, `roles`, `users`
function attributes.target(described, current, context)
  local target = attributes.of_new(described.name, described.color)
  for name, value in pairs(current or {}) do target[name] = value end
  target.name = described.name
  target.color = described.color or target.color
  for _, flag in ipairs(attributes.flags) do
    if described[flag] ~= nil then target[flag] = described[flag] end
  end
  local kept = {}
  for _, ref in ipairs(target.workflow_stage_ids) do
    if context.survives(ref) then kept[#kept + 1] = ref end
  end
  target.workflow_stage_ids = kept
  set_next(target, described.next, context.ref_of)
  if described.after_publish ~= nil then
    target.after_publish_id = described.after_publish and
                              context.ref_of(described.after_publish)
  elseif target.after_publish_id and
         not context.survives(target.after_publish_id) then
    target.after_publish_id = false
  end
  if described.roles then
    target.space_role_ids = ids_of(described.roles, context.roles)
  end
  if described.users then
    target.user_ids = ids_of(described.users, context.users)
  end
  return target
end

--- The attributes in which two differ, position left out: name -> the value
-- of `target`. nil when there are none.
function attributes.changes(current, target)
  local changes
  for _, name in ipairs(attributes.all) do
    local ignored = name == "position" or
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
  if body.position == false then body.position = nil end
  return body
end

return attributes
