--- An open journal of a run, locked and read once. A run starts from a plan or
-- resumes from such a session.
local errors = require "workstage.errors"
local executor = require "workstage.migration.execute.executor"
local journals = require "workstage.migration.journal.file"
local origin = require "workstage.migration.origin"
local plans = require "workstage.migration.plan"
local preconditions = require "workstage.migration.preconditions"
local replay = require "workstage.migration.journal.replay"
local run = require "workstage.migration.execute.run"
local space = require "workstage.migration.space"
local stages = require "workstage.migration.execute.stages"
local state = require "workstage.migration.state"
local traffic = require "workstage.migration.journal.traffic"

local session = {}

local Session = { __name = "workstage.session" }
Session.__index = Session
session.Session = Session

-- ----------------------------------------------------------------- checks

--- True if a plan is for this client; nil and the error.
function session.belongs(client, plan)
  if plan.service ~= client.transport.service then
    return nil, errors.invalid(("the plan is for %s"):format(
      plan.service))
  elseif plan.space_id ~= client.space_id then
    return nil, errors.invalid(("the plan is for the space %d, not %d")
      :format(plan.space_id, client.space_id))
  end
  return true
end

-- The differences from the planned state, as sentences.
local function differences(plan, now)
  local found = {}
  for _, workflow in ipairs(plan.scope) do
    local list = state.differences(plan.state, now, workflow)
    table.move(list, 1, #list, #found + 1, found)
  end
  if #found > 0 then return found end
  return preconditions.broken_in_plan(now, plan.operations)
end

-- True if every operation skips conflicts with later changes.
local function skips_conflicts(plan)
  for _, op in ipairs(plan.operations) do
    if op.on_conflict ~= "skip" then return false end
  end
  return true
end

-- The state that a run begins with if the space has not changed since the
-- plan; else nil and the error.
local function check_fresh(client, plan)
  if not plan.scope or #plan.operations == 0 then return plan.state end
  local now, err = space.read_state(client, state.touched(plan.state))
  if not now then return nil, err end
  local found = differences(plan, now)
  if #found == 0 or skips_conflicts(plan) then return now end
  return nil, preconditions.stale(found)
end

-- ---------------------------------------------------------------- journals

local function write_plan(journal, plan)
  local failure
  local function put(record)
    if failure then return end
    local good, why = journal:write(record)
    if not good then failure = why end
  end
  put(plans.header(plan))
  plans.records(plan, put)
  if failure then return nil, failure end
  return journal:sync()
end

-- A new journal that holds the plan.
local function begin_journal(path, plan, about)
  local journal, err = journals.create(path, {
    plan = plan.id, space_id = plan.space_id, origin = about,
    run = plans.new_id(), undoes = plan.undoes, created = os.time(),
  })
  if not journal then return nil, err end
  local went, good, why = pcall(write_plan, journal, plan)
  if went and good then return journal end
  journal:close()
  os.remove(path)
  if not went then error(good, 0) end
  return nil, why
end

-- ------------------------------------------------------------------ apply

local applying = {} -- ids of the plans that this Lua state applies

-- Locks a plan while it is applied: a simultaneous run with another journal
-- would repeat each change. Other processes can notice only by the plan's file.
local function lock_plan(plan)
  local file, err
  if plan.path then file, err = journals.lock(plan.path) end
  if err and err.kind == "locked" then return nil, err end
  if applying[plan.id] then
    if file then file:close() end
    return nil, errors.new { kind = "locked", message = ("the plan %s is " ..
      "being applied by another run"):format(plan.id) }
  end
  applying[plan.id] = true
  return setmetatable({}, { __close = function()
    applying[plan.id] = nil
    if file then file:close() end
  end })
end

-- Marks the original run's journal as rolled back, after the rollback's
-- journal exists and before anything is sent, and records that in the
-- rollback's journal.
local function mark_undone(self, path, supersede)
  local good, err = supersede()
  if good then
    self:note { type = "marked" }
    return true
  end
  self.journal:close()
  os.remove(path)
  return nil, err
end

--- Runs a plan with a new journal.
-- @tparam table client
-- @tparam table plan
-- @tparam string path of the journal
-- @tparam table opts the options of `migration.apply`
-- @tparam[opt] function mark for a rollback: marks the journal of the run
--   that is undone; true, or nil and the error
function session.begin(client, plan, path, opts, supersede)
  local _ <close>, taken = lock_plan(plan)
  if taken then return nil, taken end
  local good, err = session.belongs(client, plan)
  if not good then return nil, err end
  local about = origin.of(client, opts.command) -- is not counted
  local before = client.transport.client:requests()
  local counted = traffic.new(client)
  local now
  now, err = check_fresh(client, plan)
  if not now then return nil, err end
  local journal <close>, why = begin_journal(path, plan, about)
  if not journal then return nil, why end
  local self = run.new(client, plan, journal, path, opts)
  self.requests_before, self.traffic = before, counted
  self.state, self.first_state = now, now
  if supersede then
    good, err = mark_undone(self, path, supersede)
    if not good then return nil, err end
  end
  return executor.run(self, {})
end

-- ----------------------------------------------------------------- resume

-- The state that the journal recorded last, updated from the space.
local function read_state(self, replayed)
  local draft = state.draft(replayed.state)
  local workflows, err = space.workflows(self.client)
  if not workflows then return nil, err end
  draft.workflows = {}
  for _, workflow in ipairs(workflows) do
    draft.workflows[workflow.id] = workflow
  end
  self.state = draft
  local read
  read, err = stages.read(self)
  if not read then return nil, err end
  self.first_state = self.state
  return true
end

local function check_rest(self, replayed)
  local broken = preconditions.broken_in_plan(
    self.state, replayed.plan.operations, replayed.progress)
  if #broken > 0 then return nil, preconditions.stale(broken) end
  return true
end

local function rolled_back(path)
  return errors.new {
    kind = "refused", message = path .. ": this run was rolled back",
  }
end

-- The run may have been continued since its rollback was planned.
local function unmarked(path)
  return errors.new {
    kind = "refused",
    message = path .. ": this rollback ended before it sent anything; " ..
              "roll the run back again",
  }
end

--- Opens a journal: locks it until `close` or the end of a run, and reads it.
-- @tparam string path
-- @tparam[opt] table moved collects the moves in it (see `moved_items`)
-- @treturn[1] table the session
-- @treturn[2] nil
-- @treturn[2] table the error
function session.open(path, moved)
  local journal, err = journals.open(path)
  if not journal then return nil, err end
  local went, replayed, why = pcall(replay.read, path, moved and
    function(record, self)
      moved:take(record, self.plan.operations[record.operation], self)
    end)
  if went and replayed then
    return setmetatable({ path = path, journal = journal, moved = moved,
                          replayed = replayed }, Session)
  end
  journal:close()
  if not went then error(replayed, 0) end
  return nil, why
end

--- Unlocks the journal, and that of a rollback which was opened with it.
function Session:close()
  self.journal:close()
  if self.rollback then self.rollback:close() end
end

Session.__close = Session.close

--- The run's progress, as `migration.progress` returns it.
function Session:progress() return replay.progress(self.replayed) end

-- True if a run belongs to this client and can be continued; nil and the
-- error.
local function check(client, self)
  local good, err = session.belongs(client, self.replayed.plan)
  if not good then return nil, err end
  if self.replayed.rolled_back then return nil, rolled_back(self.path) end
  if self.replayed.is_unmarked then return nil, unmarked(self.path) end
  return true
end

-- Waits until requests in flight when the run ended would be visible, then
-- reads.
local function wait_and_look(self, replayed, about)
  local good, err = self.journal:write { type = "resumed", at = os.time(),
                                         origin = about }
  if good then good, err = self.journal:sync() end
  if not good then return nil, err end
  if replayed.has_doubt then
    self:settle "requests of the interrupted run to show"
  end
  if not replayed.plan.scope then return true end
  good, err = read_state(self, replayed)
  if not good then return nil, err end
  return check_rest(self, replayed)
end

-- Copies the notes of completed operations, which are not checked again.
local function add_notes(self, replayed)
  for _, note in ipairs(replayed.notes) do
    local progress = replayed.progress[note.operation]
    if progress and progress.done then
      table.insert(self.report.notes, note.message)
    end
  end
end

--- Continues a run. The session is closed afterwards.
-- @tparam table client
-- @tparam table opened the session
-- @tparam table opts the options of `migration.apply`
function session.resume(client, opened, opts)
  local _ <close>, replayed = opened, opened.replayed
  local good, err = check(client, opened)
  if not good then return nil, err end
  local about = not replayed.complete and origin.of(client, opts.command)
  local self = run.new(client, replayed.plan, opened.journal, opened.path,
                       opts)
  self.settled = replayed.moved + replayed.skipped
  self:add(replayed.late)
  add_notes(self, replayed)
  if replayed.complete then return self:already_done() end
  good, err = wait_and_look(self, replayed, about)
  if not good then return nil, err end
  return executor.run(self, replayed.progress)
end

return session
