--- The figures of all parts, in one file: build/bench/figures.json.
--
-- A part is a script bench/NAME.lua. It adds its rows, and what it measured
-- last takes the place of its former rows:
--
--   local part = figures.part "json"
--   part:add { name = "write a change", value = 95, unit = "ns",
--              ratio = 0.26, rounds = { 95, 97, 94 } }
--   part:save()
--
-- `ratio` is against what the part compares with, in the same run, `rounds`
-- are the values (or, where there is a ratio, `ratios` the ratios) that the
-- medians are of. Other fields of a row are kept as well.
local cjson = require "cjson"

local figures = {}

local folder = (os.getenv "WORKSTAGE_BUILD" or "build") .. "/bench"
figures.folder = folder
figures.path = folder .. "/figures.json"

--- Returns the rows of all parts; none if nothing was measured yet.
function figures.read(path)
  local file = io.open(path or figures.path)
  if not file then return {} end
  local text = file:read "a"
  file:close()
  return cjson.decode(text).rows
end

-- ------------------------------------------------------------- statistics

local function sorted(values)
  local copy = table.move(values, 1, #values, 1, {})
  table.sort(copy)
  return copy
end

--- Returns a quantile of the values: 0.5 is the median.
function figures.quantile(values, part)
  local all = sorted(values)
  local at = 1 + (#all - 1) * part
  local low = math.floor(at)
  local high = math.min(low + 1, #all)
  return all[low] + (all[high] - all[low]) * (at - low)
end

function figures.median(values) return figures.quantile(values, 0.5) end

--- An environment variable as a number.
function figures.setting(name, otherwise)
  return tonumber(os.getenv(name) or "") or otherwise
end

-- ---------------------------------------------------------------- writing

local function number(value)
  return math.type(value) == "integer" and ("%d"):format(value)
         or ("%.6g"):format(value)
end

local encode

local function encode_array(values)
  local items = {}
  for i, value in ipairs(values) do items[i] = encode(value) end
  return "[" .. table.concat(items, ", ") .. "]"
end

-- Names in reading order, then alphabetically.
local ORDER = { part = "1", name = "2", value = "3", unit = "4", ratio = "5" }

local function encode_object(object)
  local names, items = {}, {}
  for name in pairs(object) do names[#names + 1] = name end
  table.sort(names, function(a, b)
    return (ORDER[a] or a) < (ORDER[b] or b)
  end)
  for i, name in ipairs(names) do
    items[i] = ("%s: %s"):format(cjson.encode(name), encode(object[name]))
  end
  return "{" .. table.concat(items, ", ") .. "}"
end

function encode(value)
  if type(value) == "number" then return number(value) end
  if type(value) ~= "table" then return cjson.encode(value) end
  if #value > 0 or next(value) == nil then return encode_array(value) end
  return encode_object(value)
end

local function first_line(command)
  local pipe = assert(io.popen(command .. " 2>/dev/null"))
  local line = pipe:read "l"
  pipe:close()
  return line or "unknown"
end

-- The machine and versions of the figures, shared by rows of several runs.
local function machine()
  return {
    processor = first_line
      "sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1",
    processors = tonumber(first_line "nproc"),
    kernel = first_line "uname -sr",
    libcurl = first_line "curl-config --version",
    lua = _VERSION,
  }
end

local function write(rows)
  local lines = {}
  for i, row in ipairs(rows) do lines[i] = encode(row) end
  assert(os.execute("mkdir -p '" .. folder .. "'"))
  local file = assert(io.open(figures.path, "w"))
  assert(file:write('{"machine": ', encode(machine()), ',\n "rows": [\n',
                    table.concat(lines, ",\n"), "\n]}\n"))
  assert(file:close())
end

-- ------------------------------------------------------------------ parts

local Part = {}
Part.__index = Part

--- Starts a part, without its earlier rows.
function figures.part(name)
  return setmetatable({ name = name, rows = {} }, Part)
end

--- Adds a row, and prints it.
function Part:add(row)
  row.part = self.name
  table.insert(self.rows, row)
  local ratio = row.ratio and ("%7.2f x"):format(row.ratio) or ""
  print(("%-48s %12s %-10s %s"):format(row.name, number(row.value),
                                       row.unit or "", ratio))
  io.stdout:flush()
end

--- Puts the rows into the file.
function Part:save()
  local rows = {}
  for _, row in ipairs(figures.read()) do
    if row.part ~= self.name then rows[#rows + 1] = row end
  end
  table.move(self.rows, 1, #self.rows, #rows + 1, rows)
  write(rows)
end

return figures
