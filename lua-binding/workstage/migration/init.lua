--- Migrations: `require "workstage.migration"`.
local apply = require "workstage.migration.apply"
local blueprints = require "workstage.migration.blueprint"
local check = require "workstage.migration.check"
local drawing = require "workstage.migration.drawing"
local errors = require "workstage.errors"
local export = require "workstage.migration.export"
local graph = require "workstage.migration.graph"
local journals = require "workstage.migration.journal"
local loop = require "workstage.loop"
local options = require "workstage.options"
local plans = require "workstage.migration.plan"
local planners = {
  storyblok = require "workstage.migration.storyblok_plan",
  kantata = require "workstage.migration.kantata_plan",
}
local rehearse = require "workstage.migration.rehearse"
local replay = require "workstage.migration.replay"
local rollback = require "workstage.migration.rollback"
local run = require "workstage.migration.run"
local structure = require "workstage.migration.structure"

local migration = {}

local function check_table(value, what)
  if type(value) ~= "table" then
    error(("%s: expected a table, got %s"):format(what, type(value)), 3)
  end
end

local function service_of(client)
  return client.transport.service
end

-- ------------------------------------------------------------- blueprints

--- Reads a blueprint, Lua or JSON. See `workstage.migration.blueprint`.
migration.read = blueprints.read

--- Writes a blueprint so that a person likes to read it.
migration.write = blueprints.write

--- The blueprint of a workflow (by name; nil: the default one), and sentences
-- about what could not be taken along.
migration.export = export

--- Judges a blueprint without a network: true and warnings, or nil and
-- findings.
function migration.check(blueprint)
  check_table(blueprint, "blueprint")
  local normal, err = blueprints.normalize(blueprint)
  if not normal then return nil, err end
  return check(normal)
end

-- ------------------------------------------------------------------ plans

local plan_options = { "map_role", "map_user" }

local function check_options(given, names, what)
  for name in pairs(given or {}) do
    local known = false
    for _, each in ipairs(names) do known = known or each == name end
    if not known then return options.unknown(what, name, names) end
  end
end

local function finding_error(findings)
  if errors.is(findings) then return findings end
  local err = errors.new { kind = "refused", message = tostring(findings) }
  err.findings = findings
  return err
end

local function name_of(blueprint, found)
  if found.structure.workflow then return found.structure.workflow.name end
  return blueprint.workflow
end

--- Plans a migration: only GETs.
-- @tparam table client a space or an account
-- @tparam table blueprint
-- @tparam[opt] table given `map_role`, `map_user`: name -> name in the space
-- @treturn[1] table the plan
-- @treturn[2] nil
-- @treturn[2] table the error: `refused` with `problems`, or of a request
function migration.plan(client, blueprint, given)
  check_table(client, "client")
  check_table(blueprint, "blueprint")
  local err = check_options(given, plan_options, "plan option")
  if err then return nil, err end
  local normal, found
  normal, err = blueprints.normalize(blueprint)
  if not normal then return nil, err end
  local good, findings = check(normal)
  if not good then return nil, finding_error(findings) end
  if normal.service ~= service_of(client) then
    return nil, errors.invalid(("the blueprint is one for %s, the client " ..
      "one of %s"):format(normal.service, service_of(client)))
  end
  found, err = planners[normal.service](client, normal, given or {})
  if not found then return nil, err end
  return plans.new {
    service = normal.service, kind = "migration",
    space_id = client.space_id, workflow = name_of(normal, found),
    structure = found.structure, operations = found.operations,
    rules = found.rules, effects = found.effects, notes = found.notes,
    rate = client.transport.rate, warnings = findings,
  }
end

--- Loads a saved plan.
migration.load = plans.load

-- ------------------------------------------------------------------ apply

local apply_options = { "journal", "concurrency", "on_progress",
                        "on_failure", "limit", "should_stop" }

local function check_apply(given)
  local err = check_options(given, apply_options, "option")
  if err then return err end
  local on_failure = given.on_failure
  if on_failure and on_failure ~= "continue" and on_failure ~= "stop" then
    return errors.invalid("on_failure: expected \"continue\" or \"stop\"",
                          "on_failure")
  end
  for _, name in ipairs { "limit", "concurrency" } do
    local value = given[name]
    if value ~= nil and (math.type(value) ~= "integer" or value < 1) then
      return errors.invalid(name .. ": expected a whole number above 0", name)
    end
  end
end

local function stale(differences)
  local err = errors.new {
    kind = "stale",
    message = "the workflow has changed since the plan: " ..
              table.concat(differences, "; "),
  }
  err.differences = differences
  return err
end

local function belongs(client, plan)
  if plan.service ~= service_of(client) then
    return nil, errors.invalid(("the plan is one for %s"):format(
      plan.service))
  elseif plan.space_id ~= client.space_id then
    return nil, errors.invalid(("the plan is one for the space %d, not %d")
      :format(plan.space_id, client.space_id))
  end
  return true
