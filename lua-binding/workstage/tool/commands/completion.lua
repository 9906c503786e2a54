-- workstage completion: what a shell needs to complete the tool's commands.

local screen = require "workstage.tool.ui.screen"
local exit_status = require "workstage.tool.exit_status"

local command = {
  summary = "Write a completion file for a shell.",
  examples = {
    "source <(workstage completion bash)",
    "workstage completion zsh > ~/.zfunc/_workstage",
    "workstage completion fish > ~/.config/fish/completions/workstage.fish",
  },
}

local top -- the parser of the whole tool, which knows all commands

function command.define(parser)
  top = parser._parent
  parser:argument("shell", "bash, zsh or fish.")
    :choices { "bash", "zsh", "fish" }
end

local writers = {
  bash = "get_bash_complete", zsh = "get_zsh_complete",
  fish = "get_fish_complete",
}

-- argparse offers hidden options as well.
local function drop_hidden(parser)
  for i = #parser._options, 1, -1 do
    if parser._options[i]._hidden then table.remove(parser._options, i) end
  end
  for _, each in ipairs(parser._commands) do drop_hidden(each) end
end

function command.run(parsed)
  drop_hidden(top)
  screen.say((top[writers[parsed.shell]](top):gsub("%s+$", "")))
  return exit_status.DONE
end

return command
