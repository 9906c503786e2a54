--- `--json-events`: what happens, a line of JSON an event, on the standard
-- output. The names are a promise (docs/tool.md); `version` is raised when one
-- of them changes its meaning.
local screen = require "workstage.tool.ui.screen"

local events = {}

local VERSION = 1

local Events = {}
Events.__index = Events

--- Makes the writer of events; without `is_on` it writes nothing.
function events.new(is_on)
  return setmetatable({ is_on = is_on }, Events)
end

local function write(self, type, record)
  if not self.is_on then return end
  record.event, record.version, record.time = type, VERSION, os.time()
  screen.event(record)
end

--- Writes "planned": what the run is about to do.
-- @tparam table record a plan, see `json.plan`
function Events:planned(record)
  write(self, "planned", { plan = record })
end

--- Writes "started": the first request of the run is about to be sent.
-- @tparam string journal
-- @tparam ?integer space_id
function Events:started(journal, space_id)
  write(self, "started", { journal = journal, space_id = space_id })
end

--- Returns a listener for a client's events, which writes "retry", and "wait"
-- for pauses of a second or more.
function Events:listener()
  return function(event)
    if event.type == "retry" then
      write(self, "retry", {
        method = event.method, url = event.url, attempt = event.attempt,
        status = event.status, kind = event.kind, message = event.message,
        pause = event.pause,
      })
    elseif event.type == "wait" and event.pause and event.pause >= 1 then
      write(self, "wait", { seconds = event.pause, reason = "rate limit" })
    end
  end
end

--- Returns a listener for a run's events, which writes "item" and "wait".
function Events:run_listener()
  return function(event)
    local record = {}
    for name, value in pairs(event) do record[name] = value end
    record.type = nil
    write(self, event.type, record)
  end
end

--- Writes "summary", the last event.
-- @tparam table record see `json.report`
function Events:summary(record)
  write(self, "summary", record)
end

return events
