--- Who plans or runs a migration, in which space, and with what: recorded in
-- the headers of plans and journals, so that reports can name them later.
local core = require "workstage.core"

local origin = {}

local ONCE = { retry = false }

-- What was read with each client.
local spaces = setmetatable({}, { __mode = "k" })
local users = setmetatable({}, { __mode = "k" })

--- The client's space. The first call takes a request, which is not retried.
-- @tparam table client
-- @treturn table `name` and `region`: none if they cannot be read, as a token
--   may be valid for workflows and not for the space itself
function origin.space(client)
  if not spaces[client] then
    spaces[client] = client.space_id and client:info(ONCE) or {}
  end
  return spaces[client]
end

--- Makes a client know the names, so that it sends no requests for them: that
-- of a rehearsal knows those of the space.
-- @tparam table client
-- @tparam table names as `origin.of` returns them
function origin.set(client, names)
  spaces[client] = { name = names.space, region = names.region }
  users[client] = { friendly_name = names.user, id = names.user_id }
end

-- The token's user, likewise.
local function user_of(client)
  if not users[client] then users[client] = client:whoami(ONCE) or {} end
  return users[client]
end

-- Removes what a command line must not pass on: the token, if somebody gave
-- it as an argument, and passwords in addresses.
local function without_secrets(client, command)
  local text = command:gsub("://[^/@%s]*@", "://[secret]@")
  return client.transport.redact(text)
end

--- What a header records. The first call with a client takes two requests at
-- most.
-- @tparam table client
-- @tparam ?string command the command line
-- @treturn table `space` (its name), `region`, `user` (a name), `user_id`,
--   each where known; `command`; `version` of this module
function origin.of(client, command)
  local space, user = origin.space(client), user_of(client)
  return {
    space = space.name, region = space.region,
    user = user.friendly_name or user.full_name or user.userid,
    user_id = user.id, version = core.version,
    command = command and without_secrets(client, command),
  }
end

return origin
