--- A process that sends requests as fast as its shared limit allows, until it
-- is killed or COUNT are done: lua5.4 limit_file_client.lua URL FILE COUNT
local workstage = require "workstage"

local url, path, count = arg[1], arg[2], tonumber(arg[3])

local space = assert(workstage.storyblok {
  space_id = 288868932106293, token = "shared", base_url = url, proxy = false,
  rate_limit = { per_second = 6, shared = path },
})

local left = count
local _, errs = workstage.map(function()
  left = left - 1
  return left >= 0 or nil
end, function() return space.stages:list() end)
if next(errs) then
  io.stderr:write(tostring(select(2, next(errs))), "\n")
  os.exit(1)
end
