-- workstage doctor: whether everything is in place, and what to do if not.

local connect = require "workstage.tool.connect"
local doctor = require "workstage.tool.doctor"
local exit_status = require "workstage.tool.exit_status"
local screen = require "workstage.tool.ui.screen"
local workstage = require "workstage"

local command = {
  summary = "Check token, space, rights, clock and network.",
  examples = {
    "workstage doctor",
    "workstage doctor --profile production --json",
  },
  ends = "Sends at most seven requests, all of them reads. Exit status: 0 " ..
         "no problem (there may be warnings), 1 a problem.",
}

function command.define(parser)
  parser:flag("--json", "Write the result as one line of JSON.")
  connect.define(parser)
end

local MARKS = { ok = { "green", "ok" }, warning = { "yellow", "warning" },
                problem = { "red", "PROBLEM" } }

local function tell(report)
  local paint = screen.painter(screen.OUT)
  for _, each in ipairs(report) do
    local mark = MARKS[each.level]
    screen.say(("%s  %s: %s"):format(
      paint(mark[1], screen.pad(mark[2], 7)), each.subject,
      screen.clean(each.message)))
    if each.remedy then
      screen.say((" "):rep(9) .. screen.clean(each.remedy))
    end
  end
end

local function records_of(report)
  local list = {}
  for i, each in ipairs(report) do
    list[i] = { level = each.level, subject = each.subject,
                message = each.message, remedy = each.remedy }
  end
  return list
end

function command.run(parsed)
  local report = doctor.new()
  doctor.versions(report)
  doctor.environment(report, parsed)
  local client = doctor.client(report, parsed)
  if client then
    workstage.run(function() doctor.service(report, client) end)
    client:close()
  end
  doctor.journals(report)
  local is_well = not report:has_problem()
  if parsed.json then
    screen.json { healthy = is_well, checks = records_of(report) }
  else
    tell(report)
  end
  return is_well and exit_status.DONE or exit_status.FAILED
end

return command
