--- The checks of a probe: each finds out which reading of the documentation
-- holds in a space. `option` is the sandbox option that has both readings;
-- `find` returns its value, or nil and the reason why it is unknown. The order
-- matters: later checks use the changes that earlier ones have made.
local cjson = require "cjson".new()
local objects = require "workstage.tool.probe.objects"

local checks = {}

-- A key of the check's list of readings; the first one is documented.
local function check(option, statement, readings, find)
  checks[#checks + 1] = { option = option, statement = statement,
                          readings = readings, find = find }
end

local CHANGES = "/workflow_stage_changes"

-- Tries to move the probe's story; nil: to no stage.
local function move(session, stage)
  local body, err = session:send("POST", CHANGES, { body = ([[
    {"workflow_stage_change":{"story_id":%d,"workflow_stage_id":%s}}]])
    :format(session.made.story, stage or "null") })
  if not body then return nil, err end
  local change = body.workflow_stage_change or {}
  session.first_change = session.first_change or change.id
  return true
end

local function stage_path(session, name)
  return ("/workflow_stages/%d"):format(session.made[name])
end

local function update(session, name, attributes)
  return session:send("PUT", stage_path(session, name),
                      { body = { workflow_stage = attributes } })
end

local function reason(err)
  return tostring(err)
end

-- ------------------------------------------------------------ stories, lists

-- Null and an absent member differ only in the text of a response.
local function read_story(session)
  local call, err = session.client.transport:send("GET",
    ("%s/stories/%d"):format(session.prefix, session.made.story))
  if not call then return nil, err end
  session:count()
  local good, body = pcall(cjson.decode, call:body())
  call:close()
  if good and type(body) == "table" and type(body.story) == "table" then
    return body.story
  end
  return nil, "the response has no story"
end

check("no_stage", "stage of a story that has none", {
  { "null", "null" }, { "absent", "left out" },
  { "nulls", "an object of nulls" },
}, function(session)
  local story, err = read_story(session)
  if not story then return nil, reason(err) end
  if story.stage == nil then return "absent" end
  if story.stage == cjson.null then return "null" end
  if type(story.stage) == "table" and
     (story.stage.workflow_stage_id or cjson.null) == cjson.null then
    return "nulls"
  end
  return nil, "the new story has a stage"
end)

local function shape_of(story)
  local stage = story and story.stage
  if type(stage) ~= "table" then return nil end
  return stage.workflow_name and "names" or stage.story_id and "change"
end

check("story_stage", "members of a story's stage", {
  { "change", "story, due date and date" }, { "names", "names and colour" },
  { "alternate", "different in lists and in single stories" },
}, function(session)
  local moved, err = move(session, session.made.b)
  if not moved then return nil, reason(err) end
  local one
  one, err = session:send("GET", ("/stories/%d"):format(session.made.story))
  if not one then return nil, reason(err) end
  local list
  list, err = session:send("GET", "/stories",
                           { query = { by_ids = { session.made.story } } })
  if not list then return nil, reason(err) end
  local single = shape_of(one.story)
  local listed = shape_of(list.stories and list.stories[1])
  if not single or not listed then return nil, "the story shows no stage" end
  return single == listed and single or "alternate"
end)

check("max_per_page", "the largest page of stories", {
  { 100, "100" }, { 1000, "1000" },
}, function(session)
  local list, err, headers = session:send("GET", "/stories",
                                          { query = { per_page = 1000 } })
  if not list then return nil, reason(err) end
  session.list, session.list_headers = list.stories or {}, headers
  local size = tonumber(headers.per_page or headers["per-page"])
  if size then return size end
  return nil, "the response does not say how large its page is"
end)

check("paging_headers", "names of the paging headers", {
  { "both", "per_page and Per-Page" }, { "underscore", "per_page" },
  { "hyphen", "Per-Page" }, { "none", "none are sent" },
}, function(session)
  local headers = session.list_headers
  if not headers then return nil, "the list of stories could not be read" end
  local underscore, hyphen = headers.per_page, headers["per-page"]
  return underscore and hyphen and "both" or underscore and "underscore" or
         hyphen and "hyphen" or "none"
end)

local function has_nested(stories)
  for _, story in ipairs(stories) do
    if math.type(story.parent_id) == "integer" and story.parent_id > 0 then
      return true
    end
  end
  return false
end

check("with_parent_zero", "with_parent=0 in a list of stories", {
  { "filter", "only stories of the top level" }, { "ignore", "no effect" },
}, function(session)
  if not has_nested(session.list or {}) then
    return nil, "the space has no story in a folder"
  end
  local list, err = session:send("GET", "/stories", {
    query = { with_parent = 0, per_page = 100 } })
  if not list then return nil, reason(err) end
  return has_nested(list.stories or {}) and "ignore" or "filter"
end)

-- ----------------------------------------------------------------- workflows

-- True if a filter leaves only the probe's workflow.
local function is_filtered(session, name)
  local body, err = session:send("GET", "/workflows", {
    query = { [name] = session.made.content_type } })
  if not body then return nil, err end
  return #(body.workflows or {}) == 1
end

