--- The checks of `workstage doctor`: each looks at one thing and notes what it
-- finds: "ok", "warning" or "problem", with a remedy where there is one.
local connect = require "workstage.tool.connect"
local core = require "workstage.core"
local files = require "workstage.tool.files"
local profiles = require "workstage.tool.profile"
local screen = require "workstage.tool.ui.screen"
local time = require "workstage.time"

local doctor = {}

local Report = {}
Report.__index = Report

--- Makes an empty report.
function doctor.new()
  return setmetatable({}, Report)
end

local function add(self, level, subject, message, remedy)
  self[#self + 1] = { level = level, subject = subject, message = message,
                      remedy = remedy }
end

function Report:ok(subject, message, ...)
  add(self, "ok", subject, message:format(...))
end

function Report:warn(subject, message, remedy)
  add(self, "warning", subject, message, remedy)
end

function Report:problem(subject, message, remedy)
  add(self, "problem", subject, message, remedy)
end

--- True if there is a problem, which keeps the tool from working.
function Report:has_problem()
  for _, each in ipairs(self) do
    if each.level == "problem" then return true end
  end
  return false
end

-- --------------------------------------------------------------- the machine

local function has_sandbox()
  return package.searchpath("workstage.sandbox", package.path) or
         package.searchpath("workstage.sandbox", package.cpath)
end

--- What is installed.
function doctor.versions(report)
  report:ok("versions", "workstage %s, %s, libcurl %s, lua-cjson %s",
            core.version, _VERSION, core.libcurl_version,
            require "cjson"._VERSION or "?")
  if not has_sandbox() then
    report:warn("sandbox", "workstage-sandbox is not installed.",
                "Install it to use rehearse and sandbox.")
  end
end

-- Removes a password from a proxy's address.
local function redacted(address)
  return (address:gsub("^(%a*:?/?/?)[^@/]*@", "%1[redacted]@"))
end

--- What the environment changes.
function doctor.environment(report, parsed)
  local base = parsed.base_url or os.getenv "WORKSTAGE_BASE_URL"
  if base and base ~= "" then
    report:warn("address", ("Requests go to %s, not to the service."):format(
      screen.clean(redacted(base))), "Unset WORKSTAGE_BASE_URL, or leave " ..
      "--base-url out, for the service itself.")
  end
  for _, name in ipairs { "https_proxy", "HTTPS_PROXY", "http_proxy",
                          "all_proxy", "ALL_PROXY" } do
    local value = os.getenv(name)
    if value and value ~= "" then
      report:ok("proxy", "%s is %s", name, screen.clean(redacted(value)))
    end
  end
  for _, name in ipairs { "CURL_CA_BUNDLE", "SSL_CERT_FILE" } do
    local value = os.getenv(name)
    if value and value ~= "" and not files.exists(value) then
      report:problem("certificates", ("%s names %s, which does not exist.")
        :format(name, screen.clean(value)), "Correct it, or unset it.")
    elseif value and value ~= "" then
      report:ok("certificates", "%s is %s", name, screen.clean(value))
    end
  end
  local names = profiles.names()
  if #names > 0 then
    report:ok("profiles", "%s in %s", table.concat(names, ", "),
              profiles.path())
  end
end

