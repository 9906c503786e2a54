-- workstage apply: carries out a saved plan, or plans a blueprint and
-- carries that out.

local confirm = require "workstage.tool.ui.confirm"
local connect = require "workstage.tool.connect"
local files = require "workstage.tool.files"
local job = require "workstage.tool.job"
local planning = require "workstage.tool.planning"
local runs = require "workstage.tool.runs"
local screen = require "workstage.tool.ui.screen"
local exit_status = require "workstage.tool.exit_status"

local command = {
  summary = "Apply a plan.",
  examples = {
    "workstage apply article.plan",
    "workstage apply article.plan --limit 10     # a canary; then resume",
    "workstage apply article.lua --yes           # plans first",
  },
  ends = "Ctrl-C finishes the requests in flight and stops; 'workstage " ..
         "resume JOURNAL' continues. Exit status: 0 done (or --limit " ..
         "reached), 1 failed, partly failed, stopped or declined, 3 wrong " ..
         "usage, or no terminal to ask at and no --yes.",
}

function command.define(parser)
  parser:argument("file", "A saved plan, or a blueprint.")
    :argname "PLAN|FILE"
  parser:option("--journal", "The journal; by default the file's name with " ..
                ".journal.")
    :argname "FILE"
  confirm.define(parser)
  job.define(parser)
  planning.define(parser)
  connect.define(parser)
end

local function load_plan(parsed)
  if #parsed.map_role > 0 or #parsed.map_user > 0 then
    screen.complain "--map-role and --map-user are for blueprints, not for \z
                     a saved plan"
    return nil, exit_status.USAGE
  end
  local plan, code = files.plan(parsed.file)
  if not plan then return nil, code end
  local self
  self, code = job.new(parsed, plan)
  if not self then return nil, code end
  plan:use_rate(self.client.transport.rate)
  return self, plan
end

local function make_plan(parsed)
  local blueprint, code = files.blueprint(parsed.file, true)
  if not blueprint then return nil, code end
  local self
  self, code = job.new(parsed, blueprint)
  if not self then return nil, code end
  local plan
  plan, code = planning.make(self, blueprint, parsed.file)
  if not plan then return nil, code end
  return self, plan
end

local function hint_at_stale(err, parsed, is_plan)
  if not err or err.kind ~= "stale" then return end
  if is_plan then
    screen.complain("Nothing was changed. To plan again, run: workstage " ..
                    "plan FILE -o %s", screen.word(parsed.file))
  else
    screen.complain "Nothing was changed. The same command plans again."
  end
end

function command.run(parsed)
  local is_plan = files.kind(parsed.file) == "plan"
  local self, plan = (is_plan and load_plan or make_plan)(parsed)
  if not self then return plan end
  if plan:is_empty() then return runs.nothing(self, plan) end
  local journal, code = files.new_journal(parsed.file, plan, parsed.journal)
  if not journal then return code end
  local _, err
  code, _, err = runs.apply(self, plan, journal, { verb = "Apply",
                                                   undo = true })
  hint_at_stale(err, parsed, is_plan)
  return code
end

return command
