-- workstage report: a plan or a run as a page of HTML.

local exit_status = require "workstage.tool.exit_status"
local failure = require "workstage.tool.ui.failure"
local files = require "workstage.tool.files"
local graphviz = require "workstage.tool.graphviz"
local migration = require "workstage.migration"
local screen = require "workstage.tool.ui.screen"

local command = {
  summary = "Write a plan or a run as a page to look at and to send. " ..
            "No network.",
  examples = {
    "workstage report article.plan -o plan.html",
    "workstage report article.plan.journal -o run.html",
  },
  ends = "The page is one file without scripts from elsewhere: it can be " ..
         "sent by e-mail, opened on a telephone and printed. With Graphviz " ..
         "it has a picture of the workflow.",
}

function command.define(parser)
  parser:argument("file", "A saved plan, or a run's journal.")
    :argname "PLAN|JOURNAL"
  parser:option("-o --output", "Write the page to this file.")
    :argname "FILE.html"
  parser:option("--space-name", "What the page calls the space.")
    :argname "NAME"
  parser:option("--by", "Who made the plan or the run."):argname "NAME"
end

-- The picture of a plan; none without Graphviz, or of what it cannot draw.
local function draw(plan)
  if not graphviz.is_installed() then return nil end
  local dot = migration.graph(plan)
  return dot and graphviz.svg(dot)
end

local function make(parsed)
  local opts = { space = parsed.space_name, user = parsed.by,
                  picture = draw }
  local kind = files.kind(parsed.file)
  if kind == "blueprint" then
    screen.complain("%s is a blueprint. To plan it first, run: workstage " ..
                    "plan %s -o PLAN", parsed.file, screen.word(parsed.file))
    return nil, exit_status.FAILED
  elseif kind == "plan" then
    local plan, code = files.plan(parsed.file)
    if not plan then return nil, code end
    opts.path = parsed.file
    return migration.report(plan, opts)
  end
  local html, err = migration.report(parsed.file, opts)
  if html then return html end
  return nil, failure.tell(err)
end

function command.run(parsed)
  if parsed.output == parsed.file then
    screen.complain "the page would overwrite what it is made from"
    return exit_status.USAGE
  end
  local html, code = make(parsed)
  if not html then return code end
  if not parsed.output then
    screen.put((html:gsub("\n$", "")))
    return exit_status.DONE
  end
  if not files.write(parsed.output, html) then return exit_status.FAILED end
  screen.note("Wrote " .. parsed.output)
  return exit_status.DONE
end

return command
