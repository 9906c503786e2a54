-- workstage stuck: items that have been in a stage for long.

local connect = require "workstage.tool.connect"
local csv = require "workstage.tool.ui.csv"
local duration = require "workstage.duration"
local exit_status = require "workstage.tool.exit_status"
local failure = require "workstage.tool.ui.failure"
local filters = require "workstage.tool.filters"
local history = require "workstage.history"
local job = require "workstage.tool.job"
local screen = require "workstage.tool.ui.screen"
local stage_names = require "workstage.tool.stage_names"
local statuses = require "workstage.tool.statuses"
local tables = require "workstage.tool.ui.table"
local when = require "workstage.tool.ui.when"

local command = {
  summary = "List items that have been in a stage for long.",
  examples = {
    "workstage stuck Article/Review --older-than 14d",
    "workstage stuck Article --older-than 4w --who --csv > stuck.csv",
    "workstage stuck --service kantata 300 --older-than 30d",
  },
  ends = "Cost: a request for each 85 items (pages overlap), each workflow " ..
         "and each hundred collaborators, and two more. --who takes one " ..
         "more for each item that is listed; for Kantata each project " ..
         "takes one. The number is said first.",
}

local function age(text)
  local seconds, why = duration.parse(text)
  if seconds then return seconds end
  return nil, "--older-than: " .. why
end

function command.define(parser)
  parser:argument("stage", "WORKFLOW or WORKFLOW/STAGE; all stages unless " ..
                  "given. Kantata: a status, by key or message.")
    :args "?":argname "WORKFLOW/STAGE"
  parser:option("--older-than", "Only items that have been there longer, " ..
                "such as 36h, 14d, 4w.")
    :argname "AGE":convert(age):default "7d"
  filters.define(parser)
  parser:flag("--who", "Add who moved the item there.")
  parser:mutex(
    parser:flag("--csv", "Write a CSV file."),
    parser:flag("--json", "Write the result as one line of JSON."))
  connect.define(parser)
end

-- ------------------------------------------------------------------ options

-- "Article/Review", or a workflow alone.
local function place_of(text, workflows)
  local names = {}
  for _, workflow in pairs(workflows) do names[workflow] = true end
  local workflow, stage = stage_names.split(text, names)
  return { workflow = workflow or text:match "^[^/]*",
           stage = workflow and stage or text:match "/(.*)$" }
end

local function options_of(parsed, service, names)
  local options
  if service == "kantata" then
    options = {}
    if parsed.stage then
      local status, why = statuses.find(parsed.stage)
      if not status then return nil, why end
      options.status = status.key
    end
  else
    options = parsed.stage and place_of(parsed.stage, names.workflows) or {}
  end
  options.names, options.who = names, parsed.who or nil
  options.older_than = parsed.older_than
  options.where = filters.where(parsed)
  return options
end

-- ------------------------------------------------------------------ reading

local function by_age(a, b)
  if a.age ~= b.age then return a.age > b.age end
  return a.id < b.id
end

-- What --who costs is said before it is spent.
local function say_cost(self, options, has_dates)
  if has_dates and not options.who then return true end
  local requests, total = self:read(function(client)
    return history.cost(client, options)
  end)
  if not requests then return nil, total end
  screen.note(("This takes up to %s for %s."):format(
    screen.count(requests, "request"), screen.count(total, "item")))
  return true
end

local function read(self, options)
  return self:read(function(client)
    local good, list = pcall(function()
      local found = {}
      for item in history.standing(client, options) do
        found[#found + 1] = item
      end
      return found
    end)
    if not good then return nil, list end
    table.sort(list, by_age)
    return list
  end)
end

-- ------------------------------------------------------------------ telling

local FIELDS = { "item", "name", "slug", "workflow", "stage", "stage_id",
                 "since", "seconds", "user", "user_id" }

local function record_of(item)
  return {
    item = item.id, name = item.name, slug = item.slug,
    workflow = item.workflow, stage = item.stage, stage_id = item.stage_id,
    since = when.iso(item.since), seconds = math.floor(item.age),
    user = item.user, user_id = item.user_id,
  }
end

local function row_of(item, who)
  local row = {
    ("%d"):format(item.id), screen.clean(item.slug or item.name or "-"),
    screen.clean(item.stage or "-"), when.minute(item.since),
    duration.text(item.age),
  }
  if who then row[#row + 1] = screen.clean(item.user or "-") end
  return row
end

local function tell(self, list, options)
  screen.say((self:heading()))
  if #list == 0 then
    screen.say(("No item has been in its stage for longer than %s.")
               :format(duration.text(options.older_than)))
    return
  end
  local rows, columns = {}, {
    { title = "Id", is_right = true, drop = 2 },
    { title = "Item", shrink = 10 },
    { title = "Stage", shrink = 6, drop = 3 },
    { title = "Since", drop = 1 },
    { title = "For", is_right = true },
  }
  for i, item in ipairs(list) do rows[i] = row_of(item, options.who) end
  if options.who then
    columns[#columns + 1] = { title = "By", shrink = 6 }
  end
  tables.print(columns, rows)
  screen.say(("%s longer than %s."):format(
    screen.count(#list, "item has been", "items have been") ..
    " in a stage for", duration.text(options.older_than)))
end

function command.run(parsed)
  local service = connect.service(parsed)
  local self, code = job.new(parsed)
  if not self then return code end
  local names, options, good, list, err
  names, err = self:read(history.names)
  if not names then return failure.tell(err) end
  options, err = options_of(parsed, service, names)
  if not options then return failure.tell(err) end
  good, err = say_cost(self, options, service == "storyblok")
  if not good then return failure.tell(err) end
  list, err = read(self, options)
  if not list then return failure.tell(err) end
  local records = {}
  for i, item in ipairs(list) do records[i] = record_of(item) end
  if parsed.csv then screen.write(csv.text(FIELDS, records))
  elseif parsed.json then
    screen.json { items = records }
  else
    tell(self, list, options)
  end
  return exit_status.DONE
end

return command
