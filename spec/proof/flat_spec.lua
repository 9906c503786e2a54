-- The check of the soak's measurements.
package.path = "proof/?.lua;" .. package.path
local flat = require "flat"

-- Memory in KiB that goes up and down by half a MiB at random, and rises.
local function samples(count, rise)
  local list = {}
  for i = 1, count do
    list[i] = { memory = 14000 + math.random(0, 512) + rise * i }
  end
  return list
end

describe("flatness", function()
  it("is a line through the samples", function()
    assert.equal(0, flat.rise {})
    assert.equal(0, flat.rise { 5 })
    assert.equal(0, flat.rise { 5, 5, 5, 5 })
    assert.is_true(math.abs(flat.rise { 1, 2, 3, 4 } - 3) < 1e-9)
    assert.is_true(math.abs(flat.rise { 4, 3, 2, 1 } + 3) < 1e-9)
    assert.is_true(math.abs(flat.rise { 0, 0, 9, 0, 0 }) < 1e-9)
  end)

  it("differs from a leak of 100 bytes a request", function()
    math.randomseed(7)
    local per_sample = 5 * 500 * 100 / 1024 -- 5 s of 500 requests each
    for _ = 1, 100 do
      assert.same({}, flat.find_rises(samples(48, 0), { memory = 3072 }))
      local found = flat.find_rises(samples(48, per_sample), { memory = 3072 })
      assert.equal(1, #found)
      assert.truthy(found[1]:find "^memory rose by %d+")
    end
  end)
end)
