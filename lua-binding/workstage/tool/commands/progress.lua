-- workstage progress: how far a run has come, as its journal tells.

local csv = require "workstage.tool.ui.csv"
local duration = require "workstage.duration"
local exit_status = require "workstage.tool.exit_status"
local failure = require "workstage.tool.ui.failure"
local files = require "workstage.tool.files"
local json = require "workstage.tool.ui.json"
local loop = require "workstage.loop"
local outcomes = require "workstage.migration.journal.outcomes"
local screen = require "workstage.tool.ui.screen"
local tables = require "workstage.tool.ui.table"

local command = {
  summary = "Show how far a run has come. No network.",
  examples = {
    "workstage progress article.plan.journal",
    "workstage progress article.plan.journal --watch",
    "workstage progress article.plan.journal --failures --csv > failed.csv",
  },
  ends = "--watch reads the journal every second until the run is " ..
         "complete; it may be one of another terminal.",
}

function command.define(parser)
  parser:argument("journal", "The run's journal."):argname "JOURNAL"
  parser:flag("--failures", "List the failed items, with the reasons.")
  parser:mutex(
    parser:flag("--watch", "Follow the run until it is complete."),
    parser:flag("--csv", "With --failures: write a CSV file."),
    parser:flag("--json", "Write the result as one line of JSON."))
end

-- ----------------------------------------------------------------- progress

local NAMES = { "plan", "service", "space_id", "workflow", "kind", "total",
                "moved", "skipped", "failed", "operations", "done",
                "complete", "rolled_back", "requests", "retries", "held" }

local function title(about)
  local what = about.kind == "rollback" and "Rollback" or "Migration"
  if about.service == "kantata" then return what .. " of Kantata OX" end
  if not about.workflow then
    return ("%s in space %d"):format(what, about.space_id)
  end
  return ("%s of %s in space %d"):format(
    what, screen.quoted(about.workflow), about.space_id)
end

local function state_of(about, path)
  if about.rolled_back then
    return ("rolled back, see %s.rollback"):format(path)
  end
  return about.complete and "complete" or "not complete"
end

local function traffic_line(about)
  local parts = { screen.count(about.requests, "request") }
  if about.retries > 0 then
    parts[2] = screen.count(about.retries, "retry", "retries")
  end
  if about.held > 0 then
    parts[#parts + 1] = ("%s of waiting after 429"):format(
      duration.text(about.held))
  end
  return ("  %s."):format(table.concat(parts, ", "))
end

