--- A migration's journal: what was meant to be done and what came of it, a
-- record a line, appended and synced. See `record_file` for its form.
local core = require "workstage.core"
local errors = require "workstage.errors"
local lines = require "workstage.migration.journal.record_file"

local journal = {}

-- Outcomes are on the disk a second after they were written. Who calls
-- `tick` does so some times a second, so it begins a little earlier.
local SYNC_AFTER = 0.8

local Journal = {}
Journal.__index = Journal

local function checked(done, kind, why)
  if done then return done end
  return nil, errors.new { kind = kind, message = why }
end

local function append(self, record)
  local text, err = lines.encode(record)
  if not text then return nil, err end
  local done
  done, err = checked(self.file:append(text))
  if not done then return nil, err end
  local now = core.now()
  self.oldest = self.oldest or now
  return now
end

--- Appends a record. It is with the system at once, so that the end of this
-- process does not lose it, and on the disk after `sync`, or `tick` a second
-- later.
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] table the error: "invalid" for a record that cannot be
-- written, after which the journal is as good as before; "io" for a file
-- that cannot be, after which it takes nothing more
function Journal:write(record)
  local now, err = append(self, record)
  if not now then return nil, err end
  return self:tick(now)
end

--- Appends a record that is on the disk when this returns.
function Journal:intend(record)
  local done, err = append(self, record)
  if not done then return nil, err end
  return self:sync()
end

--- Brings to the disk what was written.
function Journal:sync()
  local done, err = checked(self.file:sync())
  if done then self.oldest = nil end
  return done, err
end

--- Syncs what has waited for nearly a second.
-- @tparam[opt] number now as `core.now` tells it
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] table the error
function Journal:tick(now)
  if not self.oldest or (now or core.now()) - self.oldest < SYNC_AFTER then
    return true
  end
  return self:sync()
end

--- Bytes in the file.
function Journal:size()
  return self.file:size()
end

--- Syncs what was written, and lets go of the file and its lock.
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] table the error of the last sync
function Journal:close()
  if self.closed then return true end
  self.closed = true
  local went, done, err = true, true, nil
  if self.oldest then went, done, err = pcall(self.sync, self) end
  self.file:close()
  if not went then error(done, 0) end
  return done, err
end

Journal.__close = Journal.close

-- Made before its file: where memory runs out nothing stays open and locked.
local function new(path)
  return setmetatable({ file = false, path = path, header = false,
                        closed = false }, Journal)
end

--- Makes a new journal, on the disk with its header when this returns; one
-- that is there already is an error.
-- @tparam string path
-- @tparam table header what its first record says
-- @treturn[1] table with `write`, `intend`, `tick`, `sync`, `close`, and its
-- `path` and `header`
-- @treturn[2] nil
-- @treturn[2] table the error
function journal.create(path, header)
  local first = lines.header("journal", header)
  local text, err = lines.encode(first)
  if not text then return nil, err end
  local self = new(path)
  local kind, why
  self.header = first
  self.file, kind, why = core.journal_create(path, text)
  if not self.file then return checked(nil, kind, why) end
  return self
end

--- Opens a journal to append to it, after a look at the whole of it: a torn
-- last line is cut off, and `torn` says so; any other damage is an error.
-- @tparam string path
-- @treturn[1] table as `create` returns it
-- @treturn[2] nil
-- @treturn[2] table the error
function journal.open(path)
  local reader, err = lines.each(path, "journal")
  if not reader then return nil, err end
  local self = new(path)
  local torn, why
  self.header = reader.header
  reader:close()
  self.file, torn, why = core.journal_open(path)
  if not self.file then return checked(nil, torn, why) end
  self.torn = torn
  return self
end

--- Locks another file as a journal is locked, until what is returned is
-- closed.
-- @tparam string path
-- @treturn[1] userdata with `close`
-- @treturn[2] nil
-- @treturn[2] table the error, of the kind locked, io or invalid
function journal.hold(path)
  return checked(core.journal_hold(path))
end

--- The error of a journal that cannot be read any more, with what is to be
-- done then; any other as it is.
-- @tparam table err
-- @tparam string remedy
function journal.with_remedy(err, remedy)
  if err.kind ~= "damaged" or err.unplanned then return err end
  return errors.new { kind = "damaged",
                      message = ("%s; %s"):format(err.message, remedy) }
end

--- Reads a journal, also while another process writes it: see `record_file`.
-- @tparam string path
function journal.read(path)
  return lines.each(path, "journal")
end

return journal
