-- workstage resume: carries on a run that was stopped, wherever it was.

local confirm = require "workstage.tool.ui.confirm"
local connect = require "workstage.tool.connect"
local files = require "workstage.tool.files"
local job = require "workstage.tool.job"
local migration = require "workstage.migration"
local progress = require "workstage.tool.commands.progress"

local command = {
  summary = "Carry on a run that was stopped.",
  examples = { "workstage resume article.plan.journal" },
  ends = "What failed is tried again; nothing is done twice.",
}

function command.define(parser)
  parser:argument("journal", "The journal of the run."):argname "JOURNAL"
  confirm.define(parser)
  job.define(parser)
  parser:flag("--json", "Write the report as one line of JSON.")
  connect.define(parser)
end

function command.run(parsed)
  local about, code = files.journal(parsed.journal)
  if not about then return code end
  if about.rolled_back then
    return job.refuse(parsed,
      "this run was rolled back; there is nothing to carry on")
  elseif about.complete then
    return progress.tell_over(about, parsed)
  end
  local self
  self, code = job.new(parsed, about)
  if not self then return code end
  if not parsed.json then progress.tell(about, parsed, true) end
  local agreed
  agreed, code = confirm.ask(parsed, "Carry on?")
  if not agreed then return code end
  local done, err = self:run(parsed.journal, function(client, options)
    options.journal = nil
    return migration.resume(client, parsed.journal, options)
  end)
  return self:tell(done, err, about.kind ~= "rollback")
end

return command
