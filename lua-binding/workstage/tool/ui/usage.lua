--- Help texts, and what is wrong with a command line: in the words that the
-- help text uses.
local core = require "workstage.core"
local exit_status = require "workstage.tool.exit_status"
local screen = require "workstage.tool.ui.screen"

local usage = {}

local WIDEST = 79 -- columns of a help text
local NARROW = 60 -- with fewer, descriptions stand below what they describe

-- --------------------------------------------------------------- help texts

local function width(descriptor)
  return math.min(WIDEST, screen.width(descriptor) or WIDEST)
end

--- Fits the texts of a parser to the terminal.
-- @tparam table parser of the whole tool
function usage.fit(parser)
  local columns = width(screen.OUT)
  parser:help_max_width(columns)
    :help_description_margin(columns < NARROW and 6 or 27)
end

-- All options in the first line would hide what has to be given.
local function usage_of(parser, descriptor)
  local words = { "Usage: " .. parser:_get_fullname() .. " [options]" }
  for _, argument in ipairs(parser._arguments) do
    words[#words + 1] = argument:_get_usage()
  end
  if #parser._commands > 0 then words[#words + 1] = "COMMAND ..." end
  return screen.fitted(table.concat(words, " "), width(descriptor))
end

local function set_label(element, label)
  function element._get_label_lines() return { label } end
end

-- argparse gives each name of an option a line of its own, and calls an
-- argument as the code does.
local function set_labels(parser)
  for _, option in ipairs(parser._options) do
    local aliases = option._public_aliases
    if #aliases > 1 and option._argname then
      set_label(option, ("%s %s"):format(table.concat(aliases, ", "),
                                         option._argname))
    end
  end
  for _, argument in ipairs(parser._arguments) do
    set_label(argument, argument._argname)
  end
end

-- Lines of sentences, folded.
local function paragraphs(text, columns)
  return (text:gsub("[^\n]+", function(line)
    return table.concat(screen.lines(line, columns), "\n")
  end))
end

--- Completes the help text of a command once its options are defined.
-- @tparam table parser
-- @tparam table about `examples`: command lines, which are never folded, with
--   their `title`; `ends`: last sentences
function usage.complete(parser, about)
  local get_help = parser.get_help
  set_labels(parser)
  function parser.get_usage() return usage_of(parser, screen.OUT) end
  function parser.get_help(self)
    local parts = { get_help(self) }
    if about.examples then
      parts[2] = ("%s:\n  %s"):format(about.title or "Examples",
                                      table.concat(about.examples, "\n  "))
    end
    parts[#parts + 1] = about.ends and paragraphs(about.ends,
                                                  width(screen.OUT))
    return table.concat(parts, "\n\n")
  end
end

-- ----------------------------------------------------------------- mistakes

local function near_name(name, list)
  local near = core.nearest(list, name)
  return near and (". Did you mean %s?"):format(near) or ""
end

local function option_names(parser)
  local names = {}
  for _, option in ipairs(parser._options) do
    for _, alias in ipairs(option._hidden and {} or option._public_aliases) do
      names[#names + 1] = alias
    end
  end
  return names
end

local function command_names(parser)
  local names = {}
  for _, command in ipairs(parser._commands) do
    if not command._hidden then names[#names + 1] = command._name end
  end
  return names
end

-- An argument or an option by the name that argparse says.
local function element_of(parser, name)
  for _, argument in ipairs(parser._arguments) do
    if argument._name == name then return argument end
  end
  for _, option in ipairs(parser._options) do
    for _, alias in ipairs(option._aliases) do
      if alias == name then return option end
    end
  end
end

-- The word that stands for a value in the help text.
local function argname_of(parser, name)
  local argname = element_of(parser, name)._argname
  return type(argname) == "table" and argname[1] or argname
end

local function choices_of(text)
  local list = text:gsub("'", "")
  return (list:gsub(", ([^,]*)$", " or %1"))
end

-- What argparse says, and the sentence for it.
local SENTENCES = {
  { "^missing argument '(.-)'$", function(parser, name)
    local about = element_of(parser, name)._description
    return ("%s is missing: %s"):format(
      argname_of(parser, name),
      about:gsub("^%u%f[%U]", string.lower):gsub("%.$", ""))
  end },
  { "^option '(.-)' requires an argument$", function(parser, name)
    return ("%s needs a value: %s %s"):format(name, name,
                                              argname_of(parser, name))
  end },
  { "^option '(.-)' does not take arguments$", function(_, name)
    return ("%s takes no value"):format(name)
  end },
  { "^option '(.-)' can not be used together with option '(.-)'$",
    function(_, name, other)
      return ("%s and %s do not go together"):format(other, name)
    end },
  { "^argument for option '(.-)' must be one of (.*)$",
    function(_, name, choices)
      return ("%s takes %s"):format(name, choices_of(choices))
    end },
  { "^argument '(.-)' must be one of (.*)$", function(parser, name, choices)
    return ("%s is %s"):format(argname_of(parser, name), choices_of(choices))
  end },
  { "^unknown option '([^\n]*)'", function(parser, name)
    for _, command in ipairs(parser._commands) do
      if element_of(command, name) then
        return ("%s belongs after the command"):format(name)
      end
    end
    return ("There is no option %s%s"):format(
      name, near_name(name, option_names(parser)))
  end },
  { "^unknown command '([^\n]*)'", function(parser, name)
    return ("There is no command %s%s"):format(
      name, near_name(name, command_names(parser)))
  end },
  { "^too many arguments$", function()
    return "There are too many arguments. A name with blanks needs quotes"
  end },
  { "^a command is required$", function()
    return "A command is missing"
  end },
}

local function sentence_of(parser, message)
  for _, each in ipairs(SENTENCES) do
    local found = table.pack(message:match(each[1]))
    if found[1] then
      return each[2](parser, table.unpack(found, 1, found.n))
    end
  end
  return message
end

--- Says what is wrong with a command line.
-- @tparam table parser the one of the command, or of the whole tool
-- @tparam string message of argparse or of a conversion
-- @treturn integer the exit status
function usage.tell(parser, message)
  screen.put_note(usage_of(parser, screen.ERR) .. "\n")
  screen.complain("%s", screen.clean(sentence_of(parser, message)))
  local name = parser._parent and parser._name .. " " or ""
  screen.note(("For more, run: workstage %s--help"):format(name))
  return exit_status.USAGE
end

return usage
