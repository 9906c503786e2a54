-- workstage rehearse: applies a plan to a copy of the space in a sandbox.

local connect = require "workstage.tool.connect"
local files = require "workstage.tool.files"
local job = require "workstage.tool.job"
local failure = require "workstage.tool.ui.failure"
local migration = require "workstage.migration"
local numbers = require "workstage.tool.numbers"
local planning = require "workstage.tool.planning"
local json = require "workstage.tool.ui.json"
local describe = require "workstage.migration.plan.describe"
local run_summary = require "workstage.tool.ui.run_summary"
local screen = require "workstage.tool.ui.screen"
local exit_status = require "workstage.tool.exit_status"

local command = {
  summary = "Try a blueprint on a copy in a sandbox. Only reads.",
  examples = {
    "workstage rehearse article.lua",
    "workstage rehearse article.lua --faults 5",
    "workstage rehearse article.lua --faults 5 --seed 1234",
  },
  ends = "Faults are statuses 500 and 503, connections lost before and " ..
         "after the effect, and truncated responses. Needs " ..
         "workstage-sandbox.",
}

local function percent(text)
  local number = tonumber((text:gsub("%%$", "")))
  if number and number >= 0 and number <= 100 then return number / 100 end
  return nil, ("--faults: '%s' is not a percentage from 0 to 100"):format(text)
end

function command.define(parser)
  parser:argument("file", "The blueprint."):argname "FILE"
  parser:option("--faults", "The share of requests that fail (0).")
    :argname "PERCENT":convert(percent)
  parser:option("--seed", "Draws the faults; a new one each time.")
    :argname "NUMBER":convert(numbers.whole "--seed")
  planning.define(parser)
  parser:flag("--verbose", "List the skipped items.")
  parser:flag("--json", "Write the report as one line of JSON.")
  connect.define(parser)
end

-- " with 5 % faults (3 faults, seed 1234)"
local function faults_text(done, parsed)
  if not parsed.faults then return "" end
  return (" with %g %% faults (%s, seed %d)"):format(
    parsed.faults * 100, screen.count(done.faults, "fault"), done.seed)
end

local function tell(done, parsed, heading)
  planning.show(done.plan, {}, heading)
  screen.say ""
  screen.say(("Rehearsed in a sandbox%s, in %s."):format(
    faults_text(done, parsed), screen.count(done.rounds, "run")))
  run_summary.tell(done, parsed)
  if done.complete then
    screen.say "Rehearsal succeeded. Your space was not changed."
  else
    screen.complain("Rehearsal failed. %s", run_summary.why(done, parsed))
    screen.complain "Your space was not changed."
  end
  run_summary.last_line(done, { verb = "Rehearsal",
                                counts = describe.counts(done.plan) })
end

local function json_of(done)
  local record, plan = json.report(done), json.plan(done.plan)
  record.plan, record.planned = plan.plan, plan
  record.faults, record.seed = done.faults, done.seed
  return record
end

function command.run(parsed)
  local blueprint, code = files.blueprint(parsed.file, true)
  if not blueprint then return code end
  local self
  self, code = job.new(parsed, blueprint)
  if not self then return code end
  local heading = self:heading()
  local done, err = self:run(nil, function(client, options)
    local planned = planning.options(parsed)
    return migration.rehearse(client, blueprint, {
      faults = parsed.faults, seed = parsed.seed,
      map_role = planned.map_role, map_user = planned.map_user,
      only = planned.only, on_progress = options.on_progress,
      should_stop = options.should_stop,
    })
  end)
  if not done then return failure.tell(err, parsed.file) end
  if parsed.json then screen.json(json_of(done))
  else tell(done, parsed, heading) end
  return done.complete and exit_status.DONE or exit_status.FAILED
end

return command
