local http = require "sandbox.http"

local function snapshot()
  local function story(slug, more)
    more = more or {}
    more.full_slug = slug
    more.name = more.name or slug:gsub("^.*/", "")
    return more
  end
  return { spaces = { {
    id = http.SPACE,
    releases = { { id = 7, name = "Spring" } },
    workflows = {
      { id = 20, name = "Article", content_types = { "article" },
        stages = { { id = 21, name = "Drafting", color = "#111111" },
                   { id = 22, name = "Ready", color = "#222222" } } },
    },
    stories = {
      story("legal", { id = 1, is_folder = true }),
      story("legal/terms", { id = 2, stage = "Drafting", published = true,
        tag_list = { "law", "old" }, content = { component = "article",
          title = "Terms", words = 120, authors = { "Ann", "Bob" },
          live = true, body = { { component = "teaser" } } } }),
      story("legal/privacy", { id = 3, stage = { workflow_stage_id = 22,
        due_date = "2026-12-01T10:00:00.000Z",
        created_at = "2026-01-05T00:00:00.000Z" },
        content = { component = "article", title = "Privacy", words = 80,
          authors = { "Ann" }, since = "2026-02-01 10:00" } }),
      story("blog/one", { id = 4, name = "100% [done]?", release_ids = { 7 },
        content = { component = "page", title = "", words = 7.5 } }),
      story("blog/two", { id = 5, stage = "Ready", tag_list = { "law" },
        content_type = "article" }),
    },
  } } }
end

