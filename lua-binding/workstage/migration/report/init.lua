--- The report of a plan or of a run, as one page of HTML.
local outcomes = require "workstage.migration.journal.outcomes"
local page = require "workstage.migration.report.page"
local replay = require "workstage.migration.journal.replay"
local view = require "workstage.migration.report.view"

local report = {}

-- The `picture` option is SVG or a function that draws the plan.
local function with_picture(opts, plan)
  local copy = {}
  for name, value in pairs(opts) do copy[name] = value end
  if type(opts.picture) == "function" then copy.picture = opts.picture(plan)
  end
  return copy
end

--- The report of a plan.
-- @tparam table plan
-- @tparam table opts see `workstage.migration.report`
-- @treturn string HTML
function report.of_plan(plan, opts)
  return page(view.of_plan(plan, with_picture(opts, plan)))
end

--- The report of a run.
-- @tparam string path of its journal
-- @tparam table opts see `workstage.migration.report`
-- @treturn[1] string HTML
-- @treturn[2] nil
-- @treturn[2] table the error
function report.of_run(path, opts)
  local replayed, err = replay.read(path)
  if not replayed then return nil, err end
  local read
  read, err = outcomes.read(path)
  if not read then return nil, err end
  local more = with_picture(opts, replayed.plan)
  more.path = path
  return page(view.of_run(replayed, read, more))
end

return report
