--- A rehearsal: what a plan needs is copied into a sandbox, and the plan is
-- applied there, with faults if wanted. The service itself is only read.
local errors = require "workstage.errors"

local TOKEN = "rehearsal"

local KINDS = {
  { status = 500 }, { status = 503 }, { close = "before" },
  { close = "after" }, { truncate = true },
}

-- Faults of several kinds, which together befall that part of the requests.
local function faults_of(chance)
  local faults = {}
  for i, kind in ipairs(KINDS) do
    faults[i] = { chance = chance / #KINDS, seed = i }
    for name, value in pairs(kind) do faults[i][name] = value end
  end
  return faults
end

local function load_sandbox()
  local found, sandbox = pcall(require, "workstage.sandbox")
  if found then return sandbox end
  return nil, errors.new {
    kind = "refused",
    message = "a rehearsal needs the sandbox, which is not installed: " ..
              "install workstage-sandbox",
  }
end

-- --------------------------------------------------------------- snapshot

local function each_move(plan, visit)
  for _, operation in ipairs(plan.operations) do
    if operation.op == "move" then visit(operation) end
  end
end

local function stage_of(stage, members)
  local copy = {}
  for name, value in pairs(stage) do copy[name] = value or nil end
  for _, flag in ipairs { "is_default", "allow_publish" } do
    copy[flag] = stage[flag]
  end
  for _, id in ipairs(stage.space_role_ids) do members.roles[id] = true end
  for _, id in ipairs(stage.user_ids) do members.users[id] = true end
  return copy
end

local function note_members(plan, members)
  for _, operation in ipairs(plan.operations) do
    local set = operation.set or {}
    local assign = set.assign or {}
    for _, list in ipairs { set.space_role_ids or {},
                            assign.space_role_ids or {} } do
      for _, id in ipairs(list) do members.roles[id] = true end
    end
    for _, list in ipairs { set.user_ids or {}, assign.user_ids or {} } do
      for _, id in ipairs(list) do members.users[id] = true end
    end
  end
end

-- Stages of other workflows that items come from or go to.
local function other_stages(plan)
  local known, stages = {}, {}
  for _, stage in ipairs(plan.structure.stages) do known[stage.id] = true end
  each_move(plan, function(operation)
    for _, ref in ipairs { operation.from or nil, operation.to } do
      if math.type(ref) and not known[ref] then
        known[ref] = true
        stages[#stages + 1] = {
          id = ref, name = ("Stage %d"):format(ref),
          color = ("#%06x"):format(#stages + 1), allow_all_stages = true,
          position = #stages + 1, is_default = #stages == 0,
        }
      end
    end
  end)
  return stages
end

local function stories_of(plan, content_type)
  local stories = {}
  each_move(plan, function(operation)
    for _, id in ipairs(operation.items) do
      stories[#stories + 1] = {
        id = id, name = ("Story %d"):format(id),
        full_slug = ("story-%d"):format(id), content_type = content_type,
        stage = operation.from and
                { workflow_stage_id = operation.from } or nil,
      }
    end
  end)
  return stories
end

-- Releases that changes name.
local function releases_of(plan)
  local known, releases = {}, {}
  each_move(plan, function(operation)
    local id = operation.set.release_id
    if id and not known[id] then
      known[id] = true
      releases[#releases + 1] = { id = id, name = ("Release %d"):format(id) }
    end
  end)
  return releases
end

local function members_of(members)
  local roles, users, collaborators = {}, {}, {}
  for id in pairs(members.roles) do
    roles[#roles + 1] = { id = id, role = ("Role %d"):format(id) }
  end
  for id in pairs(members.users) do
    users[#users + 1] = { id = id, friendly_name = ("User %d"):format(id),
                          userid = ("user%d@example.com"):format(id) }
    collaborators[#collaborators + 1] = { user_id = id, role = "editor" }
  end
  return roles, users, collaborators
end

-- Colours that repeat are there: so this service lets them.
local function has_unique_colors(plan)
  local held = {}
  for _, stage in ipairs(plan.structure and plan.structure.stages or {}) do
    if held[stage.color] then return false end
    held[stage.color] = true
  end
  return true
end

local function workflows_of(plan, members)
  local workflow, workflows = plan.structure.workflow, {}
  if workflow then
    local stages = {}
    for i, stage in ipairs(plan.structure.stages) do
      stages[i] = stage_of(stage, members)
    end
    workflows[1] = {
      id = workflow.id, name = workflow.name, stages = stages,
      content_types = workflow.content_types,
      is_default = workflow.is_default,
    }
  end
  local others = other_stages(plan)
  if #others > 0 then
    local has_default = workflow and workflow.is_default
    workflows[#workflows + 1] = {
      name = "Other workflows", stages = others, is_default = not has_default,
      content_types = has_default and { "another_type" } or {},
    }
  end
  return workflows
end

local snapshot = {}

function snapshot.storyblok(plan)
  local members = { roles = {}, users = {} }
  note_members(plan, members)
  local workflow = plan.structure.workflow
  local workflows = workflows_of(plan, members)
  local types = workflow and workflow.content_types or {}
  local roles, users, collaborators = members_of(members)
  return {
    users = users,
    spaces = { {
      id = plan.space_id, workflows = workflows, space_roles = roles,
      collaborators = collaborators, releases = releases_of(plan),
      stories = stories_of(plan, types[1] or "page"),
    } },
  }
end

function snapshot.kantata(plan)
  local workspaces = {}
  each_move(plan, function(operation)
    for _, id in ipairs(operation.items) do
      workspaces[#workspaces + 1] = {
        id = id, title = ("Project %d"):format(id),
        status_key = operation.from,
      }
    end
  end)
  return { kantata = { workspaces = workspaces } }
end

-- ------------------------------------------------------------------- run

-- There is nobody to be gentle with, and nothing shows late: pauses are
-- short.
local function client_of(plan, server)
  local workstage = require "workstage"
  local options = {
    token = TOKEN, base_url = server.url, rate_limit = false,
    settle_time = 0.02, retry = { base = 0.005, cap = 0.05 }, proxy = false,
  }
  if plan.service == "kantata" then
    options.base_url = server.kantata_url
    return workstage.kantata(options)
  end
  options.space_id = plan.space_id
  return workstage.storyblok(options)
end

-- The report of several rounds together; what failed is for the last to say.
local function joined(earlier, report)
  for _, name in ipairs { "moved", "skipped", "seconds" } do
    report[name] = report[name] + earlier[name]
  end
  for _, name in ipairs { "skips", "notes" } do
    local list = table.move(earlier[name], 1, #earlier[name], 1, {})
    report[name] = table.move(report[name], 1, #report[name], #list + 1, list)
  end
  return report
end

-- Whether one more round may bring a run on that faults have stopped, or not
-- let begin.
local function goes_on(report, given, rounds)
  return given.faults and rounds < 10 and
         not (report and report.complete) and
         not (given.should_stop and given.should_stop())
end

local function apply_there(migration, plan, server, given)
  local client, err = client_of(plan, server)
  if not client then return nil, err end
  local path = os.tmpname()
  os.remove(path)
  local options = { on_progress = given.on_progress,
                    should_stop = given.should_stop, journal = path }
  local report
  local rounds = 0
  repeat
    local more
    if report then more, err = migration.resume(client, path, options)
    else more, err = migration.apply(client, plan, options) end
    if more then report = report and joined(report, more) or more end
    rounds = rounds + 1
  until not goes_on(report, given, rounds)
  if report then
    report.requests = client.transport.client:requests()
    report.journal, report.rounds = nil, rounds
  end
  client:close()
  os.remove(path)
  return report, err
end

--- Rehearses a blueprint.
-- @tparam table migration the module
-- @tparam table client a space or an account; it gets only GETs
-- @tparam table blueprint
-- @tparam[opt] table given `faults` (the part of the requests that go wrong,
--   0 to 1), `map_role`, `map_user`, `on_progress`, `should_stop`
-- @treturn[1] table the report, with `plan` and the sandbox's `stats`
-- @treturn[2] nil
-- @treturn[2] table the error
return function(migration, client, blueprint, given)
  given = given or {}
  local sandbox, err = load_sandbox()
  if not sandbox then return nil, err end
  local plan
  plan, err = migration.plan(client, blueprint, {
    map_role = given.map_role, map_user = given.map_user,
  })
  if not plan then return nil, err end
  local server
  server, err = sandbox.start {
    seed = snapshot[plan.service](plan), rate_limit = false,
    unique_colors = has_unique_colors(plan),
    faults = given.faults and faults_of(given.faults) or nil,
  }
  if not server then
    return nil, errors.new { kind = "refused", message = tostring(err) }
  end
  local report
  report, err = apply_there(migration, plan, server, given)
  local stats = server:stats()
  server:stop()
  if not report then return nil, err end
  report.plan, report.stats = plan, stats
  return report
end
