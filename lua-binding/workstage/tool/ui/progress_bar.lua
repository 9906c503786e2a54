--- How far a command has come: a bar on a terminal, a line every few seconds
-- elsewhere. All of it goes to the standard error.
local core = require "workstage.core"
local loop = require "workstage.loop"
local screen = require "workstage.tool.ui.screen"
local workstage = require "workstage"

local progress_bar = {}

local Bar = {}
Bar.__index = Bar

local TICK = 0.25      -- seconds between two looks
local LINE_EVERY = 3   -- seconds between two lines
local WINDOW = 40      -- looks over which the rate is taken
local LONG_PAUSE = 2   -- seconds of a wait from which it is told
local LONGEST_BAR = 40

--- Begins to measure.
-- @tparam function stopped_by the signal by which the run is being stopped
function progress_bar.new(stopped_by)
  return setmetatable({
    on_terminal = screen.is_terminal(screen.ERR),
    stopped_by = stopped_by,
    answers = 0, retries = 0, samples = {}, told_at = core.now(),
    pause_until = 0,
  }, Bar)
end

-- ---------------------------------------------------------------- input

--- For a client's `on_event`.
function Bar:listener()
  return function(event)
    if event.type == "response" then
      self.answers = self.answers + 1
      self.last = event.kind
    elseif event.type == "retry" then
      self.retries = self.retries + 1
    end
    local pause = event.pause
    if pause and pause >= LONG_PAUSE then
      self.pause_until = core.now() + pause
    end
  end
end

--- For a run's `on_progress`.
function Bar:progress()
  return function(progress) self.now = progress end
end

-- ---------------------------------------------------------------- words

local function clock(seconds)
  seconds = math.ceil(seconds)
  if seconds >= 3600 then
    return ("%d:%02d:%02d"):format(seconds // 3600, seconds // 60 % 60,
                                   seconds % 60)
  end
  return ("%d:%02d"):format(seconds // 60, seconds % 60)
end

local function count(number, one, many)
  return ("%d %s"):format(number, number == 1 and one or many)
end

-- Items a second over the last looks; nil when nothing can be said yet.
local function rate_of(self)
  local first, last = self.samples[1], self.samples[#self.samples]
  if not first or last.done == first.done then return nil end
  return (last.done - first.done) / (last.time - first.time)
end

-- The first sample is the run's beginning.
local function sample(self)
  local now, samples = self.now, self.samples
  if not now then return end
  if #samples == 0 then
    samples[1] = { time = core.now() - now.elapsed,
                   done = now.done - now.moved - now.skipped - now.failed }
  end
  samples[#samples + 1] = { time = core.now(), done = now.done }
  if #samples > WINDOW then table.remove(samples, 1) end
end

local REASONS = { network = "no connection", rate_limited = "rate limit",
                  server = "server error", ok = "rate limit" }

-- What went otherwise than planned, and what it waits for.
local function remarks(self, parts)
  local now = self.now
  if self.retries > 0 then
    parts[#parts + 1] = count(self.retries, "retry", "retries")
  end
  if now and now.skipped > 0 then
    parts[#parts + 1] = ("%d skipped"):format(now.skipped)
  end
  if now and now.failed > 0 then
    parts[#parts + 1] = ("%d failed"):format(now.failed)
  end
  local pause = self.pause_until - core.now()
  if pause > 0 then
    parts[#parts + 1] = ("waits %d s (%s)"):format(
      math.ceil(pause), REASONS[self.last] or self.last or "rate limit")
  end
  return parts
end

local function speed(self, parts)
  local rate = rate_of(self)
  if not rate then return parts end
  parts[#parts + 1] = ("%.1f/s"):format(rate)
  local left = self.now.total - self.now.done
  if left > 0 then parts[#parts + 1] = "ETA " .. clock(left / rate) end
  return parts
end

-- Before the first item is done, and where there are none.
local function requests(self)
  return remarks(self, { self.is_applying and "Applying" or "Reading",
                         count(self.answers, "request", "requests") })
end

local function head_of(self)
  if self.stopped_by() then return "Stopping" end
  return self.now.done < self.now.total and "Moving" or "Finishing"
end

local function bar(share, width)
  local filled = math.floor(share * width + 0.5)
  return "[" .. ("#"):rep(filled) .. ("."):rep(width - filled) .. "]"
end

--- One line of at most so many columns.
function Bar:bar(columns)
  local now = self.now
  if not now or now.total == 0 then
    return screen.cut(table.concat(requests(self), "  "), columns)
  end
  local head = head_of(self)
  local parts = { ("%d/%d"):format(now.done, now.total) }
  local tail = table.concat(remarks(self, speed(self, parts)), "  ")
  local room = columns - #head - screen.columns(tail) - 6
  local middle = "  "
  if room >= 10 then
    middle = "  " .. bar(math.min(now.done / now.total, 1),
                         math.min(room, LONGEST_BAR)) .. "  "
  end
  return screen.cut(head .. middle .. tail, columns)
end

--- The same as a line of a log.
function Bar:line()
  local now = self.now
  if not now or now.total == 0 then
    return table.concat(requests(self), ", ")
  end
  local parts = { ("%d of %d items"):format(now.done, now.total) }
  return table.concat(remarks(self, speed(self, parts)), ", ")
end

-- --------------------------------------------------------------- output

local function draw(self)
  local columns = screen.width(screen.ERR) or 80
  io.stderr:write("\r", self:bar(columns - 1), "\27[K")
  io.stderr:flush()
  self.drawn = true
end

-- Says once that a signal was heard.
local function heed(self)
  local signal = self.stopped_by()
  if not signal or self.has_said then return end
  self.has_said = true
  self:clear()
  screen.complain("stopping (%s): what is under way is finished; once more " ..
                  "ends it at once", signal)
end

local function look(self)
  heed(self)
  sample(self)
  if self.on_terminal then draw(self)
  elseif core.now() - self.told_at >= LINE_EVERY then
    self.told_at = core.now()
    screen.complain("%s", self:line())
  end
end

--- Takes the bar away: something else is to be written.
function Bar:clear()
  if self.drawn then
    io.stderr:write "\r\27[K"
    io.stderr:flush()
  end
  self.drawn = false
end

--- Runs `fn()` and shows how far it is, until it returns.
-- @return what `fn` returns
function Bar:run(fn)
  local ended = false
  return workstage.run(function(scope)
    local ticker = scope:spawn(function()
      loop.sleep(TICK)
      while not ended do
        look(self)
        loop.sleep(TICK)
      end
    end)
    local results = table.pack(pcall(fn))
    ended = true
    ticker:cancel()
    heed(self)
    self:clear()
    if not results[1] then error(results[2], 0) end
    return table.unpack(results, 2, results.n)
  end)
end

return progress_bar
