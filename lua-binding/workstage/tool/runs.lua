--- Applies a plan with a person watching: shows it, asks, runs it, tells what
-- came of it. For all commands that change many items.
local describe = require "workstage.migration.plan.describe"
local exit_status = require "workstage.tool.exit_status"
local json = require "workstage.tool.ui.json"
local migration = require "workstage.migration"
local planning = require "workstage.tool.planning"
local progress = require "workstage.tool.commands.progress"
local screen = require "workstage.tool.ui.screen"

local runs = {}

--- Shows a plan and nothing else: --dry-run.
-- @treturn integer the exit status
function runs.preview(job, plan)
  if job.parsed.json then screen.json(json.plan(plan))
  else planning.show(plan, job.parsed, (job:heading())) end
  job.events:planned(json.plan(plan))
  return plan:is_empty() and exit_status.DONE or exit_status.CHANGES
end

--- Says of an empty plan that there is nothing to do.
-- @treturn integer the exit status
function runs.nothing(job, plan)
  local record = json.nothing(plan.id)
  planning.show(plan, job.parsed, (job:heading()))
  if job.parsed.json then screen.json(record) end
  job.events:summary(record)
  return exit_status.DONE
end

--- Shows a plan, asks, and applies it.
-- @tparam table job
-- @tparam table plan
-- @tparam string journal the path of the new journal
-- @tparam table about `verb`, as a question ("Apply") and in the summary;
--   `undo`, see `Job:tell`
-- @treturn integer the exit status
-- @treturn ?table the report
-- @treturn ?table the error of a run that did not begin
function runs.apply(job, plan, journal, about)
  planning.show(plan, job.parsed, (job:heading()))
  job.events:planned(json.plan(plan))
  local agreed, code = job:confirm(about.verb)
  if not agreed then return code end
  job.events:started(journal, plan.space_id)
  local done, err = job:run(journal, function(client, options)
    return migration.apply(client, plan, options)
  end)
  about.counts = describe.counts(plan)
  return job:tell(done, err, about), done, err
end

--- Shows how far a run is, asks, and continues it.
-- @tparam table job
-- @tparam table about see `files.journal`
-- @tparam string journal its path
-- @tparam function resume `resume(client, options)`
-- @treturn[1] table the report
-- @treturn[2] nil
-- @treturn[2] table the error; nil if the run was not continued
-- @treturn[2] integer the exit status in that case
function runs.continue(job, about, journal, resume)
  if job:is_for_people() then progress.say_state(about, journal) end
  local agreed, code = job:confirm "Continue"
  if not agreed then return nil, nil, code end
  job.events:started(journal, about.space_id)
  return job:run(journal, function(client, options)
    options.journal = nil
    return resume(client, options)
  end)
end

return runs
