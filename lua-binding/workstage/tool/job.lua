--- What all commands share that carry out something long: signals, progress,
-- the report, the next command to type.
local connect = require "workstage.tool.connect"
local failure = require "workstage.tool.ui.failure"
local progress_bars = require "workstage.tool.ui.progress_bar"
local json = require "workstage.tool.ui.json"
local run_summary = require "workstage.tool.ui.run_summary"
local screen = require "workstage.tool.ui.screen"
local status = require "workstage.tool.exit_status"
local terminal = require "workstage.terminal"

local job = {}

local Job = {}
Job.__index = Job

local function positive(option)
  return function(text)
    local number = math.tointeger(tonumber(text))
    if number and number >= 1 then return number end
    return nil, ("%s: '%s' is no whole number above 0"):format(option, text)
  end
end

--- Adds the options of a run.
function job.define(parser)
  parser:option("--limit", "Only so many items now; the rest by resume.")
    :argname "N":convert(positive "--limit")
  parser:option("--on-failure", "After an item that failed: continue (the " ..
                "default) or stop.")
    :argname "WHAT":choices { "continue", "stop" }
  parser:option("--concurrency", "Requests in flight at once (8).")
    :argname "N":convert(positive "--concurrency")
  parser:flag("--verbose", "Name the items that were skipped.")
end

--- Says why there is nothing to be run.
-- @treturn integer the exit status
function job.refuse(parsed, why)
  if parsed.json then
    screen.json { complete = false, error = { message = why } }
  end
  screen.complain("%s", why)
  return status.FAILED
end

--- Begins a job.
-- @tparam table parsed the arguments
-- @tparam[opt] table about see `connect.open`
-- @treturn[1] table with `client`
-- @treturn[2] nil
-- @treturn[2] integer the exit status
function job.new(parsed, about)
  local self = setmetatable({ parsed = parsed }, Job)
  self.bar = progress_bars.new(terminal.taken)
  local client, code = connect.open(parsed, about, self.bar:listener())
  if not client then return nil, code end
  self.client = client
  return self
end

--- Reads something, with a line that tells how far it is.
-- @return what `fn(client)` returns
function Job:read(fn)
  return self.bar:run(function() return fn(self.client) end)
end

local function to_resume(self, journal)
  return ("workstage resume %s%s"):format(screen.word(journal),
                                          connect.repeated(self.parsed))
end

-- Polled between items.
local function is_stopped()
  return terminal.taken() ~= nil
end

--- From here on a signal stops the job in peace.
function Job:hold(journal)
  terminal.install(journal and
    ("\nworkstage: ended at once; to carry on: %s\n")
    :format(to_resume(self, journal)) or "")
end

--- Runs `fn(client, options)`, which changes things.
-- @tparam ?string journal
-- @tparam function fn
-- @return what `fn` returns
function Job:run(journal, fn)
  local parsed = self.parsed
  self.bar.is_applying = true
  self:hold(journal)
  local result, err = self.bar:run(function()
    return fn(self.client, {
      journal = journal, limit = parsed.limit,
      concurrency = parsed.concurrency, on_failure = parsed.on_failure,
      on_progress = self.bar:progress(), should_stop = is_stopped,
    })
  end)
  self.client:close()
  return result, err
end

local function tell_end(self, done, undo)
  if done.complete then
    screen.say("Complete. Journal: " .. done.journal)
    if undo then
      screen.say(("To undo it: workstage rollback %s%s"):format(
        screen.word(done.journal), connect.repeated(self.parsed)))
    end
    return
  end
  if run_summary.reached_limit(done) then
    screen.say(("Stopped as asked: %s."):format(done.stopped))
    screen.say("To carry on: " .. to_resume(self, done.journal))
  else
    screen.complain("not complete: %s", run_summary.why(done))
    screen.complain("to carry on: %s", to_resume(self, done.journal))
  end
end

--- Tells what came of a run.
-- @tparam ?table done the report
-- @param err why there is none
-- @tparam boolean undo whether to say how it is undone
-- @treturn integer the exit status
function Job:tell(done, err, undo)
  if not done then
    if self.parsed.json then
      screen.json { complete = false, error = json.err(err) }
    end
    return failure.tell(err)
  end
  if self.parsed.json then screen.json(json.report(done))
  else
    run_summary.tell(done, self.parsed)
    tell_end(self, done, undo)
  end
  return (done.complete or run_summary.reached_limit(done)) and status.DONE or
         status.FAILED
end

return job
