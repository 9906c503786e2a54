--- The contents of a plan's report as data. `run_view` adds those of a run,
-- `page` renders them.
local attributes = require "workstage.migration.stage"
local describe = require "workstage.migration.plan.describe"
local duration = require "workstage.duration"
local filter = require "workstage.migration.filter_words"
local operations = require "workstage.migration.operations"
local statuses = require "workstage.migration.blueprint.kantata"
local shell = require "workstage.shell"
local state = require "workstage.migration.state"

local view = {}

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

-- "Marketing (288868932106293, eu)"
local function space_of(plan, origin)
  if plan.service == "kantata" then return nil end
  local id = tostring(plan.space_id)
  if origin.region then id = ("%s, %s"):format(id, origin.region) end
  return origin.space and ("%s (%s)"):format(origin.space, id) or id
end

local function facts_of(plan, origin)
  local facts = {}
  local function add(name, value)
    if value then facts[#facts + 1] = { name, tostring(value) } end
  end
  add("Space", space_of(plan, origin))
  local workflows = describe.workflows(plan)
  if #workflows > 0 then
    add(#workflows == 1 and "Workflow" or "Workflows",
        table.concat(workflows, ", "))
  end
  add("Rate limit", plan.rate and plan.rate > 0 and
                    ("%g requests a second"):format(plan.rate))
  return facts
end

--- An entry of the list of who did what.
-- @tparam string what "Planned"
-- @tparam ?integer at seconds since 1970
-- @tparam ?table origin see `migration.origin`
-- @treturn table `what`, `at` (text), `user`, `command`
function view.entry(what, at, origin)
  origin = origin or {}
  return { what = what, at = date(at) or "-", user = origin.user,
           command = origin.command }
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

--- The version of workstage, for the end of the page.
-- @tparam ?table origin
-- @treturn string ", made by workstage 0.1.0", or empty
function view.maker(origin)
  if not origin or not origin.version then return "" end
  return ", made by workstage " .. origin.version
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
  local status = plan.service == "kantata" and statuses.status(ref)
  if not status then return { name = name } end
  return { name = ("%s (%d)"):format(status.message, ref),
           color = status.color }
end

--- The moves of a plan, for a run with the counts of what became of the items.
-- @tparam table plan
-- @tparam[opt] table counted see `journal.outcomes`
-- @treturn table array of `from`, `to`, `filter`, `count`, `moved`, `skipped`,
--   `failed`
function view.moves_of(plan, counted)
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

--- A command about a file, to be typed.
-- @tparam string command "resume"
-- @tparam string path
-- @tparam[opt] string rest what follows the path
function view.command(command, path, rest)
  return ("workstage %s %s%s"):format(command, shell.word(path), rest or "")
end

-- A plan that changes no workflow is drawn as its moves.
local function picture_of(plan, svg)
  if not svg then return nil end
  if #describe.workflows(plan) == 0 then
    return { svg = svg, title = "Moves at a glance",
             text = "The stages and the moves between them, as a graph; " ..
                    "the table of moves says the same." }
  end
  return { svg = svg, title = "Before and after",
           text = "The workflow before and after, as a graph; the table " ..
                  "below says the same." }
end

local UNDO = "After it has been applied, a rollback moves the items back " ..
             "and restores the stages, except what somebody has changed " ..
             "since."

--- The contents of a plan's report.
-- @tparam table plan
-- @tparam ?string svg the picture
-- @tparam[opt] table origin of a run; by default the plan's
-- @treturn table
function view.of_plan(plan, svg, origin)
  local is_rollback, path = plan.kind == "rollback", plan.path
  return {
    kind = is_rollback and "Rollback plan" or "Migration plan",
    title = title_of(plan), summary = describe.totals(plan),
    facts = facts_of(plan, origin or plan.origin or {}),
    numbers = numbers_of(plan), picture = picture_of(plan, svg),
    record = plan.created and
      { view.entry("Planned", plan.created, plan.origin) } or {},
    matrices = matrices_of(plan), changes = changes_of(plan),
    moves = view.moves_of(plan), effects = describe.effects(plan),
    warnings = texts_of(plan.conflicts), notes = texts_of(plan.notes),
    undo = { lines = { UNDO },
             commands = path and { view.command("rollback",
                                                path .. ".journal") } or {} },
    apply = path and { commands = { view.command("apply", path) } } or nil,
    footer = ("Plan %s%s. Nothing was changed when this page was made."):format(
      plan.id, view.maker(plan.origin)),
  }
end

return view
