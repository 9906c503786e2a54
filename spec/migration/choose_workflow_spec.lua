-- Choosing the workflow of a space that a blueprint describes.
local choose = require "workstage.migration.plan.choose_workflow"
local clients = require "support.clients"

local failed, has = clients.failed, clients.has

local SPACE = {
  { id = 1, name = "Default", is_default = true },
  { id = 2, name = "Article" },
  { id = 3, name = "News" },
  { id = 4, name = "Caf\u{e9} " },
}

local TWICE = { { id = 7, name = "Page" }, { id = 8, name = "Page" } }

local function chosen(described, space)
  local workflow, notes = choose(space or SPACE, described)
  assert.not_nil(workflow, tostring(notes))
  return workflow and workflow.id, notes
end

local function refused(described, space)
  return failed("refused", choose(space or SPACE, described))
end

describe("a workflow", function()
  it("is chosen by its name", function()
    local id, notes = chosen { workflow = "Article" }
    assert.equal(2, id)
    assert.same({}, notes)
  end)

  it("is a new one where none has a near name", function()
    local id, notes = chosen { workflow = "Product page" }
    assert.is_false(id)
    assert.same({}, notes)
  end)

  it("is not created because of a misspelt name", function()
    for _, name in ipairs { "Artikel", "article", "Articles", "Artcile" } do
      local err = refused { workflow = name }
      has(err, ('no workflow "%s". Did you mean "Article"?'):format(name))
      has(err, "set create = true")
      assert.is_false(chosen { workflow = name, create = true })
    end
  end)

  it("is a new one although the blueprint has one of a near name", function()
    assert.is_false((choose(SPACE, { workflow = "Articles" },
                            { Article = true, Articles = true })))
    failed("refused", choose(SPACE, { workflow = "Articles" },
                             { News = true, Articles = true }))
  end)

  it("is the same with create = true where it exists", function()
    assert.equal(2, chosen { workflow = "Article", create = true })
  end)

  it("is the same in another Unicode form, and without a blank", function()
    local id, notes = chosen { workflow = "Cafe\u{301}" }
    assert.equal(4, id)
    assert.equal(1, #notes)
    has(notes[1], "differ only in blanks at the end or in their Unicode form")
    assert.equal(4, chosen { workflow = "Caf\u{e9} " })
  end)

  it("of its exact name wins over one that looks the same", function()
    local space = { { id = 1, name = "Page " }, { id = 2, name = "Page" } }
    assert.equal(2, chosen({ workflow = "Page" }, space))
    assert.equal(1, chosen({ workflow = "Page " }, space))
    local err = refused({ workflow = "Page  " }, space)
    has(err, "2 workflows are named")
  end)

  it("is renamed from its former name", function()
    assert.equal(2, chosen { workflow = "Story", was = "Article" })
    assert.equal(2, chosen { workflow = "Article", was = "Old" })
    local err = refused { workflow = "News", was = "Article" }
    has(err, 'Workflow "News" exists, and so does "Article"')
    local id, notes = chosen { workflow = "Product page", was = "Prodct" }
    assert.is_false(id)
    has(notes[1], 'No workflow is named "Prodct" (`was`)')
  end)

  it("is the default one by its mark", function()
    assert.equal(1, chosen { default = true })
    assert.equal(1, chosen { default = true, workflow = "Default" })
    assert.equal(1, chosen { default = true, workflow = "Start",
                             was = "Default" })
    local err = refused { default = true, workflow = "Article" }
    has(err, '"Default", not "Article"')
    has(refused({ default = true }, {}), "no default workflow")
  end)

  it("is chosen by its id if several have its name", function()
    local err = refused({ workflow = "Page" }, TWICE)
    has(err, "id = 7 or id = 8")
    assert.equal(8, chosen({ workflow = "Page", id = 8 }, TWICE))
    assert.equal(2, chosen { id = 2 })
    assert.equal(2, chosen { id = 2, workflow = "New", was = "Article" })
    has(refused { id = 3, workflow = "Article" }, '3 is named "News"')
    has(refused { id = 9, workflow = "Article" }, "no workflow with the id 9")
  end)
end)
