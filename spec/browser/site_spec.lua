-- The site that `make docs` builds, in a real Chromium: on a telephone and on
-- a desk, light and dark, with its search.

local cjson = require "cjson"
local shell = require "house.shell"

local build = os.getenv "WORKSTAGE_BUILD" or "build"

-- A word and the page that has to be among what the search finds.
local WORDS = {
  due_date = "schemas", settle_time = "options", allow_publish = "schemas",
  rollback = "migration", ["Retry-After"] = "sandbox",
  per_page = "storyblok", in_workflow_stages = "schemas",
  resume = "migration", ambiguous = "errors", max_response = "options",
}

describe("the site", function()
  local folder, pages, searches = nil, {}, {}

  lazy_setup(function()
    -- a folder that stays, so that its packages are fetched once
    folder = shell.must("cd %s/browser && mkdir -p site && cd site && pwd",
                        build):match "[^\n]+"
    shell.must("ln -sfn %s/lua %s/lua", shell.quote(
      shell.must("cd %s && pwd", build):match "[^\n]+"), folder)
    shell.must("script/make-docs %s", folder)
    local words = {}
    for word in pairs(WORDS) do words[#words + 1] = shell.quote(word) end
    local output = shell.must(
      "cd %s/browser && CHROMIUM=$(command -v chromium) node site.mjs "
      .. "%s/docs %s", build, folder, table.concat(words, " "))
    for _, line in ipairs(shell.lines(output)) do
      local visit = cjson.decode(line)
      local list = visit.kind == "page" and pages or searches
      list[#list + 1] = visit
    end
  end)

  local function assert_none(member)
    local count = 0
    for _, page in ipairs(pages) do
      local place = ("%s at %d: "):format(page.name, page.width)
      if page[member] then
        count = count + 1
        assert.equal("", table.concat(page[member], "\n"), place)
      end
    end
    assert.is_true(count >= #pages / 2)
  end

  it("has a page for each guide and each page of the reference", function()
    local names = {}
    for _, page in ipairs(pages) do
      names[page.name] = page.status
    end
    for _, path in ipairs(shell.lines(shell.must "ls docs/*.md")) do
      local name = path:match "([^/]+)%.md$" .. ".html"
      assert.equal(200, names[name], name)
    end
    for _, path in ipairs(shell.lines(shell.must(
        "cd %s/site/pages/reference && ls", folder))) do
      local name = "reference/" .. path:gsub("md$", "html")
      assert.equal(200, names[name], name)
    end
    assert.equal(200, names["index.html"])
  end)

  it("leads to every page from its sidebar", function()
    local file = assert(io.open "docs/site/.vitepress/config.mjs")
    local config = file:read "a"
    file:close()
    for _, page in ipairs(pages) do
      local name = page.name:gsub("%.html$", ""):gsub("^index$", "")
      local short = name:gsub("^reference/", "")
      assert.truthy(config:find(('"/%s"'):format(name), 1, true) or
                    config:find((', "%s")'):format(short), 1, true) or
                    name == "examples/demo_blueprint" or
                    name:find "^gallery/", name)
    end
  end)

  it("has the gallery of reports", function()
    local found = {}
    for _, page in ipairs(pages) do found[page.name] = page.title end
    assert.equal("Migration plan: Article", found["gallery/plan.html"])
    assert.equal("Migration run: Article", found["gallery/complete.html"])
    assert.equal("Rollback: Article", found["gallery/rollback.html"])
  end)

  it("has no message on the console", function() assert_none "console" end)
  it("asks no other host", function() assert_none "requests" end)
  it("overflows nowhere", function() assert_none "overflow" end)
  it("has nothing that axe-core finds", function()
    assert_none "violations"
  end)

  it("finds words by its search", function()
    assert.equal(10, #searches)
    for _, search in ipairs(searches) do
      local found = table.concat(search.result, " ")
      assert.matches(WORDS[search.word], found, 1, true)
      assert.same({}, search.console)
    end
  end)
end)
