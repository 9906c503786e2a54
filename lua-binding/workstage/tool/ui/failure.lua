--- Errors in sentences, and what to type next.
local exit_status = require "workstage.tool.exit_status"
local screen = require "workstage.tool.ui.screen"

local failure = {}

local COLORS = { error = "red", warning = "yellow", note = "cyan" }

--- A finding of a check as a line: "article.lua:12: error: stages[1]: ...".
-- @tparam string path of the blueprint
-- @tparam table finding
-- @tparam integer descriptor where it will be written, for its colour
function failure.finding(path, finding, descriptor)
  local paint = screen.painter(descriptor)
  local where = finding.where ~= "" and finding.where .. ": " or ""
  return ("%s:%s %s: %s%s"):format(
    screen.clean(finding.file or path),
    finding.line and finding.line .. ":" or "",
    paint(COLORS[finding.level], finding.level), where,
    screen.clean(finding.message))
end

--- Writes findings of a check, one a line.
-- @tparam string path of the blueprint
-- @tparam table findings
function failure.findings(path, findings)
  for _, finding in ipairs(findings or {}) do
    screen.note(failure.finding(path, finding, screen.ERR))
  end
end

-- A command that moves items has written its blueprint itself, so the place
-- in it says nothing.
local function problems(err, has_blueprint)
  screen.complain "This cannot be planned:"
  for _, problem in ipairs(err.problems) do
    problem = problem:gsub("map_(%l+)%)$", "--map-%1 A=B)")
    if not has_blueprint then problem = problem:gsub("^moves%[%d+%]: ", "") end
    screen.note("  - " .. screen.clean(problem))
  end
  if err.moves then
    screen.note "To move them, add to the blueprint:"
    screen.put_note(err.moves)
  end
end

-- The lists of a space are there wherever the space is.
local function missing_space(err)
  return type(err) == "table" and err.status == 404 and
         (err.url or ""):match "/v1/spaces/(%d+)/workflows$"
end

--- Writes why something failed.
-- @param err
-- @tparam[opt] string path of the blueprint
-- @treturn integer the exit status
function failure.tell(err, path)
  if type(err) == "table" and err.findings then
    failure.findings(path or "blueprint", err.findings)
  elseif type(err) == "table" and err.problems then
    problems(err, path ~= nil)
  elseif missing_space(err) then
    screen.complain("There is no space %s that this token may see. To check " ..
                    "the settings, run: workstage doctor", missing_space(err))
  else
    screen.complain("%s", tostring(err))
  end
  return exit_status.FAILED
end

return failure
