--- The one event loop of a Lua state, which its clients share.
local core = require "workstage.core"

local loop = {}

local handle

--- The core's loop, made when it is first needed.
function loop.handle()
  handle = handle or assert(core.loop())
  return handle
end

--- Waits until a call has ended. A signal cuts the wait of the core short, so
-- that a debug hook (Ctrl-C in the standalone interpreter) gets its turn.
function loop.wait(call)
  repeat until call:wait()
end

return loop
