--- The clients that are compared, as installed by bench/peers/install.
local peers = {}

local folder = os.getenv "BENCH_PEERS"

local function succeeds(command)
  return os.execute(command .. " >/dev/null 2>&1") == true
end

-- In which Lua finds what was unpacked. The packages of Lua
-- modules without C are for 5.3 at most, and run with 5.4.
local function lua_environment()
  local share, path = folder .. "/root/usr/share/lua/", {}
  for _, version in ipairs { "5.4", "5.3", "5.2", "5.1" } do
    path[#path + 1] = share .. version .. "/?.lua"
    path[#path + 1] = share .. version .. "/?/init.lua"
  end
  local rocks = folder .. "/rocks/"
  table.insert(path, rocks .. "share/lua/5.4/?.lua")
  table.insert(path, ";")
  local library = folder .. "/root/usr/lib/x86_64-linux-gnu"
  return ("LUA_PATH='%s' LUA_CPATH='%s' LD_LIBRARY_PATH='%s' "):format(
    table.concat(path, ";"), library .. "/lua/5.4/?.so;" .. rocks ..
    "lib/lua/5.4/?.so;;", library)
end

local function lua_peer(name, module, script)
  local environment, lua = lua_environment(), os.getenv "LUA" or "lua5.4"
  if not succeeds(("%s %s -e 'require %q'"):format(environment, lua, module))
  then return end
  return { name = name, environment = environment,
           command = lua .. " bench/peers/" .. script }
end

local function python_peer()
  local environment =
    ("PYTHONPATH='%s/root/usr/lib/python3/dist-packages'"):format(folder)
  local python = "/usr/bin/python3"
  if not succeeds(environment .. " " .. python .. " -c 'import requests'")
  then return end
  return { name = "Python requests", environment = environment,
           command = python .. " bench/peers/post.py" }
end

local function node_peer(client)
  if not succeeds("node --version") or
     not succeeds(("test -e '%s/node_modules/done'"):format(folder)) then
    return
  end
  return { name = client, client = client,
           command = "node bench/peers/post.mjs " .. client }
end

--- Those that are there: `name`, `command`, `environment` (of a shell);
-- `client` of the official ones.
function peers.installed()
  local list = {}
  if not folder then return list end
  local function add(peer) list[#list + 1] = peer end
  add(lua_peer("Lua-cURL", "cURL", "lua_curl.lua"))
  add(lua_peer("lua-http", "http.client", "lua_http.lua"))
  add(python_peer())
  add(node_peer "storyblok-js-client")
  add(node_peer "management-api-client")
  return list
end

return peers
