-- Commands for the specs of the house: what a person types at a shell.

local shell = {}

function shell.quote(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

-- What a command wrote (both streams) and its status.
function shell.run(format, ...)
  local command = format:format(...)
  local pipe = assert(io.popen("{ " .. command .. "\n} 2>&1 </dev/null"))
  local output = pipe:read "a"
  local _, how, code = pipe:close()
  if how == "signal" then code = code + 128 end
  return output, code
end

-- The same for what has to succeed.
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

-- The sources as they stand, without what was built from them.
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

-- Runs a Lua script with nothing on the paths but a tree and the system, from
-- a folder that has nothing to do with the project. The lua5.4 is the plain
-- one, also in a run under a sanitizer.
function shell.lua_from(share, lib, script)
  return shell.run(
    "cd / && env -i PATH=/usr/local/bin:/usr/bin:/bin " ..
    "LUA_PATH=%s LUA_CPATH=%s lua5.4 -e %s",
    shell.quote(share .. "/?.lua;" .. share .. "/?/init.lua;;"),
    shell.quote(lib .. "/?.so;;"), shell.quote(script))
end

return shell
