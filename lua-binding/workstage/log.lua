--- Formats events as lines: `on_event = require "workstage.log"()`.
--
--   2026-11-20 21:35:00 POST https://... #1 201 in 0.142 s
local log = {}

local write = {}

function write.request(event)
  return ("#%d sent, %d bytes"):format(event.attempt, event.sent)
end

function write.response(event)
  local result = event.status and tostring(event.status) or event.kind
  if event.status and event.kind ~= "ok" then
    result = ("%s (%s)"):format(result, event.kind)
  end
  return ("#%d %s in %.3f s, %d bytes")
         :format(event.attempt, result, event.elapsed, event.received)
end

function write.retry(event)
  return ("#%d again in %.3f s"):format(event.attempt, event.pause or 0)
end

function write.wait(event)
  if not event.pause then return "waits for its turn" end
  return ("waits %.3f s for its turn"):format(event.pause)
end

function write.reconciled(event)
  return ("reconciled in %.3f s: %s"):format(event.elapsed, event.result)
end

--- Formats an event as a line, without a line break.
-- @tparam table event
-- @treturn string
function log.line(event)
  return ("%s %s %s %s"):format(os.date("%Y-%m-%d %H:%M:%S",
                                        math.floor(event.time)),
                                event.method, event.url,
                                write[event.type](event))
end

--- Returns a function for `on_event` that writes lines.
-- @tparam[opt=io.stderr] file out
-- @treturn function
function log.to(out)
  out = out or io.stderr
  return function(event) out:write(log.line(event), "\n") end
end

return setmetatable(log, { __call = function(_, out) return log.to(out) end })
