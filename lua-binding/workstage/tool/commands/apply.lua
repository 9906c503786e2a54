-- workstage apply: carries out a saved plan, or plans a blueprint and
-- carries that out.

local confirm = require "workstage.tool.ui.confirm"
local connect = require "workstage.tool.connect"
local files = require "workstage.tool.files"
local job = require "workstage.tool.job"
local migration = require "workstage.migration"
local planning = require "workstage.tool.planning"
local json = require "workstage.tool.ui.json"
local screen = require "workstage.tool.ui.screen"
local status = require "workstage.tool.exit_status"

local command = {
  summary = "Carry out a plan.",
  examples = {
    "workstage apply article.plan",
    "workstage apply article.plan --limit 10     # a canary; then resume",
    "workstage apply article.lua --yes           # plans first",
  },
  ends = "Ctrl-C finishes what is under way; the journal tells where to " ..
         "carry on. Exit status: 0 done (or --limit reached), 1 failed, " ..
         "partly failed, stopped or not agreed to, 3 wrong usage, or " ..
         "nobody to ask and no --yes.",
}

function command.define(parser)
  parser:argument("file", "A saved plan, or a blueprint.")
    :argname "PLAN|FILE"
  parser:option("--journal", "Where to write down what is done; else the " ..
                "file's name with .journal.")
    :argname "FILE"
  confirm.define(parser)
  job.define(parser)
  planning.define(parser)
  parser:flag("--json", "Write the report as one line of JSON.")
  connect.define(parser)
end

local function load_plan(parsed)
  if #parsed.map_role > 0 or #parsed.map_user > 0 then
    screen.complain "--map-role and --map-user are for planning; this plan \z
                     is made already"
    return nil, status.USAGE
  end
  local plan, code = files.plan(parsed.file)
  if not plan then return nil, code end
  local self
  self, code = job.new(parsed, plan)
  return self, self and plan or code
end

local function make_plan(parsed)
  local blueprint, code = files.blueprint(parsed.file, true)
  if not blueprint then return nil, code end
  local self
  self, code = job.new(parsed, blueprint)
  if not self then return nil, code end
  local plan
  plan, code = planning.make(self, blueprint)
  if not plan then return nil, code end
  return self, plan
end

local function nothing_to_do(plan, parsed)
  if parsed.json then screen.json(json.nothing(plan.id)) end
  return status.DONE
end

local function hint_at_stale(err, parsed, is_plan)
  if not err or err.kind ~= "stale" then return end
  if is_plan then
    screen.complain("nothing was changed; plan again: workstage plan FILE " ..
                    "-o %s", screen.word(parsed.file))
  else
    screen.complain "nothing was changed; the same command plans again"
  end
end

function command.run(parsed)
  local is_plan = files.kind(parsed.file) == "plan"
  local self, plan = (is_plan and load_plan or make_plan)(parsed)
  if not self then return plan end
  if plan:is_empty() then
    planning.show(plan, parsed)
    return nothing_to_do(plan, parsed)
  end
  local journal, code = files.new_journal(parsed.file, plan, parsed.journal)
  if not journal then return code end
  planning.show(plan, parsed)
  local agreed
  agreed, code = confirm.ask(parsed, "Apply?")
  if not agreed then return code end
  local done, err = self:run(journal, function(client, options)
    return migration.apply(client, plan, options)
  end)
  code = self:tell(done, err, true)
  hint_at_stale(err, parsed, is_plan)
  return code
end

return command
