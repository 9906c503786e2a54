-- What differs from the space only in its spelling.
local adapt = require "workstage.migration.plan.spelling"
local clients = require "support.clients"

local has = clients.has

local CAFE, CAFE_MARKS = "Caf\u{e9}", "Cafe\u{301}"

local EXISTING = {
  { id = 1, name = "Drafting", color = "#ffaa55" },
  { id = 2, name = "Review ", color = "#00BB00" },
  { id = 3, name = CAFE, color = false },
}

local function adapted(stages, existing)
  local notes = {}
  local value, spelling = adapt({ workflow = "W", stages = stages },
                                { name = "W" }, existing or EXISTING, notes)
  return value, notes, spelling
end

describe("names", function()
  it("are those of the space wherever the blueprint has them", function()
    local value, notes, spelling = adapted({
      { name = "Drafting", color = "#ffaa55", next = { "Review", CAFE_MARKS } },
      { name = "Review", color = "#00BB00", after_publish = CAFE_MARKS,
        inherit = CAFE_MARKS, next = "all" },
      { name = "New", color = "#123456", was = CAFE_MARKS },
    })
    assert.same({ "Review ", CAFE }, value.stages[1].next)
    assert.equal("Review ", value.stages[2].name)
    assert.equal(CAFE, value.stages[2].after_publish)
    assert.equal(CAFE, value.stages[2].inherit)
    assert.equal("all", value.stages[2].next)
    assert.equal(CAFE, value.stages[3].was)
    assert.equal("Review ", spelling:of "Review")
    assert.equal(2, spelling:find("Review").id)
    assert.equal("Nope", spelling:of "Nope")
    assert.is_nil(spelling:find "Nope")
    assert.equal(1, #notes)
    has(notes[1], 'Stage "Review" is "Review " in the space')
  end)

  it("stay what they are where both exist or are described", function()
    local value, notes = adapted {
      { name = "Review ", color = "#00BB00" },
      { name = "Review", color = "#000001" },
    }
    assert.equal("Review", value.stages[2].name)
    assert.same({}, notes)
    local both = { { id = 1, name = "A ", color = "#1" },
                   { id = 2, name = "A  ", color = "#2" } }
    value = adapted({ { name = "A" } }, both)
    assert.equal("A", value.stages[1].name)
  end)

  it("change nothing in the blueprint that was given", function()
    local stages = { { name = "Review", color = "#0b0", next = { "Review" } } }
    adapted(stages)
    assert.same({ { name = "Review", color = "#0b0", next = { "Review" } } },
                stages)
  end)
end)

describe("colours", function()
  it("are those of the space where they look the same", function()
    local value, notes = adapted {
      { name = "Drafting", color = "#Fa5" },
      { name = "Approved", was = "Review", color = "#0b0" },
      { name = CAFE, color = "#fff" },
      { name = "New", color = "#ABC" },
    }
    assert.equal("#ffaa55", value.stages[1].color)
    assert.equal("#00BB00", value.stages[2].color)
    assert.equal("#fff", value.stages[3].color)
    assert.equal("#ABC", value.stages[4].color)
    assert.equal(2, #notes)
    has(notes[1], 'the color "#Fa5" is "#ffaa55" in the space')
  end)
end)
