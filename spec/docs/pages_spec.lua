-- The pages that `make docs` makes: all of the module is in them, and no link
-- of theirs leads nowhere.

local core = require "workstage.core"
local definitions = require "docs.definitions"
local options = require "workstage.options"
local shell = require "house.shell"

describe("make docs", function()
  local build, pages

  lazy_setup(function()
    -- beside what is built, for another `make docs` may be at work there
    build = shell.temporary()
    shell.must("ln -s %s %s/lua", shell.quote(shell.must(
      "cd %s/lua && pwd", os.getenv "WORKSTAGE_BUILD" or "build")
      :match "[^\n]+"), build)
    shell.must("script/make-docs %s", build)
    pages = {}
    for _, path in ipairs(shell.lines(shell.must(
        "cd %s/docs && find . -name '*.html'", build))) do
      local file = assert(io.open(build .. "/docs/" .. path))
      pages[path:sub(3)] = file:read "a"
      file:close()
    end
  end)

  lazy_teardown(function() shell.remove(build) end)

  local function has(page, text)
    assert.truthy(assert(pages[page], page):find(text, 1, true),
                  page .. " has no " .. text)
  end

  it("has every schema and every field, with its sentence", function()
    for _, schema in ipairs(core.schemas()) do
      local text = pages["modules/schemas.html"]
      local from = text:find(('<a name = "%s"></a>'):format(schema.name), 1,
                             true)
      assert.truthy(from, schema.name)
      local part = text:sub(from, text:find("</dd>", from, true))
      for _, field in ipairs(schema.fields) do
        local words = field.doc:gsub("[&<>]", { ["&"] = "&amp;",
          ["<"] = "&lt;", [">"] = "&gt;" })
        assert.truthy(part:find(('<span class="parameter">%s</span>')
                                :format(field.name), 1, true),
                      schema.name .. "." .. field.name)
        assert.truthy(part:find(words:match "^[^_`{\"*]+", 1, true),
                      schema.name .. "." .. field.name .. ": " .. words)
      end
    end
  end)

  it("says what is required, read-only and may be null", function()
    local text = pages["modules/schemas.html"]
    local from = text:find('<a name = "storyblok.stage">', 1, true)
    local part = text:sub(from, text:find("</dd>", from, true))
    local function item(name)
      local at = part:find(('"parameter">%s<'):format(name), 1, true)
      return part:sub(at, part:find("</li>", at, true))
    end
    assert.matches("(read-only)", item "id", 1, true)
    assert.matches("(required)", item "name", 1, true)
    assert.matches("(may be null)", item "workflow_id", 1, true)
    assert.matches("boolean", item "is_default", 1, true)
  end)

  it("has every method with the service's own reference of it", function()
    local holders = { storyblok = "space", kantata = "ox" }
    local directory = definitions.make()
    local classes = definitions.read(directory)
    shell.remove(directory)
    local count = 0
    for name, class in pairs(classes) do
      local service, resource = name:match "^workstage%.(%l+)%.?(%l*)$"
      local holder = holders[service]
      if holder and next(class.methods) then
        if resource ~= "" then holder = holder .. "." .. resource end
        for method in pairs(class.methods) do
          local page = ("modules/%s.html"):format(service)
          local anchor = ('<a name = "%s:%s"></a>'):format(holder, method)
          has(page, anchor)
          local from = pages[page]:find(anchor, 1, true)
          local part = pages[page]:sub(from, pages[page]:find("</dd>", from,
                                                              true))
          if resource ~= "" and resource ~= "statuses" then
            assert.matches("API reference: %u[%l ]+, <code>%u+ /", part)
            count = count + 1
          end
        end
      end
    end
    assert.truthy(count >= 35, count)
  end)

  it("has every option with its default", function()
    for _, option in ipairs(options.list) do
      has("modules/options.html", ('"parameter">%s<'):format(option.name))
    end
    has("modules/options.html", "Default: 33554432.")
    has("modules/options.html", "Seconds for each attempt. Default: 60")
  end)

  it("has the kinds and the fields of errors", function()
    for _, word in ipairs { "ambiguous", "rate_limited", "budget", "locked" } do
      has("modules/errors.html", ('"parameter">%s<'):format(word))
    end
  end)

  it("has the guides, with their tables", function()
    for _, path in ipairs(shell.lines(shell.must "ls docs/*.md")) do
      local page = ("topics/%s.html"):format(path:match "[^/]+$")
      assert.truthy(pages[page], page)
      assert.falsy(pages[page]:find("|---|", 1, true), page)
      assert.falsy(pages[page]:find("-- run: ", 1, true), page)
    end
  end)

  it("has no link that leads nowhere", function()
    local count = 0
    for page, text in pairs(pages) do
      local directory = page:match "^(.*/)" or ""
      for address in text:gmatch 'href="([^"]*)"' do
        local place, anchor = address:match "^([^#]*)#?(.*)$"
        if not address:find "^%a+:" and not place:find "%.css$" then
          local target = place == "" and page or
                         (directory .. place):gsub("[^/]+/%.%./", "")
          local there = pages[target]
          assert.truthy(there, page .. ": " .. address)
          local name = anchor:gsub("&#039;", "'")
          assert.truthy(anchor == "" or
            there:find(('name = "%s"'):format(name), 1, true) or
            there:find(('name="%s"'):format(name), 1, true),
            page .. ": " .. address)
          count = count + 1
        end
      end
    end
    assert.truthy(count > 500, count)
  end)
end)
