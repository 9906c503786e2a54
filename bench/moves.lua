--[[
Moves stories back and forth for some seconds, 8 at a time, and prints how
many moves failed. Arguments: URL, the limit, SECONDS.
]]
local core = require "workstage.core"
local workstage = require "workstage"

local space = assert(workstage.storyblok {
  space_id = 288868932106293, token = "bench", base_url = arg[1],
  rate_limit = tonumber(arg[2]),
})
local stages = assert(space.stages:list())
local stories = assert(space.stories:list())
local stop, number, failed = core.now() + tonumber(arg[3]), 0, 0

local function next_change()
  if core.now() > stop then return nil end
  number = number + 1
  return {
    story_id = stories[number % #stories + 1].id,
    workflow_stage_id = stages[number % #stages + 1].id,
  }
end

workstage.map(next_change, function(change)
  return space.changes:create(change)
end, { on_result = function(_, result)
  if not result then failed = failed + 1 end
end })
print(failed)
