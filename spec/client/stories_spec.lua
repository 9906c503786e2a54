local clients = require "support.clients"
local failed, has = clients.failed, clients.has

describe("stories", function()
  local server, space, stages

  setup(function()
    server, space = clients.sandbox { seed = { stories = 240,
                                               unstaged = 5 } }
    local article = assert(space.workflows:find "Article")
    stages = {}
    for _, stage in ipairs(assert(space.stages:list {
      in_workflow = article.id })) do
      stages[stage.name] = stage
    end
  end)

  teardown(function()
    space:close()
    server:stop()
  end)

  local function count_of(filter)
    return #assert(space.stories:list(filter))
  end

  local function last()
    local all = server:requests()
    return all[#all]
  end

  it("are listed to the last one, whatever the paging", function()
    local before = #server:requests()
    local list = assert(space.stories:list())
    assert.equal(245, #list)
    assert.equal(3, #server:requests() - before)
    local seen = {}
    for _, story in ipairs(list) do
      assert.is_nil(seen[story.id])
      seen[story.id] = true
    end
    assert.equal(245, count_of { per_page = 7 })
  end)

  it("are read a page at a time, with its total", function()
    local page = assert(space.stories:page { per_page = 10, page = 3 })
    assert.equal(10, #page)
    assert.equal(245, page.total)
    assert.equal(3, page.page)
    assert.equal(10, page.per_page)
    page = assert(space.stories:page())
    assert.equal(25, #page)
    assert.equal(25, page.per_page)
    assert.equal(1, page.page)
    page = assert(space.stories:page { page = 50 })
    assert.equal(0, #page)
    assert.equal(245, page.total)
    assert.equal(50, page.page)
  end)

  it("are filtered by stages, slug, ids and more", function()
    local old, review = stages["Old review"], stages.Review
    local in_old = count_of { in_workflow_stages = { old.id } }
    assert.equal(60, in_old)
    assert.equal(120, count_of { in_workflow_stages = { old.id,
                                                        review.id } })
    has(last().query, ("in_workflow_stages=%d,%d"):format(old.id, review.id))
    local legal = assert(space.stories:list { starts_with = "legal/" })
    assert.is_true(#legal > 0)
    for _, story in ipairs(legal) do
      assert.equal("legal/", story.full_slug:sub(1, 6))
    end
    local ids = { legal[1].id, legal[2].id }
    assert.equal(2, count_of { by_ids = ids })
    has(last().query, ("by_ids=%d,%d"):format(ids[1], ids[2]))
    assert.equal(1, count_of { by_slugs = { legal[1].full_slug } })
    assert.equal(245, count_of { contain_component = { "article" } })
    assert.equal(0, count_of { folder_only = true })
    assert.equal(245, count_of { story_only = true })
    local published = count_of { is_published = true }
    assert.is_true(published > 0 and published < 245)
    assert.equal(245 - published, count_of { is_published = false })
    local tagged = count_of { with_tag = { "featured" } }
    assert.is_true(tagged > 0 and tagged < 245)
    assert.equal(0, count_of { search = "no such story" })
    assert.equal(2, count_of { by_slugs = { legal[1].full_slug,
                                            legal[3].full_slug } })
  end)

  it("are filtered by nested queries", function()
    local list = assert(space.stories:list {
      filter_query = { author = { ["in"] = "Author 3" } } })
    assert.is_true(#list > 0 and #list < 245)
    has(last().query, "filter_query%5Bauthor%5D%5Bin%5D=Author%203")
    local either = assert(space.stories:list { filter_query = { __or = {
      { author = { ["in"] = "Author 3" } },
      { author = { ["in"] = "Author 4" } } } } })
    assert.is_true(#either > #list)
    for _, story in ipairs(either) do
      local full = assert(space.stories:get(story.id))
      assert.truthy(full.content.author:match "^Author [34]$")
    end
    assert.equal(0, #assert(space.stories:list {
      filter_query = { author = { in_array = { "Author 3" } } } }))
  end)

  it("have one stage or none", function()
    local with, without = 0, 0
    for _, story in ipairs(assert(space.stories:list())) do
      if story.stage then with = with + 1 else without = without + 1 end
    end
    assert.equal(240, with)
    assert.equal(5, without)
  end)

  it("are read by id", function()
    local story = assert(space.stories:list())[1]
    local again = assert(space.stories:get(story.id))
    assert.equal(story.full_slug, again.full_slug)
    assert.equal("integer", math.type(again.id))
    local err = failed("not_found", space.stories:get(288900000999999))
    assert.equal(404, err.status)
    has(err, "288900000999999")
    has(err, "This record could not be found")
  end)

  it("have a total and a page size under any of their names", function()
    local other, theirs = clients.scripted()
    for _, names in ipairs { { "total", "per_page" }, { "Total", "Per-Page" },
                             { "Total", "per-page" },
                             { "TOTAL", "Per_Page" } } do
      other:answer(200, [[{"stories":[{"id":5}]}]],
                   { headers = { names[1] .. ": 70", names[2] .. ": 10" } })
      local page = assert(theirs.stories:page())
      assert.equal(70, page.total)
      assert.equal(10, page.per_page)
    end
    theirs:close()
    other:stop()
  end)

  it("are an error if all pages are the first one", function()
    local other, theirs = clients.scripted()
    local ids = {}
    for i = 1, 100 do ids[i] = ('{"id":%d}'):format(i) end
    other:answer(200, '{"stories":[' .. table.concat(ids, ",") .. "]}",
                 { headers = { "total: 230" }, times = 0 })
    local err = failed("decode", theirs.stories:list())
    has(err, "names 230 items, but its pages hold 100")
    assert.is_true(#other:requests() < 20)
    local good, raised = pcall(function()
      for _ in theirs.stories:each() do end
    end)
    assert.is_false(good)
    has(raised, "names 230 items")
    theirs:close()
    other:stop()
  end)

  it("are read completely if the service shortens pages silently", function()
    for _, headers in ipairs { { "total: 60" }, { "total: 0" }, {} } do
      local other, theirs = clients.scripted()
      local function answer(match, first, final)
        local ids = {}
        for i = first, final do ids[#ids + 1] = ('{"id":%d}'):format(i) end
        other:answer(200, '{"stories":[' .. table.concat(ids, ",") .. "]}",
                     { headers = headers, times = 0, match = match })
      end
      local path = ("GET /v1/spaces/%d/stories?page="):format(clients.SPACE)
      -- it returns at most 25, whatever was requested
      answer(path .. "1", 1, 25)
      answer(path .. "2", 26, 50)
      answer(path .. "3", 51, 60)
      answer(path, 1, 0)
      assert.equal(60, #assert(theirs.stories:list()))
      assert.is_true(#other:requests() < 15)
      theirs:close()
      other:stop()
    end
  end)

  it("have their content type, in lists and alone", function()
    local other, theirs = clients.scripted()
    other:answer(200, [[{"story":{"id":5,"content":{"component":"article",
      "title":"x"},"stage":null}}]])
    local story = assert(theirs.stories:get(5))
    assert.equal("article", story.content_type)
    assert.equal("x", story.content.title)
    other:answer(200, [[{"story":{"id":5,"content":{}}}]])
    assert.is_nil(assert(theirs.stories:get(5)).content_type)
    other:answer(200, [[{"story":{"id":5,"content":null}}]])
    assert.is_nil(assert(theirs.stories:get(5)).content_type)
    theirs:close()
    other:stop()
  end)

  it("have no stage in any format of the response", function()
    local other, theirs = clients.scripted()
    for _, stage in ipairs { "", [[,"stage":null]],
      [[,"stage":{"workflow_id":null,"workflow_stage_id":null,
        "workflow_name":null,"workflow_stage_name":null,
        "workflow_stage_color":null}]],
      [[,"stage":{"workflow_stage_id":null,"story_id":5,"due_date":null,
        "created_at":null,"workflow_id":null}]], [[,"stage":{}]] } do
      other:answer(200, [[{"story":{"id":5]] .. stage .. "}}")
      assert.is_nil(assert(theirs.stories:get(5)).stage)
      other:answer(200, [[{"stories":[{"id":5]] .. stage .. "}]}",
                   { headers = { "total: 1", "per_page: 25" } })
      assert.is_nil(assert(theirs.stories:page())[1].stage)
    end
    theirs:close()
    other:stop()
  end)

  it("have their stage in one format, whichever was sent", function()
    for _, shape in ipairs { "change", "names", "alternate" } do
      local other, theirs = clients.sandbox {
        story_stage = shape, seed = { stories = 8 } }
      local function check(story)
        local stage = story.stage
        assert.equal(story.id, stage.story_id)
        assert.equal("integer", math.type(stage.workflow_id))
        assert.equal("integer", math.type(stage.workflow_stage_id))
        return stage
      end
      for _, story in ipairs(assert(theirs.stories:list())) do
        local stage = check(story)
        check(assert(theirs.stories:get(story.id)))
        if shape == "names" then
          assert.equal("string", type(stage.workflow_stage_name))
          assert.equal("Article", stage.workflow_name)
        elseif shape == "change" then
          assert.equal("string", type(stage.created_at))
          assert.is_nil(stage.workflow_stage_name)
        end
      end
      for story in theirs.stories:each { per_page = 3 } do check(story) end
      theirs:close()
      other:stop()
    end
  end)

  it("keep unknown fields", function()
    local story = assert(space.stories:list { per_page = 100 })[1]
    assert.equal(0, #(story.tag_list or {}))
    assert.equal("table", type(story.tag_list))
  end)
end)
