--- What all commands share that run for long: signals, progress, events, the
-- summary, the next command to type.
local confirm = require "workstage.tool.ui.confirm"
local connect = require "workstage.tool.connect"
local events = require "workstage.tool.ui.events"
local exit_status = require "workstage.tool.exit_status"
local failure = require "workstage.tool.ui.failure"
local json = require "workstage.tool.ui.json"
local numbers = require "workstage.tool.numbers"
local progress_bars = require "workstage.tool.ui.progress_bar"
local run_summary = require "workstage.tool.ui.run_summary"
local screen = require "workstage.tool.ui.screen"
local terminal = require "workstage.terminal"

local job = {}

local Job = {}
Job.__index = Job

--- Adds the options of a run.
function job.define(parser)
  parser:option("--limit", "Stop after N items; resume does the rest.")
    :argname "N":convert(numbers.whole("--limit", 1))
  parser:option("--on-failure", "After an item that failed: continue (the " ..
                "default) or stop.")
    :argname "WHAT":choices { "continue", "stop" }
  parser:option("--concurrency", "Requests in flight at once (8).")
    :argname "N":convert(numbers.whole("--concurrency", 1))
  parser:flag("--verbose", "List the skipped items.")
  parser:mutex(
    parser:flag("--json", "Write the report as one line of JSON."),
    parser:flag("--json-events", "Write each event as a line of JSON."))
end

--- Says why nothing can be run.
-- @treturn integer the exit status
function job.refuse(parsed, why)
  if parsed.json then
    screen.json { complete = false, error = { message = why } }
  end
  screen.complain("%s", why)
  return exit_status.FAILED
end

-- A plan and a journal are for one space; the question would name another.
local function check_space(parsed, about, client)
  if not about or not about.space_id or about.space_id == client.space_id then
    return true
  end
  return nil, job.refuse(parsed, ("%s is for the space %d, not %d. To use " ..
    "its space, add: --space %d"):format(
    screen.clean(parsed.file or parsed.journal), about.space_id,
    client.space_id, about.space_id))
end

--- Begins a job.
-- @tparam table parsed the arguments
-- @tparam[opt] table about see `connect.open`
-- @treturn[1] table with `client`
-- @treturn[2] nil
-- @treturn[2] integer the exit status
function job.new(parsed, about)
  local self = setmetatable({ parsed = parsed }, Job)
  self.bar = progress_bars.new(terminal.pending_signal)
  self.events = events.new(parsed.json_events)
  local client, code = connect.open(parsed, about, self:listener())
  if not client then return nil, code end
  self.client = client
  local good
  good, code = check_space(parsed, about, client)
  if not good then return nil, code end
  return self
end

--- Begins a job by reading what it is about.
-- @tparam table parsed the arguments
-- @tparam function|table read `read(client, parsed)`, or one for each service
-- @treturn[1] table the job
-- @return[1] what `read` returned
-- @treturn[2] nil
-- @treturn[2] integer the exit status
function job.read(parsed, read)
  local self, code = job.new(parsed)
  if not self then return nil, code end
  if type(read) == "table" then read = read[connect.service(parsed)] end
  local results = table.pack(self:read(function(client)
    return read(client, parsed)
  end))
  if not results[1] then return nil, failure.tell(results[2]) end
  return self, table.unpack(results, 1, results.n)
end

--- True if the result is for a person, not for a program.
function Job:is_for_people()
  return not self.parsed.json and not self.parsed.json_events
end

--- Returns a listener for the client's events.
function Job:listener()
  local show, write = self.bar:listener(), self.events:listener()
  return function(event)
    show(event)
    write(event)
  end
end

--- Runs `fn(client)`, which reads something, and shows how far it is.
-- @return what `fn` returns
function Job:read(fn)
  return self.bar:run(function() return fn(self.client) end)
end

--- The heading with the space's name; asked for once.
-- @treturn string
-- @treturn ?string the name alone
function Job:heading()
  if not self.space then
    self.space, self.space_name = self:read(connect.heading)
  end
  return self.space, self.space_name
end

--- Asks before something is changed: the space is named in the question.
-- @tparam string question such as "Apply"
-- @treturn[1] boolean true
-- @treturn[2] boolean false
-- @treturn[2] integer the exit status
function Job:confirm(question)
  local heading, name = self:heading()
  local profile = self.parsed.from_profile
  local place = heading:gsub("^Space ", "space ")
  return confirm.ask(self.parsed, ("%s in %s?"):format(question, place),
                     profile and profile.protected and
                     (name or heading:match "%d+" or heading))
end

local function to_resume(self, journal)
  return ("workstage resume %s%s"):format(screen.word(journal),
                                          connect.repeated(self.parsed))
end

-- Polled between items.
local function is_stopped()
  return terminal.pending_signal() ~= nil
end

--- From here on the first signal stops the job once the requests in flight
-- have ended.
function Job:catch_signals(journal)
  local message = journal and screen.fitted(
    "\nworkstage: Ended at once. To continue, run: " ..
    to_resume(self, journal), screen.width(screen.ERR)) .. "\n"
  terminal.install(message or "")
end

-- What a run tells while it goes on.
local function on_run_event(self)
  local write = self.events:run_listener()
  return function(event)
    if event.type == "wait" then
      self.bar:wait(event.seconds, "for " .. event.reason)
    end
    write(event)
  end
end

--- Runs `fn(client, options)`, which changes things.
-- @tparam ?string journal
-- @tparam function fn
-- @return what `fn` returns
function Job:run(journal, fn)
  local parsed = self.parsed
  self.bar.is_applying = true
  self:catch_signals(journal)
  local result, err = self.bar:run(function()
    return fn(self.client, {
      journal = journal, limit = parsed.limit,
      concurrency = parsed.concurrency, on_failure = parsed.on_failure,
      on_progress = self.bar:progress(), on_event = on_run_event(self),
      should_stop = is_stopped, command = parsed.command_line,
    })
  end)
  self.client:close()
  return result, err
end

local function say_next(self, done, undo)
  if done.complete then
    if undo then
      screen.say(("To undo, run: workstage rollback %s%s"):format(
        screen.word(done.journal), connect.repeated(self.parsed)))
    end
  elseif run_summary.reached_limit(done) then
    screen.say(run_summary.why(done, self.parsed))
    screen.say("To continue, run: " .. to_resume(self, done.journal))
  else
    screen.complain("%s", run_summary.why(done, self.parsed))
    screen.complain("To continue, run: %s", to_resume(self, done.journal))
  end
end

local function status_of(done)
  return (done.complete or run_summary.reached_limit(done)) and
         exit_status.DONE or exit_status.FAILED
end

--- Tells what a run did; its last line is the summary.
-- @tparam ?table done the report
-- @param err why there is none
-- @tparam table about `verb` ("Apply"), `undo` (whether to say how it is
--   undone), `counts` (`added`, `changed`, `removed`), `is_quiet` (the
--   caller writes the JSON)
-- @treturn integer the exit status
function Job:tell(done, err, about)
  if not done then
    local record = { complete = false, error = json.err(err) }
    if self.parsed.json then screen.json(record) end
    self.events:summary(record)
    return failure.tell(err)
  end
  self.events:summary(json.report(done))
  if about.is_quiet then return status_of(done) end
  if self.parsed.json then screen.json(json.report(done))
  elseif self:is_for_people() then
    run_summary.tell(done, self.parsed)
    say_next(self, done, about.undo)
    run_summary.last_line(done, about)
  end
  return status_of(done)
end

return job
