-- Drawings of workflows, read back by Graphviz itself where it is there.
local blueprint = require "workstage.migration.blueprint"
local cjson = require "cjson"
local graph = require "workstage.migration.graph.dot"

local HAS_DOT = os.execute "command -v dot >/dev/null"

-- Runs dot on a text. Its warnings about many lines are ignored.
local function dot(text, format)
  local path = os.tmpname()
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
  local pipe = assert(io.popen(("dot -T%s %s 2>%s.err"):format(
    format, path, path)))
  local out = pipe:read "a"
  local good = pipe:close()
  os.remove(path)
  os.remove(path .. ".err")
  assert.is_true(good, text)
  return out
end

-- The nodes that Graphviz reads, with their attributes.
local function read(text)
  local out = dot(text, "dot_json")
  local good, value = pcall(cjson.decode, out)
  assert.is_true(good, out:sub(1, 500))
  local nodes = {}
  for _, object in ipairs(value.objects or {}) do
    if not object.nodes then nodes[#nodes + 1] = object end
  end
  return nodes
end

local function draw(value, changes)
  return graph(assert(blueprint.normalize(value)), changes)
end

local function stages(count, edit)
  local list = {}
  for i = 1, count do
    list[i] = { name = "Stage " .. i, color = ("#%06x"):format(i * 4000),
                is_default = i == 1 or nil,
                next = i < count and { "Stage " .. i + 1 } or {} }
    if edit then edit(list[i], i) end
  end
  return { workflow = "W", stages = list }
end

-- The line that describes a node, and a fill's text colour.
local function node(text, name)
  return text:match("\n(  [sr]%d+ %[label=<[^\n]*" .. name .. "[^\n]*)")
end

local function text_color(color)
  local line = draw { stages = { { name = "A", color = color } } }
    :match "\n  s1 [^\n]*"
  return line:match 'fontcolor="(.-)"', line:match 'fillcolor="(.-)"'
end

local function has(text, piece)
  assert.truthy(text and text:find(piece, 1, true),
                ("%s is not in %s"):format(piece, text))
end

local function has_not(text, piece)
  assert.is_nil(text:find(piece, 1, true))
end

-- The visible edges as "1>2", with what is said of them.
local function edges(text)
  local found = {}
  for from, to, rest in text:gmatch "\n  s(%d+) %-> s(%d+)([^\n]*);" do
    if not rest:find "invis" then
      local is_back = rest:find "dir=back"
      found[is_back and to .. ">" .. from or from .. ">" .. to] = rest
    end
  end
  return found
end

local function set(list)
  local names = {}
  for name in pairs(list) do names[#names + 1] = name end
  table.sort(names)
  return names
end

describe("a stage's colour", function()
  it("has readable text on it", function()
    for color, expected in pairs {
      ["#ffffff"] = "#000000", ["#fff"] = "#000000", ["#7ed321"] = "#000000",
      ["#f5a623"] = "#000000", ["#babcb6"] = "#000000",
      ["#ffff00"] = "#000000", ["#000000"] = "#ffffff",
      ["#00f"] = "#ffffff", ["#8b0000"] = "#ffffff", ["#222"] = "#ffffff",
      ["#9013FE"] = "#ffffff",
    } do
      assert.equal(expected, (text_color(color)), color)
    end
  end)

  it("is one that Graphviz knows", function()
    for color, expected in pairs {
      ["#fff"] = "#ffffff", ["#1a2B3c"] = "#1a2B3c", ["#1a2b3cff"] =
      "#1a2b3c", ["#abcd"] = "#aabbcc", ["#2d3v22"] = "#e8e8e8",
      ["nonsense"] = "#e8e8e8", ["\"]; x [label=1"] = "#e8e8e8",
      ["#12345"] = "#e8e8e8", ["rgb(1,2,3)"] = "#e8e8e8", ["#"] = "#e8e8e8",
    } do
      assert.equal(expected, select(2, text_color(color)), color)
    end
  end)
end)

describe("a drawing", function()
  it("has the transitions between stages", function()
    local text = draw(stages(4, function(stage, i)
      if i == 2 then stage.next = { "Stage 1", "Stage 3", "Stage 2" } end
      if i == 4 then stage.next = { "Stage 2" } end
    end))
    local found = edges(text)
    assert.same({ "1>2", "2>2", "2>3", "3>4", "4>2" }, set(found))
    has(found["1>2"], "dir=both")
    has_not(found["2>3"], "dir=both")
  end)

  it("marks the default stage and where stories are published", function()
    local text = draw(stages(3, function(stage, i)
      stage.allow_publish = i == 3
      stage.after_publish = i == 3 and "Stage 1" or nil
    end))
    has(node(text, "Stage 1"), ">default<")
    has(text, "start -> s1 ")
    has(node(text, "Stage 3"), ">publish<")
    has(node(text, "Stage 3"), "peripheries=2")
    has_not(node(text, "Stage 2"), "peripheries")
    has_not(node(text, "Stage 2"), "default")
    local dashed = edges(text)["3>1"]
    has(dashed, "style=dotted")
    has(dashed, "published")
  end)

  it("uses text for a stage that leads everywhere", function()
    local text = draw(stages(14, function(stage) stage.next = "all" end))
    assert.same({}, edges(text))
    has(node(text, "Stage 14"), "to any stage")
    local names = {}
    for i = 1, 10 do names[i] = "Stage " .. i end
    text = draw(stages(10, function(stage) stage.next = names end))
    assert.same({}, edges(text))
    has(node(text, "Stage 5"), "to any stage")
    table.remove(names, 3)
    text = draw(stages(10, function(stage) stage.next = names end))
    has(node(text, "Stage 5"), "to any but Stage 3")
    text = draw(stages(3, function(stage) stage.next = { "Stage 1",
      "Stage 2", "Stage 3" } end))
    assert.equal(6, #set(edges(text)))
    has_not(draw(stages(1, function(stage) stage.next = "all" end)), "to any")
    names = {}
    for i = 2, 7 do names[i - 1] = "Stage " .. i end
    text = draw(stages(7, function(stage) stage.next = names end))
    has(node(text, "Stage 1"), "to any stage")
    has(node(text, "Stage 2"), "to any but Stage 1")
  end)

  it("draws transitions back fainter", function()
    local text = draw(stages(12, function(stage, i)
      if i == 3 then stage.next = { "Stage 1", "Stage 3" } end
      if i == 4 then stage.next = { "Stage 5", "Stage 6" } end
    end))
    local found = edges(text)
    assert.equal(" [weight=8]", found["4>5"])
    assert.equal("", found["4>6"])
    assert.equal("", found["3>3"])
    has(found["3>1"], "#888888")
    has(text, "s1 -> s3 [color")
    has(text, "\n  s3 -> s4 [style=invis")
    has_not(text, "s1 -> s2 [style=invis")
    has_not(text, "rank=same")
    assert.equal("}\n", text:sub(-2))
  end)

  it("breaks long names", function()
    local text = draw { stages = { { color = "#fff",
      name = "Check of the facts by somebody  else" } } }
    has(text, "<Check of the facts by<BR/>somebody else>")
    has(text, 'color="#888888", penwidth=1')
    has(text, 'tooltip="Check of the facts by somebody  else #fff"')
  end)

  it("shows what a plan changes", function()
    local text = draw(stages(4), {
      added = { ["Stage 1"] = true }, changed = { ["Stage 2"] = true },
      renamed = { ["Stage 3"] = "Old & 3" },
      removed = { Gone = true, ["Gone <2>"] = true },
    })
    has(node(text, "Stage 1"), "<B>new</B>")
    has(node(text, "Stage 2"), "<B>changed</B>")
    has(node(text, "Stage 3"), "<B>was Old &amp; 3</B>")
    has(node(text, "<S>Gone</S>"), "dashed")
    has(text, "<S>Gone &lt;2&gt;</S>")
    has(node(text, "Stage 4"), "penwidth=1")
    for _, piece in ipairs { "new", "changed", "was", "removed" } do
      has_not(node(text, "Stage 4"), piece)
      has_not(draw(stages(4)), "<B>" .. piece)
    end
  end)

  it("takes any structure with stages", function()
    has(graph { workflow = { name = "From the space" },
                stages = stages(2).stages }, "From the space")
    has(graph { default = true, stages = {} }, "Default workflow")
    has(graph { moves = {} }, "digraph")
  end)

  it("is the same each time", function()
    local changes = { removed = {} }
    for i = 1, 20 do changes.removed["Gone " .. i] = true end
    local text = draw(stages(14), changes)
    for from = 2, 20 do
      local others = { removed = {} }
      for i = 1, 20 do
        others.removed["Gone " .. (i + from) % 20 + 1] = true
      end
      assert.equal(text, draw(stages(14), others))
    end
    local last
    for name in text:gmatch "<S>(.-)</S>" do
      assert.is_true(not last or last < name)
      last = name
    end
    has(text, "{ rank=same; s1 -> r1 [style=invis]; }")
  end)

  it("shows the transitions that a plan adds and removes", function()
    local text = draw(stages(4), {
      added_transitions = { ["Stage 1"] = { ["Stage 2"] = true } },
      removed_transitions = { ["Stage 4"] = { ["Stage 1"] = true },
                              ["Stage 2"] = { ["Stage 9"] = true } },
    })
    local found = edges(text)
    has(found["1>2"], 'color="#1a7f37"')
    has(found["4>1"], 'style=dashed, color="#cf222e"')
    has_not(found["2>3"], "color=")
    assert.same({ "1>2", "2>3", "3>4", "4>1" }, set(found))
    has(text, ">added transition<")
    has(text, ">removed transition<")
    has_not(text, "items moved")
    has_not(draw(stages(4)), "legend")
  end)

  it("draws two arrows if only one direction is new", function()
    local text = draw(stages(2, function(stage, i)
      if i == 2 then stage.next = { "Stage 1" } end
    end), { added_transitions = { ["Stage 2"] = { ["Stage 1"] = true } } })
    local found = edges(text)
    assert.same({ "1>2", "2>1" }, set(found))
    has(found["2>1"], "#1a7f37")
    has_not(text, "dir=both")
  end)

  it("shows moves as dashed arrows with their counts", function()
    local text = draw(stages(3), {
      removed = { Gone = true },
      moves = { { from = "Gone", to = "Stage 2", count = 31 },
                { from = "Stage 1", to = "Stage 3", count = 4 },
                { from = "no stage", to = "Stage 1", count = 1 } },
    })
    has(text, '  r1 -> s2 [style=dashed, penwidth=1.6, label="  31"')
    has(text, '  s1 -> s3 [style=dashed, penwidth=1.6, label="  4"')
    has(text, '  x1 -> s1 [style=dashed, penwidth=1.6, label="  1"')
    has(text, "x1 [label=<no stage>")
    has(text, ">items moved<")
  end)

  it("of moves alone has their stages", function()
    local text = draw({ stages = {} }, { moves = {
      { from = "Article / A", to = "Article / B", count = 7 } } })
    has(text, "m1 [label=<Article / A>")
    has(text, 'm1 -> m2 [label="  7", style=dashed')
  end)

  it("of many stages, or many arrows, is a matrix", function()
    local function count(text, mark)
      return select(2, text:gsub(mark == "+" and "<B>%+</B>" or
                                 "<B>" .. mark .. "</B>", ""))
    end
    local text = draw(stages(40), {
      added = { ["Stage 2"] = true }, renamed = { ["Stage 3"] = "Third" },
      removed = { Gone = true },
      added_transitions = { ["Stage 2"] = { ["Stage 3"] = true } },
      removed_transitions = { ["Stage 5"] = { ["Stage 1"] = true } },
      moves = { { from = "Gone", to = "Stage 2", count = 31 } },
    })
    has_not(text, "s1 ->")
    assert.equal(38 + 1, count(text, "●")) -- and in the legend
    assert.equal(1 + 1, count(text, "+"))
    assert.equal(1 + 1, count(text, "−"))
    for _, piece in ipairs { ">new<", ">was Third<", "<S>Gone</S> removed",
                             "31 items: Gone → Stage 2", ">default<",
                             ">added transition<" } do
      has(text, piece)
    end
    local function dense(_, i)
      return function(stage)
        stage.next = {}
        for j = 1, i do
          if j % 3 ~= 0 then table.insert(stage.next, "Stage " .. j) end
        end
      end
    end
    text = draw(stages(12, dense(nil, 12)))
    has(text, "matrix [")
    assert.equal(12 * 8 + 1, count(text, "●"))
    has_not(draw(stages(15)), "matrix [")
    has(draw(stages(16)), "matrix [")
  end)

  it("of several workflows has a cluster for each, and moves between them",
     function()
    local other = stages(2)
    other.workflow = "Other <1>"
    local text = graph({ workflows = { stages(3), other } }, {
      workflows = { { added = { ["Stage 2"] = true },
                      removed = { Old = true } }, {} },
      moves = { { from = "W / Old", to = "W / Stage 2", count = 5 },
                { from = "W / Stage 1", to = "Other <1> / Stage 1", count = 7 },
                { from = "no stage", to = "W / Stage 3", count = 1 } } })
    local clusters = {}
    for name, label in text:gmatch 'subgraph (cluster_%d) {\n%s+label="(.-)"' do
      clusters[name] = label
    end
    assert.same({ cluster_1 = "W", cluster_2 = "Other <1>" }, clusters)
    for _, arrow in ipairs { "w1s1 -> w1s2", "w2s1 -> w2s2", "w1r1 -> w1s2",
                             "w1s1 -> w2s1", "x1 -> w1s3" } do
      assert.truthy(text:find("\n  " .. arrow .. " [", 1, true), arrow)
    end
    assert.truthy(text:find('label="  7"', 1, true))
    assert.truthy(text:find("items moved", 1, true))
    -- five stages, two starts, a removed stage, "no stage", the legend
    assert.equal(10, #read(text))
  end)

  it("of several workflows lists the moves of one that is a matrix", function()
    local large = stages(20)
    large.workflow = "Large"
    local text = graph({ workflows = { large, stages(2) } }, {
      workflows = { {}, {} },
      moves = { { from = "Large / Stage 7", to = "W / Stage 1", count = 3 } } })
    assert.truthy(text:find("3 items: Large / Stage 7 → W / Stage 1", 1, true))
    assert.truthy(text:find("may come next", 1, true))
    assert.is_nil(text:find("items moved", 1, true))
    read(text)
  end)

  it("of Kantata's plan has counts", function()
    local text = graph { service = "kantata", moves = {
      { from = 310, to = 605, count = 12 } } }
    has(text, 'k310 -> k605 [label="  12", style=dashed')
  end)

  it("of Kantata's moves has statuses and moves", function()
    local text = draw { service = "kantata", moves = {
      { from = 310, to = 605, where = { archived = false } },
      { from = 310, to = 600 } } }
    has(text, 'k310 -> k605 [label="some"];')
    has(text, "k310 -> k600;")
    has(text, "k605 [label=<Completed<BR/>")
    assert.equal(1, select(2, text:gsub("In Progress", "")))
  end)
end)

-- --------------------------------------------------------------- Graphviz

local NASTY = {
  'say "hello"', "back\\slash \\n \\N \\G", "<b>bold</b>", "a & b &amp; c",
  "größer 日本語 🎉", "line\nbreak\ttab", "]; x -> y [", "-->", "{|}", "%s %d",
  "  blanks  ", ("long "):rep(40), ("x"):rep(200), "&#x41;", "\1\2\31",
  "A\27[2J\u{9b}\u{202e}",
  "'", "//", "/*", "#", "graph", "start", "s1", "\127", "<", "]]>",
}

describe("Graphviz", function()
  if not HAS_DOT then
    it("is not here", function() end)
    return
  end

  it("reads names of all kinds", function()
    local all, some = {}, {}
    for i, name in ipairs(NASTY) do
      all[i] = { name = name, color = "#fff", next = "all",
                 is_default = i == 1 or nil, after_publish = NASTY[1] }
      if i <= 12 then some[i] = all[i] end
    end
    for _, title in ipairs(NASTY) do
      for count, list in pairs { [#all] = all, [12] = some } do
        local text = draw({ workflow = title, stages = list }, {
          removed = { [title .. "!"] = true }, renamed = { [title] = title },
          added = { [NASTY[1]] = true },
          added_transitions = { [NASTY[1]] = { [title] = true } },
          moves = { { from = title, to = title .. "!", count = 3 },
                    { from = title .. "?", to = NASTY[2], count = 1 } },
        })
        -- the matrix and its legend; or the stages, the start, what is
        -- removed, what is outside, and the legend
        local known = count < 13
        local outside = 1
        for i, each in ipairs(NASTY) do
          if each == title and i > 12 then outside = 2 end
        end
        assert.equal(known and count + 3 + outside or 2, #read(text), title)
      end
    end
  end)

  it("draws names as they are", function()
    for _, name in ipairs { 'say "hello"', "back\\slash \\n \\N", "größer",
                            "<b>bold</b>", "a & b &amp; c" } do
      local text = draw { workflow = name,
                          stages = { { name = name, color = "#fff" } } }
      local svg = dot(text, "svg")
      svg = svg:gsub("&#160;", " "):gsub("&#45;", "-"):gsub("&lt;", "<")
               :gsub("&gt;", ">"):gsub("&quot;", '"'):gsub("&#92;", "\\")
               :gsub("&amp;", "&")
      local _, count = svg:gsub(">([^\n]-)</text>", function(shown)
        assert.equal(name, shown)
      end)
      assert.equal(2, count)
    end
  end)

  it("is given no control characters", function()
    local name = "A\27[2J\n\u{9b}\u{202e}B"
    local text = draw { workflow = name, stages = { { name = name } } }
    assert.is_nil(text:find "[\0-\9\11-\31\127]")
    assert.is_nil(text:find "\xC2[\x80-\x9F]")
    assert.is_nil(text:find("\u{202e}", 1, true))
    assert.truthy(text:find("A\\\\x1b[2J", 1, true), text)
  end)

  it("keeps stages in their order, one below the other", function()
    for _, count in ipairs { 3, 12, 15 } do
      local nodes = read(dot(draw(stages(count, function(stage, i)
        if i % 3 == 0 then stage.next = { "Stage " .. i - 2 } end
        if i % 5 == 0 then stage.next = "all" end
      end)), "dot"))
      local places = {}
      for _, object in ipairs(nodes) do
        local number = tonumber(object.name:match "^s(%d+)$")
        if number then
          local x, y = object.pos:match "([%d.]+),([%d.]+)"
          places[number] = { x = tonumber(x), y = tonumber(y) }
        end
      end
      for i = 2, count do
        assert.is_true(places[i].y < places[i - 1].y, i)
      end
    end
  end)

  it("reads random workflows", function()
    math.randomseed(3)
    for _ = 1, 15 do
      local count = math.random(1, 15)
      local text = draw(stages(count, function(stage)
        stage.next = {}
        for _ = 1, math.random(0, 4) do
          table.insert(stage.next, "Stage " .. math.random(1, count + 1))
        end
        if math.random(4) == 1 then stage.next = "all" end
        if math.random(4) == 1 then
          stage.after_publish = "Stage " .. math.random(1, count)
        end
      end), { added = { ["Stage 1"] = true }, removed = { X = true } })
      assert.equal(text:find "matrix %[" and 2 or count + 2, #read(text))
    end
  end)
end)
