-- Random spaces of several workflows, and random ways from one to another:
-- with renames, exchanged content types, moves across workflows, stages that
-- change theirs.
local migration = require "workstage.migration"
local migrations = require "support.migrations"

local spaces = {}

local WORKFLOWS = { "Article", "Catalogue", "Events", "Landing", "Podcast",
                    "Recipes", "Team", "Video" }
local FLAGS = { "allow_publish", "allow_admin_publish", "allow_all_users",
                "allow_admin_change", "allow_editor_change",
                "story_editing_locked", "auto_remove_assignee" }

--- One request of twenty goes wrong.
spaces.FAULTS = {
  { chance = 0.01, seed = 1, status = 500 },
  { chance = 0.01, seed = 2, close = "before" },
  { chance = 0.01, seed = 3, close = "after" },
  { chance = 0.01, seed = 4, truncate = true },
  { chance = 0.01, seed = 5, status = 503 },
}

local random = math.random

local function shuffle(list)
  for i = #list, 2, -1 do
    local j = random(i)
    list[i], list[j] = list[j], list[i]
  end
  return list
end

local function numbered(format, count)
  local list = {}
  for i = 1, count do list[i] = format:format(i) end
  return shuffle(list)
end

local function pick(list) return list[random(#list)] end

-- ------------------------------------------------------------- workflows

-- Transitions and flags of each stage, at random.
local function furnish(stages)
  local names = {}
  for i, stage in ipairs(stages) do names[i] = stage.name end
  local default = random(#stages)
  for i, stage in ipairs(stages) do
    local kind = random()
    local some = {}
    for _, name in ipairs(names) do
      if random() < 0.4 then some[#some + 1] = name end
    end
    stage.next = kind < 0.2 and "all" or kind < 0.3 and "none" or some
    stage.after_publish = random() < 0.3 and pick(names) or false
    stage.roles, stage.users = {}, {}
    stage.is_default = i == default
    for _, flag in ipairs(FLAGS) do stage[flag] = random() < 0.5 end
  end
  return stages
end

local function new_stages(count)
  local names, colors = numbered("Stage %02d", 12), numbered("#5a%04d", 40)
  local stages = {}
  for i = 1, count do stages[i] = { name = names[i], color = colors[i] } end
  return stages
end

-- Gives each workflow some content types, each to one.
local function share_types(workflows)
  local types = numbered("type_%d", 12)
  for _, workflow in ipairs(workflows) do
    if not workflow.default then
      workflow.content_types = {}
      for i = 1, random(1, 2) do
        workflow.content_types[i] = table.remove(types)
      end
    end
  end
end

--- A random space, as an array of described workflows.
function spaces.first()
  local names = shuffle { table.unpack(WORKFLOWS) }
  local workflows = { { default = true,
                        stages = furnish(new_stages(random(2, 5))) } }
  for i = 1, random(0, 4) do
    workflows[i + 1] = { workflow = names[i],
                         stages = furnish(new_stages(random(2, 5))) }
  end
  share_types(workflows)
  return workflows
end

-- ------------------------------------------------------------- the second

local function place_of(workflow, stage)
  return { workflow = workflow.workflow, default = workflow.default,
           stage = stage.name }
end

--- The name of a stage in a space.
function spaces.key_of(workflow, name)
  return (workflow.workflow or "Default") .. "/" .. name
end

-- Changes the stages of a workflow: some stay, some are renamed, some
-- are dropped. `becomes`: where each stage is in the end, as a key.
local function second_stages(before, after, becomes, dropped)
  local fresh, kept = numbered("New %02d", 12), {}
  for i, stage in ipairs(before.stages) do
    if i == 1 or random() < 0.65 then
      local copy = { name = stage.name, color = stage.color }
      if random() < 0.25 then
        copy.was, copy.name = stage.name, table.remove(fresh)
      end
      kept[#kept + 1] = copy
      becomes[spaces.key_of(before, stage.name)] = { after, copy }
    else
      dropped[#dropped + 1] = { before, stage }
    end
  end
  local colors = numbered("#6b%04d", 20)
  for _ = 1, random(0, 2) do
    kept[#kept + 1] = { name = table.remove(fresh),
                        color = table.remove(colors) }
  end
  return shuffle(kept)
end

local function second_workflow(before, names, becomes, dropped)
  if before.workflow and random() < 0.2 then
    for _, stage in ipairs(before.stages) do
      dropped[#dropped + 1] = { before, stage }
    end
    return { workflow = before.workflow, remove = true }
  end
  local after = { workflow = before.workflow, default = before.default }
  if before.workflow and random() < 0.25 then
    after.was, after.workflow = before.workflow, table.remove(names)
  end
  after.stages = second_stages(before, after, becomes, dropped)
  return after
end

-- True if a workflow has a stage of a name, or had one: then it would not be
-- clear which of the two a move means.
local function has_name(a, workflow, name)
  for _, before in ipairs(a) do
    if before.workflow == (workflow.was or workflow.workflow) then
      for _, stage in ipairs(before.stages) do
        if stage.name == name then return true end
      end
    end
  end
  for _, stage in ipairs(workflow.stages) do
    if stage.name == name then return true end
  end
  return false
end

-- Some dropped stages of workflows that stay are taken by others, with their
-- items; the items of the rest are moved somewhere.
local function settle_dropped(a, b, dropped, becomes)
  local targets = {}
  for _, workflow in ipairs(b.workflows) do
    if not workflow.remove then targets[#targets + 1] = workflow end
  end
  for _, each in ipairs(dropped) do
    local before, stage = each[1], each[2]
    local to = pick(targets)
    local is_own = to.workflow == before.workflow and
                   to.default == before.default or to.was == before.workflow
    if before.workflow and not is_own and random() < 0.4 and
       not before.removed and not to.is_new and
       not has_name(a, to, stage.name) then
      local copy = { name = stage.name, from_workflow = before.workflow,
                     color = ("#7c%04d"):format(random(9999)) }
      table.insert(to.stages, random(#to.stages + 1), copy)
      becomes[spaces.key_of(before, stage.name)] = { to, copy }
    else
      each.moved = to
    end
  end
  for _, each in ipairs(dropped) do
    if each.moved then
      local before, stage = each[1], each[2]
      local goal = pick(each.moved.stages)
      table.insert(b.moves, { from = place_of(before, stage),
                              to = place_of(each.moved, goal) })
      becomes[spaces.key_of(before, stage.name)] = { each.moved, goal }
    end
  end
end

--- A blueprint that makes another space of it.
-- @treturn table the blueprint
-- @treturn table key of a stage -> the workflow and the stage in which its
--   items are in the end
function spaces.second(a)
  local names, used = {}, {}
  for _, workflow in ipairs(a) do used[workflow.workflow or ""] = true end
  for _, name in ipairs(shuffle { table.unpack(WORKFLOWS) }) do
    if not used[name] then names[#names + 1] = name end
  end
  local b, becomes, dropped = { workflows = {}, moves = {} }, {}, {}
  for _, before in ipairs(a) do
    local after = second_workflow(before, names, becomes, dropped)
    before.removed = after.remove
    b.workflows[#b.workflows + 1] = after
  end
  if random() < 0.4 then
    b.workflows[#b.workflows + 1] = { workflow = table.remove(names),
      stages = new_stages(random(2, 4)), is_new = true }
  end
  settle_dropped(a, b, dropped, becomes)
  local kept = {}
  for _, workflow in ipairs(b.workflows) do
    workflow.is_new = nil
    if not workflow.remove then
      furnish(workflow.stages)
      kept[#kept + 1] = workflow
    end
  end
  share_types(kept)
  shuffle(b.workflows)
  return b, becomes
end

-- ------------------------------------------------------- what is there

local function stage_of_snapshot(stage, position)
  local copy = { name = stage.name, color = stage.color, position = position,
                 is_default = stage.is_default,
                 allow_all_stages = stage.next == "all",
                 allow_none_for_next_stages = stage.next == "none",
                 workflow_stage_ids = type(stage.next) == "table" and
                                      stage.next or {},
                 after_publish_id = stage.after_publish or nil }
  for _, flag in ipairs(FLAGS) do copy[flag] = stage[flag] end
  return copy
end

local function some() return random(0, 3) end

--- The content of a sandbox that holds the space, with some stories.
-- @tparam table a as `first` returns it
-- @tparam[opt] function count_of how many stories a stage has, by its key
function spaces.content_of(a, count_of)
  count_of = count_of or some
  local content = { workflows = {}, stories = {} }
  for i, workflow in ipairs(a) do
    local name = workflow.workflow or "Default"
    local stages = {}
    for j, stage in ipairs(workflow.stages) do
      stages[j] = stage_of_snapshot(stage, j)
      local key = spaces.key_of(workflow, stage.name)
      for _ = 1, count_of(key) do
        local slug = ("%s/%d"):format(key, #content.stories)
        table.insert(content.stories, {
          name = slug, full_slug = slug,
          stage = { stage = stage.name, workflow = name },
        })
      end
    end
    content.workflows[i] = { name = name, is_default = workflow.default,
                             content_types = workflow.content_types or {},
                             stages = stages }
  end
  return content
end

--- The workflows as text, in an order of their own.
function spaces.text_of(workflows)
  local parts = {}
  for _, workflow in ipairs(workflows) do
    if not workflow.remove then
      local copy = { workflow = workflow.workflow, default = workflow.default,
                     content_types = workflow.content_types, stages = {} }
      for i, stage in ipairs(workflow.stages) do
        copy.stages[i] = {}
        for name, value in pairs(stage) do copy.stages[i][name] = value end
        copy.stages[i].from_workflow = nil
      end
      parts[#parts + 1] = migrations.text_of(copy)
    end
  end
  table.sort(parts)
  return table.concat(parts, "\n\n")
end

--- The same of those that a space has.
function spaces.text(space)
  return spaces.text_of(assert(migration.export_all(space)).workflows)
end

--- Raises unless each story is where it belongs.
-- @tparam table server
-- @tparam[opt] table becomes as `second` returns it; nil: where it began
function spaces.assert_places(server, becomes)
  local space, keys = server:dump().spaces[1], {}
  for _, workflow in ipairs(space.workflows) do
    for _, stage in ipairs(workflow.stages) do
      keys[stage.id] = (workflow.is_default and "Default" or workflow.name) ..
                       "/" .. stage.name
    end
  end
  for _, story in ipairs(space.stories) do
    local expected = story.full_slug:match "^(.*)/%d+$"
    local goal = becomes and becomes[expected]
    if goal then expected = spaces.key_of(goal[1], goal[2].name) end
    local is = story.stage and keys[story.stage.workflow_stage_id]
    assert(is == expected, ("%s is in %s, not in %s"):format(
      story.full_slug, is, expected))
  end
end

return spaces
