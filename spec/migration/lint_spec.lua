-- What a blueprint's judge finds without a network.
local blueprint = require "workstage.migration.blueprint"
local check = require "workstage.migration.blueprint.lint"

-- A sound blueprint of stages A -> B -> C, with changes by `edit`.
local function sound(edit)
  local value = {
    workflow = "W", content_types = { "article" },
    stages = {
      { name = "A", color = "#aa0000", is_default = true, next = { "B" } },
      { name = "B", color = "#00bb00", next = { "A", "C" } },
      { name = "C", color = "#0000cc", allow_publish = true },
    },
    moves = {},
  }
  if edit then edit(value, value.stages[1], value.stages[2],
                    value.stages[3]) end
  return value
end

local function listed(findings)
  local texts = {}
  for i, finding in ipairs(findings) do
    assert.truthy(finding.level == "error" or finding.level == "warning")
    assert.equal("string", type(finding.where))
    assert.equal("string", type(finding.message))
    assert.is_nil(finding.message:find "[%c]")
    texts[i] = ("%s %s"):format(finding.level, finding.where)
  end
  return texts
end

-- Asserts exactly these findings: "error stages[1].next[1]" and the like.
local function finds(value, ...)
  local good, findings = check(value)
  local expected, failing = { ... }, false
  assert.same(expected, listed(findings), tostring(findings))
  for _, text in ipairs(expected) do
    failing = failing or text:find "^error" ~= nil
  end
  assert.equal(not failing and true or nil, good)
  return findings
end

local function has(findings, piece)
  assert.truthy(tostring(findings):find(piece, 1, true),
                piece .. " is not in " .. tostring(findings))
end

describe("a sound blueprint", function()
  it("has no findings", function()
    finds(sound())
    finds(sound(function(v) v.workflow, v.content_types, v.default = nil,
                                                           nil, true end))
    finds { workflow = "W", moves = { { from = "X", to = "Y" } } }
    finds { moves = { { from = { workflow = "V", stage = "X" },
                        to = { workflow = "U", stage = "X" } } } }
  end)

  it("may be given in any form", function()
    finds(assert(blueprint.normalize(sound())))
    finds(sound(function(_, a) a.next = "B" end))
  end)
end)

describe("names and colours", function()
  it("are unique", function()
    finds(sound(function(_, _, b) b.name = "A" end),
          "error stages[2].name", "error stages[1].next[1]",
          "warning stages[3]")
    local findings = finds(sound(function(_, a, b)
      a.color, b.color = "#AbCdEf", "#aBcDeF"
    end), "error stages[2].color")
    has(findings, "colour of 'A'")
    finds(sound(function(v)
      v.stages[4] = { name = "C", color = "#0000cc", allow_publish = true }
    end), "error stages[4].name", "error stages[4].color")
  end)
end)

describe("the default stage", function()
  it("is one", function()
    finds(sound(function(_, a) a.is_default = nil end), "error stages")
    finds(sound(function(_, a) a.is_default = false end), "error stages")
    finds(sound(function(_, _, b, c) b.is_default, c.is_default = true, true
    end), "error stages[2].is_default", "error stages[3].is_default")
  end)
end)

describe("references", function()
  it("lead to stages that there are", function()
    local findings = finds(sound(function(_, a)
      a.next = { "B", "Reveiw" }
    end), "error stages[1].next[2]")
    has(findings, "no stage is called 'Reveiw'")
    finds(sound(function(_, _, _, c) c.after_publish = "D" end),
          "error stages[3].after_publish")
    finds(sound(function(_, _, _, c) c.after_publish = "A" end))
    finds(sound(function(_, _, _, c) c.after_publish = false end))
  end)

  it("name the one that is meant", function()
    local findings = finds(sound(function(_, a, b)
      b.name = "Review"
      a.next = { "Reveiw", "Review" }
    end), "error stages[1].next[1]")
    has(findings, "did you mean 'Review'?")
  end)
end)

describe("former names", function()
  it("are not those of stages that stay", function()
    finds(sound(function(_, _, b) b.was = "Old" end))
    finds(sound(function(_, _, b) b.was = "A" end), "error stages[2].was")
    finds(sound(function(_, _, b) b.was = "B" end), "warning stages[2].was")
    finds(sound(function(_, a, b) a.was, b.was = "A", "A" end),
          "warning stages[1].was", "error stages[2].was",
          "error stages[2].was")
  end)

  it("may be exchanged, and go round", function()
    finds(sound(function(_, a, b) a.was, b.was = "B", "A" end))
    finds(sound(function(_, a, b, c) a.was, b.was, c.was = "B", "C", "A"
    end))
    finds(sound(function(_, a, b) a.was, b.was = "B", "Old" end))
  end)

  it("belong to one stage each", function()
    finds(sound(function(_, a, b) a.was, b.was = "Old", "Old" end),
          "error stages[2].was")
  end)
end)

