--- What a run did, for people.
local duration = require "workstage.duration"
local screen = require "workstage.tool.ui.screen"

local run_summary = {}

local NAMED = 20 -- failures that are listed

-- ------------------------------------------------------ failures and skips

local function item_name(failed)
  if not failed.name then return ("item %d"):format(failed.item) end
  return ("%s (%d)"):format(screen.clean(failed.name), failed.item)
end

-- Why an item failed. The address of its request says nothing new.
local function reason(err)
  if type(err) == "table" and err.status and err.message then
    return ("%s (status %d)"):format(screen.clean(err.message), err.status)
  end
  return tostring(err)
end

local function tell_failures(done)
  for i = 1, math.min(#done.failures, NAMED) do
    local failed = done.failures[i]
    screen.complain("%s: %s", item_name(failed), reason(failed.error))
  end
  local more = #done.failures - NAMED
  if more > 0 then
    screen.complain("... and %d more failed. To list all, run: workstage " ..
                    "progress %s --failures", more,
                    screen.word(done.journal or "JOURNAL"))
  end
end

-- Skipped items by their reason, or one by one.
local function tell_skips(done, verbose)
  local reasons, counts = {}, {}
  for _, skip in ipairs(done.skips) do
    if verbose then
      screen.say(("  %d: %s"):format(skip.item, screen.clean(skip.why)))
    end
    if not counts[skip.why] then reasons[#reasons + 1] = skip.why end
    counts[skip.why] = (counts[skip.why] or 0) + 1
  end
  if verbose then return end
  local more = done.skipped - #done.skips
  for _, why in ipairs(reasons) do
    screen.say(("  %d%s skipped: %s"):format(
      counts[why], more > 0 and " or more" or "", screen.clean(why)))
  end
  if done.skipped > 0 then
    screen.say "  (--verbose lists the skipped items)"
  end
end

--- Lists what was skipped and what failed, and the notes.
-- @tparam table done the report
-- @tparam table parsed the arguments: `verbose`
function run_summary.tell(done, parsed)
  tell_skips(done, parsed.verbose)
  tell_failures(done)
  for _, note in ipairs(done.notes) do
    screen.complain("%s", screen.clean(note))
  end
end

-- ------------------------------------------------------------ how it ended

--- True if a run ended because of --limit.
function run_summary.reached_limit(done)
  return not done.error and done.failed == 0 and done.stopped ~= nil and
         done.stopped:find("limit", 1, true) ~= nil
end

--- Says why a run is not complete, in a sentence or two.
-- @tparam table done the report
-- @tparam table parsed the arguments: `limit`
function run_summary.why(done, parsed)
  if done.error then return tostring(done.error) end
  if run_summary.reached_limit(done) then
    return ("Stopped after %s (--limit)."):format(
      screen.count(parsed.limit, "item"))
  elseif done.stopped then
    return ("Stopped: %s."):format(done.stopped)
  elseif done.failed > 0 then
    return ("Incomplete: %s failed. The remaining workflow changes were " ..
            "not applied."):format(screen.count(done.failed, "item"))
  end
  return "Incomplete: see the notes above."
end

-- ------------------------------------------------------------- the summary

local STRUCTURE = { "added", "changed", "removed" }

-- "1 added, 2 changed, 300 moved, 4 failed": what there was none of is left
-- out, except items that were moved.
local function counted(done, counts)
  local parts = {}
  for _, name in ipairs(STRUCTURE) do
    local count = done[name] or done.complete and counts and counts[name]
    if count and count > 0 then
      parts[#parts + 1] = ("%d %s"):format(count, name)
    end
  end
  parts[#parts + 1] = ("%d moved"):format(done.moved)
  for _, name in ipairs { "skipped", "failed" } do
    if done[name] > 0 then
      parts[#parts + 1] = ("%d %s"):format(done[name], name)
    end
  end
  return table.concat(parts, ", ")
end

--- Prints the last line of a run.
-- @tparam table done the report
-- @tparam table about `verb`, `counts`
function run_summary.last_line(done, about)
  local color = done.failed > 0 and "red" or
                done.complete and "green" or "yellow"
  local state = done.complete and "complete" or "incomplete"
  screen.say(("%s %s: %s (%s in %s).%s"):format(
    about.verb, state, counted(done, about.counts),
    screen.count(done.requests, "request"), duration.text(done.seconds),
    done.journal and " Journal: " .. done.journal or ""), color)
end

return run_summary
