--- What a journal says: the plan, and how far its run came.
local errors = require "workstage.errors"
local journals = require "workstage.migration.journal.file"
local plan = require "workstage.migration.plan"

local replay = {}

-- What an operation's records add up to: `started`, when its request may
-- have been sent; `done`; `at`, the first item that was not begun; `again`,
-- the items whose end is open or that failed; `begun`, those of them whose
-- request may have been sent; `was`, what is known of the due dates that
-- those had; `opened`, the ways that it has opened.
local function state_of(self, index)
  local state = self.progress[index]
  if not state then
    state = { open = {}, unsent = {}, failed = {}, was = {}, at = 1,
              opened = {} }
    self.progress[index] = state
  end
  return state
end

local take = {}

function take.begin(self, record)
  state_of(self, record.operation).started = true
end

-- It has made nothing: what has its name by now is not this run's.
function take.refused(self, record)
  self.progress[record.operation] = nil
end

function take.opened(self, record)
  table.insert(state_of(self, record.operation).opened, record)
end

-- An item has come to an end, or back to its beginning.
local function forget(self, state, id)
  if state.failed[id] then self.failed = self.failed - 1 end
  state.open[id], state.failed[id], state.unsent[id] = nil, nil, nil
  state.was[id] = nil
end

function take.page(self, record)
  local state = state_of(self, record.operation)
  if record.at and record.at + 1 > state.at then state.at = record.at + 1 end
  for _, id in ipairs(record.items) do
    state.open[id], state.unsent[id], state.was[id] = true, nil, nil
  end
  for _, each in ipairs(record.dues or {}) do
    state.was[each.item] = { due = each.due,
                             is_due_unknown = each.due_unknown }
  end
  for _, each in ipairs(record.skipped or {}) do
    forget(self, state, each.item)
    self.skipped = self.skipped + 1
  end
end

function take.unsent(self, record)
  local state = state_of(self, record.operation)
  for _, id in ipairs(record.items) do state.unsent[id] = true end
end

function take.moved(self, record)
  forget(self, state_of(self, record.operation), record.item)
  self.moved = self.moved + 1
  if self.on_moved then self.on_moved(record, self) end
end

function take.failed(self, record)
  local state = state_of(self, record.operation)
  state.open[record.item] = nil
  if not state.failed[record.item] then self.failed = self.failed + 1 end
  state.failed[record.item] = record
end

function take.done(self, record)
  local state = state_of(self, record.operation)
  state.done, state.started = true, true
  local operation = self.plan.operations[record.operation]
  if operation.op == "create_stage" then
    self.ids[operation.stage] = record.id
  elseif operation.op == "delete_stage" and not record.left then
    self.deleted[operation.stage] = true
  elseif operation.op == "create_workflow" then
    self.workflow, self.given = record.id, record.given
  end
end

function take.note(self, record)
  table.insert(self.notes, record.message)
end

function take.complete(self) self.complete = true end

function take.rolled_back(self, record)
  self.rolled_back, self.rolled_back_at = true, record.at
end

-- The run that this one undoes is not carried on any more.
function take.marked(self) self.is_unmarked = false end

-- The items of an operation that are to be looked at again.
local function close(state)
  local again = {}
  for id in pairs(state.open) do
    if not state.failed[id] then again[#again + 1] = id end
  end
  for id in pairs(state.failed) do again[#again + 1] = id end
  table.sort(again)
  state.again, state.begun = again, {}
  for id in pairs(state.open) do
    state.begun[id] = not state.unsent[id] or nil
  end
  for id, record in pairs(state.failed) do
    if record.ambiguous then state.begun[id] = true end
  end
end

--- Reads a journal.
-- @tparam string path
-- @tparam[opt] function on_moved called with each record of a moved item,
--   and with what is known by then, as it is returned
-- @treturn[1] table `header`, `plan`, `progress` (by operation), `ids` (of
--   created stages), `deleted` (set of ids), `workflow` and `given` (the id of
--   the one that was made, and the stages that came with it; an old journal
--   does not tell those), `moved`, `skipped`, `failed` (counts), `complete`,
--   `rolled_back`, `rolled_back_at`, `notes` (of what was left as it is),
--   `is_unmarked` (a rollback that may not send anything yet)
-- @treturn[2] nil
-- @treturn[2] table the error; with `unplanned` when the journal ends before
--   its plan does
function replay.read(path, on_moved)
  local records, err = journals.read(path)
  if not records then return nil, err end
  local self = { header = records.header, progress = {}, ids = {},
                 deleted = {}, notes = {}, moved = 0, skipped = 0,
                 failed = 0, complete = false, on_moved = on_moved,
                 is_unmarked = records.header.undoes ~= nil }
  local planned = false
  local good, why = records:take_all(function(record)
    if record.type == "plan" then self.plan = plan.begin(record)
    elseif self.plan and not planned then
      planned = plan.take(self.plan, record) == false
    elseif take[record.type] then take[record.type](self, record) end
  end)
  if not good then return nil, why end
  if not planned then
    local failure = errors.new {
      kind = "damaged",
      message = path .. ": the journal ends before its plan does; nothing " ..
                "was sent, so it can be deleted",
    }
    failure.unplanned = true
    return nil, failure
  end
  for _, state in pairs(self.progress) do close(state) end
  return self
end

return replay
