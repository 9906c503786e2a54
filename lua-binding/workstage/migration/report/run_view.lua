--- The contents of a run's report as data, from its journal.
local describe = require "workstage.migration.plan.describe"
local duration = require "workstage.duration"
local state = require "workstage.migration.state"
local timeline = require "workstage.migration.report.timeline"
local traffic = require "workstage.migration.journal.traffic"
local view = require "workstage.migration.report.view"

local MOST_ROWS = 500 -- of failed and skipped items

local function plural(count, one)
  return ("%d %s%s"):format(count, one, count == 1 and "" or "s")
end

-- ------------------------------------------------------------- the outcome

local function badge_of(replayed)
  if replayed.rolled_back then
    return { level = "stopped", text = "Rolled back" }
  elseif replayed.complete then
    return { level = "done", text = "Complete" }
  end
  return { level = "failed", text = "Incomplete" }
end

local function moved_text(replayed, total)
  if total == 0 then return "No items had to be moved" end
  local parts = { ("%d of %s moved"):format(replayed.moved,
                                            plural(total, "item")) }
  for _, name in ipairs { "skipped", "failed" } do
    if replayed[name] > 0 then
      parts[#parts + 1] = ("%d %s"):format(replayed[name], name)
    end
  end
  return table.concat(parts, ", ")
end

local function changes_workflows(plan)
  local counts = describe.counts(plan)
  return counts.added + counts.changed + counts.removed > 0
end

local function summary_of(replayed, total)
  local text = moved_text(replayed, total)
  if replayed.rolled_back then
    return text .. ". The run was rolled back later."
  elseif replayed.complete then
    return text .. (changes_workflows(replayed.plan) and
                    ". All workflow changes are done." or ".")
  elseif replayed.failed > 0 then
    return text .. ". Some workflow changes wait for the failed items. " ..
           "The run can be resumed."
  end
  return text .. ". The run stopped early and can be resumed."
end

local function operations_done(replayed)
  local done = 0
  for index in ipairs(replayed.plan.operations) do
    local progress = replayed.progress[index]
    if progress and progress.done then done = done + 1 end
  end
  return ("%d of %d"):format(done, #replayed.plan.operations)
end

local function numbers_of(replayed, read)
  local numbers = {
    { "Moved", replayed.moved }, { "Skipped", replayed.skipped },
    { "Failed", replayed.failed },
    { "Operations", operations_done(replayed) },
    { "Requests", read.traffic.requests },
    { "Retries", traffic.retries(read.traffic) },
  }
  if read.first then
    local seconds = read.last - read.first
    numbers[#numbers + 1] = { "Time", seconds < 1 and "< 1 s" or
                                      duration.text(seconds) }
  end
  return numbers
end

-- Who did what and when.
local function record_of(replayed, read)
  local record = {}
  local plan, header = replayed.plan, replayed.header
  if plan.origin then
    record[1] = view.entry("Planned", plan.created, plan.origin)
  end
  record[#record + 1] = view.entry("Started", header.created, header.origin)
  for _, resumed in ipairs(read.resumes) do
    record[#record + 1] = view.entry("Resumed", resumed.at, resumed.origin)
  end
  if read.completed_at then
    record[#record + 1] = view.entry("Completed", read.completed_at)
  elseif read.last then
    record[#record + 1] = view.entry("Last entry", read.last)
  end
  if read.rolled_back_at then
    record[#record + 1] = view.entry("Rolled back", read.rolled_back_at)
  end
  return record
end

local function items_of(read, path)
  local rows = {}
  for i = 1, math.min(#read.unsettled, MOST_ROWS) do
    local each = read.unsettled[i]
    rows[i] = { id = each.item, name = each.name, outcome = each.outcome,
                reason = each.reason or "" }
  end
  return { rows = rows, more = #read.unsettled - #rows,
           command = view.command("progress", path, " --failures") }
end

-- -------------------------------------------------------------------- undo

local UNDONE = {
  { "added", "Deletes %s that this run created: %s." },
  { "removed", "Creates %s again, with new ids: %s." },
  { "changed", "Restores %s: %s." },
}

local function names_of(states, refs)
  local names = {}
  for i, ref in ipairs(refs) do
    for _, each in ipairs(states) do
      names[i] = names[i] or each.stages[ref] and each.stages[ref].name
    end
    names[i] = names[i] or tostring(ref)
  end
  return table.concat(names, ", ")
end

-- What a rollback would do if nobody changed anything since.
local function undo_lines(replayed)
  local lines = {}
  local before, after = replayed.plan.state, replayed.state
  local found = state.changed_stages(before, after)
  if replayed.moved > 0 then
    lines[1] = ("Moves %s back."):format(plural(replayed.moved, "item"))
  end
  for _, kind in ipairs(UNDONE) do
    local refs = found[kind[1]]
    if #refs > 0 then
      lines[#lines + 1] = kind[2]:format(
        plural(#refs, "stage"), names_of({ before, after }, refs))
    end
  end
  return lines
end

local function undo_of(replayed, path)
  if replayed.rolled_back then
    return { lines = { "This run has been rolled back. The rollback has a " ..
                       "journal of its own." },
             commands = { view.command("report", path .. ".rollback",
                                       " -o rollback.html") } }
  end
  local list = undo_lines(replayed)
  if #list == 0 then
    return { lines = { "The run has changed nothing that a rollback would " ..
                       "restore." }, commands = {} }
  end
  return { lines = { "A rollback does the following. It leaves alone what " ..
                     "somebody has changed since, and shows its plan " ..
                     "before it asks." },
           list = list, commands = { view.command("rollback", path) } }
end

local function resume_of(replayed, path)
  if replayed.complete or replayed.rolled_back then return nil end
  return { lines = { "The run continues where it stopped: failed items are " ..
                     "tried again, and nothing is done twice." },
           commands = { view.command("resume", path) } }
end

--- The contents of a run's report.
-- @tparam table replayed what `replay.read` returns for its journal
-- @tparam table read what `outcomes.read` returns for it
-- @tparam string path of the journal
-- @tparam ?string svg the picture
-- @treturn table
return function(replayed, read, path, svg)
  local plan = replayed.plan
  local total = describe.counts(plan).moved + replayed.late
  local self = view.of_plan(plan, svg, replayed.header.origin)
  self.kind = plan.kind == "rollback" and "Rollback" or "Migration run"
  self.is_run, self.state = true, badge_of(replayed)
  self.summary = summary_of(replayed, total)
  self.numbers = numbers_of(replayed, read)
  self.record = record_of(replayed, read)
  self.moves = view.moves_of(plan, read)
  for _, note in ipairs(replayed.notes) do
    table.insert(self.notes, note.message)
  end
  self.timeline, self.items = timeline(read), items_of(read, path)
  self.undo = undo_of(replayed, path)
  self.resume = resume_of(replayed, path)
  self.apply = nil
  self.footer = ("Run %s of plan %s%s."):format(
    replayed.header.run, plan.id, view.maker(replayed.header.origin))
  return self
end
