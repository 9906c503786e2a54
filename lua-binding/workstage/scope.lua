--- Concurrency: scopes of tasks, and map.
local errors = require "workstage.errors"
local loop = require "workstage.loop"
local strict = require "workstage.strict"
local visible = require "workstage.visible"
local options = require "workstage.options"

local scope = {}

function loop.cancelled_error()
  return errors.new { kind = "cancelled", message = "the task was cancelled" }
end

-- ---------------------------------------------------------------- scopes

local Scope = { __name = "workstage.scope" }
Scope.__index = strict.index("the scope", Scope)

local function check_scope(self, name)
  if getmetatable(self) ~= Scope then
    error(("%s: call it with a colon, as in scope:%s(...)")
          :format(name, name), 3)
  end
end

local function check_function(value, what)
  if type(value) ~= "function" then
    error(("%s: expected a function, got %s"):format(what, type(value)), 3)
  end
end

local function new_scope()
  return setmetatable({
    tasks = {}, count = 0, cancelled = false, closed = false, waiter = false,
    failed = false, cause = false, owner = false, interrupted = false,
  }, Scope)
end

-- Called when a task has ended; the scope's owner may be waiting for it. An
-- error that nobody waits for cancels the scope, and what its body waits for.
-- Allocates nothing.
local function on_done(task)
  local self = task.scope
  self.tasks[task] = nil
  self.count = self.count - 1
  if self.waiter then loop.awaken(self.waiter) end
  if not task.good and not task.observed and not self.failed then
    self.failed, self.cause = true, task.results[1]
    self:cancel()
    if self.owner then
      self.interrupted = true
      loop.interrupt(self.owner)
    end
  end
end

--- Starts `f()` as a task of the scope.
-- @treturn table the task: `wait()`, `cancel()`
function Scope:spawn(f)
  check_scope(self, "spawn")
  check_function(f, "scope:spawn")
  if self.closed then error("scope:spawn: the scope has ended", 2) end
  local task = loop.spawn(f, function(task)
    task.scope = self
    self.tasks[task] = true
    task.on_done = on_done
    self.count = self.count + 1
  end)
  if self.cancelled then task:cancel() end
  return task
end

--- Cancels all tasks of the scope.
function Scope:cancel()
  check_scope(self, "cancel")
  self.cancelled = true
  for task in pairs(self.tasks) do task:cancel() end
end

local function abandon_all(self)
  while true do
    local task = next(self.tasks)
    if not task then return end
    loop.abandon(task)
    self.tasks[task] = nil
  end
end

-- Waits for the tasks of a scope. If the waiting task is cancelled, so are
-- they; it still waits until they have ended.
local function join(self)
  local function all_done() return self.count == 0 end
  local function enlist(task) self.waiter = task end
  if not loop.wait_until(all_done, enlist) then
    self:cancel()
    loop.wait_until(all_done, enlist, true)
  end
end

-- Runs fn(scope) in the running task, and ends its tasks even if something
-- raises (such as Ctrl-C).
local function run_inside(fn)
  local self = new_scope()
  self.owner = loop.running_task() or false
  local results = table.pack(pcall(fn, self))
  if self.interrupted then loop.resume(self.owner) end
  self.owner = false
  local failed = self.failed -- `fn` raised because of it
  if not results[1] then self:cancel() end
  local joined, why = pcall(join, self)
  self.closed = true
  if not joined then abandon_all(self) end
  if failed then error(self.cause, 0) end
  if not results[1] then error(results[2], 0) end
  if not joined then error(why, 0) end
  if self.failed then error(self.cause, 0) end
  return table.unpack(results, 2, results.n)
end

-- `workstage.run`.
function scope.run(fn)
  check_function(fn, "workstage.run")
  if loop.suspendable() then return run_inside(fn) end
  local task = loop.spawn(function() return run_inside(fn) end)
  task.observed = true
  local driven, why = pcall(loop.drive, function() return task.done end)
  if not driven then
    loop.abandon(task)
    error(why, 0)
  end
  if not task.good then error(task.results[1], 0) end
  return table.unpack(task.results, 1, task.results.n)
end

-- ------------------------------------------------------------------- map

local map_options = { "concurrency", "on_result", "stop_on" }

