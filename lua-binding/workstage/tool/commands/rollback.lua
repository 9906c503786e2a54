-- workstage rollback: undoes what a journal says was done.

local confirm = require "workstage.tool.ui.confirm"
local connect = require "workstage.tool.connect"
local files = require "workstage.tool.files"
local job = require "workstage.tool.job"
local migration = require "workstage.migration"
local planning = require "workstage.tool.planning"
local progress = require "workstage.tool.commands.progress"
local terminal = require "workstage.terminal"
local undoing = require "workstage.migration.rollback_session"

local command = {
  summary = "Undo what a run has done.",
  examples = { "workstage rollback article.plan.journal" },
  ends = "Only what still stands as that run left it goes back; the rest " ..
         "is listed. The way back has a journal of its own, " ..
         "JOURNAL.rollback, and is carried on by the same command.",
}

function command.define(parser)
  parser:argument("journal", "The journal of the run."):argname "JOURNAL"
  confirm.define(parser)
  job.define(parser)
  parser:flag("--json", "Write the report as one line of JSON.")
  connect.define(parser)
end

-- Shows the way back and asks; its signals come after the answer.
local function asker(self, back)
  return function(plan)
    self.bar:clear()
    planning.show(plan, self.parsed)
    local agreed, code = confirm.ask(self.parsed, "Roll back?")
    self.refused = code
    if agreed then
      self.bar.is_applying = true
      self:hold(back)
    end
    return agreed
  end
end

-- Until the answer nothing is changed, and a signal ends it at once.
local function begin(self)
  local path = self.parsed.journal
  return self:run(nil, function(client, options)
    terminal.restore()
    self.bar.is_applying = false
    options.confirm = asker(self, path .. ".rollback")
    return migration.rollback(client, path, options)
  end)
end

-- A way back that was begun is carried on; one that is over is not.
local function carry_on(self, path, back)
  local about, found = files.journal(back)
  if not about then return nil, nil, found end
  if about.complete then
    return nil, nil, progress.tell_over(about, { journal = back,
                                                 json = self.parsed.json })
  end
  if not self.parsed.json then
    progress.tell(about, { journal = back }, true)
  end
  local agreed, code = confirm.ask(self.parsed, "Carry on?")
  if not agreed then return nil, nil, code end
  return self:run(back, function(client, options)
    options.journal = nil
    return migration.rollback(client, path, options)
  end)
end

function command.run(parsed)
  local about, code = files.journal(parsed.journal)
  if not about then return code end
  local self
  self, code = job.new(parsed, about)
  if not self then return code end
  local back = parsed.journal .. ".rollback"
  local begun, err = undoing.is_begun(parsed.journal, back)
  local done
  if begun then
    done, err, code = carry_on(self, parsed.journal, back)
    if not done and not err then return code end
  elseif begun == false then
    done, err = begin(self)
    if self.refused then return self.refused end
  end
  return self:tell(done, err, false)
end

return command
