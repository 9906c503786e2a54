--- Where the tool writes: results to the standard output, everything else to
-- the standard error; with colours and widths where there is a terminal.
local record_file = require "workstage.migration.journal.record_file"
local shell = require "workstage.shell"
local terminal = require "workstage.terminal"
local visible = require "workstage.visible"

local screen = { OUT = 1, ERR = 2 }

local COLORS = { green = "32", red = "31", yellow = "33", cyan = "36",
                 dim = "2", bold = "1" }

-- --------------------------------------------------------------- terminals

--- True if a terminal that understands escapes is at a descriptor.
function screen.is_terminal(descriptor)
  return terminal.is_terminal(descriptor) and os.getenv "TERM" ~= "dumb"
end

--- True if colours are wanted there; NO_COLOR turns them off (no-color.org).
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
    return color and ("\27[%sm%s\27[0m"):format(COLORS[color], text) or text
  end
end

-- -------------------------------------------------------------------- texts

--- Text from outside, with control characters made visible.
function screen.clean(text)
  return visible.text(tostring(text))
end

--- The same in quotes: a name in a sentence.
function screen.quoted(text)
  return visible.quoted(tostring(text))
end

--- The number of cells that a text takes on a terminal. A byte that is not
-- UTF-8 counts as one, a colour takes none.
function screen.columns(text)
  text = text:gsub("\27%[[%d;]*m", "")
  if not text:find "[\x80-\xFF]" then return #text end
  if not utf8.len(text) then return #text end
  local cells = 0
  for _, code in utf8.codes(text) do
    cells = cells + (code < 128 and 1 or terminal.cells(code))
  end
  return cells
end

-- The longest beginning of a text that takes at most so many cells.
local function beginning(text, columns)
  if not utf8.len(text) then return text:sub(1, columns) end
  local cells = 0
  for place, code in utf8.codes(text) do
    cells = cells + terminal.cells(code)
    if cells > columns then return text:sub(1, place - 1) end
  end
  return text
end

--- A text shortened to so many cells; "..." marks what is left out.
function screen.cut(text, columns)
  if screen.columns(text) <= columns then return text end
  if columns <= 3 then return ("..."):sub(1, math.max(columns, 0)) end
  return beginning(text, columns - 3) .. "..."
end

--- A text with blanks after it, or before it, up to a width.
-- @tparam string text
-- @tparam integer columns
-- @tparam[opt] boolean is_right true puts the blanks before it
function screen.pad(text, columns, is_right)
  local blanks = (" "):rep(columns - screen.columns(text))
  return is_right and blanks .. text or text .. blanks
end

