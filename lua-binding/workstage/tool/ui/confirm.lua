--- Asks before anything is changed.
local screen = require "workstage.tool.ui.screen"
local status = require "workstage.tool.exit_status"
local terminal = require "workstage.terminal"

local confirm = {}

local IN = 0

--- Adds the option that answers beforehand.
function confirm.define(parser)
  parser:flag("-y --yes", "Do not ask.")
end

--- Whether a person agrees. Without a terminal there is nobody to ask.
-- @tparam table parsed the arguments, with `yes`
-- @tparam string question
-- @treturn[1] boolean true
-- @treturn[2] boolean false
-- @treturn[2] integer the exit status
function confirm.ask(parsed, question)
  if parsed.yes then return true end
  if not terminal.is_terminal(IN) then
    screen.complain("nothing was changed: there is no terminal to ask at; " ..
                    "with --yes it goes on without asking")
    return false, status.USAGE
  end
  io.stdout:flush()
  io.stderr:write(question, " [y/N] ")
  io.stderr:flush()
  local answer = io.read "l"
  if not answer then io.stderr:write "\n" end
  answer = (answer or ""):lower():match "^%s*(.-)%s*$"
  if answer == "y" or answer == "yes" then return true end
  screen.note "Nothing was changed."
  return false, status.FAILED
end

return confirm
