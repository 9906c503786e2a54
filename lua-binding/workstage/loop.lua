--- The one event loop of a Lua state, which its clients share, and the tasks
-- that run on it.
--
-- A task is a coroutine. A call inside it suspends it, so that others go on;
-- the same call elsewhere (outside of tasks, in a coroutine of the user's
-- own, in a callback of gsub or sort) drives the loop in place.
local core = require "workstage.core"

local loop = {}

local handle          -- the core's loop
local current         -- the task that runs now; see `running_task`
local first, last     -- of the tasks to resume, each with the `next` one
local listeners = {}  -- a client's address -> its on_event
local listening = 0

local running, isyieldable = coroutine.running, coroutine.isyieldable
local resume, yield = coroutine.resume, coroutine.yield
local status = coroutine.status

--- The core's loop, made when it is first needed, and again in the child of
-- a fork.
-- @treturn[1] userdata
-- @treturn[2] nil
-- @treturn[2] string kind of the failure
-- @treturn[2] string why there is none
function loop.open()
  if handle and not handle:forked() then return handle end
  local made, kind, why = core.loop()
  if not made then return nil, kind, why end
  handle = made
  return handle
end

--- The same where there must be one.
function loop.handle()
  local open, _, why = loop.open()
  return open or error(why, 0)
end

-- --------------------------------------------------------------- events

--- Calls `listener` with the events of a core client from now on.
function loop.listen(client, listener)
  listeners[client:address()] = listener
  listening = listening + 1
end

--- Ends that.
function loop.unlisten(client)
  local address = client:address()
  if address and listeners[address] then
    listeners[address] = nil
    listening = listening - 1
  end
end

-- A listener that raises must not cost a request its result.
function loop.tell(listener, event)
  local good, why = pcall(listener, event)
  if not good then warn("@workstage: on_event raised: ", tostring(why)) end
end

local function tell_events()
  if listening == 0 then return end
  while true do
    local client, event = handle:event()
    if not client then return end
    local listener = listeners[client]
    if listener then loop.tell(listener, event) end
  end
end

-- ---------------------------------------------------------------- tasks

local Task = { __name = "workstage.task" }
Task.__index = Task

-- Where memory runs out any step of Lua's may raise. So that no task is left
-- waiting for what has happened, all that a task will need to end is there
-- when it begins: its fields, `false` while they say nothing, room for
-- results, and its link in the queue.
local function new_task(f)
  return setmetatable({
    co = coroutine.create(f), next = false, queued = false, begun = false,
    done = false, good = false, cancelled = false, observed = false,
    interrupts = 0,
    call = false, on_done = false, waiters = {},
    results = { "not enough memory", false, false, false, n = 1 },
  }, Task)
end

local function push(task)
  task.queued = true
  if last then last.next = task
  else first = task end
  last = task
end

local function pop()
  local task = first
  if not task then return nil end
  first = task.next or nil
  if not first then last = nil end
  task.next = false
  task.queued = false
  return task
end

-- Lets a suspended task go on.
local function awaken(task)
  if not task.done and not task.queued then push(task) end
end

local function keep_results(task, good, ...)
  local count = select("#", ...)
  if count > 4 then
    task.results = table.pack(...)
  else
    local results = task.results
    results[1], results[2], results[3], results[4] = ...
    results.n = count
  end
  task.good = good
end

local function finish(task, good, ...)
  task.done = true
  for i = 1, #task.waiters do awaken(task.waiters[i]) end
  local kept, why = pcall(keep_results, task, good, ...)
  if not kept then task.results[1] = why end
  coroutine.close(task.co)
  if task.on_done then task:on_done() end
end

-- The task that runs now. Where memory runs out as a task gives way, the note
-- of it stays behind: one that runs is not suspended, nor dead.
local function running_task()
  if not current then return nil end
  local is = status(current.co)
  if is ~= "running" and is ~= "normal" then current = nil end
  return current
end

-- What a task yields that waits; one that yields anything else may have
-- ended.
local WAITING = {}

local function after_resume(task, before, good, result, ...)
  current = before
  if result == WAITING or status(task.co) == "suspended" then
    return
  end
  finish(task, good, result, ...)
end

-- A task that is awakened while it drives the loop in place looks for itself.
local function run_task(task)
  if task.done or status(task.co) ~= "suspended" then return end
  if task.cancelled and not task.begun then
    return finish(task, true, nil, loop.cancelled_error())
  end
  local before = current
  current = task
  task.begun = true
  after_resume(task, before, resume(task.co))
end

--- The error of what was cancelled; set by the module that makes errors.
function loop.cancelled_error() return "cancelled" end