end

-- Whether the structure is still the one that was planned for.
local function check_fresh(client, plan)
  if plan.service == "kantata" then return true end
  local workflow = plan.structure.workflow
  if not workflow then
    local now, err = structure.read_workflow(client, plan.workflow)
    if err then return nil, err end
    if now then
      return nil, stale { ("the workflow %q is there by now")
                          :format(plan.workflow) }
    end
    return true
  end
  local now, err = structure.reread(client, workflow.id)
  if not now then
    if err.kind == "not_found" then return nil, stale { err.message } end
    return nil, err
  end
  local differences = structure.differences(plan.structure, now)
  if #differences > 0 then return nil, stale(differences) end
  return true
end

local function begin_journal(path, plan)
  local journal, err = journals.create(path, {
    plan = plan.id, of = plan.kind, space_id = plan.space_id, created = os.time(),
  })
  if not journal then return nil, err end
  local function put(record)
    local good, why = journal:write(record)
    if not good then error(why, 0) end
  end
  local good, why = pcall(function()
    put(plans.header(plan))
    plans.records(plan, put)
    local synced, failure = journal:sync()
    if not synced then error(failure, 0) end
  end)
  if good then return journal end
  journal:close()
  return nil, why
end

local function set_up(self, plan)
  for _, stage in ipairs(plan.structure.stages) do
    local state = {}
    for name, value in pairs(stage) do state[name] = value end
    self.states[stage.id] = state
  end
  self.workflow = plan.structure.workflow and plan.structure.workflow.id
end

--- Applies a plan, once. Its structure must be as it was planned for.
-- @tparam table client a space or an account
-- @tparam table plan
-- @tparam[opt] table given `journal` (a path; "workstage-<plan>.journal"),
--   `concurrency` (8), `on_progress(progress)`, `on_failure` ("continue" or
--   "stop"), `limit` (only so many items first), `should_stop()`
-- @treturn[1] table the report: `complete`, `moved`, `skipped`, `failed`,
--   `failures`, `skips`, `notes`, `requests`, `seconds`, `journal`, `error`
-- @treturn[2] nil
-- @treturn[2] table the error: nothing was done
function migration.apply(client, plan, given)
  check_table(client, "client")
  check_table(plan, "plan")
  given = given or {}
  local err = check_apply(given)
  if err then return nil, err end
  local before = client.transport.client:requests()
  local good
  good, err = belongs(client, plan)
  if good then good, err = check_fresh(client, plan) end
  if not good then return nil, err end
  local path = given.journal or ("workstage-%s.journal"):format(plan.id)
  local journal
  journal, err = begin_journal(path, plan)
  if not journal then return nil, err end
  local self = run.new(client, plan, journal, path, given)
  self.requests_before = before
  set_up(self, plan)
  return apply.go_on(self, {})
end

-- ----------------------------------------------------------------- resume

-- The stages as they are now: an update sends all that they have.
local function refresh(self, replayed)
  self.ids = replayed.ids
  self.workflow = replayed.workflow or self.workflow
  if not self.workflow then return true end
  local stages, err = structure.stages(self.client, self.workflow)
  if not stages then return nil, err end
  for _, stage in ipairs(stages) do self.states[stage.id] = stage end
  return true
end

local function open_again(path, given, client)
  local replayed, err = replay.read(path)
  if not replayed then return nil, err end
  local good
  good, err = belongs(client, replayed.plan)
  if not good then return nil, err end
  if replayed.rolled_back then
    return nil, errors.new {
      kind = "refused", message = path .. ": this run was rolled back",
    }
  end
  local journal
  journal, err = journals.open(path)
  if not journal then return nil, err end
  return replayed, journal, given
end

--- Carries on a run that was stopped, wherever it was.
-- @tparam table client
-- @tparam string path of the journal
-- @tparam[opt] table given as for `apply`
-- @treturn[1] table the report
-- @treturn[2] nil
-- @treturn[2] table the error
function migration.resume(client, path, given)
  check_table(client, "client")
  given = given or {}
  local err = check_apply(given)
  if err then return nil, err end
  local replayed, journal = open_again(path, given, client)
  if not replayed then return nil, journal end
  local self = run.new(client, replayed.plan, journal, path, given)
  self.settled = replayed.moved + replayed.skipped
  if replayed.complete then return self:close(true) end
  journal:write { type = "resumed", at = os.time() }
  -- what was under way when the run ended may take so long to show
  if not replayed.complete then loop.sleep(client.transport.settle_time) end
  set_up(self, replayed.plan)
  local good
  good, err = refresh(self, replayed)
  if not good then
    journal:close()
    return nil, err
  end
  return apply.go_on(self, replayed.progress)
end

-- --------------------------------------------------------------- rollback

