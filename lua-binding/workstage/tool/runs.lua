--- Applies a plan with a person watching: shows it, asks, runs it, tells what
-- came of it. For all commands that change many items.
local exit_status = require "workstage.tool.exit_status"
local json = require "workstage.tool.ui.json"
local migration = require "workstage.migration"
local planning = require "workstage.tool.planning"
local describe = require "workstage.migration.plan.describe"
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

return runs
