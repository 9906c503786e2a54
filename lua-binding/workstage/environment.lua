--- Environment variables from which `from_env` and the tool create clients.
local errors = require "workstage.errors"

local environment = {}

--- Reads a rate limit: a number of requests a second, or "off".
-- @treturn number|false|nil
-- @treturn ?string what is wrong with it
function environment.rate(text)
  if text == "off" then return false end
  local number = tonumber(text)
  if number and number >= 0.001 and number <= 10000 then return number end
  return nil, ("'%s' is neither a number of requests a second (0.001 to " ..
               "10000) nor 'off'"):format(text)
end

--- Reads a number of seconds.
-- @treturn number|nil
-- @treturn ?string what is wrong with it
function environment.seconds(text)
  local number = tonumber(text)
  if number and number >= 0 and number < math.huge then return number end
  return nil, ("'%s' is not a number of seconds"):format(text)
end

--- Returns the value of a variable; nil if it is unset or empty.
function environment.get(name)
  local value = os.getenv(name)
  if value ~= "" then return value end
end

-- Options: the name, the variables that can hold it (the first one that is set
-- is used), and a function that parses the text.
local COMMON = {
  { "base_url", { "WORKSTAGE_BASE_URL" } },
  { "ca_file", { "CURL_CA_BUNDLE", "SSL_CERT_FILE" } },
  { "rate_limit", { "WORKSTAGE_RATE_LIMIT" }, environment.rate },
  { "settle_time", { "WORKSTAGE_SETTLE_TIME" }, environment.seconds },
}

-- The tokens of a service; the first one that is set is used.
local TOKENS = {
  storyblok = { { "token", { "STORYBLOK_TOKEN" } },
                { "oauth_token", { "STORYBLOK_OAUTH_TOKEN" } } },
  kantata = { { "token", { "KANTATA_TOKEN" } } },
}

local MORE = {
  storyblok = { { "space_id", { "STORYBLOK_SPACE_ID" } } },
  kantata = {},
}

local function first_set(variables)
  for _, name in ipairs(variables) do
    local value = environment.get(name)
    if value then return value, name end
  end
end

-- Sets the options of a list that are not set yet. Returns nil, or the error.
local function add(options, list)
  for _, entry in ipairs(list) do
    local option, variables, read = table.unpack(entry)
    local text, name = first_set(variables)
    if text and options[option] == nil then
      local value, why = text, nil
      if read then value, why = read(text) end
      if value == nil then
        return errors.invalid(("%s: %s"):format(name, why), option)
      end
      options[option] = value
    end
  end
end

--- Adds the common options from the environment: base URL, certificates, rate
-- limit, settle time.
-- @tparam table options those that are set stay
-- @treturn ?table the error
function environment.add_common(options)
  return add(options, COMMON)
end

local function has_token(options)
  return options.token ~= nil or options.oauth_token ~= nil
end

-- The hint for a refused token, by the option that holds it.
local HINTS = {
  storyblok = {
    token = "check the token (token, STORYBLOK_TOKEN); an OAuth token " ..
            "belongs in oauth_token or STORYBLOK_OAUTH_TOKEN",
    oauth_token = "check the token (oauth_token, STORYBLOK_OAUTH_TOKEN); a " ..
                  "personal access token belongs in token or STORYBLOK_TOKEN",
  },
  kantata = { token = "check the token (token, KANTATA_TOKEN)" },
}
HINTS.kantata.oauth_token = HINTS.kantata.token

--- Returns the hint for a refused token, which names the options and variables
-- that can hold it.
-- @tparam string service
-- @tparam boolean is_oauth whether it was given as `oauth_token`
-- @treturn string
function environment.token_hint(service, is_oauth)
  return HINTS[service][is_oauth and "oauth_token" or "token"]
end

--- Returns the error of a client without a token.
-- @tparam string service
-- @treturn table
function environment.missing_token(service)
  local name = TOKENS[service][1][2][1]
  return errors.invalid(("token: is required; set %s, or the option token")
                        :format(name), "token")
end

-- Returns the error of a missing token or space, or nil.
local function missing(options, service)
  if not has_token(options) then
    return environment.missing_token(service)
  elseif service == "storyblok" and options.space_id == nil then
    return errors.invalid("space_id: is required; set STORYBLOK_SPACE_ID",
                          "space_id")
  end
end

--- Reads the options of a client from the environment.
-- @tparam string service
-- @tparam[opt] table opts options that count instead
-- @treturn[1] table
-- @treturn[2] nil
-- @treturn[2] table the error
function environment.options(service, opts)
  local options = {}
  for name, value in pairs(opts or {}) do options[name] = value end
  for _, entry in ipairs(TOKENS[service]) do
    if not has_token(options) then add(options, { entry }) end
  end
  local err = add(options, MORE[service]) or add(options, COMMON) or
              missing(options, service)
  if err then return nil, err end
  return options
end

return environment
