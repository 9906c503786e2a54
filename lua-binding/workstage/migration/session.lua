--- The beginning of a run: a plan applied for the first time, or one that was
-- stopped carried on.
local apply = require "workstage.migration.execute.perform"
local errors = require "workstage.errors"
local journals = require "workstage.migration.journal.file"
local loop = require "workstage.loop"
local plans = require "workstage.migration.plan"
local replay = require "workstage.migration.journal.replay"
local run = require "workstage.migration.execute.run"
local structure = require "workstage.migration.space"

local applying = {}

-- ----------------------------------------------------------- what is asked

local function stale(differences)
  local err = errors.new {
    kind = "stale",
    message = "the workflow has changed since the plan: " ..
              table.concat(differences, "; "),
  }
  err.differences = differences
  return err
end

--- Whether a plan is one for this client.
function applying.belongs(client, plan)
  if plan.service ~= client.transport.service then
    return nil, errors.invalid(("the plan is one for %s"):format(
      plan.service))
  elseif plan.space_id ~= client.space_id then
    return nil, errors.invalid(("the plan is one for the space %d, not %d")
      :format(plan.space_id, client.space_id))
  end
  return true
end

local function check_absent(client, plan)
  if not plan.workflow then return true end
  local now, err = structure.read_workflow(client, plan.workflow)
  if err then return nil, err end
  if not now then return true end
  return nil, stale { ("the workflow %q is there by now")
                      :format(plan.workflow) }
end