local function mark_rolled_back(path)
  local journal, err = journals.open(path)
  if not journal then return nil, err end
  local good
  good, err = journal:intend { type = "rolled_back", at = os.time() }
  journal:close()
  return good, err
end

local function rollback_parts(client, path)
  local ids = {}
  local groups, collect = rollback.collector(function(ref)
    return ids[ref] or ref
  end)
  local moved = {}
  local replayed, err = replay.read(path, function(record)
    moved[#moved + 1] = record
  end)
  if not replayed then return nil, err end
  local good
  good, err = belongs(client, replayed.plan)
  if not good then return nil, err end
  ids = replayed.ids
  for i = #moved, 1, -1 do
    local record = moved[i]
    collect(record, replayed.plan.operations[record.operation])
  end
  local parts
  parts, err = rollback.plan(client, replayed, groups)
  return parts, err, replayed
end

-- The options that all runs take, and the one of a rollback alone.
local function without_confirm(given)
  local rest = {}
  for name, value in pairs(given) do
    if name ~= "confirm" then rest[name] = value end
  end
  return rest, given.confirm
end

local function not_confirmed()
  return errors.new { kind = "refused",
                      message = "the rollback was not confirmed" }
end

--- Undoes what a journal says was done, only where things still stand as that
-- run left them; the rest is listed in `notes` and `skips` of the report.
-- The way back has a journal of its own, `path` .. ".rollback"; a rollback
-- that was stopped is carried on by the same call.
-- @tparam table client
-- @tparam string path of the journal
-- @tparam[opt] table given as for `apply`, and `confirm(plan)`: gets the plan
--   of the way back; nothing is done unless it returns true
-- @treturn[1] table the report
-- @treturn[2] nil
-- @treturn[2] table the error; `refused` when it was not confirmed
function migration.rollback(client, path, given)
  check_table(client, "client")
  local confirm
  given, confirm = without_confirm(given or {})
  local err = check_apply(given)
  if err then return nil, err end
  local back = given.journal or path .. ".rollback"
  local there = io.open(back)
  if there then
    there:close()
    return migration.resume(client, back, given)
  end
  loop.sleep(client.transport.settle_time)
  local parts, replayed
  parts, err, replayed = rollback_parts(client, path)
  if not parts then return nil, err end
  local plan = plans.new {
    service = replayed.plan.service, kind = "rollback",
    space_id = replayed.plan.space_id, workflow = replayed.plan.workflow,
    structure = parts.structure, operations = parts.operations,
    rules = parts.rules, notes = parts.notes,
    rate = client.transport.rate,
  }
  if confirm and not confirm(plan) then return nil, not_confirmed() end
  local good
  good, err = mark_rolled_back(path)
  if not good then return nil, err end
  local journal
  journal, err = begin_journal(back, plan)
  if not journal then return nil, err end
  local self = run.new(client, plan, journal, back, given)
  set_up(self, plan)
  for _, note in ipairs(parts.notes) do
    table.insert(self.report.notes, note)
  end
  return apply.go_on(self, {})
end

-- --------------------------------------------------------------- progress

--- How far a journal's run has come. No network.
-- @tparam string path
-- @treturn[1] table `total`, `moved`, `skipped`, `failed`, `complete`,
--   `operations`, `done`, `workflow`, `service`, `kind`, `rolled_back`
-- @treturn[2] nil
-- @treturn[2] table the error
function migration.progress(path)
  local replayed, err = replay.read(path)
  if not replayed then return nil, err end
  local total, done = 0, 0
  for index, operation in ipairs(replayed.plan.operations) do
    if operation.op == "move" then total = total + operation.count end
    local state = replayed.progress[index]
    if state and state.done then done = done + 1 end
  end
  return {
    total = total, moved = replayed.moved, skipped = replayed.skipped,
    failed = replayed.failed, complete = replayed.complete,
    operations = #replayed.plan.operations, done = done,
    workflow = replayed.plan.workflow, service = replayed.plan.service,
    kind = replayed.plan.kind, rolled_back = replayed.rolled_back == true,
    plan = replayed.plan.id,
  }
end

-- ----------------------------------------------------------- graph, rehearse

--- The workflow as Graphviz's dot; a plan's differences are highlighted.
-- @tparam table what a blueprint or a plan
-- @treturn string dot
function migration.graph(what)
  check_table(what, "graph")
  if what.operations then
    return graph(drawing(what))
  end
  local normal, err = blueprints.normalize(what)
  if not normal then return nil, err end
  return graph(normal)
end

--- Copies what a plan needs into a sandbox and applies it there; sends only
-- GETs to the service. Needs workstage-sandbox. See
-- `workstage.migration.rehearse`.
function migration.rehearse(client, blueprint, given)
  check_table(client, "client")
  check_table(blueprint, "blueprint")
  return rehearse(migration, client, blueprint, given)
end

return migration