-- The names of the files in the folder of the command.
local function files_here()
  local pipe, names = io.popen "ls -1 2>/dev/null", {}
  for name in pipe:lines() do names[#names + 1] = name end
  pipe:close()
  return names
end

--- Runs that were not finished, in this folder.
function doctor.journals(report)
  local migration = require "workstage.migration"
  for _, name in ipairs(files_here()) do
    if name:find "%.journal$" or name:find "%.journal%.rollback$" then
      local about, err = migration.progress(name)
      if not about then
        report:warn("journal", tostring(err), nil)
      elseif not about.complete and not about.rolled_back then
        report:warn("journal", ("%s belongs to a run that is not complete.")
          :format(screen.clean(name)),
          "To continue, run: workstage resume " .. screen.word(name))
      end
    end
  end
end

-- ------------------------------------------------------------ the service

local MONTHS = { Jan = 1, Feb = 2, Mar = 3, Apr = 4, May = 5, Jun = 6,
                 Jul = 7, Aug = 8, Sep = 9, Oct = 10, Nov = 11, Dec = 12 }

-- Seconds since 1970 of a Date header.
local function http_date(text)
  local day, month, year, clock = (text or ""):match(
    "(%d+) (%a%a%a) (%d%d%d%d) (%d%d:%d%d:%d%d) GMT")
  if not MONTHS[month] then return nil end
  return time.parse(("%s-%02d-%02dT%sZ"):format(year, MONTHS[month],
                                                tonumber(day), clock))
end

local CLOCK = 30 -- seconds of difference that matter to nobody

local function check_clock(report, headers)
  local there = http_date(headers and headers.date)
  if not there then
    report:warn("clock", "The service does not say what time it is.")
    return
  end
  local offset = math.floor(os.time() - there)
  if math.abs(offset) <= CLOCK then
    report:ok("clock", "within %d s of the service's",
              math.max(math.abs(offset), 1))
  else
    report:warn("clock", ("This machine's clock is %d s %s."):format(
      math.abs(offset), offset > 0 and "fast" or "slow"),
      "Set it (NTP): after a lost response it helps to tell changes apart.")
  end
end

local function request(client, path)
  return client:request("GET", path, { retry = false })
end

local TOKEN_REMEDY = "Make a personal access token at app.storyblok.com, My " ..
                     "account, and put it into STORYBLOK_TOKEN (an OAuth " ..
                     "token: STORYBLOK_OAUTH_TOKEN)."

local UNREACHABLE = "Check the address, the network and the proxy."

-- Notes why a request failed.
local function fail(report, subject, err, remedy)
  local is_network = err.kind == "network" or err.kind == "timeout" or
                     err.kind == "tls"
  report:problem(subject, tostring(err) .. ".",
                 is_network and UNREACHABLE or remedy)
end

local function text(value)
  return screen.clean(type(value) == "string" and value or "?")
end

local function check_user(report, client)
  local body, status, headers = request(client, "/v1/users/me")
  if not body then
    fail(report, "token", status, TOKEN_REMEDY)
    return false
  end
  local user = type(body) == "table" and body.user or {}
  report:ok("token", "belongs to %s <%s>", text(user.friendly_name),
            text(user.email or user.userid))
  check_clock(report, headers)
  return true
end

local STARTER_RATE = 3

local function check_plan(report, client, info)
  local rate = client.transport.rate
  if type(info.plan) == "string" and info.plan:lower():find "starter" and
     rate and rate > STARTER_RATE then
    report:warn("rate limit", ("The plan allows %d requests a second; %g " ..
      "are configured."):format(STARTER_RATE, rate),
      "Use --rate-limit 3, or set WORKSTAGE_RATE_LIMIT=3.")
  else
    report:ok("rate limit", rate and rate > 0 and "%g requests a second" or
              "off", rate)
  end
end

local function check_space(report, client)
  local info, err = client:info { retry = false }
  if not info then
    fail(report, "space", err, "Check the space's id, and that the token's " ..
                               "user is a collaborator of the space.")
    return false
  end
  local parts = {}
  for _, name in ipairs { "region", "plan", "role" } do
    if info[name] then
      parts[#parts + 1] = ("%s %s"):format(name, text(tostring(info[name])))
    end
  end
  report:ok("space", "%s (%d)%s", screen.quoted(info.name or "?"),
            client.space_id, #parts > 0 and ": " ..
            table.concat(parts, ", ") or "")
  check_plan(report, client, info)
  return true
end

local PARTS = {
  { "workflows", "workflow", "Planning needs them: ask an admin of the " ..
    "space for the permission." },
  { "collaborators", "collaborator", "Names of people will be missing, and " ..
    "blueprints with users cannot be planned." },
  { "roles", "space role", "Blueprints with roles cannot be planned." },
}

local function check_permissions(report, client)
  for i, part in ipairs(PARTS) do
    local list, err = client[part[1]]:list(nil, { retry = false })
    if list then
      report:ok(part[1], "%s", screen.count(#list, part[2]))
    elseif i == 1 then
      fail(report, part[1], err, part[3])
    else
      report:warn(part[1], tostring(err) .. ".", part[3])
    end
  end
end

local check = {}

function check.storyblok(report, client)
  if not check_user(report, client) then return end
  if check_space(report, client) then check_permissions(report, client) end
end

function check.kantata(report, client)
  local body, status, headers = request(client, "/users/me")
  if not body then
    return fail(report, "token", status, "Put a token of your account into " ..
                                         "KANTATA_TOKEN.")
  end
  local users = type(body) == "table" and body.users or {}
  local _, user = next(type(users) == "table" and users or {})
  report:ok("token", "belongs to %s <%s>", text(user and user.full_name),
            text(user and user.email_address))
  check_clock(report, headers)
  local page, err = client.workspaces:page({ per_page = 1 },
                                           { retry = false })
  if not page then return fail(report, "projects", err) end
  report:ok("projects", "%s", screen.count(page.total or #page, "project"))
end

--- Asks the service: token, clock, space, permissions. At most seven requests.
function doctor.service(report, client)
  check[client.transport.service](report, client)
end

--- True if the arguments and the environment are enough to connect with.
function doctor.client(report, parsed)
  local client, code = connect.open(parsed)
  if client then return client end
  report:problem("configuration", "There is no complete configuration; see " ..
                 "the message above.", "Set the variables, or use --profile.")
  return nil, code
end

return doctor
