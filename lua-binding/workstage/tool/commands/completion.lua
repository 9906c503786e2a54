-- workstage completion: what a shell needs to complete the tool's commands.
-- The shell asks `workstage complete` at each Tab, so the file never changes.

local exit_status = require "workstage.tool.exit_status"
local screen = require "workstage.tool.ui.screen"

local command = {
  summary = "Write a completion file for a shell.",
  examples = {
    "source <(workstage completion bash)",
    "workstage completion zsh > ~/.zfunc/_workstage",
    "workstage completion fish > ~/.config/fish/completions/workstage.fish",
  },
  ends = "Names of workflows and stages are asked for with the token of the " ..
         "environment, and remembered for five minutes.",
}

function command.define(parser)
  parser:argument("shell", "bash, zsh or fish.")
    :argname "SHELL":choices { "bash", "zsh", "fish" }
end

local SCRIPTS = {}

SCRIPTS.bash = [==[
_workstage() {
  local IFS=$'\n' current=${COMP_WORDS[COMP_CWORD]} found each
  found=($(workstage complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
  COMPREPLY=()
  if [[ ${found[0]} == :files* ]]; then
    compopt -o filenames 2>/dev/null
    COMPREPLY=($(compgen -f -X "!${found[0]#:files }" -- "$current")
               $(compgen -d -- "$current"))
  else
    for each in "${found[@]}"; do
      COMPREPLY+=("$(printf '%q' "$each")")
    done
  fi
}
complete -F _workstage workstage]==]

SCRIPTS.zsh = [==[
#compdef workstage
_workstage() {
  local -a found typed
  typed=("${(@Q)words[2,CURRENT]}")
  found=("${(@f)$(workstage complete -- "${typed[@]}" 2>/dev/null)}")
  if [[ $found[1] == :files* ]]; then
    _files -g "${found[1]#:files }"
  elif [[ -n $found[1] ]]; then
    compadd -a found
  fi
}
if [[ $funcstack[1] == _workstage ]]; then
  _workstage "$@"
else
  compdef _workstage workstage
fi]==]

SCRIPTS.fish = [==[
function __workstage_complete
  set -l found (workstage complete -- (commandline -opc)[2..-1] \
    (commandline -ct) 2>/dev/null)
  if string match -q ':files*' -- $found[1]
    __fish_complete_path (commandline -ct)
  else
    printf '%s\n' $found
  end
end
complete -c workstage -f -a '(__workstage_complete)']==]

function command.run(parsed)
  screen.put(SCRIPTS[parsed.shell])
  return exit_status.DONE
end

return command
