--[[
The benchmark's requests through lua-http and lua-cjson: a connection that is
kept for each request in flight, each in a coroutine of cqueues.
Arguments: URL REQUESTS FLIGHT.
]]
local client = require "http.client"
local cqueues = require "cqueues"
local headers = require "http.headers"
local json = require "cjson"

json.encode_number_precision(14)

local PATH = "/v1/spaces/288868932106293/workflow_stage_changes"
local host, port = arg[1]:match "^http://([^:]+):(%d+)$"
local requests, flight = math.tointeger(arg[2]), math.tointeger(arg[3])

local number, first_printed = 0, false

local function encode(at)
  -- lua-cjson 2.1.0 writes 14 digits, fewer than the ids have
  return json.encode {
    workflow_stage_change = {
      story_id = ("%d"):format(288868932100000 + at),
      workflow_stage_id = ("%d"):format(288868932200000 + at % 7),
    },
  }
end

local function post(connection, at)
  local body = encode(at)
  local head = headers.new()
  head:append(":method", "POST")
  head:append(":path", PATH)
  head:append(":scheme", "http")
  head:append(":authority", host .. ":" .. port)
  head:append("authorization", "bench")
  head:append("accept", "application/json")
  head:append("content-type", "application/json")
  head:append("content-length", ("%d"):format(#body))
  head:append("user-agent", "bench")
  local stream = assert(connection:new_stream())
  assert(stream:write_headers(head, false))
  assert(stream:write_chunk(body, true))
  local answer = assert(stream:get_headers())
  assert(answer:get ":status" == "201")
  local change = json.decode(assert(stream:get_body_as_string()))
                     .workflow_stage_change
  assert(change.workflow_stage_id == 288868932200001)
  stream:shutdown()
end

local function work()
  local connection = assert(client.connect { host = host, port = port,
                                             tls = false })
  while number < requests do
    number = number + 1
    post(connection, number)
    if not first_printed then
      first_printed = true
      io.stdout:write "first\n"
      io.stdout:flush()
    end
  end
  connection:close()
end

if flight == 1 then
  work()
else
  local queue = cqueues.new()
  for _ = 1, flight do queue:wrap(work) end
  assert(queue:loop())
end
