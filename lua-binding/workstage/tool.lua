-- The command line tool: finds the subcommand and runs it.
--
-- A subcommand is a module workstage.tool.NAME with `summary`, a string,
-- `define(command)`, which adds its arguments to an argparse command, and
-- `run(arguments)`, which returns the exit status.

local tool = {}

tool.DONE, tool.FAILED, tool.CHANGES, tool.USAGE = 0, 1, 2, 3

-- In the order of the help text; those that are not installed are left out.
local names = {
  "whoami", "stages", "move", "export", "check", "plan", "apply", "resume",
  "rollback", "progress", "rehearse", "graph", "sandbox",
}

local function commands()
  local found = {}
  for _, name in ipairs(names) do
    local module = "workstage.tool." .. name
    if package.loaded[module] or package.searchpath(module, package.path)
      or package.preload[module] then
      found[#found + 1] = { name = name, module = require(module) }
    end
  end
  return found
end

local function parser()
  local argparse = require "argparse"
  local top = argparse("workstage", "Workflow stages, moves and migrations.")
  local modules = {}
  top:command_target "command"
  for _, command in ipairs(commands()) do
    modules[command.name] = command.module
    command.module.define(top:command(command.name, command.module.summary))
  end
  return top, modules
end

-- The exit status of the tool with these arguments.
function tool.main(arguments)
  local top, modules = parser()
  local ok, parsed = top:pparse(arguments)
  if not ok then
    io.stderr:write(top:get_usage(), "\n\nError: ", parsed, "\n")
    return tool.USAGE
  end
  return modules[parsed.command].run(parsed)
end

return tool
