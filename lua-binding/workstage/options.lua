--- Options of clients and calls, as a table of names, types, defaults and
-- descriptions, from which validation, reference and type definitions follow.
local core = require "workstage.core"
local errors = require "workstage.errors"
local time = require "workstage.time"
local visible = require "workstage.visible"

local options = {}

local MAX_ID = 9007199254740991

--- The options of constructors.
options.list = {
  { name = "token", type = "string",
    doc = "The token: Storyblok's personal access token, sent bare; " ..
          "Kantata's, sent as Bearer." },
  { name = "oauth_token", type = "string",
    doc = "An OAuth token, sent as Bearer, instead of `token`." },
  { name = "space_id", type = "id", service = "storyblok", required = true,
    doc = "The space, as an integer or a string of digits." },
  { name = "region", type = "string", service = "storyblok",
    doc = "eu, us, ca, ap or cn; by default derived from the space's id." },
  { name = "base_url", type = "string",
    doc = "Instead of the service's address (Kantata's with its " ..
          "/api/v1)." },
  { name = "rate_limit", type = "rate",
    default = "6 (Storyblok), 4 (Kantata)",
    doc = "The most requests a second; false: no limit; or " ..
          "{ per_second =, shared = path } for all processes that name " ..
          "the same file." },
  { name = "max_requests", type = "count",
    doc = "Stop after this many requests: a monthly budget." },
  { name = "concurrency", type = "count", default = "8",
    doc = "Requests in flight at the same time." },
  { name = "timeout", type = "seconds", default = "60 (Kantata 200)",
    doc = "Seconds for each attempt." },
  { name = "connect_timeout", type = "seconds", default = "10",
    doc = "Seconds for opening a connection." },
  { name = "retry", type = "retry",
    default = "{ attempts = 8, base = 0.5, cap = 30 }",
    doc = "Attempts (counting the first) and the pauses between them in " ..
          "seconds: the first at most `base`, none above `cap`; false: " ..
          "one attempt." },
  { name = "settle_time", type = "seconds", default = "5",
    doc = "Seconds to wait before a request without a response is " ..
          "treated as not applied." },
  { name = "max_response", type = "count", default = "33554432",
    doc = "The largest response, in bytes." },
  { name = "ca_file", type = "string",
    doc = "A PEM file with the authorities to trust, instead of the " ..
          "system's." },
  { name = "proxy", type = "proxy",
    doc = "A proxy's URL; false: none, even if the environment names one." },
  { name = "headers", type = "headers",
    doc = "More headers for each request: name = value." },
  { name = "user_agent", type = "string", default = "workstage/<version>",
    doc = "The User-Agent header." },
  { name = "on_event", type = "function",
    doc = "Called with a table for each event: request, response, " ..
          "retry, wait, reconciled." },
}

local by_name = {}
for _, option in ipairs(options.list) do by_name[option.name] = option end

