--- A migration's journal: intents and outcomes, one record per line, appended
-- and synced. See `record_file` for the format.
local core = require "workstage.core"
local errors = require "workstage.errors"
local record_file = require "workstage.migration.journal.record_file"

local journal = {}

-- Outcomes are synced within a second. `tick` is called several times a
-- second, so it syncs a little earlier.
local SYNC_AFTER = 0.8

local Journal = {}
Journal.__index = Journal

local function checked(done, kind, why)
  if done then return done end
  return nil, errors.new { kind = kind, message = why }
end

local function append(self, record)
  local text, err = record_file.encode(record)
  if not text then return nil, err end
  local done
  done, err = checked(self.file:append(text))
  if not done then return nil, err end
  local now = core.now()
  self.oldest = self.oldest or now
  return now
end

--- Appends a record. It is written to the file immediately, so it survives a
-- crash of the process; it is on disk after `sync`, or within a second if
-- `tick` is called.
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] table the error: "invalid" for a record that cannot be
-- written, and the journal can go on; "io" if the file cannot be written,
-- and nothing more can be
function Journal:write(record)
  local now, err = append(self, record)
  if not now then return nil, err end
  return self:tick(now)
end

--- Appends a record and syncs it to disk.
function Journal:intend(record)
  local done, err = append(self, record)
  if not done then return nil, err end
  return self:sync()
end

--- Syncs everything written so far to disk.
function Journal:sync()
  local done, err = checked(self.file:sync())
  if done then self.oldest = nil end
  return done, err
end

--- Syncs if unsynced records are nearly a second old.
-- @tparam[opt] number now from `core.now`
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

--- Syncs, closes and unlocks the file.
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

-- Created before its file is opened, so that no file stays open and locked if
-- memory runs out.
local function new(path)
  return setmetatable({ file = false, path = path, header = false,
                        closed = false }, Journal)
end

--- Creates a journal and syncs it with its header. An existing file is an
-- error.
-- @tparam string path
-- @tparam table header content of its first record
-- @treturn[1] table with `write`, `intend`, `tick`, `sync`, `close`, and its
-- `path` and `header`
-- @treturn[2] nil
-- @treturn[2] table the error
function journal.create(path, header)
  local first = record_file.header("journal", header)
  local text, err = record_file.encode(first)
  if not text then return nil, err end
  local self = new(path)
  local kind, why
  self.header = first
  self.file, kind, why = core.journal_create(path, text)
  if not self.file then return checked(nil, kind, why) end
  return self
end

--- Opens a journal for appending, after checking all of it. An incomplete last
-- line is cut off and described in `torn`; other damage is an error.
-- @tparam string path
-- @treturn[1] table as `create` returns it
-- @treturn[2] nil
-- @treturn[2] table the error
function journal.open(path)
  local reader, err = record_file.each(path, "journal")
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

--- Locks another file like a journal, until the result is closed.
-- @tparam string path
-- @treturn[1] userdata with `close`
-- @treturn[2] nil
-- @treturn[2] table the error, of the kind locked, io or invalid
function journal.lock(path)
  return checked(core.journal_lock(path))
end

--- Adds a remedy to the error of a damaged journal; returns other errors
-- unchanged.
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
  return record_file.each(path, "journal")
end

return journal
