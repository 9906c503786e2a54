-- workstage sandbox: the emulator as a server of its own.

local exit_status = require "workstage.tool.exit_status"
local numbers = require "workstage.tool.numbers"
local screen = require "workstage.tool.ui.screen"

local command = {
  summary = "Serve an emulator of both services.",
  examples = {
    "workstage sandbox --port 8080",
    "workstage sandbox --port 8080 --stories 1200 --rate-limit off",
  },
  ends = "Prints the base URL for Storyblok and, in a second line, that for " ..
         "Kantata; serves until it is interrupted.",
}

-- SECONDS, or IN-OUT spans as MIN:MAX,MIN:MAX.
local function latency(text)
  if tonumber(text) then return tonumber(text) end
  local a, b, c, d = text:match "^([%d.]+):([%d.]+),([%d.]+):([%d.]+)$"
  if not a then
    return nil, ("--latency: '%s' is neither seconds nor MIN:MAX,MIN:MAX")
                :format(text)
  end
  return { inbound = { tonumber(a), tonumber(b) },
           outbound = { tonumber(c), tonumber(d) } }
end

-- NAME=VALUE, the value a number, true, false or a text.
local function named(text)
  local name, value = text:match "^([%w_]+)=(.*)$"
  if not name then
    return nil, ("--option: '%s' is not of the form NAME=VALUE"):format(text)
  end
  if value == "true" or value == "false" then
    return { name, value == "true" }
  end
  return { name, math.tointeger(tonumber(value)) or tonumber(value) or value }
end

function command.define(parser)
  parser:option("--port", "Port to listen on; 0 takes a free one.")
    :argname "PORT":convert(numbers.whole "--port"):default "0"
  parser:mutex(
    parser:option("--seed", "JSON file: a snapshot, or counts.")
      :argname "FILE",
    parser:option("--stories", "Stories of the demo space.")
      :argname "COUNT":convert(numbers.whole "--stories"))
  parser:option("--rate-limit", "Requests a second, or 'off'.")
    :convert(numbers.or_off "--rate-limit"):argname "N"
  parser:option("--kantata-rate-limit", "The same for Kantata.")
    :convert(numbers.or_off "--kantata-rate-limit"):argname "N"
  parser:option("--latency", "Seconds, or MIN:MAX,MIN:MAX (in, out).")
    :argname "SECONDS":convert(latency)
  parser:option("--database", "Keep the state in this file.")
    :argname "FILE"
  parser:option("--faults", "JSON file with a list of faults.")
    :argname "FILE"
  parser:option("--clock-offset", "Seconds that its clock is ahead.")
    :convert(numbers.whole "--clock-offset"):argname "SECONDS"
  parser:option("--option", "Another option of sandbox.start(), see the " ..
                "guide to the sandbox; more than once for several.")
    :argname "NAME=VALUE":convert(named):count "*":default {}
  parser:flag("--any-space", "Accept every valid space id.")
end

-- Nobody can ask this server for its log of requests.
local function options(parsed)
  local opts = {
    log = false,
    port = parsed.port,
    rate_limit = parsed.rate_limit,
    kantata_rate_limit = parsed.kantata_rate_limit,
    latency = parsed.latency,
    database = parsed.database,
    faults = parsed.faults,
    any_space = parsed.any_space,
    clock_offset = parsed.clock_offset,
    seed = parsed.seed or parsed.stories and { stories = parsed.stories },
  }
  for _, pair in ipairs(parsed.option) do opts[pair[1]] = pair[2] end
  return opts
end

local function fail(message)
  screen.complain("%s", message)
  return exit_status.FAILED
end

-- Signals are blocked before the addresses are printed: whoever has read
-- them may end the server.
function command.run(parsed)
  local ok, sandbox = pcall(require, "workstage.sandbox")
  if not ok then return fail "workstage-sandbox is not installed" end
  sandbox.hold_signals()
  local server, err = sandbox.start(options(parsed))
  if not server then return fail(err) end
  io.stdout:write(server.url, "\nKantata OX: ", server.kantata_url, "\n")
  io.stdout:flush()
  sandbox.wait_signal()
  server:stop()
  return exit_status.DONE
end

return command