-- Returns stop_on as a function of an error.
local function stopper(opts)
  if type(opts) == "function" then return opts end
  local kinds = {}
  for _, kind in ipairs(opts or { "unauthorized", "budget" }) do
    kinds[kind] = true
  end
  return function(err)
    return type(err) == "table" and kinds[err.kind] == true
  end
end

-- Rejects a table that is not an array. Returns nil, or the error.
local function check_array(items)
  local name = type(items) == "table" and #items == 0 and next(items)
  if name == nil or name == false or math.type(items.n) then return nil end
  return errors.invalid(("items: expected an array or an iterator, got a " ..
    "table with the key %s; collect what pairs gives into an array first")
    :format(visible.quoted(tostring(name))), "items")
end

local function check_map(items, fn, opts)
  if type(items) ~= "table" and type(items) ~= "function" then
    error(("workstage.map: expected an array or an iterator, got %s")
          :format(type(items)), 3)
  end
  check_function(fn, "workstage.map")
  if opts ~= nil and type(opts) ~= "table" then
    error("workstage.map: expected a table of options, got " ..
          type(opts), 3)
  end
end

-- Checks the options of `map`. Returns nil, or the error.
local function check_options(opts)
  local err = options.check_names("option", opts, map_options)
  if err then return err end
  local stop_on, width = opts.stop_on, opts.concurrency
  if stop_on ~= nil and type(stop_on) ~= "table" and
     type(stop_on) ~= "function" then
    return errors.invalid("stop_on: expected an array of kinds or a " ..
                          "function, got " .. type(stop_on), "stop_on")
  end
  if opts.on_result ~= nil and type(opts.on_result) ~= "function" then
    return errors.invalid("on_result: expected a function, got " ..
                          type(opts.on_result), "on_result")
  end
  if width ~= nil and (math.type(width) ~= "integer" or width < 1) then
    return errors.invalid("concurrency: expected a whole number above 0",
                          "concurrency")
  end
end

-- Returns items as an iterator.
local function iterator(items)
  if type(items) == "function" then return items end
  local index = 0
  return function()
    index = index + 1
    return items[index]
  end
end

-- Waits until no worker is inside the iterator, which may itself wait for
-- requests. A task may be resumed for other reasons and enlist again, but is
-- listed once. One that continues without its turn is removed, as the turn
-- would otherwise be lost on it.
local function wait_for_turn(job, task)
  local waiting, listed = job.waiting, job.listed
  loop.wait_until(function() return not job.inside end, function()
    if listed[task] then return end
    listed[task] = true
    table.insert(waiting, task)
  end, true)
  if not listed[task] then return end
  listed[task] = nil
  for i = #waiting, 1, -1 do
    if waiting[i] == task then table.remove(waiting, i) end
  end
end

-- Awakens the first of those that wait for their turn. Allocates nothing.
local function pass_turn(job)
  local task = table.remove(job.waiting, 1)
  job.listed[task] = nil
  loop.awaken(task)
end

-- Returns a function that collects results in two tables.
local function collector(results, errs)
  return function(index, result, err, item)
    if err == nil then
      results[index] = result
      return
    end
    errs[index] = err
    table.insert(results.failures, { index = index, item = item, error = err })
  end
end

local function by_index(a, b) return a.index < b.index end

-- Counts and passes on the error of an item.
local function fail(job, index, err, item)
  job.failed = job.failed + 1
  job.take(index, nil, err, item)
end

local function fail_and_stop(job, index, err, item)
  if not job.stop and job.is_stop(err) then job.stop = err end
  fail(job, index, err, item)
end

-- A worker of `map`. It is closed when it ends, however that happens.
local Worker = {}

-- An error inside the iterator ends it.
function Worker:__close()
  local job = self.job
  if job.inside == self then job.inside, job.ended = false, true end
  if not job.inside and job.waiting[1] then pass_turn(job) end
end

-- Returns the next item and its index; nil at the end. Only one worker at a
-- time may call the iterator.
local function pull(worker, job)
  if job.inside then wait_for_turn(job, worker.task) end
  if job.ended or job.stop or loop.is_stopped(worker.task) then return nil end
  job.inside = worker
  local item = job.next_item()
  job.inside = false
  if item == nil then
    job.ended = true
    return nil
  end
  if job.waiting[1] then pass_turn(job) end
  local index = job.index + 1
  job.index = index
  return item, index
