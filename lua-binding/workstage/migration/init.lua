--- Migrations: `require "workstage.migration"`.
local arguments = require "workstage.migration.arguments"
local blueprints = require "workstage.migration.blueprint"
local check = require "workstage.migration.blueprint.lint"
local graph_model = require "workstage.migration.graph.model"
local errors = require "workstage.errors"
local export = require "workstage.migration.blueprint.export"
local findings = require "workstage.migration.blueprint.findings"
local graph = require "workstage.migration.graph.dot"
local journals = require "workstage.migration.journal.file"
local keep_only = require "workstage.migration.blueprint.only"
local options = require "workstage.options"
local origin = require "workstage.migration.origin"
local plans = require "workstage.migration.plan"
local planners = {
  storyblok = require "workstage.migration.plan.storyblok",
  kantata = require "workstage.migration.plan.kantata",
}
local rehearse = require "workstage.migration.rehearse"
local rollback_session = require "workstage.migration.rollback_session"
local session = require "workstage.migration.session"
local replay = require "workstage.migration.journal.replay"
local report = require "workstage.migration.report"
local strict = require "workstage.strict"

local migration = {}

local function service_of(client)
  return client.transport.service
end

-- ------------------------------------------------------------- blueprints

local function check_export(usage, client)
  local err = arguments.check(usage, { { "client", client } })
  if err then return err end
  if service_of(client) ~= "storyblok" then
    return errors.invalid("client: Kantata has no workflows to export",
                          "client")
  end
end

--- Reads a blueprint, Lua or JSON. See `workstage.migration.blueprint`.
migration.read = blueprints.read

--- Writes a blueprint, formatted for people.
migration.write = blueprints.write

--- The blueprint of a workflow: no ids in it, stages, roles and users by name.
-- @tparam table client a space
-- @tparam[opt] string name of the workflow; the default one unless given
-- @treturn[1] table the blueprint
-- @treturn[1] table sentences about what could not be taken along
-- @treturn[2] nil
-- @treturn[2] table the error
function migration.export(client, name)
  local err = check_export("export(client, name)", client)
  if not err and name ~= nil and type(name) ~= "string" then
    err = errors.invalid(("name: expected a string, got %s")
                         :format(type(name)), "name")
  end
  if err then return nil, err end
  return export.one(client, name)
end

--- The blueprint of all workflows of a space.
-- @tparam table client a space
-- @treturn[1] table the blueprint, with `workflows`, the default one first
-- @treturn[1] table sentences about what could not be taken along
-- @treturn[2] nil
-- @treturn[2] table the error
function migration.export_all(client)
  local err = check_export("export_all(client)", client)
  if err then return nil, err end
  return export.all(client)
end

--- Checks a blueprint without a network.
-- @tparam table blueprint
-- @treturn[1] boolean true
-- @treturn[1] table the warnings and notes; may be empty
-- @treturn[2] nil
-- @treturn[2] table the findings: an array of { level = "error", "warning" or
-- "note", where, message, file, line }, and a text by `tostring`
function migration.check(blueprint)
  local err = arguments.check("check(blueprint)",
                              { { "blueprint", blueprint } })
  if err then return nil, findings.of_errors(err) end
  return check(blueprint)
end

-- ------------------------------------------------------------------ plans

local plan_tables = { "map_role", "map_user", "only" }
local plan_options = { "command", table.unpack(plan_tables) }

-- The part of a blueprint that is asked for.
local function part_of(blueprint, only)
  if only == nil then return blueprint end
  for i = 1, #only do
    if type(only[i]) ~= "string" then
      return nil, errors.invalid(("only[%d]: expected a string, got %s")
                                 :format(i, type(only[i])), "only")
    end
  end
  return keep_only(blueprint, only)
end

-- Checks options that must have one type if they are given.
local function check_types(opts, names, wanted)
  for _, name in ipairs(names) do
    local value = opts[name]
    if value ~= nil and type(value) ~= wanted then
      return errors.invalid(("%s: expected a %s, got %s")
                            :format(name, wanted, type(value)), name)
    end
  end
end

local function finding_error(found)
  local err = errors.new { kind = "refused",
                           message = found:errors_text() }
  err.findings = found
  return err
end