describe("paths", function()
  it("lead from the default stage to all others", function()
    finds(sound(function(_, _, b) b.next = { "A" } end), "warning stages[3]")
    finds(sound(function(_, a) a.next = {} end), "warning stages[2]",
          "warning stages[3]", "warning stages[1].next")
    finds(sound(function(_, a) a.next = "none" end), "warning stages[2]",
          "warning stages[3]")
    finds(sound(function(_, a, b) a.next, b.next = "all", "none" end))
    finds(sound(function(_, a, b)
      a.next, a.after_publish, b.next = "none", "B", "all"
    end))
    finds(sound(function(_, a, b, c)
      a.is_default, b.is_default = nil, true
      c.next = { "B" }
    end))
  end)

  it("may go round in circles", function()
    finds(sound(function(_, _, _, c) c.next = { "C", "B" } end))
  end)

  it("do not end where nothing can be published", function()
    finds(sound(function(_, _, _, c) c.allow_publish = nil end),
          "warning stages[3].next")
    finds(sound(function(_, _, _, c)
      c.allow_publish, c.next = nil, { "C" }
    end), "warning stages[3].next")
    finds(sound(function(_, _, _, c)
      c.allow_publish, c.next = nil, "none"
    end))
    finds(sound(function(_, _, _, c)
      c.allow_publish, c.allow_admin_publish = nil, true
    end))
    finds(sound(function(_, _, _, c)
      c.allow_publish, c.next = nil, "all"
    end))
    finds(sound(function(v, a) v.stages, a.next = { a }, nil end))
  end)
end)

describe("a workflow", function()
  it("is named where it is needed", function()
    finds(sound(function(v) v.workflow = nil end), "error workflow")
    finds({ moves = { { from = "A", to = "B" } } }, "error workflow")
    finds({ moves = { { from = "none", to = "B" } } }, "error workflow",
          "warning moves[1]")
  end)

  it("has content types, unless it is the default one", function()
    finds(sound(function(v) v.content_types = nil end),
          "error content_types")
    finds(sound(function(v) v.content_types = {} end), "error content_types")
    finds(sound(function(v) v.content_types, v.default = nil, true end))
  end)

  it("has a stage", function()
    finds(sound(function(v) v.stages = {} end), "error stages")
  end)
end)

describe("moves", function()
  local function moving(...)
    local list = { ... }
    return sound(function(v) v.moves = list end)
  end

  it("go to stages that there are", function()
    finds(moving({ from = { workflow = "V", stage = "X" }, to = "D" }),
          "error moves[1].to")
    finds(moving({ from = "A", to = "D" }), "error moves[1].to")
    finds(moving { from = { workflow = "V", stage = "X" }, to = "C" })
    finds(moving { from = "A", to = { workflow = "V", stage = "D" } })
  end)

  it("come from stages that are known, or are named once", function()
    local findings = finds(moving(
      { from = "Old", where = { search = "x" }, to = "A" },
      { from = "Old", to = "B" }), "warning moves[1].from")
    has(findings, "'Old'")
    finds(sound(function(v, _, b)
      b.was = "Old"
      v.moves = { { from = "Old", to = "C" } }
    end))
    finds(moving { from = { default = true, stage = "Old" }, to = "A" })
  end)

  it("go somewhere", function()
    finds(moving { from = "A", to = "A" }, "error moves[1]")
    finds(moving { from = { workflow = "V", stage = "A" },
                   to = { workflow = "V", stage = "A" } }, "error moves[1]")
    finds(moving { from = { workflow = "V", stage = "A" }, to = "A" })
    finds(moving { from = { default = true, stage = "A" }, to = "A" })
    finds(sound(function(v, _, b)
      b.was = "Old"
      v.moves = { { from = "Old", to = "B" } }
    end), "warning moves[1]")
    finds(sound(function(v, a, b)
      a.was, b.was = "B", "A"
      v.moves = { { from = "B", to = "A" } }
    end))
  end)

  it("leave something for those that come later", function()
    finds(moving({ from = "A", to = "B" },
                 { from = "A", where = { search = "x" }, to = "C" },
                 { from = "B", to = "C" }), "warning moves[2]")
    finds(moving({ from = "A", where = {}, to = "B" },
                 { from = "A", to = "C" }), "warning moves[2]")
    finds(moving({ from = "A", where = { search = "x" }, to = "B" },
                 { from = "A", to = "C" }))
    finds(moving({ from = { workflow = "V", stage = "A" }, to = "B" },
                 { from = { workflow = "U", stage = "A" }, to = "B" },
                 { from = "A", to = "B" }))
  end)

  it("do not stage a whole space without a word", function()
    finds(moving { from = "none", to = "A" }, "warning moves[1]")
    finds(moving { from = "none", to = "A", where = { starts_with = "x" } })
  end)
end)

describe("Kantata's moves", function()
  it("go somewhere, and leave something", function()
    local function kantata(...)
      return { service = "kantata", moves = { ... } }
    end
    finds(kantata { from = 310, to = 605 })
    has(finds(kantata { from = 310, to = 310 }, "error moves[1]"),
        "In Progress")
    finds(kantata({ from = 310, to = 605 }, { from = 310, to = 600 }),
          "warning moves[2]")
    finds(kantata(), "warning ")
  end)
end)

describe("findings", function()
  it("are a text, one line each", function()
    local _, findings = check(sound(function(v, a, b)
      a.is_default, b.color, v.content_types = nil, a.color, nil
    end))
    assert.equal([[
error: content_types: a workflow that is not the default one has at least one
error: stages[2].color: '#aa0000' is the colour of 'A' as well
error: stages: no stage is the default one: say is_default = true]],
      tostring(findings))
    local _, none = check(sound())
    assert.equal("", tostring(none))
  end)

  it("hold what keeps it from being a blueprint", function()
    local findings = finds(sound(function(_, a) a.colour = 1 end),
                           "error stages[1].colour")
    has(findings, "did you mean 'color'?")
    has(finds(5, "error "), "error: expected a table, got the number 5")
    finds({ stages = 5 }, "error stages")
  end)

  it("cannot be led astray by what names hold", function()
    finds(sound(function(_, a, b)
      a.next, b.name = { "%s%d\1", "100%" }, "100%"
    end), "error stages[1].next[1]")
  end)

  it("are for a blueprint that says nothing", function()
    finds({ workflow = "W" }, "warning ")
  end)
end)
