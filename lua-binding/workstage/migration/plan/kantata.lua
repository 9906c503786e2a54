--- Plans a migration of a Kantata OX account: which projects get another
-- status. Sends only GETs. The service has no filter by status, so all
-- projects are read and filtered here.
local move_kind = require "workstage.migration.operations".kinds.move
local paging = require "workstage.paging"
local state = require "workstage.migration.state"
local statuses = require "workstage.statuses"
local visible = require "workstage.visible"
local formatted = require "workstage.visible".format

local PER_PAGE = 200

-- How many projects a note names.
local MAX_NAMED = 10

local function starts_with(value, prefix)
  return type(value) == "string" and value:sub(1, #prefix) == prefix
end

local function is_one_of(value, wanted)
  if type(wanted) ~= "table" then return value == wanted end
  for _, each in ipairs(wanted) do
    if value == each then return true end
  end
  return false
end

-- Archived projects match only rules that ask for them.
local function matches(workspace, where)
  if workspace.archived and (not where or where.archived == nil) then
    return false
  end
  for field, wanted in pairs(where or {}) do
    if field == "prefix" then
      for name, prefix in pairs(wanted) do
        if not starts_with(workspace[name], prefix) then return false end
      end
    elseif not is_one_of(workspace[field], wanted) then
      return false
    end
  end
  return true
end

-- Archived projects are read only if a rule asks for them.
local function asks_archived(moves)
  for _, move in ipairs(moves) do
    if move.where and move.where.archived ~= nil then return true end
  end
  return false
end

local function label(key)
  for _, status in ipairs(statuses) do
    if status.key == key then
      return formatted("%q (%s, %d)", status.message, status.color, key)
    end
  end
  return tostring(key)
end

-- The index of the first move that matches a project; nil if none does.
local function move_for(workspace, moves)
  for i, move in ipairs(moves) do
    if workspace.status.key == move.from and matches(workspace, move.where)
    then
      return i
    end
  end
end

local function matches_any(workspace, moves)
  for _, move in ipairs(moves) do
    if matches(workspace, move.where) then return true end
  end
  return false
end

-- Adds a project to the items of its move, or to those whose status the
-- service does not show.
local function sort_in(found, workspace, moves)
  if not workspace.status then
    if matches_any(workspace, moves) then
      table.insert(found.unknown, workspace)
    end
    return
  end
  local index = move_for(workspace, moves)
  if not index then return end
  table.insert(found.items[index], workspace.id)
  if workspace.archived then found.archived = found.archived + 1 end
end

-- Reads in an order that moves do not change: by default the service sorts by
-- the time of the last update.
local function find_items(account, moves)
  local found = { items = {}, unknown = {}, archived = 0 }
  for i in ipairs(moves) do found.items[i] = {} end
  local archived = asks_archived(moves) and "include" or nil
  local sweep = paging.sweep(function(number, per_page)
    return account.workspaces:page {
      page = number, per_page = per_page or PER_PAGE, archived = archived,
      order = "created_at:asc",
    }
  end, true)
  while true do
    local fresh, err = sweep:next()
    if fresh == nil then return nil, err end
    if not fresh then return found end
    for _, workspace in ipairs(fresh) do sort_in(found, workspace, moves) end
  end
end

local function unknown_note(unknown)
  local names = {}
  for i = 1, math.min(#unknown, MAX_NAMED) do
    names[i] = ("%s (%d)"):format(visible.quoted(tostring(unknown[i].title)),
                                  unknown[i].id)
  end
  if #unknown > MAX_NAMED then names[#names + 1] = "..." end
  local what = #unknown == 1 and "1 project is not moved: its" or
               ("%d projects are not moved: their"):format(#unknown)
  return ("%s status is not shown to this user: %s"):format(
    what, table.concat(names, ", "))
end

local function archived_note(count)
  return ("%s archived: the service may refuse to change an archived " ..
          "project's status"):format(
            count == 1 and "1 project is" or count .. " projects are")
end

local function add_notes(notes, found)
  if #found.unknown > 0 then
    notes[#notes + 1] = unknown_note(found.unknown)
  end
  if found.archived > 0 then
    notes[#notes + 1] = archived_note(found.archived)
  end
end

--- Reads the account and plans.
-- @tparam table account
-- @tparam table blueprint normalized
-- @treturn[1] table `state` (empty), `operations`, `rules`, `notes`
-- @treturn[2] nil
-- @treturn[2] table the error
return function(account, blueprint)
  local operations, rules, notes = {}, {}, {}
  local found, err = find_items(account, blueprint.moves)
  if not found then return nil, err end
  local items = found.items
  for i, move in ipairs(blueprint.moves) do
    rules[i] = { from = move.from, to = move.to }
    if #items[i] > 0 and move.from ~= move.to then
      operations[#operations + 1] = move_kind.new({
        from = move.from, to = move.to, from_name = label(move.from),
        to_name = label(move.to), set = {}, count = #items[i],
        items = items[i],
      }, i)
    elseif #items[i] == 0 then
      notes[#notes + 1] = ("moves[%d]: no project matches: %s -> %s"):format(
        i, label(move.from), label(move.to))
    end
  end
  add_notes(notes, found)
  return { state = state.new(), operations = operations, rules = rules,
           notes = notes }
end