--- Plans a migration: only GETs. (Where a space has no workflow at all, the
-- service makes its default one when it is asked for them.)
-- @tparam table client a space or an account
-- @tparam table blueprint
-- @tparam[opt] table opts `map_role`, `map_user`: name -> name in the space;
--   `only`: the names of some of the blueprint's workflows ("default": the
--   default one); `command`: the command line, for reports
-- @treturn[1] table the plan
-- @treturn[2] nil
-- @treturn[2] table the error: `refused` with `problems`, or of a request
function migration.plan(client, blueprint, opts)
  opts = opts or {}
  local err = arguments.check("plan(client, blueprint, options)", {
    { "client", client }, { "blueprint", blueprint }, { "options", opts },
  }) or options.check_names("option", opts, plan_options) or
    check_types(opts, plan_tables, "table") or
    check_types(opts, { "command" }, "string")
  if err then return nil, err end
  local normal, found
  normal, err = blueprints.normalize(blueprint)
  if not normal then return nil, err end
  local found_offline = select(2, check(normal)):without_offline()
  if found_offline:has_error() then
    return nil, finding_error(found_offline)
  end
  if normal.service ~= service_of(client) then
    return nil, errors.invalid(("the blueprint is for %s, the client for " ..
      "%s"):format(normal.service, service_of(client)))
  end
  normal, err = part_of(normal, opts.only)
  if not normal then return nil, err end
  found, err = planners[normal.service](client, normal, opts)
  if not found then return nil, err end
  found.service, found.kind = normal.service, "migration"
  found.space_id, found.rate = client.space_id, client.transport.rate
  found.warnings = found_offline
  found.origin = origin.of(client, opts.command)
  return plans.new(found)
end

--- Loads a saved plan.
-- @tparam string path
-- @treturn[1] table the plan
-- @treturn[2] nil
-- @treturn[2] table the error
function migration.load(path)
  local err = options.path(path)
  if err then return nil, err end
  return plans.load(path)
end

-- ------------------------------------------------------------------ apply

local apply_options = { "journal", "concurrency", "on_progress", "on_event",
                        "on_failure", "limit", "should_stop", "command" }

local CALLBACKS = { "on_progress", "on_event", "should_stop", "confirm" }

