--- The beginning of a rollback: a run of its own, with its own journal.
local session = require "workstage.migration.session"
local errors = require "workstage.errors"
local moved_items = require "workstage.migration.plan.moved_items"
local journals = require "workstage.migration.journal.file"
local loop = require "workstage.loop"
local plan_rollback = require "workstage.migration.plan.rollback"
local plans = require "workstage.migration.plan"
local replay = require "workstage.migration.journal.replay"

local rollback_session = {}

-- For a journal of the way back, and for that of the way there.
local REMEDY = "take the file away and roll back again: a new plan holds " ..
               "what is left to undo"
local LOST = "what it did cannot be told from it; a blueprint of how things " ..
             "were, and a plan of that, lead back"

local function is_there(path)
  local file = io.open(path)
  if file then file:close() end
  return file ~= nil
end

local function header_of(path)
  local reader, err = journals.read(path)
  if not reader then return nil, err end
  reader:close()
  return reader.header
end

-- The journal at a rollback's path is another's.
local function refused(back, what)
  return errors.new {
    kind = "refused",
    message = ("%s is the journal of %s; give the rollback's another name, " ..
               "or move that file away, and roll back again")
              :format(back, what),
  }
end

-- Whether the header at a rollback's path is that of this run's rollback.
local function check_header(path, back)
  local there, err = header_of(back)
  if not there then return nil, journals.with_remedy(err, REMEDY) end
  if not there.undoes then
    return nil, refused(back, "a run, and not of a rollback")
  end
  local run
  run, err = header_of(path)
  if not run then return nil, journals.with_remedy(err, LOST) end
  if there.undoes ~= run.run then
    return nil, refused(back, "the rollback of another run")
  end
  return true
end

--- Whether a run's rollback is there to be carried on. One that ended before
-- it could send anything is taken away, and begun again: the run itself may
-- have been carried on since.
-- @tparam string path of the run's journal
-- @tparam string back where the rollback's is to be
-- @treturn[1] boolean
-- @treturn[2] nil
-- @treturn[2] table the error: `refused` where another's journal is there
function rollback_session.is_begun(path, back)
  if not is_there(back) then return false end
  local good, err = check_header(path, back)
  if not good then return nil, err end
  local journal <close>, why = journals.open(back)
  if not journal then return nil, journals.with_remedy(why, REMEDY) end
  local there
  there, err = replay.read(back)
  if there and not there.is_unmarked then
    return true
  elseif not there and not err.unplanned then
    return nil, journals.with_remedy(err, REMEDY)
  end
  os.remove(back)
  return false
end

-- What the journal says, and the moves in it.
local function read(client, path)
  local moved = moved_items.new()
  local replayed, err = replay.read(path, function(record, self)
    moved:take(record, self.plan.operations[record.operation], self)
  end)
  if not replayed then return nil, err end
  local good
  good, err = session.belongs(client, replayed.plan)
  if not good then return nil, err end
  return replayed, moved
end

-- What was in flight when the run ended may take so long to show.
local function wait(client, given)
  local seconds = client.transport.settle_time
  if given.on_event then
    given.on_event { type = "wait", seconds = seconds,
                     reason = "requests of the interrupted run to show" }
  end
  loop.sleep(seconds)
end

-- The plan of the way back, from a journal that is locked meanwhile.
local function plan_back(client, path, given)
  local replayed, moved = read(client, path)
  if not replayed then return nil, moved end
  if replayed.has_doubt then wait(client, given) end
  local taken, plan, err
  taken, err = moved:take_uncertain(client, replayed)
  if not taken then return nil, err end
  plan, err = plan_rollback(client, replayed, moved:finish())
  if not plan then return nil, err end
  plan.service, plan.kind = replayed.plan.service, "rollback"
  plan.space_id, plan.rate = replayed.plan.space_id, client.transport.rate
  plan.undoes = replayed.header.run
  return plans.new(plan)
end

-- From then on the run is not carried on any more.
local function mark(journal)
  return journal:intend { type = "rolled_back", at = os.time() }
end

local function begin(client, path, back, given)
  local journal <close>, why = journals.open(path)
  if not journal then return nil, journals.with_remedy(why, LOST) end
  local plan, err = plan_back(client, path, given)
  if not plan then return nil, err end
  if given.confirm and not given.confirm(plan) then
    return nil, errors.new { kind = "refused",
                             message = "the rollback was not confirmed" }
  end
  return session.begin(client, plan, back, given, function()
    return mark(journal)
  end)
end

-- A run's journal that was put back from a copy has lost its mark.
local function carry_on(client, path, back, given)
  local journal <close>, why = journals.open(path)
  local run, err = nil, why
  if journal then run, err = replay.read(path) end
  if not run then
    return nil, journals.with_remedy(err, "resume " .. back ..
                                     " to carry on what was planned")
  end
  if not run.rolled_back then
    local good
    good, err = mark(journal)
    if not good then return nil, err end
  end
  return session.resume(client, back, given)
end

--- Rolls a run back, or carries its rollback on.
-- @tparam table client
-- @tparam string path of the journal
-- @tparam table given the options of `migration.apply`
function rollback_session.run(client, path, given)
  local back = given.journal or path .. ".rollback"
  local begun, err = rollback_session.is_begun(path, back)
  if begun == nil then return nil, err end
  local go = begun and carry_on or begin
  return go(client, path, back, given)
end

return rollback_session
