-- The pages of Markdown that the site is made of: all of the module is in
-- them, and no link of theirs leads nowhere.

local core = require "workstage.core"
local definitions = require "docs.definitions"
local options = require "workstage.options"
local shell = require "house.shell"

describe("the reference", function()
  local folder, pages

  lazy_setup(function()
    folder = shell.temporary()
    shell.must("eval \"$(script/env %s)\" && lua5.4 script/make-reference %s",
               shell.quote(os.getenv "WORKSTAGE_BUILD" or "build"), folder)
    pages = {}
    for _, path in ipairs(shell.lines(shell.must(
        "cd %s && find . -name '*.md'", folder))) do
      local file = assert(io.open(folder .. "/" .. path))
      pages[path:sub(3, -4)] = file:read "a"
      file:close()
    end
  end)

  lazy_teardown(function() shell.remove(folder) end)

  -- A heading of a page with what stands under it, up to the next one.
  local function part(page, anchor)
    local text = assert(pages[page], page)
    local from = text:find("{#" .. anchor .. "}", 1, true)
    assert.truthy(from, page .. " has no " .. anchor)
    return text:sub(from, (text:find("\n#", from, true)))
  end

  local function anchor_of(name)
    return (name:lower():gsub("[^%w]+", "-"))
  end

  it("has every schema and every field, with its sentence", function()
    for _, schema in ipairs(core.schemas()) do
      local text = part("reference/schemas", anchor_of(schema.name))
      for _, field in ipairs(schema.fields) do
        local name = schema.name .. "." .. field.name
        assert.truthy(text:find(("| `%s` |"):format(field.name), 1, true),
                      name)
        local words = field.doc:gsub("|", "\\|")
        assert.truthy(text:find(words:match "^[^_`{<&\"*]+", 1, true),
                      name .. ": " .. words)
      end
    end
  end)

  it("says what is required, read-only and may be null", function()
    local text = part("reference/schemas", "storyblok-stage")
    local function row(name)
      return text:match("\n(| `" .. name .. "` |[^\n]+)")
    end
    assert.matches("(read-only)", row "id", 1, true)
    assert.matches("(required)", row "name", 1, true)
    assert.matches("(may be null)", row "workflow_id", 1, true)
    assert.matches("`boolean`", row "is_default", 1, true)
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
      if holder and next(class.methods) and resource ~= "constructor" then
        if resource ~= "" then holder = holder .. "." .. resource end
        for method in pairs(class.methods) do
          local text = part("reference/" .. service,
                            anchor_of(holder .. ":" .. method))
          if resource ~= "" and resource ~= "statuses" then
            assert.matches("API reference: %u[%l ]+, `%u+ /", text)
            count = count + 1
          end
        end
      end
    end
    assert.truthy(count >= 35, count)
  end)

  it("has every option with its default", function()
    local text = pages["reference/options"]
    for _, option in ipairs(options.list) do
      assert.truthy(text:find(("| `%s` |"):format(option.name), 1, true),
                    option.name)
    end
    assert.matches("Default: 33554432.", text, 1, true)
    assert.matches("Default: 60", text, 1, true)
  end)

  it("has the kinds and the fields of errors", function()
    for _, word in ipairs { "ambiguous", "rate_limited", "budget", "locked" } do
      assert.truthy(pages["reference/errors"]:find(
        ("| `%s` |"):format(word), 1, true), word)
    end
  end)

  it("has the guides, without the marks of their blocks", function()
    for _, path in ipairs(shell.lines(shell.must "ls docs/*.md")) do
      local text = pages[path:match "([^/]+)%.md$"]
      assert.truthy(text, path)
      assert.falsy(text:find("<!-- run", 1, true), path)
    end
  end)

  -- What GitHub and VitePress make of a heading's words.
  local function has_anchor(text, anchor)
    if text:find("{#" .. anchor .. "}", 1, true) then return true end
    for heading in ("\n" .. text):gmatch "\n#+ ([^\n]+)" do
      if heading:lower():gsub("[^%w]+", "-"):gsub("^%-*(.-)%-*$", "%1")
         == anchor then
        return true
      end
    end
    return false
  end

  it("has no link that leads nowhere", function()
    local count = 0
    for page, text in pairs(pages) do
      for address in text:gmatch "%]%(([^)%s]+)%)" do
        if not address:find "^%a+:" and not address:find "%.svg$" and
           not address:find "^/gallery/" then
          local place, anchor = address:match "^([^#]*)#?(.*)$"
          local target = place:gsub("^%./", page:match "^(.*/)" or "")
            :gsub("^/", "")
          if place == "" then target = page end
          assert.truthy(pages[target], page .. ": " .. address)
          assert.truthy(anchor == "" or has_anchor(pages[target], anchor),
                        page .. ": " .. address)
          count = count + 1
        end
      end
    end
    assert.truthy(count > 150, count)
  end)
end)
