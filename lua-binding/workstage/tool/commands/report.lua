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
  ends = "The page is one file that loads nothing: it can be sent by " ..
         "e-mail, opened on a phone and printed. With Graphviz it has a " ..
         "picture of the workflow. FILE.html may exist if it is a report.",
}

function command.define(parser)
  parser:argument("file", "A saved plan, or a run's journal.")
    :argname "PLAN|JOURNAL"
  parser:option("-o --output", "Write the page to this file; '-' or none: " ..
                "standard output.")
    :argname "FILE.html"
end

-- The picture of a plan; none without Graphviz, or of what it cannot draw.
local function draw(plan)
  if not graphviz.is_installed() then return nil end
  local dot = migration.graph(plan)
  return dot and graphviz.svg(dot)
end

local function make(parsed)
  if files.kind(parsed.file) == "blueprint" then
    screen.complain("%s is neither a plan nor a journal. If it is a " ..
                    "blueprint, run: workstage plan %s -o PLAN",
                    parsed.file, screen.word(parsed.file))
    return nil, exit_status.FAILED
  end
  local html, err = migration.report(parsed.file, { picture = draw })
  if html then return html end
  return nil, failure.tell(err)
end

function command.run(parsed)
  local path = parsed.output ~= "-" and parsed.output or nil
  if not files.may_replace(path, "report") then return exit_status.FAILED end
  local html, code = make(parsed)
  if not html then return code end
  if not path then
    screen.put((html:gsub("\n$", "")))
    return exit_status.DONE
  end
  if not files.write(path, html) then return exit_status.FAILED end
  screen.note("Wrote " .. path)
  return exit_status.DONE
end

return command
