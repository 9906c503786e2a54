-- Completion as a person meets it: a line is begun and Tab is pressed, in real
-- shells, with the names of a real space.
local shell = require "house.shell"
local tool = require "tool.tool"

-- Types a line and Tab in zsh, and prints what is on the line afterwards.
-- The list that zsh may show comes before it.
local ZSH = [==[
zmodload zsh/zpty
zpty z "zsh -f -i"
zpty -w z "PS1=; stty cols 200; autoload -Uz compinit && compinit -u -D"
zpty -w z "source <(workstage completion zsh); bindkey '^T' told"
zpty -w z "told() { print -rn -- \"[[\$BUFFER]]\" }; zle -N told; echo LOA''DED"
zpty -r z output '*LOADED*'
zpty -w -n z "$1"$'\t\x14'
zpty -r z output '*\[\[*\]\]*'
print -r -- "$output"
]==]

local FISH = [==[
workstage completion fish | source
complete -C $argv[1]
]==]

describe("Tab", function()
  local place

  lazy_setup(function()
    place = tool.place()
    place:write("bp.lua", tool.BLUEPRINT)
    place:write("type.zsh", ZSH)
    place:write("type.fish", FISH)
    place:write("workstage", ('#!/bin/sh\nexec lua5.4 %s "$@"\n'):format(
      shell.quote(shell.must "pwd":gsub("\n$", "") ..
                  "/lua-binding/bin/workstage")))
    shell.must("chmod +x %s", shell.quote(place:path "workstage"))
  end)

  lazy_teardown(function() place:close() end)

  local function press(command, line)
    local output = place:shell(("PATH=.:$PATH timeout 30 %s %s"):format(
      command, shell.quote(line)))
    return output:gsub("\27%[[%d;?]*%a", "")
  end

  -- What zsh has made of the line, and all that it showed.
  local function zsh(line)
    local output = press("zsh -f type.zsh", line)
    return output:match "%[%[(.-)%]%]", output
  end

  local function fish(line)
    local list = {}
    for _, each in ipairs(shell.lines(press("fish --no-config type.fish",
                                            line))) do
      list[#list + 1] = each:match "^[^\t]*"
    end
    return table.concat(list, "|")
  end

  it("completes commands, options and files in zsh", function()
    assert.equal("workstage rollback ", (zsh "workstage rol"))
    assert.equal("workstage apply --on-failure ",
                 (zsh "workstage apply --on-f"))
    assert.equal("workstage apply --on-failure stop ",
                 (zsh "workstage apply --on-failure s"))
    assert.equal("workstage check bp.lua ", (zsh "workstage check b"))
    local line, shown = zsh "workstage re"
    assert.equal("workstage re", line)
    for _, name in ipairs { "rehearse", "report", "resume" } do
      assert.truthy(shown:find(name, 1, true), shown)
    end
  end)

  it("completes names of stages in zsh, quoted as they were begun", function()
    assert.equal("workstage stuck Article/Old\\ review ",
                 (zsh "workstage stuck Article/O"))
    assert.equal("workstage stuck 'Article/Old review' ",
                 (zsh "workstage stuck 'Article/O"))
  end)

  it("completes commands, options and files in fish", function()
    assert.equal("rehearse|report|resume", fish "workstage re")
    assert.equal("--on-failure", fish "workstage apply --on-f")
    assert.equal("bp.lua", fish "workstage check b")
  end)

  it("completes names of stages in fish", function()
    assert.equal("Article/Old review", fish "workstage stuck Article/O")
    assert.equal("Article/Old review", fish "workstage stuck Article/Old\\ r")
  end)
end)
