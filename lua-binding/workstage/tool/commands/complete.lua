-- workstage complete: what may come next on a command line, one candidate a
-- line; or ":files PATTERN". The shells' completion files ask it.

local exit_status = require "workstage.tool.exit_status"
local known_names = require "workstage.tool.known_names"
local profiles = require "workstage.tool.profile"
local screen = require "workstage.tool.ui.screen"
local statuses = require "workstage.statuses"

local command = {
  summary = "Complete a command line, for a shell.",
  examples = {
    "workstage complete -- apply --on-failure ''",
    "workstage complete -- stages Art",
  },
  is_hidden = true,
}

local top -- the parser of the whole tool, which knows all commands

function command.define(parser)
  top = parser._parent
  parser:argument("words", "The words up to the one to complete.")
    :args "*":argname "WORD"
end

-- ------------------------------------------------------------ where we are

local function find_command(name)
  for _, each in ipairs(top._commands) do
    for _, alias in ipairs(each._public_aliases) do
      if alias == name then return each end
    end
  end
end

local function find_option(parser, word)
  for _, option in ipairs(parser._options) do
    for _, alias in ipairs(option._aliases) do
      if alias == word and not option._hidden then return option end
    end
  end
end

-- True if an option has a value.
local function takes_value(option)
  return option and (option._maxargs or 0) > 0
end

-- The name under which a value is found: of "--base-url", "base_url".
local function target_of(element)
  if element._target then return element._target end
  local name = element._name
  for _, alias in ipairs(element._aliases or {}) do
    name = alias:match "^%-%-(.*)$" or name
  end
  return name and (name:gsub("-", "_"))
end

-- What the words so far say: the values of options, and how many arguments
-- there were.
local function read_words(parser, words)
  local given, count, waiting = {}, 0, nil
  for i = 2, #words - 1 do
    local word = words[i]
    if waiting then
      given[target_of(waiting)] = word
      waiting = nil
    elseif word:find "^%-" then
      local name, value = word:match "^(%-%-[^=]+)=(.*)$"
      local option = find_option(parser, name or word)
      if option and value then given[target_of(option)] = value
      elseif takes_value(option) then waiting = option end
    else
      count = count + 1
    end
  end
  return given, count, waiting
end

-- --------------------------------------------------------------- candidates

local function stage_candidates(parsed)
  if parsed.service == "kantata" then
    local list = {}
    for i, status in ipairs(statuses) do list[i] = tostring(status.key) end
    return list
  end
  local list, seen = {}, {}
  for _, each in ipairs(known_names.stages(parsed)) do
    list[#list + 1] = each.workflow .. "/" .. each.stage
    if not seen[each.stage] then list[#list + 1] = each.stage end
    seen[each.stage] = true
  end
  return list
end

local function workflow_candidates(parsed)
  local list, seen = {}, {}
  for _, each in ipairs(known_names.stages(parsed)) do
    if not seen[each.workflow] then list[#list + 1] = each.workflow end
    seen[each.workflow] = true
  end
  return list
end

-- By the word that stands for the value in a usage text.
local BY_ARGNAME = {
  STAGE = stage_candidates,
  ["WORKFLOW/STAGE"] = function(parsed)
    local list = workflow_candidates(parsed)
    for _, each in ipairs(stage_candidates(parsed)) do
      if each:find("/", 1, true) then list[#list + 1] = each end
    end
    return list
  end,
  WORKFLOW = workflow_candidates,
}

local FILES = {
  FILE = "*", PLAN = "*", JOURNAL = "*.journal*", ["FILE|PLAN"] = "*",
  ["PLAN|FILE"] = "*", ["PLAN|JOURNAL"] = "*", A = "*", B = "*",
}

local function argname_of(element)
  local name = element._argname
  if type(name) == "table" then name = name[1] end
  return name
end

-- The candidates for the value of an option or of an argument.
local function values_of(element, parsed)
  if element._choices then return element._choices end
  local argname, target = argname_of(element), target_of(element)
  if target == "profile" then return profiles.names() end
  if target == "workflow" then return workflow_candidates(parsed) end
  if FILES[argname] then return nil, FILES[argname] end
  local candidates = BY_ARGNAME[argname]
  return candidates and candidates(parsed) or {}
end

local function options_of(parser)
  local list = {}
  for _, option in ipairs(parser._options) do
    if not option._hidden then
      for _, alias in ipairs(option._public_aliases) do
        list[#list + 1] = alias
      end
    end
  end
  return list
end

local function commands_of()
  local list = {}
  for _, each in ipairs(top._commands) do
    if not each._hidden then list[#list + 1] = each._name end
  end
  return list
end

local function candidates_for(words)
  if #words <= 1 then
    local first = words[1] or ""
    return first:find "^%-" and options_of(top) or commands_of()
  end
  local parser = find_command(words[1])
  if not parser then return {} end
  local parsed, count, waiting = read_words(parser, words)
  if waiting then return values_of(waiting, parsed) end
  if words[#words]:find "^%-" then return options_of(parser) end
  local argument = parser._arguments[count + 1]
  if argument then return values_of(argument, parsed) end
  return options_of(parser)
end

-- A word as it was typed, without the shell's quoting.
local function unquoted(word)
  return (word:gsub("^['\"]", ""):gsub("['\"]$", ""):gsub("\\(.)", "%1"))
end

local function starts_with(text, start)
  return text:sub(1, #start) == start
end

-- Complaints would appear in the middle of the line that is being typed.
function command.run(parsed)
  local words = {}
  screen.is_quiet = true
  for i, word in ipairs(parsed.words) do words[i] = unquoted(word) end
  local start = words[#words] or ""
  local list, pattern = candidates_for(words)
  if pattern then screen.put(":files " .. pattern) end
  for _, each in ipairs(list or {}) do
    if starts_with(each, start) and not each:find "[\n\r]" then
      screen.put(each)
    end
  end
  return exit_status.DONE
end

return command
