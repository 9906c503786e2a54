--- The one event loop of a Lua state, which its clients share, and the tasks
-- that run on it.
--
-- A task is a coroutine. A request in it suspends the task, so that others can
-- run. Anywhere else (outside tasks, in a user's own coroutine, in a callback
-- of gsub or sort) a request drives the loop until it has ended.
local core = require "workstage.core"

local loop = {}

local handle          -- the core's loop
local running = { false } -- the task that runs now, set by the core
local first, last     -- of the tasks to resume, each with the `next` one
local listeners = {}  -- a client's address -> its on_event
local listening = 0

local isyieldable, yield = coroutine.isyieldable, coroutine.yield

--- Returns the core's loop, which is created on first use, and again in the
-- child of a fork.
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

--- Returns the core's loop, or raises.
function loop.handle()
  local open, _, why = loop.open()
  return open or error(why, 0)
end

-- --------------------------------------------------------------- events

--- Registers a listener for the events of a core client.
function loop.listen(client, listener)
  listeners[client:address()] = listener
  listening = listening + 1
end

--- Removes the listener of a core client.
function loop.unlisten(client)
  local address = client:address()
  if address and listeners[address] then
    listeners[address] = nil
    listening = listening - 1
  end
end

-- Calls a listener. One that raises must not affect the request.
function loop.tell(listener, event)
  local good, why = pcall(listener, event)
  if not good then warn("@workstage: on_event raised: ", tostring(why)) end
end

local function tell_events()
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

-- When memory runs out, any step may raise. All that a task needs in order to
-- end is therefore allocated when it starts, so that no task waits forever: its
-- fields (`false` if unset), slots for results, and its link in the queue.
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

-- Queues a suspended task to be resumed.
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

local resume, resume_finished = core.tasks(running, finish)

-- Returns the task that is running, or nil.
local function running_task() return running[1] or nil end

local function run_task(task)
  if task.done then return end
  if task.cancelled and not task.begun then
    return finish(task, true, nil, loop.cancelled_error())
  end
  task.begun = true
  resume(task)
end

--- Returns the error of a cancelled call; replaced by the module `scope`.
function loop.cancelled_error() return "cancelled" end

--- Starts `f()` as a task, which runs at the next step of the loop.
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

--- Returns the running task if a call can suspend it here, else nil.
function loop.suspendable()
  local task = running[1]
  if task and coroutine.running() == task.co and isyieldable() then
    return task
  end
end

--- True if a task was cancelled, or a scope that it runs has failed.
function loop.is_stopped(task)
  return task.cancelled or task.interrupts > 0
end

local is_stopped = loop.is_stopped

--- True if the running task is stopped.
function loop.is_cancelled()
  local task = running[1]
  return task and is_stopped(task)
end

-- Resumes tasks until none can continue. Events are reported before the tasks
-- that they concern continue.
local function pump()
  repeat
    if listening > 0 then tell_events() end
    while first do run_task(pop()) end
    local more = resume_finished(handle, listening > 0)
  until not more and not first
  if listening > 0 then tell_events() end
end

--- Runs the loop once, waiting at most `timeout` seconds for something to do
-- (nil: without limit).
function loop.step(timeout)
  loop.handle()
  pump()
  if not first then handle:step(timeout) end
  pump()
end

--- Returns the running task, or false; nil if no request must be made here,
-- because it was cancelled.
function loop.place()
  local task = running[1]
  if task and is_stopped(task) then return nil end
  return task
end

-- Runs the loop until `is_done()`.
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
    repeat yield() until not task.call
  else
    -- a signal interrupts the core's wait, so that a debug hook (Ctrl-C in the
    -- standalone interpreter) can run; so does an event
    repeat
      local ended = call:wait()
      if listening > 0 then tell_events() end
    until ended
  end
end

--- Waits for some seconds.
function loop.sleep(seconds)
  local call <close> = assert(loop.handle():sleep(seconds))
  loop.wait(call)
end

--- Waits until `is_done()`: suspends the running task, which `enlist` registers
-- to be awakened, or runs the loop outside tasks.
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
    yield()
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

--- Waits until a task has ended.
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

--- Cancels a task. The call that it waits for, and every later one, fails with
-- the kind `cancelled`. A task that has not started never runs.
function Task:cancel()
  check_task(self, "cancel")
  if self.done or self.cancelled then return end
  self.cancelled = true
  if self.call then self.call:cancel()
  elseif self.begun and self ~= running_task() then awaken(self)
  elseif not self.begun then awaken(self) end
  if not running_task() then loop.handle():wake() end
end

--- Cancels the call that a task waits for, and every later one, until
-- `loop.resume` is called as many times. The task itself continues.
function loop.interrupt(task)
  if task.done then return end
  task.interrupts = task.interrupts + 1
  if task.call then task.call:cancel()
  elseif task ~= running_task() then awaken(task) end
end

function loop.resume(task) task.interrupts = task.interrupts - 1 end

--- Returns the running task, or nil.
loop.running_task = running_task

-- Ends a task that will not be resumed, and closes its pending variables.
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

--- True if a task is ready to run, so that a host's loop must not sleep.
function loop.is_busy()
  return first ~= nil
end

loop.drive = drive

return loop
