--- Counts the requests, retries and waits of a run, minute by minute, for its
-- journal. Requests of other tasks with the same client are included.
local traffic = {}

--- The counts of a record.
traffic.NAMES = { "requests", "rate_limited", "server", "network", "held",
                  "paused" }

--- Counts of nothing.
function traffic.none()
  local counts = {}
  for _, name in ipairs(traffic.NAMES) do counts[name] = 0 end
  return counts
end

--- Adds the counts of a record.
function traffic.add(counts, record)
  for _, name in ipairs(traffic.NAMES) do
    counts[name] = counts[name] + (record[name] or 0)
  end
end

--- The number of retries, for whatever reason.
function traffic.retries(counts)
  return counts.rate_limited + counts.server + counts.network
end

local Traffic = {}
Traffic.__index = Traffic

local function read(core)
  local counts = { requests = core:requests() }
  counts.rate_limited, counts.server, counts.network, counts.held,
    counts.paused = core:retries()
  return counts
end

local function next_minute(now) return (now // 60 + 1) * 60 end

--- Begins to count.
-- @tparam table client the space or the account
function traffic.new(client)
  local core, now = client.transport.client, os.time()
  return setmetatable({ core = core, before = read(core), since = now,
                        due_at = next_minute(now) }, Traffic)
end

--- True once a minute has ended since the last record.
-- @tparam integer now seconds since 1970
function Traffic:is_due(now) return now >= self.due_at end

-- Whole milliseconds keep the record short.
local function rounded(value)
  if math.type(value) == "integer" then return value end
  return math.floor(value * 1000 + 0.5) / 1000
end

--- Returns a record of what happened since the last one.
-- @treturn ?table nil if nothing was sent: `since` (seconds since 1970),
--   `requests`, and unless 0 the retries after a 429 (`rate_limited`), a 5xx
--   (`server`) and no response (`network`), the seconds that 429s held all
--   requests (`held`), and those of other pauses (`paused`)
function Traffic:take()
  local counts, now = read(self.core), os.time()
  local record, has_any = { type = "traffic", since = self.since }, false
  for name, value in pairs(counts) do
    local more = rounded(value - self.before[name])
    if more > 0 then record[name], has_any = more, true end
  end
  self.before, self.since, self.due_at = counts, now, next_minute(now)
  return has_any and record or nil
end

return traffic
