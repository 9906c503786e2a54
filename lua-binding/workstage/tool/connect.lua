--- Which service, which space and whose token: from options, from the
-- environment, or from the file that a command is about.
local secrets = require "workstage.tool.secrets"
local screen = require "workstage.tool.ui.screen"
local status = require "workstage.tool.exit_status"
local workstage = require "workstage"

local connect = {}

-- A token in an argument is for all to see, in `ps` and in the history.
local function refuse_token(parser)
  parser:option("--token --oauth-token"):hidden(true):args "?"
    :action(function()
      parser:error("a token is never an argument, for all to see: put it " ..
                   "into STORYBLOK_TOKEN (STORYBLOK_OAUTH_TOKEN, " ..
                   "KANTATA_TOKEN)")
    end)
end

local function rate(text)
  if text == "off" then return false end
  local number = tonumber(text)
  if number and number >= 0.001 and number <= 10000 then return number end
  return nil, ("rate limit: '%s' is neither a number of requests a second " ..
               "(0.001 to 10000) nor 'off'"):format(text)
end

local function seconds(text)
  local number = tonumber(text)
  if number and number >= 0 and number < math.huge then return number end
  return nil, ("settle time: '%s' is no number of seconds"):format(text)
end

--- Adds the options of a connection.
function connect.define(parser)
  refuse_token(parser)
  parser:option("--service", "storyblok (the default) or kantata.")
    :argname "NAME":choices { "storyblok", "kantata" }
  parser:option("--space", "The space; else $STORYBLOK_SPACE_ID.")
    :argname "ID"
  parser:option("--region", "eu, us, ca, ap, cn; else told by the space.")
    :argname "CODE"
  parser:option("--base-url", "The address; else $WORKSTAGE_BASE_URL.")
    :argname "URL"
  parser:option("--rate-limit", "Requests a second, or 'off'; else " ..
                "$WORKSTAGE_RATE_LIMIT; else 6 (Kantata: 4).")
    :argname "N":convert(rate)
  parser:option("--settle-time", "Seconds until an effect that does not " ..
                "show has not happened; else $WORKSTAGE_SETTLE_TIME; else 5.")
    :argname "SECONDS":convert(seconds)
end

local function variable(name)
  local value = os.getenv(name)
  if value ~= "" then return value end
end

local function from_environment(options, name, variable_name, read)
  local text = variable(variable_name)
  if options[name] ~= nil or not text then return true end
  local value, why = read(text)
  if value == nil then
    screen.complain("%s: %s", variable_name, why)
    return false
  end
  options[name] = value
  return true
end

local function as_it_is(text) return text end

local function missing(service, what, variable_name, more)
  screen.complain("%s needs %s: set %s%s", service, what, variable_name,
                  more or "")
end

local function storyblok_options(options, parsed, about)
  options.space_id = parsed.space or variable "STORYBLOK_SPACE_ID" or
                     about.space_id
  options.region = parsed.region
  options.token = secrets.get "STORYBLOK_TOKEN"
  if not options.token then
    options.oauth_token = secrets.get "STORYBLOK_OAUTH_TOKEN"
  end
  if not options.token and not options.oauth_token then
    missing("Storyblok", "a token", "STORYBLOK_TOKEN", " (a personal " ..
            "access token of app.storyblok.com, My account)")
    return nil
  elseif not options.space_id then
    missing("Storyblok", "a space", "STORYBLOK_SPACE_ID",
            ", or give --space ID")
    return nil
  end
  return options
end

local function kantata_options(options, parsed)
  if parsed.space or parsed.region then
    screen.complain "--space and --region are Storyblok's, not Kantata's"
    return nil
  end
  options.token = secrets.get "KANTATA_TOKEN"
  if options.token then return options end
  missing("Kantata OX", "a token", "KANTATA_TOKEN")
end

-- The options of a client; nil when they are not complete.
local function gather(service, parsed, about)
  local options = { base_url = parsed.base_url,
                    rate_limit = parsed.rate_limit,
                    settle_time = parsed.settle_time,
                    concurrency = parsed.concurrency }
  local good =
    from_environment(options, "base_url", "WORKSTAGE_BASE_URL", as_it_is) and
    from_environment(options, "rate_limit", "WORKSTAGE_RATE_LIMIT", rate) and
    from_environment(options, "settle_time", "WORKSTAGE_SETTLE_TIME",
                     seconds)
  if not good then return nil end
  if service == "kantata" then return kantata_options(options, parsed) end
  return storyblok_options(options, parsed, about)
end

--- The service that a command is about.
function connect.service(parsed, about)
  return parsed.service or about and about.service or "storyblok"
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
  local service = connect.service(parsed, about)
  local options = gather(service, parsed, about)
  if not options then return nil, status.USAGE end
  options.on_event = on_event
  local client, err = workstage[service](options)
  if client then return client end
  screen.complain("%s", tostring(err))
  return nil, status.USAGE
end

--- The options of a connection as they were given, for the next command.
function connect.repeated(parsed)
  local words = {}
  for _, pair in ipairs {
    { "space", "--space" }, { "region", "--region" },
    { "base_url", "--base-url" }, { "rate_limit", "--rate-limit" },
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
