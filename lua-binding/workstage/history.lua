--- The history of items: when they changed their stage, who changed it, and how
-- long they were in it. `require "workstage.history"`. Sends only GETs.
local errors = require "workstage.errors"
local strict = require "workstage.strict"
local services = {
  storyblok = require "workstage.history.storyblok",
  kantata = require "workstage.history.kantata",
}

local history = {}

local function service_of(client, name)
  local transport = type(client) == "table" and client.transport
  local service = transport and services[transport.service]
  if service then return service end
  error(("%s: expected a client, got %s"):format(name, type(client)), 3)
end

local function check_table(value, name)
  if value ~= nil and type(value) ~= "table" then
    error(("%s: expected a table, got %s"):format(name, type(value)), 3)
  end
  return value or {}
end

--- Reads the names of stages and people once, to be passed to several calls as
-- `names`. For Storyblok it takes a request for each workflow and two more (one
-- for each hundred collaborators); for Kantata none.
-- @tparam table client a space or an account
-- @treturn[1] table `stages` (id -> `name`, `workflow`), `users` (id -> name;
--   empty where the token may not read them, with `users_error`)
-- @treturn[2] nil
-- @treturn[2] table the error
function history.names(client)
  return service_of(client, "history.names").names(client)
end

-- Adds the stage that each change came from and the seconds until the next.
local function link(changes, now)
  for i, change in ipairs(changes) do
    local before, after = changes[i - 1], changes[i + 1]
    if before and not change.from_id then
      change.from, change.from_id = before.stage, before.stage_id
    end
    local ends = after and after.at or now
    change.seconds = change.at and ends and math.max(ends - change.at, 0)
  end
  return changes
end

-- True if a list has its oldest change first; the services' order is
-- undocumented, and newest first in test data.
local function is_ascending(changes)
  local first, last = changes[1], changes[#changes]
  return first ~= nil and (first.at or 0) < (last.at or 0)
end

-- Sorts changes, oldest first. Changes with the same time stay in the order of
-- the list, as ids are not ordered.
local function sort(changes)
  local step = is_ascending(changes) and 1 or -1
  for i, change in ipairs(changes) do change.place = i * step end
  table.sort(changes, function(a, b)
    local left, right = a.at or 0, b.at or 0
    if left ~= right then return left < right end
    return a.place < b.place
  end)
  for _, change in ipairs(changes) do change.place = nil end
  return changes
end

--- All changes of an item's stage, oldest first. Takes a request for each
-- hundred changes (Kantata: two hundred), beside those of the names.
-- @tparam table client a space or an account
-- @tparam integer id of the story or the project
-- @tparam[opt] table opts `names` (see `history.names`), `now` (seconds since
--   1970; the clock's)
-- @treturn[1] table array of `id`, `at` (seconds since 1970), `stage`,
--   `stage_id`, `workflow`, `from`, `from_id`, `user` (a name), `user_id`,
--   `seconds` (how long the item stood in that stage; for the last one, until
--   now). A name that is not known is nil.
-- @treturn[2] nil
-- @treturn[2] table the error
function history.of(client, id, opts)
  local service = service_of(client, "history.of")
  opts = check_table(opts, "options")
  local names, err = opts.names
  if not names then
    names, err = service.names(client)
    if not names then return nil, err end
  end
  local changes
  changes, err = service.changes(client, id, names)
  if not changes then return nil, err end
  return link(sort(changes), opts.now or os.time())
end

local STANDING = { workflow = "string", stage = "string", status = "number",
                   older_than = "number", where = "table", who = "boolean",
                   now = "number", names = "table" }

local function check_standing(opts)
  for name, value in pairs(opts) do
    local wanted = STANDING[name]
    if not wanted then
      return nil, errors.invalid(("unknown option '%s'"):format(
        tostring(name)), tostring(name))
    elseif type(value) ~= wanted then
      return nil, errors.invalid(("%s: expected a %s, got a %s"):format(
        name, wanted, type(value)), name)
    end
  end
  return true
end

-- Adds the user and the time of the last change, if the list does not have
-- them.
local function complete(service, client, item, names, wants_user)
  if item.since and not wants_user then return item end
  local changes, err = service.changes(client, item.id, names)
  if not changes then error(err, 0) end
  local last = sort(changes)[#changes]
  item.since = item.since or last and last.at or item.created
  item.user, item.user_id = last and last.user, last and last.user_id
  return item
end

--- Iterates over the items in a stage, with the time when each entered it.
-- Takes a request for each 85 items if the list has these times (Storyblok);
-- otherwise, and with `who`, one more for each item: see `history.cost`. Raises
-- its errors, so that a loop never ends early unnoticed.
-- @tparam table client a space or an account
-- @tparam[opt] table opts Storyblok: `workflow` and `stage`, names (all
--   unless given); Kantata: `status`, a key (all unless given); `older_than`,
--   seconds (0); `where`, a filter of the list; `who` (false), true to add who
--   made the last change; `names`; `now`
-- @treturn function an iterator over `id`, `name`, `slug` (Storyblok),
--   `stage`, `stage_id`, `workflow`, `since` (seconds since 1970; nil where
--   nothing tells), `age` (seconds), with `who` also `user`, `user_id`
function history.standing(client, opts)
  local service = service_of(client, "history.standing")
  opts = check_table(opts, "options")
  local good, err = check_standing(opts)
  if not good then error(err, 0) end
  local names = opts.names
  if not names then
    names, err = service.names(client)
    if not names then error(err, 0) end
  end
  local now, least = opts.now or os.time(), opts.older_than or 0
  local next_item
  next_item, err = service.standing(client, opts, names)
  if not next_item then error(err, 0) end
  return function()
    for item in next_item do
      -- the user is read only for items that are old enough
      local is_young = item.since and now - item.since < least
      if not is_young then
        complete(service, client, item, names, opts.who)
        item.age = item.since and math.max(now - item.since, 0)
        if item.age and item.age >= least then return item end
      end
    end
  end
end

--- Returns the number of requests that `standing` takes at most, besides those
-- of the names. Takes one itself (and those of the names unless they are
-- given).
-- @tparam table client a space or an account
-- @tparam[opt] table opts as for `standing`
-- @treturn[1] integer requests
-- @treturn[1] integer items in the stages
-- @treturn[2] nil
-- @treturn[2] table the error
function history.cost(client, opts)
  local service = service_of(client, "history.cost")
  opts = check_table(opts, "options")
  local good, err = check_standing(opts)
  if not good then return nil, err end
  local names = opts.names
  if not names then
    names, err = service.names(client)
    if not names then return nil, err end
  end
  local total, has_dates = service.count(client, opts, names)
  if not total then return nil, has_dates end
  local requests = math.max(math.ceil(total / service.NEW_A_PAGE), 1)
  if opts.who or not has_dates then requests = requests + total end
  return requests, total
end

return strict.table("workstage.history", history)
