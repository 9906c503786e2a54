--- Moves items to another stage; in Kantata, gives projects another status.
local complete = require "workstage.migration.operations.defaults"
local page_size = require "workstage.migration.page_size"
local move_items = require "workstage.migration.execute.move_items"
local render = require "workstage.migration.operations.render"
local visible = require "workstage.visible"
local state = require "workstage.migration.state"

local kind = {}

local NAMES = { "from", "to", "from_name", "to_name", "set", "count", "items",
                "dues", "left_due", "dues_count" }

--- @tparam table move `from`, `to` (references, or keys of statuses),
--   `from_name`, `to_name`, `set`, `count`, `items`, `dues`
-- @tparam integer rule the index of the plan's rule
-- @tparam ?table before the state; nil for Kantata
function kind.new(move, rule, before)
  local op = { op = "move", rule = rule }
  for _, name in ipairs(NAMES) do op[name] = move[name] end
  local to = before and before.stages[op.to]
  op.workflow = to and to.workflow
  return op
end

function kind.reduce(before, op, result)
  if not before.items then return before end
  local draft = state.draft(before)
  draft.items = state.copy(before.items)
  for _, id in ipairs(result and result.moved or op.items) do
    draft.items[id] = state.ref(before, op.to)
  end
  return draft
end

function kind.needs(op)
  return { stages = { op.from or nil, op.to } }
end

function kind.requires(op)
  if not op.workflow then return {} end
  return {
    { check = "stage_is_in_workflow", stage = op.to,
      workflow = op.workflow, name = op.to_name },
    { check = "leads_to", from = op.from, to = op.to, unless_begun = true },
  }
end

function kind.execute(run, op, index, earlier)
  local failed_before = run.report.failed
  earlier = earlier or {}
  run.needs_refresh = true
  local done, err = move_items.run(run, {
    operation = index, from = run:id_of(op.from), to = run:id_of(op.to),
    set = op.set, from_name = op.from_name, to_name = op.to_name,
    items = op.items, dues = op.dues, left_due = op.left_due,
    at = earlier.at, retry_ids = earlier.retry_ids,
    maybe_sent = earlier.maybe_sent, read_before = earlier.read_before,
  })
  if done and run.report.failed == failed_before then run:finish() end
  return done, err
end

function kind.requests(op, rate)
  return op.count + math.ceil(op.count / page_size(rate))
end

function kind.render(op, names)
  local more = { names.filter(op.rule) }
  if op.set.release_id then
    more[#more + 1] = ("in release %d"):format(op.set.release_id)
  end
  if op.set.comment then more[#more + 1] = "with a comment" end
  if op.set.notify then more[#more + 1] = "with e-mails" end
  local text = ("  > %s  %s -> %s"):format(
    render.items(op.count), visible.text(op.from_name),
    visible.text(op.to_name))
  if #more > 0 then
    text = ("%s  (%s)"):format(text, table.concat(more, ", "))
  end
  return { { "cyan", text } }
end

-- A count; nil for 0.
local function some(count)
  return count and count > 0 and count or nil
end

-- Counts what an item loses by the move, unless it lacks that in its old stage
-- already.
local function lost(count, is_lacking, was_lacking)
  return is_lacking and not was_lacking and count or 0
end

--- Kantata notifies participants and has no webhooks.
-- @tparam table after the state at the end of the plan
-- @tparam table before the state at its beginning
function kind.effects(op, after, before)
  local target, count = after.stages[op.to], op.count
  local source = before.stages[op.from] or {}
  local dues = op.dues_count or {}
  if not target then return { notifications = count } end
  return {
    dues_cleared = some(dues.cleared), dues_unknown = some(dues.unknown),
    webhooks = count,
    emails = op.set.notify and count or 0,
    locked = lost(count, target.story_editing_locked,
                  source.story_editing_locked),
    unassigned = target.auto_remove_assignee and count or 0,
    unpublishable = lost(count, target.allow_publish == false,
                         source.allow_publish == false),
  }
end

kind.has_items = true
kind.goes_on_after_failure = true
kind.ages = true

return complete(kind)
