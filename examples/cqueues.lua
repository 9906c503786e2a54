--[[
workstage inside a cqueues program: its loop is one object to poll.

  lua5.4 examples/cqueues.lua

Reads 40 stories while a coroutine of cqueues ticks beside it, against a
sandbox in this very process.
]]
local cqueues = require "cqueues"
local sandbox = require "workstage.sandbox"
local workstage = require "workstage"

local server = assert(sandbox.start { seed = { stories = 40 }, latency = 0.2,
                                      rate_limit = false })
local space = assert(workstage.storyblok {
  space_id = 288868932106293, token = "sandbox", base_url = server.url,
  rate_limit = false, proxy = false,
})

local controller, done = cqueues.new(), false

-- The tasks of workstage continue whenever its loop is stepped.
controller:wrap(function()
  while not done do
    cqueues.poll(workstage.loop)
    workstage.loop:step()
  end
end)

controller:wrap(function()
  local ticks = 0
  while not done do
    cqueues.sleep(0.1)
    ticks = ticks + 1
  end
  print(ticks .. " ticks meanwhile")
end)

workstage.loop:spawn(function()
  local ids = {}
  for story in space.stories:each() do ids[#ids + 1] = story.id end
  local stories = workstage.map(ids, function(id)
    return space.stories:get(id)
  end)
  print(#stories .. " stories read")
  done = true
end)

assert(controller:loop())