-- Whether the structure is still the one that was planned for.
local function check_fresh(client, plan)
  if plan.service == "kantata" or #plan.operations == 0 then return true end
  local workflow = plan.structure.workflow
  if not workflow then return check_absent(client, plan) end
  local now, err = structure.reread(client, workflow.id)
  if not now and err.kind == "not_found" then
    return nil, stale { ("the workflow %q is gone"):format(workflow.name) }
  elseif not now then
    return nil, err
  end
  local differences = structure.differences(plan.structure, now)
  if #differences > 0 then return nil, stale(differences) end
  return true
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
local function begin_journal(path, plan)
  local journal, err = journals.create(path, {
    plan = plan.id, of = plan.kind, space_id = plan.space_id,
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

local function set_up(self, plan)
  for _, stage in ipairs(plan.structure.stages) do
    local state = {}
    for name, value in pairs(stage) do state[name] = value end
    self.states[stage.id] = state
  end
  self.workflow = plan.structure.workflow and plan.structure.workflow.id
end

-- ------------------------------------------------------------------ apply

-- A plan's file is locked while the plan is applied: a run with another
-- journal at the same time would make each change once more. Where the file
-- is gone, or cannot be locked, there is the journal alone.
local function hold(plan)
  if not plan.path then return nil end
  local held, err = journals.hold(plan.path)
  if held or err.kind ~= "locked" then return held end
  return nil, err
end

-- The journal of the run that is undone is marked once that of the rollback
-- is there, and before anything is sent. That it is, stands in this one.
local function mark_undone(self, path, mark)
  local good, err = mark()
  if good then
    self:note { type = "marked" }
    return true
  end
  self.journal:close()
  os.remove(path)
  return nil, err
end

--- Begins a plan's run, with a journal of its own, and carries it out.
-- @tparam table client
-- @tparam table plan
-- @tparam string path of the journal
-- @tparam table given the options of `migration.apply`
-- @tparam[opt] function mark for a rollback: marks the journal of the run
--   that is undone; true, or nil and the error
function applying.begin(client, plan, path, given, mark)
  local before = client.transport.client:requests()
  local _ <close>, taken = hold(plan)
  if taken then return nil, taken end
  local good, err = applying.belongs(client, plan)
  if good and plan.kind ~= "rollback" then
    good, err = check_fresh(client, plan)
  end
  if not good then return nil, err end
  local journal <close>, why = begin_journal(path, plan)
  if not journal then return nil, why end
  local self = run.new(client, plan, journal, path, given)
  self.requests_before = before
  set_up(self, plan)
  -- a rollback is not compared with what is there, and may have been asked
  -- about for a while
  self.is_aged = plan.kind == "rollback"
  if mark then
    good, err = mark_undone(self, path, mark)
    if not good then return nil, err end
  end
  return apply.go_on(self, {})
end

-- ----------------------------------------------------------------- resume

local function is_cleared(plan, progress)
  for index, operation in ipairs(plan.operations) do
    if operation.op == "clear_workflow" then
      return progress[index] and progress[index].done
    end
  end
  return true
end

-- What is in a workflow that the run made, came with it and was not taken
-- for one of its own. A journal that does not tell what came with it is an
-- old one: all that the run did not make is taken for that then.
local function given_stages(stages, ids, came)
  local made, given, known = {}, {}, {}
  for _, id in pairs(ids) do made[id] = true end
  for _, stage in ipairs(came or stages) do known[stage.id] = true end
  for _, stage in ipairs(stages) do
    if known[stage.id] and not made[stage.id] then
      given[#given + 1] = stage
    end
  end
  return given
end

-- A stage whose making was under way is not one that came by itself.
local function without_begun(given, plan, progress)
  local begun, left = {}, {}
  for index, operation in ipairs(plan.operations) do
    local state = progress[index]
    if operation.op == "create_stage" and state and not state.done then
      begun[operation.name] = true
    end
  end
  for _, stage in ipairs(given) do
    if not begun[stage.name] then left[#left + 1] = stage end
  end
  return left
end

-- A workflow whose making has not begun, or was refused, may have been made
-- by others meanwhile.
local function check_unmade(self, replayed)
  local first, state = replayed.plan.operations[1], replayed.progress[1]
  local is_unmade = first and first.op == "create_workflow" and
                    not (state and state.started)
  if not is_unmade then return true end
  return check_absent(self.client, replayed.plan)
end

-- The stages as they are now: an update sends all that they have.
local function refresh(self, replayed)
  self.ids, self.deleted = replayed.ids, replayed.deleted
  self.workflow = replayed.workflow or self.workflow
  if not self.workflow then return check_unmade(self, replayed) end
  local stages, err = structure.stages(self.client, self.workflow)
  if not stages then return nil, err end
  for _, stage in ipairs(stages) do self.states[stage.id] = stage end
  if not is_cleared(replayed.plan, replayed.progress) then
    self.given = without_begun(
      given_stages(stages, self.ids, replayed.given), replayed.plan,
      replayed.progress)
  end
  return true
end

local function rolled_back(path)
  return errors.new {
    kind = "refused", message = path .. ": this run was rolled back",
  }
end

-- The run that it undoes may have been carried on since it was planned.
local function unmarked(path)
  return errors.new {
    kind = "refused",
    message = path .. ": this rollback ended before it sent anything; " ..
              "roll the run back again",
  }
end

local REMEDY = "nothing was sent, and a new plan holds what is left to do"

-- What a journal says, if it is this client's and still to be carried on.
local function read(client, path)
  local replayed, err = replay.read(path)
  if not replayed then return nil, journals.with_remedy(err, REMEDY) end
  local good
  good, err = applying.belongs(client, replayed.plan)
  if not good then return nil, err end
  if replayed.rolled_back then return nil, rolled_back(path) end
  if replayed.is_unmarked then return nil, unmarked(path) end
  return replayed
end

-- What was under way when the run ended may take so long to show.
local function wait_and_look(self, replayed)
  local good, err = self.journal:write { type = "resumed", at = os.time() }
  if good then good, err = self.journal:sync() end
  if not good then return nil, err end
  loop.sleep(self.client.transport.settle_time)
  set_up(self, replayed.plan)
  return refresh(self, replayed)
end

-- What a rollback has left as it is on its way, it does not look at again.
local function add_notes(self, replayed)
  if replayed.plan.kind ~= "rollback" then return end
  local notes = self.report.notes
  table.move(replayed.notes, 1, #replayed.notes, #notes + 1, notes)
end

--- Carries on what a journal says.
-- @tparam table client
-- @tparam string path of the journal
-- @tparam table given the options of `migration.apply`
function applying.resume(client, path, given)
  local journal <close>, why = journals.open(path)
  if not journal then return nil, journals.with_remedy(why, REMEDY) end
  local replayed, err = read(client, path)
  if not replayed then return nil, err end
  local self = run.new(client, replayed.plan, journal, path, given)
  self.settled = replayed.moved + replayed.skipped
  self:add(replayed.late)
  add_notes(self, replayed)
  if replayed.complete then return self:already_done() end
  local good
  good, err = wait_and_look(self, replayed)
  if not good then return nil, err end
  return apply.go_on(self, replayed.progress)
end

return applying
