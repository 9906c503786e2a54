-- Blueprints of several workflows: read, written and checked.
local blueprint = require "workstage.migration.blueprint"
local check = require "workstage.migration.blueprint.lint"
local clients = require "support.clients"

local failed, has = clients.failed, clients.has

local function stages(...)
  local list = {}
  for i, name in ipairs { ... } do
    list[i] = { name = name, color = ("#00000%d"):format(i), next = "all",
                is_default = i == 1 }
  end
  return list
end

-- A sound blueprint of three workflows and a move, with changes by `edit`.
local function sound(edit)
  local value = {
    workflows = {
      { default = true, stages = stages("Drafting", "Ready") },
      { workflow = "Article", content_types = { "article" },
        stages = stages("Drafting", "Review", "Ready") },
      { workflow = "News", content_types = { "news" }, was = "Messages",
        stages = stages("Start", "Done") },
    },
    moves = {
      { from = { workflow = "Article", stage = "Old" },
        to = { workflow = "News", stage = "Start" } },
      { from = "none", where = { starts_with = "x/" },
        to = { default = true, stage = "Ready" } },
    },
  }
  if edit then edit(value, table.unpack(value.workflows)) end
  return value
end

-- Asserts exactly these findings, notes and warnings about what only the
-- space knows left out.
local function finds(value, ...)
  local _, findings = check(value)
  local texts = {}
  for _, finding in ipairs(findings:without_offline()) do
    texts[#texts + 1] = finding.level .. " " .. finding.where
  end
  assert.same({ ... }, texts, tostring(findings))
  return findings
end

describe("a blueprint of several workflows", function()
  it("is valid", function()
    assert.is_true((check(sound())))
    finds(sound())
    finds(assert(blueprint.normalize(sound())))
  end)

  it("is written so that it reads the same", function()
    local text = assert(blueprint.text(sound(function(_, _, article, news)
      article.id, article.create, article.stages = 5, true, nil
      news.stages[2].inherit, news.stages[2].from_workflow = "Start", "Old"
    end)))
    assert.equal([[
return {
  version = 1,
  workflows = {
    {
      default = true,
      stages = {
        { name = "Drafting", color = "#000001", is_default = true,
          next = "all" },
        { name = "Ready",    color = "#000002", is_default = false,
          next = "all" },
      },
    },
    {
      workflow = "Article",
      id = 5,
      create = true,
      content_types = { "article" },
    },
    {
      workflow = "News",
      was = "Messages",
      content_types = { "news" },
      stages = {
        { name = "Start", color = "#000001", is_default = true, next = "all" },
        { name = "Done",  color = "#000002", from_workflow = "Old",
          inherit = "Start", is_default = false, next = "all" },
      },
    },
  },
  moves = {
    { from = { workflow = "Article", stage = "Old" },
      to = { workflow = "News", stage = "Start" } },
    { from = "none", where = { starts_with = "x/" },
      to = { default = true, stage = "Ready" } },
  },
}
]], text)
    local again = assert(blueprint.parse(text))
    assert.equal(text, (blueprint.text(again)))
  end)

  it("has the attributes of a workflow in its entries alone", function()
    for _, name in ipairs { "workflow", "default", "content_types", "stages",
                            "was", "create" } do
      has(failed("invalid", blueprint.normalize(sound(function(value)
        value[name] = "x"
      end))), name .. ": no attribute here: it belongs in an entry of " ..
          "`workflows`")
    end
    has(failed("invalid", blueprint.normalize(sound(function(_, _, article)
      article.moves = {}
    end))), "workflows[2].moves: no attribute here: the moves of all")
    has(failed("invalid", blueprint.normalize { workflows = 5 }),
        "workflows: expected a list of workflows")
  end)
end)

describe("the workflows of one blueprint", function()
  it("have a name each, or are the default one", function()
    has(finds(sound(function(_, _, article) article.workflow = nil end),
              "error workflows[2].workflow"), "Which workflow?")
    finds(sound(function(_, _, article)
      article.workflow, article.content_types, article.default = nil, nil, true
    end), "error workflows[2].default")
  end)

  it("have names of their own, or ids", function()
    local function twice(more)
      return sound(function(value, _, article)
        value.moves = nil
        local news = value.workflows[3]
        news.workflow = "Article"
        more(article, news)
      end)
    end
    has(finds(twice(function() end), "error workflows[3].workflow"),
        '"Article" is also the name of workflows[2]')
    finds(twice(function(article, news) article.id, news.id = 1, 1 end),
          "error workflows[3].workflow")
    finds(twice(function(article, news) article.id, news.id = 1, 2 end))
  end)

  it("claim each content type once", function()
    has(finds(sound(function(_, _, _, news)
      news.content_types = { "news", "article" }
    end), "error workflows[3].content_types[2]"),
        'The content type "article" belongs to workflow "Article" already')
  end)

  it("are checked as a single one is", function()
    finds(sound(function(_, default, article)
      default.stages[1].next = { "Nope" }
      article.stages[2].inherit = "Start"
    end), "error workflows[1].stages[1].next[1]",
          "warning workflows[1].stages[2]",
          "error workflows[2].stages[2].inherit")
  end)

  it("may be removed, but for the default one", function()
    finds(sound(function(_, _, article)
      article.content_types, article.stages, article.remove = nil, nil, true
    end))
    finds(sound(function(_, _, article) article.remove = true end),
          "error workflows[2].stages", "error workflows[2].content_types")
    finds(sound(function(_, default)
      default.stages, default.remove = nil, true
    end), "error workflows[1].remove", "error moves[2].to")
  end)

  it("that are removed have a move for their items", function()
    local function removed(edit)
      return sound(function(value, _, article)
        article.content_types, article.stages, article.remove = nil, nil, true
        edit(value)
      end)
    end
    local function noted(value)
      local _, findings = check(value)
      return tostring(findings):find("No move takes items out of " ..
        'workflow "Article"', 1, true) ~= nil
    end
    assert.is_false(noted(removed(function() end)))
    assert.is_true(noted(removed(function(value)
      table.remove(value.moves, 1)
    end)))
  end)
end)

describe("the moves of several workflows", function()
  it("say in which workflow they begin and end", function()
    has(finds(sound(function(value)
      value.moves[1].from, value.moves[2].to = "Review", { stage = "Ready" }
    end), "error moves[1].from", "error moves[2].to"),
        'In which workflow? Say { workflow = ..., stage = "Review" }')
  end)

  it("end in existing stages", function()
    finds(sound(function(value)
      value.moves[1].to.stage, value.moves[2].to.stage = "Strat", "Nope"
    end), "error moves[1].to", "error moves[2].to")
  end)

  it("do not end in a workflow that is removed", function()
    has(finds(sound(function(_, _, _, news)
      news.content_types, news.stages, news.was, news.remove = nil, nil, nil,
                                                               true
    end), "error moves[1].to"), 'The blueprint removes workflow "News"')
  end)

  it("may name a workflow by its former name", function()
    finds(sound(function(value)
      value.moves[1].from = { workflow = "Messages", stage = "Done" }
    end))
  end)
end)

describe("a stage from another workflow", function()
  local function taken(edit)
    return sound(function(value, default, article, news)
      value.moves = nil
      article.stages[2].from_workflow = "Legal"
      edit(article, news, default)
    end)
  end

  it("leaves that one", function()
    finds(taken(function() end))
    finds(taken(function(article)
      article.stages[2].from_workflow, article.stages[2].was = "News", "Old"
    end))
    has(finds(taken(function(article)
      article.stages[2].from_workflow, article.stages[2].was = "News", "Done"
    end), "error workflows[2].stages[2].from_workflow"),
        'workflow "News" lists stage "Done" as well')
    finds(taken(function(article, news)
      article.stages[2].from_workflow, article.stages[2].was = "News", "Done"
      news.stages[2].was = "Finished"
    end))
  end)

  it("comes from another one", function()
    has(finds(taken(function(article)
      article.stages[2].from_workflow = "Article"
    end), "error workflows[2].stages[2].from_workflow"),
        'Stage "Review" is in that workflow')
  end)

  it("cannot be taken in a cycle", function()
    has(finds(taken(function(article, news)
      article.stages[2].from_workflow, article.stages[2].was = "News", "Done"
      news.stages[2].from_workflow, news.stages[2].was = "Article", "Review"
    end), "error workflows[2].stages[2].from_workflow",
          "error workflows[3].stages[2].from_workflow"), "in a circle")
  end)

  it("may come from one that is removed", function()
    finds(taken(function(article, news)
      article.stages[2].from_workflow = "News"
      news.content_types, news.stages, news.was, news.remove = nil, nil, nil,
                                                               true
    end))
  end)
end)

describe("findings", function()
  it("have the lines of a file of several workflows", function()
    local value = assert(blueprint.parse([[
{
  workflows = {
    { workflow = "A", content_types = { "x" },
      stages = { { name = "S", color = "#fff", is_default = true } } },
    { workflow = "B",
      content_types = {
        "x",
      },
    },
  },
  moves = {
    { from = { workflow = "A", stage = "S" },
      to = "S" },
  },
}]], "space.lua"))
    local _, findings = check(value)
    local lines = {}
    for _, finding in ipairs(findings) do
      lines[#lines + 1] = ("%s:%s %s"):format(finding.file, finding.line,
                                              finding.where)
    end
    assert.same({ "space.lua:7 workflows[2].content_types[1]",
                  "space.lua:13 moves[1].to" }, lines)
  end)
end)
