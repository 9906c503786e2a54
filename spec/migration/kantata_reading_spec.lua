-- What a plan reads of a Kantata account, and what it makes of it: with an
-- account of plain tables, without network and files.
local errors = require "workstage.errors"
local operations = require "workstage.migration.operations"
local read_and_plan = require "workstage.migration.plan.kantata"
local statuses = require "workstage.statuses"

local FROM, TO = statuses[1].key, statuses[2].key

local function project(id, key, more)
  local made = { id = id, title = "Project " .. id, archived = false,
                 status = key and { key = key } }
  for name, value in pairs(more or {}) do made[name] = value end
  return made
end

local function new_account(projects)
  local account = { asked = {}, workspaces = {},
                    err = errors.new { kind = "server", message = "no" } }
  function account.workspaces.page(_, filter)
    local page = { total = #projects, page = filter.page,
                   per_page = filter.per_page }
    local first = (filter.page - 1) * filter.per_page
    table.move(projects, first + 1,
               math.min(first + filter.per_page, #projects), 1, page)
    account.asked[#account.asked + 1] = filter
    if #account.asked == account.fails then return nil, account.err end
    return page
  end
  return account
end

local function plan(projects, ...)
  return assert(read_and_plan(new_account(projects), { moves = { ... } }))
end

local function items_of(result)
  local found = {}
  for i, operation in ipairs(result.operations) do
    found[i] = operation.items
  end
  return found
end

local function effects_of(result)
  return operations.effects(result.state, result.operations)
end

describe("a plan of projects", function()
  it("names what moves, from where and to where", function()
    local result = plan({ project(1, FROM), project(2, TO),
                          project(3, FROM), project(4) },
                        { from = FROM, to = TO }, { from = 12345, to = FROM },
                        { from = TO, to = TO }, { from = TO, to = 12345 })
    local function label(status)
      return ("%q (%s, %d)"):format(status.message, status.color, status.key)
    end
    assert.same({ { op = "move", rule = 1, from = FROM, to = TO, set = {},
                    from_name = label(statuses[1]),
                    to_name = label(statuses[2]), count = 2,
                    items = { 1, 3 } } }, result.operations)
    assert.same({ { from = FROM, to = TO }, { from = 12345, to = FROM },
                  { from = TO, to = TO }, { from = TO, to = 12345 } },
                result.rules)
    assert.same({ notifications = 2 }, effects_of(result))
    result = plan({ project(2, TO), project(3, FROM) },
                  { from = TO, to = 12345 }, { from = FROM, to = TO })
    assert.equal("12345", result.operations[1].to_name)
    assert.same({ notifications = 2 }, effects_of(result))
  end)

  it("takes each by the first rule that matches", function()
    assert.same({ { 1 }, { 2, 4 }, { 3 } }, items_of(plan(
      { project(1, FROM, { title = "2026 A" }), project(2, FROM),
        project(3, FROM, { title = false }), project(4, FROM) },
      { from = FROM, to = TO, where = { prefix = { title = "2026" } } },
      { from = FROM, to = TO, where = { prefix = { title = "Project" },
                                        id = { 2, 4 } } },
      { from = FROM, to = TO })))
  end)

  it("notes projects whose status is not shown", function()
    local projects = { project(1, FROM), project(2, nil, { title = "A\27" }),
                       project(3), project(4, nil, { archived = true }) }
    local result = plan(projects, { from = FROM, to = TO,
                                    where = { id = { 1, 2 } } })
    assert.same({ { 1 } }, items_of(result))
    assert.same({ "1 project is not moved: its status is not shown to this " ..
                  "user: \"A\\x1b\" (2)" }, result.notes)
    result = plan(projects, { from = FROM, to = TO })
    assert.matches("2 projects are", result.notes[1], 1, true)
    for i = 5, 20 do projects[i] = project(i) end
    result = plan(projects, { from = FROM, to = TO })
    assert.matches('"Project 12" (12), ...', result.notes[1], 1, true)
  end)

  it("notes archived projects", function()
    local result = plan({ project(1, FROM, { archived = true }),
                          project(2, FROM) },
                        { from = FROM, to = TO, where = { id = 1,
                                                          archived = true } })
    assert.same({ "1 project is archived: the service may refuse to change " ..
                  "an archived project's status" }, result.notes)
  end)

  it("asks for archived ones only if a rule does", function()
    local projects = { project(1, FROM), project(2, FROM,
                                                 { archived = true }) }
    local all, some = { from = FROM, to = TO }, { from = FROM, to = TO,
      where = { archived = true } }
    local account = new_account(projects)
    assert.same({ { 1 } }, items_of(assert(read_and_plan(account,
      { moves = { all } }))))
    assert.same({ { page = 1, per_page = 200, order = "created_at:asc" } },
                account.asked)
    account = new_account(projects)
    local elsewhere = { from = FROM, to = TO, where = { id = 7 } }
    assert.same({ { 2 }, { 1 } }, items_of(assert(read_and_plan(account,
      { moves = { elsewhere, some, all } }))))
    assert.equal("include", account.asked[1].archived)
    assert.same({ { 1 } }, items_of(plan(projects, { from = FROM, to = TO,
      where = { archived = false } })))
  end)

  it("misses none although others come and go meanwhile",
     function()
    local projects = {}
    for i = 1, 450 do projects[i] = project(i, FROM) end
    local account = new_account(projects)
    local page = account.workspaces.page
    function account.workspaces.page(...)
      local found = page(...)
      if #account.asked == 1 then
        table.remove(projects, 1)
        projects[450] = project(451, FROM)
      end
      return found
    end
    local result = assert(read_and_plan(account, {
      moves = { { from = FROM, to = TO } } }))
    local found = {}
    for _, id in ipairs(result.operations[1].items) do found[id] = true end
    for id = 1, 451 do assert.is_true(found[id], id) end
  end)

  it("reads all pages, or ends with the error of one", function()
    local projects = {}
    for i = 1, 450 do projects[i] = project(i, FROM) end
    local account = new_account(projects)
    local made = { moves = { { from = FROM, to = TO } } }
    local result = assert(read_and_plan(account, made))
    assert.equal(450, result.operations[1].count)
    assert.equal(3, #account.asked)
    for n = 1, 3 do
      account = new_account(projects)
      account.fails = n
      local none, err = read_and_plan(account, made)
      assert.is_nil(none)
      assert.equal(account.err, err)
    end
  end)
end)