-- Divides a text at blanks. Several blanks in a row stay within a line.
local function divided(text, columns)
  local lines, line = {}, nil
  for blanks, word in text:gmatch "(%s*)(%S+)" do
    local longer = line and line .. blanks .. word or word
    if line and screen.columns(longer) > columns then
      lines[#lines + 1] = line
      line = word
    else
      line = longer
    end
  end
  lines[#lines + 1] = line
  return lines
end

-- A command ends its sentence: "To continue, run: workstage resume ...".
local COMMAND = "^(.*%f[%a]run:) (workstage .*)$"

--- A text in lines of at most so many cells, divided at blanks. Where it has to
-- be divided, a command at its end has a line of its own and is never divided,
-- so that it can be copied.
-- @tparam string text
-- @tparam ?integer columns nil: one line
-- @treturn table the lines
function screen.lines(text, columns)
  if not columns or screen.columns(text) <= columns then return { text } end
  local prose, command = text:match(COMMAND)
  local lines = divided(prose or text, columns)
  lines[#lines + 1] = command
  return lines
end

local NO_BREAK = "\0" -- a blank between a sign and its word

--- The same for a line that may be indented: what does not fit goes on below
-- its first word, two cells further in.
-- @tparam string text
-- @tparam ?integer columns nil: one line
-- @treturn table the lines
function screen.folded(text, columns)
  if not columns or screen.columns(text) <= columns then return { text } end
  local indent = text:match "^ *"
  local signed = text:gsub("(%s[-+>~!.]) ", "%1" .. NO_BREAK)
  local lines = screen.lines(signed, columns - #indent - 2)
  for i, line in ipairs(lines) do
    lines[i] = indent .. (i > 1 and "  " or "") .. line:gsub(NO_BREAK, " ")
  end
  return lines
end

--- The same for several lines, as one text.
-- @tparam string text
-- @tparam ?integer columns nil: unchanged
-- @treturn string
function screen.fitted(text, columns)
  return (text:gsub("[^\n]+", function(line)
    return table.concat(screen.folded(line, columns), "\n")
  end))
end

--- A number with its noun.
-- @tparam integer number
-- @tparam string one the singular
-- @tparam[opt] string many the plural; the singular with an s unless given
-- @treturn string "1 item", "3 items"
function screen.count(number, one, many)
  return ("%d %s"):format(number, number == 1 and one or many or one .. "s")
end

--- A word of a command line, quoted for the shell where that is needed.
screen.word = shell.word

-- ------------------------------------------------------------------- output

local aliases = {} -- path -> the name that a person gave

--- From now on a path is written as the name that a person gave for it.
function screen.alias(path, name)
  aliases[path] = name
end

--- True if a path is written as another name.
function screen.is_alias(path)
  return aliases[path] ~= nil
end

local function with_names(text)
  for path, name in pairs(aliases) do
    text = text:gsub(path:gsub("%p", "%%%0"), (name:gsub("%%", "%%%%")))
  end
  return text
end

local function write(file, text)
  text = with_names(text)
  local good, why, code = file:write(text)
  if not good and not screen.broken then
    screen.broken = { file = file, why = why, code = code }
  end
end

-- A sentence on a descriptor, folded where its terminal is too narrow.
local function sentence(descriptor, text, color)
  local paint = screen.painter(descriptor)
  local fitted = screen.fitted(text, screen.width(descriptor))
  return (fitted:gsub("[^\n]+", function(line) return paint(color, line) end))
end

--- Writes a part of the result exactly as it is: whole lines of data.
function screen.write(text)
  write(io.stdout, text)
end

--- The same for a line.
function screen.put(text)
  screen.write(text .. "\n")
end

--- Writes a sentence of the result, folded where the terminal is too narrow.
-- @tparam string text
-- @tparam[opt] string color
function screen.say(text, color)
  screen.put(sentence(screen.OUT, text, color))
end

--- Writes something exactly as it is that is not part of the result.
function screen.put_note(text)
  io.stdout:flush()
  write(io.stderr, text .. "\n")
end

--- The same for a sentence, folded where the terminal is too narrow.
function screen.note(text)
  screen.put_note(sentence(screen.ERR, text))
end

--- Writes a message about a problem; nothing while `screen.is_quiet` is set.
function screen.complain(text, ...)
  if screen.is_quiet then return end
  if select("#", ...) > 0 then text = text:format(...) end
  screen.note("workstage: " .. text)
end

--- Writes a result for programs: one line of JSON, integers exact.
function screen.json(record)
  screen.put(assert(record_file.encode(record)))
end

--- Writes a line of JSON at once: an event, which somebody waits for.
function screen.event(record)
  screen.json(record)
  io.stdout:flush()
end

local EPIPE = 32

--- Flushes the standard output. A pipe that its reader has closed is not a
-- failure.
-- @treturn boolean false if the output is not complete
function screen.finish()
  local good, why, code = io.stdout:flush()
  if not good and not screen.broken then
    screen.broken = { file = io.stdout, why = why, code = code }
  end
  local broken = screen.broken
  if not broken or broken.file ~= io.stdout or broken.code == EPIPE then
    return true
  end
  screen.complain("cannot write to the standard output: %s", broken.why)
  return false
end

return screen
