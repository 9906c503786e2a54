-- The memory that a client has of items, objects and clocks.
local core = require "workstage.core"

local function iso(seconds)
  return os.date("!%Y-%m-%dT%H:%M:%S.000Z", seconds)
end

describe("the memory of a client", function()
  local self

  before_each(function() self = core.memory() end)

  it("keeps when an object was first seen", function()
    assert.is_nil(self:seen_at("stages", 5))
    self:see("stages", 5, 10)
    self:see("stages", 5, 20)
    assert.equal(10, self:seen_at("stages", 5))
    assert.is_nil(self:seen_at("workflows", 5))
  end)

  it("keeps claims apart from what was seen", function()
    self:see("changes", 5, 10)
    assert.is_false(self:is_claimed("changes", 5))
    self:claim("changes", 6)
    assert.is_true(self:is_claimed("changes", 6))
    assert.is_false(self:is_claimed("stages", 6))
    assert.is_nil(self:seen_at("changes", 6))
  end)

  it("keeps the last 1024 of a kind, and up to as many older ones", function()
    for id = 1, 2048 do self:see("changes", id, id) end
    assert.equal(1, self:seen_at("changes", 1))
    self:see("changes", 2049, 2049)
    assert.is_nil(self:seen_at("changes", 1))
    assert.is_nil(self:seen_at("changes", 1024))
    for id = 1025, 2049 do assert.equal(id, self:seen_at("changes", id)) end
  end)

  it("counts a key once, however often it is set", function()
    self:see("changes", 1, 7)
    for _ = 1, 5000 do self:read_item("stories", 9, 1, nil, 5) end
    for id = 10, 1000 do self:read_item("stories", id, 1, nil, 5) end
    assert.truthy(self:item("stories", 9))
    assert.equal(7, self:seen_at("changes", 1))
  end)
end)

describe("the memory of an item", function()
  local self

  before_each(function() self = core.memory() end)

  it("is that of its last read", function()
    assert.is_nil(self:item("stories", 5))
    self:read_item("stories", 5, 11, iso(1000), 1)
    self:read_item("stories", 5, 12, iso(2000), 2)
    local item = self:item("stories", 5)
    assert.equal(12, item.stage)
    assert.equal(iso(2000), item.created_at)
    assert.equal(2, item.at)
    assert.is_false(item.is_own)
    assert.is_nil(self:item("workspaces", 5))
  end)

  it("is not that of an older copy", function()
    self:read_item("stories", 5, 12, iso(2000), 1, true)
    self:read_item("stories", 5, 11, iso(1000), 2)
    assert.equal(12, self:item("stories", 5).stage)
    -- the age of one without a date is unknown
    self:read_item("stories", 5, 11, nil, 3)
    assert.equal(11, self:item("stories", 5).stage)
    self:read_item("stories", 5, 12, iso(500), 4)
    assert.equal(12, self:item("stories", 5).stage)
  end)

  it("compares only dates of the usual form", function()
    local function stage_after(before, after)
      self:read_item("stories", 5, 12, before, 1)
      self:read_item("stories", 5, 11, after, 2)
      local stage = self:item("stories", 5).stage
      self:forget_item("stories", 5)
      return stage
    end
    assert.equal(12, stage_after("2026-12-01T10:00:00.000Z",
                                 "2026-12-01T09:59:59.999Z"))
    assert.equal(11, stage_after("2026-12-01T10:00:00.000Z",
                                 "2026-12-01T10:00:00.001Z"))
    assert.equal(11, stage_after("2026-12-01T10:00:00.000Z",
                                 "2026-12-01T09:59:59Z"))
    assert.equal(11, stage_after("2026-12-01T10:00:00+00:00",
                                 "2026-12-01T09:59:59.9999Z"))
    assert.equal(11, stage_after("2026-12-01T10:00:00.0000Z",
                                 "2026-12-01T09:59:59-05:00"))
  end)

  it("recognizes our own change when it is read again", function()
    self:read_item("stories", 5, 12, iso(2000), 1, true)
    self:read_item("stories", 5, 12, iso(2000), 2)
    assert.is_true(self:item("stories", 5).is_own)
    assert.equal(2, self:item("stories", 5).at)
    self:read_item("stories", 5, 12, iso(2001), 3)
    assert.is_false(self:item("stories", 5).is_own)
    self:read_item("stories", 5, 12, iso(2001), 4, true)
    self:read_item("stories", 5, 13, iso(2001), 5)
    assert.is_false(self:item("stories", 5).is_own)
  end)

  it("does not change during a request", function()
    self:read_item("stories", 5, 11, iso(1000), 1)
    local before = self:item("stories", 5)
    self:read_item("stories", 5, 11, iso(1000), 2)
    assert.equal(1, before.at)
  end)

  it("is dropped when its stage becomes unknown", function()
    self:read_item("stories", 5, 11, iso(1000), 1)
    for id = 100, 100 + 1100 do self:read_item("stories", id, 1, nil, 2) end
    assert.truthy(self:item("stories", 5)) -- in the older half
    self:forget_item("stories", 5)
    assert.is_nil(self:item("stories", 5))
    self:read_item("stories", 6, 11, iso(1000), 1)
    self:forget_item("stories", 6)
    assert.is_nil(self:item("stories", 6))
    self:forget_item("stories", 6)
  end)
end)

