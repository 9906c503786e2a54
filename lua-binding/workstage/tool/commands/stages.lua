-- workstage stages: the workflows and their stages.

local attributes = require "workstage.migration.stage"
local connect = require "workstage.tool.connect"
local items = require "workstage.migration.items"
local job = require "workstage.tool.job"
local screen = require "workstage.tool.ui.screen"
local exit_status = require "workstage.tool.exit_status"
local stage_names = require "workstage.tool.stage_names"
local statuses = require "workstage.statuses"
local tables = require "workstage.tool.ui.table"
local structure = require "workstage.migration.space"

local command = {
  summary = "List workflows and their stages.",
  examples = {
    "workstage stages",
    "workstage stages Article --count",
    "workstage stages --service kantata",
  },
}

function command.define(parser)
  parser:argument("workflow", "Only the workflow of this name.")
    :argname "WORKFLOW":args "?"
  parser:flag("--count", "Count the stories of each stage (one request each).")
  parser:flag("--json", "Write the result as one line of JSON.")
  connect.define(parser)
end

-- -------------------------------------------------------------- reading

local function record_of(stage)
  local record = { id = stage.id }
  for _, name in ipairs(attributes.all) do record[name] = stage[name] end
  return record
end

local function read_stages(client, workflow, count)
  local stages, err = structure.stages(client, workflow.id)
  if not stages then return nil, err end
  local list = {}
  for i, stage in ipairs(stages) do
    list[i] = record_of(stage)
    if count then
      list[i].stories, err = items.count(client, stage.id)
      if not list[i].stories then return nil, err end
    end
  end
  return list
end

local function read(client, parsed)
  local workflows, err = client.workflows:list()
  if not workflows then return nil, err end
  local list = {}
  for _, workflow in ipairs(workflows) do
    if not parsed.workflow or workflow.name == parsed.workflow then
      local stages
      stages, err = read_stages(client, workflow, parsed.count)
      if not stages then return nil, err end
      list[#list + 1] = {
        id = workflow.id, name = workflow.name,
        is_default = workflow.is_default or false,
        content_types = workflow.content_types or {}, stages = stages,
      }
    end
  end
  return list, workflows
end

-- -------------------------------------------------------------- telling

local function next_of(stage, names)
  if stage.allow_all_stages then return "all" end
  local list = {}
  for i, id in ipairs(stage.workflow_stage_ids) do
    list[i] = names[id] or tostring(id)
  end
  return #list > 0 and table.concat(list, ", ") or "none"
end

local function marks(stage, names)
  local list = {}
  if stage.is_default then list[1] = "default" end
  if stage.allow_publish then list[#list + 1] = "publish" end
  if stage.story_editing_locked then list[#list + 1] = "locked" end
  list[#list + 1] = "next: " .. next_of(stage, names)
  return table.concat(list, "; ")
end

local function columns_of(has_counts)
  local columns = {
    { title = "Id", is_right = true },
    { title = "Color", drop = 2 },
    { title = "Stage", shrink = 8 },
    { title = "Rules", shrink = 12, drop = 1 },
  }
  if has_counts then
    table.insert(columns, 4, { title = "Stories", is_right = true })
  end
  return columns
end

local function row_of(stage, names)
  local row = { ("%d"):format(stage.id), screen.clean(stage.color or "-"),
                names[stage.id], marks(stage, names) }
  if stage.stories then
    table.insert(row, 4, ("%d"):format(stage.stories))
  end
  return row
end

local function tell_workflow(workflow)
  local names, rows, has_counts = {}, {}, false
  for _, stage in ipairs(workflow.stages) do
    names[stage.id] = screen.clean(stage.name)
  end
  for i, stage in ipairs(workflow.stages) do
    rows[i] = row_of(stage, names)
    has_counts = has_counts or stage.stories ~= nil
  end
  screen.say(("Workflow %s (%d)%s"):format(
    screen.quoted(workflow.name), workflow.id,
    workflow.is_default and ", the default workflow" or
    ", for " .. screen.clean(table.concat(workflow.content_types, ", "))),
    "bold")
  tables.print(columns_of(has_counts), rows, "  ")
end

local function tell_statuses(json)
  if json then
    screen.json { statuses = statuses }
    return exit_status.DONE
  end
  local rows = {}
  for i, each in ipairs(statuses) do
    rows[i] = { tostring(each.key), each.color, each.message }
  end
  tables.print({ { title = "Key", is_right = true }, { title = "Color" },
                 { title = "Status", shrink = 12 } }, rows)
  return exit_status.DONE
end

function command.run(parsed)
  if connect.service(parsed) == "kantata" then
    return tell_statuses(parsed.json)
  end
  local self, list, others = job.read(parsed, read)
  if not self then return list end
  if parsed.workflow and #list == 0 then
    screen.complain("%s", stage_names.no_workflow(parsed.workflow, others))
    return exit_status.FAILED
  end
  if parsed.json then
    screen.json { workflows = list }
    return exit_status.DONE
  end
  screen.say((self:heading()))
  for _, workflow in ipairs(list) do
    screen.say ""
    tell_workflow(workflow)
  end
  return exit_status.DONE
end

return command
