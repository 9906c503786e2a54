-- The filters of stories that stories_spec does not try, orders, releases,
-- and publishing.
local http = require "sandbox.http"

local function snapshot()
  return { users = { { id = 500, userid = "me@example.com" } },
    spaces = { { id = http.SPACE,
      releases = { { id = 7, name = "Spring", stages = {
        { story_id = 3, workflow_stage_id = 22,
          due_date = "2027-01-01T00:00:00.000Z",
          created_at = "2026-02-02T00:00:00.000Z" } } },
                   { id = 8, name = "Autumn" } },
      workflows = {
        { id = 20, name = "Article", content_types = { "article" },
          stages = { { id = 21, name = "Drafting", color = "#111111",
                       is_default = true, workflow_stage_ids = { "Ready" },
                       allow_admin_publish = false },
                     { id = 22, name = "Ready", color = "#222222",
                       allow_publish = true, allow_all_stages = true } } },
      },
      stories = {
        { id = 1, full_slug = "legal", name = "Legal", is_folder = true,
          position = 3 },
        { id = 2, full_slug = "legal/terms", pinned = true, position = 2,
          last_author_id = 500, favourites = { 500, 501 }, stage = "Ready",
          uuid = "00000000-0000-4000-8000-00000000000b",
          content = { component = "article", price = "9", ref =
            "00000000-0000-4000-8000-00000000000a" } },
        { id = 3, full_slug = "legal/old", position = 1, stage = "Drafting",
          release_ids = { 7 },
          publish_at = "2026-05-05T10:00:00.000Z", schedule_status = "planned",
          uuid = "00000000-0000-4000-8000-00000000000a",
          content = { component = "article", price = "10" } },
        { id = 4, full_slug = "gone", deleted_at =
            "2026-01-01T00:00:00.000Z" },
        { id = 5, full_slug = "news", is_folder = true, position = 0 },
        { id = 6, full_slug = "news/sub", is_folder = true, position = 0 },
      },
    } } }
end

local server, space

before_each(function()
  server = http.start { seed = snapshot() }
  space = http.client(server)
end)
after_each(function() server:stop() end)

local function found(query)
  local answer = space:get("/stories?" .. query)
  assert.equal(200, answer.status, answer.text)
  local ids = {}
  for i, story in ipairs(answer.json.stories) do
    ids[i] = ("%d"):format(story.id)
  end
  return table.concat(ids, ",")
end

describe("lists of stories", function()
  it("leave out what is in the trash, or are of it alone", function()
    assert.equal("1,2,3,5,6", found "")
    assert.equal("4", found "in_trash=true")
    assert.equal(200, space:delete("/stories/3").status)
    assert.equal("3,4", found "in_trash=1")
    assert.equal(404, space:get("/stories/3").status)
    assert.equal(404, space:post("/workflow_stage_changes", {
      workflow_stage_change = { story_id = 3, workflow_stage_id = 22 } })
      .status)
  end)

  it("are of a folder, of the top level, or of folders there", function()
    assert.equal("2,3", found "with_parent=1")
    assert.equal("6", found "with_parent=5")
    assert.equal("1,5", found "with_parent=0")
    assert.equal("1,5", found "root_folders_only=1")
    assert.equal(1, space:get("/stories/2").json.story.parent_id)
    assert.equal(0, space:get("/stories/1").json.story.parent_id)
  end)

  it("are of those pinned, written or marked by the caller", function()
    assert.equal("2", found "pinned=1")
    assert.equal("1,3,5,6", found "pinned=0")
    assert.equal("2", found "mine=true")
    assert.equal("2", found "favourite=true")
    space:put("/stories/3", { story = { name = "Old" } })
    assert.equal("2,3", found "mine=1")
  end)

  it("are of those that refer to a story, or are scheduled", function()
    assert.equal("2", found
      "reference_search=00000000-0000-4000-8000-00000000000a")
    assert.equal("3", found "scheduled_at_gt=2026-05-05+09:59")
    assert.equal("", found "scheduled_at_lt=2026-05-05+09:59")
    assert.equal("3", found "scheduled_by_status=planned")
    assert.is_true(space:get("/stories/3").json.story.is_scheduled)
  end)

  it("are in the order of the uuids that are asked for", function()
    local a, b = "00000000-0000-4000-8000-00000000000a",
                 "00000000-0000-4000-8000-00000000000b"
    assert.equal("3,2", found("by_uuids_ordered=" .. a .. "," .. b))
    assert.equal("2,3", found("by_uuids_ordered=" .. b .. "," .. a))
    assert.equal("2,3", found("by_uuids=" .. a .. "," .. b))
    assert.equal(400, space:get("/stories?by_uuids_ordered='").status)
  end)

  it("are sorted by several fields, as numbers, with nulls where asked",
     function()
    assert.equal("5,6,3,2,1", found "sort_by=position:asc,id:asc")
    assert.equal("6,5,3,2,1", found "sort_by=position,id:desc")
    assert.equal("3,2", found "sort_by=content.price&in_workflow_stages=21,22")
    assert.equal("2,3", found(
      "sort_by=content.price:asc:int&in_workflow_stages=21,22"))
    assert.equal("3,2", found(
      "sort_by=content.price:desc:float&in_workflow_stages=21,22"))
    assert.equal("1,5,6,3,2", found "sort_by=price:asc:nulls_first")
    assert.equal("3,2,1,5,6", found "sort_by=price:asc:nulls_last")
    assert.equal("5,6,3,2,1", found "custom_sorting=1")
    assert.equal(400, space:get("/stories?sort_by=price:up").status)
  end)

  it("hold a summary, alternates and translations where asked", function()
    local one = space:get("/stories?by_ids=2").json.stories[1]
    assert.equal(http.null, one.content_summary)
    assert.is_nil(one.alternates)
    one = space:get("/stories?by_ids=2&with_summary=1&with_alts=1&" ..
                    "with_translated_stories=1").json.stories[1]
    assert.equal("9", one.content_summary.price)
    assert.same({}, one.alternates)
    assert.same({}, one.translated_stories)
  end)

  it("of a branch are refused: the space has none", function()
    assert.equal(400, space:get("/stories?branch_id=1").status)
  end)
end)

