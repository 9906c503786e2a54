-- core.copy, with which a create keeps its attributes.
local core = require "workstage.core"
local workstage = require "workstage"

describe("a copy of a table", function()
  it("has all of the table's content, at all levels", function()
    local original = {
      name = "Review", position = 2, share = 0.5, allow = true,
      after = workstage.null, user_ids = { 1, 2, 3 },
      mixed = { "a", b = { c = { "d" } }, [7] = 8, [true] = false },
      holes = { nil, 2, nil, 4 }, empty = {},
    }
    local copy = core.copy(original)
    assert.same(original, copy)
    assert.equal("integer", math.type(copy.position))
    assert.equal("float", math.type(copy.share))
    assert.equal(workstage.null, copy.after)
  end)

  it("does not change with the table", function()
    local original = { name = "Review", assign = { user_ids = { 1 } } }
    local copy = core.copy(original)
    original.name = "Legal"
    original.assign.user_ids[1] = 2
    original.assign.space_role_ids = { 3 }
    assert.same({ name = "Review", assign = { user_ids = { 1 } } }, copy)
  end)

  it("uses no metamethods", function()
    local fail = function() error "asked" end
    local original = setmetatable({ setmetatable({ 1 }, { __len = fail }) },
      { __index = fail, __pairs = fail, __len = fail })
    local copy = core.copy(original)
    assert.is_nil(getmetatable(copy))
    assert.same({ { 1 } }, copy)
  end)

  it("of a table that contains itself is a Lua error", function()
    local endless = {}
    endless.more = endless
    local good, why = pcall(core.copy, endless)
    assert.is_false(good)
    assert.matches("too many levels", why)
  end)

  it("needs a table", function()
    assert.has_error(function() core.copy(5) end)
    assert.has_error(function() core.copy() end)
  end)
end)
