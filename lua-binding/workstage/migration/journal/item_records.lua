--- Collects the items of each operation from a journal's records, which say of
-- each item if its move was sent:
--
-- - no record: not sent; the page with an item is synced before it is sent.
-- - "page" (with its stage, and the date of its last change): may have been
--   sent. Only a run that was killed leaves such items.
-- - then "unsent": not sent.
-- - then "moved": sent, and done.
-- - then "failed": sent, without effect unless it is `ambiguous`.
local item_records = {}

--- The items of an operation before its first record: `at` is the first item
-- that was not read yet, `open` those whose outcome is not in the journal,
-- `unsent` those of them that were never sent, `failed` the records of those
-- that failed, `read` what was read of each before it was sent.
function item_records.new()
  return { at = 1, open = {}, unsent = {}, failed = {}, read = {} }
end

-- Removes an item from the open ones: it has an outcome or is to be retried.
local function forget(self, state, id)
  if state.failed[id] then self.failed = self.failed - 1 end
  state.open[id], state.failed[id], state.unsent[id] = nil, nil, nil
  state.read[id] = nil
end

-- Counts late arrivals when they are first read.
local function count_late(self, state, record, id)
  if record.late and not state.open[id] and not state.failed[id] then
    self.late = self.late + 1
  end
end

local function take_read(state, record)
  for i, id in ipairs(record.items) do
    state.open[id], state.unsent[id] = true, nil
    state.read[id] = {
      created = record.created and record.created[i] or nil,
      from = record.stage, to = record.to,
    }
  end
  for _, each in ipairs(record.dues or {}) do
    local read = state.read[each.item]
    read.due, read.is_due_unknown = each.due, each.due_unknown
  end
end

--- For each type of record a function that adds it to `self` (see `replay`)
-- and to the state of its operation.
item_records.take = {}
local take = item_records.take

function take.page(self, state, record)
  if record.last then state.at = math.max(state.at, record.last + 1) end
  for _, id in ipairs(record.items) do count_late(self, state, record, id) end
  take_read(state, record)
  for _, each in ipairs(record.skipped or {}) do
    count_late(self, state, record, each.item)
    forget(self, state, each.item)
    self.skipped = self.skipped + 1
  end
end

function take.unsent(_, state, record)
  for _, id in ipairs(record.items) do state.unsent[id] = true end
end

function take.moved(self, state, record)
  forget(self, state, record.item)
  self.moved = self.moved + 1
  if self.on_moved then self.on_moved(record, self) end
end

function take.failed(self, state, record)
  state.open[record.item] = nil
  if not state.failed[record.item] then self.failed = self.failed + 1 end
  state.failed[record.item] = record
end

--- Adds what follows from all records: `retry_ids`, the items to read again;
-- `maybe_sent`, the set of those whose move may have been sent; `read_before`,
-- their earlier reads: `created`, `due`, `is_due_unknown`.
function item_records.finish(state)
  local ids = {}
  state.retry_ids, state.maybe_sent, state.read_before = ids, {}, state.read
  for id in pairs(state.open) do
    if not state.failed[id] then ids[#ids + 1] = id end
    state.maybe_sent[id] = not state.unsent[id] or nil
  end
  for id, record in pairs(state.failed) do
    ids[#ids + 1] = id
    if record.ambiguous then state.maybe_sent[id] = true end
  end
  table.sort(ids)
end

return item_records
