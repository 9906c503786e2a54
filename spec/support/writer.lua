-- The writers of the core (probe_writer.c), and functions for their specs.
local build = os.getenv "WORKSTAGE_BUILD" or "build"
package.cpath = build .. "/spec/?.so;" .. package.cpath
local probe = require "probe_writer"
local cjson = require "cjson"

local writer = { probe = probe, null = cjson.null }

function writer.create(schema, attributes)
  return probe.body(schema, "create", true, attributes)
end

function writer.update(schema, attributes)
  return probe.body(schema, "update", true, attributes)
end

function writer.loose(schema, attributes)
  return probe.body(schema, "update", false, attributes)
end

function writer.query(schema, filter)
  return probe.query(schema, false, true, filter)
end

-- Runs a writer with the first allocation failing, then the second ...
-- until none fails; each failure must be reported, and nothing may leak.
function writer.fail_each(write)
  local _, before = probe.memory()
  for n = 1, 100 do
    probe.fail_at(n)
    local text, message, _, failed, size = write()
    local calls, living = probe.memory()
    probe.fail_at()
    assert(living == before, "blocks were left behind")
    if calls < n then return n - 1, text end
    assert(text == nil and failed, "a failure was not reported")
    assert(message == "not enough memory", message)
    assert(size == 0, "something was left in the buffer")
  end
  error "it asks for memory without end"
end

-- The values of a JSON text in a form that distinguishes 1 and 1.0 and keeps
-- every digit, whatever the order of names.
function writer.tokens(text)
  local found = {}
  for token in text:gmatch '"[^"]*"%s*:?%s*[^,{}%[%]]*' do
    found[#found + 1] = token:gsub("%s*:%s*", ":"):gsub("%s+$", "")
  end
  for number in text:gmatch "[%[,]%s*(%d+)" do
    found[#found + 1] = number
  end
  table.sort(found)
  return found
end

return writer
