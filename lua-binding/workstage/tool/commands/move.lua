-- workstage move: one item, all items of a stage, or those of a file.

local confirm = require "workstage.tool.ui.confirm"
local connect = require "workstage.tool.connect"
local exit_status = require "workstage.tool.exit_status"
local filters = require "workstage.tool.filters"
local items = require "workstage.tool.items"
local job = require "workstage.tool.job"
local move_file = require "workstage.tool.move.file"
local move_many = require "workstage.tool.move.many"
local move_one = require "workstage.tool.move.one"
local screen = require "workstage.tool.ui.screen"

local command = {
  summary = "Move one item, a stage's items, or those of a file.",
  examples = {
    "workstage move --story blog/hello --to Review",
    "workstage move --from 'Article/Old review' --where starts_with=legal/ \\",
    "    --to Article/Legal",
    "workstage move --file moves.csv --result moves.result.csv",
    "workstage move --service kantata --project 7 --to 605",
  },
  ends = "The first line of a file names its columns: story (or id, slug, " ..
         "project), to, and workflow where it is needed; others are ignored." ..
         " --result gets an outcome for each row. A run that was " ..
         "interrupted is continued by the same command. Exit status: 0 all " ..
         "moved or already there, 1 some not, 2 --dry-run: there are moves.",
}

function command.define(parser)
  items.define(parser)
  parser:option("--from", "All items of this stage: STAGE, WORKFLOW/STAGE " ..
                "or an id; 'none': stories without a stage.")
    :argname "STAGE"
  parser:option("--file", "The moves that this CSV file lists.")
    :argname "FILE"
  parser:option("--to", "The stage: STAGE, WORKFLOW/STAGE or an id. " ..
                "Kantata: a status, by key or message.")
    :argname "STAGE"
  parser:option("--workflow", "The stages' workflow, where the items do " ..
                "not tell.")
    :argname "NAME"
  filters.define(parser)
  parser:option("--comment", "A comment on each change."):argname "TEXT"
  parser:flag("--notify", "Let the service send its e-mails.")
  parser:flag("--dry-run", "Show what would be moved. Only reads.")
  parser:option("--result", "With --file: write the outcome of each row " ..
                "to this CSV file.")
    :argname "FILE"
  parser:option("--journal", "With --from and --file: the journal.")
    :argname "FILE"
  confirm.define(parser)
  job.define(parser)
  connect.define(parser)
end

local function usage(text, ...)
  screen.complain(text, ...)
  return exit_status.USAGE
end

-- Options that go with others only.
local GO_WITH = {
  { "result", "--result", { "file" }, "--file" },
  { "journal", "--journal", { "file", "from" }, "--from or --file" },
  { "limit", "--limit", { "file", "from" }, "--from or --file" },
}

-- What to move is named in one way.
local function count_ways(parsed)
  local count = 0
  for _, name in ipairs { "story", "id", "slug", "project", "from", "file" } do
    if parsed[name] then count = count + 1 end
  end
  return count
end

local function check_together(parsed)
  for _, rule in ipairs(GO_WITH) do
    local has_other = false
    for _, name in ipairs(rule[3]) do
      has_other = has_other or parsed[name] ~= nil
    end
    if parsed[rule[1]] and not has_other then
      return usage("%s goes with %s", rule[2], rule[4])
    end
  end
end

local function check(parsed, service)
  local code = check_together(parsed)
  if code then return code end
  if count_ways(parsed) ~= 1 then
    return usage "Name what to move by one of --story, --id, --slug, \z
                  --project, --from and --file"
  elseif #parsed.where > 0 and not parsed.from then
    return usage "--where goes with --from"
  elseif parsed.file and (parsed.to or parsed.comment or parsed.notify) then
    return usage "--to, --comment and --notify do not go with --file"
  elseif service == "kantata" and (parsed.comment or parsed.notify or
                                   parsed.workflow) then
    return usage "Kantata takes no --comment, --notify or --workflow"
  elseif not parsed.file and not parsed.to then
    return usage "--to is missing: the stage to move to"
  end
end

function command.run(parsed)
  local code = check(parsed, connect.service(parsed))
  if code then return code end
  if parsed.file then return move_file(parsed) end
  if parsed.from then return move_many(parsed) end
  return move_one(parsed)
end

return command
