-- Runs before all else in each lua5.4 that script/sanitize starts, by
-- LUA_INIT_5_4: a collector that leaves nothing that nobody holds.
--
-- COLLECT=every: all garbage goes at each allocation that a collector may
-- follow, in Lua or in C. COLLECT=young: generations, and a collection
-- whenever a hundredth was added.
if os.getenv "COLLECT" == "every" then
  collectgarbage("incremental", 1, 200, 100)
else
  collectgarbage("generational", 1, 100)
end
