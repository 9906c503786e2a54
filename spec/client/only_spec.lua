-- `only`: lists whose items have only the requested fields; tables for the rest
-- of a response are not built.
local clients = require "support.clients"

describe("only", function()
  local server, space

  setup(function()
    server, space = clients.sandbox { seed = { stories = 60, unstaged = 5 } }
  end)

  teardown(function()
    space:close()
    server:stop()
  end)

  local function names(item)
    local list = {}
    for name in pairs(item) do list[#list + 1] = name end
    table.sort(list)
    return table.concat(list, " ")
  end

  it("omits the other fields in list, page and each", function()
    local opts = { only = { "name", "stage" } }
    local list = assert(space.stories:list({}, opts))
    local page = assert(space.stories:page({ per_page = 5 }, opts))
    assert.equal(65, #list)
    assert.equal(5, #page)
    assert.equal(65, page.total)
    local count = 0
    for story in space.stories:each({}, opts) do
      count = count + 1
      assert.equal(story.stage and "id name stage" or "id name", names(story))
    end
    assert.equal(65, count)
    assert.equal(names(list[1]), names(page[1]))
    assert.same({ only = { "name", "stage" } }, opts)
  end)

  it("omits no items from `each`", function()
    local seen = 0
    local stage = assert(space.stories:list())[1].stage.workflow_stage_id
    for story in space.stories:each({ in_workflow_stages = { stage } },
                                    { only = { "id" } }) do
      assert.equal("id", names(story))
      seen = seen + 1
    end
    assert.equal(#assert(space.stories:list {
      in_workflow_stages = { stage } }), seen)
  end)

  -- A field that `only` omits must not be taken for a missing one.
  it("does not make the client forget where items are", function()
    local story = assert(space.stories:page { per_page = 1 })[1]
    local memory = getmetatable(space) and space.transport and
                   space.transport.memory
    local before = memory and memory:item("stories", story.id)
    assert(space.stories:list({}, { only = { "id" } }))
    if memory then
      assert.same(before, memory:item("stories", story.id))
    end
  end)

  it("is for lists only, and must name fields", function()
    local function refused(value, err, word)
      assert.is_nil(value)
      assert.equal("invalid", err.kind)
      assert.truthy(err.fields.only)
      assert.truthy(tostring(err):find(word, 1, true), tostring(err))
    end
    local value, err = space.stories:get(1, nil, { only = { "id" } })
    refused(value, err, "list, page and each")
    for word, only in pairs { ["did you mean 'name'"] = { "nam" },
                              ["array of names"] = "name",
                              ["got a table"] = {} } do
      value, err = space.stories:list({}, { only = only })
      refused(value, err, word)
    end
  end)
end)
