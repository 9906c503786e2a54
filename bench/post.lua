--[[
The benchmark's requests through the module, with all that a client does:
validation by the schema, the limiter's account (of a rate that it never
reaches), the answer decoded and coerced. Events are off, as they are unless
asked for. Arguments: URL REQUESTS FLIGHT, as of all such programs.
BENCH_SHARED names a file by which processes share the limit.
]]
local workstage = require "workstage"

local url, requests, flight =
  arg[1], math.tointeger(arg[2]), math.tointeger(arg[3])

local space = assert(workstage.storyblok {
  space_id = 288868932106293, token = "bench", base_url = url,
  rate_limit = { per_second = 100000, shared = os.getenv "BENCH_SHARED" },
  concurrency = flight, user_agent = "bench",
})

local first_printed = false

local function change(number)
  local made = assert(space.changes:create {
    story_id = 288868932100000 + number,
    workflow_stage_id = 288868932200000 + number % 7,
  })
  assert(made.workflow_stage_id == 288868932200001)
  if first_printed then return made end
  first_printed = true
  io.stdout:write "first\n"
  io.stdout:flush()
  return made
end

if flight == 1 then
  for number = 1, requests do change(number) end
else
  local number = 0
  local function numbers()
    if number == requests then return nil end
    number = number + 1
    return number
  end
  workstage.map(numbers, change, {
    concurrency = flight,
    on_result = function(_, _, err) assert(not err, err) end,
  })
end
space:close()
