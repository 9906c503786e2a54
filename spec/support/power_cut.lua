--- Power cuts: ends a migrating process before or after each of its calls on
-- its journals' folder. From every possible state of the disk, with the service
-- in its state of that moment, resumes the run.
local clients = require "support.clients"
local disk = require "support.disk"
local files = require "support.files"
local journals = require "workstage.migration.journal.file"
local loop = require "workstage.loop"
local migration = require "workstage.migration"
local migrations = require "support.migrations"
local service = require "support.service"
local shell = require "house.shell"
local workstage = require "workstage"

local power_cut = {}

-- The script of that process: applies the plan, resumes, or rolls back.
local PROCESS = [[
local migration = require "workstage.migration"
local workstage = require "workstage"
local service, url, space_id, folder, kind = table.unpack(arg)
local client = assert(workstage[service] {
  token = "process-of-the-specs", base_url = url,
  space_id = service == "storyblok" and space_id or nil,
  rate_limit = false, settle_time = 0.001, proxy = false })
local journal = folder .. "/j"
if kind == "rollback" then
  print(migration.rollback(client, journal))
elseif kind == "resume" then
  print(migration.resume(client, journal))
else
  print(migration.apply(client, assert(migration.load(folder .. "/../plan")),
                        { journal = journal }))
end
]]

local Case = {}
Case.__index = Case

-- ------------------------------------------------------------- the folder

local function write_files(self, texts)
  for path in pairs(self.there) do os.remove(path) end
  os.remove(self.folder .. "/j")
  os.remove(self.folder .. "/j.rollback")
  for path, text in pairs(texts) do files.write(path, text) end
  self.there = texts
end

-- Processes leave files with unpredictable names.
local function clear(self)
  shell.must("rm -rf %s && mkdir %s", self.folder, self.folder)
  self.there = {}
end

local function read_files(self)
  local texts = {}
  for _, name in ipairs(files.list(self.folder)) do
    texts[self.folder .. "/" .. name] = files.read(self.folder .. "/" .. name)
  end
  return texts
end

local function inode(path)
  return (shell.must("stat -c %%i %s", path):gsub("\n", ""))
end

local function with_inodes(texts)
  local before = {}
  for path, text in pairs(texts) do
    before[path] = { text = text, inode = inode(path) }
  end
  return before
end

-- ------------------------------------------------------------ the service

-- Waits until all requests that were sent have a response. Returns true if any
-- of them was more than a read.
local function quiet(self, from)
  local until_then, count = service.now() + 2, -1
  while service.now() < until_then do
    local requests, wrote, open = self.server:requests(from), false, false
    for _, request in ipairs(requests) do
      wrote = wrote or request.method ~= "GET"
      open = open or not request.status
    end
    if #requests == count and not open then return wrote end
    count = #requests
    loop.sleep(0.002)
  end
  error "the sandbox does not become quiet"
end

local function number_of_last(self)
  local all = self.server:requests()
  return #all > 0 and all[#all].number or 0
end

-- ------------------------------------------------------------ the process

-- Runs the process until a call; returns its calls, true if it completed, and
-- true if it had sent more than reads.
local function run(self, number, after)
  assert(self.server:load(self.before))
  clear(self)
  write_files(self, self.files)
  local before, log = with_inodes(self.files), self.folder .. ".log"
  os.remove(log)
  local from = number_of_last(self) + 1
  local output, code = shell.run(
    "DISK_FOLDER=%s DISK_LOG=%s DISK_CUT=%d %s LD_PRELOAD=%s %s",
    self.folder, log, number, after and "DISK_AFTER=1" or "", self.preload,
    files.command(PROCESS, self.service, self.url, migrations.SPACE,
                  self.folder, self.kind))
  assert(code == 0 or code == 137, output)
  return disk.after(inode(self.folder), before, disk.calls(log)),
         code == 0, quiet(self, from)
end

-- ------------------------------------------------------------- what follows

