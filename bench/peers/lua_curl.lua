--[[
The benchmark's requests through Lua-cURL (v3) and lua-cjson. Arguments: URL
REQUESTS FLIGHT.
]]
local curl = require "cURL"
local json = require "cjson"

local url, requests, flight =
  arg[1], math.tointeger(arg[2]), math.tointeger(arg[3])
local PATH = "/v1/spaces/288868932106293/workflow_stage_changes"

local begun, first_printed = 0, false

local function new_request()
  local request = { parts = {} }
  request.easy = curl.easy {
    url = url .. PATH, post = true, useragent = "bench",
    http_version = curl.HTTP_VERSION_1_1,
    httpheader = {
      "Authorization: bench", "Accept: application/json",
      "Content-Type: application/json", "Expect:",
    },
    writefunction = function(bytes)
      request.parts[#request.parts + 1] = bytes
      return #bytes
    end,
  }
  return request
end

local function begin(request)
  begun = begun + 1
  -- lua-cjson 2.1.0 writes 14 digits, fewer than the ids have
  local body = json.encode {
    workflow_stage_change = {
      story_id = ("%d"):format(288868932100000 + begun),
      workflow_stage_id = ("%d"):format(288868932200000 + begun % 7),
    },
  }
  request.parts = {}
  request.easy:setopt_postfields(body)
end

local function check(request)
  assert(request.easy:getinfo_response_code() == 201)
  local change = json.decode(table.concat(request.parts))
                     .workflow_stage_change
  assert(change.workflow_stage_id == 288868932200001)
  if first_printed then return end
  first_printed = true
  io.stdout:write "first\n"
  io.stdout:flush()
end

local function one_by_one()
  local request = new_request()
  while begun < requests do
    begin(request)
    assert(request.easy:perform())
    check(request)
  end
end

local function together()
  local multi, by_easy, ended = curl.multi(), {}, 0
  for _ = 1, math.min(flight, requests) do
    local request = new_request()
    by_easy[request.easy] = request
    begin(request)
    multi:add_handle(request.easy)
  end
  while ended < requests do
    multi:perform()
    while true do
      local easy, good, why = multi:info_read()
      if easy == 0 then break end
      assert(good, why)
      multi:remove_handle(easy)
      check(by_easy[easy])
      ended = ended + 1
      if begun < requests then
        begin(by_easy[easy])
        multi:add_handle(easy)
      end
    end
    if ended < requests then multi:wait(1000) end
  end
end

if flight == 1 then one_by_one() else together() end
