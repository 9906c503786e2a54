--- Counts the instructions of a request in our own code, Lua's and lua-cjson's,
-- with callgrind: the same number each time, independent of the load. Those of
-- libcurl and libc are excluded, as they differ by a third between versions.
local server = require "bench.server"

local instructions = {}

local LUA = os.getenv "LUA" or "lua5.4"

-- Objects whose instructions count, by a part of their path.
local COUNTED = { "workstage/core.so", "liblua5.4", "bin/lua5.4", "cjson.so" }

local function is_counted(object)
  for _, part in ipairs(COUNTED) do
    if object:find(part, 1, true) then return true end
  end
  return false
end

--- The instructions of each object file in a profile of callgrind's.
-- @tparam function lines an iterator over its lines
-- @treturn table object's path -> instructions
function instructions.by_object(lines)
  local names, object, counts, is_call = {}, nil, {}, false
  for line in lines do
    local called, id, name = line:match "^(c?)ob=(%(%d+%)) ?(.*)$"
    if id then
      -- an object's name is where it first occurs, also as a called one
      if name ~= "" then names[id] = name end
      if called == "" then object = names[id] end
    elseif line:find "^calls=" then
      is_call = true -- the next line has the cost of the called function
    elseif object and line:find "^[%d+*-]" then
      local cost = tonumber(line:match "^%S+ (%d+)$")
      if not is_call then counts[object] = (counts[object] or 0) + (cost or 0)
      end
      is_call = false
    end
  end
  return counts
end

-- The instructions of one run of a program, by object.
local function profile(program, url, requests, flight)
  local path = os.tmpname()
  local command = ("valgrind --tool=callgrind --callgrind-out-file=%s "
    .. "%s %s %d %d >/dev/null 2>&1"):format(path, program, url, requests,
                                             flight)
  assert(os.execute(command), command .. " failed")
  local counts = instructions.by_object(io.lines(path))
  os.remove(path)
  return counts
end

-- Instructions of one further request of a program: the difference of two runs,
-- in all objects and in those that count.
local function difference(program, url, flight)
  local all, counted = 0, 0
  for requests, sign in pairs { [100] = -1, [400] = 1 } do
    for object, each in pairs(profile(program, url, requests, flight)) do
      all = all + sign * each
      if is_counted(object) then counted = counted + sign * each end
    end
  end
  return all // 300, counted // 300
end

local POST = LUA .. " bench/post.lua"

--- Instructions of one further request, in our own code, Lua's and lua-cjson's.
-- @tparam integer flight requests at a time
-- @treturn integer
function instructions.of_request(flight)
  local place <close> = server.start()
  local _, counted = difference(POST, place.url, flight)
  return counted
end

--- Instructions of one further request in all objects, of the module and of the
-- bare program.
-- @tparam integer flight requests at a time
-- @tparam string bare the bare program
-- @treturn integer
-- @treturn integer
function instructions.beside(flight, bare)
  local place <close> = server.start()
  return (difference(POST, place.url, flight)),
         (difference(bare, place.url, flight))
end

return instructions
