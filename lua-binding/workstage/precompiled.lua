--[[
Loads the module's files from bytecode, which takes a tenth of the time that
compiling their text takes. `make` writes the bytecode beside core.so
(script/precompile). Each file begins with a hash of the Lua that wrote it, the
path and the text that it was compiled from, and the bytecode. If that hash
differs, for example because the text was edited or another release of Lua
runs, Lua loads the text.

The hash protects from mistakes, not from attackers: who can write this
bytecode can also write the text.
]]
local core = require "workstage.core"

local precompiled = {}

local function load_module(lua, folder, name)
  local path = package.searchpath(name, package.path)
  local chunk = path and core.load_bytecode(lua, path,
    folder .. name:gsub("%.", "/") .. ".luac")
  if chunk then return chunk, path end
end

-- Identifies the running Lua: by its release, and by the code that it generates
-- for a function, because a distribution may have changed the release's
-- bytecode. Nil where Lua does not export its release.
local running_lua = core.lua_ident and string.dump and
                    core.lua_ident .. string.dump(load_module, true)

--- Returns what the file of bytecode of a module contains.
-- @tparam string path where `require` will find the text
-- @tparam string text
-- @treturn string
function precompiled.compile(path, text)
  assert(running_lua, "Lua does not export its release")
  local bytecode = string.dump(assert(load(text, "@" .. path, "t")))
  return core.bytecode_seal(running_lua, path, text, bytecode) .. bytecode
end

--- Makes `require` use the bytecode beside the core, before it looks for text.
-- Does nothing where the module is part of a program.
-- @tparam[opt] string place the path of core.so
function precompiled.use(place)
  local folder = place and place:match "^(.*/)workstage/core%.[^/]*$"
  if not (folder and running_lua and package.searchers) then return end
  table.insert(package.searchers, 2, function(name)
    if name:sub(1, 10) ~= "workstage." then return nil end
    return load_module(running_lua, folder, name)
  end)
end

return precompiled
