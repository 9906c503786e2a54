--- Where the tool writes: results to the standard output, all else to the
-- standard error; colours and widths where there is a terminal.
local lines = require "workstage.migration.journal.record_file"
local terminal = require "workstage.terminal"
local visible = require "workstage.visible"

local screen = { OUT = 1, ERR = 2 }

local COLORS = { green = "32", red = "31", yellow = "33", cyan = "36",
                 dim = "2", bold = "1" }

--- Whether a terminal that obeys is at a descriptor.
function screen.is_terminal(descriptor)
  return terminal.is_terminal(descriptor) and os.getenv "TERM" ~= "dumb"
end

--- Whether to write colours there: NO_COLOR has a say (no-color.org).
function screen.has_color(descriptor)
  local refused = os.getenv "NO_COLOR"
  return screen.is_terminal(descriptor) and (not refused or refused == "")
end

--- Columns of the terminal at a descriptor; nil where there is none.
function screen.width(descriptor)
  if not terminal.is_terminal(descriptor) then return nil end
  return terminal.width(descriptor) or
         math.tointeger(tonumber(os.getenv "COLUMNS")) or 80
end

--- A function `paint(color, text)` for a descriptor.
function screen.painter(descriptor)
  if not screen.has_color(descriptor) then
    return function(_, text) return text end
  end
  return function(color, text)
    return ("\27[%sm%s\27[0m"):format(COLORS[color], text)
  end
end

--- A text with nothing in it that a terminal would obey.
function screen.clean(text)
  return visible.text(tostring(text))
end

--- How many columns a text takes, near enough.
function screen.columns(text)
  return utf8.len(text) or #text
end

--- The beginning of a text, as much of it as fits.
function screen.cut(text, columns)
  if screen.columns(text) <= columns then return text end
  if columns <= 3 then return ("..."):sub(1, math.max(columns, 0)) end
  local last = utf8.len(text) and utf8.offset(text, columns - 2) or
               columns - 2
  return text:sub(1, last - 1) .. "..."
end

--- A text with blanks behind it, up to a width.
function screen.pad(text, columns)
  return text .. (" "):rep(columns - screen.columns(text))
end

local function write(file, text)
  local good, why, code = file:write(text)
  if not good and not screen.broken then
    screen.broken = { file = file, why = why, code = code }
  end
end

--- A line of the result.
function screen.say(text)
  write(io.stdout, text .. "\n")
end

--- A line beside the result.
function screen.note(text)
  io.stdout:flush()
  write(io.stderr, text .. "\n")
end

--- A sentence about something that went wrong.
function screen.complain(text, ...)
  if select("#", ...) > 0 then text = text:format(...) end
  screen.note("workstage: " .. text)
end

--- A result for programs: one line of JSON, integers exact.
function screen.json(record)
  screen.say(assert(lines.encode(record)))
end

local EPIPE = 32

--- Sees to it that the result is out. A reader who has gone is no failure.
-- @treturn boolean whether it is
function screen.finish()
  local good, why, code = io.stdout:flush()
  if not good and not screen.broken then
    screen.broken = { file = io.stdout, why = why, code = code }
  end
  local broken = screen.broken
  if not broken or broken.file ~= io.stdout or broken.code == EPIPE then
    return true
  end
  screen.complain("the output cannot be written: %s", broken.why)
  return false
end

--- A word of a command line, quoted for the shell where that is needed.
function screen.word(text)
  if text:find "^[%w_./:=@%%+,~-]+$" and not text:find "^~" then
    return text
  end
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

return screen
