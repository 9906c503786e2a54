-- The files by which shells complete the tool's commands.

local definitions = require "docs.definitions"
local shell = require "house.shell"

-- What bash offers for a line, as its own completion asks for it.
local function offered(words)
  local quoted = {}
  for i, word in ipairs(words) do quoted[i] = shell.quote(word) end
  local output = definitions.must([[
    workstage completion bash >/dev/null &&
    bash -c 'source <(workstage completion bash); COMP_WORDS=("$@")
      COMP_CWORD=$(($# - 1)); _workstage
      printf "%%s\n" "${COMPREPLY[@]}"' complete %s]],
    table.concat(quoted, " "))
  local found = {}
  for _, line in ipairs(shell.lines(output)) do found[line] = true end
  return found
end

describe("workstage completion", function()
  it("gives bash what it can source, with all commands", function()
    local found = offered { "workstage", "" }
    local help = definitions.must "workstage --help"
    local count = 0
    for name in help:match "Commands:\n(.-)\n\n":gmatch "\n?   (%l+) " do
      assert.truthy(found[name], name)
      count = count + 1
    end
    assert.truthy(count >= 14, count)
  end)

  it("completes what was begun, and a command's options", function()
    assert.same({ resume = true, rehearse = true, report = true },
                offered { "workstage", "re" })
    local found = offered { "workstage", "apply", "--" }
    assert.truthy(found["--limit"])
    assert.truthy(found["--journal"])
    assert.falsy(found["--port"])
  end)

  it("offers no option for a token", function()
    for _, name in ipairs { "bash", "zsh", "fish" } do
      local text = definitions.must("workstage completion %s", name)
      assert.falsy(text:find "%-%-token" or text:find "%-l token")
      assert.falsy(text:find "oauth", name)
    end
  end)

  it("writes for zsh and fish in their ways", function()
    assert.matches("^#compdef workstage\n",
                   definitions.must "workstage completion zsh")
    assert.matches("complete %-c workstage",
                   definitions.must "workstage completion fish")
    for _, name in ipairs { "zsh", "fish" } do
      definitions.must("file=$(mktemp) && workstage completion %s >$file && "
                       .. "%s -n $file && rm $file", name, name)
    end
  end)

  it("knows no other shell", function()
    local build = os.getenv "WORKSTAGE_BUILD" or "build"
    local _, code = shell.run("eval \"$(script/env %s)\"; " ..
                              "workstage completion csh", build)
    assert.equal(3, code)
  end)
end)
