--- `workstage doctor --probe`: finds out how a space behaves where the
-- documentation of the service is silent or contradicts itself. It creates a
-- workflow and a story of its own, tries each statement on them, and removes
-- them again.
local checks = require "workstage.tool.probe.checks"
local objects = require "workstage.tool.probe.objects"
local terminal = require "workstage.terminal"

local probe = {}

local Session = {}
Session.__index = Session

--- Creates a session: sends requests and counts them.
-- @tparam table client
function probe.session(client)
  return setmetatable({ client = client, requests = 0,
    has_rate_headers = false,
    prefix = ("/v1/spaces/%d"):format(client.space_id) }, Session)
end

--- Counts a request.
function Session:count() self.requests = self.requests + 1 end

--- Sends a request below the space's path.
-- @treturn[1] any the body; true if it is empty
-- @treturn[1] integer status
-- @treturn[1] table headers
-- @treturn[2] nil
-- @treturn[2] table the error
function Session:send(method, path, opts)
  self:count()
  local body, status, headers = self.client:request(
    method, self.prefix .. path, opts)
  if headers and headers["x-ratelimit"] then self.has_rate_headers = true end
  return body, status, headers
end

local function reading_of(check, value)
  for i, each in ipairs(check.readings) do
    if each[1] == value then return each[2], i == 1 end
  end
end

-- Runs one check. A value that no reading has is reported as unknown.
local function run_check(session, check)
  local result = { option = check.option, statement = check.statement }
  local value, why = check.find(session)
  if value ~= nil then
    result.finding, result.is_documented = reading_of(check, value)
    why = ("%s: no known reading"):format(tostring(value))
  end
  if result.finding then result.value = value else result.reason = why end
  return result
end

local function run_checks(session)
  local results = {}
  for _, check in ipairs(checks) do
    if terminal.pending_signal() then return results, true end
    results[#results + 1] = run_check(session, check)
  end
  return results, false
end

--- Runs all checks and removes the objects.
-- @tparam table session
-- @tparam table names see `objects.names`
-- @treturn table `statements`, `stopped` (true: by a signal), `error` (of the
--   creation), `remove_error` (the objects remain), `requests`
function probe.run(session, names)
  local report = { statements = {}, stopped = false }
  session.made, report.error = objects.create(session, names)
  if session.made then
    report.statements, report.stopped = run_checks(session)
  end
  local _
  _, report.remove_error = objects.remove(session, names)
  report.requests = session.requests
  return report
end

--- Removes what interrupted probes have left.
-- @treturn[1] table names of the removed objects
-- @treturn[2] nil
-- @treturn[2] table the error
function probe.remove(session)
  return objects.remove(session)
end

--- True if all checks were run and the objects are removed.
function probe.is_complete(report)
  return not report.error and not report.remove_error and not report.stopped
end

probe.names = objects.names
probe.UNTESTED = checks.UNTESTED

return probe
