--- Performs the operations of a plan in order.
local operations = require "workstage.migration.operations"

local executor = {}

-- Operations after the moves close transitions and delete stages that items
-- which could not be moved still need.
local function must_wait(run, kind)
  local failed = run.report.failed
  if failed > 0 and not kind.goes_on_after_failure then
    return ("%d item%s failed. The remaining workflow changes were not " ..
            "applied."):format(failed, failed == 1 and "" or "s")
  elseif run.has_rest and not kind.goes_on_with_rest then
    return "a stage is not empty. The remaining workflow changes were not " ..
           "applied."
  end
end

-- Checks if an interrupted attempt has performed the operation.
local function recover(run, op, kind, earlier)
  if not (earlier and earlier.started) then return false end
  local result, err = kind.recover(run, op, earlier)
  if result then return run:finish(result) end
  return result, err
end

local function perform(run, op, index, earlier)
  local kind = operations.of(op)
  local done, err = recover(run, op, kind, earlier)
  if done or done == nil then return done, err end
  local good
  good, err = run:check(op, earlier ~= nil)
  if good then return kind.execute(run, op, index, earlier) end
  if err.differences and op.on_conflict == "skip" then
    return run:skip_operation(err.differences)
  end
  return nil, err
end

--- Performs the remaining operations of a plan.
-- @tparam table run
-- @tparam table progress operation's index -> `done`, or the state in which an
--   earlier run left it
-- @treturn table the report
function executor.run(run, progress)
  for index, op in ipairs(run.plan.operations) do
    local earlier = progress[index]
    if not (earlier and earlier.done) then
      run.stopped = run.stopped or must_wait(run, operations.of(op))
      if run:must_stop() then return run:close(false) end
      run.current = index
      local good, done, err = pcall(perform, run, op, index, earlier)
      if not good then done, err = nil, done end
      if not done then return run:close(false, err) end
    end
  end
  return run:close(not run.has_rest)
end

return executor
