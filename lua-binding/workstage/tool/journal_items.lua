--- What became of each item of a run, as its journal tells.
local errors = require "workstage.errors"
local journals = require "workstage.migration.journal.file"

local journal_items = {}

local take = {}

-- Why an item failed, without the address of its request.
local function reason_of(record)
  if not record.status or not record.message then return record.why end
  return ("%s (status %d)"):format(record.message, record.status)
end

local function set(self, id, outcome, record)
  if not self.items[id] then self.order[#self.order + 1] = id end
  self.items[id] = {
    item = id, name = record.name, outcome = outcome,
    reason = reason_of(record), status = record.status, kind = record.kind,
    operation = record.operation, change = record.change,
  }
end

function take.moved(self, record) set(self, record.item, "moved", record) end

function take.failed(self, record)
  set(self, record.item, "failed", record)
end

function take.page(self, record)
  for _, each in ipairs(record.skipped or {}) do
    set(self, each.item, "skipped", { why = each.why,
                                      operation = record.operation })
  end
end

-- The stages of each operation, by their names.
function take.operation(self, record)
  self.operations[#self.operations + 1] = { from = record.from_name,
                                            to = record.to_name }
end

--- Reads a journal.
-- @tparam string path
-- @treturn[1] table array, in the order in which each item was first met,
--   of `item`, `name` (where known), `outcome` ("moved", "skipped",
--   "failed"), `reason`, `kind` and `status` (of the error), `from`, `to`,
--   `change`
-- @treturn[2] nil
-- @treturn[2] table the error
function journal_items.read(path)
  local reader, err = journals.read(path)
  if not reader then return nil, err end
  local self = { items = {}, order = {}, operations = {} }
  local good, why = reader:take_all(function(record)
    if take[record.type] then take[record.type](self, record) end
  end)
  if not good then return nil, errors.is(why) and why or tostring(why) end
  local list = {}
  for i, id in ipairs(self.order) do
    local item = self.items[id]
    local operation = self.operations[item.operation] or {}
    item.from, item.to = operation.from, operation.to
    list[i] = item
  end
  return list
end

return journal_items