--- Starts `f()` as a task; it runs as soon as the loop does.
-- @tparam function f
-- @tparam[opt] function enlist is called with the task before it can run
-- @treturn table the task: `wait()`, `cancel()`
function loop.spawn(f, enlist)
  local task = new_task(f)
  loop.handle()
  if enlist then enlist(task) end
  push(task)
  if not running_task() then handle:wake() end
  return task
end

--- The task that runs now, if a call may suspend it here.
function loop.suspendable()
  if current and running() == current.co and isyieldable() then
    return current
  end
end

local function is_stopped(task)
  return task.cancelled or task.interrupts > 0
end

--- Whether the running task was cancelled, or a scope that it runs in has
-- failed.
function loop.is_cancelled()
  if not current or not is_stopped(current) then return false end
  local task = running_task()
  return task ~= nil and is_stopped(task)
end

-- Resumes what can go on, until nothing can. What happened is told before
-- the tasks go on from it.
local function pump()
  repeat
    tell_events()
    local task = pop()
    while task do
      run_task(task)
      task = pop()
    end
    task = handle:finished()
    if task then
      task.call = false
      run_task(task)
    end
  until not task and not first
  tell_events()
end

--- Does what there is to do, after waiting for it at most `timeout` seconds
-- (nil: as long as it takes).
function loop.step(timeout)
  loop.handle()
  pump()
  if not first then handle:step(timeout) end
  pump()
end

-- Drives the loop in place until `is_done()`.
local function drive(is_done)
  loop.handle()
  while not is_done() do
    pump()
    if is_done() then return end
    if handle:pending() == 0 then
      error("every task waits for another: none can go on", 0)
    end
    handle:step()
  end
end

--- Waits until a call has ended.
function loop.wait(call)
  local task = loop.suspendable()
  if task then
    call:park(handle, task)
    task.call = call
    repeat yield(WAITING) until not task.call
  else
    -- a signal cuts the wait of the core short, so that a debug hook (Ctrl-C
    -- in the standalone interpreter) gets its turn; so does an event
    repeat
      local ended = call:wait()
      tell_events()
    until ended
  end
end

--- Waits for some seconds.
function loop.sleep(seconds)
  local call <close> = assert(loop.handle():sleep(seconds))
  loop.wait(call)
end

--- Suspends the running task, which has put itself where `awaken` finds it,
-- until `is_done()`; or drives the loop in place until then.
-- @treturn boolean false when the task was cancelled first
function loop.wait_until(is_done, enlist, heedless)
  local task = loop.suspendable()
  if not task then
    drive(is_done)
    return true
  end
  while not is_done() do
    if is_stopped(task) and not heedless then return false end
    enlist(task)
    yield(WAITING)
  end
  return true
end

loop.awaken = awaken

-- ------------------------------------------------------ a task's methods

local function check_task(task, name)
  if getmetatable(task) ~= Task then
    error(("%s: call it with a colon, as in task:%s()"):format(name, name), 3)
  end
end

--- Waits for a task's end.
-- @return[1] what its function returned
-- @treturn[2] nil
-- @return[2] the error, if it raised one
function Task:wait()
  check_task(self, "wait")
  self.observed = true
  local waited = loop.wait_until(
    function() return self.done end,
    function(waiter) table.insert(self.waiters, waiter) end)
  if not waited then return nil, loop.cancelled_error() end
  if self.good then return table.unpack(self.results, 1, self.results.n) end
  return nil, self.results[1]
end

--- Cancels a task: what it waits for ends at once with an error of the kind
-- `cancelled`, and so does every further call inside it. One that has not
-- begun never does.
function Task:cancel()
  check_task(self, "cancel")
  if self.done or self.cancelled then return end
  self.cancelled = true
  if self.call then self.call:cancel()
  elseif self.begun and self ~= running_task() then awaken(self)
  elseif not self.begun then awaken(self) end
  if not running_task() then loop.handle():wake() end
end

--- Ends what a task waits for, and every further call inside it, until as
-- many `loop.resume`s: it goes on, but waits for nothing.
function loop.interrupt(task)
  if task.done then return end
  task.interrupts = task.interrupts + 1
  if task.call then task.call:cancel()
  elseif task ~= running_task() then awaken(task) end
end

function loop.resume(task) task.interrupts = task.interrupts - 1 end

--- The task that runs now, or nil.
loop.running_task = running_task

-- Ends a task where it stands, running what it has to close: for those that
-- nobody will resume any more.
function loop.abandon(task)
  if task.done then return end
  local call = task.call
  if call then
    call:unpark(handle)
    call:close()
  end
  task.cancelled = true
  finish(task, coroutine.close(task.co), nil, loop.cancelled_error())
end

--- Whether any task waits to go on: a host's loop must not sleep then.
function loop.is_busy()
  return first ~= nil
end

loop.drive = drive

return loop
