-- The findings of an offline check of a blueprint.
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

local function listed(findings, with_notes)
  local texts = {}
  for _, finding in ipairs(findings) do
    assert.truthy(({ error = true, warning = true, note = true })
                  [finding.level])
    assert.equal("string", type(finding.where))
    assert.equal("string", type(finding.message))
    assert.is_nil(finding.message:find "[%c]")
    if with_notes or finding.level ~= "note" then
      texts[#texts + 1] = ("%s %s"):format(finding.level, finding.where)
    end
  end
  return texts
end

-- Asserts exactly these findings: "error stages[1].next[1]" and the like. Notes
-- count where one is expected.
local function finds(value, ...)
  local good, findings = check(value)
  local expected, failing = { ... }, false
  local with_notes = table.concat(expected, "\n"):find "note " ~= nil
  assert.same(expected, listed(findings, with_notes), tostring(findings))
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
  end)

  it("has notes on what only the space can show", function()
    local findings = finds({ workflow = "W", moves = {
      { from = "X", to = "Y" } } }, "note moves[1].from", "note moves[1].to")
    has(findings, 'Stage "Y" cannot be checked offline')
    finds({ moves = { { from = { workflow = "V", stage = "X" },
                        to = { workflow = "U", stage = "X" } } } },
          "note moves[1].from", "note moves[1].to")
    finds({ workflow = "W", moves = { { from = "none", where = { search = "x" },
                                        to = "Y" } } }, "note moves[1].to")
    assert.equal(2, #findings)
    assert.equal(0, #findings:without_offline())
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
    end), "warning stages[2].color")
    has(findings, 'also the color of "A"')
    finds(sound(function(v)
      v.stages[4] = { name = "C", color = "#0000cc", allow_publish = true }
    end), "error stages[4].name", "warning stages[4].color")
  end)

  it("are the same colour in each of its forms", function()
    finds(sound(function(_, a, b) a.color, b.color = "#Fa5", "#ffaa55" end),
          "warning stages[2].color")
    finds(sound(function(_, a, b) a.color, b.color = "#fa5", "#ffaa5" end),
          "warning stages[2].color")
  end)

  it("need no colour, which a stage that exists has", function()
    finds(sound(function(_, a, b) a.color, b.color = nil, nil end))
  end)

  it("have colours that the service takes", function()
    local findings = finds(sound(function(_, a) a.color = "green" end),
                           "error stages[1].color")
    has(findings, '"green" is not a hex color')
    finds(sound(function(_, a) a.color = "#2d3v22" end),
          "warning stages[1].color")
    finds(sound(function(_, a) a.color = "#fff" end))
  end)
end)

describe("the default stage", function()
  it("is one", function()
    finds(sound(function(_, a) a.is_default = nil end))
    finds(sound(function(_, a) a.is_default = false end))
    finds(sound(function(v, a, b, c)
      v.create, a.is_default, a.roles, b.roles, c.roles = true, nil, {}, {}, {}
    end), "warning stages")
    finds(sound(function(_, _, b, c) b.is_default, c.is_default = true, true
    end), "error stages[2].is_default", "error stages[3].is_default")
  end)
end)

