-- Every block of code of the README and the guides, as their readers run it:
-- each page in an empty folder, from its first block to its last.

local blocks = require "docs.blocks"
local sandbox = require "workstage.sandbox"
local shell = require "house.shell"

local build = os.getenv "WORKSTAGE_BUILD" or "build"

local pages = { "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md" }
for _, path in ipairs(shell.lines(
    shell.must "ls docs/*.md | LC_ALL=C sort")) do
  pages[#pages + 1] = path
end

-- "CFLAGS" -> what the tree was built with
local function flags()
  local found = {}
  for line in io.lines(build .. "/flags") do
    local name, value = line:match "^(%w+)=(.*)$"
    found[name] = value
  end
  return found
end

-- Programs of the guides see what `make install` makes of this very tree. A
-- sanitizer's flags are wanted wherever its archives are linked.
local function install(prefix)
  local with = flags()
  local words = {}
  for _, name in ipairs { "CC", "CPPFLAGS", "CFLAGS", "LDFLAGS" } do
    words[#words + 1] = shell.quote(name .. "=" .. (with[name] or ""))
  end
  shell.must("make -s install-embed BUILD=%s PREFIX=%s %s",
             shell.quote(build), prefix, table.concat(words, " "))
  shell.must("mkdir -p %s/bin && cd %s/bin && printf '%%s\\n' '#!/bin/sh' %s "
             .. ">cc && chmod +x cc", prefix, prefix,
             shell.quote(('exec gcc %s "$@"'):format(with.CFLAGS or "")))
end

local function setting(server, prefix)
  return table.concat({
    "PATH=" .. prefix .. "/bin:\"$PATH\"",
    "PKG_CONFIG_PATH=" .. prefix .. "/lib/pkgconfig",
    "STORYBLOK_TOKEN=token", "STORYBLOK_SPACE_ID=288868932106293",
    "KANTATA_TOKEN=token", "WORKSTAGE_BASE_URL=" .. server.url,
    "WORKSTAGE_RATE_LIMIT=off", "WORKSTAGE_SETTLE_TIME=0.2",
    "SPEC_STORYBLOK_URL=" .. server.url,
    "SPEC_KANTATA_URL=" .. server.kantata_url,
  }, " ")
end

describe("the code in", function()
  local prefix, folder, server

  lazy_setup(function()
    prefix = shell.temporary()
    install(prefix)
  end)

  lazy_teardown(function() shell.remove(prefix) end)

  before_each(function()
    folder = shell.temporary()
    server = assert(sandbox.start { seed = { stories = 60, workspaces = 10 },
                                    rate_limit = false })
  end)

  after_each(function()
    server:stop()
    shell.remove(folder)
  end)

  for _, path in ipairs(pages) do
    it(path .. " does what it says", function()
      local output, code, counts = blocks.run(path, folder,
                                              setting(server, prefix))
      assert.equal(0, code, output)
      local fences, count = 0, 0
      for line in io.lines(path) do
        if line:find "^%s*```" then fences = fences + 1 end
      end
      for _, number in pairs(counts) do count = count + number end
      assert.equal(fences, 2 * count)
    end)
  end
end)

-- What the specs above stand on: that a mistake does not go unnoticed.
describe("a page", function()
  local folder

  before_each(function() folder = shell.temporary() end)
  after_each(function() shell.remove(folder) end)

  local function run(text)
    local path = folder .. "/page.md"
    local file = assert(io.open(path, "w"))
    file:write(text)
    file:close()
    return blocks.run(path, folder, "true;")
  end

  it("fails with a script that fails, and names its line", function()
    local output, code = run "One\n\n```lua\nerror 'oh'\n```\n"
    assert.equal(99, code)
    assert.matches("page.md:3: ended with 1", output, 1, true)
  end)

  it("fails with a command in the middle that fails", function()
    local output, code = run "```sh\ntrue\nfalse\ntrue\n```\n"
    assert.equal(99, code, output)
    output, code = run
      "<!-- run: session, status 1 -->\n```sh\ntrue\nfalse\ntrue\n```\n"
    assert.equal(0, code, output)
  end)

  it("fails where an expected status does not come", function()
    local _, code = run "<!-- run: session, status 2 -->\n```sh\ntrue\n```\n"
    assert.equal(99, code)
  end)

  it("goes on with a script where it says so", function()
    local output, code = run [[
```lua
local x = 1
```

<!-- run: continued -->
```lua
assert(x == 1)
```
]]
    assert.equal(0, code, output)
  end)

  it("has no block of a kind that nobody knows", function()
    for _, text in ipairs { "```perl\n1\n```\n",
        "<!-- run: sometimes -->\n```lua\nx()\n```\n",
        "<!-- run: never -->\n```\n\n```\n", "```lua\nx()\n",
        "<!-- run: file x\n```lua\n```\n", "```c\nint x;\n```\n",
        "<!-- run: session -->\nNo block\n" } do
      assert.has_error(function() run(text) end)
    end
  end)

  it("names no option that the tool does not have", function()
    local output, code = run
      "<!-- run: usage -->\n```sh\nworkstage check a.lua --mistake\n```\n"
    assert.equal(99, code)
    assert.matches("--mistake", output, 1, true)
    output, code = run
      "<!-- run: usage -->\n```sh\nworkstage check a.lua\n```\n"
    assert.equal(0, code, output)
  end)

  it("names no target that the makefile does not have", function()
    local _, code = run "<!-- run: make -->\n```sh\nmake mistake\n```\n"
    assert.equal(99, code)
  end)
end)
