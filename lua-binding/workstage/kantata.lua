--- Kantata OX: workspace status changes, workspaces, statuses.
local client = require "workstage.client"
local core = require "workstage.core"
local errors = require "workstage.errors"
local lookup = require "workstage.reconcile.lookup"
local options = require "workstage.options"
local resource = require "workstage.resource"
local arguments = require "workstage.resource.arguments"
local fetch = require "workstage.resource.fetch"
local statuses = require "workstage.statuses"
local strict = require "workstage.strict"
local transport = require "workstage.transport"
local visible = require "workstage.visible"

local kantata = {}

-- ---------------------------------------------------- reading responses

-- Included objects: the field of each, and its collection.
local included = {
  { field = "user", id = "user_id", plural = "users" },
  { field = "workspace", id = "workspace_id", plural = "workspaces" },
}

-- The collections of a response, by their ids.
local envelope = core.envelope(
  "workspace_status_changes", "map", core.schema "kantata.change",
  "workspaces", "map", core.schema "kantata.workspace",
  "users", "map", core.schema "kantata.user")

-- Sets the fields of an object that refer to included objects.
local function put_included(object, value)
  for _, kind in ipairs(included) do
    local all, id = value[kind.plural], math.tointeger(object[kind.id])
    local found = id and type(all) == "table" and all[("%d"):format(id)]
    if type(found) == "table" and found ~= object then
      object[kind.field] = found
    end
  end
  return object
end

local function object_of(value, result)
  local all = value[result.key]
  local id = tostring(math.tointeger(result.id) or result.id)
  local object = type(all) == "table" and all[id]
  local name = ("%s.%s"):format(result.key, id)
  if type(object) ~= "table" then
    return nil, ("the results name %s, which is not there"):format(name)
  end
  if not object.id then return nil, name .. ".id: is missing" end
  return put_included(object, value)
end

local service = { per_page = 200, default_per_page = 20, kantata = true }

-- The largest count, and the largest page size, that are taken as meant.
local MOST, LONGEST = 1 << 53, 1000

function service.read_many(_, value)
  if not fetch.is_array(value.results) then
    return nil, "the response has no array 'results'"
  end
  local list = {}
  for i, result in ipairs(value.results) do
    if type(result) ~= "table" or type(result.key) ~= "string" then
      return nil, ("results[%d] names no object"):format(i)
    end
    local object, why = object_of(value, result)
    if not object then return nil, why end
    list[i] = object
  end
  local meta = type(value.meta) == "table" and value.meta or {}
  list.total = fetch.count(meta.count, 0, MOST) or
               fetch.count(value.count, 0, MOST)
  list.page = fetch.count(meta.page_number, 1, MOST)
  list.per_page = fetch.count(meta.page_size, 1, LONGEST)
  return list
end

function service.read_one(self, value, call)
  local list, why = service.read_many(self, value, call)
  if not list then return nil, why end
  if not list[1] then return nil, "the results of the response are empty" end
  return list[1]
end

-- Remembers that a change was seen.
local function remember_change(memory, change, at)
  memory:see("changes", change.id, at)
end

-- Remembers the status of a project. Projects have no date for it.
local function remember_workspace(memory, workspace, at)
  local status = workspace.status
  memory:read_item("workspaces", workspace.id, status and status.key, nil, at)
end

-- ------------------------------------------------------------ resources

local changes = resource.define {
  name = "changes", one = "change", path = "/workspace_status_changes",
  envelope = envelope,
  schema = "kantata.change", filter = "kantata.change_filter",
  get_filter = "kantata.get_filter", create_query = true,
  paged = true, needs_filter = true,
  lookup = lookup.kantata_change, remember = remember_change,
  item = "workspace_id", item_kind = "workspaces", target = "to_status_key",
  methods = { "list", "page", "each", "get", "create" },
}

local workspaces = resource.define {
  name = "workspaces", one = "workspace", path = "/workspaces",
  envelope = envelope,
  schema = "kantata.workspace", filter = "kantata.workspace_filter",
  paged = true, order = "created_at:asc", remember = remember_workspace,
  seen = "status",
  by_ids = { field = "only", keep = { "include" },
             set = { archived = "include", include_archived = true } },
  get_filter = "kantata.workspace_get_filter",
  get_again = { include_archived = true },
  methods = { "list", "page", "each", "get", "update" },
}

