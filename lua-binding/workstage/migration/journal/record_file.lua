--- Files of records (journals and plans): one JSON object per line with a
-- checksum. The first is a header with the file's kind and version. A
-- journal's checksums are chained: each includes the line before. A plan's are
-- independent, so that two plans can be compared line by line, and an end
-- record shows that nothing is missing.
local core = require "workstage.core"
local errors = require "workstage.errors"
local transport = require "workstage.transport"

local record_file = {}

--- The format version that is written here, and the newest one read.
record_file.VERSION = 1

-- ------------------------------------------------------------- writing

local function refuse(path, why)
  return nil, errors.invalid(("%s: %s"):format(path, why), path)
end

--- A record as JSON, the same for the same record at all times: names in
-- order, integers exact, valid UTF-8 only, an empty table as [].
-- @tparam table record
-- @treturn[1] string
-- @treturn[2] nil
-- @treturn[2] table the error
function record_file.encode(record)
  if type(record) ~= "table" or type(next(record)) ~= "string" then
    return refuse("record", "expected a table with names")
  elseif record.sum ~= nil or record.synced ~= nil then
    return refuse(record.sum and "sum" or "synced",
                  "is a name of the file's own")
  end
  local text, why, path = core.record(record)
  if text then return text end
  return refuse(path ~= "" and path or "record", why)
end

--- Makes a header: these fields, with the file's kind and version.
function record_file.header(kind, fields)
  local header = {}
  for name, value in pairs(fields or {}) do header[name] = value end
  header.workstage, header.version = kind, record_file.VERSION
  return header
end

-- ------------------------------------------------------------- reading

local function failure(kind, message)
  return nil, errors.new { kind = kind, message = message }
end

local Reader = {}
Reader.__index = Reader

local function damaged(self, number, why)
  return failure("damaged", ("'%s' is damaged in line %d: %s")
                            :format(self.path, number, why))
end

local function parse(self, line, number)
  local record, why = transport.parse(line)
  if type(record) ~= "table" then
    return damaged(self, number, why or "it is not a JSON object")
  end
  return record
end

-- The next record, with its checksum; false after the last complete line.
local function read_line(self)
  local line, number, why = self.file:next()
  if line then
    local record, err = parse(self, line, number)
    return record, record and number or err
  elseif not number then return false
  elseif number == "torn" and self.kind == "journal" then
    self.torn = why
    return false
  end
  return failure(number == "torn" and "damaged" or number, why)
end

local function check_header(self, header)
  local kind, version = header.workstage, header.version
  if type(kind) ~= "string" or math.type(version) ~= "integer" then
    return damaged(self, 1, "it is not a header of workstage")
  elseif kind ~= self.kind then
    return failure("damaged", ("'%s' is a %s, not a %s")
                              :format(self.path, kind, self.kind))
  elseif version > record_file.VERSION then
    return failure("invalid", (
      "'%s' was made by a newer version of workstage (format %d; this one " ..
      "reads format %d)"):format(self.path, version, record_file.VERSION))
  elseif version < 1 then
    return damaged(self, 1, ("format %d does not exist"):format(version))
  end
  return header
end

local function read_header(self)
  local header, err = read_line(self)
  if header == nil then return nil, err end
  if not header then return damaged(self, 1, "the file is empty") end
  self.seen = core.checksum(header.sum)
  header.sum = nil
  return check_header(self, header)
end

local function ended(self)
  self.done = true
  self:close()
  return nil
end

local function failed(self, err)
  self.err = err
  self:close()
  return nil, err
end

-- Checks a plan's end record, which nothing may follow.
local function read_end(self, record, number)
  if record.check ~= ("%08x"):format(self.seen) then
    return failed(self, select(2, damaged(self, number,
      "its records are not the ones that were written")))
  end
  local more, err = read_line(self)
  if more == nil then return failed(self, err) end
  if more then
    return failed(self, select(2, damaged(self, err,
                                          "it comes after the end")))
  end
  return ended(self)
end

local function finish(self)
  if self.kind == "journal" then return ended(self) end
  local _, err = failure("damaged", ("'%s' is cut off: its end is missing")
                                    :format(self.path))
  return failed(self, err)
end

