--- Asks before anything is changed.
local exit_status = require "workstage.tool.exit_status"
local screen = require "workstage.tool.ui.screen"
local terminal = require "workstage.terminal"

local confirm = {}

local IN = 0

--- Adds the options that answer the question in advance.
function confirm.define(parser)
  parser:flag("-y --yes", "Do not ask.")
  parser:option("--confirm-space", "Do not ask either, for a protected " ..
                "profile: the name of its space.")
    :argname "NAME"
end

-- Discards text that was typed before the question appeared.
local function read_answer(prompt)
  io.stdout:flush()
  terminal.discard_input(IN)
  io.stderr:write(screen.fitted(prompt, screen.width(screen.ERR)))
  io.stderr:flush()
  local answer = io.read "l"
  if not answer then io.stderr:write "\n" end
  return (answer or ""):match "^%s*(.-)%s*$"
end

local function decline(why)
  screen.note(why and why .. " Nothing was changed." or
              "Nothing was changed.")
  return false, exit_status.FAILED
end

local function nobody_to_ask(remedy)
  screen.complain("Nothing was changed. Standard input is not a " ..
                  "terminal. %s", remedy)
  return false, exit_status.USAGE
end

--- Asks for the name of the space, because a mere "y" is not enough.
-- @tparam table parsed the arguments, with `confirm_space`
-- @tparam string question
-- @tparam string name of the space
-- @tparam string why a sentence
-- @treturn[1] boolean true
-- @treturn[2] boolean false
-- @treturn[2] integer the exit status
function confirm.ask_for_name(parsed, question, name, why)
  if parsed.confirm_space == name then return true end
  if parsed.confirm_space then
    screen.complain("--confirm-space: the space is called %s, not %s",
                    screen.clean(name), screen.clean(parsed.confirm_space))
    return false, exit_status.USAGE
  elseif not terminal.is_terminal(IN) then
    return nobody_to_ask(("%s To confirm without a terminal, use " ..
      "--confirm-space %s."):format(why, screen.word(screen.clean(name))))
  end
  local answer = read_answer(("%s\n%s To confirm, type the name of the " ..
    "space (%s): "):format(question, why, screen.clean(name)))
  if answer == name then return true end
  return decline(answer ~= "" and "That is not its name." or nil)
end

--- Asks for confirmation. Fails if standard input is not a terminal.
-- @tparam table parsed the arguments, with `yes` and `confirm_space`
-- @tparam string question
-- @tparam[opt] string protected the name of a protected space
-- @treturn[1] boolean true
-- @treturn[2] boolean false
-- @treturn[2] integer the exit status
function confirm.ask(parsed, question, protected)
  if protected then
    return confirm.ask_for_name(parsed, question, protected,
                                "The profile is protected.")
  end
  if parsed.yes then return true end
  if not terminal.is_terminal(IN) then
    return nobody_to_ask "Use --yes to apply without confirmation."
  end
  local answer = read_answer(question .. " [y/N] "):lower()
  if answer == "y" or answer == "yes" then return true end
  return decline()
end

return confirm
