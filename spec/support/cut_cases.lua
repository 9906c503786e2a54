--- The cases of power cuts: small migrations of each kind. Each function
-- returns a case for `power_cut.run`.
local clients = require "support.clients"
local journals = require "workstage.migration.journal.file"
local migration = require "workstage.migration"
local migrations = require "support.migrations"
local sandbox = require "workstage.sandbox"

local cases = {}

local COUNTS = { ["Old review"] = 5, Drafting = 2, Ready = 1, Review = 1 }

local function same(a, b, what)
  if a ~= b then
    error(("%s: expected\n%s\ngot\n%s"):format(what, a, b), 0)
  end
end

-- Counts as text.
local function text_of(counts)
  local parts = {}
  for name, count in pairs(counts) do
    parts[#parts + 1] = ("%s=%d"):format(name, count)
  end
  table.sort(parts)
  return table.concat(parts, " ")
end

-- The number of moves of each story.
local function changes_of(server)
  local counts = {}
  for _, changes in pairs(migrations.changes(server)) do
    local name = ("%d changes"):format(#changes)
    counts[name] = (counts[name] or 0) + 1
  end
  return text_of(counts)
end

-- A sandbox with a plan for the blueprint, and its content after that is
-- applied.
local function storyblok(top, name, blueprint)
  local server, space = migrations.start(migrations.space(COUNTS), {
    story_stage = "change" })
  local before = server:dump()
  local plan = assert(migration.plan(space, blueprint))
  assert(plan:save(top .. "/plan"))
  assert(assert(migration.apply(space, plan, {
    journal = top .. "/expected" })).complete)
  local case = {
    name = name, kind = "apply", server = server, top = top,
    blueprint = blueprint, workflow = blueprint.workflow,
    text = migrations.text(space, blueprint.workflow),
    counts = text_of(migrations.counts(server)),
    changes = changes_of(server),
  }
  assert(server:load(before))
  space:close()
  return case
end

-- Asserts that no change is lost or doubled, and that nothing is left to plan.
local function check_applied(case, space)
  same(case.text, migrations.text(space, case.workflow), "workflow")
  same(case.counts, text_of(migrations.counts(case.server)), "stories")
  same(case.changes, changes_of(case.server), "changes")
  local plan = assert(migration.plan(space, case.blueprint))
  assert(plan:is_empty(), "a new plan holds more to do")
end

-- The items that were moved according to a journal.
local function moved_in(path)
  local moved, count = {}, 0
  for record in assert(journals.read(path)) do
    if record.type == "moved" then
      assert(not moved[record.item], "an item stands twice in the journal")
      moved[record.item], count = true, count + 1
    end
  end
  return count
end

function cases.apply(top)
  local case = storyblok(top, "apply", migrations.busy())
  function case:check(space)
    check_applied(self, space)
    same(7, moved_in(self.folder .. "/j"), "moves in the journal")
  end
  return case
end

--- A run that was killed during its moves, with a torn last line.
function cases.resume(top)
  local case = cases.apply(top)
  case.name, case.kind = "resume", "resume"
  function case:prepare()
    local space = self:client()
    local plan = assert(migration.load(top .. "/plan"))
    assert(migration.apply(space, plan, { journal = self.folder .. "/j",
                                          limit = 3 }))
    space:close()
    local file = assert(io.open(self.folder .. "/j", "a"))
    assert(file:write '{"type":"moved","item')
    file:close()
  end
  return case
end

function cases.rollback(top)
  local case = storyblok(top, "rollback", migrations.busy())
  case.kind = "rollback"
  function case:prepare()
    local space = self:client()
    self.text = migrations.text(space)
    local plan = assert(migration.load(top .. "/plan"))
    assert(assert(migration.apply(space, plan, {
      journal = self.folder .. "/j" })).complete)
    space:close()
  end
  function case:check(space)
    same(self.text, migrations.text(space), "workflow")
    same(text_of(COUNTS), text_of(migrations.counts(self.server)), "stories")
    same("7 changes=0", ("%d changes=0"):format(
      #self.server:dump().spaces[1].workflow_stage_changes / 2), "changes")
  end
  return case
end

--- A workflow that is created.
function cases.workflow(top)
  local blueprint = migrations.blueprint()
  blueprint.workflow = "Novel"
  local case = storyblok(top, "new workflow", blueprint)
  function case:check(space)
    check_applied(self, space)
    local made = 0
    for _, each in ipairs(self.server:dump().spaces[1].workflows) do
      made = made + (each.name == "Novel" and 1 or 0)
    end
    same(1, made, "workflows of the name")
  end
  return case
end

function cases.kantata(top)
  local projects = {}
  for i = 1, 8 do
    projects[i] = { id = i, title = "Project " .. i, status_key = 310 }
  end
  local case = {
    name = "Kantata", kind = "apply", service = "kantata", top = top,
    blueprint = { service = "kantata", moves = { { from = 310, to = 605 } } },
    server = assert(sandbox.start {
      rate_limit = false, seed = { kantata = { workspaces = projects } } }),
  }
  local ox = clients.ox(case.server.url)
  assert(assert(migration.plan(ox, case.blueprint)):save(top .. "/plan"))
  ox:close()
  function case:check(account)
    local dump = self.server:dump().kantata
    for _, each in ipairs(dump.workspaces) do
      same(605, each.status_key, each.title)
    end
    same(8, #dump.workspace_status_changes, "changes")
    same(8, moved_in(self.folder .. "/j"), "moves in the journal")
    assert(assert(migration.plan(account, self.blueprint)):is_empty())
  end
  return case
end

return cases
