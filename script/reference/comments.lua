--- Reads the doc comments above functions in the sources.
local comments = {}

local cache = {}

local function lines_of(path)
  if not cache[path] then
    local lines = {}
    for line in io.lines(path) do lines[#lines + 1] = line end
    cache[path] = lines
  end
  return cache[path]
end

-- "[opt=8]" or "[1]" behind a tag
local function read_modifier(rest)
  local modifier, after = rest:match "^%[([^%]]*)%]%s*(.*)$"
  return modifier, after or rest
end

local tags = {}

local function param(doc, modifier, type_name, rest)
  local name, words = rest:match "^([%w_.]+)%s*(.*)$"
  assert(name, "a parameter without a name: " .. rest)
  local last = {
    name = name, type = type_name, words = words,
    optional = modifier and modifier:match "^opt" ~= nil or nil,
    default = modifier and modifier:match "^opt=(.*)$",
  }
  doc.params[#doc.params + 1] = last
  return last
end

function tags.tparam(doc, modifier, rest)
  local type_name, after = rest:match "^(%S+)%s*(.*)$"
  return param(doc, modifier, type_name, after)
end

function tags.param(doc, modifier, rest)
  return param(doc, modifier, nil, rest)
end

local function result(doc, modifier, type_name, words)
  local group = tonumber(modifier) or 1
  doc.returns[group] = doc.returns[group] or {}
  local last = { type = type_name, words = words }
  table.insert(doc.returns[group], last)
  return last
end

function tags.treturn(doc, modifier, rest)
  local type_name, words = rest:match "^(%S+)%s*(.*)$"
  return result(doc, modifier, type_name, words)
end

tags["return"] = function(doc, modifier, rest)
  return result(doc, modifier, nil, rest)
end

--- The parts of a comment's text.
-- @treturn table `summary` (its first sentence), `text` (all before the
--   tags), `params` and `returns` (by group)
function comments.parse(text)
  local doc = { params = {}, returns = {} }
  local words, last = {}, nil
  for line in (text .. "\n"):gmatch "([^\n]*)\n" do
    local tag, rest = line:match "^%s*@(%w+)%s*(.*)$"
    local modifier
    if not tag then
      tag, modifier, rest = line:match "^%s*@(%w+)(%b[])%s*(.*)$"
    else
      modifier, rest = read_modifier(rest)
    end
    if tag then
      if modifier then modifier = modifier:gsub("^%[(.*)%]$", "%1") end
      assert(tags[tag], "an unknown tag: @" .. tag)
      last = tags[tag](doc, modifier, rest)
    elseif last then
      last.words = last.words .. " " .. line:match "^%s*(.-)%s*$"
    else
      words[#words + 1] = line:match "^%s*(.-)%s*$"
    end
  end
  doc.text = table.concat(words, " "):gsub("%s+", " "):match "^%s*(.-)%s*$"
  doc.summary = (doc.text .. " "):match "^(.-[.:;])%s" or doc.text
  return doc
end

--- The comment above a line of a Lua file, which begins with three dashes;
-- nil where there is none.
function comments.above(path, line)
  local lines, found = lines_of(path), {}
  line = line - 1
  while lines[line] and lines[line]:find "^%s*%-%-" do
    table.insert(found, 1, (lines[line]:gsub("^%s*%-%-%-?%s?", "", 1)))
    if lines[line]:find "^%s*%-%-%-" then
      return comments.parse(table.concat(found, "\n"))
    end
    line = line - 1
  end
end

--- The comments of a C file that begin with `/***`, by the function below.
function comments.of_c(path)
  local text, found = table.concat(lines_of(path), "\n"), {}
  for words, name in text:gmatch
      "/%*%*%*(.-)%*/\nstatic int ([%w_]+)%(" do
    local plain = words:gsub("\n%s*%*%*%s?", "\n")
    found[name] = comments.parse(plain)
  end
  return found
end

return comments
