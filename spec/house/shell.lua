-- Shell commands for these specs, as a person would type them.

local shell = {}

function shell.quote(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

-- Runs a command; returns its output (both streams) and its status.
function shell.run(format, ...)
  local command = format:format(...)
  local pipe = assert(io.popen("{ " .. command .. "\n} 2>&1 </dev/null"))
  local output = pipe:read "a"
  local _, how, code = pipe:close()
  if how == "signal" then code = code + 128 end
  return output, code
end

-- The same for a command that must succeed.
function shell.must(format, ...)
  local output, code = shell.run(format, ...)
  if code ~= 0 then
    error(("status %d of: %s\n%s"):format(code, format:format(...), output), 2)
  end
  return output
end

function shell.temporary()
  return (shell.must "mktemp -d":gsub("\n$", ""))
end

-- Copies the current sources, without built files.
function shell.copy_of_sources()
  local directory = shell.temporary()
  shell.must(
    "tar -c --exclude=./build --exclude=./.git . | tar -x -C %s", directory)
  return directory
end

function shell.remove(directory)
  assert(directory:find "^/tmp/" or os.getenv "TMPDIR")
  shell.must("rm -rf %s", shell.quote(directory))
end

function shell.lines(text)
  local lines = {}
  for line in text:gmatch "[^\n]+" do lines[#lines + 1] = line end
  return lines
end

-- Runs a Lua script in a folder outside the project, with only a tree and the
-- system on its paths. Uses the plain lua5.4, even under a sanitizer.
function shell.lua_from(share, lib, script)
  return shell.run(
    "cd / && env -i PATH=/usr/local/bin:/usr/bin:/bin " ..
    "LUA_PATH=%s LUA_CPATH=%s lua5.4 -e %s",
    shell.quote(share .. "/?.lua;" .. share .. "/?/init.lua;;"),
    shell.quote(lib .. "/?.so;;"), shell.quote(script))
end

return shell
