--- What went wrong, in sentences, and what to type next.
local errors = require "workstage.errors"
local screen = require "workstage.tool.ui.screen"
local status = require "workstage.tool.exit_status"

local failure = {}

-- What an error advises is for scripts; here a variable holds the token.
local function advice(text)
  return (text:gsub("give it as oauth_token",
                    "put it into STORYBLOK_OAUTH_TOKEN, without " ..
                    "STORYBLOK_TOKEN")
              :gsub("give it as token", "put it into STORYBLOK_TOKEN"))
end

--- An error as one sentence.
function failure.sentence(err)
  local text = tostring(err)
  if errors.is(err) and err.kind == "unauthorized" then
    text = advice(text)
  end
  return text
end

--- A finding of a check as a line.
function failure.finding(finding)
  local place = finding.where ~= "" and finding.where .. ": " or ""
  return ("%s: %s%s"):format(finding.level, place, finding.message)
end

--- Findings of a check, one a line.
-- @tparam string path of the blueprint
-- @tparam table findings
function failure.findings(path, findings)
  for _, finding in ipairs(findings or {}) do
    screen.note(("%s: %s"):format(path, failure.finding(finding)))
  end
end

local function problems(err)
  screen.complain "this cannot be planned:"
  for _, problem in ipairs(err.problems) do
    screen.note("  - " .. problem:gsub("map_(%l+)%)$", "--map-%1 A=B)"))
  end
  if err.moves then
    screen.note "To move them, add to the blueprint:"
    screen.note(err.moves)
  end
end

--- Says why nothing came of it.
-- @param err
-- @tparam[opt] string path of the blueprint
-- @treturn integer the exit status
function failure.tell(err, path)
  if type(err) == "table" and err.findings then
    failure.findings(path or "blueprint", err.findings)
  elseif type(err) == "table" and err.problems then
    problems(err)
  else
    screen.complain("%s", failure.sentence(err))
  end
  return status.FAILED
end

return failure
