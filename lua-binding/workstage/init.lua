--- workstage: workflow stages and stage changes in Storyblok, workspace
-- status changes in Kantata OX.
local core, place = require "workstage.core"
require "workstage.precompiled".use(place)
local strict = require "workstage.strict"
local transport = require "workstage.transport"

local workstage = {
  _VERSION = "workstage " .. core.version,

  --- JSON's null, for attributes that are to be cleared (lua-cjson's).
  null = transport.null,
}

-- Modules below are loaded on first use, so that a script only pays for the
-- service it uses, and for tasks only if it starts any.

local function scope() return require "workstage.scope" end

--- Runs `fn(item, index)` for many items concurrently.
-- @param items an array, or an iterator function
-- @tparam function fn returns a result, or nil and an error; a request inside
--   it does not block the other items
-- @tparam[opt] table opts `concurrency` (8), `on_result(index, result, err,
--   item)` (then only the counts are kept), `stop_on` (kinds of errors after
--   which no further item is started, or a function of an error; unauthorized
--   and budget)
-- @treturn table results by index; beside them the counts `n`, `done` and
--   `failed`, and `failures`: an array of `index`, `item` and `error`
-- @treturn table errors by index
function workstage.map(items, fn, opts)
  return scope().map(items, fn, opts)
end

--- Runs `fn(scope)`, in which `scope:spawn(f)` starts concurrent tasks, and
-- returns when all of them have ended. An error raised in `fn`, or in a task
-- that nobody waits for, cancels the rest and is raised again; requests that
-- `fn` then makes fail with the kind `cancelled`.
-- @tparam function fn
-- @return what `fn` returned
function workstage.run(fn) return scope().run(fn) end

-- Fields that are loaded on first use.
local lazy = {}

function lazy.loop() return scope().loop end

function lazy.time() return require "workstage.time" end

local refuse = strict.index("workstage", workstage)

setmetatable(workstage, { __index = function(self, name)
  if not lazy[name] then return refuse(self, name) end
  self[name] = lazy[name]()
  return self[name]
end })

local function check(opts, name)
  if type(opts) ~= "table" then
    error(("workstage.%s: expected a table of options, got %s")
          :format(name, type(opts)), 3)
  end
end

local function from_env(service, opts)
  if opts ~= nil then check(opts, service .. ".from_env") end
  local options, err =
    require "workstage.environment".options(service, opts)
  if not options then return nil, err end
  return workstage[service](options)
end

local storyblok, Storyblok = {}, {}

--- Creates a client of one Storyblok space.
-- @tparam table opts the options: `space_id`, `token` ...
-- @treturn[1] table the space
-- @treturn[2] nil
-- @treturn[2] table the error
function Storyblok.__call(_, opts)
  check(opts, "storyblok")
  return require "workstage.storyblok".new(opts)
end

--- Creates a client from environment variables: `STORYBLOK_TOKEN` (or
-- `STORYBLOK_OAUTH_TOKEN`), `STORYBLOK_SPACE_ID`, and optionally
-- `WORKSTAGE_BASE_URL`, `WORKSTAGE_RATE_LIMIT` (a number or `off`),
-- `WORKSTAGE_SETTLE_TIME`, `CURL_CA_BUNDLE`, `SSL_CERT_FILE`.
-- @tparam[opt] table opts options that override the environment's
-- @treturn[1] table the space
-- @treturn[2] nil
-- @treturn[2] table the error
function storyblok.from_env(opts) return from_env("storyblok", opts) end

Storyblok.__index = strict.index("workstage.storyblok", storyblok)
workstage.storyblok = setmetatable(storyblok, Storyblok)

local kantata, Kantata = {}, {}

--- Creates a client of one Kantata OX account.
-- @tparam table opts the options: `token` ...
-- @treturn[1] table the account
-- @treturn[2] nil
-- @treturn[2] table the error
function Kantata.__call(_, opts)
  check(opts, "kantata")
  return require "workstage.kantata".new(opts)
end

--- Creates a client from environment variables: `KANTATA_TOKEN`, and optionally
-- the `WORKSTAGE_...` and certificate variables of `storyblok.from_env`.
-- @tparam[opt] table opts options that override the environment's
-- @treturn[1] table the account
-- @treturn[2] nil
-- @treturn[2] table the error
function kantata.from_env(opts) return from_env("kantata", opts) end

Kantata.__index = strict.index("workstage.kantata", kantata)
workstage.kantata = setmetatable(kantata, Kantata)

return workstage
