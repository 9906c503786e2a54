--- A rehearsal: what a plan needs is copied into a sandbox, and the plan is
-- applied there, with faults if requested. Only GETs are sent to the service.
local errors = require "workstage.errors"
local faults = require "workstage.migration.rehearse.faults"
local origin = require "workstage.migration.origin"
local snapshot = require "workstage.migration.rehearse.snapshot"

local TOKEN = "rehearsal"

local function load_sandbox()
  local found, sandbox = pcall(require, "workstage.sandbox")
  if found then return sandbox end
  return nil, errors.new {
    kind = "refused",
    message = "a rehearsal needs the sandbox, which is not installed: " ..
              "install workstage-sandbox",
  }
end

-- The sandbox is fast, so pauses are short.
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

-- Combines the reports of several rounds; failures are those of the last.
local function joined(earlier, report)
  for _, name in ipairs { "added", "changed", "removed", "moved", "skipped",
                          "seconds" } do
    report[name] = report[name] + earlier[name]
  end
  for _, name in ipairs { "skips", "notes" } do
    local list = table.move(earlier[name], 1, #earlier[name], 1, {})
    report[name] = table.move(report[name], 1, #report[name], #list + 1, list)
  end
  return report
end

-- True if another round may continue a run that faults have stopped or
-- prevented from starting.
local function goes_on(report, opts, rounds)
  return opts.faults and rounds < 10 and
         not (report and report.complete) and
         not (opts.should_stop and opts.should_stop())
end

local function apply_there(migration, plan, server, opts)
  local client, err = client_of(plan, server)
  if not client then return nil, err end
  origin.set(client, plan.origin)
  local path = os.tmpname()
  os.remove(path)
  local options = { on_progress = opts.on_progress,
                    should_stop = opts.should_stop, journal = path }
  local report
  local rounds = 0
  repeat
    local more
    if report then more, err = migration.resume(client, path, options)
    else more, err = migration.apply(client, plan, options) end
    if more then report = report and joined(report, more) or more end
    rounds = rounds + 1
  until not goes_on(report, opts, rounds)
  if report then
    report.requests = client.transport.client:requests()
    report.journal, report.rounds = nil, rounds
  end
  client:close()
  os.remove(path)
  return report, err
end

-- A sandbox with a copy of what the plan needs.
local function start_sandbox(sandbox, plan, opts)
  local seed, unique_colors = snapshot(plan)
  local server, err = sandbox.start {
    seed = seed, rate_limit = false, unique_colors = unique_colors,
    faults = opts.faults and faults.list(opts.faults, opts.seed,
                                          plan.requests) or nil,
  }
  if server then return server end
  return nil, errors.new { kind = "refused", message = tostring(err) }
end

local function with_seed(opts)
  local copy = { seed = faults.new_seed() }
  for name, value in pairs(opts or {}) do copy[name] = value end
  return copy
end

--- Rehearses a blueprint.
-- @tparam table migration the module
-- @tparam table client a space or an account; it gets only GETs
-- @tparam table blueprint
-- @tparam[opt] table opts `faults` (the part of the requests that go wrong,
--   0 to 1), `seed` (an integer that draws them; a new one each time), and
--   `map_role`, `map_user`, `only`, `on_progress`, `should_stop`
-- @treturn[1] table the report, with `plan`, the sandbox's `stats`, and where
--   faults were asked for `faults` (how many there were) and `seed`
-- @treturn[2] nil
-- @treturn[2] table the error
return function(migration, client, blueprint, opts)
  opts = with_seed(opts)
  local sandbox, err = load_sandbox()
  if not sandbox then return nil, err end
  local plan
  plan, err = migration.plan(client, blueprint, {
    map_role = opts.map_role, map_user = opts.map_user, only = opts.only,
  })
  if not plan then return nil, err end
  local server
  server, err = start_sandbox(sandbox, plan, opts)
  if not server then return nil, err end
  local report
  report, err = apply_there(migration, plan, server, opts)
  local stats = server:stats()
  server:stop()
  if not report then return nil, err end
  report.plan, report.stats = plan, stats
  if opts.faults then
    report.faults, report.seed = faults.count(stats), opts.seed
  end
  return report
end
