-- What a plan reads of a space, and what it makes of it: with a space of
-- plain tables, without network and files.
local errors = require "workstage.errors"
local items = require "workstage.migration.items"
local operations = require "workstage.migration.operations"
local planning = require "support.planning"
local read_and_plan = require "workstage.migration.plan.storyblok"

-- A space that notes what it is asked for; its `fails`-th answer is `err`.
local function new_space(content)
  local space = { asked = {}, space_id = 5,
                  err = errors.new { kind = "server", message = "no" } }
  local function answer(what, value)
    space.asked[#space.asked + 1] = what
    if #space.asked == space.fails then return nil, space.err end
    return value
  end
  local function list_of(what, list)
    return { list = function() return answer(what, list or {}) end }
  end
  space.workflows = list_of("workflows", content.workflows)
  space.roles = list_of("roles", content.roles)
  space.collaborators = list_of("users", content.users)
  space.stages = {}
  function space.stages.list(_, filter)
    return answer("stages " .. filter.in_workflow,
                  content.stages[filter.in_workflow])
  end
  function space.request(_, _, path)
    assert(path == "/v1/spaces/5/components")
    return answer("types", content.types)
  end
  space.stories = {}
  function space.stories.page(_, filter)
    local stage = filter.in_workflow_stages and filter.in_workflow_stages[1]
    local found = {}
    for _, story in ipairs(content.stories or {}) do
      local stands = story.stage and story.stage.workflow_stage_id
      if stage == stands and (stage or filter.story_only) and
         (not filter.slug or filter.slug == story.slug) then
        found[#found + 1] = story
      end
    end
    local page = { total = #found, page = filter.page or 1,
                   per_page = filter.per_page }
    local first = (page.page - 1) * page.per_page
    table.move(found, first + 1, math.min(first + page.per_page, #found), 1,
               page)
    return answer(("stories %s %d"):format(stage, filter.per_page), page)
  end
  return space
end

local function stage(id, name, more)
  return planning.stage(id, name, ("#%06d"):format(id), more)
end

local function story(id, stage_id, slug)
  return { id = id, slug = slug,
           stage = stage_id and { workflow_stage_id = stage_id } }
end

local function content()
  return {
    workflows = { { id = 1, name = "Default", is_default = true },
                  { id = 2, name = "Article", content_types = { "article" } },
                  { id = 3, name = "Twice" }, { id = 4, name = "Twice" } },
    stages = {
      { stage(11, "Old", { is_default = true }), stage(12, "Older") },
      { stage(21, "Drafting", { is_default = true, allow_all_stages = true }),
        stage(22, "Review", { allow_all_stages = true }),
        stage(23, "Ready", { allow_publish = true }) },
    },
    roles = { { id = 71, role = "Judge" }, { id = 72, role = "Clerk" } },
    users = { { user_id = 81, user = { id = 81, userid = "b@example" } },
              { user = { id = 82, userid = "a@example" } } },
    types = { components = { { name = "article" }, { name = "page" },
                             { name = "part", is_root = false } } },
    stories = { story(101, 21, "a"), story(102, 21, "b"), story(103, 22),
                story(104, 22), story(105, 11), story(106, nil) },
  }
end

local function described()
  return {
    { name = "Drafting", color = "#000021", is_default = true, next = "all" },
    { name = "Review", color = "#000022", next = "all" },
    { name = "Ready", color = "#000023", next = {} },
  }
end

local function blueprint(moves, stages)
  return { workflow = "Article", stages = stages or described(),
           moves = moves or {} }
end

local function at(name, workflow)
  return { stage = name, workflow = workflow }
end

local function plan(space, made, options)
  return read_and_plan(space, made, options or {})
end

local function effects_of(result)
  return operations.effects(result.state, result.operations)
end

local function refused(space, made, options)
  local result, err = plan(space, made, options)
  assert.is_nil(result)
  assert.equal("refused", err.kind)
  return err
end

describe("what is read", function()
  it("is the workflows and the stages, and no more than is used", function()
    local space = new_space(content())
    local result = assert(plan(space, blueprint()))
    assert.same({ "workflows", "stages 2" }, space.asked)
    assert.same({}, result.operations)
    assert.same({}, result.rules)
    assert.same({}, result.members)
    assert.same({}, result.notes)
  end)

  it("is another workflow once", function()
    local space = new_space(content())
    assert(plan(space, blueprint {
      { from = at("Old", "Default"), to = at "Review" },
      { from = at("Older", "Default"), to = at "Ready" },
      { from = { stage = "Older", default = true }, to = at "Ready" } }))
    assert.same({ "workflows", "stages 2", "stages 1",
                  "stories 11 100", "stories 12 100", "stories 12 100" },
                space.asked)
  end)

  it("is not the own workflow again, by its name or as the default",
  function()
    local space = new_space(content())
    local result = assert(plan(space, { default = true, moves = {
      { from = { stage = "Old", default = true },
        to = at("Older", "Default") } } }))
    assert.same({ "workflows", "stages 1", "stories 11 100" }, space.asked)
    assert.equal(12, result.rules[1].to)
    assert.same({ 105 }, result.operations[2].items)
  end)

  it("is which stage of another workflow items come to, and what it does",
     function()
    local all = content()
    all.stages[1][1].allow_all_stages = true
    local effects = effects_of(assert(plan(new_space(all), { moves = {
      { from = at("Old", "Default"), to = at("Older", "Default") } } })))
    assert.equal(0, effects.locked)
    for _, one in ipairs(all.stages[1]) do
      if one.name == "Older" then
        one.story_editing_locked, one.allow_publish = true, false
        one.auto_remove_assignee = true
      else
        one.allow_publish = true
      end
    end
    local result = assert(plan(new_space(all), { moves = {
      { from = at("Old", "Default"), to = at("Older", "Default") } } }))
    local count = result.operations[1].count
    assert.is_true(count > 0)
    assert.equal(count, effects_of(result).locked)
    assert.equal(count, effects_of(result).unassigned)
    assert.equal(count, effects_of(result).unpublishable)
  end)

  it("is whether a role's name is the only one", function()
    local all, stages = content(), described()
    all.roles = { { id = 81, role = "Judge" }, { id = 82, role = "Judge" },
                  { id = 83, role = "Clerk" } }
    stages[1].roles = { "Judge", "Clerk" }
    assert.same({ 'the space has more than one role "Judge" (name another ' ..
                  "with map_role)" },
                refused(new_space(all), blueprint({}, stages)).problems)
  end)

  it("is what content types there are if the workflow lacks one", function()
    local space, made = new_space(content()), blueprint()
    made.content_types = { "article" }
    assert(plan(space, made))
    assert.equal(2, #space.asked)
    made.content_types = { "article", "page" }
    local result = assert(plan(space, made))
    assert.equal("types", space.asked[5])
    assert.equal("update_workflow", result.operations[1].op)
    made.content_types = { "page", "part", "whole" }
    assert.same({ 'The space has no content type "part".',
                  'The space has no content type "whole".' },
                refused(space, made).problems)
  end)

  it("is how many are left in a stage that goes, if a move may leave some",
  function()
    local stages = described()
    table.remove(stages, 2)
    local all = { from = at "Review", to = at "Ready" }
    local some = { from = at "Review", to = at "Ready",
                   where = { slug = "none" } }
    local space = new_space(content())
    assert(plan(space, blueprint({ some, all }, stages)))
    assert.equal("stories 22 100", space.asked[#space.asked])
    local err = refused(space, blueprint({ some }, stages))
    assert.equal("stories 22 1", space.asked[#space.asked])
    assert.same({ 'Cannot remove stage "Review": 2 stories in it have no '
                  .. "move." }, table.move(err.problems, 1, 9, 1, {}))
    assert.equal("  moves = {\n    { from = \"Review\", to = \"...\" },\n"
                 .. "  },", err.moves)
    assert.matches('; add to the blueprint: moves = { { from = "Review", '
                   .. 'to = "..." }, }', err.text, 1, true)
    all.to = at "Nowhere"
    err = refused(space, blueprint({ all }, stages))
    assert.is_nil(err.moves)
    assert.is_nil(err.text:find "add to the blueprint")
  end)

  it("ends the plan with the error of any request", function()
    local stages = described()
    stages[1].roles, stages[2].users = { "Judge" }, { "a@example" }
    table.remove(stages, 3)
    stages[2].next = {}
    local made = blueprint({
      { from = at("Old", "Default"), to = at "Review" },
      { from = at "Drafting", to = { stage = "Older", default = true } },
      { from = "none", to = at "Review", where = { slug = "x" } } }, stages)
    made.content_types = { "page" }
    local space = new_space(content())
    assert(plan(space, made))
    local count = #space.asked
    assert.equal(10, count)
    for n = 1, count do
      space = new_space(content())
      space.fails = n
      local result, err = plan(space, made)
      assert.is_nil(result)
      assert.equal(space.err, err)
      assert.equal(n, #space.asked)
    end
  end)
end)

describe("items", function()
  local function many(count)
    local made = content()
    for i = 1, count do made.stories[i] = story(1000 + i, 22, "s" .. i) end
    return new_space(made)
  end

  it("are read a hundred at a time", function()
    local space = many(250)
    local rules = { { from = 22 } }
    assert.is_true(items.list(space, rules))
    assert.equal(250, rules[1].count)
    assert.equal(3, #space.asked)
    assert.equal("stories 22 100", space.asked[1])
  end)

  it("belong to the first rule that matches, and to their stage",
  function()
    local space = new_space(content())
    local rules = { { from = 21, where = { slug = "b" } }, { from = 21 },
                    { from = nil }, { from = false }, { from = false } }
    assert.is_true(items.list(space, rules))
    assert.same({ 102 }, rules[1].items)
    assert.same({ 101 }, rules[2].items)
    assert.same({ 0, 1, 0 }, { rules[3].count, rules[4].count,
                               rules[5].count })
    assert.same({ 106 }, rules[4].items)
    local real = space.stories.page
    function space.stories.page(self, filter) -- one moves on meanwhile
      local page = real(self, filter)
      if #page > 0 then page[1] = story(101, 22) end
      return page
    end
    assert.is_true(items.list(space, { rules[2] }))
    assert.same({ 102 }, rules[2].items)
  end)

  it("are visited, each once", function()
    local space, seen = many(120), {}
    assert.is_true(items.visit(space, { slug = "s7" }, 22, function(each)
      seen[#seen + 1] = each.id
    end))
    assert.same({ 1007 }, seen)
    assert.is_true(items.visit(space, nil, 22, function(each)
      seen[#seen + 1] = each.id
    end))
    assert.equal(121, #seen)
  end)

  it("are counted by the service, or here if it does not", function()
    local space = many(120)
    assert.equal(120, items.count(space, 22))
    assert.same({ "stories 22 1" }, space.asked)
    local real = space.stories.page
    function space.stories.page(...)
      local page = real(...)
      page.total = nil
      return page
    end
    assert.equal(120, items.count(space, 22))
    assert.equal(0, items.count(space, 99))
    function space.stories.page(...)
      local page = real(...)
      page.total = 0 -- while there are stories
      return page
    end
    assert.equal(120, items.count(space, 22))
    function space.stories.page(_, filter)
      if filter.per_page ~= 1 then return nil, "broken" end
      return { story(1, 22) }
    end
    assert.same({ nil, "broken" }, { items.count(space, 22) })
  end)

  it("are read by their ids, of a release as well", function()
    local asked
    local space = { stories = {} }
    function space.stories.page(_, filter)
      asked = filter
      return { story(3, 21), story(5, 22) }
    end
    assert(items.fetch(space, { 3 }, 7))
    assert.same({ by_ids = { 3 }, per_page = 100, release_id = 7 }, asked)
    local found = items.fetch(space, { 3, 4, 5 })
    assert.same({ by_ids = { 3, 4, 5 }, per_page = 100 }, asked)
    assert.same({ [3] = story(3, 21), [5] = story(5, 22) }, found)
  end)

  it("are all there though others leave while they are read", function()
    local stories = {}
    for i = 1, 1500 do
      stories[i] = { id = i, stage = { workflow_stage_id = 7 } }
    end
    local space = new_space { stories = stories, stages = {} }
    local page = space.stories.page
    function space.stories.page(...)
      table.remove(stories)
      return page(...)
    end
    local rules = { { from = 7 } }
    assert(items.list(space, rules))
    local listed = {}
    for _, id in ipairs(rules[1].items) do listed[id] = true end
    for _, each in ipairs(stories) do assert.is_true(listed[each.id]) end
  end)

  it("come with the error of a request that fails", function()
    local calls = {
      function(space) return items.list(space, { { from = 22 } }) end,
      function(space) return items.visit(space, nil, 22, print) end,
      function(space) return items.count(space, 22) end,
      function(space) return items.fetch(space, { 1 }) end,
    }
    for _, call in ipairs(calls) do
      local space = many(5)
      space.fails = 1
      local result, err = call(space)
      assert.is_nil(result)
      assert.equal(space.err, err)
    end
  end)
end)

describe("what is made of it", function()
  it("has the moves, with what each takes", function()
    local space = new_space(content())
    local result = assert(plan(space, blueprint {
      { from = at "Drafting", to = at "Ready", where = { slug = "a" },
        comment = "c", notify = true, due_date = "d", release_id = 9,
        assign = { users = { "b@example" }, roles = { "Judge" } } },
      { from = at "Drafting", to = at "Review" },
      { from = at "Review", to = at "Review" },
      { from = "none", to = at "Drafting",
        assign = { users = { "a@example" } } } }))
    local first = { comment = "c", notify = true, due_date = "d",
                    release_id = 9, assign = { user_ids = { 81 },
                                               space_role_ids = { 71 } } }
    assert.same({
      { from = 21, to = 23, where = { slug = "a" }, set = first,
        from_name = "Drafting", to_name = "Ready" },
      { from = 21, to = 22, set = {},
        from_name = "Drafting", to_name = "Review" },
      { from = 22, to = 22, set = {},
        from_name = "Review", to_name = "Review" },
      { from = false, to = 21, set = { assign = { user_ids = { 82 } } },
        from_name = "no stage", to_name = "Drafting" },
    }, result.rules)
    local moves = {}
    for i, operation in ipairs(result.operations) do
      assert.equal("move", operation.op)
      moves[i] = { operation.rule, operation.from_name, operation.to_name,
                   table.unpack(operation.items) }
    end
    assert.same({ { 1, "Drafting", "Ready", 101 },
                  { 2, "Drafting", "Review", 102 },
                  { 4, "no stage", "Drafting", 106 } }, moves)
    assert.same({ { kind = "roles", id = 71, name = "Judge" },
                  { kind = "users", id = 82, name = "a@example" },
                  { kind = "users", id = 81, name = "b@example" } },
                result.members)
    assert.same({ webhooks = 3, emails = 1, locked = 0, unassigned = 0,
                  unpublishable = 1 }, effects_of(result))
  end)

  it("has the members by name", function()
    local made, names, stages = content(), {}, described()
    for i = 1, 20 do
      names[i] = ("Role %02d"):format(i)
      made.roles[i] = { id = 200 - i, role = names[i] }
    end
    stages[1].roles = names
    local found = {}
    for i, member in ipairs(assert(plan(new_space(made),
                                        blueprint({}, stages))).members) do
      assert.equal(200 - i, member.id)
      found[i] = member.name
    end
    assert.same(names, found)
  end)

  it("is refused where the planner finds no way", function()
    local stages = described()
    stages[2].was, stages[4] = "Gone", { name = "Proof", color = "#9",
                                         was = "Review" }
    assert.same({ 'stages "Review" and "Proof" both match the existing stage '
                  .. '"Review": remove `was` from the one that is new' },
                refused(new_space(content()), blueprint({}, stages)).problems)
  end)

  it("predicts effects from each stage's final attributes", function()
    local stages = described()
    stages[2].story_editing_locked = true
    stages[3].auto_remove_assignee = true
    stages[3].allow_publish = false
    local result = assert(plan(new_space(content()), blueprint({
      { from = at "Drafting", to = at "Review" },
      { from = "none", to = at "Ready" } }, stages)))
    -- what is set after the moves counts as well
    assert.same({ webhooks = 3, emails = 0, locked = 2, unassigned = 1,
                  unpublishable = 1 }, effects_of(result))
  end)

  it("moves out of a stage by the name that it gets", function()
    local stages = described()
    stages[2].name, stages[2].was = "Proof", "Review"
    stages[4] = { name = "Legal", color = "#9", was = "Ready" }
    table.remove(stages, 3)
    local result = assert(plan(new_space(content()), blueprint({
      { from = at "Proof", to = at "Drafting" } }, stages)))
    assert.equal(22, result.rules[1].from)
    assert.equal("Proof", result.operations[1].from_name)
  end)

  it("takes the stage of a name before one that gets it", function()
    local stages = described()
    stages[2].name, stages[2].was = "Ready", "Review"
    stages[3].name, stages[3].was = "Review", "Ready"
    local result = assert(plan(new_space(content()), blueprint({
      { from = at "Ready", to = at "Drafting" } }, stages)))
    assert.equal(23, result.rules[1].from)
  end)

  it("moves nothing if the stage does not exist", function()
    local result = assert(plan(new_space(content()), blueprint {
      { from = at "Gone", to = at "Ready" },
      { from = at "Gone", to = at "Review" },
      { from = at("Gone", "Default"), to = at "Review" } }))
    assert.same({}, result.operations)
    assert.same({ 'no stage "Gone" is there now: nothing to move from it',
                  'no stage "Default / Gone" is there now: nothing to move '
                  .. "from it" }, result.notes)
  end)

  it("is refused with a list of everything that is missing", function()
    local space = new_space(content())
    local err = refused(space, blueprint {
      { from = at "Drafting", to = at "Nowhere" },
      { from = at "Drafting", to = at "Nowhere else" } })
    assert.same({ 'moves[1]: There will be no stage "Nowhere".',
                  'moves[2]: There will be no stage "Nowhere else".' },
                err.problems)
    assert.equal('moves[1]: There will be no stage "Nowhere"; moves[2]: ' ..
                 'There will be no stage "Nowhere else"', err.message)
    err = refused(space, blueprint {
      { from = at("A", "Twice"), to = at "Ready" },
      { from = at("A", "None"), to = at "Ready" },
      { from = at "Ready", to = at("A", "None") },
      { from = at "Ready", to = at("A", "Default") } })
    assert.same({ 'moves[1]: 2 workflows are named "Twice". Set '
                  .. "one of: id = 3 or id = 4",
                  'moves[2]: The space has no workflow "None".',
                  'moves[3]: The space has no workflow "None".',
                  'moves[4]: Workflow "Default" has no stage "A".' },
                err.problems)
  end)

  it("is refused if another workflow lacks the transition",
     function()
    local space = new_space(content())
    local err = refused(space, blueprint {
      { from = at("Old", "Default"), to = at("Older", "Default") } })
    assert.same({ 'moves[1]: Stage "Default / Old" does not lead to '
                  .. '"Default / Older". Add this transition first, or '
                  .. "describe the workflow in a blueprint." }, err.problems)
    local result = assert(plan(space, blueprint {
      { from = at("Older", "Default"), to = at("Old", "Default") } }))
    assert.same({}, result.operations)
  end)

  it("is refused without the members that it names", function()
    local stages = described()
    stages[1].roles = { "Judge", "Nobody", "Nobody" }
    stages[2].users = { "a@example", "x@example" }
    local space = new_space(content())
    assert.same({ 'the space has no role "Nobody" (name another with '
                  .. "map_role)", 'the space has no user "x@example" (name '
                  .. "another with map_user)" },
                refused(space, blueprint({}, stages)).problems)
    local result = assert(plan(space, blueprint({}, stages), {
      map_role = { Nobody = "Clerk" }, map_user = { ["x@example"] =
                                                    "b@example" } }))
    assert.same({ 71, 72, 72 }, result.operations[1].set.space_role_ids)
    assert.same({ 82, 81 }, result.operations[2].set.user_ids)
  end)

  it("needs a workflow for moves alone only where they name its stages",
  function()
    local open = content()
    open.stages[1][1].allow_all_stages = true
    local space = new_space(open)
    assert(plan(space, { moves = {
      { from = at("Old", "Default"), to = at("Older", "Default") } } }))
    assert.matches('no workflow "Novel"', refused(space, {
      workflow = "Novel", moves = {} }).message, 1, true)
    local made = assert(plan(space, { workflow = "Novel", moves = {},
                                      content_types = { "page" },
                                      stages = described() }))
    assert.equal("create_workflow", made.operations[1].op)
  end)

  it("says where asking may have made the only workflow", function()
    local only = content()
    for i = 4, 2, -1 do table.remove(only.workflows, i) end
    local result = assert(plan(new_space(only), { default = true,
                                                  moves = {} }))
    assert.equal(1, #result.notes)
    only.workflows[1].is_default = false
    result = assert(plan(new_space(only), { workflow = "Default",
                                            moves = {} }))
    assert.same({}, result.notes)
  end)
end)
