-- workstage history: every stage change of one item.

local connect = require "workstage.tool.connect"
local csv = require "workstage.tool.ui.csv"
local duration = require "workstage.duration"
local exit_status = require "workstage.tool.exit_status"
local history = require "workstage.history"
local items = require "workstage.tool.items"
local job = require "workstage.tool.job"
local screen = require "workstage.tool.ui.screen"
local tables = require "workstage.tool.ui.table"
local when = require "workstage.tool.ui.when"

local command = {
  summary = "Show every stage change of one item.",
  examples = {
    "workstage history --story blog/hello",
    "workstage history --id 312 --json",
    "workstage history --service kantata --project 7",
  },
  ends = "Cost: a request for each workflow, one for each hundred " ..
         "collaborators, and four or five more. Changes in a release are " ..
         "not part of it.",
}

function command.define(parser)
  parser:mutex(table.unpack(items.define(parser)))
  parser:mutex(
    parser:flag("--csv", "Write a CSV file."),
    parser:flag("--json", "Write the result as one line of JSON."))
  connect.define(parser)
end

local FIELDS = { "change", "at", "from", "from_id", "stage", "stage_id",
                 "workflow", "user", "user_id", "seconds" }

local function record_of(change)
  local record = {}
  for _, name in ipairs(FIELDS) do record[name] = change[name] end
  record.change = change.id
  record.at = when.iso(change.at)
  record.seconds = change.seconds and math.floor(change.seconds)
  return record
end

local function name_or_id(name, id)
  if name then return screen.clean(name) end
  return id and ("%d"):format(id) or "-"
end

local function row_of(change, is_last)
  local spent = change.seconds and duration.text(change.seconds) or "-"
  return {
    when.minute(change.at), name_or_id(change.from, change.from_id),
    name_or_id(change.stage, change.stage_id),
    name_or_id(change.user, change.user_id),
    is_last and spent .. " so far" or spent,
  }
end

local function tell(self, found)
  screen.say((self:heading()))
  screen.say(("%s (%d)"):format(items.name(found.item), found.item.id))
  if #found.changes == 0 then
    screen.say "  No stage change is recorded."
    return
  end
  local rows = {}
  for i, change in ipairs(found.changes) do
    rows[i] = row_of(change, i == #found.changes)
  end
  tables.print({
    { title = "When" },
    { title = "From", shrink = 6, drop = 1 },
    { title = "To", shrink = 6 },
    { title = "By", shrink = 6, drop = 2 },
    { title = "In that stage", is_right = true, drop = 3 },
  }, rows, "  ")
  if found.users_error then
    screen.complain("The names of people are missing: %s",
                    tostring(found.users_error))
  end
end

local function read(client, parsed)
  local item, err = items.find(client, parsed)
  if not item then return nil, err end
  local names
  names, err = history.names(client)
  if not names then return nil, err end
  local changes
  changes, err = history.of(client, item.id, { names = names })
  if not changes then return nil, err end
  return { item = item, changes = changes, users_error = names.users_error }
end

function command.run(parsed)
  if not items.is_named(parsed) then
    screen.complain "Name an item: --story, --id, --slug or --project"
    return exit_status.USAGE
  end
  local self, found = job.read(parsed, read)
  if not self then return found end
  local list = {}
  for i, change in ipairs(found.changes) do list[i] = record_of(change) end
  if parsed.csv then screen.write(csv.text(FIELDS, list))
  elseif parsed.json then
    screen.json { item = found.item.id, name = items.name(found.item),
                  changes = list }
  else
    tell(self, found)
  end
  return exit_status.DONE
end

return command