describe("references", function()
  it("refer to existing stages", function()
    local findings = finds(sound(function(_, a)
      a.next = { "B", "Reveiw" }
    end), "error stages[1].next[2]")
    has(findings, 'No stage is named "Reveiw".')
    finds(sound(function(_, _, _, c) c.after_publish = "D" end),
          "error stages[3].after_publish")
    finds(sound(function(_, _, _, c) c.after_publish = "A" end))
    finds(sound(function(_, _, _, c) c.after_publish = false end))
  end)

  it("suggest the intended name", function()
    local findings = finds(sound(function(_, a, b)
      b.name = "Review"
      a.next = { "Reveiw", "Review" }
    end), "error stages[1].next[1]")
    has(findings, 'Did you mean "Review"?')
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

describe("a stage that inherits", function()
  it("does so from another one of the blueprint", function()
    finds(sound(function(_, _, b) b.inherit = "A" end))
    finds(sound(function(_, _, b) b.inherit = "D" end),
          "error stages[2].inherit")
    finds(sound(function(_, _, b) b.inherit = "B" end),
          "error stages[2].inherit")
    local findings = finds(sound(function(_, a, b, c)
      a.inherit, b.inherit, c.inherit = "B", "A", "A"
    end), "error stages[1].inherit", "error stages[2].inherit")
    has(findings, '"A" inherits from itself.')
  end)
end)

describe("a new stage", function()
  it("has permissions, or inherits them", function()
    local function new(...)
      local edit = ...
      return sound(function(v, a, b, c)
        v.create, a.roles, b.allow_all_users = true, {}, false
        edit(c)
      end)
    end
    local findings = finds(new(function() end), "warning stages[3]")
    has(findings, 'New stage "C" has neither permissions nor `inherit`')
    finds(new(function(c) c.inherit = "A" end))
    finds(new(function(c) c.users = {} end))
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
    local findings = finds(sound(function(_, _, _, c)
      c.allow_publish, c.next = nil, {}
    end), "warning stages[3].next")
    has(findings, 'Stage "C" has no outgoing transitions')
    finds(sound(function(_, _, _, c)
      c.allow_publish, c.next = nil, { "C" }
    end), "warning stages[3].next")
    finds(sound(function(_, _, _, c) c.allow_publish = nil end))
    finds(sound(function(_, _, _, c)
      c.allow_publish, c.next = nil, "none"
    end))
    finds(sound(function(_, _, _, c)
      c.allow_publish, c.allow_admin_publish = nil, true
    end))
    finds(sound(function(_, _, _, c)
      c.allow_publish, c.next = nil, "all"
    end))
    finds(sound(function(v, a) v.stages, a.next = { a }, {} end))
  end)

  it("are those that a stage inherits", function()
    finds(sound(function(_, _, b, c)
      b.next, c.next, b.inherit, c.allow_publish = nil, {}, "C", nil
    end), "warning stages[3]", "warning stages[2].next",
       "warning stages[3].next")
    finds(sound(function(_, _, _, c)
      c.allow_publish, c.inherit = nil, "A"
    end))
  end)
end)

describe("a workflow", function()
  it("is named where it is needed", function()
    finds(sound(function(v) v.workflow = nil end), "error workflow")
    finds({ moves = { { from = "A", to = "B" } } }, "error workflow",
          "note moves[1].from", "note moves[1].to")
    finds({ moves = { { from = "none", to = "B" } } }, "error workflow",
          "note moves[1].to", "warning moves[1]")
  end)

  it("has content types, unless it is the default one", function()
    finds(sound(function(v) v.content_types = nil end))
    finds(sound(function(v, a, b, c)
      v.create, v.content_types, a.roles, b.roles, c.roles = true, nil, {},
                                                             {}, {}
    end), "error content_types")
    finds(sound(function(v) v.content_types = {} end), "error content_types")
    finds(sound(function(v)
      v.workflow, v.content_types, v.default = nil, nil, true
    end))
  end)

  it("is the default one or has a name", function()
    local findings = finds(sound(function(v) v.default = true end),
                           "error workflow")
    has(findings, '"W" is given together with default = true')
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
      { from = "Old", to = "B" }), "note moves[1].from")
    has(findings, '"Old"')
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
      a.next, b.color, v.content_types = "none", a.color, {}
      v.stages[2].next = "all"
    end))
    assert.equal([[
error: content_types: A workflow other than the default one has at least one ]]
.. [[content type.
warning: stages[2].color: "#aa0000" is also the color of "A": the service may ]]
.. [[refuse it unless both have it already.
warning: stages[2]: No path leads from "A" to "B".
warning: stages[3]: No path leads from "A" to "C".]], tostring(findings))
    local _, none = check(sound())
    assert.equal("", tostring(none))
  end)

  it("have the file and the line where there are", function()
    local value = assert(blueprint.parse([[
return {
  workflow = "W", content_types = { "article" },
  stages = {
    { name = "A", color = "green", is_default = true,
      next = { "B",
               "D" } },
    { name = "B", color = "#00bb00", next = "A" },
  },
}]], "w.lua"))
    assert.equal('w.lua:4: error: stages[1].color: "green" is not a hex color '
      .. 'such as "#4a90e2".\n'
      .. 'w.lua:6: error: stages[1].next[2]: No stage is named "D".',
      tostring(select(2, check(value))))
    table.insert(value.stages, 1, { name = "C", color = "#123456", next = "A",
                                    is_default = false })
    local _, findings = check(value)
    assert.equal(6, findings[2].line)
    assert.equal("w.lua", findings[2].file)
    assert.equal("stages[2].next[2]", findings[2].where)
    assert.is_nil(select(2, check(sound(function(_, a)
      a.color = "green"
    end)))[1].file)
  end)

  it("are all that keeps it from being a blueprint, with their lines",
     function()
    local value, err = blueprint.parse([[
{
  "workflow": 5,
  "stages": [
    { "name": "A", "colour": "#fff" },
    { "color": "#fff", "next": 7 }
  ],
  "moves": [ { "from": "A", "to": "B", "due_date": "2026-13-45T00:00:00Z" } ]
}]], "w.json")
    assert.is_nil(value)
    local list = {}
    for i, each in ipairs(err.findings) do list[i] = tostring(each) end
    assert.same({
      "w.json:2: error: workflow: expected a string, got the number 5",
      "w.json:4: error: stages[1].colour: unknown attribute, did you mean " ..
      "'color'?",
      "w.json:5: error: stages[2].name: is missing",
      "w.json:5: error: stages[2].next: expected a list of names, got the " ..
      "number 7",
      "w.json:7: error: moves[1].due_date: expected a time such as " ..
      "2026-12-01T10:00:00.000Z, got the string '2026-13-45T00:00:00Z'",
    }, list)
    assert.same(list[1], "w.json:2: error: " .. err.findings[1].where .. ": " ..
                         err.findings[1].message)
    value, err = blueprint.parse("{\n a = 1,\n b }", "w.lua")
    assert.is_nil(value)
    assert.matches("^w.lua:3: error: the name 'b'", tostring(err.findings))
  end)

  it("show control characters of names", function()
    local findings = finds(sound(function(_, a)
      a.next = { "B", "A\27[2J\n+ \u{9b}" }
    end), "error stages[1].next[2]")
    has(findings, 'named "A\\x1b[2J\\n+ \\u{9b}"')
  end)

  it("contain the errors that make it invalid", function()
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
