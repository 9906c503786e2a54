-- workstage resume: continues a run that was stopped.

local confirm = require "workstage.tool.ui.confirm"
local connect = require "workstage.tool.connect"
local files = require "workstage.tool.files"
local job = require "workstage.tool.job"
local migration = require "workstage.migration"
local progress = require "workstage.tool.commands.progress"
local runs = require "workstage.tool.runs"

local command = {
  summary = "Continue a run that was stopped.",
  examples = {
    "workstage resume article.plan.journal",
    "workstage resume article.plan.journal --yes --json",
  },
  ends = "Failed items are tried again. Nothing is done twice.",
}

function command.define(parser)
  parser:argument("journal", "The run's journal."):argname "JOURNAL"
  confirm.define(parser)
  job.define(parser)
  connect.define(parser)
end

function command.run(parsed)
  local session <close>, code = files.open(parsed.journal)
  if not session then return code end
  local about = session:progress()
  if about.rolled_back then
    return job.refuse(parsed, "This run was rolled back. There is nothing " ..
                              "to continue.")
  elseif about.complete then
    return progress.tell_over(about, parsed)
  end
  local self
  self, code = job.new(parsed, about)
  if not self then return code end
  local done, err
  done, err, code = runs.continue(self, about, parsed.journal,
    function(client, options)
      return migration.resume(client, session, options)
    end)
  if code then return code end
  local is_rollback = about.kind == "rollback"
  return self:tell(done, err, { verb = is_rollback and "Rollback" or "Apply",
                                undo = not is_rollback })
end

return command
