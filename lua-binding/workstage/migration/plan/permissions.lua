--- Finds stages from which fewer people may move items after a plan, so that
-- whoever approves it sees who will be locked out. Pure functions.
local state = require "workstage.migration.state"
local words = require "workstage.migration.operations.render"

local permissions = {}

local FLAGS = { { "allow_admin_change", "admins" },
                { "allow_editor_change", "editors" } }

local MEMBERS = { { "space_role_ids", "role" }, { "user_ids", "user" } }

-- If a new stage sets no permissions, the service allows everybody.
local function is_set(value, default)
  if value == nil then return default end
  return value and true or false
end

-- Who may move items out of a stage that does not allow everyone: an array of
-- { key, text }.
local function groups_of(stage, names)
  local groups = {}
  local function add(key, text)
    groups[#groups + 1] = { key = key, text = text }
  end
  for _, flag in ipairs(FLAGS) do
    if is_set(stage[flag[1]], true) then add(flag[1], flag[2]) end
  end
  for _, kind in ipairs(MEMBERS) do
    local name = names.of(kind[1], tostring)
    for _, id in ipairs(stage[kind[1]] or {}) do
      add(kind[1] .. id, kind[2] .. " " .. name(id))
    end
  end
  return groups
end

local function is_for_everyone(stage)
  return is_set(stage.allow_all_users, true)
end

-- Those of `groups` that `others` lack.
local function lost(groups, others)
  local has, rest = {}, {}
  for _, group in ipairs(others) do has[group.key] = true end
  for _, group in ipairs(groups) do
    if not has[group.key] then rest[#rest + 1] = group end
  end
  return rest
end

-- "admins, editors and role "Legal team"".
local function enumerate(groups)
  local texts = {}
  for i, group in ipairs(groups) do texts[i] = group.text end
  local last = table.remove(texts)
  if #texts == 0 then return last end
  return table.concat(texts, ", ") .. " and " .. last
end

local NEW, CHANGED = "the new stage %s", "stage %s from now on"

-- `where` is one of these two.
local function only(groups, stage, where)
  local who = #groups > 0 and "Only " .. enumerate(groups) or
              "No user or role"
  return ("%s may move items out of %s."):format(
    who, where:format(words.quoted(stage.name)))
end

local function of_new(stage, names)
  if is_for_everyone(stage) then return nil end
  return only(groups_of(stage, names), stage, NEW)
end

local function of_changed(before, after, names)
  if is_for_everyone(after) then return nil end
  local now = groups_of(after, names)
  if is_for_everyone(before) then return only(now, after, CHANGED) end
  local gone = lost(groups_of(before, names), now)
  if #gone == 0 then return nil end
  if #now == 0 then return only(now, after, CHANGED) end
  return ("Fewer people may move items out of stage %s: %s can no longer.")
    :format(words.quoted(after.name), enumerate(gone))
end

--- Says where fewer people than before will be allowed to move items out of
-- a stage, and where a new stage does not allow everyone.
-- @tparam table before the state
-- @tparam table after the state at the end of a plan
-- @tparam table names as `describe.names` returns them
-- @treturn table array of sentences
function permissions.narrowed(before, after, names)
  local changes, found = state.changed_stages(before, after), {}
  for _, ref in ipairs(changes.changed) do
    found[#found + 1] = of_changed(before.stages[ref], after.stages[ref],
                                   names)
  end
  for _, ref in ipairs(changes.added) do
    found[#found + 1] = of_new(after.stages[ref], names)
  end
  return found
end

return permissions
