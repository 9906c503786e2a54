-- An output handler for busted that writes a record of each spec as it starts
-- and ends, so that the counts outlive a crash. script/run-specs reads them.

local busted = require "busted"
local system = require "system"

local file = assert(io.open(assert(os.getenv "SPEC_RECORDS"), "a"))

local function write(record)
  local fields = {}
  for name, value in pairs(record) do
    fields[#fields + 1] = ("%s=%q"):format(name, value)
  end
  -- One record a line: %q breaks lines with a backslash.
  local text = table.concat(fields, ","):gsub("\\\n", "\\n")
  file:write("{", text, "}\n")
  file:flush()
end

return function()
  local handler = require "busted.outputHandlers.base" ()
  local started

  busted.subscribe({ "test", "start" }, function(element)
    started = system.gettime()
    write { what = "start", name = handler.getFullName(element) }
    return nil, true
  end)

  busted.subscribe({ "test", "end" }, function(element, _, status)
    write {
      what = "end", name = handler.getFullName(element), status = status,
      seconds = system.gettime() - started,
    }
    return nil, true
  end)

  local function failed(element, _, message, trace)
    local text = type(message) == "string" and message
      or require "pl.pretty".write(message)
    if trace and trace.traceback then
      text = text .. "\n" .. trace.traceback
    end
    write {
      what = "failure", name = handler.getFullName(element), text = text,
    }
    return nil, true
  end
  busted.subscribe({ "failure" }, failed)
  busted.subscribe({ "error" }, failed)

  busted.subscribe({ "exit" }, function()
    write { what = "finished" }
    return nil, true
  end)

  return handler
end
