--- The report of a plan or of a run, as one page of HTML.
local outcomes = require "workstage.migration.journal.outcomes"
local page = require "workstage.migration.report.page"
local plans = require "workstage.migration.plan"
local record_file = require "workstage.migration.journal.record_file"
local replay = require "workstage.migration.journal.replay"
local run_view = require "workstage.migration.report.run_view"
local view = require "workstage.migration.report.view"

local report = {}

-- The `picture` option is SVG or a function that draws the plan.
local function picture_of(opts, plan)
  local picture = opts.picture
  if type(picture) == "function" then return picture(plan) end
  return picture
end

--- The report of a plan.
-- @tparam table plan
-- @tparam table opts see `workstage.migration.report`
-- @treturn string HTML
function report.of_plan(plan, opts)
  return page(view.of_plan(plan, picture_of(opts, plan)))
end

local function of_run(path, opts)
  local replayed, err = replay.read(path)
  if not replayed then return nil, err end
  local read
  read, err = outcomes.read(path)
  if not read then return nil, err end
  return page(run_view(replayed, read, path,
                       picture_of(opts, replayed.plan)))
end

--- The report of a saved plan or of a run.
-- @tparam string path of the plan or of the run's journal
-- @tparam table opts see `workstage.migration.report`
-- @treturn[1] string HTML
-- @treturn[2] nil
-- @treturn[2] table the error
function report.of_file(path, opts)
  if record_file.kind(path) ~= "plan" then return of_run(path, opts) end
  local plan, err = plans.load(path)
  if not plan then return nil, err end
  return report.of_plan(plan, opts)
end

return report
