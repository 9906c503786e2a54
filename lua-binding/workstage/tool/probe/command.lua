--- The conversation of `workstage doctor --probe`: checks that the space is
-- meant for tests, asks, and prints what the probe found.
local confirm = require "workstage.tool.ui.confirm"
local connect = require "workstage.tool.connect"
local exit_status = require "workstage.tool.exit_status"
local json = require "workstage.tool.ui.json"
local probe = require "workstage.tool.probe"
local screen = require "workstage.tool.ui.screen"
local tables = require "workstage.tool.ui.table"
local terminal = require "workstage.terminal"

local command = {}

--- Adds the options.
function command.define(parser)
  parser:mutex(
    parser:flag("--probe", "Find out how this space behaves where the " ..
      "service's documentation is unclear. Creates a workflow and a story, " ..
      "and removes them. Only for a space meant for tests."),
    parser:flag("--remove-probe", "Remove what an interrupted --probe left."))
  parser:option("--confirm-space", "With these two: do not ask; the name of " ..
                "the space.")
    :argname "NAME"
end

--- True if the arguments ask for a probe.
function command.is_wanted(parsed)
  return parsed.probe or parsed.remove_probe
end

local function refuse(text, ...)
  screen.complain(text, ...)
  return exit_status.USAGE
end

-- The command that removes what a probe has left.
local function to_remove(parsed)
  return "workstage doctor --remove-probe" .. connect.repeated(parsed)
end

local WHY = "Only do this in a space that is meant for tests."

-- Returns true if the person has typed the name of the space.
local function is_confirmed(parsed, client)
  local heading, name = connect.heading(client)
  if not name then
    return false, refuse("%s: its name could not be read, so it cannot be " ..
                         "confirmed. Run: workstage doctor", heading)
  end
  return confirm.ask_for_name(parsed, ("%s in %s?"):format(
    parsed.probe and "Create a workflow and a story, test, and remove them" or
    "Remove all workflows and stories of earlier probes",
    (heading:gsub("^Space ", "space "))), name, WHY)
end

-- ------------------------------------------------------------------- results

local COLUMNS = { { title = "STATEMENT", shrink = 24 },
                  { title = "FOUND", shrink = 16 },
                  { title = "SANDBOX OPTION" } }

local function rows_of(report)
  local rows = {}
  for i, each in ipairs(report.statements) do
    rows[i] = { each.statement, screen.clean(each.finding or
                ("not decided: %s"):format(each.reason)),
                each.finding and ("%s=%s"):format(each.option,
                                                  tostring(each.value)) or "",
                color = not each.finding and "yellow" or
                        not each.is_documented and "cyan" or nil }
  end
  return rows
end

-- The options that make a sandbox behave like the space.
local function sandbox_command(report)
  local words = { "workstage sandbox" }
  for _, each in ipairs(report.statements) do
    if each.finding and not each.is_documented then
      words[#words + 1] = ("--option %s=%s"):format(each.option,
                                                    tostring(each.value))
    end
  end
  return #words > 1 and table.concat(words, " ")
end

local function print_untested()
  screen.say ""
  screen.say "Not tested:"
  for _, each in ipairs(probe.UNTESTED) do
    screen.say(("  - %s: it %s"):format(each[1], each[2]))
  end
end

local function print_statements(report)
  tables.print(COLUMNS, rows_of(report))
  print_untested()
  screen.say ""
  local like = sandbox_command(report)
  if like then
    screen.say "A sandbox that behaves like this space:"
    screen.say("  " .. like)
  else
    screen.say "The sandbox behaves like this space without options."
  end
end

-- The last lines: what failed, what remains, how to remove it.
local function print_end(parsed, report, names)
  if report.error then
    screen.complain("The probe's objects could not be created: %s",
                    tostring(report.error))
  end
  if report.stopped then screen.complain "Stopped before all checks." end
  if report.remove_error then
    screen.complain("Not removed: workflow \"%s\", story \"%s\": %s",
                    names.workflow, names.slug, tostring(report.remove_error))
    screen.complain("To remove them, run: %s", to_remove(parsed))
  end
  if probe.is_complete(report) and not parsed.json then
    screen.say(("Probe complete: %s. Its workflow and story were removed.")
      :format(screen.count(report.requests, "request")))
  end
end

local function record_of(report, client, names)
  local list = {}
  for i, each in ipairs(report.statements) do
    list[i] = { option = each.option, statement = each.statement,
                value = each.value, finding = each.finding,
                reason = each.reason, documented = each.is_documented }
  end
  return { complete = probe.is_complete(report), space_id = client.space_id,
           requests = report.requests, statements = list,
           error = report.error and json.err(report.error),
           not_removed = report.remove_error and { names.workflow,
                                                   names.slug } or nil }
end

-- Objects are named before they are created: the process may be killed.
local function announce(parsed, names)
  screen.note(("Creating workflow \"%s\" and story \"%s\"."):format(
    names.workflow, names.slug))
  terminal.install(("\nworkstage: Ended at once. To remove what the probe " ..
    "has created, run: %s\n"):format(to_remove(parsed)))
end

local function run_probe(parsed, client)
  local names = probe.names()
  announce(parsed, names)
  local report = probe.run(probe.session(client), names)
  if parsed.json then screen.json(record_of(report, client, names))
  elseif #report.statements > 0 then print_statements(report) end
  print_end(parsed, report, names)
  return probe.is_complete(report) and exit_status.DONE or exit_status.FAILED
end

local function run_remove(parsed, client)
  local removed, err = probe.remove(probe.session(client))
  if not removed then
    screen.complain("%s", tostring(err))
    return exit_status.FAILED
  end
  if parsed.json then screen.json { removed = removed }
  elseif #removed == 0 then screen.say "No objects of a probe were found."
  else screen.say("Removed: " .. screen.clean(table.concat(removed, ", "))) end
  return exit_status.DONE
end

--- Runs the probe.
-- @tparam table parsed the arguments
-- @treturn integer the exit status
function command.run(parsed)
  local profile, code = connect.profile(parsed)
  if not profile then return code end
  if profile.protected then
    return refuse "The profile is protected: --probe changes the space."
  elseif connect.service(parsed) ~= "storyblok" then
    return refuse "--probe is for Storyblok."
  end
  local client
  client, code = connect.open(parsed)
  if not client then return code end
  local confirmed
  confirmed, code = is_confirmed(parsed, client)
  if confirmed then
    code = (parsed.probe and run_probe or run_remove)(parsed, client)
  end
  client:close()
  return code
end

return command