local function fail(self, format, ...)
  local text = ("%s, %s: %s"):format(self.name, self.moment,
                                     format:format(...))
  self.failures[#self.failures + 1] = text
  return nil
end

-- Opens a journal of the state. It must have all synced lines, and no line that
-- was not written.
local function look(self, path, found)
  local opened, err = journals.open(path)
  if not opened then return fail(self, "%s", err) end
  opened:close()
  local text, synced = files.read(path), found.synced:match "^.*\n"
  if text:sub(1, #synced) ~= synced then
    return fail(self, "lost what was synced (%d of %d bytes)", #text,
                #synced)
  elseif found.all:sub(1, #text) ~= text then
    return fail(self, "holds what was not written: %s", text:sub(-200))
  end
  return text
end

-- Checks the journals in a state; returns a key of their names and numbers of
-- lines. Runs are resumed only once for each key.
local function check_journals(self, state)
  local texts = {}
  for path, found in pairs(state) do texts[path] = found.text end
  write_files(self, texts)
  local key = {}
  for path, found in pairs(state) do
    if not path:find "%.new$" then
      local what = look(self, path, found)
      if not what then return nil end
      key[#key + 1] = ("%s %d"):format(path, select(2, what:gsub("\n", "")))
    end
  end
  table.sort(key)
  return table.concat(key, ", ")
end

local function journal_of(self)
  return self.folder .. "/j"
end

local function apply(self, client)
  local plan = assert(migration.load(self.top .. "/plan"))
  return migration.apply(client, plan, { journal = journal_of(self) })
end

-- A run whose rollback has started is not resumed.
local function roll_back(self, client, path)
  if self.has_written then
    local report, err = migration.resume(client, path)
    if report or err.kind ~= "refused" then
      return nil, ("its rollback is not known: %s"):format(report or err)
    end
  end
  return migration.rollback(client, path)
end

-- Resumes, and follows the advice of errors.
local function carry_on(self, client)
  local path = journal_of(self)
  if self.kind == "rollback" then return roll_back(self, client, path) end
  local report, err
  if files.is_there(path) then
    report, err = migration.resume(client, path)
    if report or not err.unplanned then return report, err end
    assert(tostring(err):find("can be deleted", 1, true), tostring(err))
    os.remove(path)
  end
  if self.has_written then
    return nil, "requests were sent, and no journal records it"
  end
  return apply(self, client)
end

local function finish(self, snapshot)
  assert(self.server:load(snapshot))
  local client = self:client()
  local report, err = carry_on(self, client)
  if not report then fail(self, "%s", err)
  elseif not report.complete then fail(self, "not complete: %s", report)
  else
    local good, why = pcall(self.check, self, client)
    if not good then fail(self, "%s", why) end
  end
  client:close()
end

-- Checks every state after one cut.
local function cut(self, number, after)
  self.moment = ("%s call %d"):format(after and "behind" or "before", number)
  local found, is_done, has_written = run(self, number, after)
  self.has_written = has_written
  local snapshot = self.server:dump()
  local seen = has_written and {} or self.seen
  clear(self)
  for _, state in ipairs(disk.states(found, self.step)) do
    self.cases = self.cases + 1
    local key = check_journals(self, state)
    if key and not seen[key] then
      seen[key] = true
      self.resumed = self.resumed + 1
      finish(self, snapshot)
    end
  end
  return is_done
end

--- Ends a process at each of its calls.
-- @tparam table case `name`; `kind` ("apply", "resume", "rollback"); `server`
--   and `client()`; `blueprint`; `top`, a folder with the plan; `check(case,
--   client)`, which raises if the service has the wrong state;
--   `prepare(case)`, called before the process starts
-- @tparam[opt] table opts `step`, bytes between two torn writes (1), and
--   `every`, calls between two cuts (1)
-- @treturn table the case with `cases` (states looked at), `resumed` (those
--   from which it was resumed) and `failures` (texts)
function power_cut.run(case, opts)
  local self = setmetatable(case, Case)
  self.cases, self.resumed, self.failures = 0, 0, {}
  self.seen = {} -- while the service is as it was
  self.step = opts and opts.step or 1
  self.folder = self.top .. "/files"
  self.service = self.service or "storyblok"
  self.url = self.service == "kantata" and self.server.kantata_url or
             self.server.url
  self.preload = files.build .. "/spec/probe_disk.so"
  self.before, self.files = self.server:dump(), {}
  if self.prepare then
    clear(self)
    self:prepare()
    self.before, self.files = self.server:dump(), read_files(self)
  end
  local number, is_done = 1, false
  while not is_done do
    is_done = cut(self, number, false)
    if not is_done then cut(self, number, true) end
    number = number + (opts and opts.every or 1)
  end
  return self
end

--- A client of the case's service.
function Case:client()
  return assert(workstage[self.service] {
    token = clients.TOKEN, base_url = self.url, rate_limit = false,
    space_id = self.service == "storyblok" and migrations.SPACE or nil,
    settle_time = 0.001, proxy = false,
  })
end

return power_cut
