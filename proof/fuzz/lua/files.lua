-- Plans and journals as files.
local core = require "workstage.core"
local errors = require "workstage.errors"

local files = {}

files.path = "/dev/shm/workstage-fuzz-" .. tostring(files):match "%x+$"

--- Writes a file of records with valid checksums, as checksums only detect
-- accidents: the content of a line is still arbitrary.
function files.write(header, bytes, chained)
  local out, sum, check = {}, nil, nil
  local function add(text)
    local line, next_sum = core.seal(text, chained and sum or nil)
    if not line then return end
    sum = next_sum
    check = core.checksum(("%08x"):format(sum), check)
    out[#out + 1] = line
  end
  add(header)
  for line in bytes:gmatch "[^\n]+" do add(line) end
  if not chained then
    add(('{"type":"end","check":"%08x"}'):format(check))
  end
  local file = assert(io.open(files.path, "wb"))
  file:write(table.concat(out))
  file:close()
end

--- Checks the result of reading it.
function files.check(value, err)
  os.remove(files.path)
  if value ~= nil then return end
  assert(errors.is(err), tostring(err))
  assert(err.kind == "damaged" or err.kind == "invalid" or err.kind == "io")
  assert(not tostring(err):find "\n")
end

return files