--- The next record and the number of its line; nil after the last.
-- @treturn[1] table
-- @treturn[1] integer
-- @treturn[2] nil
-- @treturn[3] nil
-- @treturn[3] table the error
function Reader:next()
  if self.done or self.err then return nil, self.err end
  local record, number = read_line(self)
  if record == nil then return failed(self, number) end
  if not record then return finish(self) end
  if self.kind ~= "journal" then
    if record.type == "end" then return read_end(self, record, number) end
    self.seen = core.checksum(record.sum, self.seen)
  end
  self.count = self.count + 1
  record.sum, record.synced = nil, nil
  return record, number
end

--- Called by a `for` loop: raises errors, so that the loop cannot end early
-- without notice.
function Reader:__call()
  local record, number = self:next()
  if record == nil and number then error(number, 0) end
  return record, number
end

--- Passes each record to `take`, then closes the file. If `take` raises, the
-- record has a valid checksum but invalid content: that is damage as well.
-- @tparam function take
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] table the error
function Reader:take_all(take)
  for record, number in self.next, self do
    local good, why = pcall(take, record)
    if not good then
      self:close()
      if errors.is(why) then return nil, why end
      if why == "not enough memory" then error(why, 0) end
      return damaged(self, number, ("it is not a record of a %s: %s")
                                   :format(self.kind, why))
    end
  end
  if self.err then return nil, self.err end
  return true
end

function Reader:close()
  self.file:close()
  self.done = true
end

Reader.__close = Reader.close

--- Opens a file of records and reads its header. The reader is for loops:
-- `for record, number in assert(record_file.each(path, "plan")) do`. Its
-- `next` can also be called directly. `header` is the header; after the last
-- record of a journal whose end is incomplete, `torn` is a sentence about it.
-- @tparam string path
-- @tparam string kind "journal" or "plan"
-- @treturn[1] table the reader (further values are for the loop)
-- @treturn[2] nil
-- @treturn[2] table the error
function record_file.each(path, kind)
  local file, failed_with, why = core.record_file(path, kind == "journal")
  if not file then return failure(failed_with, why) end
  local self = setmetatable({ file = file, path = path, kind = kind,
                              count = 0 }, Reader)
  local header, err = read_header(self)
  if not header then return failed(self, err) end
  self.header = header
  return self, nil, nil, self
end

--- The kind of a file by its first bytes.
-- @tparam string path
-- @treturn[1] string "plan" or "journal"
-- @treturn[2] boolean false if it is something else
-- @treturn[3] nil if it cannot be read
function record_file.kind(path)
  local file = io.open(path, "rb")
  if not file then return nil end
  local start = file:read(64) or ""
  file:close()
  return start:match '^{"workstage":"(%l+)"' or false
end

-- --------------------------------------------------------- whole files

local Writer = {}
Writer.__index = Writer

local function put(self, record)
  local text, err = record_file.encode(record)
  if not text then return nil, err end
  local line, sum, why = core.seal(text)
  if not line then return failure(sum, why) end
  local done, kind
  done, kind, why = self.file:write(line)
  if not done then return failure(kind, why) end
  self.seen = core.checksum(("%08x"):format(sum), self.seen)
  return true
end

--- Adds a record.
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] table the error
function Writer:write(record)
  if record.type == "end" then
    return nil, errors.invalid("type: 'end' is the name of the last record",
                               "type")
  end
  local done, err = put(self, record)
  if not done then return nil, err end
  self.count = self.count + 1
  return true
end

--- Completes the file and renames it to its final path.
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] table the error
function Writer:commit()
  local done, err = put(self, { type = "end", records = self.count,
                                check = ("%08x"):format(self.seen) })
  if not done then return nil, err end
  local kind, why
  done, kind, why = self.file:commit()
  if not done then return failure(kind, why) end
  return true
end

--- Discards the file, unless it was committed.
function Writer:close()
  self.file:close()
end

Writer.__close = Writer.close

--- Creates a file that appears at its path only when it is complete
-- (`commit`): a plan.
-- @tparam string path
-- @tparam string kind "plan"
-- @tparam table header
-- @tparam[opt] integer mode such as 384 (0600)
-- @treturn[1] table with `write`, `commit` and `close`
-- @treturn[2] nil
-- @treturn[2] table the error
function record_file.create(path, kind, header, mode)
  local file, failed_with, why = core.atomic_file(path, mode)
  if not file then return failure(failed_with, why) end
  local self = setmetatable({ file = file, count = 0 }, Writer)
  local done, err = put(self, record_file.header(kind, header))
  if not done then
    self:close()
    return nil, err
  end
  return self
end

return record_file