describe("stories", function()
  local server, space

  setup(function()
    server = http.start { seed = snapshot(), story_stage = "change" }
    space = http.client(server)
  end)
  teardown(function() server:stop() end)

  local function found(query)
    local answer = space:get("/stories?" .. query)
    assert.equal(200, answer.status, answer.text)
    local ids = {}
    for i, story in ipairs(answer.json.stories) do
      ids[i] = ("%d"):format(story.id)
    end
    assert.equal(tostring(#ids), answer.headers.total)
    return table.concat(ids, ",")
  end

  it("are listed in a stable order, with what matters of each", function()
    assert.equal("1,2,3,4,5", found "")
    local story = space:get("/stories?by_ids=2").json.stories[1]
    assert.equal("terms", story.name)
    assert.equal("terms", story.slug)
    assert.equal("legal/terms", story.full_slug)
    assert.equal("string", type(story.uuid))
    assert.is_false(story.is_folder)
    assert.is_true(story.published)
    assert.equal("article", story.content_type)
    assert.same({}, story.release_ids)
    assert.equal(1, story.parent_id)
    assert.equal(http.null, story.content_summary)
    assert.equal("string", type(story.updated_at))
    for _, name in ipairs { "content", "user_ids", "space_role_ids",
                            "is_scheduled", "preview_token" } do
      assert.is_nil(story[name], name)
    end
  end)

  it("are filtered by stage", function()
    assert.equal("2", found "in_workflow_stages=21")
    assert.equal("2,3,5", found "in_workflow_stages=21,22")
    assert.equal("", found "in_workflow_stages=4711")
    assert.equal("2,3,5", found "has_workflow_stages=true")
    assert.equal("1,4", found "has_workflow_stages=false")
    assert.equal("3,5", found "has_workflow_stages=22")
  end)

  it("are not listed by lists in brackets, which may not be read", function()
    for _, name in ipairs { "in_workflow_stages", "by_ids", "by_slugs" } do
      local answer = space:get(("/stories?%s%%5B%%5D=21"):format(name))
      assert.equal(400, answer.status)
      assert.truthy(answer.json.error:find(name, 1, true))
    end
    assert.equal(400, space:get("/workflow_stages?by_ids[]=21").status)
  end)

  it("are filtered by the last one of a parameter that repeats", function()
    assert.equal("2", found "in_workflow_stages=22&in_workflow_stages=21")
  end)

  it("are filtered by slug", function()
    assert.equal("2,3", found "starts_with=legal/")
    assert.equal("1,2,3", found "starts_with=legal")
    assert.equal("1,2,3,4,5", found "starts_with=")
    assert.equal("", found "starts_with=LEGAL")
    assert.equal("2,5", found "by_slugs=legal/terms,blog/two")
    assert.equal("4,5", found "by_slugs=blog/*")
    assert.equal("", found "by_slugs=blog/?wo")
  end)

  it("are filtered by id and uuid", function()
    assert.equal("2,4", found "by_ids=4,2")
    assert.equal("1,3,5", found "excluding_ids=4,2")
    local uuid = space:get("/stories/4").json.story.uuid
    assert.equal("4", found("by_uuids=" .. uuid))
  end)

  it("are filtered by slugs that they have, or have not", function()
    local slugs = {}
    for _, story in ipairs(space:get("/stories").json.stories) do
      slugs[#slugs + 1] = story.full_slug
    end
    assert.equal("3", found("with_slug=" .. slugs[3]))
    assert.equal("", found("with_slug=" .. slugs[3]:sub(1, -2) .. "*"))
    assert.equal("2,3,4,5", found("excluding_slugs=" .. slugs[1]))
    assert.equal("", found "excluding_slugs=*")
  end)

  it("are not listed as if a filter had not been given", function()
    for _, name in ipairs { "from_release", "stage", "Page", "by_ids[]" } do
      local answer = space:get("/stories?" .. name .. "=1")
      assert.equal(400, answer.status)
      assert.equal(name .. " is not a parameter of this call",
                   answer.json.error)
    end
    assert.equal(400, space:get("/stories?filter_query=title").status)
    assert.equal("1,2,3,4,5", found "in_trash=false&mine=0")
  end)

  it("are filtered by tag, component and release", function()
    assert.equal("2,5", found "with_tag=law")
    assert.equal("2", found "with_tag=old,none")
    assert.equal("", found "with_tag=la")
    assert.equal("2", found "contain_component=teaser")
    assert.equal("2,3,5", found "contain_component=article")
    assert.equal("", found "contain_component=art")
    assert.equal("2,3,5", found "contain_component=art,teaser,article")
    assert.equal("4", found "in_release=7")
    assert.equal("", found "in_release=8")
  end)

  it("are filtered by kind and publication", function()
    assert.equal("1", found "folder_only=true")
    assert.equal("2,3,4,5", found "story_only=1")
    assert.equal("2", found "is_published=true")
    assert.equal("1,3,4,5", found "is_published=false")
  end)

  it("are searched by name and slug, without patterns", function()
    assert.equal("2", found "search=TERMS")
    assert.equal("4", found "search=100%25")
    assert.equal("4", found "search=[done]?")
    assert.equal("4,5", found "search=blog")
    assert.equal("4,5", found "text_search=blog")
  end)

  it("are filtered by fields of their content", function()
    local function query(field, operation, value)
      return found(("filter_query[%s][%s]=%s"):format(field, operation,
                                                      value))
    end
    assert.equal("2,3", query("title", "in", "Terms,Privacy"))
    assert.equal("1,3,4,5", query("title", "not_in", "Terms"))
    assert.equal("3", query("title", "like", "*rivac*"))
    assert.equal("1,2,4,5", query("title", "not_like", "P*"))
    assert.equal("2", query("words", "gt_int", "80"))
    assert.equal("3,4", query("words", "lt_int", "120"))
    assert.equal("2,3", query("words", "gt_float", "7.5"))
    assert.equal("4", query("words", "lt_float", "7.6"))
    assert.equal("3", query("since", "gt_date", "2026-01-31"))
    assert.equal("", query("since", "lt_date", "2026-01-31"))
    assert.equal("2,3", query("authors", "in_array", "Ann,Bob"))
    assert.equal("2", query("authors", "all_in_array", "Ann,Bob"))
    assert.equal("", query("title", "in_array", "Ann")) -- no array
    assert.equal("", query("title", "all_in_array", "Ann"))
    assert.equal("2", found("filter_query[authors][all_in_array][]=Ann&" ..
                            "filter_query[authors][all_in_array][]=Bob"))
    assert.equal("2,3", found("filter_query[authors][in_array][]=Ann&" ..
                              "filter_query[authors][in_array][]=Bob"))
    assert.equal("2,3", query("authors", "exists", "1"))
    assert.equal("1,4,5", query("authors", "exists", "false"))
    assert.equal("2,4", found("filter_query[__or][][title][in]=Terms&" ..
                              "filter_query[__or][][words][lt_int]=10"))
    assert.equal("2", found("filter_query[__or][0][title][in]=Terms&" ..
      "filter_query[__or][1][words][lt_int]=10&" ..
      "filter_query[authors][exists]=1"))
    assert.equal("2", query("live", "is", "true"))
    assert.equal("1,4,5", query("title", "is", "empty"))
    assert.equal("2,3", query("title", "is", "not_empty"))
    assert.equal("1,5", query("title", "is", "null"))
    assert.equal("2,3,4", query("title", "is", "not_null"))
  end)

  it("refuse filters that are wrong", function()
    for _, query in ipairs {
      "in_workflow_stages=x", "by_ids=1,,2", "by_ids=0", "by_ids=1.5",
      "is_published=perhaps", "filter_query[title][near]=x",
      "filter_query[title]=x", "filter_query[title][is]=odd",
      "filter_query[a'b][in]=x", "sort_by=name:up", "sort_by=na'me",
      "page=0", "page=-1", "per_page=x", "has_workflow_stages=x",
    } do
      local answer = space:get("/stories?" .. query)
      assert.equal(400, answer.status, query)
      assert.equal("string", type(answer.json.error), query)
    end
  end)

  it("meet several filters at once", function()
    assert.equal("2", found("starts_with=legal/&in_workflow_stages=21,22" ..
                            "&is_published=1&filter_query[words][gt_int]=1"))
  end)

  it("are sorted", function()
    local function sorted(by)
      return http.names(space:get("/stories?sort_by=" .. by).json.stories,
                        "full_slug")
    end
    assert.equal("blog/one,blog/two,legal,legal/privacy,legal/terms",
                 sorted "full_slug")
    assert.equal("legal/terms,legal/privacy,legal,blog/two,blog/one",
                 sorted "full_slug:desc")
    assert.truthy(sorted "title:desc":find "^legal/terms,legal/privacy")
  end)

  it("come in pages with total and per_page as headers", function()
    local answer = space:get "/stories?per_page=2&page=2"
    assert.equal("5", answer.headers.total)
    assert.equal("2", answer.headers.per_page)
    assert.equal("2", answer.headers["per-page"])
    assert.equal("legal/privacy,blog/one",
                 http.names(answer.json.stories, "full_slug"))
    assert.equal("25", space:get("/stories").headers.per_page)
    assert.equal("100", space:get("/stories?per_page=5000")
                        .headers.per_page)
  end)

  it("give an empty array past the end", function()
    for _, page in ipairs { "4", "999999999999" } do
      local answer = space:get("/stories?per_page=2&page=" .. page)
      assert.equal(200, answer.status)
      assert.equal('{"stories":[]}', answer.text)
      assert.equal("5", answer.headers.total)
    end
  end)

  it("are read one by one, with content", function()
    local story = space:get("/stories/2").json.story
    assert.equal("Terms", story.content.title)
    assert.same({ workflow_id = 20, workflow_stage_id = 21, story_id = 2,
                  due_date = http.null,
                  created_at = story.stage.created_at }, story.stage)
    assert.equal(http.null, space:get("/stories/1").json.story.stage)
    local answer = space:get "/stories/4711"
    assert.equal(404, answer.status)
    assert.same({ "This record could not be found" }, answer.json)
  end)

  it("have members of their own one by one", function()
    local story = space:get("/stories/2").json.story
    for _, name in ipairs { "content_type", "release_ids",
                            "content_summary" } do
      assert.is_nil(story[name], name)
    end
    assert.equal("article", story.content.component)
    assert.same({}, story.user_ids)
    assert.same({}, story.space_role_ids)
    assert.is_false(story.is_scheduled)
    assert.equal("string", type(story.preview_token.token))
    assert.is_true(story.published)
    assert.equal(http.null, space:get("/stories/1").json.story.published)
  end)

  it("know their stage's due date and its beginning", function()
    assert.same({ workflow_id = 20, workflow_stage_id = 22, story_id = 3,
                  due_date = "2026-12-01T10:00:00.000Z",
                  created_at = "2026-01-05T00:00:00.000Z" },
                space:get("/stories?by_ids=3").json.stories[1].stage)
  end)
end)

describe("the stage of a story", function()
  local function stage_of(option, path, field)
    local server = http.start { seed = snapshot(), story_stage = option }
    local story = http.client(server):get(path).json
    server:stop()
    return (story.story or story.stories[1]).stage[field]
  end

  it("comes with names where the option says so", function()
    local server = http.start { seed = snapshot(), story_stage = "names" }
    assert.same({ workflow_id = 20, workflow_stage_id = 21,
                  workflow_name = "Article", workflow_stage_name = "Drafting",
                  workflow_stage_color = "#111111" },
                http.client(server):get("/stories/2").json.story.stage)
    server:stop()
  end)

  it("comes in one shape where the option says so", function()
    for _, path in ipairs { "/stories/2", "/stories/3", "/stories?by_ids=2",
                            "/stories?by_ids=3" } do
      assert.equal("Article", stage_of("names", path, "workflow_name"))
      assert.is_nil(stage_of("change", path, "workflow_name"))
    end
  end)

  it("comes in both by option: by id, and in lists the other way", function()
    local both = "alternate"
    assert.equal("Article", stage_of(both, "/stories/2", "workflow_name"))
    assert.is_nil(stage_of(both, "/stories/3", "workflow_name"))
    assert.is_nil(stage_of(both, "/stories?by_ids=2", "workflow_name"))
    assert.equal("Article",
                 stage_of(both, "/stories?by_ids=3", "workflow_name"))
    assert.is_nil(stage_of(nil, "/stories/2", "workflow_name"))
  end)

  it("is null, absent or an object of nulls where there is none", function()
    local function none(option, shape)
      local server <close> = http.start { seed = snapshot(),
                                          no_stage = option,
                                          story_stage = shape }
      local space = http.client(server)
      return space:get("/stories/1").json.story.stage,
             space:get("/stories?by_ids=1").json.stories[1].stage
    end
    assert.same({ http.null, http.null }, { none "null" })
    local single, listed = none "absent"
    assert.is_nil(single)
    assert.equal(http.null, listed)
    for _, shape in ipairs { "change", "names" } do
      single, listed = none("nulls", shape)
      assert.same(single, listed)
      local members = 0
      for _, value in pairs(single) do
        assert.equal(http.null, value)
        members = members + 1
      end
      assert.equal(5, members)
    end
  end)
end)

describe("stories written", function()
  local server, space, ids

  before_each(function()
    server = http.start { seed = {} }
    space = http.client(server)
    ids = http.stages(server, "Article")
  end)
  after_each(function() server:stop() end)

  local function create(slug, component)
    local answer = space:post("/stories", { story = { name = slug,
      slug = slug, content = { component = component } } })
    assert.equal(201, answer.status, answer.text)
    return answer.json.story
  end

  local function reach(story, stage)
    space:post("/workflow_stage_changes", { workflow_stage_change = {
      story_id = math.tointeger(story.id), workflow_stage_id = stage } })
  end

  it("enter the default stage of the workflow of their type", function()
    local story = create("a", "article")
    local kept = server:dump().spaces[1].stories[1]
    assert.equal(ids.Drafting, kept.stage.workflow_stage_id)
    assert.equal(story.id, kept.id)
    create("b", "page")
    assert.equal(http.stages(server, "Default").Drafting,
                 server:dump().spaces[1].stories[2].stage.workflow_stage_id)
    assert.equal(2, server:stats().effects.stories)
    assert.equal(0, server:stats().webhooks)
  end)

  it("have no stage where their workflow has no default one", function()
    space:put("/workflow_stages/" .. ids.Drafting,
              { workflow_stage = { is_default = false } })
    assert.equal(http.null, create("a", "article").stage)
  end)

  it("cannot be written in a stage that locks editing", function()
    local story = create("a", "article")
    local path = ("/stories/%d"):format(story.id)
    assert.equal(200, space:put(path, { story = { name = "B" } }).status)
    space:put("/workflow_stages/" .. ids.Drafting,
              { workflow_stage = { story_editing_locked = true } })
    assert.equal(422, space:put(path, { story = { name = "C" } }).status)
    assert.equal("B", space:get(path).json.story.name)
  end)

  it("move on when they are published where their stage says so", function()
    space:put("/workflow_stages/" .. ids.Ready,
              { workflow_stage = { after_publish_id = ids.Drafting } })
    local story = create("a", "article")
    reach(story, ids.Review)
    reach(story, ids.Ready)
    local answer = space:get(("/stories/%d/publish"):format(story.id))
    assert.equal(200, answer.status)
    assert.is_true(answer.json.story.published)
    assert.equal(ids.Drafting, answer.json.story.stage.workflow_stage_id)
  end)

  it("are published by a body that asks for it", function()
    space:put("/workflow_stages/" .. ids.Drafting,
              { workflow_stage = { after_publish_id = ids.Review } })
    for _, publish in ipairs { 1, true } do
      local story = create("a" .. tostring(publish), "article")
      local path = ("/stories/%d"):format(story.id)
      local again = space:put(path, { story = { name = "B" }, publish = 0 })
      assert.is_false(again.json.story.published)
      again = space:put(path, { story = { name = "C" }, publish = publish })
      assert.is_true(again.json.story.published)
      assert.equal(ids.Review, again.json.story.stage.workflow_stage_id)
    end
    local made = space:post("/stories", { publish = 1, story = {
      name = "b", slug = "b", content = { component = "article" } } })
    assert.equal(201, made.status)
    assert.is_true(made.json.story.published)
  end)

  it("that may not be published are not written either", function()
    local story = create("a", "article")
    space:put("/workflow_stages/" .. ids.Drafting, { workflow_stage = {
      allow_publish = false, allow_admin_publish = false } })
    local path = ("/stories/%d"):format(story.id)
    local answer = space:put(path, { story = { name = "B" }, publish = 1 })
    assert.equal(422, answer.status)
    assert.equal("a", space:get(path).json.story.name)
    answer = space:post("/stories", { publish = 1, story = {
      name = "b", slug = "b", content = { component = "article" } } })
    assert.equal(422, answer.status)
    assert.equal("1", space:get("/stories").headers.total)
  end)

  it("are deleted", function()
    local story = create("a", "article")
    assert.equal(200, space:delete(("/stories/%d"):format(story.id)).status)
    assert.equal("0", space:get("/stories").headers.total)
  end)
end)
