-- Plans of several workflows: one plan, one journal, one rollback.
local clients = require "support.clients"
local migration = require "workstage.migration"
local migrations = require "support.migrations"

local failed, has = clients.failed, clients.has

describe("a plan of several workflows", function()
  local server, space, folder

  local function news_stages()
    return {
      { name = "Start", color = "#111111", position = 1, is_default = true,
        workflow_stage_ids = { "Done" } },
      { name = "Done", color = "#222222", position = 2, allow_publish = true,
        allow_all_stages = true },
    }
  end

  local function start(edit)
    local content = migrations.space { ["Old review"] = 3, Review = 2 }
    content.workflows[3] = { name = "News", content_types = { "news" },
                             stages = news_stages() }
    for i = 1, 4 do
      table.insert(content.stories, {
        id = 2000000 + i, name = "n" .. i, full_slug = "news/" .. i,
        content_type = "news", stage = { workflow = "News", stage = "Start" },
      })
    end
    if edit then edit(content) end
    server, space = migrations.start(content)
  end

  before_each(function()
    folder = migrations.folder()
    start()
  end)

  after_each(function()
    space:close()
    server:stop()
    migrations.remove(folder)
  end)

  local function restart(edit)
    space:close()
    server:stop()
    start(edit)
  end

  -- The blueprint of the space, changed by `edit(blueprint, default, article,
  -- news)`.
  local function blueprint(edit)
    local value = assert(migration.export_all(space))
    if edit then edit(value, table.unpack(value.workflows)) end
    return value
  end

  local function names(workflow)
    local list = {}
    for i, stage in ipairs(workflow.stages) do list[i] = stage.name end
    return table.concat(list, ", ")
  end

  local function text()
    local lines = {}
    for _, workflow in ipairs(assert(migration.export_all(space)).workflows)
    do
      lines[#lines + 1] = migrations.text_of(workflow)
    end
    return table.concat(lines, "\n\n")
  end

  local function apply(value)
    local plan = assert(migration.plan(space, value))
    local report, err = migration.apply(space, plan, {
      journal = folder .. "/j" })
    assert.is_true(report and report.complete, tostring(err or report))
    assert.same({}, migrations.refused(server))
    assert.same({}, report.notes)
    local again = assert(migration.plan(space, value))
    assert.is_true(again:is_empty(), tostring(again))
    return plan, report
  end

  local function rollback()
    local report, err = migration.rollback(space, folder .. "/j")
    assert.is_true(report and report.complete, tostring(err or report))
    assert.same({}, migrations.refused(server))
  end

  it("is empty if the space matches the blueprint", function()
    local plan = assert(migration.plan(space, blueprint()))
    assert.is_true(plan:is_empty(), tostring(plan))
  end)

  it("is drawn as a cluster for each workflow", function()
    local plan = assert(migration.plan(space, blueprint(
      function(value, _, article)
        table.remove(article.stages, 3)
        value.workflows[3] = { workflow = "News", remove = true }
        value.moves = {
          { from = { workflow = "Article", stage = "Old review" },
            to = { workflow = "Article", stage = "Review" } },
          { from = { workflow = "News", stage = "Start" },
            to = { workflow = "Article", stage = "Drafting" } },
        }
      end)))
    local picture, labels = assert(migration.graph(plan)), {}
    for label in picture:gmatch 'subgraph cluster_%d {\n%s+label="(.-)"' do
      labels[#labels + 1] = label
    end
    assert.same({ "Default", "Article", "News" }, labels)
    assert.truthy(picture:find '  w2r1 %-> w2s2 %[[^\n]*label="  3"')
    assert.truthy(picture:find '  w3r%d %-> w2s1 %[[^\n]*label="  4"')
    assert.is_nil(picture:find("\n  x1 ", 1, true))
  end)

  it("changes them all, with moves across, and goes back", function()
    local before, counts = text(), migrations.counts(server)
    local plan = apply(blueprint(function(value, default, article, news)
      default.stages[2].color = "#abcdef"
      table.remove(article.stages, 3)
      table.insert(news.stages, { name = "Legal", color = "#333333",
                                  next = "all", inherit = "Start" })
      value.moves = {
        { from = { workflow = "Article", stage = "Old review" },
          to = { workflow = "News", stage = "Legal" } },
        { from = { workflow = "News", stage = "Start" },
          to = { workflow = "News", stage = "Done" } },
      }
      news.stages[1].next = { "Done", "Legal" }
    end))
    assert.matches('Workflow "Default"\n  ~ stage "Reviewing".-'
      .. '\nWorkflow "Article"\n  %- stage "Old review".-'
      .. '\nWorkflow "News"\n  ~ stage "Start".-  %+ stage "Legal".-'
      .. '\n  > 3 items', tostring(plan))
    assert.same({ Review = 2, ["News / Legal"] = 3, ["News / Done"] = 4 },
                migrations.counts(server))
    rollback()
    assert.equal(before, text())
    assert.same(counts, migrations.counts(server))
  end)

  it("makes workflows and removes others, with their items", function()
    local before, counts = text(), migrations.counts(server)
    apply(blueprint(function(value, _, _, news)
      news.stages, news.content_types, news.remove = nil, nil, true
      value.workflows[4] = {
        workflow = "Product page", content_types = { "product" },
        stages = {
          { name = "Start", color = "#111111", is_default = true,
            next = "all", roles = {} },
          { name = "End", color = "#222222", next = "none", roles = {} },
        },
      }
      value.moves = {
        { from = { workflow = "News", stage = "Start" },
          to = { workflow = "Product page", stage = "End" } },
      }
    end))
    assert.equal("Default\nArticle\nProduct page", table.concat((function()
      local list = {}
      for i, workflow in ipairs(server:dump().spaces[1].workflows) do
        list[i] = workflow.name
      end
      return list
    end)(), "\n"))
    assert.same({ Review = 2, ["Old review"] = 3,
                  ["Product page / End"] = 4 }, migrations.counts(server))
    rollback()
    assert.equal(before, text())
    assert.same(counts, migrations.counts(server))
  end)

  it("is rehearsed as a whole", function()
    local before = server:dump()
    local report, err = migration.rehearse(space, blueprint(
      function(value, _, article, news)
        local taken = table.remove(article.stages, 3)
        taken.from_workflow, taken.next = "Article", { "Done" }
        table.insert(news.stages, 2, taken)
        article.workflow, article.was = "Reports", "Article"
        value.workflows[4] = {
          workflow = "Product page", content_types = { "product" },
          stages = { { name = "Start", color = "#111111", is_default = true,
                       next = "all", inherit = "End" },
                     { name = "End", color = "#222222", next = "none",
                       allow_admin_change = false } },
        }
        value.moves = {
          { from = { workflow = "News", stage = "Start" },
            to = { workflow = "Product page", stage = "End" } },
          { from = { workflow = "Reports", stage = "Review" },
            to = { default = true, stage = "Drafting" } },
        }
      end), { faults = 0.05 })
    assert.is_true(report and report.complete, tostring(err or report))
    assert.equal(6, report.moved)
    assert.same(before, server:dump())
  end)

  it("renames a workflow by its former name", function()
    local before = text()
    apply(blueprint(function(value, _, _, news)
      news.workflow, news.was = "Messages", "News"
      value.moves = { { from = { workflow = "News", stage = "Start" },
                        to = { workflow = "Messages", stage = "Done" } } }
    end))
    assert.equal("Start, Done", names(migrations.workflow(server,
                                                          "Messages")))
    assert.same({ Review = 2, ["Old review"] = 3, ["Messages / Done"] = 4 },
                migrations.counts(server))
    rollback()
    assert.equal(before, text())
  end)

  it("exchanges content types", function()
    local before = text()
    apply(blueprint(function(_, _, article, news)
      article.content_types, news.content_types = { "news", "page" },
                                                  { "article" }
    end))
    assert.same({ "article" }, migrations.workflow(server, "News")
                                         .content_types)
    rollback()
    assert.equal(before, text())
  end)

  it("takes a stage with its items from another workflow, and gives it back",
     function()
    local before, counts = text(), migrations.counts(server)
    local plan = apply(blueprint(function(value, _, article, news)
      local taken = table.remove(article.stages, 3)
      taken.from_workflow, taken.next = "Article", { "Done" }
      table.insert(news.stages, 2, taken)
      news.stages[1].next = { "Old review", "Done" }
      value.moves = { { from = { workflow = "News", stage = "Start" },
                        to = { workflow = "News", stage = "Old review" } } }
    end))
    has(plan, 'workflow: "Article" -> "News"')
    assert.same({ Review = 2, ["News / Old review"] = 7 },
                migrations.counts(server))
    assert.equal("Start, Old review, Done",
                 names(migrations.workflow(server, "News")))
    assert.equal("Drafting, Review, Ready",
                 names(migrations.workflow(server)))
    rollback()
    assert.equal(before, text())
    assert.same(counts, migrations.counts(server))
  end)

  it("takes a stage under another name, from a workflow not described",
     function()
    local before = text()
    local value = assert(migration.export(space, "News"))
    table.insert(value.stages, { name = "Legal", was = "Old review",
                                 from_workflow = "Article", next = "all" })
    apply(value)
    assert.same({ Review = 2, ["News / Legal"] = 3, ["News / Start"] = 4 },
                migrations.counts(server))
    rollback()
    assert.equal(before, text())
  end)

  it("takes a stage from a workflow that it removes", function()
    local before, counts = text(), migrations.counts(server)
    apply(blueprint(function(value, _, article, news)
      news.stages, news.content_types, news.remove = nil, nil, true
      table.insert(article.stages, { name = "Start", from_workflow = "News",
                                     next = "all", color = "#111111" })
      value.moves = { { from = { workflow = "News", stage = "Done" },
                        to = { workflow = "Article", stage = "Ready" } } }
    end))
    assert.same({ Review = 2, ["Old review"] = 3, Start = 4 },
                migrations.counts(server))
    rollback()
    assert.equal(before, text())
    assert.same(counts, migrations.counts(server))
  end)

  -- The space with a stage taken, the request for which is lost on its way.
  local function lose_transfer(close)
    local id = migrations.stages_of(server)["Old review"].id
    local value = blueprint(function(_, _, article, news)
      local taken = table.remove(article.stages, 3)
      taken.from_workflow, taken.next = "Article", { "Done" }
      table.insert(news.stages, 2, taken)
    end)
    assert(server:inject { { method = "PUT", close = close,
                             path = ("workflow_stages/%d"):format(id) } })
    local report = assert(migration.apply(space, assert(migration.plan(space,
      value)), { journal = folder .. "/j" }))
    assert.is_false(report.complete)
    assert(server:inject(false))
    return value
  end

  for _, close in ipairs { "before", "after" } do
    it(("resumes where a transfer was lost %s its effect"):format(close),
       function()
      local value = lose_transfer(close)
      local report, err = migration.resume(space, folder .. "/j")
      assert.is_true(report and report.complete, tostring(err or report))
      assert.same({ Review = 2, ["News / Old review"] = 3,
                    ["News / Start"] = 4 }, migrations.counts(server))
      assert.is_true(assert(migration.plan(space, value)):is_empty())
    end)

    it(("goes back where a transfer was lost %s its effect"):format(close),
       function()
      local before = text()
      lose_transfer(close)
      rollback()
      assert.equal(before, text())
    end)
  end

  it("stops where the stage that it takes was moved by somebody else",
     function()
    local made = assert(migration.plan(space, blueprint(
      function(_, _, article, news)
        local taken = table.remove(article.stages, 3)
        taken.from_workflow, taken.next = "Article", { "Done" }
        table.insert(news.stages, 2, taken)
      end)))
    local default = migrations.workflow(server, "Default")
    local id = migrations.stages_of(server)["Old review"].id
    assert(space.stages:update(id, { workflow_id = default.id }))
    failed("stale", migration.apply(space, made, { journal = folder .. "/j" }))
  end)

  it("does not take a last, a default or an unknown stage",
     function()
    local function refused(edit)
      return failed("refused", migration.plan(space, blueprint(edit)))
    end
    local function taken(name, more)
      local stage = { name = name, from_workflow = "News", next = "all",
                      color = "#55aa55" }
      for key, value in pairs(more or {}) do stage[key] = value end
      return stage
    end
    has(refused(function(value, _, article, news)
      news.stages, news.content_types, news.remove = nil, nil, true
      table.insert(article.stages, taken "Start")
      table.insert(article.stages, taken("Done", { color = "#55aa56" }))
      value.moves = {}
    end), 'Stage "Done" is the last one of workflow "News"')
    has(refused(function(value, _, article)
      table.remove(value.workflows, 3)
      table.insert(article.stages, taken "Start")
    end), 'Stage "Start" is the default one of workflow "News"')
    has(refused(function(value, _, article)
      table.remove(value.workflows, 3)
      table.insert(article.stages, taken "Legal")
    end), 'Workflow "News" has no stage "Legal"')
    has(refused(function(value)
      value.workflows[4] = { workflow = "Product page",
        content_types = { "product" }, stages = { taken("Done", {
          is_default = true }) } }
      table.remove(value.workflows[3].stages, 2)
      value.workflows[3].stages[1].next = {}
    end), "is new and needs a stage of its own")
  end)

  it("is refused if two descriptions match one workflow", function()
    has(failed("refused", migration.plan(space, blueprint(function(value, _,
                                                                   article)
      value.workflows[4] = { workflow = "Reports", was = "Article",
                             content_types = { "x" },
                             stages = article.stages }
      article.workflow, article.was = "Article", nil
    end))), "workflows[4]")
  end)

  it("refuses to remove a workflow with items", function()
    local err = failed("refused", migration.plan(space, blueprint(
      function(_, _, _, news)
        news.stages, news.content_types, news.remove = nil, nil, true
      end)))
    has(err, 'Cannot remove stage "Start": 4 stories in it have no move')
    has(err.moves, '{ from = { workflow = "News", stage = "Start" }, to = ' ..
                   '{ workflow = "...", stage = "..." } },')
  end)

  it("has nothing to do for a workflow that is removed already", function()
    local plan = assert(migration.plan(space, blueprint(function(value)
      value.workflows[4] = { workflow = "Catalogue of 2019", remove = true }
    end)))
    assert.is_true(plan:is_empty())
  end)

  it("of a removed one alone removes it", function()
    restart(function(content)
      for i = #content.stories, 1, -1 do
        if content.stories[i].content_type == "news" then
          table.remove(content.stories, i)
        end
      end
    end)
    apply { workflow = "News", remove = true }
    assert.is_nil(migrations.workflow(server, "News"))
  end)

  it("holds a part of a blueprint, where the others have what it needs",
     function()
    local value = blueprint(function(whole, default, article, news)
      default.stages[1].color = "#abcdef"
      table.remove(article.stages, 3)
      news.stages[1].color = "#fedcba"
      whole.moves = {
        { from = { workflow = "Article", stage = "Old review" },
          to = { workflow = "News", stage = "Done" } },
        { from = { workflow = "News", stage = "Start" },
          to = { default = true, stage = "Drafting" } },
      }
    end)
    local function counts(only)
      local plan = assert(migration.plan(space, value, { only = only }))
      local touched = {}
      for _, operation in ipairs(plan.operations) do
        if operation.op ~= "move" then touched[operation.workflow] = true end
      end
      local list = {}
      for _, workflow in ipairs(server:dump().spaces[1].workflows) do
        if touched[workflow.id] then list[#list + 1] = workflow.name end
      end
      local moved = 0
      for _, operation in ipairs(plan.operations) do
        moved = moved + (operation.count or 0)
      end
      return table.concat(list, " ") .. " " .. moved
    end
    assert.equal("Default Article News 7", counts())
    assert.equal("Article 3", counts { "Article" })
    assert.equal("Default 4", counts { "default" })
    assert.equal("Default News 7", counts { "News", "default" })
    local _, err = migration.plan(space, value, { only = { "Artikel" } })
    has(err, 'no workflow "Artikel". Did you mean "Article"?')
    _, err = migration.plan(space, value, { only = { 5 } })
    has(err, "only[1]: expected a string")
    _, err = migration.plan(space, migrations.blueprint(), { only = { "x" } })
    has(err, "the blueprint describes one workflow")
    value.moves[1].to = { workflow = "News", stage = "Legal" }
    value.workflows[3].stages[3] = { name = "Legal", color = "#123456",
                                     roles = {} }
    assert(migration.plan(space, value))
    has(failed("refused", migration.plan(space, value,
                                         { only = { "Article" } })),
        'Workflow "News" has no stage "Legal"')
  end)

  it("copies a whole space into an empty one", function()
    local path = folder .. "/space.lua"
    assert(migration.write(blueprint(), path))
    local before = text()
    space:close()
    server:stop()
    server, space = migrations.start { workflows = {}, stories = {} }
    -- its default workflow comes with stages of the service's own
    apply(assert(migration.read(path)))
    assert.equal(before, text())
  end)

  it("distinguishes stages with one name by their workflows", function()
    apply(blueprint(function(value, default, article, news)
      for _, workflow in ipairs { default, article, news } do
        table.insert(workflow.stages, { name = "Archive", color = "#444444",
                                        next = "all", roles = {} })
      end
      article.stages[2].next = { "Drafting", "Ready", "Archive" }
      value.moves = {
        { from = { workflow = "Article", stage = "Review" },
          to = { workflow = "Article", stage = "Archive" } },
        { from = { workflow = "News", stage = "Start" },
          to = { default = true, stage = "Archive" } },
      }
    end))
    assert.same({ ["Old review"] = 3, Archive = 2,
                  ["Default / Archive"] = 4 }, migrations.counts(server))
  end)
end)
