--- Stages as they are named on a command line: STAGE, an id, or
-- WORKFLOW/STAGE.
local near_name = require "workstage.near_name"
local numbers = require "workstage.tool.numbers"
local screen = require "workstage.tool.ui.screen"

local stage_names = {}

--- Divides "Article/Review". Names may hold a slash themselves, so the names
-- of the space's workflows tell which one divides.
-- @tparam string text
-- @tparam table workflows set of names
-- @treturn ?string the workflow; nil where none of these begins the text
-- @treturn ?string the stage
function stage_names.split(text, workflows)
  if workflows[text] then return text end
  for at in text:gmatch "()/" do
    local workflow = text:sub(1, at - 1)
    if workflows[workflow] then return workflow, text:sub(at + 1) end
  end
  return nil, text
end

--- Reads all stages of a space.
-- @tparam table client
-- @tparam[opt] table opts options of the calls
-- @treturn[1] table array of `id`, `name`, `workflow` (a name),
--   `workflow_id`; with `workflows` (array), `names` (set of their names) and
--   `by_id`
-- @treturn[2] nil
-- @treturn[2] table the error
function stage_names.read(client, opts)
  local workflows, err = client.workflows:list(nil, opts)
  if not workflows then return nil, err end
  local all = { workflows = workflows, names = {}, by_id = {} }
  for _, workflow in ipairs(workflows) do
    all.names[workflow.name] = true
    local stages
    stages, err = client.stages:list({ in_workflow = workflow.id }, opts)
    if not stages then return nil, err end
    for _, stage in ipairs(stages) do
      local entry = { id = stage.id, name = stage.name,
                      workflow = workflow.name, workflow_id = workflow.id }
      all[#all + 1] = entry
      all.by_id[stage.id] = entry
    end
  end
  return all
end

local function names_of(stages, with_workflow)
  local names = {}
  for i, stage in ipairs(stages) do
    names[i] = with_workflow and stage.workflow .. "/" .. stage.name or
               stage.name
  end
  return names
end

-- Those of a workflow, or all of them.
local function within(all, workflow)
  local found = {}
  for _, stage in ipairs(all) do
    if not workflow or stage.workflow == workflow then
      found[#found + 1] = stage
    end
  end
  return found
end

-- Similar is the name of a stage alone, in whatever workflow it is.
local function no_stage(text, known, workflow)
  local place = workflow and "The workflow " .. screen.quoted(workflow) or
                "The space"
  local hint = near_name(text, known)
  if hint == "" then
    hint = near_name(text, names_of(known, not workflow), true)
  end
  return nil, ("%s has no stage %s.%s"):format(place, screen.quoted(text),
                                              hint)
end

--- Says that there is no such workflow.
-- @tparam string name
-- @tparam table workflows array of tables with a `name`
-- @treturn string
function stage_names.no_workflow(name, workflows)
  return ("The space has no workflow %s.%s"):format(
    screen.quoted(name), near_name(name, workflows, true))
end

--- Finds a stage.
-- @tparam table all see `stage_names.read`
-- @tparam string text STAGE, an id, or WORKFLOW/STAGE
-- @tparam[opt] string workflow where STAGE alone is looked for first
-- @treturn[1] table the stage
-- @treturn[2] nil
-- @treturn[2] string why there is none
function stage_names.find(all, text, workflow)
  if workflow and not all.names[workflow] then
    return nil, stage_names.no_workflow(workflow, all.workflows)
  end
  local id = numbers.id(text)
  local named, name = stage_names.split(text, all.names)
  local found, known = {}, within(all, workflow)
  for _, stage in ipairs(known) do
    if stage.name == text then found[#found + 1] = stage end
  end
  if #found == 0 and named and name then
    for _, stage in ipairs(within(all, named)) do
      if stage.name == name then found[#found + 1] = stage end
    end
    known, workflow = within(all, named), named
  end
  if #found == 0 and id then found[1] = all.by_id[id] end
  if #found == 1 then return found[1] end
  if #found == 0 then return no_stage(name or text, known, workflow) end
  return nil, ("Several stages are named %s: %s. Use WORKFLOW/STAGE"):format(
    screen.quoted(text), screen.clean(table.concat(names_of(found, true),
                                                   ", ")))
end

return stage_names
