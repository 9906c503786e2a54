-- Runs first in each lua5.4 that script/sanitize starts (LUA_INIT_5_4): makes
-- the collector free garbage as early as possible.
--
-- COLLECT=every: a full collection at each allocation that may start one, in
-- Lua or in C. COLLECT=young: generational mode, with a collection whenever
-- memory has grown by a hundredth.
if os.getenv "COLLECT" == "every" then
  collectgarbage("incremental", 1, 200, 100)
else
  collectgarbage("generational", 1, 100)
end