-- Returns the names of a service's options.
local function names_for(service)
  local names = {}
  for _, option in ipairs(options.list) do
    if (option.service or service) == service then
      names[#names + 1] = option.name
    end
  end
  return names
end

--- Creates an error such as "unknown option 'tokn', did you mean 'token'?".
function options.unknown(what, name, known)
  if type(name) ~= "string" then
    return errors.invalid(("unknown %s [%s]"):format(what, tostring(name)))
  end
  local near = core.nearest(known, name)
  local hint = near and (", did you mean '%s'?"):format(near)
               or (" (there are %s)"):format(table.concat(known, ", "))
  return errors.invalid(("unknown %s '%s'%s"):format(what, name, hint), name)
end

--- Checks that a table only has known names; returns the error if not.
-- @tparam string what "option"
-- @tparam table opts
-- @tparam table known array of names
-- @treturn ?table the error, with the nearest name; nil if all are known
function options.check_names(what, opts, known)
  for name in pairs(opts) do
    local is_known = false
    for _, each in ipairs(known) do is_known = is_known or each == name end
    if not is_known then return options.unknown(what, name, known) end
  end
end

local function shown(value)
  if type(value) == "string" then return "a string" end
  if type(value) == "number" then return ("the number %s"):format(value) end
  return type(value) == "boolean" and tostring(value) or
         "a " .. type(value)
end

local function expected(what, value)
  return nil, ("expected %s, got %s"):format(what, shown(value))
end

local function number_above(value, least, what)
  if type(value) ~= "number" or value ~= value or value < least or
     value == math.huge then
    return expected(what, value)
  end
  return value
end

--- Converts an id, an integer or an integral float in range, to an integer.
function options.id(value)
  local id = type(value) == "number" and math.tointeger(value)
  if id and id >= 1 and id <= MAX_ID then return id end
  local got = shown(value)
  if type(value) == "string" then
    got = "the string " .. visible.quoted(value)
  end
  return nil, ("expected an id (an integer from 1 to %d), got %s")
              :format(MAX_ID, got)
end

local check = {}

function check.string(value)
  if type(value) ~= "string" then return expected("a string", value) end
  if value:find("\0", 1, true) then return nil, "holds a NUL byte" end
  return value
end

function check.id(value)
  if type(value) == "string" and value:find("^%d+$") and #value <= 16 then
    value = math.tointeger(tonumber(value))
  end
  return options.id(value)
end

function check.count(value)
  local count = type(value) == "number" and math.tointeger(value)
  if not count or count < 1 then
    return expected("a whole number above 0", value)
  end
  return count
end

function check.seconds(value)
  return number_above(value, 0, "a number of seconds")
end

check["function"] = function(value)
  if type(value) ~= "function" then return expected("a function", value) end
  return value
end

function check.proxy(value)
  if value == false then return "" end
  if type(value) ~= "string" then
    return expected("a URL or false", value)
  end
  return check.string(value)
end

-- Validates the fields of an option that is a table, each by a function.
local function check_table(value, fields)
  local result, known = {}, {}
  for name in pairs(fields) do known[#known + 1] = name end
  table.sort(known)
  for name, field in pairs(value) do
    local validate = fields[name]
    if not validate then
      return nil, options.unknown("field", name, known).message
    end
    local good, why = validate(field)
    if good == nil then return nil, ("%s: %s"):format(name, why) end
    result[name] = good
  end
  return result
end

local function per_second(value)
  if type(value) ~= "number" or not (value >= 0.001 and value <= 100000) then
    return expected("requests a second (0.001 to 100000)", value)
  end
  return value
end

function check.rate(value)
  if value == false then return { per_second = 0 } end
  if type(value) == "table" then
    return check_table(value, { per_second = per_second,
                                shared = check.string })
  end
  local rate, why = per_second(value)
  return rate and { per_second = rate }, why
end

function check.retry(value)
  if value == false then return { attempts = 1 } end
  if type(value) ~= "table" then
    return expected("a table or false", value)
  end
  return check_table(value, { attempts = check.count, base = check.seconds,
                              cap = check.seconds })
end

--- Converts a table of headers to sorted lines "Name: value".
function options.header_lines(value)
  local lines = {}
  if type(value) ~= "table" then return expected("a table", value) end
  for name, text in pairs(value) do
    if type(name) ~= "string" or (type(text) ~= "string" and
                                  math.type(text) ~= "integer") then
      return nil, ("%s: expected a name with a string, got %s with %s")
                  :format(tostring(name), shown(name), shown(text))
    end
    if name == "" or name:find("[%s%c:]") then
      return nil, visible.quoted(name) .. " is not a header name"
    end
    if tostring(text):find("[\0\r\n]") then
      return nil, ("the value of %s holds a line break or a NUL byte")
                  :format(visible.quoted(name))
    end
    lines[#lines + 1] = ("%s: %s"):format(name, text)
  end
  table.sort(lines)
  return lines
end

check.headers = options.header_lines

--- Validates the options of a constructor.
-- @tparam string service "storyblok" or "kantata"
-- @tparam table opts
-- @treturn[1] table the options with their values in one form
-- @treturn[2] nil
-- @treturn[2] table the error
function options.read(service, opts)
  local result = { service = service }
  for name, value in pairs(opts) do
    local option = by_name[name]
    if not option or (option.service or service) ~= service then
      return nil, options.unknown("option", name, names_for(service))
    end
    local good, why = check[option.type](value)
    if good == nil then
      return nil, errors.invalid(("%s: %s"):format(name, why), name)
    end
    result[name] = good
  end
  for _, option in ipairs(options.list) do
    if option.required and option.service == service and
       result[option.name] == nil then
      return nil, errors.invalid(option.name .. ": is required", option.name)
    end
  end
  return result
end

-- Flattens the options for the core.
function options.for_core(read)
  local flat = {}
  for name, value in pairs(read) do flat[name] = value end
  if read.rate_limit then
    flat.rate_limit = read.rate_limit.per_second
    flat.shared = read.rate_limit.shared
  end
  if read.retry then
    flat.attempts = read.retry.attempts
    flat.retry_base, flat.retry_cap = read.retry.base, read.retry.cap
  end
  flat.events = read.on_event ~= nil
  return flat
end

-- ------------------------------------------------------- call options

local call_names = { "timeout", "deadline", "start_within", "retry",
                     "strict", "seen", "only" }

local call_check = {
  timeout = function(value)
    if value == 0 then return expected("seconds above 0", value) end
    return check.seconds(value)
  end,
  deadline = check.seconds,
  retry = function(value)
    if type(value) ~= "boolean" then
      return expected("true or false", value)
    end
    return value
  end,
}
call_check.strict = call_check.retry

function call_check.only(value)
  if type(value) ~= "table" or #value == 0 then
    return expected("an array of names of fields", value)
  end
  return value
end
call_check.start_within = call_check.timeout

local function optional_key(value)
  if value ~= nil and math.type(value) ~= "integer" then
    return expected("an id or a status key", value)
  end
  return value or false
end

local function optional_time(value)
  if value ~= nil and not time.parse(value) then
    return expected("a time as the service wrote it", value)
  end
  return value or false
end

function call_check.seen(value)
  if type(value) ~= "table" then return expected("a table", value) end
  return check_table(value, { stage = optional_key,
                              created_at = optional_time })
end

--- Creates the error of a call whose deadline is 0. To the core, 0 would mean
-- no deadline.
function options.too_late()
  return errors.new {
    kind = "timeout", attempts = 0,
    message = "the deadline passed before it could be sent",
  }
end

--- Validates the options of one call: `timeout` (seconds, of each attempt),
-- `deadline` (seconds, of the whole call; in a loop of `each`, of each
-- request), `start_within` (seconds after which no attempt starts),
-- `retry = false`, `strict = false`; for a change also `seen`, the item as an
-- earlier run read it: `stage` (Kantata: the status key), `created_at`.
-- @treturn[1] table
-- @treturn[2] nil
-- @treturn[2] table the error
function options.call(opts)
  for name, value in pairs(opts) do
    local validate = call_check[name]
    if not validate then
      return nil, options.unknown("call option", name, call_names)
    end
    local good, why = validate(value)
    if good == nil then
      return nil, errors.invalid(("%s: %s"):format(name, why), name)
    end
  end
  if opts.deadline == 0 then return nil, options.too_late() end
  return opts
end

--- Checks that a value can be a path; returns the error if not.
function options.path(path)
  if type(path) == "string" then return nil end
  return errors.invalid(("path: expected a string, got %s")
                        :format(type(path)), "path")
end

return options
