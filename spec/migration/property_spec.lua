-- Any workflow becomes any other, and comes back: random pairs.
-- WORKSTAGE_PAIRS: how many; WORKSTAGE_SEED: which.
local migration = require "workstage.migration"
local migrations = require "support.migrations"

local PAIRS = tonumber(os.getenv "WORKSTAGE_PAIRS") or 1000
local SEED = tonumber(os.getenv "WORKSTAGE_SEED") or 1

local ROLES = { "Lawyer", "Author", "Translator" }
local USERS = { "a@example.com", "b@example.com", "c@example.com" }
local FLAGS = { "allow_publish", "allow_admin_publish", "allow_all_users",
                "allow_admin_change", "allow_editor_change",
                "story_editing_locked", "auto_remove_assignee" }

local random = math.random

local function some(list, chance)
  local chosen = {}
  for _, item in ipairs(list) do
    if random() < chance then chosen[#chosen + 1] = item end
  end
  return chosen
end

local function shuffle(list)
  for i = #list, 2, -1 do
    local j = random(i)
    list[i], list[j] = list[j], list[i]
  end
  return list
end

local function numbered(format, from, to)
  local list = {}
  for i = from, to do list[#list + 1] = format:format(i) end
  return list
end

local NAMES = numbered("Stage %02d", 1, 24)
local COLORS = numbered("#5a%04d", 1, 24)

-- Ways, permissions and flags of each stage, at random.
local function furnish(stages)
  local names = {}
  for i, stage in ipairs(stages) do names[i] = stage.name end
  local default = random(#stages)
  for i, stage in ipairs(stages) do
    local kind = random()
    stage.next = kind < 0.15 and "all" or kind < 0.3 and "none" or
                 some(names, random())
    stage.after_publish = random() < 0.3 and names[random(#names)] or false
    stage.roles, stage.users = some(ROLES, 0.3), some(USERS, 0.3)
    stage.is_default = i == default
    for _, flag in ipairs(FLAGS) do stage[flag] = random() < 0.5 end
  end
  return stages
end

local function blueprint_of(stages, types)
  return { workflow = "Article", content_types = types, moves = {},
           stages = furnish(stages) }
end

local function first()
  local names, colors = shuffle { table.unpack(NAMES) },
                        shuffle { table.unpack(COLORS) }
  local stages = {}
  for i = 1, random(2, 12) do
    stages[i] = { name = names[i], color = colors[i] }
  end
  return blueprint_of(stages, some({ "article", "page" }, 0.5))
end

-- Names change places in a circle, or become new ones.
local function rename(stages, spare)
  local circle = some(stages, 0.3)
  local names = {}
  for i, stage in ipairs(circle) do names[i] = stage.name end
  for i, stage in ipairs(circle) do
    stage.was = stage.name
    stage.name = names[i % #circle + 1]
    if stage.was == stage.name then stage.was = nil end
  end
  for _, stage in ipairs(stages) do
    if not stage.was and random() < 0.2 then
      stage.was, stage.name = stage.name, table.remove(spare)
    end
  end
end

local function second(a)
  local held, spare, stages = {}, {}, {}
  for _, stage in ipairs(a.stages) do held[stage.name] = true end
  for _, name in ipairs(NAMES) do
    if not held[name] then spare[#spare + 1] = name end
  end
  shuffle(spare)
  for _, stage in ipairs(a.stages) do
    if random() < 0.7 then stages[#stages + 1] = { name = stage.name } end
  end
  rename(stages, spare)
  for _ = 1, random(0, 12 - #stages) do
    if #spare > 0 then
      stages[#stages + 1] = { name = table.remove(spare) }
    end
  end
  while #stages < 2 do stages[#stages + 1] = { name = table.remove(spare) } end
  local colors = {}
  for i = 1, #a.stages do colors[i] = a.stages[i].color end
  for _, color in ipairs(COLORS) do
    if #colors < 14 then colors[#colors + 1] = color end
  end
  local seen, unique = {}, {}
  for _, color in ipairs(colors) do
    if not seen[color] then unique[#unique + 1] = color end
    seen[color] = true
  end
  for _, color in ipairs(COLORS) do
    if not seen[color] then unique[#unique + 1] = color end
  end
  for i = 1, #stages do
    local j = random(i, math.min(#stages + 3, #unique))
    unique[i], unique[j] = unique[j], unique[i]
    stages[i].color = unique[i]
  end
  return blueprint_of(shuffle(stages), some({ "article", "news" }, 0.6))
end

-- Where a stage's stories are in the end: with the stage, or where a move
-- takes them.
local function add_moves(a, b)
  local becomes, targets = {}, {}
  for _, stage in ipairs(b.stages) do
    becomes[stage.was or stage.name] = stage.name
  end
  for _, stage in ipairs(a.stages) do
    local goes = becomes[stage.name]
    if not goes or random() < 0.2 then
      local to = b.stages[random(#b.stages)].name
      if to ~= stage.name then
        b.moves[#b.moves + 1] = { from = stage.name, to = to }
        goes = to
      elseif not goes then
        return false
      end
    end
    targets[stage.name] = goes
  end
  return targets
end

local function stage_of_snapshot(stage, position)
  local copy = { name = stage.name, color = stage.color, position = position,
                 is_default = stage.is_default, user_ids = stage.users,
                 space_role_ids = stage.roles,
                 allow_all_stages = stage.next == "all",
                 allow_none_for_next_stages = stage.next == "none",
                 workflow_stage_ids = type(stage.next) == "table" and
                                      stage.next or {},
                 after_publish_id = stage.after_publish or nil }
  for _, flag in ipairs(FLAGS) do copy[flag] = stage[flag] end
  return copy
end

local function space_of(a)
  local stages, stories, roles, collaborators = {}, {}, {}, {}
  for i, stage in ipairs(a.stages) do
    stages[i] = stage_of_snapshot(stage, i)
    for _ = 1, random(0, 2) do
      local slug = ("%s/%d"):format(stage.name, #stories)
      stories[#stories + 1] = {
        name = slug, full_slug = slug,
        stage = { stage = stage.name, workflow = "Article" },
      }
    end
  end
  for i, role in ipairs(ROLES) do roles[i] = { role = role } end
  for i, user in ipairs(USERS) do collaborators[i] = { user = user } end
  local users = {}
  for i, user in ipairs(USERS) do users[i] = { userid = user } end
  return {
    users = users, space_roles = roles, collaborators = collaborators,
    workflows = { { name = "Article", content_types = a.content_types,
                    stages = stages } },
    stories = stories,
  }
end

-- slug -> the name of the story's stage.
local function places(server)
  local space, names, found = server:dump().spaces[1], {}, {}
  for _, workflow in ipairs(space.workflows) do
    for _, stage in ipairs(workflow.stages) do names[stage.id] = stage.name end
  end
  for _, story in ipairs(space.stories) do
    found[story.full_slug] = story.stage and
                             names[story.stage.workflow_stage_id] or "none"
  end
  return found
end

local function assert_places(server, targets)
  for slug, name in pairs(places(server)) do
    local expected = slug:match "^(.-)/"
    if targets then expected = targets[expected] end
    assert(name == expected, ("%s is in %s, not in %s"):format(
      slug, name, expected))
  end
end

local function same(expected, text)
  assert(expected == text, "expected\n" .. expected .. "\ngot\n" .. text)
end

local function with_types(blueprint, types)
  blueprint.content_types = #types > 0 and types or { "article" }
  return blueprint
end

local function text_of_given(blueprint)
  local copy = { workflow = blueprint.workflow, stages = {},
                 content_types = blueprint.content_types }
  for i, stage in ipairs(blueprint.stages) do
    local clean = {}
    for name, value in pairs(stage) do clean[name] = value end
    clean.was = nil
    copy.stages[i] = clean
  end
  return migrations.text_of(copy)
end

local function run_pair(server, space, journal, number)
  math.randomseed(SEED, number)
  local a = first()
  with_types(a, a.content_types)
  local b = second(a)
  with_types(b, b.content_types)
  local targets = add_moves(a, b)
  if not targets then return false end
  assert(server:load(migrations.snapshot(space_of(a))))
  local before = migrations.text(space)
  same(text_of_given(a), before)

  local plan = assert(migration.plan(space, b))
  local report = assert(migration.apply(space, plan, { journal = journal }))
  assert(report.complete, tostring(report))
  assert(report.requests == plan.requests, ("%d requests, %d planned")
         :format(report.requests, plan.requests))
  same(text_of_given(b), migrations.text(space))
  assert_places(server, targets)
  local again = assert(migration.plan(space, { workflow = "Article",
    content_types = b.content_types, stages = b.stages }))
  assert(again:is_empty(), tostring(again))

  local planned
  report = assert(migration.rollback(space, journal, {
    confirm = function(back)
      planned = back.requests
      return true
    end,
  }))
  assert(report.complete, tostring(report))
  assert(#report.notes == 0, report.notes[1])
  assert(report.requests == planned, "rollback: not as many requests")
  same(before, migrations.text(space))
  assert_places(server)
  return true
end

describe("any workflow", function()
  it("becomes any other, and comes back", function()
    local folder = migrations.folder()
    local server, space = migrations.start(
      {}, { log = 3000, story_stage = "change", permissions = "admin" },
      { settle_time = 0.0005 })
    local journal, done, number = folder .. "/journal", 0, 0
    while done < PAIRS do
      number = number + 1
      local good, ran = xpcall(run_pair, debug.traceback, server, space,
                               journal, number)
      if not good then
        error(("pair %d of seed %d: %s"):format(number, SEED, ran), 0)
      end
      os.remove(journal)
      os.remove(journal .. ".rollback")
      done = done + (ran and 1 or 0)
      if number % 20 == 0 then
        assert.same({}, migrations.refused(server))
        collectgarbage()
      end
    end
    space:close()
    server:stop()
    migrations.remove(folder)
  end)
end)
