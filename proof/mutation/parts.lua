-- What is broken, and the specs that are to notice, fastest first. `build`:
-- what has to be made anew from a C source.
local MIGRATION = "lua-binding/workstage/migration/"
local WRITER = "build/spec/probe_writer.so"

local function writer(path, ...)
  return { part = "writer", path = path, build = { WRITER }, specs = { ... } }
end

local function planner(name, ...)
  return { part = "planner", path = MIGRATION .. name .. ".lua", build = {},
           specs = { ... } }
end

return {
  { part = "limiter", path = "src/limit/limiter.c",
    build = { "build/spec/probe_limiter.so" },
    specs = { "core/limiter_bounds", "core/limiter" } },
  { part = "limiter", path = "src/limit/shared_limiter.c",
    build = { "build/spec/probe_shared_limiter.so" },
    specs = { "core/shared_limiter", "core/limit_file" } },
  { part = "limiter", path = "src/limit/limit_record.c",
    build = { "build/spec/probe_shared_limiter.so" },
    specs = { "core/limit_file" } },
  { part = "limiter", path = "src/limit/limit_codec.c",
    build = { "build/spec/probe_shared_limiter.so" },
    specs = { "core/limit_file" } },
  { part = "limiter", path = "src/limit/limit_file.c",
    build = { "build/spec/probe_shared_limiter.so" },
    specs = { "core/limit_file" } },
  { part = "retry table", path = "src/request/retry.c",
    build = { "build/spec/probe_retry.so" }, specs = { "core/retry" } },
  writer("src/json/writer.c", "core/json", "core/body"),
  writer("src/json/utf8.c", "core/json"),
  writer("src/json/number.c", "core/json"),
  writer("src/schema/items.c", "core/body", "core/query"),
  writer("src/schema/members.c", "core/body", "core/query"),
  writer("src/schema/body.c", "core/body"),
  writer("src/schema/query.c", "core/query"),
  { part = "reader", path = "src/json/reader.c",
    build = { "build/lua/workstage/core.so" }, specs = { "core/reader" } },
  { part = "reader", path = "lua-binding/decode.c",
    build = { "build/lua/workstage/core.so" }, specs = { "core/reader" } },
  { part = "lost responses", build = {},
    path = "lua-binding/workstage/reconcile/rules.lua",
    specs = { "request/lost_rules", "request/lost_response" } },
  { part = "lost responses", build = {},
    path = "lua-binding/workstage/reconcile/memory.lua",
    specs = { "request/lost_memory", "request/lost_response" } },
  planner("plan/diff", "migration/diff", "migration/steps",
          "migration/plan", "migration/moves"),
  planner("stage", "migration/stage", "migration/diff",
          "migration/steps", "migration/plan"),
  planner("plan/swap", "migration/swap", "migration/diff",
          "migration/steps"),
  planner("plan/match", "migration/diff", "migration/steps",
          "migration/plan"),
  planner("plan/storyblok", "migration/reading", "migration/plan",
          "migration/moves"),
  planner("plan/kantata", "migration/kantata_reading", "migration/kantata"),
  planner("items", "migration/reading", "migration/moves",
          "migration/apply", "migration/late"),
  planner("page_size", "migration/move_items", "migration/diff"),
  planner("execute/item_pages", "migration/move_items",
          "migration/shared_sync", "migration/moves"),
  planner("execute/move_items", "migration/move_items",
          "migration/due_dates", "migration/moves"),
  planner("execute/failures", "migration/item_failures"),
  planner("journal/item_records", "migration/progress",
          "migration/failures", "migration/late"),
}
