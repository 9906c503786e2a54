--- What `--json` writes: plans, reports and errors as programs read them.
-- The names are a promise (docs/tool.md).
local describe = require "workstage.migration.plan.describe"

local json = {}

local ERROR = { "kind", "status", "method", "url", "request_id", "attempts",
                "ambiguous", "fields" }

--- Seconds, to the millisecond.
function json.seconds(seconds)
  return seconds and math.floor(seconds * 1000 + 0.5) / 1000
end

--- An error.
function json.err(err)
  if type(err) ~= "table" then return { message = tostring(err) } end
  local record = { message = tostring(err) }
  for _, name in ipairs(ERROR) do record[name] = err[name] end
  if record.fields and next(record.fields) == nil then
    record.fields = nil
  end
  return record
end

local function operation_of(operation)
  local record = {}
  for name, value in pairs(operation) do
    local is_empty = type(value) == "table" and next(value) == nil
    if name ~= "items" and not (name == "set" and is_empty) then
      record[name] = value
    end
  end
  return record
end

local function findings_of(findings)
  local list = {}
  for i, finding in ipairs(findings or {}) do
    list[i] = { level = finding.level, where = finding.where,
                line = finding.line, message = finding.message }
  end
  return list
end

json.findings = findings_of

--- A plan: all but its items, which a saved plan lists.
function json.plan(plan)
  local operations = {}
  for i, operation in ipairs(plan.operations) do
    operations[i] = operation_of(operation)
  end
  return {
    plan = plan.id, service = plan.service, kind = plan.kind,
    space_id = plan.space_id, workflow = plan.workflow,
    empty = plan:is_empty(), requests = plan.requests,
    seconds = json.seconds(plan.seconds), rate = plan.rate,
    counts = describe.counts(plan),
    operations = operations, effects = plan.effects,
    origin = plan.origin, notes = plan.notes or {},
    warnings = findings_of(plan.warnings),
  }
end

--- The report of a run that had nothing left to do.
-- @tparam string plan its id
-- @tparam[opt] string journal
function json.nothing(plan, journal)
  return { plan = plan, journal = journal, complete = true, added = 0,
           changed = 0, removed = 0, moved = 0, skipped = 0, failed = 0,
           failures = {}, skips = {}, notes = {}, requests = 0, seconds = 0 }
end

--- A report of a run.
function json.report(report)
  local failures = {}
  for i, item in ipairs(report.failures) do
    failures[i] = { item = item.item, name = item.name,
                    error = json.err(item.error) }
  end
  return {
    plan = report.plan, journal = report.journal,
    complete = report.complete, added = report.added,
    changed = report.changed, removed = report.removed, moved = report.moved,
    skipped = report.skipped, failed = report.failed, failures = failures,
    skips = report.skips, notes = report.notes, requests = report.requests,
    seconds = json.seconds(report.seconds), stopped = report.stopped,
    error = report.error and json.err(report.error) or nil,
    rounds = report.rounds,
  }
end

return json
