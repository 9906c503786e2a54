-- Names and colours are freed before other stages get them: without network or
-- files.
local exchange = require "workstage.migration.plan.swap"

-- Plays the steps against a table that refuses what is taken.
local function play(states, updates)
  local current, log = {}, {}
  for ref, state in pairs(states) do
    current[ref] = { name = state.name, color = state.color }
  end
  local function set(ref, values)
    for other, state in pairs(current) do
      if other ~= ref then
        assert(state.name ~= values.name, "name taken: " ..
               tostring(values.name))
        assert(not values.color or
               state.color:lower() ~= values.color:lower(),
               "colour taken: " .. tostring(values.color))
      end
    end
    for name, value in pairs(values) do current[ref][name] = value end
  end
  local wanted = {}
  for i, update in ipairs(updates) do wanted[i] = update.target end
  local order = exchange.new(states, wanted)
  order:run(updates, function(ref, values)
    log[#log + 1] = ref .. " aside"
    set(ref, values)
  end, function(update)
    log[#log + 1] = update.ref .. " set"
    set(update.ref, update.target)
  end)
  return current, log
end

describe("exchanges", function()
  it("need no extra step if nothing conflicts", function()
    local states = { a = { name = "A", color = "#1" },
                     b = { name = "B", color = "#2" } }
    local current, log = play(states, {
      { ref = "a", target = { name = "C", color = "#1" } },
      { ref = "b", target = { name = "B", color = "#3" } },
    })
    assert.same({ "a set", "b set" }, log)
    assert.same({ name = "C", color = "#1" }, current.a)
  end)

  it("go from the end of a chain, whatever the order they come in", function()
    local states = { a = { name = "A", color = "#1" },
                     b = { name = "B", color = "#2" },
                     c = { name = "C", color = "#3" } }
    local current, log = play(states, {
      { ref = "a", target = { name = "B", color = "#1" } },
      { ref = "b", target = { name = "C", color = "#2" } },
      { ref = "c", target = { name = "D", color = "#3" } },
    })
    assert.same({ "c set", "b set", "a set" }, log)
    assert.equal("B", current.a.name)
  end)

  it("break a cycle of names with one temporary name", function()
    local states = { a = { name = "A", color = "#1" },
                     b = { name = "B", color = "#2" },
                     c = { name = "C", color = "#3" } }
    local current, log = play(states, {
      { ref = "a", target = { name = "B", color = "#1" } },
      { ref = "b", target = { name = "C", color = "#2" } },
      { ref = "c", target = { name = "A", color = "#3" } },
    })
    assert.equal(4, #log)
    assert.equal("B", current.a.name)
    assert.equal("C", current.b.name)
    assert.equal("A", current.c.name)
  end)

  it("break a circle of colours, upper and lower case alike", function()
    local states = { a = { name = "A", color = "#AA00FF" },
                     b = { name = "B", color = "#00ff00" } }
    local current, log = play(states, {
      { ref = "a", target = { name = "A", color = "#00FF00" } },
      { ref = "b", target = { name = "B", color = "#aa00ff" } },
    })
    assert.equal(3, #log)
    assert.equal("#00FF00", current.a.color)
    assert.equal("#aa00ff", current.b.color)
  end)

  it("manage names in one circle and colours in another", function()
    local states, updates = {}, {}
    for i = 1, 12 do
      states["s" .. i] = { name = "N" .. i, color = "#c" .. i }
    end
    for i = 1, 12 do
      updates[i] = { ref = "s" .. i, target = {
        name = "N" .. i % 12 + 1, color = "#c" .. (i * 5) % 12 + 1 } }
    end
    local current = play(states, updates)
    for i = 1, 12 do
      assert.same(updates[i].target, current["s" .. i])
    end
  end)

  it("use no temporary value that is in use or needed", function()
    local states = { a = { name = "A", color = "#1" },
                     b = { name = "B", color = "#2" },
                     c = { name = "A (1)", color = "#010203" } }
    local seen = {}
    local order = exchange.new(states, {
      { name = "B", color = "#1" }, { name = "A", color = "#2" },
      { name = "A (2)", color = "#010204" } })
    order:run({ { ref = "a", target = { name = "B", color = "#1" } },
                { ref = "b", target = { name = "A", color = "#2" } } },
              function(_, values) seen[#seen + 1] = values end,
              function() end)
    assert.equal(1, #seen)
    assert.is_nil(seen[1].name:match "^A %([12]%)$")
  end)

  it("set aside no more than what is in the way", function()
    local order = exchange.new({ a = { name = "A", color = "#1" } }, {})
    assert.same({ name = "A (1)" },
                order:step_aside("a", { name = "A", color = "#2" }))
    assert.same({ color = "#010203" },
                order:step_aside("a", { name = "A", color = "#1" }))
    assert.same({ color = "#010204" },
                order:step_aside("a", { color = "#010203" }))
  end)

  it("name whoever is in the way once", function()
    local order = exchange.new({ a = { name = "A", color = "#A" },
                                 b = { name = "B", color = "#b" },
                                 c = { name = "C", color = "#c" } }, {})
    assert.same({ "b" }, order:blockers("a", { name = "B", color = "#B" }))
    assert.same({ "b", "c" }, order:blockers("a", { name = "B",
                                                    color = "#C" }))
    assert.same({}, order:blockers("a", { name = "A", color = "#a" }))
    assert.same({ "a" }, order:blockers(nil, { name = "A", color = "#9" }))
    order:set("d", { name = "D", color = "#d" })
    assert.same({ "d" }, order:blockers("a", { name = "D" }))
    order:set("d", { color = "#e" })
    assert.same({ "d" }, order:blockers("a", { name = "D", color = "#e" }))
    order:remove("d")
    assert.same({}, order:blockers("a", { name = "D", color = "#e" }))
  end)

  it("find values that are free", function()
    assert.equal("A (1)", exchange.spare("name", "A", {}))
    assert.equal("A (2)", exchange.spare("name", "A", { ["A (1)"] = true }))
    assert.equal("#010203", exchange.spare("color", "#1", {}))
    assert.equal("#010205", exchange.spare("color", "#1", {
      ["#010203"] = true, ["#010204"] = true }))
  end)

  it("leave a stage alone that shares a colour since before", function()
    local states = { a = { name = "A", color = "#1" },
                     b = { name = "B", color = "#1" } }
    local _, log = pcall(play, states, {
      { ref = "a", target = { name = "C", color = "#1" } } })
    local order, steps = exchange.new(states, {}), 0
    order:run({ { ref = "a", target = { name = "C", color = "#1" } } },
              function() steps = steps + 1 end, function() end)
    assert.equal(0, steps, tostring(log))
  end)
end)
