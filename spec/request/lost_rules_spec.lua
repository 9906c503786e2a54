-- The decision about a lost change, rule by rule, without clock or network.
local rules = require "workstage.reconcile.rules"

local TARGET, BEFORE = 13, 11

-- A change into a stage, at a time of the service's clock.
local function change(created, more)
  local one = { stage = TARGET, created = created, is_own = true,
                is_taken = false }
  for name, value in pairs(more or {}) do one[name] = value end
  return one
end

local function verdict(facts, ...)
  facts.target = TARGET
  return (rules.decide({ ... }, facts))
end

-- The request was sent at 1000 on our clock, and it is 1010.
local function by_clock(facts)
  facts.sent, facts.now = 1000, 1010
  return facts
end

describe("the item was read with a date, so a change", function()
  local function seen(more)
    local read = { stage = BEFORE, created = 5000, age = 10 }
    for name, value in pairs(more or {}) do read[name] = value end
    return by_clock { seen = read }
  end

  it("is new if it is later", function()
    assert.equal("done", verdict(seen(), change(5005)))
    local facts = seen()
    facts.target = TARGET
    local _, found = rules.decide({ change(4000), change(5100) }, facts)
    assert.equal(5100, found.created)
  end)

  it("is old if it is earlier", function()
    assert.equal("not_done", verdict(seen(), change(4995)))
  end)

  it("is unknown within four seconds", function()
    for _, created in ipairs { 4996, 4999.5, 5000, 5000.5, 5004 } do
      assert.equal("unknown", verdict(seen(), change(created)))
    end
  end)

  it("is the one that was read if stage and date are equal", function()
    local here = { stage = TARGET }
    assert.equal("not_done", verdict(seen(here), change(5000)))
    -- one of two is, and it is unknown if the other one is new
    assert.equal("unknown", verdict(seen(here), change(5000), change(5000)))
    assert.equal("unknown", verdict(seen(here), change(5000),
                                    change(5000, { is_taken = true })))
  end)

  it("is new after our own change, however soon", function()
    local own = { is_own = true }
    assert.equal("done", verdict(seen(own), change(5000.001)))
    assert.equal("unknown", verdict(seen(own), change(4999)))
    assert.equal("not_done", verdict(seen(own), change(4995)))
    -- at the same moment: the clocks decide
    local facts = seen(own)
    assert.equal("unknown", verdict(facts, change(5000)))
    facts.low, facts.high = 3999, 4001
    assert.equal("done", verdict(facts, change(5000)))
  end)

  it("is decided by the clocks if the reading is old, unless it is old",
     function()
    assert.equal("done", verdict(seen { age = 900 }, change(5005)))
    assert.equal("unknown", verdict(seen { age = 900.5 }, change(5005)))
    local old = { age = 1000 }
    assert.equal("unknown", verdict(seen(old), change(5005)))
    assert.equal("not_done", verdict(seen(old), change(4995)))
    local facts = seen(old)
    facts.low, facts.high = 4400, 4401
    assert.equal("done", verdict(facts, change(5405)))
    assert.equal("not_done", verdict(facts, change(5395)))
    -- readings of an earlier run do not age
    facts = { seen = { stage = BEFORE, created = 5000 } }
    assert.equal("done", verdict(facts, change(9000)))
  end)
end)

describe("the item was read without a date, so a change", function()
  local function seen() return { seen = { stage = BEFORE, age = 10 } } end

  it("is new if it is later than all into the stage that was read", function()
    assert.equal("done", verdict(seen(), change(5000, { stage = BEFORE }),
                                 change(4000, { stage = BEFORE }),
                                 change(5005)))
  end)

  it("is decided by the clocks otherwise", function()
    local into = change(5000, { stage = BEFORE })
    assert.equal("unknown", verdict(seen(), into, change(5003)))
    assert.equal("unknown", verdict(seen(), into, change(4000)))
    assert.equal("unknown", verdict(seen(), change(5003)))
    local facts = by_clock(seen())
    facts.low, facts.high = 3900, 3901
    assert.equal("not_done", verdict(facts, into, change(4000)))
    assert.equal("done", verdict(facts, into, change(4905)))
  end)
end)

describe("the item was not read, so a change", function()
  it("is dated by our own changes with responses", function()
    local function offset() return by_clock { low = 4000, high = 4002 } end
    assert.equal("not_done", verdict(offset(), change(4999)))
    assert.equal("done", verdict(offset(), change(5000)))
    assert.equal("done", verdict(offset(), change(5011)))
    assert.equal("done", verdict(offset(), change(5012)))
    assert.equal("done", verdict(by_clock { low = 4000, high = 4000 },
                                 change(5005)))
    assert.equal("unknown", verdict(offset(), change(5013)))
  end)

  it("is unknown if there are too few", function()
    local function offset() return by_clock { low = 4000, high = 4020 } end
    assert.equal("not_done", verdict(offset(), change(4999)))
    assert.equal("unknown", verdict(offset(), change(5010)))
    assert.equal("done", verdict(offset(), change(5020)))
    assert.equal("done", verdict(by_clock { low = 4000, high = 4005 },
                                 change(5001)))
    assert.equal("unknown", verdict(by_clock { low = 4000, high = 4005.5 },
                                    change(5001)))
    assert.equal("unknown", verdict(by_clock { low = 4001, high = 4000 },
                                    change(5010)))
  end)

  it("is old if clearly before Date, and else unknown", function()
    local function date() return by_clock { date_offset = 4000 } end
    assert.equal("not_done", verdict(date(), change(4099)))
    assert.equal("unknown", verdict(date(), change(4100)))
    assert.equal("unknown", verdict(date(), change(5005)))
    assert.equal("unknown", verdict(date(), change(9000)))
    assert.equal("unknown", verdict({}, change(1)))
  end)
end)

describe("of the changes of an item", function()
  local function seen()
    return { seen = { stage = BEFORE, created = 5000, age = 10 } }
  end

  it("those of others and into other stages do not count", function()
    assert.equal("not_done", verdict(seen()))
    assert.equal("not_done", verdict(seen(), change(6000, { stage = 12 }),
      change(6000, { is_own = false }), change(6000, { is_taken = true })))
  end)

  it("a new one is the effect, even beside unknown ones", function()
    assert.equal("done", verdict(seen(), change(5001), change(6000)))
  end)

  it("two that are new cannot be distinguished", function()
    local result, why = rules.decide(
      { change(6000), change(6001) },
      { target = TARGET, seen = { created = 5000 } })
    assert.equal("unknown", result)
    assert.equal("2 changes match it", why)
  end)

  it("one without a date is unknown", function()
    assert.equal("unknown", verdict(seen(), change(nil)))
  end)
end)
