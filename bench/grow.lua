--[[
Applies a plan that creates a workflow of many stages, and measures it from
inside. Arguments: URL JOURNAL STAGES. Prints the measurements as JSON.
]]
local cjson = require "cjson"
local migration = require "workstage.migration"
local workstage = require "workstage"
local process = require "bench.process"

local url, path, count = arg[1], arg[2], math.tointeger(arg[3])

local space = assert(workstage.storyblok {
  space_id = 288868932106293, token = "bench", base_url = url,
  rate_limit = false,
})

local stages = {}
for i = 1, count do
  stages[i] = { name = "Stage " .. i, color = ("#%06x"):format(i),
                next = { "Stage " .. i % count + 1 }, is_default = i == 1 }
end

local blueprint = { workflow = "Grown " .. count, stages = stages,
                    content_types = { "grown" .. count } }

collectgarbage()
local before, began = process.memory "VmRSS", os.clock()
local plan = assert(migration.plan(space, blueprint))
local planned = os.clock()
local report = assert(migration.apply(space, plan, { journal = path }))
assert(report.complete, report)
print(cjson.encode {
  plan = planned - began, apply = os.clock() - planned,
  requests = report.requests, operations = #plan.operations,
  memory = process.memory "VmHWM" - before,
})
