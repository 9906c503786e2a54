--- Which service, which space and whose token: from options, a profile, the
-- environment, or the file that a command is about, in this order.
local environment = require "workstage.environment"
local exit_status = require "workstage.tool.exit_status"
local origin = require "workstage.migration.origin"
local profiles = require "workstage.tool.profile"
local screen = require "workstage.tool.ui.screen"
local secrets = require "workstage.tool.secrets"
local workstage = require "workstage"

local connect = {}

-- ----------------------------------------------------------------- options

-- Arguments can be read by everybody, in `ps` and in the shell's history.
local function refuse_token(parser)
  parser:option("--token --oauth-token"):hidden(true):args "?"
    :action(function()
      parser:error("a token is never an argument, because others can read " ..
                   "arguments. Put it into STORYBLOK_TOKEN " ..
                   "(STORYBLOK_OAUTH_TOKEN, KANTATA_TOKEN)")
    end)
end

local function rate(text)
  local value, why = environment.rate(text)
  return value, why and "rate limit: " .. why
end

local function seconds(text)
  local value, why = environment.seconds(text)
  return value, why and "settle time: " .. why
end

--- Adds the options of a connection.
function connect.define(parser)
  refuse_token(parser)
  parser:option("--profile", "A profile of the configuration file: space, " ..
                "token and more by one name.")
    :argname "NAME"
  parser:option("--service", "storyblok (the default) or kantata.")
    :argname "NAME":choices { "storyblok", "kantata" }
  parser:option("--space", "The space's id; else $STORYBLOK_SPACE_ID.")
    :argname "ID"
  parser:option("--region", "eu, us, ca, ap or cn; else by the space's id.")
    :argname "CODE"
  parser:option("--base-url", "The address; else $WORKSTAGE_BASE_URL.")
    :argname "URL"
  parser:option("--ca-file", "PEM file of the authorities to trust; else " ..
                "$CURL_CA_BUNDLE, $SSL_CERT_FILE, else the system's.")
    :argname "FILE"
  parser:option("--rate-limit", "Requests a second, or 'off'; else " ..
                "$WORKSTAGE_RATE_LIMIT; else 6 (Kantata: 4).")
    :argname "N":convert(rate)
  parser:option("--settle-time", "Seconds to wait before a request " ..
                "without a response is treated as not applied; else " ..
                "$WORKSTAGE_SETTLE_TIME; else 5.")
    :argname "SECONDS":convert(seconds)
end

local function fail(text, ...)
  screen.complain(text, ...)
  return nil, exit_status.USAGE
end

-- ------------------------------------------------------------ the services

local function missing(service, what, variable_name, more)
  return fail("%s needs %s: set %s%s", service, what, variable_name,
              more or "")
end

local token = {}

function token.storyblok(options)
  options.token = secrets.get "STORYBLOK_TOKEN"
  if options.token then return options end
  options.oauth_token = secrets.get "STORYBLOK_OAUTH_TOKEN"
  if options.oauth_token then return options end
  return missing("Storyblok", "a token", "STORYBLOK_TOKEN", " (a personal " ..
                 "access token of app.storyblok.com, My account)")
end

function token.kantata(options)
  options.token = secrets.get "KANTATA_TOKEN"
  if options.token then return options end
  return missing("Kantata OX", "a token", "KANTATA_TOKEN")
end

local complete = {}

function complete.storyblok(options, parsed, profile, about)
  options.space_id = parsed.space or profile.space or
                     environment.get "STORYBLOK_SPACE_ID" or about.space_id
  options.region = parsed.region or profile.region
  if options.space_id then return options end
  return missing("Storyblok", "a space", "STORYBLOK_SPACE_ID",
                 ", or give --space ID")
end

function complete.kantata(options, parsed)
  if parsed.space or parsed.region then
    return fail "--space and --region are Storyblok's, not Kantata's"
  end
  return options
end

-- ------------------------------------------------------------- the options

local function first(...)
  for i = 1, select("#", ...) do
    local value = select(i, ...)
    if value ~= nil then return value end
  end
end

local function add_token(options, service, profile)
  local found, code = profiles.token(profile)
  if code then return nil, code end
  if not found then return token[service](options) end
  options.token = found
  return options
end

-- The options of a client; nil when they are not complete.
local function gather(service, parsed, profile, about)
  local options = {
    base_url = parsed.base_url or profile.base_url,
    ca_file = parsed.ca_file or profile.ca_file,
    rate_limit = first(parsed.rate_limit, profile.rate),
    settle_time = parsed.settle_time, concurrency = parsed.concurrency,
  }
  local err = environment.add_common(options)
  if err then return fail("%s", err.message) end
  local added, code = add_token(options, service, profile)
  if not added then return nil, code end
  return complete[service](options, parsed, profile, about)
end

--- The service that a command is about.
function connect.service(parsed, about)
  return parsed.service or parsed.from_profile and
         parsed.from_profile.service or about and about.service or
         "storyblok"
end

--- Reads the profile that the arguments name into `parsed.from_profile`.
-- @treturn[1] table
-- @treturn[2] nil
-- @treturn[2] integer the exit status
function connect.profile(parsed)
  if parsed.from_profile then return parsed.from_profile end
  local profile, code = profiles.read(parsed.profile)
  if not profile then return nil, code end
  parsed.from_profile = profile
  return profile
end

--- Makes the client.
-- @tparam table parsed the arguments
-- @tparam[opt] table about `service` and `space_id` of a plan, a journal or
--   a blueprint
-- @tparam[opt] function on_event
-- @treturn[1] table the client
-- @treturn[2] nil
-- @treturn[2] integer the exit status
function connect.open(parsed, about, on_event)
  about = about or {}
  local profile, code = connect.profile(parsed)
  if not profile then return nil, code end
  local service = connect.service(parsed, about)
  local options
  options, code = gather(service, parsed, profile, about)
  if not options then return nil, code end
  options.on_event = on_event
  local client, err = workstage[service](options)
  if client then return client end
  return fail("%s", tostring(err))
end

-- ------------------------------------------------------------- for messages

--- Names a space, as headings do: 'Space "Marketing" (288868932106293, eu)'.
-- @tparam ?integer space_id nil for Kantata
-- @tparam ?string name
-- @tparam ?string region
-- @treturn string
function connect.space_heading(space_id, name, region)
  if not space_id then return "Kantata OX" end
  local place = ("%d%s"):format(space_id, region and
                                ", " .. screen.clean(region) or "")
  if not name then return ("Space %s"):format(place) end
  return ("Space %s (%s)"):format(screen.quoted(name), place)
end

--- Names the space that a client leads to. Takes one request. Where that is
-- refused, the id must do: a token may be good for workflows and not for the
-- space itself.
-- @tparam table client
-- @treturn string
-- @treturn ?string the space's name
function connect.heading(client)
  local space = origin.space(client)
  return connect.space_heading(client.space_id, space.name, space.region),
         space.name
end

--- The options of a connection as they were given, for the next command.
function connect.repeated(parsed)
  local words = {}
  for _, pair in ipairs {
    { "profile", "--profile" }, { "space", "--space" },
    { "region", "--region" }, { "base_url", "--base-url" },
    { "ca_file", "--ca-file" }, { "rate_limit", "--rate-limit" },
    { "settle_time", "--settle-time" },
  } do
    local value = parsed[pair[1]]
    if value ~= nil then
      words[#words + 1] = ("%s %s"):format(pair[2], screen.word(
        value == false and "off" or tostring(value)))
    end
  end
  return #words > 0 and " " .. table.concat(words, " ") or ""
end

return connect
