--- `workstage move --file moves.csv`: what a spreadsheet lists, as an ordinary
-- plan, with an outcome for each row.
local csv = require "workstage.tool.ui.csv"
local exit_status = require "workstage.tool.exit_status"
local failure = require "workstage.tool.ui.failure"
local files = require "workstage.tool.files"
local job = require "workstage.tool.job"
local journal_outcomes = require "workstage.migration.journal.outcomes"
local json = require "workstage.tool.ui.json"
local migration = require "workstage.migration"
local planning = require "workstage.tool.planning"
local rows = require "workstage.tool.move.rows"
local runs = require "workstage.tool.runs"
local screen = require "workstage.tool.ui.screen"
local stage_names = require "workstage.tool.stage_names"

-- ------------------------------------------------------------------ reading

local MAX_SIZE = 64 << 20 -- bytes

local function read_file(path)
  local file, why = io.open(path, "rb")
  if not file then
    screen.complain("%s", why)
    return nil, exit_status.FAILED
  end
  local text = file:read(MAX_SIZE + 1) or ""
  file:close()
  if #text > MAX_SIZE then
    screen.complain("%s is larger than %d bytes", path, MAX_SIZE)
    return nil, exit_status.FAILED
  end
  local list, kind = rows.read(text)
  if list then return list, nil, kind end
  screen.complain("%s: %s", path, kind)
  return nil, exit_status.FAILED
end

-- Finds what each row means; returns the stages of the space as well.
local function find(client, list, kind)
  local good, err = rows.find_items(client, list, kind)
  if not good then return nil, err end
  local service, all = client.transport.service, nil
  if service == "storyblok" then
    all, err = stage_names.read(client)
    if not all then return nil, err end
  end
  rows.find_stages(all, list, service)
  return all or {}
end

-- ----------------------------------------------------------------- outcomes

local OUTCOMES = {
  "moved", "planned", "already_there", "skipped", "failed", "not_sent",
  "unknown_item", "unknown_stage", "conflict", "duplicate", "empty",
}

local WORDS = {
  moved = "moved", planned = "to be moved", already_there = "already there",
  skipped = "skipped", failed = "failed", not_sent = "not sent yet",
  conflict = "in conflict", empty = "empty",
}

local NOUNS = { unknown_item = "unknown item", duplicate = "duplicate",
                unknown_stage = "unknown stage" }

-- What needs nobody's attention.
local FINE = { moved = true, planned = true, already_there = true,
               duplicate = true, empty = true }

-- What the journal says of an item goes before what its row looks like now:
-- after a run, an item that was moved is already there.
local function add_outcomes(list, journal)
  local found = {}
  if journal and files.exists(journal) then
    local items, err = journal_outcomes.items(journal)
    if not items then return nil, err end
    for _, item in ipairs(items) do found[item.item] = item end
  end
  for _, row in ipairs(list) do
    local item = row.item and row.outcome ~= "duplicate" and
                 row.outcome ~= "conflict" and found[row.item.id]
    if item then
      row.outcome, row.reason = item.outcome, item.reason
    elseif not row.outcome then
      row.outcome = journal and "not_sent" or "planned"
    end
  end
  return true
end

local function record_of(row)
  return {
    line = row.line, item = row.item and row.item.id,
    name = row.item and row.item.name or row.item_text,
    to = row.to and row.to.name or row.to_text, outcome = row.outcome,
    reason = row.reason,
  }
end

local function records_of(list)
  local records = {}
  for i, row in ipairs(list) do records[i] = record_of(row) end
  return records
end

local FIELDS = { "line", "item", "name", "to", "outcome", "reason" }

local function count(list)
  local counts = {}
  for _, row in ipairs(list) do
    counts[row.outcome] = (counts[row.outcome] or 0) + 1
  end
  return counts
end

local function are_fine(list)
  for _, row in ipairs(list) do
    if not FINE[row.outcome] then return false end
  end
  return true
end