check("content_type_filter", "the filter of workflows by content type", {
  { "both", "content_type and by_content_type" },
  { "content_type", "content_type" },
  { "by_content_type", "by_content_type" },
}, function(session)
  local new, err = is_filtered(session, "content_type")
  if new == nil then return nil, reason(err) end
  local old
  old, err = is_filtered(session, "by_content_type")
  if old == nil then return nil, reason(err) end
  return new and old and "both" or new and "content_type" or
         old and "by_content_type" or nil,
         "neither content_type nor by_content_type has an effect"
end)

-- -------------------------------------------------------------------- stages

check("update_status", "status of a stage's update", {
  { 204, "204" }, { 200, "200, with the stage" },
}, function(session)
  local done, status = update(session, "a",
                              { allow_none_for_next_stages = true,
                                allow_all_stages = false })
  if not done then return nil, reason(status) end
  return status
end)

check("put", "attributes that a PUT leaves out", {
  { "keep", "stay" }, { "reset", "are reset to their defaults" },
}, function(session)
  local body, err = session:send("GET", stage_path(session, "a"))
  if not body then return nil, reason(err) end
  session.stage = body.workflow_stage or {}
  for name, value in pairs(objects.STAGE) do
    if session.stage[name] ~= value then return "reset" end
  end
  return "keep"
end)

check("extra_fields", "a stage has _new and _destroy", {
  { false, "no" }, { true, "yes" },
}, function(session)
  if not session.stage then return nil, "the stage could not be read" end
  return session.stage._new ~= nil
end)

-- Creates a further stage. Returns false if the service accepts it, true if
-- it refuses it because of `field` (nil: any field).
local function refuses(session, attributes, field)
  attributes.workflow_id = session.made.workflow
  local body, err = session:send("POST", "/workflow_stages",
                                 { body = { workflow_stage = attributes } })
  if body then return false end
  if err.status == 422 and (not field or err.fields and err.fields[field])
  then
    return true
  end
  return nil, reason(err)
end

check("unique_names", "two stages of a workflow with one name", {
  { true, "refused" }, { false, "accepted" },
}, function(session)
  return refuses(session, { name = "B", color = "#16a34a" }, "name")
end)

check("unique_colors", "two stages of a workflow with one colour", {
  { true, "refused" }, { false, "accepted" },
}, function(session)
  return refuses(session, { name = "C", color = "#db2777" }, "color")
end)

local NO_STAGE = 281474976710657 -- an id that no stage has

check("references", "a transition to a stage that does not exist", {
  { false, "accepted" }, { true, "refused" },
}, function(session)
  return refuses(session, { name = "D", color = "#9333ea",
                            workflow_stage_ids = { NO_STAGE } })
end)

check("not_found", "body of a 404 for a stage", {
  { "array", "an array" }, { "error", "an object with error" },
}, function(session)
  local body, err = session:send("GET", ("/workflow_stages/%d")
                                 :format(NO_STAGE))
  if body then return nil, "the stage exists" end
  if err.status ~= 404 then return nil, reason(err) end
  return (err.body or ""):find "^%s*%[" and "array" or "error"
end)

-- ------------------------------------------------------------------- changes

check("transitions", "a move that the stage does not allow", {
  { 403, "refused with 403" }, { 422, "refused with 422" },
  { false, "allowed" },
}, function(session)
  if not session.stage or not session.stage.allow_none_for_next_stages then
    return nil, "the stage could not be set to allow no moves"
  end
  local moved, err = move(session, session.made.a)
  if not moved then return nil, reason(err) end
  moved, err = move(session, session.made.b)
  if moved then return false end
  if err.status == 403 or err.status == 422 then return err.status end
  return nil, reason(err)
end)

check("null_stage_change", "a change to no stage", {
  { "refuse", "refused" }, { "clear", "takes the story out of its stage" },
}, function(session)
  local moved, err = move(session, nil)
  if moved then return "clear" end
  if err.status == 422 or err.status == 403 or err.status == 400 then
    return "refuse"
  end
  return nil, reason(err)
end)

check("changes_order", "order of a story's changes", {
  { "newest", "the newest first" }, { "oldest", "the oldest first" },
}, function(session)
  local body, err = session:send("GET", CHANGES,
                                 { query = { with_story =
                                             session.made.story } })
  if not body then return nil, reason(err) end
  local list = body.workflow_stage_changes or {}
  if #list < 2 then return nil, "the list has fewer than two changes" end
  return list[1].id == session.first_change and "oldest" or
         list[#list].id == session.first_change and "newest" or nil,
         "the list has no order by date"
end)

check("with_story", "a list of changes without with_story", {
  { "required", "refused" }, { "optional", "lists changes" },
}, function(session)
  local body, err = session:send("GET", CHANGES)
  if body then return "optional" end
  if err.status == 400 or err.status == 422 then return "required" end
  return nil, reason(err)
end)

check("rate_headers", "X-RateLimit headers are sent", {
  { false, "no" }, { true, "yes" },
}, function(session)
  return session.has_rate_headers
end)

--- Statements that a probe cannot decide, and why.
checks.UNTESTED = {
  { "what the rate limit counts by, and whether rejected requests count",
    "would need several tokens, and 429s" },
  { "the status when the default workflow is deleted",
    "would remove it if it is not refused" },
  { "who may move stories out of a stage",
    "depends on the role of each user" },
}

return checks