describe("the bounds of the clocks' offset", function()
  local self

  before_each(function() self = core.memory() end)

  local function bounds() return { self:offset() } end

  it("are those of one change, a second either way", function()
    assert.same({}, bounds())
    self:learn_offset(5000, 100, 103) -- sent, answered
    assert.same({ 4896, 4901 }, bounds())
  end)

  it("are measured once a second", function()
    assert.is_true(self:wants_offset(0))
    self:learn_offset(5000, 100, 103)
    assert.is_false(self:wants_offset(103.9))
    assert.is_true(self:wants_offset(104))
    self:learn_offset(5001, 104, 104)
    assert.is_false(self:wants_offset(104.9))
  end)

  it("narrow with each further one", function()
    self:learn_offset(5000, 100, 110)
    self:learn_offset(5010.5, 110, 111)
    assert.same({ 4898.5, 4901 }, bounds())
    self:learn_offset(5021, 120, 140)
    assert.same({ 4898.5, 4901 }, bounds())
    self:learn_offset(5040, 140.5, 141)
    assert.same({ 4898.5, 4900.5 }, bounds())
  end)

  it("may become one value", function()
    self:learn_offset(5000, 100, 100)
    self:learn_offset(5002, 100, 100)
    assert.same({ 4901, 4901 }, bounds())
    self = core.memory()
    self:learn_offset(5000, 100, 100)
    self:learn_offset(5603, 701, 701)
    assert.same({ 4901, 4901 }, bounds())
  end)

  it("are restarted after ten minutes, beside those before", function()
    self:learn_offset(5000, 100, 100)
    assert.same({ 4899, 4901 }, bounds())
    self:learn_offset(5000.5 + 601, 701, 701)
    assert.same({ 4899.5, 4901 }, bounds())
    self:learn_offset(5001 + 1300, 1400, 1400)
    assert.same({ 4900, 4901.5 }, bounds())
    self:learn_offset(5000.9 + 1320, 1420, 1420)
    assert.same({ 4900, 4901.5 }, bounds())
  end)

  it("are restarted after more than ten minutes, not before", function()
    self:learn_offset(5000.9, 100, 100)
    self:learn_offset(5600, 700, 700)
    self:learn_offset(5601, 701, 701)
    self:learn_offset(6201, 1301, 1301)
    assert.same({ 4899.9, 4901 }, { math.floor(bounds()[1] * 10 + 0.5) / 10,
                                    bounds()[2] })
  end)

  it("drop the previous ones when the service's clock was set", function()
    self:learn_offset(5000, 100, 100)      -- 4899 to 4901
    self:learn_offset(5602.75, 701, 701)   -- 4900.75 to 4902.75
    self:learn_offset(5601.5, 702, 702)    -- 4898.5 to 4900.5
    assert.same({ 4898.5, 4900.5 }, bounds())
  end)

  it("are restarted when the service's clock was set", function()
    self:learn_offset(5000, 100, 100)
    self:learn_offset(5000.5 + 601, 701, 701)
    self:learn_offset(9000, 702, 702)
    assert.same({ 8297, 8299 }, bounds())
    -- of two halves, the newer one counts
    self:learn_offset(20000, 1400, 1400)
    assert.same({ 18599, 18601 }, bounds())
  end)
end)
