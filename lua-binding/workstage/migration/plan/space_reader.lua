--- Reads a space for a plan: the workflows, and the stages of those it needs,
-- each once.
local state = require "workstage.migration.state"
local structure = require "workstage.migration.space"

local Reader = {}
Reader.__index = Reader

--- The stages of a workflow, in order of position; nil and the error.
function Reader:stages(workflow_id)
  local stages = self.read[workflow_id]
  if stages then return stages end
  local err
  stages, err = structure.stages(self.client, workflow_id)
  if not stages then return nil, err end
  self.read[workflow_id] = stages
  table.move(stages, 1, #stages, #self.all + 1, self.all)
  return stages
end

--- The initial state of the plan: everything read so far.
function Reader:state()
  return state.new(self.workflows, self.all)
end

--- Reads the workflows of a space.
-- @tparam table client
-- @treturn[1] table `client`, `workflows`
-- @treturn[2] nil
-- @treturn[2] table the error
return function(client)
  local workflows, err = structure.workflows(client)
  if not workflows then return nil, err end
  return setmetatable({ client = client, workflows = workflows, read = {},
                        all = {} }, Reader)
end
