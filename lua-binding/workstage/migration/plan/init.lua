--- A plan: its contents and its file.
local diff = require "workstage.migration.plan.diff"
local errors = require "workstage.errors"
local operations = require "workstage.migration.operations"
local options = require "workstage.options"
local record_file = require "workstage.migration.journal.record_file"
local render = require "workstage.migration.plan.render"
local state = require "workstage.migration.state"

local plan = {}

local Plan = { __name = "workstage.plan" }
Plan.__index = Plan

local ITEMS_A_LINE = 100

--- The plan as a readable diff.
function Plan:__tostring()
  return render.text(self)
end

--- The same, with colours for a terminal.
-- @tparam[opt] table opts `color`
-- @treturn string
function Plan:text(opts)
  return render.text(self, opts)
end

--- True if the plan has no operations.
-- @treturn boolean
function Plan:is_empty()
  return #self.operations == 0
end

-- `math.random` repeats in processes that start in the same second if
-- addresses are not randomized.
local function random_part()
  local file = io.open("/dev/urandom", "rb")
  if file then file:setvbuf "no" end
  local bytes = file and file:read(4)
  if file then file:close() end
  if bytes and #bytes == 4 then return (("I4"):unpack(bytes)) end
  return math.random(0, 0xffffffff)
end

--- A unique id for a plan or a run.
function plan.new_id()
  return ("%08x%08x"):format(os.time(), random_part())
end

--- Makes a plan from its parts.
-- @tparam table parts `service`, `kind`, `space_id`, `workflow` (its name),
--   `state`, `scope` (ids of the workflows that must be as planned),
--   `operations`, `rules`, `members`, `notes`, `conflicts`, `rate`
function plan.new(parts)
  parts.id = plan.new_id()
  parts.created = os.time()
  parts.effects = operations.effects(parts.state, parts.operations)
  return plan.finish(parts)
end

-- The requests that check that the state has not changed since the plan.
local function checks_of(self)
  if not self.scope then return 0 end
  return 1 + #state.touched(self.state)
end

-- The last request is sent when all earlier ones are out of its one-second
-- window.
local function seconds_for(requests, rate)
  if not rate or rate <= 0 then return nil end
  return math.max(requests - 1, 0) // rate
end

--- Sets the rate for the plan's time estimate; a saved plan may be applied at
-- a different one.
-- @tparam ?number rate requests a second; nil: no limit, and no time
function Plan:use_rate(rate)
  self.rate = rate
  self.seconds = seconds_for(self.requests, rate)
end

--- Adds what follows from the operations.
function plan.finish(parts)
  parts.conflicts = parts.conflicts or {}
  parts.requests = diff.count_requests(parts.state, parts.operations,
                                       checks_of(parts), parts.rate)
  parts.seconds = seconds_for(parts.requests, parts.rate)
  return setmetatable(parts, Plan)
end

-- ---------------------------------------------------------------- records

local HEADER = { "id", "service", "kind", "space_id", "workflow", "created",
                 "rate", "requests", "seconds", "effects", "notes",
                 "conflicts", "members", "scope", "origin" }

local function header(self)
  local record = {}
  for _, name in ipairs(HEADER) do record[name] = self[name] end
  return record
end

local function without_items(operation)
  local record = { type = "operation" }
  for name, value in pairs(operation) do
    if name ~= "items" and name ~= "dues" then record[name] = value end
  end
  return record
end

--- Calls `emit(record)` for each record of the plan, in order.
function plan.records(self, emit)
  for _, ref in ipairs(state.workflow_order(self.state)) do
    emit { type = "workflow", workflow = self.state.workflows[ref] }
    for _, stage in ipairs(state.stages_of(self.state, ref)) do
      emit { type = "stage", stage = stage }
    end
  end
  for _, rule in ipairs(self.rules or {}) do
    emit { type = "rule", rule = rule }
  end
  for index, operation in ipairs(self.operations) do
    emit(without_items(operation))
    local ids, dues = operation.items or {}, operation.dues
    for from = 1, #ids, ITEMS_A_LINE do
      local last = math.min(from + ITEMS_A_LINE - 1, #ids)
      emit { type = "items", operation = index,
             ids = table.move(ids, from, last, 1, {}),
             dues = dues and table.move(dues, from, last, 1, {}) }
    end
  end
  emit { type = "planned", operations = #self.operations }
end

local take = {}

function take.stage(self, record)
  self.state.stages[record.stage.id] = record.stage
end

function take.workflow(self, record)
  self.state.workflows[record.workflow.id] = record.workflow
end

function take.rule(self, record)
  table.insert(self.rules, record.rule)
end

function take.operation(self, record)
  record.type = nil
  if operations.of(record).has_items then
    assert(math.type(record.count) == "integer", "the count is missing")
    record.items = {}
  end
  table.insert(self.operations, record)
end

function take.items(self, record)
  local operation = self.operations[record.operation]
  local items = operation.items
  if record.dues then
    operation.dues = operation.dues or {}
    table.move(record.dues, 1, #record.dues, #items + 1, operation.dues)
  end
  table.move(record.ids, 1, #record.ids, #items + 1, items)
end

--- Begins a plan from its header; `plan.take` adds records to it.
function plan.begin(record)
  local self = { state = state.new(), rules = {}, operations = {} }
  for _, name in ipairs(HEADER) do self[name] = record[name] end
  return self
end

--- Adds a record. Returns false after the last one.
function plan.take(self, record)
  if record.type == "planned" then
    plan.finish(self)
    return false
  end
  local add = take[record.type]
  if not add then return nil end
  add(self, record)
  return true
end

-- ------------------------------------------------------------------ files

--- Saves the plan as text, one record a line.
-- @tparam string path
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] table the error, of the kind io
function Plan:save(path)
  local err = options.path(path)
  if err then return nil, err end
  local file
  file, err = record_file.create(path, "plan", header(self))
  if not file then return nil, err end
  local failed
  plan.records(self, function(record)
    if failed then return end
    local good, why = file:write(record)
    if not good then failed = why end
  end)
  if not failed then
    local good, why = file:commit()
    if not good then failed = why end
  end
  file:close()
  if failed then return nil, failed end
  self.path = path
  return true
end

--- The header of a plan as a record of a journal.
function plan.header(self)
  local record = header(self)
  record.type = "plan"
  return record
end

--- Loads a saved plan.
-- @tparam string path
-- @treturn[1] table the plan
-- @treturn[2] nil
-- @treturn[2] table the error: io, damaged with the line, or invalid
function plan.load(path)
  local reader, err = record_file.each(path, "plan")
  if not reader then return nil, err end
  local self, ended = plan.begin(reader.header), false
  local good, why = reader:take_all(function(record)
    if plan.take(self, record) == false then ended = true end
  end)
  if not good then return nil, why end
  if ended then
    self.path = path
    return self
  end
  return nil, errors.new {
    kind = "damaged", message = path .. ": the plan is incomplete",
  }
end

return plan
