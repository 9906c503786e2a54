--- The roles and users that a blueprint names, as ids of the space.
local near_name = require "workstage.near_name"
local quoted = require "workstage.visible".quoted
local space = require "workstage.migration.space"

local members = {}

local function collect(used, names)
  for _, name in ipairs(names or {}) do
    if not used[name] then
      used[name] = true
      used[#used + 1] = name
    end
  end
end

-- The names of a kind in the stages and moves of a blueprint: an array, and a
-- set by name.
local function names_used(described, moves, kind)
  local used = {}
  for _, workflow in ipairs(described) do
    for _, stage in ipairs(workflow.value.stages or {}) do
      collect(used, stage[kind])
    end
  end
  for _, move in ipairs(moves) do
    collect(used, (move.assign or {})[kind])
  end
  return used
end

local function problem_with(name, what, id, is_invited)
  if is_invited then
    return ("the user %s is invited and has not joined the space yet (name " ..
            "another with map_user)"):format(quoted(name))
  end
  return ("the space has %s %s %s (name another with map_%s)"):format(
    id == nil and "no" or "more than one", what, quoted(name), what)
end

-- Resolves the names in use to ids; adds missing and ambiguous names to the
-- problems.
local function resolve(used, what, map, found, problems)
  local resolved, ids = {}, found.ids
  for _, name in ipairs(used) do
    local there = map[name] or name
    resolved[name] = ids[there] or nil
    if not ids[there] then
      problems[#problems + 1] = problem_with(there, what, ids[there],
                                             found.invited[there])
    end
  end
  return resolved
end

-- True if a described stage sets its members and an existing stage has some.
local function are_set(described, each)
  local is_set, has_some = false, false
  for _, workflow in ipairs(described) do
    for _, stage in ipairs(workflow.value.stages or {}) do
      is_set = is_set or stage[each.kind] ~= nil
    end
    for _, stage in ipairs(workflow.stages) do
      has_some = has_some or #stage[each.attribute] > 0
    end
  end
  return is_set and has_some
end

-- The members of a kind: { ids, names (nil if they were not read), invited };
-- nil and the error.
local function read_members(client, each, used, described)
  if #used == 0 and not are_set(described, each) then
    return { ids = {}, invited = {} }
  end
  local ids, names, invited = each.read(client)
  if not ids then return nil, names end
  return { ids = ids, names = names, invited = invited or {} }
end

-- Mapped names that are not used are probably misspelt.
local function note_unused(used, what, map, notes)
  local unused = {}
  for name in pairs(map) do
    if not used[name] then unused[#unused + 1] = name end
  end
  table.sort(unused)
  for _, name in ipairs(unused) do
    notes[#notes + 1] = ("map_%s: nothing in the blueprint names the %s %s.%s")
      :format(what, what, quoted(name), near_name(name, used))
  end
end

local KINDS = {
  { kind = "roles", what = "role", attribute = "space_role_ids",
    read = space.roles },
  { kind = "users", what = "user", attribute = "user_ids",
    read = space.users },
}

--- Resolves the names of roles and users. Reads those of the space only if the
-- blueprint names or removes some.
-- @tparam table client
-- @tparam table described the workflows, see `plan/described`
-- @tparam table moves
-- @tparam table options `map_role`, `map_user`: name -> name in the space
-- @tparam table problems gets what cannot be resolved
-- @tparam table notes gets unused mappings
-- @treturn[1] table `roles`, `users`: name -> id; `members`: attribute -> id
--   -> name of all in the space, if they were read
-- @treturn[2] nil
-- @treturn[2] table the error
function members.resolve(client, described, moves, options, problems, notes)
  local context = { members = {} }
  for _, each in ipairs(KINDS) do
    local used = names_used(described, moves, each.kind)
    local map = options["map_" .. each.what] or {}
    local found, err = read_members(client, each, used, described)
    if not found then return nil, err end
    context.members[each.attribute] = found.names
    context[each.kind] = resolve(used, each.what, map, found, problems)
    note_unused(used, each.what, map, notes)
  end
  return context
end

-- The names of a kind by their ids: those that the blueprint uses, and those
-- of members that stages of the space have, as far as they were read.
local function names_of(each, context, state)
  local names, known = {}, context.members[each.attribute] or {}
  for _, stage in pairs(state.stages) do
    for _, id in ipairs(stage[each.attribute] or {}) do
      names[id] = known[id]
    end
  end
  for name, id in pairs(context[each.kind]) do names[id] = name end
  return names
end

--- The roles and users to which a plan refers by id.
-- @tparam table context as `resolve` returns it
-- @tparam table state of the space
-- @treturn table array of { kind, id, name }
function members.list(context, state)
  local list = {}
  for _, each in ipairs(KINDS) do
    for id, name in pairs(names_of(each, context, state)) do
      list[#list + 1] = { kind = each.kind, id = id, name = name }
    end
  end
  table.sort(list, function(a, b)
    if a.name ~= b.name then return a.name < b.name end
    return a.kind < b.kind
  end)
  return list
end

return members
