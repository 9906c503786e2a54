-- The command line tool: finds the subcommand and runs it.
--
-- A subcommand is a module workstage.tool.commands.NAME with `summary`, a
-- string, `define(command)`, which adds its arguments to an argparse command,
-- and `run(arguments)`, which returns the exit status; `examples`, command
-- lines for its help text, and `ends`, a last sentence there.

local connect = require "workstage.tool.connect"
local errors = require "workstage.errors"
local exit_status = require "workstage.tool.exit_status"
local files = require "workstage.tool.files"
local screen = require "workstage.tool.ui.screen"
local secrets = require "workstage.tool.secrets"
local terminal = require "workstage.terminal"
local usage = require "workstage.tool.ui.usage"

local tool = {}

-- In the order of the help text; those that are not installed are left out.
local names = {
  "whoami", "doctor", "stages", "history", "stuck", "move", "export", "diff",
  "check", "plan", "apply", "resume", "rollback", "progress", "show",
  "report", "rehearse", "graph", "sandbox", "completion", "complete",
}

local ABOUT = "Workflow stages, moves and migrations: Storyblok, Kantata OX."

local HELP = {
  title = "A first migration",
  examples = {
    "export STORYBLOK_SPACE_ID=... STORYBLOK_TOKEN=...",
    "workstage export Article -o article.lua    # then edit article.lua",
    "workstage plan article.lua -o article.plan",
    "workstage rehearse article.lua --faults 5",
    "workstage apply article.plan",
  },
  ends = "Environment: STORYBLOK_SPACE_ID, STORYBLOK_TOKEN " ..
         "(STORYBLOK_OAUTH_TOKEN), KANTATA_TOKEN, WORKSTAGE_BASE_URL, " ..
         "WORKSTAGE_RATE_LIMIT, WORKSTAGE_SETTLE_TIME, CURL_CA_BUNDLE, " ..
         "SSL_CERT_FILE, NO_COLOR.\n\nExit status: 0 done (plan, diff: no " ..
         "changes), 1 failed or partly failed, 2 plan or diff: changes, 3 " ..
         "wrong usage.\n\nFor more, run: workstage COMMAND --help",
}

local function commands()
  local found = {}
  for _, name in ipairs(names) do
    local module = "workstage.tool.commands." .. name
    if package.loaded[module] or package.searchpath(module, package.path)
      or package.preload[module] then
      found[#found + 1] = { name = name, module = require(module) }
    end
  end
  return found
end

local function add(top, command)
  local parser = top:command(command.name)
  parser:summary(command.module.summary)
    :description(command.module.summary)
    :hidden(command.module.is_hidden or false)
  command.module.define(parser)
  usage.complete(parser, command.module)
  parser.error = top.error
end

local UsageError = { __name = "workstage.usage" }

local function parser()
  local argparse = require "argparse"
  local top, modules = argparse("workstage", ABOUT), {}
  usage.fit(top)
  usage.complete(top, HELP)
  top:command_target "command"
  top:flag("--version", "Show the version and exit."):action(function()
    print(require "workstage"._VERSION)
    os.exit(exit_status.DONE)
  end)
  function top.error(where, message)
    error(setmetatable({ parser = where, message = message }, UsageError))
  end
  for _, command in ipairs(commands()) do
    modules[command.name] = command.module
    add(top, command)
  end
  return top, modules
end

-- "workstage help plan" is what people type as well.
local function read_arguments(arguments)
  if arguments[1] ~= "help" then return arguments end
  local rest = table.move(arguments, 2, #arguments, 1, {})
  rest[#rest + 1] = "--help"
  return rest
end

local function tell_usage(top, mistake)
  if getmetatable(mistake) ~= UsageError then error(mistake, 0) end
  return usage.tell(mistake.parser or top, mistake.message)
end

-- An error of the library is a sentence. Anything else is a bug, and comes
-- with its traceback.
local function explain(raised)
  if errors.is(raised) then return tostring(raised) end
  return "Internal error in workstage. Please report it:\n" ..
         debug.traceback(tostring(raised), 2)
end

-- The arguments that name files to be read.
local INPUTS = { "file", "a", "b" }

-- Runs a command. A profile that it names is read first, and what comes
-- through a pipe.
local function run(command, parsed)
  local profile, code = connect.profile(parsed)
  if not profile then return code end
  local copies <close> = setmetatable({}, { __close = function(self)
    for _, path in ipairs(self) do os.remove(path) end
  end })
  for _, name in ipairs(INPUTS) do
    if parsed[name] then
      local path, copy = files.input(parsed[name])
      if not path then
        screen.complain("%s", copy)
        return exit_status.FAILED
      end
      parsed[name] = path
      copies[#copies + 1] = copy
    end
  end
  return command.run(parsed)
end

--- Checks a command line without running it.
-- @tparam table arguments
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] string what is wrong with it
function tool.check(arguments)
  local top = parser()
  local good, mistake = pcall(top.parse, top, read_arguments(arguments))
  if good then return true end
  if getmetatable(mistake) ~= UsageError then error(mistake, 0) end
  return nil, mistake.message
end

-- The command line, for plans and journals.
local function command_line(arguments)
  local words = { "workstage" }
  for i, word in ipairs(arguments) do words[i + 1] = screen.word(word) end
  return table.concat(words, " ")
end

--- Runs the tool.
-- @tparam table arguments
-- @treturn integer the exit status
function tool.main(arguments)
  terminal.restore()
  secrets.take()
  local top, modules = parser()
  local good, parsed = pcall(top.parse, top, read_arguments(arguments))
  if not good then return tell_usage(top, parsed) end
  parsed.command_line = command_line(arguments)
  local ran, result = xpcall(run, explain, modules[parsed.command], parsed)
  if not ran then
    screen.complain("%s", result)
    result = exit_status.FAILED
  end
  if not screen.finish() and result ~= exit_status.USAGE then
    return exit_status.FAILED
  end
  return result
end

return tool
