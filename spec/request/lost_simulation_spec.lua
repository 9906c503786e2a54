-- The rules for lost responses in virtual time: how many changes are doubled,
-- lost or left open, with clocks that disagree by minutes.
--
-- WORKSTAGE_LOST: cases of each of 144 settings (100); WORKSTAGE_SEED.
local lost_world = require "support.lost_world"
local tries = require "support.tries"

local PER_SETTING = math.tointeger(os.getenv "WORKSTAGE_LOST") or
                    tries(100)
local SEED = math.tointeger(os.getenv "WORKSTAGE_SEED") or 1

local SKEWS = {
  ["clocks that agree"] = {},
  ["a Date 120 s ahead"] = { date_skew = 120 },
  ["a Date 120 s behind"] = { date_skew = -120 },
  ["created_at 120 s ahead"] = { created_skew = 120 },
  ["created_at 10 min behind"] = { created_skew = -600, date_skew = 60 },
  ["a clock of ours that is 5 min off"] = { wall_skew = 300, date_skew = 2 },
}

-- Whole seconds, servers whose clocks are half a second apart, effects that
-- show late, a busy story, reads that fail.
local TROUBLES = {
  ["quiet"] = {},
  ["whole seconds"] = { whole_seconds = true },
  ["servers half a second apart"] = { jitter = 1 },
  ["late effects"] = { late = 0.7 },
  ["a busy story"] = { others = 0.5 },
  ["reads that fail"] = { reads_fail = 0.3 },
}

-- The client's knowledge, and the most cases that may stay unknown.
local KNOWLEDGE = {
  { "a story that was read", { is_read = true }, 0.02 },
  { "a story that was read without a date",
    { is_read = true, dated = false, has_answered = true }, 0.01 },
  { "a story that was not read, after an answered change",
    { has_answered = true }, 0.01 },
  { "a story that was not read, at the client's start", {}, 0.7 },
}

-- A share of a few cases may be above its bound by chance.
local MARGIN = 2 / math.sqrt(PER_SETTING)

local function setting_of(...)
  local all = { was_there = 0.5 }
  for _, part in ipairs { ... } do
    for name, value in pairs(part) do all[name] = value end
  end
  return all
end

local seed = SEED * 1000

-- Reads that fail at the last look leave a case open, whatever is known.
local function run_in_time(setting, most)
  seed = seed + 1
  math.randomseed(seed)
  local got = lost_world.run(setting, PER_SETTING)
  assert.same({ 0, 0, 0 }, { got.doubled, got.lost, got.untrue })
  local open = got.ambiguous / PER_SETTING
  assert.is_true(open <= most + MARGIN + (setting.reads_fail or 0), open)
end

for _, known in ipairs(KNOWLEDGE) do
  local name, setting, most = table.unpack(known)
  describe("a lost change of " .. name, function()
    for skew, clocks in pairs(SKEWS) do
      for trouble, more in pairs(TROUBLES) do
        it(("with %s, %s"):format(skew, trouble), function()
          run_in_time(setting_of(setting, clocks, more), most)
        end)
      end
    end

    -- The one case that no rule can prevent, see the documentation.
    it("is doubled only if its effect is later than settle_time", function()
      seed = seed + 1
      math.randomseed(seed)
      local got = lost_world.run(setting_of(setting, {
        late = 0.7, latest = 20 }), PER_SETTING)
      assert.equal(0, got.lost)
      assert.is_true((got.doubled + got.untrue) / PER_SETTING <=
                     0.07 + MARGIN)
    end)
  end)
end
