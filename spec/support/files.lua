-- A folder for the files of a spec, and processes that work on them.
local shell = require "house.shell"
local build = os.getenv "WORKSTAGE_BUILD" or "build"
package.cpath = build .. "/spec/?.so;" .. package.cpath

local files = { probe = require "probe_files", build = build }

function files.is_there(path)
  local file = io.open(path, "rb")
  if file then file:close() end
  return file ~= nil
end

function files.read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "a"
  file:close()
  return text
end

function files.write(path, text)
  local file = assert(io.open(path, "wb"))
  assert(file:write(text))
  assert(file:close())
end

--- The names in a folder, including those that begin with a dot.
function files.list(folder)
  return shell.lines(shell.must("ls -A %s", shell.quote(folder)))
end

--- The shell command that runs a Lua script; the rest becomes its `arg`.
function files.command(script, ...)
  local words = { "lua5.4", "-e", shell.quote(script), "/dev/null" }
  for _, word in ipairs { ... } do
    words[#words + 1] = shell.quote(tostring(word))
  end
  return table.concat(words, " ")
end

-- Runs `command` with a copy of the built tree that all users may read, as the
-- project may be in a folder that only root can read.
local function with_readable_tree(command)
  return ([[tree=$(mktemp -d) && cp -rL %s/. "$tree" && chmod -R a+rX "$tree"
LUA_PATH="$tree/?.lua;$tree/?/init.lua;$LUA_PATH" \
LUA_CPATH="$tree/?.so;$LUA_CPATH" %s
rm -rf "$tree"]]):format(shell.quote(build .. "/lua"), command)
end

--- The same for a process without root's privileges. It may be unable to load
-- a sanitizer's runtime, which does not matter.
function files.unprivileged(script, ...)
  local command = files.command(script, ...)
  if shell.must "id -u" ~= "0\n" then return command end
  return with_readable_tree(
    "setpriv --reuid=65534 --regid=65534 --clear-groups " .. command ..
    " 2>&1 | grep -v '^ERROR: ld.so: object'")
end

return files
