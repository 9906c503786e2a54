--- `workstage move --from STAGE`: all items of a stage, or those that a filter
-- chooses, as an ordinary plan.
local connect = require "workstage.tool.connect"
local filters = require "workstage.tool.filters"
local job = require "workstage.tool.job"
local planning = require "workstage.tool.planning"
local runs = require "workstage.tool.runs"
local stage_names = require "workstage.tool.stage_names"
local statuses = require "workstage.tool.statuses"

local move_of = {}

local function place_of(all, text, workflow)
  if text == "none" then return "none" end
  local stage, why = stage_names.find(all, text, workflow)
  if not stage then return nil, why end
  return { workflow = stage.workflow, stage = stage.name }
end

function move_of.storyblok(client, parsed)
  local all, why = stage_names.read(client)
  if not all then return nil, why end
  local from, to
  from, why = place_of(all, parsed.from, parsed.workflow)
  if not from then return nil, why end
  to, why = place_of(all, parsed.to, parsed.workflow or
                                     from ~= "none" and from.workflow or nil)
  if not to then return nil, why end
  return { from = from, to = to, where = filters.where(parsed),
           comment = parsed.comment, notify = parsed.notify or nil }
end

function move_of.kantata(_, parsed)
  local from, to, why
  from, why = statuses.find(parsed.from)
  if not from then return nil, why end
  to, why = statuses.find(parsed.to)
  if not to then return nil, why end
  return { from = from.key, to = to.key, where = filters.where(parsed) }
end

--- Moves the items that the arguments choose.
-- @tparam table parsed
-- @treturn integer the exit status
return function(parsed)
  local self, move = job.read(parsed, move_of)
  if not self then return move end
  local plan, code = planning.make(self, { version = 1, moves = { move },
    service = connect.service(parsed) })
  if not plan then return code end
  if plan:is_empty() then return runs.nothing(self, plan) end
  if parsed.dry_run then return runs.preview(self, plan) end
  local journal = parsed.journal or ("move-%s.journal"):format(plan.id)
  return (runs.apply(self, plan, journal, { verb = "Move", undo = true }))
end