local users = resource.define {
  name = "users", one = "user", path = "/users/me", schema = "kantata.user",
  envelope = envelope,
  methods = {},
}

--- Fetches the token's user, for `reconcile.lookup`.
function service.fetch_user(self, call)
  return fetch.object({ class = users, transport = self.transport },
                        service.read_one, "GET", users.path, nil, nil, call)
end

-- ------------------------------------------------------------- statuses

local Statuses = { __name = "workstage.statuses" }
Statuses.__index = strict.index("ox.statuses", Statuses)

local function check_statuses(self, name)
  if getmetatable(self) ~= Statuses then
    error(("call it with a colon: statuses:%s(...)"):format(name), 3)
  end
end

local function copy(status)
  return { key = status.key, message = status.message,
           color = status.color }
end

--- Returns all statuses of Kantata: `key`, `message`, `color`.
-- @treturn table an array
function Statuses:list()
  check_statuses(self, "list")
  local list = {}
  for i, status in ipairs(statuses) do list[i] = copy(status) end
  return list
end

local function matches(status, key, color)
  if math.type(key) then return status.key == key end
  return status.message == key and (color == nil or status.color == color)
end

local function several(found, key)
  local keys = {}
  for i, status in ipairs(found) do
    keys[i] = ("%d (%s)"):format(status.key, status.color)
  end
  return errors.invalid(("%d statuses are named %s: give the colour or the "
                         .. "key: %s"):format(#found, visible.quoted(key),
                                              table.concat(keys, ", ")))
end

--- Finds a status by its key, or by its message and colour.
-- @tparam integer|string key the key, or the message
-- @tparam[opt] string color required if several statuses have the message
-- @treturn[1] table `key`, `message`, `color`
-- @treturn[2] nil
-- @treturn[2] table the error: not_found, or invalid and the keys
function Statuses:find(key, color)
  check_statuses(self, "find")
  if type(key) ~= "number" and type(key) ~= "string" then
    return nil, errors.invalid(("status: expected a key or a message, got %s")
                               :format(type(key)))
  end
  if color ~= nil and type(color) ~= "string" then
    return nil, errors.invalid(("color: expected a string, got %s")
                               :format(type(color)), "color")
  end
  local found = {}
  for _, status in ipairs(statuses) do
    if matches(status, key, color) then found[#found + 1] = status end
  end
  if #found == 1 then return copy(found[1]) end
  if #found > 1 then return nil, several(found, key) end
  local what = type(key) == "string" and visible.quoted(key) or
               tostring(key)
  if color then what = ("%s in %s"):format(what, color) end
  return nil, errors.new {
    kind = "not_found",
    message = ("no status is %s; statuses:list() has them all"):format(what),
  }
end

-- --------------------------------------------------------------- client

local Account = client.class("workstage.kantata")

--- Fetches the token's user: `id`, `full_name`, `email_address`.
-- @tparam[opt] call opts options of this call
-- @treturn[1] table the user
-- @treturn[2] nil
-- @treturn[2] table the error
function Account:whoami(opts)
  client.check_self(self, Account, "whoami")
  arguments.check_optional(opts, "call options")
  local call, err = arguments.read_call(opts)
  if not call then return nil, err end
  return service.fetch_user(self, call)
end

--- Creates a client of one account.
-- @tparam table opts the options (see `workstage.options`)
-- @treturn[1] table
-- @treturn[2] nil
-- @treturn[2] table the error
function kantata.new(opts)
  local read, err = options.read("kantata", opts)
  if not read then return nil, err end
  local opened
  opened, err = transport.new(read)
  if not opened then return nil, err end
  local owner = { transport = opened, service = service, prefix = "" }
  return client.new(Account, owner, {
    changes = resource.new(changes, owner),
    workspaces = resource.new(workspaces, owner),
    statuses = setmetatable({}, Statuses),
  })
end

return kantata
