--- How far a command has come: a bar on a terminal, a line every few seconds
-- elsewhere. All of it goes to the standard error.
local core = require "workstage.core"
local duration = require "workstage.duration"
local loop = require "workstage.loop"
local screen = require "workstage.tool.ui.screen"
local workstage = require "workstage"

local progress_bar = {}

local Bar = {}
Bar.__index = Bar

local TICK = 0.25      -- seconds between two updates
local LINE_EVERY = 3   -- seconds between two lines
local WINDOW = 40      -- updates over which the rate is measured
local LONG_PAUSE = 2   -- seconds from which a pause is shown
local SHORTEST, LONGEST = 10, 40 -- cells of the bar itself
local CLEAR = "\r\27[J"

--- Makes a progress bar.
-- @tparam function stopped_by returns the signal that stops the run, or nil
function progress_bar.new(stopped_by)
  return setmetatable({
    on_terminal = screen.is_terminal(screen.ERR),
    stopped_by = stopped_by,
    responses = 0, retries = 0, samples = {}, shown_at = core.now(),
    pause_until = 0,
  }, Bar)
end

-- ------------------------------------------------------------------- input

local REASONS = { network = "no connection", rate_limited = "rate limit",
                  server = "server error", ok = "rate limit" }

local function note_pause(self, seconds, reason)
  self.pause_until = core.now() + seconds
  self.pause_reason = reason
end

-- The first failure of a connection is shown at once: its retries can take
-- half a minute, and a wrong address never gets better.
local function note_first_failure(self, event)
  if self.responses > 0 or self.has_warned or event.kind ~= "network" or
     not event.message then
    return
  end
  self.has_warned = true
  self:clear()
  screen.complain("%s; trying again", screen.clean(event.message))
end

--- Returns a listener for a client's `on_event`.
function Bar:listener()
  return function(event)
    if event.type == "response" then
      if event.status then self.responses = self.responses + 1 end
      self.last = event.kind
    elseif event.type == "retry" then
      self.retries = self.retries + 1
      note_first_failure(self, event)
    end
    local pause = event.pause
    if pause and pause >= LONG_PAUSE then
      note_pause(self, pause, REASONS[self.last] or self.last or
                              "rate limit")
    end
  end
end

--- Returns a listener for a run's `on_progress`.
function Bar:progress()
  return function(progress) self.now = progress end
end

--- Shows that the run waits, and what for.
function Bar:wait(seconds, reason)
  note_pause(self, seconds, reason)
end

-- ------------------------------------------------------------------- parts

