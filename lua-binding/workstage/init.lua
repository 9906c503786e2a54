--- workstage: workflow stages and stage changes in Storyblok, workspace
-- status changes in Kantata OX.
local core = require "workstage.core"
local strict = require "workstage.strict"
local transport = require "workstage.transport"

local workstage = {
  _VERSION = "workstage " .. core.version,

  --- JSON's null, for attributes that are to be cleared (lua-cjson's).
  null = transport.null,
}

-- What follows is loaded when it is first used: each script pays at its start
-- for the service it talks to, and for several calls at once if it makes them.

local function scope() return require "workstage.scope" end

--- Runs `fn(item, index)` for many items at a time.
-- @param items an array, or an iterator function
-- @tparam function fn returns a result, or nil and an error; the calls inside
--   wait without blocking those of other items
-- @tparam[opt] table opts `concurrency` (8), `on_result(index, result, err,
--   item)` (nothing is kept then, but the counts), `stop_on` (kinds of errors,
--   or a function of an error, that stop what has not begun; unauthorized and
--   budget)
-- @treturn table results by index; beside them the counts `n`, `done` and
--   `failed`, and `failures`: an array of `index`, `item` and `error`
-- @treturn table errors by index
function workstage.map(items, fn, opts)
  return scope().map(items, fn, opts)
end

--- Runs `fn(scope)`, in which `scope:spawn(f)` starts tasks that run at the
-- same time, and returns when all of them have ended.
-- An error raised in `fn`, or in a task that nobody waits for, cancels the
-- rest (the next call of `fn` as well) and is raised again.
-- @tparam function fn
-- @return what `fn` returned
function workstage.run(fn) return scope().run(fn) end

-- What is loaded when it is first asked for.
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

--- A client of one Storyblok space.
-- @tparam table opts the options: `space_id`, `token` ...
-- @treturn[1] table the space
-- @treturn[2] nil
-- @treturn[2] table the error
function Storyblok.__call(_, opts)
  check(opts, "storyblok")
  return require "workstage.storyblok".new(opts)
end

--- A client of the space that the environment names: `STORYBLOK_TOKEN` (or
-- `STORYBLOK_OAUTH_TOKEN`), `STORYBLOK_SPACE_ID`, and if they are set
-- `WORKSTAGE_BASE_URL`, `WORKSTAGE_RATE_LIMIT` (a number or `off`),
-- `WORKSTAGE_SETTLE_TIME`, `CURL_CA_BUNDLE`, `SSL_CERT_FILE`.
-- @tparam[opt] table opts options that count instead of the environment's
-- @treturn[1] table the space
-- @treturn[2] nil
-- @treturn[2] table the error
function storyblok.from_env(opts) return from_env("storyblok", opts) end

Storyblok.__index = strict.index("workstage.storyblok", storyblok)
workstage.storyblok = setmetatable(storyblok, Storyblok)

local kantata, Kantata = {}, {}

--- A client of one Kantata OX account.
-- @tparam table opts the options: `token` ...
-- @treturn[1] table the account
-- @treturn[2] nil
-- @treturn[2] table the error
function Kantata.__call(_, opts)
  check(opts, "kantata")
  return require "workstage.kantata".new(opts)
end

--- A client of the account whose token `KANTATA_TOKEN` holds; the other
-- variables are those of `workstage.storyblok.from_env`.
-- @tparam[opt] table opts options that count instead of the environment's
-- @treturn[1] table the account
-- @treturn[2] nil
-- @treturn[2] table the error
function kantata.from_env(opts) return from_env("kantata", opts) end

Kantata.__index = strict.index("workstage.kantata", kantata)
workstage.kantata = setmetatable(kantata, Kantata)

return workstage
