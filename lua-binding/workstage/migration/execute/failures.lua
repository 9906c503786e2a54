--- Decides if a run continues after an item could not be moved.
local errors = require "workstage.errors"
local visible = require "workstage.visible"

local failures = {}

-- Kinds of errors after which no other item could be moved either.
local FINAL = { unauthorized = true, budget = true }

-- Kinds that are not caused by an item. After this many in a row, multiplied
-- by the concurrency, the service is considered unreachable.
local UNREACHABLE = { network = true, tls = true, timeout = true,
                      server = true }
local IN_A_ROW = 3

--- A run ends after this many equal refusals in a row between the same two
-- stages.
failures.EQUAL = 20

local Failures = {}
Failures.__index = Failures

-- The pair of stages between which an item was to be moved.
local function pair_of(work)
  return ("%s>%s"):format(work.from, work.to)
end

-- The signature of equal refusals: status and message without digits.
local function signature_of(err)
  return ("%d %s"):format(err.status, (tostring(err.message):gsub("%d+", "#")))
end

local function equal_refusals(work, err)
  local message = (
    "%d moves in a row from stage %s to stage %s were refused with %d: " ..
    "%s; the run was stopped: fix the cause, then resume it")
    :format(failures.EQUAL, visible.quoted(tostring(work.from_name)),
            visible.quoted(tostring(work.to_name)), err.status,
            (tostring(err.message):gsub("[%s.]+$", "")))
  return errors.new { kind = err.kind, message = message }
end

--- Notes that an item was moved.
function Failures:note_success(work)
  self.unreachable = 0
  if next(self.refusals) then self.refusals[pair_of(work)] = nil end
end

-- Counts a refusal; returns the error that ends the run after too many equal
-- ones.
local function count_refusal(self, work, err)
  local pair, signature = pair_of(work), signature_of(err)
  local last = self.refusals[pair]
  if not last or last.signature ~= signature then
    last = { signature = signature, count = 0 }
    self.refusals[pair] = last
  end
  last.count = last.count + 1
  if last.count >= failures.EQUAL then return equal_refusals(work, err) end
end

--- Notes that an item was not moved.
-- @tparam table work `from`, `to`, `from_name`, `to_name`
-- @param err the error of the move
-- @return the error that ends the run; nil if it goes on
function Failures:note_failure(work, err)
  if not errors.is(err) or FINAL[err.kind] then return err end
  self.unreachable = UNREACHABLE[err.kind] and self.unreachable + 1 or 0
  if self.unreachable >= IN_A_ROW * self.concurrency then return err end
  return err.status and count_refusal(self, work, err) or nil
end

--- Makes the counters of a run.
-- @tparam integer concurrency how many items move at the same time
function failures.new(concurrency)
  return setmetatable({ concurrency = concurrency, unreachable = 0,
                        refusals = {} }, Failures)
end

return failures
