--- Properties of C sources for the rules of mutation. All positions are indices
-- of tokens (see tokens.lua).
local c = { negated = "!(%s)", nothing = ";" }

local function set(...)
  local members = {}
  for _, name in ipairs { ... } do members[name] = true end
  return members
end

--- Words that no value precedes.
c.keywords = set("return", "case", "sizeof", "else")

local CONTROL = set("if", "for", "while", "switch")
local NO_STATEMENT = set("if", "for", "while", "switch", "do", "else", "case",
                         "default")
local JUMPS = set("return", "break", "continue", "goto")
local OPENS, CLOSES = set("(", "[", "{"), set(")", "]", "}")

-- Returns the index of the bracket that closes the one at i.
local function closing(found, i)
  local depth = 0
  repeat
    if OPENS[found[i].text] then depth = depth + 1 end
    if CLOSES[found[i].text] then depth = depth - 1 end
    i = i + 1
  until depth == 0
  return i - 1
end

local function opening(found, i)
  local depth = 0
  repeat
    if CLOSES[found[i].text] then depth = depth + 1 end
    if OPENS[found[i].text] then depth = depth - 1 end
    i = i - 1
  until depth == 0
  return i + 1
end

--- The tokens between the parentheses of each `if`.
function c.conditions(found)
  local ranges = {}
  for i, token in ipairs(found) do
    if token.text == "if" then
      ranges[#ranges + 1] = { i + 2, closing(found, i + 1) - 1 }
    end
  end
  return ranges
end

-- Values that a function of that type can return too early.
local function early(found, first, last)
  local kind = found[last - 1].text
  if kind == "*" then return { "return NULL;" } end
  if kind == "void" then return { "return;" } end
  if kind == "bool" then return { "return true;", "return false;" } end
  if kind == "ws_field" or first > last - 1 then return {} end
  return { "return 0;" }
end

-- The function whose body begins at i.
local function function_at(found, i)
  local name = opening(found, i - 1) - 1
  local first = name
  while first > 1 and (found[first - 1].kind == "name" or
                       found[first - 1].text == "*") do
    first = first - 1
  end
  return { name = found[name].text, first = found[first].first,
           last = found[closing(found, i)].last, enters = found[i].first,
           from = i, to = closing(found, i),
           returns = early(found, first, name) }
end

--- The functions.
function c.scopes(found)
  local scopes, i = {}, 1
  while i <= #found do
    local text = found[i].text
    if text == "{" and found[i - 1].text == ")" then
      scopes[#scopes + 1] = function_at(found, i)
    end
    if OPENS[text] then i = closing(found, i) end
    i = i + 1
  end
  return scopes
end

-- After which tokens a statement begins.
local function openers(found, scope)
  local opens, inside = { [scope.from] = true }, 0
  for i = scope.from + 1, scope.to do
    local text = found[i].text
    inside = inside + (text == "(" and 1 or text == ")" and -1 or 0)
    if CONTROL[text] then opens[closing(found, i + 1)] = true end
    if text == "else" or text == "do" or text == "}" or
       text == ";" and inside == 0 or text == "{" and opens[i - 1] then
      opens[i] = true
    elseif text == "case" or text == "default" then
      local colon = i
      while found[colon].text ~= ":" do colon = colon + 1 end
      opens[colon] = true
    end
  end
  return opens
end

local function is_declaration(found, i)
  if JUMPS[found[i].text] then return false end
  i = i + 1
  while found[i].text == "*" do i = i + 1 end
  return found[i].kind == "name"
end

-- Returns the end of the simple statement at i; nil for another kind.
local function end_of(found, i)
  if found[i].kind ~= "name" or NO_STATEMENT[found[i].text] or
     is_declaration(found, i) then
    return nil
  end
  while found[i].text ~= ";" do
    i = (OPENS[found[i].text] and closing(found, i) or i) + 1
  end
  return i
end

--- Returns the statements that can be dropped: no declarations, and not the
-- return at a function's end.
function c.statements(found)
  local ranges = {}
  for _, scope in ipairs(c.scopes(found)) do
    local opens = openers(found, scope)
    for i = scope.from + 1, scope.to - 1 do
      local last = opens[i - 1] and end_of(found, i)
      if last and not (found[i].text == "return" and
                       last + 1 == scope.to) then
        ranges[#ranges + 1] = { i, last }
      end
    end
  end
  return ranges
end

return c
