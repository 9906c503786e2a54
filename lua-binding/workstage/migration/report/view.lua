--- The contents of a report as data: from a plan, and for a run also from its
-- journal. `page` renders it.
local attributes = require "workstage.migration.stage"
local describe = require "workstage.migration.plan.describe"
local duration = require "workstage.duration"
local filter = require "workstage.migration.filter_words"
local operations = require "workstage.migration.operations"
local statuses = require "workstage.migration.blueprint.kantata"
local state = require "workstage.migration.state"

local view = {}

local MOST_ROWS = 500 -- of failed and skipped items

local function date(seconds)
  return seconds and os.date("!%Y-%m-%d %H:%M UTC", seconds)
end

-- ---------------------------------------------------------------- the plan

local function title_of(plan)
  if plan.service == "kantata" then return "Kantata OX" end
  local names = describe.workflows(plan)
  if #names > 0 then return table.concat(names, ", ") end
  return ("Space %d"):format(plan.space_id)
end

local function facts_of(plan, opts)
  local facts = {}
  local function add(name, value)
    if value then facts[#facts + 1] = { name, tostring(value) } end
  end
  add("Space", opts.space or plan.space_id)
  local workflows = describe.workflows(plan)
  if #workflows > 0 then
    add(#workflows == 1 and "Workflow" or "Workflows",
        table.concat(workflows, ", "))
  end
  add("Planned", date(plan.created))
  add("By", opts.user)
  add("Rate", plan.rate and ("%g requests a second"):format(plan.rate))
  add("Plan", plan.id)
  return facts
end

local function numbers_of(plan)
  local counts = describe.counts(plan)
  local numbers = {}
  if plan.service ~= "kantata" then
    numbers = { { "To add", counts.added }, { "To change", counts.changed },
                { "To remove", counts.removed } }
  end
  numbers[#numbers + 1] = { "To move", counts.moved }
  numbers[#numbers + 1] = { "Requests", plan.requests }
  if plan.seconds then
    numbers[#numbers + 1] = { "Time", duration.estimate(plan.seconds) }
  end
  return numbers
end

-- Each change names its workflow if the plan has several.
local function changes_of(plan)
  local after = operations.after(plan.state, plan.operations)
  local found = {}
  for _, entry in ipairs(describe.stages(plan)) do
    local workflow = after.workflows[entry.workflow] or
                     plan.state.workflows[entry.workflow]
    if not plan.workflow then
      entry.workflow_name = workflow and workflow.name
    end
    if entry.kind ~= "opened" then found[#found + 1] = entry end
  end
  return found
end

-- ------------------------------------------------------------------- moves

-- A stage or a status with its colour, by its reference.
local function place_of(plan, after, ref, name)
  local stage = after.stages[ref] or plan.state.stages[ref]
  if stage then return stage end
  if not name then return nil end
  local status = statuses.status and statuses.status(ref)
  return { name = name, color = status and status.color }
end

local function moves_of(plan, counted)
  local after = operations.after(plan.state, plan.operations)
  local moves = {}
  for index, op in ipairs(plan.operations) do
    if operations.of(op).has_items then
      local rule = plan.rules[op.rule] or {}
      local counts = counted and counted.operations[index] or {}
      moves[#moves + 1] = {
        from = place_of(plan, after, op.from, op.from_name),
        to = place_of(plan, after, op.to, op.to_name),
        filter = filter.text(rule.where), count = op.count,
        moved = counts.moved or 0, skipped = counts.skipped or 0,
        failed = counts.failed or 0,
      }
    end
  end
  return moves
end

-- ------------------------------------------------------------------ matrix

local function cell(before, after, from, to)
  local was = before.stages[from] and before.stages[to] and
              attributes.leads_to(before.stages[from], to)
  local is = after.stages[from] and after.stages[to] and
             attributes.leads_to(after.stages[from], to)
  if was and is then return "kept" end
  return was and "removed" or is and "added" or nil
end

-- The stages of a workflow after the plan, then those that it removes.
local function stages_of(before, after, workflow)
  local refs = state.order(after, workflow)
  for _, ref in ipairs(state.order(before, workflow)) do
    if not after.stages[ref] then refs[#refs + 1] = ref end
  end
  return refs
end

local function matrix_of(before, after, workflow)
  local refs = stages_of(before, after, workflow)
  local matrix = { stages = {} }
  for r, from in ipairs(refs) do
    matrix.stages[r] = after.stages[from] or before.stages[from]
    matrix[r] = {}
    for c, to in ipairs(refs) do
      if from ~= to then matrix[r][c] = cell(before, after, from, to) end
    end
  end
  local known = after.workflows[workflow] or before.workflows[workflow]
  matrix.name = known and known.name
  return matrix
end

local function matrices_of(plan)
  local after = operations.after(plan.state, plan.operations)
  local seen, matrices = {}, {}
  for _, each in ipairs { plan.state, after } do
    for _, workflow in ipairs(state.touched(each)) do
      if not seen[workflow] then
        seen[workflow] = true
        matrices[#matrices + 1] = matrix_of(plan.state, after, workflow)
      end
    end
  end
  return matrices
end

-- --------------------------------------------------------------- the whole

local function texts_of(list)
  local texts = {}
  for i, each in ipairs(list or {}) do texts[i] = tostring(each) end
  return texts
end

--- The contents of a plan's report.
-- @tparam table plan
-- @tparam table opts `path` of its file; `space`, `user`: descriptions of
--   them; `picture`: SVG
-- @treturn table
function view.of_plan(plan, opts)
  local is_rollback = plan.kind == "rollback"
  local path = opts.path or plan.path
  return {
    kind = is_rollback and "Rollback plan" or "Migration plan",
    title = title_of(plan), summary = describe.totals(plan),
    facts = facts_of(plan, opts), numbers = numbers_of(plan),
    picture = opts.picture,
    picture_text = "The workflow before and after, as a graph; the table \z
                    below says the same.",
    matrices = matrices_of(plan), changes = changes_of(plan),
    moves = moves_of(plan), effects = describe.effects(plan),
    warnings = texts_of(plan.conflicts), notes = texts_of(plan.notes),
    undo = { lines = { "Once it has been applied, a rollback moves the \z
                        items back and restores the stages, except what \z
                        somebody has changed since." },
             commands = path and { ("workstage rollback %s.journal")
                                   :format(path) } or {} },
    commands = path and { "workstage show " .. path,
                          "workstage apply " .. path } or {},
    footer = "Made by workstage from a plan. Nothing was changed yet.",
  }
end

-- ------------------------------------------------------------------ a run

local function state_of(replayed)
  if replayed.rolled_back then
    return { level = "stopped", text = "Rolled back" }
  elseif replayed.complete then
    return { level = "done", text = "Complete" }
  end
  return { level = "failed", text = "Incomplete" }
end

local function summary_of(replayed, total)
  local text = ("%d of %d items moved; %d skipped, %d failed."):format(
    replayed.moved, total, replayed.skipped, replayed.failed)
  if replayed.rolled_back then
    return text .. " The run was rolled back later."
  elseif replayed.complete then
    return text
  end
  return text .. " The run can be resumed."
end

local function operations_done(replayed)
  local done = 0
  for index in ipairs(replayed.plan.operations) do
    local progress = replayed.progress[index]
    if progress and progress.done then done = done + 1 end
  end
  return ("%d of %d"):format(done, #replayed.plan.operations)
end

local function run_numbers(replayed, read)
  local numbers = {
    { "Moved", replayed.moved }, { "Skipped", replayed.skipped },
    { "Failed", replayed.failed },
    { "Operations done", operations_done(replayed) },
  }
  if read.first then
    numbers[#numbers + 1] = { "Time", duration.text(read.last - read.first) }
  end
  return numbers
end

local function events_of(read)
  local events = {}
  if read.resumes > 0 then
    events[1] = read.resumes == 1 and "The run was resumed once." or
                ("The run was resumed %d times."):format(read.resumes)
  end
  for _, pause in ipairs(read.pauses) do
    events[#events + 1] = ("%s: waited %s for %s."):format(
      date(pause.at) or "-", duration.text(pause.seconds or 0),
      tostring(pause.reason))
  end
  return events
end

-- Long runs are drawn in steps of several minutes.
local MOST_BARS = 240

local function timeline_of(read)
  if not read.first then return nil end
  local first, last = read.first // 60, read.last // 60
  local step = math.max(1, math.ceil((last - first + 1) / MOST_BARS))
  local bars, most = {}, 0
  for minute = first, last do
    local at = (minute - first) // step + 1
    local bar = bars[at] or { items = 0, label = date(minute * 60) }
    local counts = read.minutes[minute]
    bar.items = bar.items + (counts and counts.moved or 0)
    bars[at], most = bar, math.max(most, bar.items)
  end
  local unit = step == 1 and "minute" or ("%d minutes"):format(step)
  return { minutes = bars, events = events_of(read),
           text = ("From %s to %s; at most %d items in a %s."):format(
             date(read.first), date(read.last), most, unit) }
end

local function items_of(read, path)
  local rows = {}
  for i = 1, math.min(#read.unsettled, MOST_ROWS) do
    local each = read.unsettled[i]
    rows[i] = { id = each.item, name = each.name, outcome = each.outcome,
                reason = each.reason or "" }
  end
  return { rows = rows, more = #read.unsettled - #rows,
           command = ("workstage progress %s --failures"):format(path) }
end

local function undo_of(replayed, path)
  if replayed.rolled_back then
    return { lines = { "It has already been rolled back." },
             commands = { "workstage show " .. path .. ".rollback" } }
  end
  return { lines = { "A rollback moves the items back and restores the \z
                      stages, except what somebody has changed since. \z
                      Stages that were removed are created again, with new \z
                      ids." },
           commands = { "workstage rollback " .. path } }
end

local function run_commands(replayed, path)
  local commands = { "workstage show " .. path }
  if not replayed.complete and not replayed.rolled_back then
    table.insert(commands, 1, "workstage resume " .. path)
  end
  return commands
end

--- The contents of a run's report.
-- @tparam table replayed what `replay.read` returns for its journal
-- @tparam table read what `outcomes.read` returns for it
-- @tparam table opts as for `of_plan`; `path` is the journal's
-- @treturn table
function view.of_run(replayed, read, opts)
  local plan, path = replayed.plan, opts.path
  local total = describe.counts(plan).moved + replayed.late
  local self = view.of_plan(plan, opts)
  self.kind = plan.kind == "rollback" and "Rollback" or "Migration run"
  self.is_run, self.state = true, state_of(replayed)
  self.summary = summary_of(replayed, total)
  self.numbers = run_numbers(replayed, read)
  table.insert(self.facts, 3, { "Started",
                                date(replayed.header.created) or "-" })
  self.moves = moves_of(plan, read)
  for _, note in ipairs(replayed.notes) do
    table.insert(self.notes, note.message)
  end
  self.timeline, self.items = timeline_of(read), items_of(read, path)
  self.undo = undo_of(replayed, path)
  self.commands = run_commands(replayed, path)
  self.footer = "Made by workstage from a journal."
  return self
end

return view
