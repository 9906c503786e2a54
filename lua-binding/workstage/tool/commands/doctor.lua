-- workstage doctor: finds problems and says how to fix them.

local connect = require "workstage.tool.connect"
local doctor = require "workstage.tool.doctor"
local exit_status = require "workstage.tool.exit_status"
local probe = require "workstage.tool.probe.command"
local screen = require "workstage.tool.ui.screen"
local workstage = require "workstage"

local command = {
  summary = "Check token, space, rights, clock and network.",
  examples = {
    "workstage doctor",
    "workstage doctor --profile production --json",
    "workstage doctor --probe --space 282994740194929",
  },
  ends = "Sends at most seven requests, all of them reads. Exit status: 0 " ..
         "no problem (there may be warnings), 1 a problem. --probe sends " ..
         "about 25 requests; exit status: 0 all checks were run and the " ..
         "objects removed, 1 not.",
}

function command.define(parser)
  probe.define(parser)
  parser:flag("--json", "Write the result as one line of JSON.")
  connect.define(parser)
end

local MARKS = { ok = { "green", "ok" }, warning = { "yellow", "warning" },
                problem = { "red", "PROBLEM" } }

local MARGIN = 9 -- cells of a mark and the blanks after it

local function print_report(report)
  local paint, width = screen.painter(screen.OUT), screen.width(screen.OUT)
  local columns = width and width - MARGIN
  for _, each in ipairs(report) do
    local mark, margin = MARKS[each.level], (" "):rep(MARGIN)
    local start = paint(mark[1], screen.pad(mark[2], MARGIN))
    local message = each.subject .. ": " .. each.message
    for _, text in ipairs { message, each.remedy } do
      for _, line in ipairs(screen.lines(screen.clean(text), columns)) do
        screen.put(start .. line)
        start = margin
      end
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
  if probe.is_wanted(parsed) then return probe.run(parsed) end
  local report = doctor.new()
  doctor.versions(report)
  doctor.environment(report, parsed)
  local client = doctor.client(report, parsed)
  if client then
    workstage.run(function() doctor.service(report, client) end)
    client:close()
  end
  doctor.journals(report)
  local is_healthy = not report:has_problem()
  if parsed.json then
    screen.json { healthy = is_healthy, checks = records_of(report) }
  else
    print_report(report)
  end
  return is_healthy and exit_status.DONE or exit_status.FAILED
end

return command
