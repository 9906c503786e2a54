--- Checks the paths in a workflow: unreachable stages, and stages without a
-- way out.
local quoted = require "workstage.visible".quoted

-- The value of an attribute of a stage, inherited if not set; nil if only the
-- space has it.
local function effective(stage, attribute, workflow)
  local seen = {}
  while stage and not seen[stage] do
    if stage[attribute] ~= nil then return stage[attribute] end
    seen[stage] = true
    stage = stage.inherit and workflow.by_name[stage.inherit]
  end
end

-- The names of the stages that may follow one. If the description does not set
-- them, they are unchanged or the service's default, which may be all stages.
local function followers(stage, workflow)
  local next_stages = effective(stage, "next", workflow)
  local list = (next_stages == "all" or next_stages == nil) and
               workflow.names or
               type(next_stages) == "table" and next_stages or {}
  list = table.move(list, 1, #list, 1, {})
  list[#list + 1] = effective(stage, "after_publish", workflow) or nil
  return list
end

local function reached_from(start, workflow)
  local reached, queue = { [start.name] = true }, { start }
  while #queue > 0 do
    local stage = table.remove(queue)
    for _, name in ipairs(followers(stage, workflow)) do
      if not reached[name] and workflow.by_name[name] then
        reached[name] = true
        queue[#queue + 1] = workflow.by_name[name]
      end
    end
  end
  return reached
end

local function check_reach(workflow, found)
  local start
  for _, stage in ipairs(workflow.stages) do
    start = start or stage.is_default and stage
  end
  if not start then return end
  local reached = reached_from(start, workflow)
  for i, stage in ipairs(workflow.stages) do
    if not reached[stage.name] then
      found:warn(workflow:stage_at(i), "No path leads from %s to %s.",
                 quoted(start.name), quoted(stage.name))
    end
  end
end

local function leads_on(stage, workflow)
  for _, name in ipairs(followers(stage, workflow)) do
    if name ~= stage.name then return true end
  end
  return false
end

-- A stage is an end if items can be published there, or if next = "none" marks
-- it as one.
local function is_end(stage, workflow)
  return effective(stage, "allow_publish", workflow) or
         effective(stage, "allow_admin_publish", workflow) or
         effective(stage, "next", workflow) == "none" or
         #workflow.stages == 1
end

local function check_dead_ends(workflow, found)
  for i, stage in ipairs(workflow.stages) do
    if not is_end(stage, workflow) and not leads_on(stage, workflow) then
      found:warn(workflow:stage_at(i):at "next",
                 "Stage %s has no outgoing transitions, and nothing can be "
                 .. "published there. If intended, set next = \"none\".",
                 quoted(stage.name))
    end
  end
end

--- Checks the paths through a workflow.
-- @tparam table workflow see `lint/workflow`
-- @tparam table found the findings
return function(workflow, found)
  check_reach(workflow, found)
  check_dead_ends(workflow, found)
end