-- Items a second over the last updates; nil when it is not known yet. A
-- second's allowance may be used up at once, so less than a second tells
-- nothing.
local function rate_of(self)
  local first, last = self.samples[1], self.samples[#self.samples]
  if not first or last.done == first.done or last.time - first.time < 1 then
    return nil
  end
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

-- Adds a part of the line. The lower its rank, the longer it is kept where
-- there is no room for all of them.
local function add(parts, rank, text)
  parts[#parts + 1] = { rank = rank, text = text }
end

-- What the run waits for. `verb` stands before the seconds, unless the line
-- begins with it.
local function add_pause(self, parts, verb)
  local pause = self.pause_until - core.now()
  if pause <= 0 then return end
  add(parts, 3, ("%s%d s (%s)"):format(verb, math.ceil(pause - 1e-6),
                                       self.pause_reason))
end

-- What did not go as planned.
local function add_remarks(self, parts)
  local now = self.now
  if now and now.failed > 0 then
    add(parts, 2, ("%d failed"):format(now.failed))
  end
  if self.retries > 0 then
    add(parts, 6, screen.count(self.retries, "retry", "retries"))
  end
  if now and now.skipped > 0 then
    add(parts, 7, ("%d skipped"):format(now.skipped))
  end
end

local function add_speed(self, parts)
  local rate = rate_of(self)
  if not rate then return end
  local left = self.now.total - self.now.done
  add(parts, 5, ("%.1f/s"):format(rate))
  if left > 0 then
    add(parts, 4, "ETA " .. duration.clock(left / rate))
  end
end

-- Rounded down: 100 % is said when nothing is left.
local function per_cent(now)
  return ("%d%%"):format(math.min(now.done * 100 // now.total, 100))
end

local function head_of(self)
  if self.stopped_by() then return "Stopping" end
  return self.now.done < self.now.total and "Moving" or "Finishing"
end

local function has_items(self)
  return self.now ~= nil and self.now.total > 0
end

-- Before the first item, and where there are none: what happens now.
local function requests_of(self)
  local parts = {}
  local is_waiting = self.pause_until > core.now()
  add(parts, 1, is_waiting and "Waiting" or self.is_applying and "Applying" or
                "Reading")
  add_pause(self, parts, "")
  if self.responses > 0 then
    add(parts, 4, screen.count(self.responses, "request"))
  elseif not is_waiting then
    add(parts, 4, "waiting for the first response")
  end
  add_remarks(self, parts)
  return parts
end

local function progress_of(self)
  local now, parts = self.now, {}
  add(parts, 2, ("%d/%d"):format(now.done, now.total))
  add_speed(self, parts)
  add_pause(self, parts, "waits ")
  add_remarks(self, parts)
  return parts
end

-- ------------------------------------------------------------------ layout

local function join(parts, most_rank)
  local texts = {}
  for _, part in ipairs(parts) do
    if part.rank <= most_rank then texts[#texts + 1] = part.text end
  end
  return table.concat(texts, "  ")
end

-- The parts in their order, without the least important ones that have no
-- room.
local function fitted(parts, columns)
  for rank = 9, 2, -1 do
    local text = join(parts, rank)
    if screen.columns(text) <= columns then return text end
  end
  return screen.cut(join(parts, 1), columns)
end

local function gauge(share, width)
  local filled = math.floor(share * width + 0.5)
  return "[" .. ("#"):rep(filled) .. ("."):rep(width - filled) .. "]"
end

--- Returns the bar as a line of at most so many columns.
function Bar:bar(columns)
  if not has_items(self) then
    return screen.cut(fitted(requests_of(self), columns), columns)
  end
  local now = self.now
  local head = head_of(self) .. "  " .. per_cent(now) .. "  "
  local tail = fitted(progress_of(self), columns - #head)
  local available = columns - #head - screen.columns(tail) - 4
  local middle = available >= SHORTEST and
                 gauge(math.min(now.done / now.total, 1),
                       math.min(available, LONGEST)) .. "  " or ""
  return screen.cut(head .. middle .. tail, columns)
end

--- Returns the same as a line of a log.
function Bar:line()
  if not has_items(self) then
    return (join(requests_of(self), 9):gsub("  ", ", "))
  end
  local now, parts = self.now, {}
  add(parts, 1, ("%d of %d items (%s)"):format(now.done, now.total,
                                               per_cent(now)))
  add_speed(self, parts)
  add_pause(self, parts, "waits ")
  add_remarks(self, parts)
  return (join(parts, 9):gsub("  ", ", "))
end

-- ------------------------------------------------------------------ output

-- The cursor stays at the line's first column: when the terminal is made
-- narrower and wraps the bar, everything from the cursor on is the bar's, and
-- clearing to the end of the screen leaves no fragment.
local function draw(self)
  local columns = screen.width(screen.ERR) or 80
  io.stderr:write(CLEAR, self:bar(columns - 1), "\r")
  io.stderr:flush()
  self.is_drawn = true
end

-- Says once that a signal was received.
local function note_signal(self)
  local signal = self.stopped_by()
  if not signal or self.has_said then return end
  self.has_said = true
  self:clear()
  screen.complain("Stopping (%s): finishing the requests in flight. Press " ..
                  "Ctrl-C again to end at once.", signal)
end

local function update(self)
  note_signal(self)
  sample(self)
  if self.on_terminal then draw(self)
  elseif core.now() - self.shown_at >= LINE_EVERY then
    self.shown_at = core.now()
    screen.complain("%s", self:line())
  end
end

--- Removes the bar: something else is about to be written.
function Bar:clear()
  if self.is_drawn then
    io.stderr:write(CLEAR)
    io.stderr:flush()
  end
  self.is_drawn = false
end

--- Runs `fn()` and shows the progress until it returns.
-- @return what `fn` returns
function Bar:run(fn)
  local has_ended = false
  return workstage.run(function(scope)
    local ticker = scope:spawn(function()
      loop.sleep(TICK)
      while not has_ended do
        update(self)
        loop.sleep(TICK)
      end
    end)
    local results = table.pack(pcall(fn))
    has_ended = true
    ticker:cancel()
    note_signal(self)
    self:clear()
    if not results[1] then error(results[2], 0) end
    return table.unpack(results, 2, results.n)
  end)
end

return progress_bar
