--- Plans a migration of a Kantata OX account: which projects get another
-- status. Reads only. The service has no filter by status: all projects are
-- read, and chosen from.
local paging = require "workstage.paging"
local statuses = require "workstage.statuses"

local PER_PAGE = 200

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

-- Archived projects belong to rules alone that ask about them.
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

-- Archived projects are read only where a rule asks about them.
local function asks_archived(moves)
  for _, move in ipairs(moves) do
    if move.where and move.where.archived ~= nil then return true end
  end
  return false
end

local function label(key)
  for _, status in ipairs(statuses) do
    if status.key == key then
      return ("%q (%s, %d)"):format(status.message, status.color, key)
    end
  end
  return tostring(key)
end

local function list_items(account, moves, items)
  local archived = asks_archived(moves) and "include" or nil
  local sweep = paging.sweep(function(number, per_page)
    return account.workspaces:page {
      page = number, per_page = per_page or PER_PAGE, archived = archived,
    }
  end, true)
  while true do
    local fresh, err = sweep:next()
    if fresh == nil then return nil, err end
    if not fresh then return true end
    for _, workspace in ipairs(fresh) do
      local key = workspace.status and workspace.status.key
      for i, move in ipairs(moves) do
        if key == move.from and matches(workspace, move.where) then
          table.insert(items[i], workspace.id)
          break
        end
      end
    end
  end
end

--- Reads the account and plans.
-- @tparam table account
-- @tparam table blueprint normalized
-- @treturn[1] table `structure` (empty), `operations`, `rules`, `effects`,
--   `notes`
-- @treturn[2] nil
-- @treturn[2] table the error
return function(account, blueprint)
  local items, operations, rules, total, notes = {}, {}, {}, 0, {}
  for i in ipairs(blueprint.moves) do items[i] = {} end
  local listed, err = list_items(account, blueprint.moves, items)
  if not listed then return nil, err end
  for i, move in ipairs(blueprint.moves) do
    rules[i] = { from = move.from, to = move.to }
    if #items[i] > 0 and move.from ~= move.to then
      total = total + #items[i]
      operations[#operations + 1] = {
        op = "move", rule = i, from = move.from, to = move.to,
        from_name = label(move.from), to_name = label(move.to), set = {},
        count = #items[i], items = items[i],
      }
    elseif #items[i] == 0 then
      notes[#notes + 1] = ("moves[%d]: no project matches: %s -> %s"):format(
        i, label(move.from), label(move.to))
    end
  end
  return { structure = { stages = {} }, operations = operations,
           rules = rules, notes = notes,
           effects = { notifications = total } }
end
