-- workstage rollback: undoes what a run did, as its journal tells.

local confirm = require "workstage.tool.ui.confirm"
local connect = require "workstage.tool.connect"
local files = require "workstage.tool.files"
local job = require "workstage.tool.job"
local json = require "workstage.tool.ui.json"
local migration = require "workstage.migration"
local planning = require "workstage.tool.planning"
local progress = require "workstage.tool.commands.progress"
local describe = require "workstage.migration.plan.describe"
local runs = require "workstage.tool.runs"
local rollback_session = require "workstage.migration.rollback_session"
local terminal = require "workstage.terminal"

local command = {
  summary = "Undo what a run did.",
  examples = {
    "workstage rollback article.plan.journal",
    "workstage rollback article.plan.journal --limit 10",
  },
  ends = "What somebody changed since is left alone and listed. The " ..
         "rollback has its own journal, JOURNAL.rollback; the same command " ..
         "continues it.",
}

function command.define(parser)
  parser:argument("journal", "The run's journal."):argname "JOURNAL"
  confirm.define(parser)
  job.define(parser)
  connect.define(parser)
end

-- Shows the plan of the rollback and asks. Signals are caught only after the
-- answer.
local function asker(self, back, about)
  return function(plan)
    self.bar:clear()
    planning.show(plan, self.parsed, (self:heading()))
    self.events:planned(json.plan(plan))
    local agreed, code = self:confirm "Roll back"
    self.refused = code
    if agreed then
      about.counts = describe.counts(plan)
      self.events:started(back, plan.space_id)
      self.bar.is_applying = true
      self:catch_signals(back)
    end
    return agreed
  end
end

-- Until the answer nothing is changed, and a signal ends it at once.
local function begin(self, session, about)
  local path = self.parsed.journal
  self:heading()
  return self:run(nil, function(client, options)
    terminal.restore()
    self.bar.is_applying = false
    options.confirm = asker(self, path .. ".rollback", about)
    return migration.rollback(client, session, options)
  end)
end

-- A rollback that has begun is continued; a finished one is not repeated.
local function continue(self, session, begun, back)
  local about = begun:progress()
  if about.complete then
    return nil, nil, progress.tell_over(about, { journal = back,
                                                 json = self.parsed.json })
  end
  return runs.continue(self, about, back, function(client, options)
    return migration.rollback(client, session, options)
  end)
end

function command.run(parsed)
  local session <close>, code = files.open(parsed.journal, { rollback = true })
  if not session then return code end
  local self
  self, code = job.new(parsed, session:progress())
  if not self then return code end
  local back, about_run = parsed.journal .. ".rollback", { verb = "Rollback" }
  local begun, err = rollback_session.begun(session, back)
  local done
  if begun then
    done, err, code = continue(self, session, begun, back)
    if not done and not err then return code end
  elseif begun == false then
    done, err = begin(self, session, about_run)
    if self.refused then return self.refused end
  end
  return self:tell(done, err, about_run)
end

return command
