--- Lists of a resource: all items, pages, iterators, and the item with a name.
local arguments = require "workstage.resource.arguments"
local core = require "workstage.core"
local errors = require "workstage.errors"
local fetch = require "workstage.resource.fetch"
local options = require "workstage.options"
local visible = require "workstage.visible"

local lists = {}

local methods = {}

-- Loaded when the first list is read.
local function paging() return require "workstage.paging" end

-- Fetches one page with an unmodified filter. A filter that the service may
-- not know is applied again.
local function fetch_list(self, filter, opts)
  local query, err = arguments.query_of(self, filter, opts)
  if err then return nil, err end
  local list
  list, err = fetch.object(self, self.service.read_many, "GET", self.path,
                           query, nil, opts)
  local choose = self.class.choose
  if list and choose and filter then return choose(list, filter) end
  return list, err
end

-- Returns the options for the next of several requests that share a deadline.
local function with_time_left(opts, ends)
  if not ends then return opts end
  local left = ends - core.now()
  if left <= 0 then return nil, options.too_late() end
  local one = core.copy(opts)
  one.deadline = left
  return one
end

-- Returns a function that fetches a page by number and optional size. `ends` is
-- the deadline of all pages, on the clock of `core.now`.
local function pager(self, filter, whole, ends)
  local most = self.service.per_page
  return function(number, per_page)
    local opts, late = with_time_left(whole, ends)
    if not opts then return nil, late end
    local paged = {}
    for name, value in pairs(filter or {}) do paged[name] = value end
    -- in the service's default order items may move while they are read
    if not paged.search then paged.order = paged.order or self.class.order end
    paged.page = number
    paged.per_page = per_page or paged.per_page or most
    local page, err = fetch_list(self, paged, opts)
    if not page then return nil, err end
    page.page = number
    page.per_page = page.per_page or math.tointeger(paged.per_page)
    return page
  end
end

--- Reads all items of a list, without validating the arguments.
function lists.all(self, filter, opts)
  if not self.class.paged then return fetch_list(self, filter, opts) end
  local ends = opts.deadline and core.now() + opts.deadline
  return paging().all(pager(self, filter, opts, ends))
end

local function chooses(filter)
  for name in pairs(filter or {}) do
    if name ~= "include_stages" then return true end
  end
  return false
end

-- Remembers that all objects were listed, if that is needed later.
local function note_listed(self, list, filter)
  if list and self.class.listed and not chooses(filter) then
    self.transport[self.class.listed] = true
  end
end

local function refuse_page(filter, instead)
  if filter and filter.page ~= nil then
    return errors.invalid(("page: all pages are read here; use %s for one")
                          :format(instead), "page")
  end
end

--- Lists all items that match, from all pages.
-- @tparam[opt] filter filter which items
-- @tparam[opt] call opts options of this call
-- @treturn[1] item[] an array
-- @treturn[2] nil
-- @treturn[2] table the error
function methods:list(filter, opts)
  arguments.check_self(self, "list")
  arguments.check_optional(filter, "filter")
  arguments.check_optional(opts, "call options")
  local call, err = arguments.read_list_call(self, opts)
  if not call then return nil, err end
  err = self.class.paged and refuse_page(filter, "page()")
  if err then return nil, err end
  local list
  list, err = lists.all(self, filter, call)
  note_listed(self, list, filter)
  return list, err
end

--- Fetches one page: an array with the fields `total`, `page` and `per_page`.
-- @tparam[opt] filter filter which items, which page, and how long it is
-- @tparam[opt] call opts options of this call
-- @treturn[1] page the page
-- @treturn[2] nil
-- @treturn[2] table the error
function methods:page(filter, opts)
  arguments.check_self(self, "page")
  arguments.check_optional(filter, "filter")
  arguments.check_optional(opts, "call options")
  local call, err = arguments.read_list_call(self, opts)
  if not call then return nil, err end
  local page
  page, err = fetch_list(self, filter, call)
  if not page then return nil, err end
  local asked = filter or {}
  page.page = page.page or math.tointeger(asked.page) or 1
  page.per_page = page.per_page or math.tointeger(asked.per_page) or
                  self.service.default_per_page
  return page
end

-- Returns a function that fetches objects by their ids, with those filters that
-- shape objects but not those that select them.
local function by_ids_of(self, filter, opts)
  local by = self.class.by_ids
  return function(ids)
    local again = { [by.field] = ids, per_page = self.service.per_page }
    for _, name in ipairs(by.keep) do
      again[name] = filter and filter[name]
    end
    for name, value in pairs(by.set or {}) do again[name] = value end
    return fetch_list(self, again, opts)
  end
end

--- Iterates over every item that matched when the loop started, exactly once,
-- even if the loop moves items out of the filter. Raises its errors.
-- @tparam[opt] filter filter which items
-- @tparam[opt] call opts options of this call
-- @treturn iterator for a `for` loop
function methods:each(filter, opts)
  arguments.check_self(self, "each")
  arguments.check_optional(filter, "filter")
  arguments.check_optional(opts, "call options")
  local call, err = arguments.read_list_call(self, opts)
  err = err or refuse_page(filter, "page()")
  if err then error(err, 0) end
  local copy = filter and table.move(filter, 1, 0, 1, {})
  for name, value in pairs(filter or {}) do copy[name] = value end
  local pages = pager(self, copy, call)
  local whole = core.copy(opts or {})
  whole.only = nil
  if not self.class.by_ids then return paging().each(pages) end
  return paging().each_of_snapshot(
    pages, by_ids_of(self, copy, call),
    function(id) return self:get(id, self.class.get_again, whole) end,
    self.service.per_page)
end

local function names_of(list)
  local names = {}
  for i, item in ipairs(list) do names[i] = visible.quoted(item.name) end
  return #names > 0 and table.concat(names, ", ") or "none"
end

--- Finds the one item with a name. Fails if there is none, or several.
-- @tparam string name exactly as the service has it
-- @tparam[opt] filter filter among which items
-- @tparam[opt] call opts options of this call
-- @treturn[1] item the item
-- @treturn[2] nil
-- @treturn[2] table the error
function methods:find(name, filter, opts)
  arguments.check_self(self, "find")
  arguments.check_optional(filter, "filter")
  arguments.check_optional(opts, "call options")
  if type(name) ~= "string" then
    return nil, errors.invalid(("name: expected a string, got %s")
                               :format(type(name)), "name")
  end
  local list, err = self:list(filter, opts)
  if not list then return nil, err end
  local ids, found = {}, nil
  for _, item in ipairs(list) do
    if item.name == name then
      found = item
      ids[#ids + 1] = ("%d"):format(item.id)
    end
  end
  if #ids == 1 then return found end
  if #ids == 0 then
    return nil, errors.new {
      kind = "not_found",
      message = ("no %s is named %s (there are: %s)")
                :format(self.class.one, visible.quoted(name), names_of(list)),
    }
  end
  return nil, errors.invalid(("%d %ss are named %s: say which by id (%s)")
                             :format(#ids, self.class.one,
                                     visible.quoted(name),
                                     table.concat(ids, ", ")), "name")
end

lists.methods = methods

return lists
