-- Where the services' page leaves something open, the client reads the same
-- from every answer that the page allows.
local clients = require "support.clients"
local failed, has = clients.failed, clients.has

-- Fills a space, and returns all that a client reads from it.
local function read(options)
  options.seed = { stories = 130, unstaged = 2, collaborators = 30 }
  local server, space, ox = clients.sandbox(options)
  local found = {}
  local function note(name, value) found[name] = value end
  local article = assert(space.workflows:find "Article")
  for _, name in ipairs { "content_type", "by_content_type" } do
    note(name, #assert(space.workflows:list { [name] = "article" }))
  end
  local stages = {}
  for _, stage in ipairs(assert(space.stages:list {
    in_workflow = article.id })) do stages[stage.name] = stage.id end

  local staged, none = {}, 0
  for _, story in ipairs(assert(space.stories:list())) do
    local stage = story.stage and story.stage.workflow_stage_id
    if stage then staged[stage] = (staged[stage] or 0) + 1
    else none = none + 1 end
    assert.equal("article", story.content_type)
  end
  note("stories in stages", staged)
  note("stories without", none)
  local each = 0
  for story in space.stories:each { in_workflow_stages = stages.Drafting } do
    assert.equal(stages.Drafting, story.stage.workflow_stage_id)
    each = each + 1
  end
  note("stories of a stage", each)
  note("collaborators", #assert(space.collaborators:list()))

  local story = assert(space.stories:list {
    in_workflow_stages = stages.Drafting })[1]
  for i = 1, 60 do
    assert(space.changes:create { story_id = story.id, workflow_stage_id =
      i % 2 == 1 and stages.Review or stages.Drafting })
  end
  local single = assert(space.stories:get(story.id))
  note("stage", single.stage.workflow_stage_id)
  note("type", single.content_type)
  local changes, seen = assert(space.changes:list { with_story = story.id }),
                        {}
  table.sort(changes, function(a, b) return a.id < b.id end)
  for i, change in ipairs(changes) do seen[i] = change.workflow_stage_id end
  note("changes", seen)

  assert(space.stages:update(stages.Review, {
    color = "#010203", position = 2, allow_publish = true }))
  local review = assert(space.stages:get(stages.Review))
  note("updated", { review.name, review.color, review.allow_publish })
  note("no story", failed("not_found", space.stories:get(1)).message)
  note("no stage", failed("not_found", space.stages:get(1)).message)
  note("no such stage", failed("rejected", space.changes:create {
    story_id = story.id, workflow_stage_id = 1 }).status)

  note("statuses", #assert(ox.workspaces:list()))
  local project = assert(ox.workspaces:list())[1]
  local key = project.status.key
  has(failed("rejected", ox.changes:create {
    workspace_id = project.id, to_status_key = key }),
    "Project already has specified status")
  space:close()
  ox:close()
  server:stop()
  return found
end

describe("a client reads the same", function()
  local documented
  setup(function() documented = read {} end)

  for _, one in ipairs {
    { "content_type_filter", "content_type" },
    { "content_type_filter", "by_content_type" },
    { "changes_order", "oldest" }, { "with_story", "optional" },
    { "paging_headers", "underscore" }, { "paging_headers", "hyphen" },
    { "paging_headers", "none" }, { "max_per_page", 1000 },
    { "story_stage", "names" }, { "story_stage", "alternate" },
    { "no_stage", "absent" }, { "no_stage", "nulls" },
    { "not_found", "error" }, { "update_status", 200 },
    { "extra_fields", true }, { "gzip", "always" },
    { "same_status", 400 }, { "kantata_errors", "strings" },
    { "with_parent_zero", "ignore" }, { "window", "rolling" },
  } do
    it(("with %s = %s"):format(one[1], one[2]), function()
      assert.same(documented, read { [one[1]] = one[2] })
    end)
  end
end)

describe("a rejection has the same error", function()
  -- What fails, and the path that its fault is for.
  local function writes(space)
    local stage = { name = "N", color = "#fff" }
    local types = { name = "W", content_types = { "w" } }
    return {
      { "/workflow_stages", function() return space.stages:create(stage) end },
      { "/workflow_stages/", function()
        return space.stages:update(5, { name = "N" })
      end },
      { "/workflow_stages/", function() return space.stages:delete(5) end },
      { "/workflow_stage_changes", function()
        return space.changes:create { story_id = 5, workflow_stage_id = 6 }
      end },
      { "/workflows", function() return space.workflows:create(types) end },
      { "/workflows/", function()
        return space.workflows:update(5, types)
      end },
      { "/duplicate", function()
        return space.workflows:duplicate(5, types)
      end },
      { "/publish", function() return space.stories:publish(5) end },
    }
  end

  for _, shape in ipairs { "string", "list", "fields", "errors", "flat",
                           "array", "message" } do
    it("in the shape " .. shape .. ", by every call", function()
      local server, space = clients.sandbox {}
      for _, write in ipairs(writes(space)) do
        assert(server:inject { { path = write[1], status = 422, count = 1,
                                 shape = shape, effect = false } })
        local err = failed("rejected", write[2]())
        assert.equal(422, err.status)
        has(err, "has already been taken")
      end
      space:close()
      server:stop()
    end)
  end

  for _, shape in ipairs { "objects", "strings", "status" } do
    it("in Kantata's shape " .. shape .. ", by every call", function()
      local server, _, ox = clients.sandbox {}
      local calls = {
        function()
          return ox.changes:create { workspace_id = 1, to_status_key = 605 }
        end,
        function() return ox.workspaces:update(1, { title = "T" }) end,
        function() return ox.workspaces:list() end,
      }
      for _, send in ipairs(calls) do
        assert(server:inject { { path = "/workspace", status = 422, count = 1,
                                 shape = shape, effect = false } })
        local err = failed("rejected", send())
        assert.equal(422, err.status)
        has(err, "has already been taken")
      end
      ox:close()
      server:stop()
    end)
  end
end)
