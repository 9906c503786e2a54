--[[
workstage inside a luv (libuv) program: a descriptor to watch and a timer.

  lua5.4 examples/luv.lua

Reads 40 stories while a timer of luv ticks beside it, against a sandbox in
this very process.
]]
local sandbox = require "workstage.sandbox"
local uv = require "luv"
local workstage = require "workstage"

local server = assert(sandbox.start { seed = { stories = 40 }, latency = 0.2,
                                      rate_limit = false })
local space = assert(workstage.storyblok {
  space_id = 288868932106293, token = "sandbox", base_url = server.url,
  rate_limit = false, proxy = false,
})

local loop = workstage.loop
local poll, timer = uv.new_poll(loop:fileno()), uv.new_timer()

-- Steps workstage's loop, and sets the timer to when it wants to be next.
local function step()
  loop:step()
  local seconds = loop:timeout()
  timer:stop()
  if seconds then timer:start(math.ceil(seconds * 1000), 0, step) end
end

poll:start("r", step)

local ticks, ticker = 0, uv.new_timer()
ticker:start(100, 100, function() ticks = ticks + 1 end)

loop:spawn(function()
  local ids = {}
  for story in space.stories:each() do ids[#ids + 1] = story.id end
  local stories = workstage.map(ids, function(id)
    return space.stories:get(id)
  end)
  print(#stories .. " stories read, " .. ticks .. " ticks meanwhile")
  poll:close()
  timer:close()
  ticker:close()
end)

step()
uv.run()
