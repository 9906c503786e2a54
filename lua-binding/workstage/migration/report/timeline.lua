--- The timeline of a run as data: items, requests, retries and waits by the
-- minute, and what the run waited for.
local duration = require "workstage.duration"
local traffic = require "workstage.migration.journal.traffic"

-- Long runs are drawn in steps of several minutes.
local MOST_BARS = 120
local MOST_EVENTS = 40

local function clock(seconds) return os.date("!%H:%M", seconds) end

local function date(seconds)
  return os.date("!%Y-%m-%d %H:%M UTC", seconds)
end

local function plural(count, one, many)
  return ("%d %s"):format(count, count == 1 and one or many)
end

-- ------------------------------------------------------------------ events

local WHY = {
  { "rate_limited", "after 429 (rate limit)" },
  { "server", "after a server error" },
  { "network", "after no response" },
}

local function retries_text(counts)
  local parts = {}
  for _, why in ipairs(WHY) do
    local count = counts[why[1]]
    if count > 0 then
      parts[#parts + 1] = ("%d %s"):format(count, why[2])
    end
  end
  local text = plural(traffic.retries(counts), "retry", "retries")
  if #parts == 1 then text = ("%s %s"):format(text, parts[1]:match " (.*)")
  else text = ("%s: %s"):format(text, table.concat(parts, ", ")) end
  if counts.held > 0 then
    text = ("%s; nothing could be sent for %s"):format(
      text, duration.text(counts.held))
  end
  return text
end

-- Retries by the minute and waits of the run, in order.
local function events_of(read)
  local events = {}
  local function add(at, text)
    events[#events + 1] = { at = at, text = text }
  end
  for minute, counts in pairs(read.minutes) do
    if traffic.retries(counts) > 0 then
      add(minute * 60, retries_text(counts))
    end
  end
  for _, pause in ipairs(read.pauses) do
    add(pause.at or read.first, ("The run waited %s for %s"):format(
      duration.text(pause.seconds or 0), tostring(pause.reason)))
  end
  table.sort(events, function(a, b)
    if a.at ~= b.at then return a.at < b.at end
    return a.text < b.text
  end)
  return events
end

local function shown(events)
  local list = {}
  for i = 1, math.min(#events, MOST_EVENTS) do
    list[i] = { at = date(events[i].at), text = events[i].text }
  end
  return list, #events - #list
end

-- -------------------------------------------------------------------- bars

local function bars_of(read, step)
  local first, last = read.first // 60, read.last // 60
  local bars, most = {}, 0
  for minute = first, last do
    local at = (minute - first) // step + 1
    local bar = bars[at] or { items = 0, retries = 0,
                              label = clock(minute * 60) }
    local counts = read.minutes[minute]
    if counts then
      bar.items = bar.items + counts.moved
      bar.retries = bar.retries + traffic.retries(counts)
    end
    bars[at], most = bar, math.max(most, bar.items)
  end
  return bars, most
end

-- The run's time; the date of its end only if it is another day.
local function span_text(read)
  local first, last = date(read.first), date(read.last)
  if first == last then return "On " .. first end
  local is_same_day = first:sub(1, 10) == last:sub(1, 10)
  return ("From %s to %s"):format(
    first:gsub(" UTC$", ""), is_same_day and last:sub(12) or last)
end

local function sentence(read, bars, most, unit)
  if bars == 1 then return span_text(read) .. "." end
  return ("%s; at most %s in %s."):format(
    span_text(read), plural(most, "item", "items"), unit)
end

--- The timeline of a run.
-- @tparam table read what `outcomes.read` returns
-- @treturn ?table nil for a run without records, or of a moment without
--   retries and waits; else `bars` (array of
--   `items`, `retries`, `label`), `most` (items in one), `unit` ("a minute"),
--   `text`, `from`, `to`, `retries` (a sentence, or nil), `events` (array of
--   `at`, `text`), `more` (events left out)
return function(read)
  if not read.first then return nil end
  local minutes = read.last // 60 - read.first // 60 + 1
  local step = math.max(1, math.ceil(minutes / MOST_BARS))
  local bars, most = bars_of(read, step)
  local unit = step == 1 and "a minute" or ("%d minutes"):format(step)
  local events, more = shown(events_of(read))
  if minutes == 1 and #events == 0 then return nil end
  return {
    bars = bars, most = most, unit = unit, events = events, more = more,
    text = sentence(read, #bars, most, unit), from = clock(read.first),
    to = clock(read.last),
    retries = traffic.retries(read.traffic) > 0 and
              retries_text(read.traffic) .. "." or nil,
  }
end
