--- Checks that the space has the content types of the workflows.
local quoted = require "workstage.visible".quoted
local sets = require "workstage.sets"
local structure = require "workstage.migration.space"

-- Content types that a workflow will get and does not have yet.
local function add_new(workflow, list)
  local had = sets.of(workflow.existing and workflow.existing.content_types)
  for _, name in ipairs(workflow.value.content_types or {}) do
    if not had[name] then list[#list + 1] = name end
  end
end

local UNKNOWN = "The service does not say which content types the space " ..
                "has: they were not checked."

--- Checks content types, as far as the service lists them.
-- @tparam table client
-- @tparam table described see `plan/described`
-- @tparam table problems gets sentences
-- @tparam table notes gets sentences
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] table the error
return function(client, described, problems, notes)
  local list = {}
  for _, workflow in ipairs(described) do add_new(workflow, list) end
  if #list == 0 then return true end
  local types, err = structure.content_types(client)
  if types == nil then return nil, err end
  if not types then
    notes[#notes + 1] = UNKNOWN
    return true
  end
  for _, name in ipairs(list) do
    if not types[name] then
      problems[#problems + 1] = ("The space has no content type %s.")
                                :format(quoted(name))
    end
  end
  return true
end
