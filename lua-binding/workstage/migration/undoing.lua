--- The beginning of a rollback: a run of its own, with its own journal.
local applying = require "workstage.migration.applying"
local errors = require "workstage.errors"
local journals = require "workstage.migration.journal"
local loop = require "workstage.loop"
local plans = require "workstage.migration.plan"
local replay = require "workstage.migration.replay"
local rollback = require "workstage.migration.rollback"

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

-- Whether there is a rollback to be carried on; one that ended before it
-- sent anything is begun again.
local function is_begun(path)
  if not is_there(path) then return false end
  local journal, err = journals.open(path)
  if not journal then return nil, journals.with_remedy(err, REMEDY) end
  local replayed
  replayed, err = replay.read(path)
  if not replayed and err.unplanned then os.remove(path) end
  journal:close()
  if replayed then return true end
  if err.unplanned then return false end
  return nil, journals.with_remedy(err, REMEDY)
end

-- What the journal says, and the moves in it.
local function read(client, path)
  local moved = rollback.moved()
  local replayed, err = replay.read(path, function(record, self)
    moved:take(record, self.plan.operations[record.operation], self.ids)
  end)
  if not replayed then return nil, err end
  local good
  good, err = applying.belongs(client, replayed.plan)
  if not good then return nil, err end
  return replayed, moved
end

-- The plan of the way back, from a journal that is locked meanwhile.
local function plan_back(client, path)
  local replayed, moved = read(client, path)
  if not replayed then return nil, moved end
  loop.sleep(client.transport.settle_time)
  local taken, parts, err
  taken, err = moved:take_begun(client, replayed)
  if not taken then return nil, err end
  parts, err = rollback.plan(client, replayed, moved:finish())
  if not parts then return nil, err end
  return plans.new {
    service = replayed.plan.service, kind = "rollback",
    space_id = replayed.plan.space_id, workflow = replayed.plan.workflow,
    structure = parts.structure, operations = parts.operations, rules = {},
    notes = parts.notes, rate = client.transport.rate,
  }
end

--- Rolls a run back, or carries its rollback on.
-- @tparam table client
-- @tparam string path of the journal
-- @tparam table given the options of `migration.apply`
return function(client, path, given)
  local back = given.journal or path .. ".rollback"
  local begun, err = is_begun(back)
  if begun == nil then return nil, err end
  if begun then return applying.resume(client, back, given) end
  local journal <close>, why = journals.open(path)
  if not journal then return nil, journals.with_remedy(why, LOST) end
  local plan
  plan, err = plan_back(client, path)
  if not plan then return nil, err end
  if given.confirm and not given.confirm(plan) then
    return nil, errors.new { kind = "refused",
                             message = "the rollback was not confirmed" }
  end
  local good
  good, err = journal:intend { type = "rolled_back", at = os.time() }
  if not good then return nil, err end
  return applying.begin(client, plan, back, given)
end
