-- Blueprints: read from files, brought into normal form, and written back.
local blueprint = require "workstage.migration.blueprint"
local check = require "workstage.migration.blueprint.lint"
local clients = require "support.clients"
local core = require "workstage.core"
local tries = require "support.tries"
local failed, has = clients.failed, clients.has

local function normal(value) return assert(blueprint.normalize(value)) end

local function refused(value) return failed("invalid",
                                            blueprint.normalize(value)) end

-- A stage, and a blueprint of one, with more attributes.
local function stage(more)
  local value = { name = "A", color = "#fff" }
  for name, item in pairs(more or {}) do value[name] = item end
  return value
end

local function with_stage(more) return { stages = { stage(more) } } end

local function with_move(more)
  local value = { from = "A", to = "B" }
  for name, item in pairs(more or {}) do value[name] = item end
  return { workflow = "W", moves = { value } }
end

local function stage_of(more) return normal(with_stage(more)).stages[1] end

local function copy(value)
  if type(value) ~= "table" then return value end
  local result = {}
  for key, item in pairs(value) do result[key] = copy(item) end
  return result
end

local folder

local function write_file(name, text)
  local path = folder .. "/" .. name
  local file = assert(io.open(path, "wb"))
  assert(file:write(text))
  file:close()
  return path
end

