--- The normal form of a Kantata blueprint: moves between statuses, by key.
local core = require "workstage.core"
local types = require "workstage.migration.blueprint.types"
local statuses = require "workstage.statuses"

local kantata = {}

-- --------------------------------------------------------------- statuses

local by_key, messages = {}, {}
for i, status in ipairs(statuses) do
  by_key[status.key], messages[i] = status, status.message
end

--- The status of a key.
function kantata.status(key)
  return by_key[key]
end

local function described(status)
  return ("%d (%s)"):format(status.key, status.color)
end

local function find(at, message, color)
  local found, keys = {}, {}
  for _, status in ipairs(statuses) do
    if status.message == message and (not color or status.color == color)
    then
      found[#found + 1], keys[#keys + 1] = status, described(status)
    end
  end
  if #found == 1 then return found[1].key end
  local name = color and ("%s' in '%s"):format(message, color) or message
  if #found > 1 then
    at:fail(("%d statuses are named '%s': give the key or the colour: %s")
            :format(#found, name, table.concat(keys, ", ")))
  end
  local near = core.nearest(messages, message)
  at:fail(("no status is named '%s'%s"):format(name, near and
    near ~= message and (", did you mean '%s'?"):format(near) or ""))
end

-- A status: its key, its message, or { message, colour }.
local function status(at)
  local value = at.value
  local key = type(value) == "number" and math.tointeger(value)
  if key and by_key[key] then return key end
  if type(value) == "number" then
    at:fail(("no status has the key %s"):format(value))
  elseif type(value) == "string" then
    return find(at, types.text(at))
  elseif type(value) ~= "table" then
    at:expect "a status: its key, its message or { message, colour }"
  elseif value[1] ~= nil then
    local pair = types.names(at)
    if #pair ~= 2 then at:fail "expected { message, colour }" end
    return find(at, pair[1], pair[2])
  end
  local named = types.record(at, "a status", {
    { "message", types.text, true }, { "color", types.text },
  })
  return find(at, named.message, named.color)
end

-- ------------------------------------------------------------------ where

local workspace, workspace_names, texts, text_names = {}, {}, {}, {}
for _, schema in ipairs(core.schemas()) do
  for _, field in ipairs(schema.name == "kantata.workspace" and
                         schema.fields or {}) do
    if not field.write_only and field.type ~= "object" then
      workspace[field.name] = field.type
      workspace_names[#workspace_names + 1] = field.name
    end
    if field.type == "string" or field.type == "time" then
      texts[field.name] = true
      text_names[#text_names + 1] = field.name
    end
  end
end
workspace_names[#workspace_names + 1] = "prefix"

local status_hint = "use `from`"
local where_hints = { status = status_hint, status_key = status_hint }

local function any_text(at)
  return at.value == "" and "" or types.text(at)
end

local readers = { id = types.id, boolean = types.flag, string = any_text,
                  time = any_text }

local function one_or_several(at, read)
  if type(at.value) ~= "table" then return read(at) end
  return types.array(at, "a value or a list of values", read)
end

local function prefixes(at)
  if type(at.value) ~= "table" then at:expect "a table, field = text" end
  local result = {}
  for _, key in ipairs(at:keys()) do
    if not texts[key] then at:unknown(key, "field of texts", text_names) end
    result[key] = types.text(at:at(key))
  end
  return result
end

local function where(at)
  if type(at.value) ~= "table" then at:expect "a table, field = value" end
  local result = {}
  for _, key in ipairs(at:keys()) do
    if key == "prefix" then result.prefix = prefixes(at:at(key))
    elseif workspace[key] then
      result[key] = one_or_several(at:at(key), readers[workspace[key]])
    else
      at:unknown(key, "field", workspace_names, where_hints)
    end
  end
  return result
end

-- -------------------------------------------------------------- the whole

--- A move's attributes in the order in which they are written.
kantata.move = {
  { "from", status, true }, { "where", where }, { "to", status, true },
}

local hints = {
  notify = "a change in Kantata has only a project and a status",
}
hints.comment, hints.due_date = hints.notify, hints.notify
hints.assign, hints.release_id = hints.notify, hints.notify

local function move(at)
  return types.record(at, "a move, { from =, to =, where = }", kantata.move,
                       hints)
end

local function moves(at) return types.array(at, "a list of moves", move) end

local fixed = "Kantata's statuses are fixed, a blueprint moves between them"
local top_hints = { stages = fixed, workflow = fixed, default = fixed,
                    content_types = fixed }

--- Reads a blueprint for Kantata.
-- @tparam table at its location
-- @treturn table the blueprint in normal form
function kantata.read(at)
  local blueprint = types.record(at, "a blueprint", {
    { "version", types.data }, { "service", types.text },
    { "moves", moves },
  }, top_hints)
  return { service = "kantata", moves = blueprint.moves or {} }
end

return kantata
