--- Simulates a disk after a power cut: computes, from the calls of a process on
-- the files of a folder (see probe_disk.c), each possible state of the folder.
-- Synced content is complete. Of other content nothing, all, a part, or a part
-- with NULs instead of missing blocks may exist; names may be those before or
-- after each step, unless the folder was synced.
local disk = {}

local BLOCK = 512

local function bytes_of(digits)
  return (digits:gsub("%x%x", function(pair)
    return string.char(tonumber(pair, 16))
  end))
end

--- The calls of a process, as logged by probe_disk.c.
function disk.calls(path)
  local calls = {}
  local file = io.open(path, "rb")
  if not file then return calls end
  for line in file:lines() do
    local what, inode, at, first, second, digits = line:match(
      "^(%a+) (%d+) (%-?%d+) (%S+) (%S+) (%x*)$")
    calls[#calls + 1] = { what = what, inode = inode, at = tonumber(at),
                          first = first, second = second,
                          bytes = bytes_of(digits) }
  end
  file:close()
  return calls
end

-- ------------------------------------------------------------ the process

local function change_names(names, call)
  if call.what == "create" then names[call.first] = call.inode
  elseif call.what == "unlink" then names[call.first] = nil
  else
    names[call.second] = names[call.first]
    if call.what == "rename" then names[call.first] = nil end
  end
end

local function change_text(text, call)
  if call.what == "truncate" then
    return text:sub(1, call.at) .. ("\0"):rep(call.at - #text)
  end
  text = text .. ("\0"):rep(call.at - #text)
  return text:sub(1, call.at) .. call.bytes ..
         text:sub(call.at + #call.bytes + 1)
end

local function sync_file(file)
  for _, call in ipairs(file.open) do
    file.text = change_text(file.text, call)
  end
  file.open = {}
end

local function sync_names(self)
  for _, call in ipairs(self.open) do change_names(self.names, call) end
  self.open = {}
end

local take = {}

function take.create(self, call)
  self.files[call.inode] = { text = "", open = {} }
  table.insert(self.open, call)
end

function take.rename(self, call) table.insert(self.open, call) end

take.link, take.unlink = take.rename, take.rename

function take.write(self, call)
  table.insert(self.files[call.inode].open, call)
end

take.truncate = take.write

function take.sync(self, call)
  if call.inode == self.folder then return sync_names(self) end
  sync_file(self.files[call.inode])
end

function take.syncfs(self)
  sync_names(self)
  for _, file in pairs(self.files) do sync_file(file) end
end

--- The content of the disk, and that of the system's cache.
-- @tparam string folder the inode of the folder
-- @tparam table before path -> { inode =, text = }: what was on the disk
-- @tparam table calls
function disk.after(folder, before, calls)
  local self = { folder = folder, names = {}, open = {}, files = {} }
  for path, file in pairs(before) do
    self.names[path] = file.inode
    self.files[file.inode] = { text = file.text, open = {} }
  end
  for _, call in ipairs(calls) do take[call.what](self, call) end
  return self
end

-- ----------------------------------------------------- what may be found

-- Replaces a block's bytes that were not synced with NULs.
local function without(text, synced, is_there)
  local parts = { text:sub(1, synced) }
  local at = synced
  while at < #text do
    local to = math.min((at // BLOCK + 1) * BLOCK, #text)
    parts[#parts + 1] = is_there(at // BLOCK) and text:sub(at + 1, to) or
                        ("\0"):rep(to - at)
    at = to
  end
  return table.concat(parts)
end

local function with_holes(add, text, synced)
  if synced >= #text then return end
  for block = synced // BLOCK, (#text - 1) // BLOCK do
    add(without(text, synced, function(i) return i ~= block end))
    add(without(text, synced, function(i) return i == block end))
    add(without(text, synced, function(i) return i < block end))
  end
end

-- The possible contents of a file, and the one that was written.
local function texts_of(file, step)
  local found, seen = {}, {}
  local function add(each)
    if not seen[each] then found[#found + 1] = each end
    seen[each] = true
  end
  local text, synced = file.text, #file.text
  add(text)
  for _, call in ipairs(file.open) do
    local before = text
    text = change_text(text, call)
    synced = math.min(synced, #text)
    add(text)
    for size = 1, #call.bytes - 1, step do
      add(change_text(before, { what = "write", at = call.at,
                                bytes = call.bytes:sub(1, size) }))
    end
    if #call.bytes > 1 then
      add(change_text(before, { what = "write", at = call.at,
                                bytes = call.bytes:sub(1, -2) }))
    end
  end
  with_holes(add, text, synced)
  return found, text
end

local function copy(names)
  local same = {}
  for path, inode in pairs(names) do same[path] = inode end
  return same
end

-- The possible names: after none, one, two of the unsynced steps.
local function names_of(self)
  local found = { copy(self.names) }
  for _, call in ipairs(self.open) do
    local names = copy(found[#found])
    change_names(names, call)
    found[#found + 1] = names
  end
  return found
end

--- Each possible state of the folder.
-- @tparam table self as `after` returns it
-- @tparam integer step how many bytes lie between two torn writes
-- @treturn table array of states, path -> `text`, `synced` (what must be
--   there) and `all` (what was written)
function disk.states(self, step)
  local states = {}
  for _, names in ipairs(names_of(self)) do
    local list = { {} }
    for path, inode in pairs(names) do
      local file, longer = self.files[inode], {}
      local texts, all = texts_of(file, step)
      for _, state in ipairs(list) do
        for _, each in ipairs(texts) do
          local more = {}
          for other, what in pairs(state) do more[other] = what end
          more[path] = { text = each, synced = file.text, all = all }
          longer[#longer + 1] = more
        end
      end
      list = longer
    end
    table.move(list, 1, #list, #states + 1, states)
  end
  return states
end

return disk
