-- Writes mutants for `try`: make.lua FOLDER COUNT SEED
-- Each is a folder FOLDER/N with the broken `source` and shell variables in
-- `mutant`. COUNT 0: all there are. Else a choice that depends on the seed and
-- on what the mutants say: one that is chosen stays so while others change.
local folder, count, seed = arg[1], tonumber(arg[2]), arg[3]
package.path = arg[0]:match "^(.*/)" .. "?.lua;" .. package.path
local parts = require "parts"
local rules = require "rules"

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

local function write(path, text)
  local file <close> = assert(io.open(path, "wb"))
  file:write(text)
end

-- FNV-1a.
local function hash(text)
  local value = 0xcbf29ce484222325
  for i = 1, #text do
    value = (value ~ text:byte(i)) * 0x100000001b3
  end
  return value ~ value >> 32
end

local function mutants_of(part)
  local language = part.path:match "[^.]*$"
  local list, seen = {}, {}
  for _, mutant in ipairs(rules.mutants(read(part.path), language)) do
    if language == "c" or load(mutant.text, "=", "t") then
      local key = table.concat({ part.path, mutant.scope, mutant.before,
                                 mutant.after }, "\n")
      seen[key] = (seen[key] or 0) + 1
      mutant.part, mutant.key = part, key
      mutant.rank = hash(("%s\n%s\n%d"):format(seed, key, seen[key]))
      list[#list + 1] = mutant
    end
  end
  return list
end

-- Returns the first items of each list by rank, according to its share.
local function choose(list, share)
  table.sort(list, function(a, b) return a.rank < b.rank end)
  return table.move(list, 1, math.min(share, #list), 1, {})
end

local function quoted(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

local function spec_files(names)
  local files = {}
  for i, name in ipairs(names) do
    files[i] = ("spec/%s_spec.lua"):format(name)
  end
  return table.concat(files, " ")
end

local function write_mutant(mutant, number)
  local base = ("%s/%d"):format(folder, number)
  assert(os.execute("mkdir " .. quoted(base)))
  write(base .. "/source", mutant.text)
  write(base .. "/mutant", ("path=%s\nbuild=%s\nspecs=%s\n"):format(
    quoted(mutant.part.path), quoted(table.concat(mutant.part.build, " ")),
    quoted(spec_files(mutant.part.specs))))
  write(base .. "/key", ("%s\n%s\n"):format(
    mutant.name or mutant.part.part, mutant.key))
end

-- The unchanged sources, whose specs must pass.
local function write_unbroken(part, number)
  write_mutant({ text = read(part.path), key = part.path .. "\n\n\n",
                 part = part, name = "unbroken" }, number)
end

-- Those of the functions that are asked for, as "path: function".
local only = os.getenv "MUTANT_ONLY" or ""

local function asked_for(list, path)
  local some = {}
  for _, mutant in ipairs(list) do
    if (path .. ": " .. mutant.scope):find(only) then
      some[#some + 1] = mutant
    end
  end
  return some
end

local lists, keys, total, number = {}, {}, 0, 0
for _, part in ipairs(parts) do
  local list = mutants_of(part)
  for _, mutant in ipairs(list) do
    keys[#keys + 1] = mutant.key:gsub("\n", "\t") .. "\n"
  end
  list = asked_for(list, part.path)
  if #list > 0 then
    lists[#lists + 1] = list
    total, number = total + #list, number + 1
    write_unbroken(part, number)
  end
end
write(folder .. "/keys", table.concat(keys))
for _, list in ipairs(lists) do
  local share = count == 0 and #list or
                math.max(1, math.floor(count * #list / total + 0.5))
  for _, mutant in ipairs(choose(list, share)) do
    number = number + 1
    write_mutant(mutant, number)
  end
end
io.write(number, "\n")
