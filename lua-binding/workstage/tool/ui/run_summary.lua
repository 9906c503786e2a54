--- A run's report, told to a person.
local describe = require "workstage.migration.plan.render"
local failure = require "workstage.tool.ui.failure"
local screen = require "workstage.tool.ui.screen"

local run_summary = {}

local NAMED = 20 -- failures that are told one by one

local function summary(done)
  local parts = { ("%d moved"):format(done.moved) }
  if done.skipped > 0 then
    parts[#parts + 1] = ("%d skipped"):format(done.skipped)
  end
  if done.failed > 0 then
    parts[#parts + 1] = ("%d failed"):format(done.failed)
  end
  return ("%s; %d request%s in %s."):format(
    table.concat(parts, ", "), done.requests,
    done.requests == 1 and "" or "s", describe.duration(done.seconds))
end

local function item_name(failed)
  if not failed.name then return ("item %d"):format(failed.item) end
  return ("%s (%d)"):format(screen.clean(failed.name), failed.item)
end

-- Why an item failed. Its request needs no address: all have the same.
local function reason(err)
  if type(err) == "table" and err.status and err.message then
    return ("%s (status %d)"):format(screen.clean(err.message), err.status)
  end
  return failure.sentence(err)
end

local function tell_failures(done)
  for i = 1, math.min(#done.failures, NAMED) do
    local failed = done.failures[i]
    screen.complain("%s: %s", item_name(failed), reason(failed.error))
  end
  if #done.failures > NAMED then
    screen.complain("... and %d more failed (--json lists all of them)",
                    #done.failures - NAMED)
  end
end

-- Skipped items by the reason, or one by one.
local function tell_skips(done, verbose)
  local reasons, counts = {}, {}
  for _, skip in ipairs(done.skips) do
    if verbose then screen.say(("  %d: %s"):format(skip.item, skip.why)) end
    if not counts[skip.why] then reasons[#reasons + 1] = skip.why end
    counts[skip.why] = (counts[skip.why] or 0) + 1
  end
  if verbose then return end
  local more = done.skipped - #done.skips
  for _, why in ipairs(reasons) do
    screen.say(("  %d%s skipped: %s"):format(
      counts[why], more > 0 and " or more" or "", why))
  end
  if done.skipped > 0 then
    screen.say "  (--verbose names those that were skipped)"
  end
end

--- Tells what a run has done.
-- @tparam table done the report
-- @tparam table parsed the arguments: `verbose`
function run_summary.tell(done, parsed)
  local paint = screen.painter(screen.OUT)
  local color = done.failed > 0 and "red" or
                done.complete and "green" or "yellow"
  screen.say(paint(color, summary(done)))
  tell_skips(done, parsed.verbose)
  tell_failures(done)
  for _, note in ipairs(done.notes) do screen.complain("%s", note) end
end

--- Whether a run ended where it was asked to.
function run_summary.reached_limit(done)
  return not done.error and done.failed == 0 and done.stopped ~= nil and
         done.stopped:find("limit", 1, true) ~= nil
end

--- Why a run is not complete, as a sentence.
function run_summary.why(done)
  if done.error then return failure.sentence(done.error) end
  if done.stopped then return done.stopped end
  if done.failed > 0 then
    return done.failed == 1 and "one item failed" or
           ("%d items failed"):format(done.failed)
  end
  return "something is left, as said above"
end

return run_summary
