-- What README shows of a plan is what the tool prints and draws.
local shell = require "house.shell"
local tool = require "tool.tool"

local BLUEPRINT = [[
return {
  workflow = "Article", content_types = { "article" },
  stages = {
    { name = "Drafting", color = "#babcb6", is_default = true,
      next = { "Review" } },
    { name = "Review", color = "#f5a623", next = { "Legal" } },
    { name = "Legal", inherit = "Review", color = "#4a90e2",
      next = { "Ready", "Review" } },
    { name = "Ready", color = "#7ed321", next = { "Drafting" } },
  },
  moves = {
    { from = "Old review", where = { starts_with = "legal/" },
      to = "Legal" },
    { from = "Old review", to = "Review" },
  },
}
]]

-- 300 stories in "Old review", 100 of them in the folder legal.
local function stories()
  local list = {}
  for i = 1, 300 do
    list[i] = {
      id = 1000 + i, name = "Story " .. i, content_type = "article",
      full_slug = (i <= 100 and "legal/" or "news/") .. i,
      stage = { stage = "Old review", workflow = "Article" },
    }
  end
  return list
end

local function stage(position, name, color, next_stages, publish)
  return { name = name, color = color, position = position,
           is_default = position == 1, workflow_stage_ids = next_stages,
           allow_publish = publish }
end

local function seed()
  return { spaces = { { id = tool.SPACE, name = "Demo", workflows = {
    { name = "Default", is_default = true, stages = {
      stage(1, "Drafting", "#babcb6", {}) } },
    { name = "Article", content_types = { "article" }, stages = {
      stage(1, "Drafting", "#babcb6", { "Review", "Old review" }),
      stage(2, "Review", "#f5a623", { "Ready" }, true),
      stage(3, "Old review", "#b8860b", { "Ready" }),
      stage(4, "Ready", "#7ed321", { "Drafting" }) } },
  }, stories = stories() } } }
end

local function contents(path)
  local file <close> = assert(io.open(path))
  return file:read "a"
end

-- The words of a picture. Their places depend on the version of Graphviz.
local function words_of(svg)
  local words = {}
  for word in svg:gmatch "<text[^>]*>([^<]*)</text>" do
    words[#words + 1] = word
  end
  table.sort(words)
  return words
end

describe("README", function()
  local place

  setup(function()
    place = tool.place { seed = seed() }
    place:write("article.lua", BLUEPRINT)
  end)

  teardown(function() place:close() end)

  it("shows the plan as the tool prints it on 80 columns", function()
    local readme = contents "README.md"
    local command, shown = readme:match "```\n%$ workstage ([^\n]*)\n(.-)```"
    local screen, status = place:terminal(command, { env = {
      WORKSTAGE_RATE_LIMIT = "6", NO_COLOR = "1" } })
    assert.equal(2, status, screen)
    local printed = screen:gsub("\r", ""):match '(Space "Demo".-)To apply it'
    assert.equal(shown, printed)
  end)

  it("shows the picture that the tool draws", function()
    place:run "plan article.lua -o article.plan"
    local _, status, err = place:run "graph article.plan --svg plan.svg"
    if not shell.run "command -v dot":find "dot" then
      return pending "Graphviz is not installed"
    end
    assert.equal(0, status, err)
    assert.same(words_of(place:read "plan.svg"),
                words_of(contents "docs/plan.svg"))
  end)

  -- The words of a report between its figures and the run's times, with N for
  -- each number. Graphviz may be missing.
  local function words_of_report(page)
    local text = page:gsub("<style.-</style>", "")
                     :gsub("<svg [^\n]-</svg>", "")
                     :match "Before and after(.-)Who and when"
                     :gsub("<[^>]*>", " "):gsub("%d+", "N")
    return (text:gsub("%s+", " "))
  end

  it("shows the report that the tool writes", function()
    local folder = shell.temporary()
    shell.must("eval \"$(script/env %s)\" && script/make-gallery %s && " ..
               "script/make-picture %s/complete.html 900 900 >%s/report.svg",
               shell.quote(os.getenv "WORKSTAGE_BUILD" or "build"), folder,
               folder, folder)
    assert.equal(words_of_report(contents(folder .. "/report.svg")),
                 words_of_report(contents "docs/report.svg"))
    shell.remove(folder)
  end)

  -- The lines of a text, with N for each number.
  local function lines_of(text)
    local lines = {}
    for line in text:gsub("\r", ""):gmatch "[^\n]+" do
      lines[#lines + 1] = (line:gsub("%d+", "N"))
    end
    return lines
  end

  it("shows an interrupted run, and how it is continued", function()
    place:run "plan article.lua -o article.plan"
    local pid = place:start("apply article.plan --yes",
                            { WORKSTAGE_RATE_LIMIT = "60" })
    assert.is_true(tool.wait(function() return place:changes() > 120 end))
    os.execute("kill -INT " .. pid)
    assert.is_true(tool.wait(function() return not tool.is_alive(pid) end))
    local text = place:read "out" .. place:read "err" ..
                 place:run "resume article.plan.journal --yes"
    local printed = {}
    for _, line in ipairs(lines_of(text)) do printed[line] = true end
    local shown = contents "README.md":match "```\n(%$ workstage apply.-)```"
    local count = 0
    for _, line in ipairs(lines_of(shown)) do
      if not line:find "^%$ " and not line:find "%[y/N%]" and
         line ~= "^C" then
        assert.truthy(printed[line], line .. "\n" .. text)
        count = count + 1
      end
    end
    assert.equal(4, count)
  end)
end)
