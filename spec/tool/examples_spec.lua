-- Every example of a command's --help, as a reader copies it: in bash, in a
-- folder with the files that it names, against a sandbox with what it names.
local shell = require "house.shell"
local tool = require "tool.tool"

local OTHER = 282994740194929 -- a second space, in examples

local function stage(position, name, color, next_stages)
  return { name = name, color = color, position = position,
           is_default = position == 1, allow_publish = name == "Ready",
           workflow_stage_ids = next_stages }
end

local function workflows()
  return {
    { name = "Default", is_default = true, stages = {
      stage(1, "Drafting", "#babcb6", {}) } },
    { name = "Article", content_types = { "article" }, stages = {
      stage(1, "Drafting", "#babcb6", { "Review" }),
      stage(2, "Review", "#f5a623", { "Ready" }),
      stage(3, "Old review", "#b8860b", { "Legal", "Ready" }),
      stage(4, "Legal", "#4a90e2", { "Ready" }),
      stage(5, "Ready", "#7ed321", { "Drafting" }) } },
  }
end

local function story(id, slug, stage_name)
  return { id = id, name = slug, full_slug = slug, content_type = "article",
           stage = { stage = stage_name, workflow = "Article" } }
end

local function seed()
  local stories = { story(312, "blog/hello", "Drafting") }
  for i = 1, 12 do
    stories[#stories + 1] = story(400 + i, (i <= 4 and "legal/" or "news/") ..
                                  i, "Old review")
  end
  return {
    spaces = {
      { id = tool.SPACE, name = "Demo", workflows = workflows(),
        stories = stories, space_roles = { { id = 5, role = "Legal" } } },
      { id = OTHER, name = "Other", workflows = workflows() },
    },
    kantata = { workspaces = {
      { id = 7, title = "Website", status_key = 310 } } },
  }
end

local PROFILES = ([[return { profiles = {
  production = { space = %d, token_env = "STORYBLOK_TOKEN" },
  staging = { space = %d, token_env = "STORYBLOK_TOKEN" } } }]]):format(
  tool.SPACE, OTHER)

local MOVES = "slug,to\nblog/hello,Review\nlegal/1,Ready\n"

-- Files of examples: which command makes them, in this order.
local PLAN = { "plan article.lua -o article.plan" }
local BEGUN = { PLAN[1], "apply article.plan --yes --limit 2" }
local ENDED = { PLAN[1], "apply article.plan --yes" }

local NEEDS = {
  apply = PLAN, graph = PLAN, resume = BEGUN, rollback = BEGUN,
  report = ENDED, show = ENDED, progress = ENDED,
}

-- Exit statuses other than 0: there are changes, or differences.
local STATUS = {
  ["workstage plan article.lua"] = 2,
  ["workstage plan article.lua -o article.plan"] = 2,
  ["workstage plan article.lua --map-role Lawyer=Legal"] = 2,
  ["workstage diff article.lua 288868932106293:Article"] = 2,
}

-- Commands that ask before they change anything.
local ASKS = { apply = true, move = true, resume = true, rollback = true }

-- Examples by command, those of several lines joined, without comments.
local function examples_of(name)
  local module = require("workstage.tool.commands." .. name)
  local text, list = table.concat(module.examples or {}, "\n"), {}
  for line in (text:gsub("%s*\\\n%s*", " ") .. "\n"):gmatch "([^\n]+)\n" do
    list[#list + 1] = (line:gsub("%s+#.*$", ""))
  end
  return list
end

local function commands()
  return shell.lines(shell.must(
    "ls lua-binding/workstage/tool/commands | sed 's/[.]lua$//'"))
end

describe("the examples of --help:", function()
  local place, used

  setup(function() used = {} end)

  before_each(function()
    place = tool.place { seed = seed() }
    shell.must("mkdir -p %s %s %s %s", place:path "bin",
               place:path ".config/workstage", place:path ".zfunc",
               place:path ".config/fish/completions")
    place:write(".config/workstage/config.lua", PROFILES)
    place:shell "echo '#!/bin/sh\nexec WORKSTAGE \"$@\"' >bin/workstage"
    shell.must("chmod +x %s", place:path "bin/workstage")
    place.env.PATH = place:path "bin" .. ":" .. place.env.PATH
  end)

  after_each(function()
    if place then place:close() end
    place = nil
  end)

  -- Answers questions with yes; a server listens on a free port, and is
  -- interrupted once it does.
  local function runnable(line)
    local command = line:match "^workstage (%l+)"
    if ASKS[command] and not line:find "%-%-yes" then
      line = line .. " --yes"
    end
    if line:find " %-%-probe" then line = line .. " --confirm-space Other" end
    if line:find " sandbox " then
      line = "timeout --preserve-status -s INT 1 " ..
             line:gsub("%-%-port 8080", "--port 0")
    end
    return line
  end

  local function run(line)
    if line:find "%-%-service kantata" then
      place.env.WORKSTAGE_BASE_URL = place.server.kantata_url
    end
    place:write("example.sh", line .. "\n")
    return place:shell "bash example.sh"
  end

  local function prepare(name)
    if name ~= "export" then place:write("article.lua", tool.BLUEPRINT) end
    if name == "move" then place:write("moves.csv", MOVES) end
    for _, line in ipairs(NEEDS[name] or {}) do
      local _, status, err = place:run(line)
      assert.is_true(status == 0 or status == 2, err)
    end
  end

  for _, name in ipairs(commands()) do
    local list = examples_of(name)

    it(name .. " has two or more", function()
      assert.is_true(#list >= 2)
    end)

    for _, line in ipairs(list) do
      it(line, function()
        prepare(name)
        local output, status = run(runnable(line))
        used[line] = true
        assert.equal(STATUS[line] or 0, status, output)
      end)
    end
  end

  it("no status is kept for an example that is gone", function()
    for line in pairs(STATUS) do assert.is_true(used[line], line) end
  end)
end)
