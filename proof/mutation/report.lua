-- Reports the results of the mutants: report.lua FOLDER COUNT EQUIVALENT
-- One line for each part. It is a failure if a survivor is not in EQUIVALENT.
local folder, count, equivalent_path = arg[1], tonumber(arg[2]), arg[3]

local PARTS = { "limiter", "retry table", "writer", "reader",
                "lost responses", "planner" }

local function lines_of(path)
  local list = {}
  for line in io.lines(path) do list[#list + 1] = line end
  return list
end

-- key -> the line that lists it as equivalent. "path: function", then a
-- pair of lines "- before" and "+ after" for each, then the reason.
local function read_equivalent()
  local equivalent, head, before = {}, nil, nil
  for number, line in ipairs(lines_of(equivalent_path)) do
    local mark, text = line:match "^([-+]) ?(.*)$"
    if mark == "-" then before = text
    elseif mark == "+" then
      equivalent[("%s\n%s\n%s"):format(head, before, text)] = number
    elseif line:find "^%S" and not line:find "^#" then
      head = line:gsub(": ", "\n", 1)
    end
  end
  return equivalent
end

local function read_mutant(number)
  local base = ("%s/%d/"):format(folder, number)
  local key = lines_of(base .. "key")
  return { part = key[1], key = table.concat(key, "\n", 2), number = number,
           result = lines_of(base .. "result")[1] }
end

local function show(mutant, what)
  local path, scope, before, after = mutant.key:match
    "^(.-)\n(.-)\n(.-)\n(.*)$"
  print(("%s (%d)\n%s: %s\n- %s\n+ %s\n"):format(what, mutant.number, path,
                                                 scope, before, after))
end

local equivalent = read_equivalent()
local tried, failed, met, used = {}, {}, {}, {}
for _, part in ipairs(PARTS) do tried[part], failed[part] = 0, 0 end
for number = 1, count do
  local mutant = read_mutant(number)
  local part, key = mutant.part, mutant.key
  if part == "unbroken" then
    if mutant.result ~= "survived" then
      show(mutant, "UNBROKEN, and its specs fail: " .. mutant.result)
      os.exit(false)
    end
  elseif mutant.result ~= "void" then
    tried[part], met[key] = tried[part] + 1, true
    if mutant.result == "survived" then
      used[key] = true
      if not equivalent[key] then
        failed[part] = failed[part] + 1
        show(mutant, "SURVIVED")
      end
    end
  end
end

local all = {}
for _, line in ipairs(lines_of(folder .. "/keys")) do all[line] = true end
for key, number in pairs(equivalent) do
  local plain = key:gsub("\n", "\t")
  if met[key] and not used[key] or not all[plain] then
    print(("STALE: equivalent, line %d: %s"):format(number, met[key] and
      "the specs notice it" or "no such mutant any more"))
  end
end

local good = true
for _, part in ipairs(PARTS) do
  good = good and failed[part] == 0
  print(("proof: mutants of the %s|%d|%d"):format(part, tried[part],
                                                  failed[part]))
end
os.exit(good)