describe("a release", function()
  it("has stages of its own, in lists and single stories", function()
    assert.equal("3", found "in_workflow_stages=21")
    assert.equal("", found "in_workflow_stages=21&release_id=7")
    assert.equal("2,3", found "in_workflow_stages=22&release_id=7")
    assert.equal("3", found "in_release=7")
    local stage = space:get("/stories/3?release_id=7").json.story.stage
    assert.same({ workflow_id = 20, workflow_stage_id = 22, story_id = 3,
                  due_date = "2027-01-01T00:00:00.000Z",
                  created_at = "2026-02-02T00:00:00.000Z" }, stage)
    assert.equal(21, space:get("/stories/3").json.story.stage
                     .workflow_stage_id)
    assert.equal(403, space:get("/stories?release_id=99").status)
    assert.equal(403, space:get("/stories/3?release_id=99").status)
  end)

  it("takes a change that leaves the story's own stage", function()
    local answer = space:post("/workflow_stage_changes", {
      workflow_stage_change = { story_id = 2, workflow_stage_id = 21 },
      release_id = 8 })
    assert.equal(201, answer.status)
    assert.equal("2", found "in_workflow_stages=22")
    assert.equal("2,3", found "in_workflow_stages=21&release_id=8")
    assert.equal("2", found "in_release=8")
    assert.equal(422, space:post("/workflow_stage_changes", {
      workflow_stage_change = { story_id = 2, workflow_stage_id = 21 },
      release_id = 99 }).status)
    assert(server:load(server:dump()))
    assert.equal("2,3", found "in_workflow_stages=21&release_id=8")
    assert.equal(204, space:delete("/workflow_stages/21").status)
    assert.equal("2", found "in_workflow_stages=22&release_id=8")
  end)

  it("decides about the next stage by its own", function()
    local function move(release)
      return space:post("/workflow_stage_changes", {
        workflow_stage_change = { story_id = 3, workflow_stage_id = 21 },
        release_id = release }).status
    end
    space:put("/workflow_stages/22", { workflow_stage = {
      allow_all_stages = false, allow_none_for_next_stages = true } })
    assert.equal(201, move(http.null))
    assert.equal(201, move(8))
    assert.equal(403, move(7))
  end)
end)

describe("publishing", function()
  it("is a GET with an effect, and so is taking it back", function()
    local answer = space:get "/stories/2/publish"
    assert.equal(200, answer.status)
    assert.is_true(answer.json.story.published)
    answer = space:get "/stories/2/unpublish"
    assert.equal(200, answer.status)
    assert.is_false(answer.json.story.published)
    assert.equal(2, server:stats().updates.stories)
    assert.equal(404, space:get("/stories/99/publish").status)
    assert.equal(422, space:get("/stories/3/publish").status)
  end)

  it("of other languages does not change the default one", function()
    assert.is_false(space:get("/stories/2/publish?lang=de,fr").json.story
                    .published)
    assert.is_true(space:get("/stories/2/publish?lang=de,%5Bdefault%5D").json
                   .story.published)
    assert.is_true(space:get("/stories/2/unpublish?lang=de").json.story
                   .published)
    assert.equal(403, space:get("/stories/2/publish?release_id=99").status)
  end)

  it("marks what is written later as not published yet", function()
    space:get "/stories/2/publish"
    space:put("/stories/2", { story = { name = "T" } })
    assert.is_true(space:get("/stories/2").json.story.unpublished_changes)
    space:get "/stories/2/publish"
    assert.is_false(space:get("/stories/2").json.story.unpublished_changes)
  end)
end)