-- Checks the options of a run; `more`: one that not every run has.
local function check_apply(opts, more)
  local names = table.move(apply_options, 1, #apply_options, 1, {})
  names[#names + 1] = more
  local err = options.check_names("option", opts, names) or
              check_types(opts, { "journal", "command" }, "string") or
              check_types(opts, CALLBACKS, "function")
  if err then return err end
  local on_failure = opts.on_failure
  if on_failure and on_failure ~= "continue" and on_failure ~= "stop" then
    return errors.invalid("on_failure: expected \"continue\" or \"stop\"",
                          "on_failure")
  end
  for _, name in ipairs { "limit", "concurrency" } do
    local value = opts[name]
    if value ~= nil and (math.type(value) ~= "integer" or value < 1) then
      return errors.invalid(name .. ": expected a whole number above 0", name)
    end
  end
end

--- Applies a plan, once. The workflows must still be as they were planned
-- for.
-- @tparam table client a space or an account
-- @tparam table plan
-- @tparam[opt] table opts `journal` (a path; "workstage-<plan>.journal"),
--   `concurrency` (8), `on_progress(progress)`, `on_event(event)` (each item's
--   outcome, each wait), `on_failure` ("continue" or "stop"), `limit` (only so
--   many items first), `should_stop()`, `command` (the command line, for
--   reports)
-- @treturn[1] table the report: `complete`, `moved`, `skipped`, `failed`,
--   `failures`, `skips`, `notes`, `requests`, `seconds`, `journal`, `error`
-- @treturn[2] nil
-- @treturn[2] table the error: nothing was done
function migration.apply(client, plan, opts)
  opts = opts or {}
  local err = arguments.check("apply(client, plan, options)", {
    { "client", client }, { "plan", plan }, { "options", opts },
  }) or check_apply(opts)
  if err then return nil, err end
  local path = opts.journal or ("workstage-%s.journal"):format(plan.id)
  return session.begin(client, plan, path, opts)
end

-- ----------------------------------------------------------------- resume

local REMEDY = "nothing was sent, and a new plan contains what is left to do"

--- Opens a journal: locks it and reads it once. `resume` and `rollback` take
-- the session instead of the path.
-- @tparam string path
-- @tparam[opt] table opts `rollback`: true if the run is to be rolled back
-- @treturn[1] table the session, with `progress()` as `migration.progress`
--   returns it, and `close()`
-- @treturn[2] nil
-- @treturn[2] table the error
function migration.open(path, opts)
  opts = opts or {}
  local err = arguments.check("open(path, options)", {
    { "options", opts },
  }) or options.path(path) or
    options.check_names("option", opts, { "rollback" })
  if err then return nil, err end
  if opts.rollback then return rollback_session.open(path) end
  local opened
  opened, err = session.open(path)
  if not opened then return nil, journals.with_remedy(err, REMEDY) end
  return opened
end

--- Continues a run that was stopped, wherever that was.
-- @tparam table client
-- @tparam string|table path of the journal, or its session
-- @tparam[opt] table opts as for `apply`
-- @treturn[1] table the report
-- @treturn[2] nil
-- @treturn[2] table the error
function migration.resume(client, path, opts)
  opts = opts or {}
  local err = arguments.check("resume(client, path, options)", {
    { "client", client }, { "options", opts },
  }) or check_apply(opts)
  if err then return nil, err end
  local opened = path
  if type(path) ~= "table" then opened, err = migration.open(path) end
  if not opened then return nil, err end
  return session.resume(client, opened, opts)
end

-- --------------------------------------------------------------- rollback

--- Rolls a run back, wherever the space still is as that run left it; the
-- rest is listed in `notes` and `skips` of the report. The rollback has its
-- own journal, `path` .. ".rollback"; the same call continues it.
-- @tparam table client
-- @tparam string|table path of the journal, or its session
-- @tparam[opt] table opts as for `apply`, and `confirm(plan)`: gets the plan
--   of the rollback; nothing is done unless it returns true
-- @treturn[1] table the report
-- @treturn[2] nil
-- @treturn[2] table the error; `refused` when it was not confirmed
function migration.rollback(client, path, opts)
  opts = opts or {}
  local err = arguments.check("rollback(client, path, options)", {
    { "client", client }, { "options", opts },
  }) or check_apply(opts, "confirm")
  if err then return nil, err end
  local opened = path
  if type(path) ~= "table" then
    err = options.path(path)
    if err then return nil, err end
    opened, err = rollback_session.open(path, opts.journal)
  end
  if not opened then return nil, err end
  return rollback_session.run(client, opened, opts)
end

-- --------------------------------------------------------------- progress

--- Returns the progress of a journal's run. No network.
-- @tparam string path
-- @treturn[1] table `total`, `moved`, `skipped`, `failed`, `complete`,
--   `operations`, `done`, `workflow`, `service`, `space_id`, `kind`, `plan`,
--   `rolled_back`, `requests`, `retries`, `held` (the seconds in which a 429
--   let nothing be sent)
-- @treturn[2] nil
-- @treturn[2] table the error
function migration.progress(path)
  local err = options.path(path)
  if err then return nil, err end
  local replayed
  replayed, err = replay.read(path)
  if not replayed then return nil, err end
  return replay.progress(replayed)
end

-- ----------------------------------------------------------- graph, rehearse

--- The workflow as Graphviz's dot; a plan's differences are highlighted.
-- @tparam table what a blueprint or a plan
-- @treturn string dot
function migration.graph(what)
  arguments.check("graph(what)", { { "graph", what } })
  if what.operations then
    return graph(graph_model(what))
  end
  local normal, err = blueprints.normalize(what)
  if not normal then return nil, err end
  return graph(normal)
end

local report_options = { "picture" }

local PICTURES = { ["nil"] = true, string = true, ["function"] = true }

local function check_report(opts)
  local err = options.check_names("option", opts, report_options)
  if err or PICTURES[type(opts.picture)] then return err end
  return errors.invalid(("picture: expected a string or a function, got %s")
                        :format(type(opts.picture)), "picture")
end

--- The report of a plan or of a run: one page of HTML that needs no network.
-- @tparam table|string what a plan, or the path of a saved plan or of a
--   journal
-- @tparam[opt] table opts `picture`: the workflow before and after as SVG, or
--   a function that gets the plan and returns that
-- @treturn[1] string HTML
-- @treturn[2] nil
-- @treturn[2] table the error: `io` if the file cannot be read, `damaged` if
--   it is neither a plan nor a journal or was changed, `invalid`
function migration.report(what, opts)
  opts = opts or {}
  if type(what) ~= "string" then
    local err = arguments.check("report(plan or journal, options)", {
      { "plan", what }, { "options", opts },
    }) or check_report(opts)
    if err then return nil, err end
    return report.of_plan(what, opts)
  end
  local err = options.path(what) or check_report(opts)
  if err then return nil, err end
  return report.of_file(what, opts)
end

local rehearse_options = { "faults", "seed", "map_role", "map_user", "only",
                           "on_progress", "should_stop" }

local function check_faults(opts)
  local part, seed = opts.faults, opts.seed
  if part ~= nil and not (type(part) == "number" and part >= 0 and part <= 1)
  then
    return errors.invalid("faults: expected a number from 0 to 1", "faults")
  end
  if seed ~= nil and math.type(seed) ~= "integer" then
    return errors.invalid("seed: expected an integer", "seed")
  end
end

--- Copies what a plan needs into a sandbox and applies it there; sends only
-- GETs to the service. Needs workstage-sandbox. See
-- `workstage.migration.rehearse`.
-- @tparam table client a space or an account; it gets only GETs
-- @tparam table blueprint
-- @tparam[opt] table opts `faults` (the part of the requests that go wrong,
--   0 to 1), `seed` (an integer that draws them; a new one each time unless
--   given), `map_role`, `map_user`, `only`, `on_progress`, `should_stop`
-- @treturn[1] table the report, with `plan` and the sandbox's `stats`; with
--   faults also `faults`, how many there were, and `seed`
-- @treturn[2] nil
-- @treturn[2] table the error
function migration.rehearse(client, blueprint, opts)
  opts = opts or {}
  local err = arguments.check("rehearse(client, blueprint, options)", {
    { "client", client }, { "blueprint", blueprint }, { "options", opts },
  }) or options.check_names("option", opts, rehearse_options) or
    check_types(opts, CALLBACKS, "function") or
    check_types(opts, plan_tables, "table") or check_faults(opts)
  if err then return nil, err end
  return rehearse(migration, client, blueprint, opts)
end

return strict.table("workstage.migration", migration)