local function say_counts(list)
  local counts, parts = count(list), {}
  for _, name in ipairs(OUTCOMES) do
    if counts[name] then
      parts[#parts + 1] = NOUNS[name] and
                          screen.count(counts[name], NOUNS[name]) or
                          ("%d %s"):format(counts[name], WORDS[name])
    end
  end
  screen.say(("%s: %s."):format(screen.count(#list, "row"),
                           table.concat(parts, ", ")))
end

-- Lists the first rows that cannot be moved, with their reasons; only
-- once; what fails later is listed as for every run.
local NAMED = 10

local function say_problems(list)
  local named = 0
  if list.are_listed then return end
  list.are_listed = true
  for _, row in ipairs(list) do
    if row.outcome and not FINE[row.outcome] then
      named = named + 1
      if named <= NAMED then
        screen.complain("line %d: %s: %s", row.line,
                        screen.clean(row.item_text),
                        screen.clean(row.reason or row.outcome))
      end
    end
  end
  if named > NAMED then
    screen.complain("... and %d more (--result FILE has all of them)",
                    named - NAMED)
  end
end

-- Writes what became of the rows, and returns the exit status.
local function finish(self, list, journal, code)
  local parsed = self.parsed
  local good, err = add_outcomes(list, journal)
  if not good then return failure.tell(err) end
  if parsed.result and not files.write(parsed.result, csv.text(
    FIELDS, records_of(list))) then
    return exit_status.FAILED
  end
  if self:is_for_people() then
    say_problems(list)
    say_counts(list)
  end
  if code == exit_status.DONE and not are_fine(list) and
     not parsed.limit then
    return exit_status.FAILED
  end
  return code
end

-- ---------------------------------------------------------------- the run

-- Prints the report of a run with its rows.
local function write_json(self, list, journal, report, code)
  if not self.parsed.json then return code end
  local good, err = add_outcomes(list, journal)
  if not good then return failure.tell(err) end
  local record = report and json.report(report) or json.nothing(nil, journal)
  record.rows = records_of(list)
  screen.json(record)
  return code
end

local function continue(self, list, about, journal)
  list.are_listed = true
  local done, err, code = runs.continue(self, about, journal,
    function(client, options)
      return migration.resume(client, journal, options)
    end)
  if code then return code end
  code = self:tell(done, err, { verb = "Move", undo = true,
                                is_quiet = self.parsed.json })
  if not done then return code end
  return write_json(self, list, journal, done,
                    finish(self, list, journal, code))
end

-- Nothing is left to move: the rows tell why.
local function nothing(self, list)
  self.events:summary(json.nothing())
  local code = finish(self, list, nil, exit_status.DONE)
  return write_json(self, list, nil, nil, code)
end

local function begin(self, list, all)
  local parsed, service = self.parsed, self.client.transport.service
  local moves = rows.moves(all, list, service)
  if #moves == 0 then return nothing(self, list) end
  local plan, code = planning.make(self, { version = 1, service = service,
                                           moves = moves })
  if not plan then return code end
  if parsed.dry_run then
    return finish(self, list, nil, runs.preview(self, plan))
  end
  local journal
  journal, code = files.new_journal(parsed.file, plan, parsed.journal)
  if not journal then return code end
  say_problems(list)
  local done
  code, done = runs.apply(self, plan, journal, {
    verb = "Move", undo = true, is_quiet = parsed.json })
  if not done then return code end
  return write_json(self, list, journal, done,
                    finish(self, list, journal, code))
end

-- The journal of a run of this file that is not over; nil where there is none.
local function unfinished(parsed)
  local path = parsed.journal or parsed.file .. ".journal"
  if not files.exists(path) then return nil end
  local about, code = files.journal(path)
  if not about then return nil, code end
  if about.complete or about.rolled_back then return nil end
  return about, nil, path
end

--- Moves what a file lists.
-- @tparam table parsed
-- @treturn integer the exit status
return function(parsed)
  local list, code, kind = read_file(parsed.file)
  if not list then return code end
  if parsed.result and not files.can_write(parsed.result) then
    return exit_status.FAILED
  end
  local about, failed, journal = unfinished(parsed)
  if failed then return failed end
  local self
  self, code = job.new(parsed, about)
  if not self then return code end
  local all, err = self:read(function(client)
    return find(client, list, kind)
  end)
  if not all then return failure.tell(err) end
  if about and not parsed.dry_run then
    return continue(self, list, about, journal)
  end
  return begin(self, list, all)
end
