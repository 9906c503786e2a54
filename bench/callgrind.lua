--[[
The instructions that a request takes, in all objects, beside those of the bare
libcurl program: counted by callgrind, whatever else the machine is doing.

  make bench BENCH=callgrind
]]
local figures = require "bench.figures"
local instructions = require "bench.instructions"

local BARE = { [1] = "/bare_easy", [16] = "/bare_multi" }

if not os.execute "valgrind --version >/dev/null 2>&1" then
  io.stderr:write "callgrind: left out, as valgrind is not installed\n"
  return
end

local part = figures.part "callgrind"
for _, flight in ipairs { 1, 16 } do
  local ours, bare = instructions.beside(flight,
                                         figures.folder .. BARE[flight])
  part:add { name = ("%d in flight: instructions a request"):format(flight),
             value = ours, unit = "", ratio = ours / bare, flight = flight }
  part:add { name = ("%d in flight: beyond bare libcurl"):format(flight),
             value = ours - bare, unit = "", flight = flight }
end
part:save()
