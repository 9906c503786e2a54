--- Starts a rollback, which is a run with a journal of its own.
local session = require "workstage.migration.session"
local errors = require "workstage.errors"
local moved_items = require "workstage.migration.plan.moved_items"
local journals = require "workstage.migration.journal.file"
local loop = require "workstage.loop"
local plan_rollback = require "workstage.migration.plan.rollback"
local plans = require "workstage.migration.plan"

local rollback_session = {}

-- The remedies for a damaged journal: of the rollback, and of the original run.
local REMEDY = "move the file elsewhere and roll back again: the new plan " ..
               "contains what is left to undo"
local LOST = "the run cannot be rolled back from it; instead, apply a " ..
             "blueprint of the workflows before the run"

local function is_there(path)
  local file = io.open(path)
  if file then file:close() end
  return file ~= nil
end

-- Creates the error for a journal of another run at the rollback's path.
local function refused(back, what)
  return errors.new {
    kind = "refused",
    message = ("%s is the journal of %s; choose another journal for the " ..
               "rollback, or move that file, and roll back again")
              :format(back, what),
  }
end

local function header_of(path)
  local reader, err = journals.read(path)
  if not reader then return nil, err end
  reader:close()
  return reader.header
end

-- True if the journal at the rollback's path belongs to this run's rollback.
local function check_header(back, of_run)
  local header, err = header_of(back)
  if not header then return nil, journals.with_remedy(err, REMEDY) end
  if not header.undoes then
    return nil, refused(back, "a run, not of a rollback")
  elseif header.undoes ~= of_run.run then
    return nil, refused(back, "the rollback of another run")
  end
  return true
end

--- Opens the journal of a run that is to be rolled back.
-- @tparam string path
-- @tparam[opt] string back the path of the rollback's journal
-- @treturn[1] table the session
-- @treturn[2] nil
-- @treturn[2] table the error
function rollback_session.open(path, back)
  back = back or path .. ".rollback"
  local self, err = session.open(path, moved_items.new())
  if self then return self end
  return nil, journals.with_remedy(err, is_there(back) and "resume " ..
    back .. " to continue as planned" or LOST)
end

--- Opens the session of a rollback that has begun. The journal of one that
-- ended before it sent anything is removed, and the rollback begins again, as
-- the run may have been resumed since.
-- @tparam table self the run's session
-- @tparam string back where the rollback's journal is
-- @treturn[1] table|boolean the session; false when none has begun
-- @treturn[2] nil
-- @treturn[2] table the error: `refused` where another's journal is there
function rollback_session.begun(self, back)
  if self.rollback then return self.rollback end
  if not is_there(back) then return false end
  local good, opened, err
  good, err = check_header(back, self.replayed.header)
  if not good then return nil, err end
  opened, err = session.open(back)
  if not opened and not err.unplanned then
    return nil, journals.with_remedy(err, REMEDY)
  elseif opened and not opened.replayed.is_unmarked then
    self.rollback = opened
    return opened
  end
  if opened then opened:close() end
  os.remove(back)
  return false
end

-- Waits until requests that were in flight when the run ended must be visible.
local function wait(client, opts)
  local seconds = client.transport.settle_time
  if opts.on_event then
    opts.on_event { type = "wait", seconds = seconds,
                     reason = "requests of the interrupted run to show" }
  end
  loop.sleep(seconds)
end

-- Plans the rollback.
local function plan_back(client, self, opts)
  local replayed = self.replayed
  local good, err = session.belongs(client, replayed.plan)
  if not good then return nil, err end
  if replayed.has_doubt then wait(client, opts) end
  good, err = self.moved:read_releases(client, replayed)
  if not good then return nil, err end
  good, err = self.moved:take_uncertain(client, replayed)
  if not good then return nil, err end
  local plan
  plan, err = plan_rollback(client, replayed, self.moved:finish())
  if not plan then return nil, err end
  plan.service, plan.kind = replayed.plan.service, "rollback"
  plan.space_id, plan.rate = replayed.plan.space_id, client.transport.rate
  plan.undoes = replayed.header.run
  return plans.new(plan)
end

-- Marks the run as rolled back: it can no longer be resumed.
local function supersede(self)
  return self.journal:intend { type = "rolled_back", at = os.time() }
end

local function begin(client, self, back, opts)
  local plan, err = plan_back(client, self, opts)
  if not plan then return nil, err end
  if opts.confirm and not opts.confirm(plan) then
    return nil, errors.new { kind = "refused",
                             message = "the rollback was not confirmed" }
  end
  return session.begin(client, plan, back, opts, function()
    return supersede(self)
  end)
end

-- Continues a rollback. Marks the run again, as its journal may have been
-- restored from a copy.
local function carry_on(client, self, opts)
  if not self.replayed.rolled_back then
    local good, err = supersede(self)
    if not good then return nil, err end
  end
  return session.resume(client, self.rollback, opts)
end

--- Rolls a run back, or continues its rollback. The session is closed
-- afterwards.
-- @tparam table client
-- @tparam table opened the run's session
-- @tparam table opts the options of `migration.apply`
function rollback_session.run(client, opened, opts)
  local self <close> = opened
  local back = opts.journal or self.path .. ".rollback"
  local begun, err = rollback_session.begun(self, back)
  if begun == nil then return nil, err end
  if begun then return carry_on(client, self, opts) end
  return begin(client, self, back, opts)
end

return rollback_session
