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

-- Returns a function that returns the next item and its index. Only one worker
-- at a time may call the iterator, which may itself wait for requests.
local function puller(items)
  local index = 0
  if type(items) == "table" then
    return function()
      index = index + 1
      return items[index], index
    end
  end
  local inside, ended, waiting, is_waiting = false, false, {}, {}
  -- A task may be resumed for other reasons and enlist again, but is listed
  -- once.
  local function enlist(task)
    if is_waiting[task] then return end
    is_waiting[task] = true
    table.insert(waiting, task)
  end
  -- Removes a task that continues without its turn, as the turn would otherwise
  -- be lost on it.
  local function withdraw(task)
    is_waiting[task] = nil
    for i = #waiting, 1, -1 do
      if waiting[i] == task then table.remove(waiting, i) end
    end
  end
  local function leave()
    inside = false
    local waiter = waiting[1] and table.remove(waiting, 1)
    if waiter then
      is_waiting[waiter] = nil
      loop.awaken(waiter)
    end
  end
  -- also left if Lua raises because memory runs out
  local turn = setmetatable({}, { __close = leave })
  return function()
    if inside then
      local waiter
      loop.wait_until(function() return not inside end, function(task)
        waiter = task
        enlist(task)
      end, true)
      if waiter and is_waiting[waiter] then withdraw(waiter) end
    end
    inside = true
    local _ <close> = turn
    if ended then return nil end
    local good, item = pcall(items)
    if not good or item == nil then ended = true end
    index = index + 1
    local at = index
    if not good then error(item, 0) end
    return item, at
  end
end

-- Collects results in two tables, or passes them to on_result; counts them in
-- either case.
local function collector(on_result)
  local results, errs = { n = 0, done = 0, failed = 0, failures = {} }, {}
  local function keep(index, result, err, item)
    if err == nil then
      results[index] = result
      return
    end
    errs[index] = err
    table.insert(results.failures, { index = index, item = item, error = err })
  end
  local take = on_result or keep
  return results, errs, function(index, result, err, item)
    results.n = results.n + 1
    local counted = err == nil and "done" or "failed"
    results[counted] = results[counted] + 1
    take(index, result, err, item)
  end
end

local function by_index(a, b) return a.index < b.index end

-- Returns the result and error of fn.
local function outcome(good, result, err)
  if not good and result == nil then return nil, "an error without a value" end
  if not good then return nil, result end
  if result == nil then return nil, err end
  return result
end

-- Fails the items of an array that were not started, with the reason.
local function fail_rest(items, pull, take, stop)
  if type(items) ~= "table" then return end
  local why = errors.new {
    kind = "cancelled",
    message = "not begun: " .. tostring(stop),
  }
  for item, index in pull do
    if item == nil then return end
    take(index, nil, why, item)
  end
end

-- `workstage.map`.
function scope.map(items, fn, opts)
  check_map(items, fn, opts)
  opts = opts or {}
  local invalid = check_array(items) or check_options(opts)
  if invalid then return nil, invalid end
  local results, errs, take = collector(opts.on_result)
  local is_stop, stop = stopper(opts.stop_on), nil
  local pull = puller(items)
  local function work()
    while not stop and not loop.is_cancelled() do
      local item, index = pull()
      if item == nil then return end
      local result, err = outcome(pcall(fn, item, index))
      if err ~= nil and not stop and is_stop(err) then stop = err end
      take(index, result, err, item)
    end
  end
  local cancelled = scope.run(function(self)
    for _ = 1, opts.concurrency or 8 do self:spawn(work) end
    join(self)
    return loop.is_cancelled()
  end)
  if cancelled then stop = stop or loop.cancelled_error() end
  if stop then fail_rest(items, pull, take, stop) end
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