end

-- Calls fn with items until there are no more, or it raises: then `calling` is
-- the index. Protects no single item, as that would take longer than the rest.
local function call_with_items(worker)
  local job = worker.job
  local fn, take = job.fn, job.take
  while true do
    local item, index = pull(worker, job)
    if item == nil then return end
    worker.item, worker.calling = item, index
    local result, err = fn(item, index)
    worker.calling = false
    if result == nil and err ~= nil then
      fail_and_stop(job, index, err, item)
    else
      job.done = job.done + 1
      take(index, result, nil, item)
    end
  end
end

-- The function of a worker's task.
local function work(job)
  local worker <close> = setmetatable({
    job = job, task = loop.running_task(), item = false, calling = false,
  }, Worker)
  while true do
    local good, why = pcall(call_with_items, worker)
    if good then return end
    local index = worker.calling
    if not index then error(why, 0) end
    worker.calling = false
    if why == nil then why = "an error without a value" end
    fail_and_stop(job, index, why, worker.item)
  end
end

-- Fails the items of an array that were not started, with the reason.
local function fail_rest(job, items)
  if type(items) ~= "table" then return end
  local why = errors.new {
    kind = "cancelled",
    message = "not begun: " .. tostring(job.stop),
  }
  for index = job.index + 1, math.huge do
    local item = items[index]
    if item == nil then return end
    fail(job, index, why, item)
  end
end

-- `workstage.map`.
function scope.map(items, fn, opts)
  check_map(items, fn, opts)
  opts = opts or {}
  local invalid = check_array(items) or check_options(opts)
  if invalid then return nil, invalid end
  local results, errs = { failures = {} }, {}
  local job = {
    next_item = iterator(items), fn = fn, index = 0, done = 0, failed = 0,
    inside = false, ended = false, waiting = {}, listed = {},
    stop = false, is_stop = stopper(opts.stop_on),
    take = opts.on_result or collector(results, errs),
  }
  local cancelled = scope.run(function(self)
    for _ = 1, opts.concurrency or 8 do
      self:spawn(function() work(job) end)
    end
    join(self)
    return loop.is_cancelled()
  end)
  if cancelled then job.stop = job.stop or loop.cancelled_error() end
  if job.stop then fail_rest(job, items) end
  results.done, results.failed = job.done, job.failed
  results.n = job.done + job.failed
  table.sort(results.failures, by_index)
  return results, errs
end

-- -------------------------------------------------------- for other loops

local Loop = { __name = "workstage.loop" }
Loop.__index = strict.index("workstage.loop", Loop)

local function check_loop(self, name)
  if getmetatable(self) ~= Loop then
    error(("%s: call it with a colon, as in workstage.loop:%s()")
          :format(name, name), 3)
  end
end

--- Returns the descriptor that is readable when `step` has work to do.
-- @treturn integer
function Loop:fileno()
  check_loop(self, "fileno")
  return loop.handle():fileno()
end

--- The same, under the name that cqueues uses.
Loop.pollfd = Loop.fileno

--- Returns what to poll the descriptor for, as cqueues expects it.
-- @treturn string "r"
function Loop:events()
  check_loop(self, "events")
  return "r"
end

--- Returns the seconds after which `step` must be called even if the descriptor
-- is not readable; nil without a timer.
-- @treturn number|nil
function Loop:timeout()
  check_loop(self, "timeout")
  if loop.is_busy() then return 0 end
  return loop.handle():timeout()
end

--- Runs the loop once, waiting at most `timeout` seconds for something to do (0
-- unless given: without waiting).
-- @tparam[opt=0] number timeout seconds
function Loop:step(timeout)
  check_loop(self, "step")
  loop.step(timeout or 0)
end

--- Starts `f()` as a task, which continues whenever the loop is stepped.
-- @tparam function f
-- @treturn table the task: `wait()`, `cancel()`; its field `done` is true
--   once it has ended
function Loop:spawn(f)
  check_loop(self, "spawn")
  check_function(f, "workstage.loop:spawn")
  return loop.spawn(f)
end

--- `workstage.loop`: what other event loops poll and step.
scope.loop = setmetatable({}, Loop)

return scope
