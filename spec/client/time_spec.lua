local time = require "workstage".time

describe("workstage.time", function()
  it("reads times as the services write them", function()
    for text, seconds in pairs {
      ["1970-01-01T00:00:00Z"] = 0, ["2026-12-01T10:00:00.000Z"] = 1796119200,
      ["2026-12-01T10:00:00.250Z"] = 1796119200.25,
      ["2013-04-15T16:48:48-07:00"] = 1366069728,
      ["2024-02-29T23:59:59Z"] = 1709251199,
      ["1969-12-31T23:59:59Z"] = -1,
    } do
      assert.equal(seconds, time.parse(text), text)
    end
    for _, text in ipairs { "", "yesterday", "2026-02-30T10:00:00Z",
                            "2026-13-01T10:00:00Z", "2026-12-01", false, 5 } do
      assert.is_nil(time.parse(text))
    end
    assert.is_nil(time.parse())
  end)

  it("writes them", function()
    assert.equal("1970-01-01T00:00:00.000Z", time.format(0))
    assert.equal("2026-12-01T10:00:00.250Z", time.format(1796119200.25))
    assert.equal("1969-12-31T23:59:59.000Z", time.format(-1))
    assert.equal("2026-12-01T10:00:01.000Z", time.format(1796119200.9999))
    assert.is_true(math.abs(time.parse(time.format()) - os.time()) < 60)
  end)

  it("reads what it wrote", function()
    math.randomseed(3)
    for _ = 1, 1000 do
      local seconds = math.random(-60000000000, 250000000000) +
                      math.random(0, 999) / 1000
      assert.is_true(math.abs(time.parse(time.format(seconds)) - seconds)
                     < 0.001)
    end
  end)

  it("raises for invalid times", function()
    for _, value in ipairs { "now", {}, 0 / 0, math.huge, 1e18 } do
      local good, why = pcall(time.format, value)
      assert.is_false(good)
      assert.matches("expected seconds since 1970", why, 1, true)
    end
  end)
end)
