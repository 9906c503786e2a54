local clients = require "support.clients"
local exact = require "support.exact"
local failed, has = clients.failed, clients.has

describe("changes", function()
  local server, space, stages, stories

  setup(function()
    server, space = clients.sandbox { seed = { stories = 30 } }
    local article = assert(space.workflows:find "Article")
    stages = {}
    for _, stage in ipairs(assert(space.stages:list {
      in_workflow = article.id })) do
      stages[stage.name] = stage
    end
    stories = assert(space.stories:list {
      in_workflow_stages = { stages["Old review"].id } })
  end)

  teardown(function()
    space:close()
    server:stop()
  end)

  local function last()
    local all = server:requests()
    return all[#all]
  end

  it("move a story", function()
    local story, review = stories[1], stages.Review
    local change = assert(space.changes:create {
      story_id = story.id, workflow_stage_id = review.id })
    local sent = last().body
    assert.equal("integer", math.type(change.id))
    assert.equal(review.id, change.workflow_stage_id)
    assert.equal(review.workflow_id, change.workflow_id)
    assert.equal("integer", math.type(change.user_id))
    assert.is_nil(change.due_date)
    assert.equal("string", type(change.created_at))
    assert.equal(review.id,
                 assert(space.stories:get(story.id)).stage.workflow_stage_id)
    assert.same({ kind = "object", [".workflow_stage_change"] = {
      kind = "object", [".story_id"] = tostring(story.id),
      [".workflow_stage_id"] = tostring(review.id) } }, exact.parse(sent))
  end)

  it("take the fields beside the root object from the same table", function()
    local release = assert(space.releases:list())[1]
    local user = assert(space.whoami(space))
    local role = assert(space.roles:list())[1]
    assert(space.changes:create {
      story_id = stories[2].id, workflow_stage_id = stages.Review.id,
      due_date = "2026-12-01T10:00:00.000Z", release_id = release.id,
      notify = true, comment = "Please check",
      assign = { user_ids = { user.id }, space_role_ids = { role.id } },
    })
    local sent = exact.parse(last().body)
    assert.same({
      kind = "object",
      [".workflow_stage_change"] = {
        kind = "object", [".story_id"] = tostring(stories[2].id),
        [".workflow_stage_id"] = tostring(stages.Review.id),
        [".due_date"] = "text 2026-12-01T10:00:00.000Z",
      },
      [".release_id"] = tostring(release.id), [".notify"] = "true",
      [".comment"] = { kind = "object", [".message"] = "text Please check" },
      [".assign"] = {
        kind = "object",
        [".user_ids"] = { kind = "array", tostring(user.id) },
        [".space_role_ids"] = { kind = "array", tostring(role.id) },
      },
    }, sent)
    local story = assert(space.stories:get(stories[2].id))
    assert.same({ user.id }, story.user_ids)
    assert.same({ role.id }, story.space_role_ids)
    assert.equal("2026-12-01T10:00:00.000Z",
                 assert(space.changes:list {
                   with_story = story.id })[1].due_date)
  end)

  it("take a comment as a table, no due date, and empty assignees",
     function()
    assert(space.changes:create {
      story_id = stories[2].id, workflow_stage_id = stages.Ready.id,
      due_date = clients.null, comment = { message = "ä \"quoted\"\n" },
      assign = { user_ids = {}, space_role_ids = {} }, notify = false })
    local sent = exact.parse(last().body)
    assert.equal("null", sent[".workflow_stage_change"][".due_date"])
    assert.equal("text ä \"quoted\"\n", sent[".comment"][".message"])
    assert.same({ kind = "array" }, sent[".assign"][".user_ids"])
    assert.same({ kind = "array" }, sent[".assign"][".space_role_ids"])
    assert.equal("false", sent[".notify"])
    assert.same({}, assert(space.stories:get(stories[2].id)).user_ids)
  end)

  it("take all types of the service", function()
    local other, theirs = clients.scripted()
    other:answer(201, [[{"workflow_stage_change":{"id":9}}]])
    assert(theirs.changes:create {
      story_id = 5, workflow_stage_id = 6, comment = {},
      release_id = clients.null })
    assert.same({ kind = "object", [".comment"] = { kind = "object" },
                  [".release_id"] = "null",
                  [".workflow_stage_change"] = {
                    kind = "object", [".story_id"] = "5",
                    [".workflow_stage_id"] = "6" } },
                exact.parse(other:last().body))
    theirs:close()
    other:stop()
  end)

  it("are listed by story, more than a page of them", function()
    local story = stories[3]
    local made = {}
    for i = 1, 120 do
      local stage = i % 2 == 0 and stages.Review or stages["Old review"]
      local change = assert(space.changes:create {
        story_id = story.id, workflow_stage_id = stage.id })
      made[change.id] = stage.id
      assert(space.changes:create { story_id = story.id,
                                    workflow_stage_id = stages.Drafting.id })
    end
    local list = assert(space.changes:list { with_story = story.id })
    assert.equal(240, #list)
    local seen = {}
    for _, change in ipairs(list) do
      assert.is_nil(seen[change.id])
      seen[change.id] = true
      if made[change.id] then
        assert.equal(made[change.id], change.workflow_stage_id)
      end
    end
    for id in pairs(made) do assert.is_true(seen[id]) end
    local page = assert(space.changes:page { with_story = story.id,
                                             page = 2, per_page = 100 })
    assert.equal(100, #page)
    assert.equal(240, page.total)
    assert.equal(2, page.page)
    assert.equal(100, page.per_page)
    assert.equal(list[101].id, page[1].id)
    local first = assert(space.changes:page { with_story = story.id })
    assert.equal(25, #first)
    assert.equal(25, first.per_page)
    assert.equal(1, first.page)
    assert.same({}, (table.move(assert(space.changes:page {
      with_story = story.id, page = 99 }), 1, 1, 1, {})))
    local count = 0
    for change in space.changes:each { with_story = story.id } do
      assert.is_true(seen[change.id])
      count = count + 1
    end
    assert.equal(240, count)
  end)

  it("need a story to be listed", function()
    local sent = #server:requests()
    has(failed("invalid", space.changes:list()), "with_story")
    has(failed("invalid", space.changes:list {}), "with_story")
    has(failed("invalid", space.changes:page()), "with_story")
    assert.equal(sent, #server:requests())
    local good, err = pcall(function()
      for _ in space.changes:each() do error "no" end
    end)
    assert.is_false(good)
    has(failed("invalid", nil, err), "with_story")
  end)

  it("to a stage that may not follow fail with the service's message",
     function()
    local story = assert(space.stories:list {
      in_workflow_stages = { stages.Drafting.id } })[1]
    local err = failed("forbidden", space.changes:create {
      story_id = story.id, workflow_stage_id = stages.Ready.id })
    assert.equal(403, err.status)
    has(err, "does not allow to move on")
    local other, theirs = clients.sandbox { transitions = 403,
                                            seed = { stories = 3 } }
    local article = assert(theirs.workflows:find "Article")
    story = assert(theirs.stories:list())[1]
    local ready = assert(theirs.stages:find("Ready",
                                            { in_workflow = article.id }))
    err = failed("forbidden", theirs.changes:create {
      story_id = story.id, workflow_stage_id = ready.id })
    assert.equal(403, err.status)
    theirs:close()
    other:stop()
  end)

  it("of a missing story or to a missing stage fail", function()
    local err = failed("not_found", space.changes:create {
      story_id = 288900000999999, workflow_stage_id = stages.Ready.id })
    assert.equal(404, err.status)
    err = failed("rejected", space.changes:create {
      story_id = stories[4].id, workflow_stage_id = 288900000999999 })
    assert.same({ "must exist" }, err.fields.workflow_stage_id)
  end)
end)