local function contents(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "a"
  file:close()
  return text
end

setup(function()
  folder = os.tmpname()
  os.remove(folder)
  assert(os.execute("mkdir " .. folder))
end)

teardown(function() os.execute("rm -r " .. folder) end)

-- ----------------------------------------------------------- normal form

describe("the normal form", function()
  it("has every short form written out", function()
    assert.same({
      service = "storyblok", workflow = "W", content_types = { "article" },
      stages = {
        { name = "A", color = "#fff", next = { "B" }, roles = { "R" },
          users = { "u@example.com" }, is_default = true },
        { name = "B ", color = "red", next = "all", after_publish = false,
          was = "C" },
      },
      moves = {
        { from = "none", to = { stage = "A" } },
        { from = { stage = "Old" }, to = { stage = "B " }, notify = false },
        { from = { workflow = "V", stage = "X" }, to = { stage = "A" },
          assign = { users = { "u@example.com" }, roles = { "R", "S" } } },
        { from = { default = true, stage = "X" }, to = { workflow = "V",
          stage = "Y" }, comment = "hello" },
        { from = { stage = "none" }, to = { stage = "none" } },
      },
    }, normal {
      version = 1, workflow = "W", content_types = "article",
      stages = {
        { name = "A", color = "#fff", next = "B", roles = "R",
          users = "u@example.com", is_default = true },
        { name = "B ", color = "red", next = "all", after_publish = false,
          was = "C" },
      },
      moves = {
        { from = "none", to = "A" },
        { from = "Old", to = { stage = "B " }, notify = false },
        { from = { workflow = "V", stage = "X" },
          to = { workflow = "W", stage = "A" },
          assign = { users = "u@example.com", roles = { "R", "S", "R" } } },
        { from = { default = true, stage = "X" },
          to = { workflow = "V", stage = "Y" },
          comment = { message = "hello" } },
        { from = { stage = "none" }, to = "none" },
      },
    })
  end)

  it("is its own normal form", function()
    local value = normal(with_move { where = { by_ids = { 7.0 } },
      from = { default = true, stage = "x" }, release_id = 5.0,
      due_date = "2026-12-01T10:00:00.000Z" })
    local again = normal(value)
    assert.same(value, again)
    assert.not_equal(value.moves[1].where, again.moves[1].where)
    assert.equal("integer", math.type(again.moves[1].where.by_ids[1]))
    assert.equal("integer", math.type(again.moves[1].release_id))
  end)

  it("does not change its argument", function()
    local opts = { default = true, stages = { stage { next = "A" } },
                    moves = { { from = "none", to = "A",
                                where = { by_ids = { 1.0 } } } } }
    local before = copy(opts)
    normal(opts)
    assert.same(before, opts)
    assert.equal("float", math.type(opts.moves[1].where.by_ids[1]))
  end)

  it("knows its own workflow by name and as the default one", function()
    local value = normal { default = true, moves = { {
      from = { default = true, stage = "A" }, to = { default = true,
                                                     stage = "B" } } } }
    assert.same({ from = { stage = "A" }, to = { stage = "B" } },
                value.moves[1])
    value = normal { moves = { { from = { default = true, stage = "A" },
                                 to = { workflow = "W", stage = "B" } } } }
    assert.same({ from = { default = true, stage = "A" },
                  to = { workflow = "W", stage = "B" } }, value.moves[1])
  end)

  it("keeps values that mean none", function()
    assert.same({}, stage_of { next = {} }.next)
    assert.same({}, stage_of { roles = {} }.roles)
    assert.equal("none", stage_of { next = "none" }.next)
    assert.same({ "none" }, stage_of { next = { "none" } }.next)
    assert.is_false(stage_of { after_publish = false }.after_publish)
    assert.is_nil(stage_of {}.next)
    assert.is_nil(normal { workflow = "W" }.stages)
    assert.same({}, normal { workflow = "W" }.moves)
    assert.is_nil(normal { default = false }.default)
  end)

  it("takes each flag of the service", function()
    local flags = {}
    for _, schema in ipairs(core.schemas()) do
      for _, field in ipairs(schema.name == "storyblok.stage" and
                             schema.fields or {}) do
        if field.type == "boolean" and not field.read_only and
           not field.write_only and field.name ~= "allow_all_stages" and
           field.name ~= "allow_none_for_next_stages" then
          flags[#flags + 1] = field.name
        end
      end
    end
    assert.equal(8, #flags)
    for _, name in ipairs(flags) do
      assert.is_true(stage_of { [name] = true }[name])
      assert.is_false(stage_of { [name] = false }[name])
      has(refused(with_stage { [name] = "yes" }),
          ("stages[1].%s: expected true or false, got the string 'yes'")
          :format(name))
    end
  end)
end)

-- ---------------------------------------------------------------- errors

local REFUSED = {
  { 5, "expected a table, got the number 5" },
  { { version = 2 }, "version: version 2 is unknown" },
  { { version = "1" }, "version: expected a version" },
  { { service = "wordpress" }, "service: expected \"storyblok\"" },
  { { stagse = {} }, "stagse: unknown attribute, did you mean 'stages'?" },
  { { zzzzzz = {} }, "zzzzzz: unknown attribute (there are" },
  { { {} }, "[1]: unknown attribute" },
  { { workflow = 5 }, "workflow: expected a string, got the number 5" },
  { { workflow = "" }, "workflow: is empty" },
  { { workflow = "a\0b" }, "workflow: contains a NUL byte" },
  { { workflow = "\xff" }, "workflow: is not valid UTF-8" },
  { { default = 1 }, "default: expected true or false" },
  { { content_types = { 5 } }, "content_types[1]: expected a string" },
  { { content_types = { a = "b" } }, "content_types.a: unexpected key" },
  { { stages = "x" }, "stages: expected a list of stages" },
  { { stages = { stage(), [3] = stage() } }, "stages[3]: unexpected key" },
  { { stages = { "A" } }, "stages[1]: expected a stage" },
  { { stages = { { color = "#fff" } } }, "stages[1].name: is missing" },
  { { stages = { stage(), stage { colour = 1 } } },
    "stages[2].colour: unknown attribute, did you mean 'color'?" },
  { with_stage { next = 5 }, "stages[1].next: expected a list of names" },
  { with_stage { next = { "B", 5 } }, "stages[1].next[2]: expected a str" },
  { with_stage { after_publish = true }, "after_publish: expected a stage's" },
  { with_stage { allow_all_stages = true }, 'use next = "all"' },
  { with_stage { allow_none_for_next_stages = true }, 'use next = "none"' },
  { with_stage { workflow_stage_ids = {} }, "use next =" },
  { with_stage { user_ids = {} }, "use users =" },
  { with_stage { space_role_ids = {} }, "use roles =" },
  { with_stage { after_publish_id = 1 }, "use after_publish =" },
  { with_stage { position = 1 }, "listed in order of position" },
  { with_stage { id = 1 }, "knows stages by name" },
  { { moves = { "x" } }, "moves[1]: expected a move" },
  { { moves = { { to = "A" } } }, "moves[1].from: is missing" },
  { { moves = { { from = "A" } } }, "moves[1].to: is missing" },
  { with_move { from = 310 }, "moves[1].from: expected a stage's name" },
  { with_move { from = { workflow = "V" } }, "from.stage: is missing" },
  { with_move { from = { workflow = "V", default = true, stage = "A" } },
    "moves[1].from: give the workflow's name or default" },
  { with_move { to = { stgae = "A" } }, "to.stgae: unknown attribute, did" },
  { with_move { were = {} }, "moves[1].were: unknown attribute, did you "
    .. "mean 'where'?" },
  { with_move { notify = 1 }, "moves[1].notify: expected true or false" },
  { with_move { comment = 1 }, "moves[1].comment: expected a string" },
  { with_move { comment = { text = "x" } }, "comment.text: unknown" },
  { with_move { due_date = "tomorrow" }, "due_date: expected a time such" },
  { with_move { release_id = "x" }, "release_id: expected an id" },
  { with_move { release_id = 2^53 }, "release_id: expected an id" },
  { with_move { assign = { user_ids = {} } }, "use users = { e-mail" },
  { with_move { assign = "R" }, "assign: expected a table" },
  { with_move { where = "x" }, "where: expected a table" },
  { with_move { where = { start_with = "x" } },
    "where.start_with: unknown filter, did you mean 'starts_with'?" },
  { with_move { where = { starts_with = 5 } }, "where: starts_with: expected" },
  { with_move { where = { by_ids = { "x" } } }, "by_ids" },
  { with_move { where = { page = 1 } }, "a migration reads all pages" },
  { with_move { where = { per_page = 1 } }, "chooses the size of pages" },
  { with_move { where = { in_workflow_stages = { 1 } } }, "use `from`" },
  { with_move { where = { search = 0/0 } }, "where.search: expected a fin" },
  { with_move { where = { filter_query = { [{}] = 1 } } }, "has a key that" },
  { with_move { where = { filter_query = { x = print } } }, "filter_query.x" },
}

describe("an invalid blueprint is refused:", function()
  for _, case in ipairs(REFUSED) do
    it(case[2], function() has(refused(case[1]), case[2]) end)
  end

  it("one that holds itself", function()
    local loop = {}
    loop.x = loop
    has(refused(with_move { where = { filter_query = loop } }), "64 levels")
  end)

  it("with the place as the field", function()
    local err = refused(with_stage { next = { "B", 5 } })
    assert.same({ ["stages[1].next[2]"] = {
      "expected a string, got the number 5" } }, err.fields)
  end)

  it("the same way each time", function()
    local value = with_stage { a1 = 1, b1 = 1, c1 = 1, d1 = 1, [true] = 1,
                               [1] = 1, [2.5] = 1 }
    local said = tostring(refused(value))
    for _ = 1, 20 do assert.equal(said, tostring(refused(value))) end
  end)
end)

-- --------------------------------------------------------------- Kantata

local function kantata(move)
  return { service = "kantata", moves = { move } }
end

describe("a blueprint for Kantata", function()
  it("has statuses by key", function()
    for _, from in ipairs { 310, 310.0, "In Progress",
        { "In Progress", "green" }, { message = "In Progress" },
        { message = "In Progress", color = "green" }, { "In Progress" } } do
      local ok, value = pcall(normal, kantata { from = from, to = 605 })
      if type(from) == "table" and from[1] and not from[2] then
        assert.is_false(ok)
      else
        assert.same({ service = "kantata",
                      moves = { { from = 310, to = 605 } } }, value)
        assert.equal("integer", math.type(value.moves[1].from))
      end
    end
    assert.equal(555, normal(kantata { from = { "UAT", "red" }, to = 600 })
                      .moves[1].from)
  end)

  it("lists the statuses that share an ambiguous name", function()
    local err = refused(kantata { from = "UAT", to = 605 })
    for _, piece in ipairs { "moves[1].from", "340 (green)", "465 (yellow)",
                             "555 (red)" } do
      has(err, piece)
    end
    has(refused(kantata { from = 310, to = "Actve" }), "did you mean 'Active'")
    has(refused(kantata { from = 310, to = { "UAT", "blue" } }), "'UAT' in")
    has(refused(kantata { from = 311, to = 605 }), "has the key 311")
    has(refused(kantata { from = 310.5, to = 605 }), "310.5")
    has(refused(kantata { from = true, to = 605 }), "expected a status")
    has(refused(kantata { from = { color = "red" }, to = 605 }),
        "from.message: is missing")
    has(refused(kantata { from = { message = 5 }, to = 605 }),
        "from.message: expected a string")
    has(refused(kantata { to = 605 }), "from: is missing")
  end)

  it("chooses projects by their fields", function()
    local where = { title = { "A", "B" }, archived = false, id = 7.0,
                    prefix = { title = "2025" } }
    local value = normal(kantata { from = 310, to = 605, where = where })
    assert.same(where, value.moves[1].where)
    assert.equal("integer", math.type(value.moves[1].where.id))
    local function bad(opts)
      return refused(kantata { from = 310, to = 605, where = opts })
    end
    has(bad { titel = "x" }, "where.titel: unknown field, did you mean 'title'")
    has(bad { title = 5 }, "where.title: expected a string")
    has(bad { title = { "a", 5 } }, "where.title[2]: expected a string")
    has(bad { archived = "no" }, "where.archived: expected true or false")
    has(bad { status = 310 }, "use `from`")
    has(bad { status_key = 310 }, "use `from`")
    has(bad { prefix = "x" }, "where.prefix: expected a table")
    has(bad { prefix = { archived = "x" } }, "prefix.archived: unknown")
    has(bad { prefix = { title = 5 } }, "prefix.title: expected a string")
  end)

  it("has no stages", function()
    for _, name in ipairs { "stages", "workflow", "default",
                            "content_types" } do
      has(refused { service = "kantata", [name] = {} }, "statuses are fixed")
    end
    has(refused(kantata { from = 310, to = 605, notify = true }),
        "only a project and a status")
  end)
end)

-- ----------------------------------------------------------------- files

describe("a file", function()
  it("is read in Lua's form and as JSON", function()
    local lua = write_file("b.lua", 'return { workflow = "W", stages = { '
      .. '{ name = "A", color = "#fff", next = "all" } } }')
    local json = write_file("b.json", '{"workflow": "W", "stages": '
      .. '[{"name": "A", "color": "#fff", "next": "all", "was": null}]}')
    local value = assert(blueprint.read(lua))
    assert.equal("all", value.stages[1].next)
    assert.same(value, (assert(blueprint.read(json))))
  end)

  it("is refused with its name, line and place", function()
    local path = write_file("bad.lua", 'return {\n workflow = "W",\n stages '
      .. '= {\n  { name = "A", color = "#fff",\n    colour = 1 } } }')
    local err = failed("invalid", blueprint.read(path))
    has(err, path:sub(1, 40))
    has(err, ":5: stages[1].colour: unknown attribute")
    assert.equal(5, err.line)
    path = write_file("gone.lua", '{\n stages = {\n {\n color = "x" } } }')
    has(failed("invalid", blueprint.read(path)), ":3: stages[1].name: is mis")
    path = write_file("bad.json", '{"stages": [{"name": 5}]}')
    has(failed("invalid", blueprint.read(path)), "stages[1].name: expected")
    path = write_file("code.lua", 'return {\n f = function() end }')
    has(failed("invalid", blueprint.read(path)), ":2: a function is not")
  end)

  it("is refused by its size before it is read", function()
    local path = folder .. "/big.lua"
    assert(os.execute("truncate -s 4G " .. path))
    collectgarbage()
    local before = collectgarbage "count"
    has(failed("invalid", blueprint.read(path)), "larger than")
    assert.is_true(collectgarbage "count" - before < 8192)
    os.remove(path)
  end)

  it("that cannot be read is an error of kind io", function()
    has(failed("io", blueprint.read(folder .. "/none.lua")), "No such file")
    has(failed("io", blueprint.read(folder)), "Is a directory")
    failed("invalid", blueprint.read(write_file("empty.lua", "")))
  end)

  it("is written atomically", function()
    local path = write_file("out.lua", "before")
    failed("invalid", blueprint.write({ stages = 5 }, path))
    assert.equal("before", contents(path))
    local value = normal(with_stage { next = "all" })
    assert.is_true(blueprint.write(value, path))
    assert.equal(blueprint.text(value), contents(path))
    assert.same(value, (assert(blueprint.read(path))))
    failed("io", blueprint.write(value, folder .. "/no/such"))
    failed("io", blueprint.write(value, folder))
    local pipe = io.popen("ls -A " .. folder .. " | grep -c out")
    assert.equal("1\n", pipe:read "a")
    pipe:close()
  end)

  it("has the usual mode", function()
    local path = folder .. "/mode.lua"
    assert(blueprint.write({ workflow = "W" }, path))
    local pipe = io.popen(("umask; stat -c %%a %s"):format(path))
    local mask, mode = pipe:read("l", "l")
    pipe:close()
    assert.equal(("%o"):format(0x1b6 & ~tonumber(mask, 8)), mode)
  end)
end)

describe("the examples of the reference", function()
  it("are valid blueprints", function()
    local tables = require "workstage.migration.blueprint.storyblok".tables
    local count = 0
    for _, each in ipairs(tables) do
      if each[4] then
        local good, findings = check(assert(blueprint.parse(each[4])))
        assert.is_true(good, tostring(findings))
        assert.equal("", tostring(findings:without_offline()))
        count = count + 1
      end
    end
    assert.is_true(count >= 3)
  end)
end)

describe("the example", function()
  it("is valid for the demo space", function()
    local value = assert(blueprint.read "examples/blueprint.lua")
    local good, findings = check(value)
    assert.is_true(good, tostring(findings))
    local server, space = clients.sandbox {}
    local article = assert(space.workflows:find(value.workflow))
    local old = value.moves[1].from.stage
    assert(space.stages:find(old, { in_workflow = article.id }))
    local members = {}
    for _, role in ipairs(space.roles:list()) do
      members[role.role] = true
    end
    for _, each in ipairs(space.collaborators:list()) do
      members[each.user.userid] = true
    end
    for _, each in ipairs(value.stages) do
      for _, names in ipairs { each.roles or {}, each.users or {} } do
        for _, name in ipairs(names) do assert.truthy(members[name]) end
      end
    end
    space:close()
    server:stop()
  end)
end)

-- ------------------------------------------------------------------ text

describe("the text", function()
  it("is what a person would write", function()
    assert.equal([[
return {
  version = 1,
  workflow = "Article",
  content_types = { "article" },
  stages = {
    { name = "Drafting", color = "#babcb6", is_default = true,
      next = { "Review" } },
    { name = "Review",   color = "#f5a623", was = "Reviewing",
      next = { "Legal", "Drafting" } },
    { name = "Legal",    color = "#4a90e2", next = "all", roles = { "Lawyer" },
      users = { "law@example.com" } },
    { name = "Ready",    color = "#7ed321", next = {}, after_publish = false,
      allow_publish = true },
  },
  moves = {
    { from = "Old review", where = { starts_with = "legal/" }, to = "Legal",
      comment = "a comment that is too long to stand on one line and so is \z
        written on two of them" },
    { from = { workflow = "V", stage = "none" }, to = { stage = "none" } },
    { from = { stage = "none" },
      where = { by_ids = { 288868932106293, 288868932106294, 288868932106295,
          288868932106296 },
        in_trash = false },
      to = { default = true, stage = "X" } },
    { from = "none", to = "Ready", notify = true,
      assign = { users = { "law@example.com" }, roles = { "Lawyer" } } },
  },
}
]], (blueprint.text {
      workflow = "Article", content_types = "article",
      stages = {
        { name = "Drafting", color = "#babcb6", is_default = true,
          next = "Review" },
        { name = "Review", color = "#f5a623", was = "Reviewing",
          next = { "Legal", "Drafting" } },
        { name = "Legal", color = "#4a90e2", next = "all", roles = "Lawyer",
          users = "law@example.com" },
        { name = "Ready", color = "#7ed321", next = {},
          allow_publish = true, after_publish = false },
      },
      moves = {
        { from = "Old review", where = { starts_with = "legal/" },
          to = "Legal", comment = "a comment that is too long to stand on "
            .. "one line and so is written on two of them" },
        { from = { workflow = "V", stage = "none" },
          to = { stage = "none" } },
        { from = { stage = "none" }, to = { default = true, stage = "X" },
          where = { in_trash = false, by_ids = { 288868932106293,
            288868932106294, 288868932106295, 288868932106296 } } },
        { from = "none", to = "Ready", notify = true,
          assign = { users = "law@example.com", roles = "Lawyer" } },
      },
    }))
  end)

  it("names Kantata's statuses beside their keys", function()
    assert.equal([[
return {
  version = 1,
  service = "kantata",
  moves = {
    -- In Progress (green) to Completed (blue)
    { from = 310, where = { archived = false, prefix = { title = "2025" } },
      to = 605 },
  },
}
]], (blueprint.text(kantata {
      from = { "In Progress", "green" }, to = 605,
      where = { prefix = { title = "2025" }, archived = false } })))
  end)

  it("cannot be made from an invalid blueprint", function()
    failed("invalid", blueprint.text { stages = 5 })
  end)
end)

-- ------------------------------------------------------------ properties

local pick = math.random

local function one_of(list) return list[pick(#list)] end

local WORDS = { "Review", "Old", "größer", "\"quoted\"", "back\\slash",
  "naïve", "x", "two  blanks", "tab\tbed", "trailing ", " leading", "日本語",
  "line\nbreak", "]]", "--", "\1\127", "end", "a-very-long-word-without-any"
  .. "-blank-that-goes-on-and-on-beyond-the-end-of-a-line-of-eighty-columns" }

local function random_text(longest)
  local words = {}
  for i = 1, pick(longest or 3) do words[i] = one_of(WORDS) end
  return table.concat(words, one_of { " ", "  " })
end

local function random_names()
  local names, seen = {}, {}
  for _ = 1, pick(0, 12) do
    local name = random_text()
    if not seen[name] then names[#names + 1] = name end
    seen[name] = true
  end
  return names
end

local function maybe(value) return pick(2) == 1 and value or nil end

local function maybe_flag()
  return one_of { function() return true end, function() return false end,
                  function() end }()
end

local function random_stage()
  return {
    name = random_text(), color = one_of { "#fff", "#2d3v22", "#4a90e2" },
    was = maybe(random_text()), is_default = maybe_flag(),
    next = maybe(one_of { "all", "none", random_names() }),
    after_publish = one_of { function() return false end, random_text,
                             function() end }(),
    roles = maybe(random_names()), users = maybe(random_names()),
    allow_publish = maybe_flag(), allow_admin_publish = maybe_flag(),
    allow_all_users = maybe_flag(), allow_admin_change = maybe_flag(),
    allow_editor_change = maybe_flag(), story_editing_locked = maybe_flag(),
    auto_remove_assignee = maybe_flag(),
  }
end

local function random_end()
  return one_of {
    { stage = random_text() }, { stage = "none" },
    { workflow = random_text(), stage = random_text() },
    { default = true, stage = random_text() },
  }
end

local function random_ids()
  local ids = {}
  for i = 1, pick(30) do ids[i] = pick(2^53 | 0) - 1 | 1 end
  return ids
end

local function random_move()
  return {
    from = one_of { "none", random_end() }, to = random_end(),
    where = maybe {
      starts_with = maybe(random_text()), by_ids = maybe(random_ids()),
      is_published = maybe_flag(), filter_query = maybe {
        [random_text()] = { ["in"] = random_text(), [random_text()] = 2.5,
                            deep = { 1, "x", -0.1, 1e300 } },
      },
    },
    comment = maybe(random_text(40)), notify = maybe_flag(),
    due_date = maybe "2026-12-01T10:00:00.000Z",
    release_id = maybe(pick(2^53 | 0)),
    assign = maybe { users = maybe(random_names()),
                     roles = maybe(random_names()) },
  }
end

local function random_list(most, make)
  local list = {}
  for i = 1, pick(0, most) do list[i] = make() end
  return list
end

local function random_blueprint()
  local default = pick(3) == 1 or nil
  local value = {
    service = "storyblok", default = default,
    workflow = maybe(random_text()), content_types = maybe(random_names()),
    stages = maybe(random_list(12, random_stage)),
    moves = random_list(5, random_move),
  }
  return normal(value)
end

-- Each line of a text but for those of words that fit on none.
local function assert_narrow(text)
  for line in text:gmatch "[^\n]+" do
    local wide = assert(utf8.len(line))
    if wide > 80 then
      local word = line:match "[^%s]+%-[^%s]*%-[^%s]*%-[^%s]*"
      assert.truthy(word and #word > 70, line)
    end
    assert.is_nil(line:find "%s$", line)
  end
end

describe("random blueprints", function()
  before_each(function() math.randomseed(7) end)

  it("are the same after being written and read", function()
    for _ = 1, tries(500) do
      local value = random_blueprint()
      local text = assert(blueprint.text(value))
      assert.same(value, assert(blueprint.parse(text)), text)
      assert.equal(text, (blueprint.text(value)))
      assert.equal(text, blueprint.text(assert(blueprint.parse(text))))
      assert.same(value, normal(load(text, "=text", "t", {})()))
      assert_narrow(text)
    end
  end)

  it("with one value of a wrong type raise nothing", function()
    local wrong = { 5, "x", true, {}, { {} }, -1.5, print, "\xff", 1 / 0 }
    local function spoil(value)
      local keys = {}
      for key in pairs(value) do keys[#keys + 1] = key end
      if #keys == 0 then return end
      table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
      local key = one_of(keys)
      if type(value[key]) == "table" and pick(3) > 1 then
        return spoil(value[key])
      end
      value[key] = one_of(wrong)
    end
    local bad = 0
    for _ = 1, tries(3000) do
      local value = random_blueprint()
      spoil(value)
      local good, err = blueprint.normalize(value)
      if not good then
        bad = bad + 1
        assert.equal("invalid", err.kind)
        assert.is_true(#tostring(err) < 900)
      end
      check(value)
    end
    assert.is_true(bad > tries(1000), "only " .. bad)
  end)
end)