local function items_line(about)
  local settled, parts = about.moved + about.skipped, {}
  for _, name in ipairs { "moved", "skipped", "failed" } do
    if about[name] > 0 then
      parts[#parts + 1] = ("%d %s"):format(about[name], name)
    end
  end
  return ("  %d of %d items done (%d%%)%s."):format(
    settled, about.total, settled * 100 // about.total,
    #parts > 0 and ": " .. table.concat(parts, ", ") or "")
end

local function lines_of(about, path)
  local lines = { ("%s: %s."):format(title(about), state_of(about, path)) }
  if about.total > 0 then lines[2] = items_line(about) end
  lines[#lines + 1] = ("  %d of %d operations done."):format(about.done,
                                                             about.operations)
  if about.requests > 0 then lines[#lines + 1] = traffic_line(about) end
  return lines
end

--- The record of `--json`.
-- @tparam table about see `files.journal`
function command.record(about)
  local record = {}
  for _, name in ipairs(NAMES) do record[name] = about[name] end
  return record
end

--- Says how far a run is.
-- @tparam table about see `files.journal`
-- @tparam string path of the journal
function command.say_state(about, path)
  for _, line in ipairs(lines_of(about, path)) do screen.say(line) end
end

--- Says which commands may come next.
-- @tparam table about see `files.journal`
-- @tparam string path of the journal
function command.say_next(about, path)
  local word = screen.word(path)
  if about.failed > 0 then
    screen.say(("To list the failures, run: workstage progress %s " ..
                "--failures"):format(word))
  end
  if not about.complete and not about.rolled_back then
    screen.say("To continue, run: workstage resume " .. word)
  end
end

-- Tells what a journal says.
local function tell(about, parsed)
  if parsed.json then return screen.json(command.record(about)) end
  command.say_state(about, parsed.journal)
  command.say_next(about, parsed.journal)
end

--- Tells of a run that was to be continued and is over.
-- @tparam table about
-- @tparam table parsed the arguments: `journal`, `json`
-- @treturn integer the exit status
function command.tell_over(about, parsed)
  if parsed.json then
    screen.json(json.nothing(about.plan, parsed.journal))
  else
    tell(about, parsed)
  end
  return exit_status.DONE
end

-- ----------------------------------------------------------------- failures

local FIELDS = { "item", "name", "from", "to", "kind", "status", "reason" }

local function failures_of(path)
  local items, err = outcomes.items(path)
  if not items then return nil, err end
  local failed = {}
  for _, item in ipairs(items) do
    if item.outcome == "failed" then
      local record = {}
      for _, name in ipairs(FIELDS) do record[name] = item[name] end
      failed[#failed + 1] = record
    end
  end
  return failed
end

local function print_failures(failed)
  local rows = {}
  for i, item in ipairs(failed) do
    rows[i] = { tostring(item.item), screen.clean(item.name or "-"),
                screen.clean(item.to or "-"),
                screen.clean(item.reason or "-") }
  end
  if #rows == 0 then return screen.say "No failures." end
  tables.print({
    { title = "Item", is_right = true },
    { title = "Name", shrink = 6, drop = 2 },
    { title = "To", shrink = 6, drop = 1 },
    { title = "Reason", shrink = 12 },
  }, rows)
end

local function tell_failures(about, parsed)
  local failed, err = failures_of(parsed.journal)
  if not failed then return failure.tell(err) end
  if parsed.csv then
    screen.write(csv.text(FIELDS, failed))
  elseif parsed.json then
    local record = command.record(about)
    record.failures = failed
    screen.json(record)
  else
    command.say_state(about, parsed.journal)
    screen.put ""
    print_failures(failed)
  end
  return exit_status.DONE
end

-- -------------------------------------------------------------------- watch

local EVERY = 1 -- seconds

-- Items a second since the watch began; nil until something has happened.
local function rate_of(watch, settled)
  local now = os.time()
  watch.began = watch.began or { at = now, settled = settled }
  local seconds = now - watch.began.at
  if seconds < 2 or settled == watch.began.settled then return nil end
  return (settled - watch.began.settled) / seconds
end

local function watch_line(watch, about)
  local settled, total = about.moved + about.skipped, about.total
  local rate = rate_of(watch, settled + about.failed)
  local line = ("%d%%  %d/%d"):format(
    total > 0 and settled * 100 // total or 0, settled, total)
  if about.failed > 0 then line = ("%s  %d failed"):format(line, about.failed)
  end
  if rate then
    line = ("%s  %.1f/s  ETA %s"):format(line, rate, duration.clock(
      math.max(total - settled, 0) / rate))
  end
  return line
end

local function show(line)
  local columns = screen.width(screen.OUT)
  if not columns then return screen.say(line) end
  io.stdout:write("\r\27[J", screen.cut(line, columns - 1), "\r")
  io.stdout:flush()
end

local function watch(parsed)
  local state, last = {}, nil
  while true do
    local about, code = files.journal(parsed.journal)
    if not about then return code end
    local line = watch_line(state, about)
    if about.complete or about.rolled_back then
      if screen.width(screen.OUT) then io.stdout:write "\r\27[J" end
      tell(about, parsed)
      return exit_status.DONE
    end
    if line ~= last then show(line) end
    last = line
    io.stdout:flush()
    loop.sleep(EVERY)
  end
end

-- ---------------------------------------------------------------------- run

function command.run(parsed)
  if parsed.csv and not parsed.failures then
    screen.complain "--csv goes with --failures"
    return exit_status.USAGE
  end
  if parsed.watch then return watch(parsed) end
  local about, code = files.journal(parsed.journal)
  if not about then return code end
  if parsed.failures then return tell_failures(about, parsed) end
  tell(about, parsed)
  return exit_status.DONE
end

return command
