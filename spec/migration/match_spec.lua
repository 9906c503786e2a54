-- Which existing stage a described one is: names that are swapped, given up,
-- and left under temporary names by a run that was interrupted.
local match = require "workstage.migration.plan.match"
local planning = require "support.planning"

local CONTEXT = { roles = {}, users = {} }

-- Matches descriptions, "name", "name<was", with stages of these names whose
-- ids are their places: name -> id, names of those that go, notes.
local function matched(described, names, colors, wanted)
  local stages, list, found, gone_names = {}, {}, {}, {}
  for i, name in ipairs(names) do
    stages[i] = planning.stage(i, name, colors and colors[i] or "#" .. i)
  end
  for i, text in ipairs(described) do
    local name, was = text:match "^([^<]*)<?(.*)$"
    list[i] = { name = name, was = was ~= "" and was or nil,
                color = wanted and wanted[i] }
  end
  local result, gone, notes = match(list, stages, CONTEXT)
  if not result then return nil, gone end
  for _, stage in ipairs(list) do
    found[stage.name] = result[stage] and result[stage].id or "new"
  end
  for i, stage in ipairs(gone) do gone_names[i] = stage.name end
  return found, gone_names, notes
end

describe("a described stage", function()
  it("is the one of its name, or of its former name", function()
    assert.same({ A = 1, C = 2, D = "new" },
                (matched({ "A", "C<B", "D" }, { "A", "B" })))
  end)

  it("is a new one where another stage gives its name up", function()
    -- the old "A" becomes "Z"; "A" is created
    assert.same({ Z = 1, A = "new" }, (matched({ "Z<A", "A" }, { "A", "B" })))
    assert.same({ A = "new", Z = 1 }, (matched({ "A", "Z<A" }, { "A" })))
    -- once both exist, they are what they are called
    assert.same({ Z = 1, A = 2 }, (matched({ "Z<A", "A" }, { "Z", "A" })))
  end)

  local SWAP = { "B<A", "A<B" }

  it("swaps its name with another, and is matched at every step", function()
    assert.same({ B = 1, A = 2 }, (matched(SWAP, { "A", "B" },
                                           { "#1", "#2" }, { "#1", "#2" })))
    -- A has stepped aside; B has taken its name; A takes B's
    assert.same({ B = 1, A = 2 }, (matched(SWAP, { "A (1)", "B" })))
    assert.same({ B = 1, A = 2 }, (matched(SWAP, { "A (1)", "A" })))
    assert.same({ B = 1, A = 2 }, (matched(SWAP, { "B", "A" })))
  end)

  it("swaps its name with two others, and is matched at every step",
     function()
    local circle = { "B<A", "C<B", "A<C" }
    for _, names in ipairs {
      { "A (1)", "B", "C" }, { "A (1)", "B", "A" }, { "A (1)", "C", "A" },
      { "B", "C", "A" },
    } do
      local found, gone = matched(circle, names)
      assert.same({ B = 1, C = 2, A = 3 }, found, table.concat(names, ","))
      assert.same({}, gone)
    end
  end)

  it("changes nothing where names and colours are swapped together", function()
    local found, gone, notes = matched(SWAP, { "A", "B" }, { "#1", "#2" },
                                       { "#2", "#1" })
    assert.same({ B = 2, A = 1 }, found)
    assert.same({}, gone)
    assert.same({ 'stages "A" and "B" already have the names and everything '
                  .. "else that the blueprint describes, so `was` changes "
                  .. "nothing; to exchange their items, use `moves`" }, notes)
  end)

  it("is refused where two match one stage, with what to do", function()
    local found, problems = matched({ "A<X", "B<A" }, { "A" })
    assert.is_nil(found)
    assert.same({ 'stages "A" and "B" both match the existing stage "A": '
                  .. "remove `was` from the one that is new" }, problems)
  end)

  it("does not take a stage of a similar name for a temporary one", function()
    local found, gone = matched({ "B<A" }, { "A (x)", "A 1" })
    assert.same({ B = "new" }, found)
    assert.same({ "A (x)", "A 1" }, gone)
    -- nor where the stage that it could stand for is there
    found, gone = matched({ "B<A", "A<B" }, { "A", "B", "A (1)" },
                          { "#1", "#2", "#3" }, { "#1", "#2" })
    assert.same({ B = 1, A = 2 }, found)
    assert.same({ "A (1)" }, gone)
  end)
end)
