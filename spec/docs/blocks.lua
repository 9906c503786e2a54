-- The blocks of code of a page of Markdown, and a page as one shell script
-- that does what a reader does: from the first line to the last, in an empty
-- folder. An HTML comment in front of a block says what it is:
--
--   (none)                     a Lua script; commands for the shell; for other
--                              languages and without one, output
--   <!-- run: continued -->    goes on with the Lua script before it
--   <!-- run: file NAME -->    a file of the reader's
--   <!-- run: session, status N -->   commands, of which one ends with N
--   <!-- run: session, yes, status N -->   what the tool asks is agreed to
--   <!-- run: server -->       a command that is left running
--   <!-- run: make -->         targets of the makefile: they have to exist
--   <!-- run: blueprint -->    must be a good one
--   <!-- run: snapshot -->     a sandbox must start with it
--   <!-- run: syntax -->       a compiler must like it
--   <!-- run: usage -->        command lines that the tool must understand

local shell = require "house.shell"

local blocks = {}

--- The blocks of a page: `language`, `kind`, `value`, `text`, `line`.
function blocks.read(path)
  local found, block, marker, number = {}, nil, nil, 0
  for line in io.lines(path) do
    number = number + 1
    local indent, language = line:match "^(%s*)```(%w*)%s*$"
    if block and indent then
      block.text = table.concat(block.lines, "\n") .. "\n"
      block = nil
    elseif block then
      block.lines[#block.lines + 1] = line
    elseif indent then
      local kind, value = (marker or ""):match "^(%l+),?%s*(.-)$"
      block = { language = language, kind = kind, value = value,
                line = number, lines = {}, page = path }
      found[#found + 1] = block
      marker = nil
    elseif line:find "^<!%-%- run: " then
      marker = line:match "^<!%-%- run: (.-) %-%->$"
      assert(marker, path .. ":" .. number .. ": a marker without an end")
    elseif line ~= "" then
      assert(not marker, path .. ":" .. number .. ": a marker of no block")
    end
  end
  assert(not block, path .. ": a block without an end")
  return found
end

local ADDRESS = "http://127%.0%.0%.1:8080"

local Page = {}
Page.__index = Page

local function put(self, format, ...)
  self.script[#self.script + 1] =
    select("#", ...) > 0 and format:format(...) or format
end

local function write_file(self, name, text)
  local file = assert(io.open(self.folder .. "/" .. name, "w"))
  assert(file:write(text))
  file:close()
end

local function name_of(block)
  return ("%s-%d"):format(block.page:match "([%w-]+)%.md$", block.line)
end

-- Commands, and which of them may fail and how.
local function put_commands(self, block, text, status)
  put(self, "failed=")
  put(self, (text:gsub(ADDRESS, "$SPEC_STORYBLOK_URL")))
  put(self, "[ \"$failed\" = '%s' ] || { echo '%s:%d: ended with'\"$failed\"; "
      .. "exit 99; }", status or "", block.page, block.line)
end

local kinds = { lua = {}, sh = {}, c = {} }

function kinds.lua.script(self, block)
  local name = name_of(block) .. ".lua"
  self.last = { name = name, text = block.text }
  write_file(self, name, block.text)
  put_commands(self, block, "lua5.4 " .. name)
end

-- The script is run once, with all that goes on with it.
function kinds.lua.continued(self, block)
  self.last.text = self.last.text .. block.text
  write_file(self, self.last.name, self.last.text)
end

function kinds.lua.file(self, block)
  local name = name_of(block) .. ".copy"
  write_file(self, name, block.text)
  put_commands(self, block, ("cp %s %s"):format(name, block.value))
end

function kinds.lua.blueprint(self, block)
  write_file(self, name_of(block) .. ".lua", block.text)
  put_commands(self, block, ("workstage check %s.lua"):format(name_of(block)))
end

function kinds.lua.snapshot(self, block)
  local name = name_of(block) .. ".lua"
  write_file(self, name, "local seed = " .. block.text ..
    "local server = assert(require 'workstage.sandbox'.start {\n" ..
    "  seed = seed })\nserver:stop()\n")
  put_commands(self, block, "lua5.4 " .. name)
end

function kinds.sh.session(self, block)
  local value, text = block.value or "", block.text
  local status = value:match "status (%d+)$"
  if value:find "^yes" then
    text = text:gsub("workstage %l+ [^#\n]*", function(command)
      local asks = command:find " apply " or command:find " resume " or
                   command:find " rollback "
      return asks and command .. "--yes "
    end)
  end
  put_commands(self, block, text, status and " " .. status)
end

local CHECK = [[local good, why = require "workstage.tool".check(arg)
if not good then print(why) os.exit(1) end]]

-- The tool only looks at its arguments.
function kinds.sh.usage(self, block)
  put(self, "workstage() { command lua5.4 %s/check.lua \"$@\"; }", self.folder)
  write_file(self, "check.lua", CHECK)
  put_commands(self, block, block.text)
  put(self, "unset -f workstage")
end

-- As it is typed, but on a free port and without a rate limit.
function kinds.sh.server(self, block)
  local command = block.text:gsub("\n", " "):gsub("%-%-port 8080", "--port 0")
  put(self, command .. "--rate-limit off >address 2>&1 &")
  put(self, "server=$!")
  put(self, "until [ -s address ]; do sleep 0.02; done")
  put(self, "SPEC_STORYBLOK_URL=$(head -n 1 address)")
  put(self, "SPEC_KANTATA_URL=$(sed -n 's/^Kantata OX: //p' address)")
end

function kinds.sh.make(self, block)
  for line in block.text:gmatch "[^\n]+" do
    local targets = line:gsub("#.*$", ""):match "^s?u?d?o? ?make(.*)$"
    assert(targets, block.page .. ": not for make: " .. line)
    put_commands(self, block, ("make -n -C %s %s >/dev/null"):format(
      shell.quote(self.root), targets))
  end
end

kinds.c.file = kinds.lua.file

function kinds.c.syntax(self, block)
  local name = name_of(block) .. ".c"
  write_file(self, name, block.text)
  put_commands(self, block, ("cc -c -Wall -Wextra -Werror -o %s.o %s $(" ..
    "pkg-config --cflags workstage-lua)"):format(name, name))
end

local usual = { lua = "script", sh = "session" }

--- What a block is: an error for one that nobody knows.
function blocks.kind(block)
  if block.language == "" or block.language == "text" then
    assert(not block.kind, block.page .. ": output is not run")
    return nil, "output"
  end
  local of_language = kinds[block.language]
  local kind = block.kind or usual[block.language]
  local run = of_language and kind and of_language[kind]
  if not run then
    error(("%s:%d: what is a block of '%s' that is '%s'?"):format(
      block.page, block.line, block.language, tostring(kind)), 0)
  end
  return run, kind
end

--- Runs a page.
-- @return what it wrote, its status, and how many blocks of each kind it has
function blocks.run(path, folder, setting)
  local self = setmetatable({ folder = folder, script = {},
                              root = shell.must "pwd":match "[^\n]+" }, Page)
  put(self, "set -E")
  put(self, "lua5.4() { LUA_INIT='require \"docs.plain\"' "
            .. "command lua5.4 \"$@\"; }") -- the tool stays as it is
  put(self, "trap 'failed=\"$failed $?\"' ERR")
  put(self, "trap '[ -z \"$server\" ] || kill $server' EXIT")
  local counts = {}
  for _, block in ipairs(blocks.read(path)) do
    local run, kind = blocks.kind(block)
    counts[kind] = (counts[kind] or 0) + 1
    if run then run(self, block) end
  end
  put(self, "exit 0")
  write_file(self, "page.sh", table.concat(self.script, "\n") .. "\n")
  local output, code = shell.run(
    "eval \"$(script/env %s)\"; export LUA_PATH=\"$PWD/spec/?.lua;$LUA_PATH\";"
    .. " cd %s && %s timeout 60 bash page.sh",
    shell.quote(os.getenv "WORKSTAGE_BUILD" or "build"), folder, setting)
  return output, code, counts
end

return blocks
