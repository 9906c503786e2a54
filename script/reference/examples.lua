--- An example for each function and method of the reference, by its name there.
-- spec/docs/reference_examples_spec.lua runs them against a sandbox. `space`
-- and `ox` are clients; `workstage`, `migration`, `history`, `time`, `log` and
-- `sandbox` are the modules.
local examples = {}

local function add(name, code)
  examples[name] = code:gsub("^\n", ""):gsub("%s+$", "\n")
end

-- ------------------------------------------------------------- Storyblok

add("space:whoami", [[
local user = assert(space:whoami())
print(user.friendly_name, user.email)
]])

add("space:info", [[
local info = assert(space:info())
print(info.name, info.plan, info.role)
]])

add("space:request", [[
local body, status = assert(space:request("GET",
  ("/v1/spaces/%d/space_roles"):format(space.space_id),
  { query = { search = "Role" }, deadline = 10 }))
print(status, #body.space_roles)
]])

add("space:close", [[
space:close()
local stages, err = space.stages:list()
print(stages, err)           -- nil, and the error "the client is closed"
]])

add("space.changes:list", [[
local story = assert(space.stories:page { per_page = 1 })[1]
local changes = assert(space.changes:list { with_story = story.id })
for _, change in ipairs(changes) do
  print(change.created_at, change.workflow_stage_id)
end
]])

add("space.changes:page", [[
local story = assert(space.stories:page { per_page = 1 })[1]
local page = assert(space.changes:page { with_story = story.id, page = 1 })
print(#page, page.total)
]])

add("space.changes:each", [[
local story = assert(space.stories:page { per_page = 1 })[1]
for change in space.changes:each { with_story = story.id } do
  print(change.created_at, change.user_id)
end
]])

add("space.changes:create", [[
local review = assert(space.stages:find "Review")
local story = assert(space.stories:page { per_page = 1 })[1]
local change = assert(space.changes:create {
  story_id = story.id, workflow_stage_id = review.id,
  due_date = "2026-12-01T10:00:00.000Z",
  comment = { message = "please check" },
})
print(change.id, change.created_at)
]])

add("space.collaborators:list", [[
for _, each in ipairs(assert(space.collaborators:list())) do
  print(each.role, each.user and each.user.friendly_name)
end
]])

add("space.collaborators:page", [[
local page = assert(space.collaborators:page { per_page = 10 })
print(#page, page.total)
]])

add("space.collaborators:each", [[
for each in space.collaborators:each { search = "user" } do
  print(each.user_id, each.role)
end
]])

add("space.releases:list", [[
for _, release in ipairs(assert(space.releases:list())) do
  print(release.id, release.name, release.release_at)
end
]])

add("space.roles:list", [[
for _, role in ipairs(assert(space.roles:list())) do
  print(role.id, role.role)
end
]])

add("space.stages:list", [[
local article = assert(space.workflows:find "Article")
for _, stage in ipairs(assert(space.stages:list {
  in_workflow = article.id,
})) do
  print(stage.position, stage.name, stage.color)
end
]])

add("space.stages:find", [[
local article = assert(space.workflows:find "Article")
local review = assert(space.stages:find("Review",
                                        { in_workflow = article.id }))
print(review.id)

local missing, err = space.stages:find "Reviw"
print(missing, err.kind, err)   -- nil, "not_found", and the stages there are
]])

add("space.stages:get", [[
local id = assert(space.stages:find "Review").id
local stage, err = space.stages:get(id)
if not stage and err.kind == "not_found" then
  print "it was deleted"
else
  print(assert(stage, err).name)
end
]])

add("space.stages:create", [[
local article = assert(space.workflows:find "Article")
local legal, err = space.stages:create {
  name = "Legal", color = "#4a90e2", workflow_id = article.id,
  allow_all_users = true, allow_publish = false,
}
if legal then print(legal.id)
elseif err.ambiguous then print "it may exist: look before you repeat it"
else print(err, err.fields and err.fields.name) end
]])

add("space.stages:update", [[
local review = assert(space.stages:find "Review")
review.color = "#ffa500"
review.allow_publish = true
assert(space.stages:update(review.id, review))  -- all that was read
]])

add("space.stages:delete", [[
local article = assert(space.workflows:find "Article")
local legal = assert(space.stages:create {
  name = "Legal", color = "#4a90e2", workflow_id = article.id,
})
assert(space.stages:delete(legal.id))
]])

add("space.stories:list", [[
local review = assert(space.stages:find "Review")
local stories = assert(space.stories:list(
  { in_workflow_stages = { review.id }, starts_with = "blog/" },
  { only = { "full_slug" } }))
print(#stories)
]])

add("space.stories:page", [[
local review = assert(space.stages:find "Review")
local page = assert(space.stories:page {
  in_workflow_stages = { review.id }, per_page = 1,
})
print(page.total .. " stories in Review")
]])

add("space.stories:each", [[
local old = assert(space.stages:find "Old review")
local review = assert(space.stages:find "Review")
for story in space.stories:each { in_workflow_stages = { old.id } } do
  assert(space.changes:create {
    story_id = story.id, workflow_stage_id = review.id,
  })
end
]])

add("space.stories:get", [[
local id = assert(space.stories:page { per_page = 1 })[1].id
local story = assert(space.stories:get(id))
print(story.full_slug, story.stage and story.stage.workflow_stage_id)
]])

add("space.stories:publish", [[
local ready = assert(space.stages:find "Ready")
local story = assert(space.stories:page {
  in_workflow_stages = { ready.id }, per_page = 1 })[1]
local published, err = space.stories:publish(story.id)
if not published and err.ambiguous then
  print "it may be published: the response was lost"
else
  print(assert(published, err).published)
end
]])

add("space.stories:unpublish", [[
local story = assert(space.stories:page { per_page = 1 })[1]
print(assert(space.stories:unpublish(story.id)).published)
]])

add("space.workflows:list", [[
for _, workflow in ipairs(assert(space.workflows:list {
  include_stages = true,
})) do
  print(workflow.name, #workflow.workflow_stages)
end
]])

add("space.workflows:find", [[
local article = assert(space.workflows:find "Article")
print(article.id, table.concat(article.content_types, ", "))
]])

add("space.workflows:get", [[
local id = assert(space.workflows:find "Article").id
local article = assert(space.workflows:get(id, { include_stages = true }))
print(article.name, #article.workflow_stages)
]])

add("space.workflows:create", [[
local news = assert(space.workflows:create {
  name = "News", content_types = { "news" },
  workflow_stages = { { name = "Draft", color = "#babcb6" },
                      { name = "Live", color = "#7ed321" } },
})
print(news.id)
]])

add("space.workflows:update", [[
local article = assert(space.workflows:find "Article")
assert(space.workflows:update(article.id, {
  name = "Articles", content_types = article.content_types,
}))
]])

add("space.workflows:delete", [[
local news = assert(space.workflows:create {
  name = "News", content_types = { "news" },
  workflow_stages = { { name = "Draft", color = "#babcb6" } },
})
assert(space.workflows:delete(news.id))
]])

add("space.workflows:duplicate", [[
local article = assert(space.workflows:find "Article")
local copy = assert(space.workflows:duplicate(article.id, {
  name = "Page", content_types = { "page" },
}))
print(copy.id)
]])

-- --------------------------------------------------------------- Kantata

add("ox:whoami", [[
local user = assert(ox:whoami())
print(user.full_name, user.email_address)
]])

add("ox:request", [[
local body, status = assert(ox:request("GET", "/users/me"))
print(status, body.count)
]])

add("ox:close", [[
ox:close()
print(select(2, ox.workspaces:list()))   -- the client is closed
]])

add("ox.changes:list", [[
local project = assert(ox.workspaces:page { per_page = 1 })[1]
for _, change in ipairs(assert(ox.changes:list {
  workspace_id = project.id, include = { "user" },
})) do
  print(change.created_at, change.to_message, change.user.full_name)
end
]])

add("ox.changes:page", [[
local project = assert(ox.workspaces:page { per_page = 1 })[1]
local page = assert(ox.changes:page { workspace_id = project.id })
print(#page, page.total)
]])

add("ox.changes:each", [[
local project = assert(ox.workspaces:page { per_page = 1 })[1]
for change in ox.changes:each { workspace_id = project.id } do
  print(change.from_message, change.to_message)
end
]])

add("ox.changes:get", [[
local project = assert(ox.workspaces:page { per_page = 1 })[1]
local made = assert(ox.changes:create {
  workspace_id = project.id, to_status_key = 605,
})
local change = assert(ox.changes:get(made.id, { include = { "user" } }))
print(change.to_message)
]])

add("ox.changes:create", [[
local done = assert(ox.statuses:find("Completed", "blue"))
local project = assert(ox.workspaces:page { per_page = 1 })[1]
local change, err = ox.changes:create {
  workspace_id = project.id, to_status_key = done.key,
}
if not change and err.ambiguous then
  print "it may have been made: look before you repeat it"
else
  print(assert(change, err).id)
end
]])

add("ox.statuses:list", [[
for _, status in ipairs(ox.statuses:list()) do
  print(status.key, status.message, status.color)
end
]])

add("ox.statuses:find", [[
local progress = assert(ox.statuses:find("In Progress", "green"))
print(progress.key)

local status, err = ox.statuses:find "On Hold"
print(status, err.kind, err)   -- nil, "invalid", and the keys that have it
]])

add("ox.workspaces:list", [[
local projects = assert(ox.workspaces:list {
  matching = "2026", order = "created_at:asc",
})
print(#projects)
]])

add("ox.workspaces:page", [[
local page = assert(ox.workspaces:page { per_page = 1 })
print(page.total .. " projects")
]])

add("ox.workspaces:each", [[
for project in ox.workspaces:each { archived = "include" } do
  print(project.title, project.status and project.status.message)
end
]])

add("ox.workspaces:get", [[
local id = assert(ox.workspaces:page { per_page = 1 })[1].id
local project = assert(ox.workspaces:get(id, { include_archived = true }))
print(project.title, project.due_date)
]])

add("ox.workspaces:update", [[
local project = assert(ox.workspaces:page { per_page = 1 })[1]
assert(ox.workspaces:update(project.id, { title = "Website, phase 2" }))
]])

-- ------------------------------------------------------------- the module

add("workstage.storyblok", [[
local space, err = workstage.storyblok {
  space_id = 288868932106293, token = "your-token",
  rate_limit = 3, max_requests = 10000,
}
if not space then print(err.kind, err) end
]])

add("workstage.storyblok.from_env", [[
local space, err = workstage.storyblok.from_env { rate_limit = 3 }
if not space then print(err) end   -- such as "token: is required; set ..."
]])

add("workstage.kantata", [[
local ox = assert(workstage.kantata { token = "your-token" })
ox:close()
]])

add("workstage.kantata.from_env", [[
local ox, err = workstage.kantata.from_env()
if not ox then print(err) end
]])

add("workstage.map", [[
local review = assert(space.stages:find "Review")
local stories = space.stories:each { starts_with = "blog/" }
local results = workstage.map(stories, function(story)
  return space.changes:create {
    story_id = story.id, workflow_stage_id = review.id,
  }
end, { concurrency = 4 })
print(results.done .. " moved")
for _, failure in ipairs(results.failures) do
  print(failure.item.name, failure.error)
end
]])

add("workstage.run", [[
local stages, roles = workstage.run(function(scope)
  local first = scope:spawn(function() return space.stages:list() end)
  local second = scope:spawn(function() return space.roles:list() end)
  return assert(first:wait()), assert(second:wait())
end)
print(#stages, #roles)
]])

add("loop:spawn", [[
local task = workstage.loop:spawn(function() return space.stages:list() end)
while not task.done do workstage.loop:step(1) end
print(#assert(task:wait()))
]])

add("loop:step", [[
local task = workstage.loop:spawn(function() return space:whoami() end)
repeat workstage.loop:step(0.1) until task.done
]])

add("loop:fileno", [[
local descriptor = workstage.loop:fileno()
print(descriptor)          -- for poll, epoll, libuv ...
]])

add("loop:pollfd", [[
print(workstage.loop:pollfd() == workstage.loop:fileno())
]])

add("loop:events", [[
print(workstage.loop:events())   -- "r": poll the descriptor for reading
]])

add("loop:timeout", [[
local seconds = workstage.loop:timeout()
print(seconds or "no timer")
]])

add("scope:spawn", [[
workstage.run(function(scope)
  for _, name in ipairs { "Review", "Ready" } do
    scope:spawn(function() print(assert(space.stages:find(name)).id) end)
  end
end)
]])

add("scope:cancel", [[
workstage.run(function(scope)
  local task = scope:spawn(function() return space.stories:list() end)
  scope:cancel()
  print(select(2, task:wait()))
end)
]])

add("task:wait", [[
workstage.run(function(scope)
  local task = scope:spawn(function() return space.stages:list() end)
  local stages, err = task:wait()
  print(stages and #stages, err)
end)
]])

add("task:cancel", [[
workstage.run(function(scope)
  local task = scope:spawn(function() return space.stories:list() end)
  task:cancel()
end)
]])

-- ----------------------------------------------------------------- history

add("workstage.history.names", [[
local names = assert(history.names(space))
for id, stage in pairs(names.stages) do
  print(id, stage.workflow, stage.name)
end
]])

add("workstage.history.of", [[
local story = assert(space.stories:page { per_page = 1 })[1]
for _, change in ipairs(assert(history.of(space, story.id))) do
  print(time.format(change.at), change.from, change.stage, change.user)
end
]])

add("workstage.history.standing", [[
for item in history.standing(space, {
  workflow = "Article", stage = "Review", older_than = 14 * 24 * 3600,
}) do
  print(item.slug, math.floor(item.age / 86400) .. " days")
end
]])

add("workstage.history.cost", [[
local requests, items = assert(history.cost(space, { workflow = "Article" }))
print(("%d items take up to %d requests"):format(items, requests))
]])

-- --------------------------------------------------------------- migration

local BLUEPRINT = [[
local blueprint = assert(migration.export(space, "Article"))
blueprint.stages[2].color = "#ffa500"
]]

local PLAN = BLUEPRINT .. [[
local plan = assert(migration.plan(space, blueprint))
]]

add("workstage.migration.export", [[
local blueprint, notes = assert(migration.export(space, "Article"))
assert(migration.write(blueprint, "article.lua"))
for _, note in ipairs(notes) do print(note) end
]])

add("workstage.migration.export_all", [[
local blueprint = assert(migration.export_all(space))
print(#blueprint.workflows .. " workflows")
]])

add("workstage.migration.write", BLUEPRINT .. [[
assert(migration.write(blueprint, "article.lua"))
]])

add("workstage.migration.read", BLUEPRINT .. [[
assert(migration.write(blueprint, "article.lua"))
local read, err = migration.read "article.lua"
if read then print(#read.stages)
else print(err.file, err.line, err) end
]])

add("workstage.migration.check", [[
local good, findings = migration.check {
  workflow = "Article",
  stages = { { name = "Draft", next = { "Reviw" } }, { name = "Review" } },
}
print(good, findings)      -- nil, and: No stage is named "Reviw". ...
]])

add("workstage.migration.plan", BLUEPRINT .. [[
local plan, err = migration.plan(space, blueprint,
                                 { map_role = { Lawyer = "Legal team" } })
if plan then print(plan)
else for _, problem in ipairs(err.problems or {}) do print(problem) end end
]])

add("workstage.migration.load", PLAN .. [[
assert(plan:save "article.plan")
local loaded = assert(migration.load "article.plan")
print(loaded:is_empty())
]])

add("workstage.migration.apply", PLAN .. [[
local report, err = migration.apply(space, plan, {
  journal = "article.journal",
  on_progress = function(progress) print(progress.done, progress.total) end,
})
if report then print(report.complete, report.moved, report.failed)
else print(err.kind, err) end   -- nothing was done: stale, refused, locked
]])

add("workstage.migration.resume", PLAN .. [[
assert(migration.apply(space, plan, { journal = "article.journal",
  should_stop = function() return true end }))
local report = assert(migration.resume(space, "article.journal"))
print(report)
]])

add("workstage.migration.rollback", PLAN .. [[
assert(migration.apply(space, plan, { journal = "article.journal" }))
local report = assert(migration.rollback(space, "article.journal", {
  confirm = function(back) print(back) return true end,
}))
print(report)
]])

add("workstage.migration.progress", PLAN .. [[
assert(migration.apply(space, plan, { journal = "article.journal" }))
local state = assert(migration.progress "article.journal")
print(state.complete, state.moved, state.operations)
]])

add("workstage.migration.open", PLAN .. [[
assert(migration.apply(space, plan, { journal = "article.journal" }))
local session <close> = assert(migration.open("article.journal",
                                              { rollback = true }))
print(session:progress().complete)
assert(migration.rollback(space, session))
]])

add("workstage.migration.rehearse", BLUEPRINT .. [[
local report, err = migration.rehearse(space, blueprint, { faults = 0.05 })
print(report and report.complete, err)   -- the space itself is not changed
]])

add("workstage.migration.graph", PLAN .. [[
print(migration.graph(plan))   -- for Graphviz's dot
]])

add("workstage.migration.report", PLAN .. [[
local html = assert(migration.report(plan))
local file <close> = assert(io.open("plan.html", "w"))
file:write(html)
]])

add("plan:is_empty", PLAN .. [[
if plan:is_empty() then print "nothing to do" end
]])

add("plan:save", PLAN .. [[
assert(plan:save "article.plan")
]])

add("plan:text", PLAN .. [[
print(plan:text { color = true })
]])

add("plan:use_rate", PLAN .. [[
plan:use_rate(3)
print(plan.seconds)
]])

-- ------------------------------------------------------------ time and log

add("workstage.time.parse", [[
print(time.parse "2024-05-29T06:45:58.125Z")   -- 1716965158.125
print(time.parse "2024-02-30T00:00:00Z")       -- nil
]])

add("workstage.time.format", [[
print(time.format(1716965158.125))   -- 2024-05-29T06:45:58.125Z
]])

add("workstage.log.to", [[
local space = assert(workstage.storyblok {
  space_id = 288868932106293, token = "your-token",
  on_event = log.to(io.stdout),
})
space:close()
]])

add("workstage.log.line", [[
local space = assert(workstage.storyblok {
  space_id = 288868932106293, token = "your-token",
  on_event = function(event) print(log.line(event)) end,
})
space:close()
]])

-- ----------------------------------------------------------------- sandbox

local SERVER = [[
local server = assert(sandbox.start { rate_limit = false })
]]

add("workstage.sandbox.start", [[
local server <close> = assert(sandbox.start { seed = { stories = 100 } })
local space = assert(workstage.storyblok {
  space_id = 288868932106293, token = "any", base_url = server.url,
})
print(#assert(space.stages:list()))
]])

add("server:dump", SERVER .. [[
local snapshot = assert(server:dump())
print(#snapshot.spaces[1].stories)
server:stop()
]])

add("server:load", SERVER .. [[
local snapshot = assert(server:dump())
snapshot.spaces[1].name = "Other"
assert(server:load(snapshot))
server:stop()
]])

add("server:inject", SERVER .. [[
assert(server:inject { { method = "POST", close = "after", count = 1 } })
assert(server:inject(false))   -- ends all faults
server:stop()
]])

add("server:requests", SERVER .. [[
for _, request in ipairs(assert(server:requests())) do
  print(request.method, request.path, request.status)
end
server:stop()
]])

add("server:stats", SERVER .. [[
local stats = assert(server:stats())
print(stats.requests, stats.rejected)
server:stop()
]])

add("server:stop", SERVER .. [[
server:stop()
print(server:stats())      -- nil, and the message that it is stopped
]])

return examples
