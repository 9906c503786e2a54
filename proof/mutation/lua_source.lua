--- Properties of Lua sources for the rules of mutation. Positions are indices
-- of tokens (see tokens.lua).
local lua = { negated = "not (%s)", nothing = "" }

local function set(text)
  local members = {}
  for name in text:gmatch "%S+" do members[name] = true end
  return members
end

--- Words that no value precedes.
lua.keywords = set [[and break do else elseif end false for function goto if
  in local nil not or repeat return then true until while]]

local BLOCK_OPENS, BLOCK_CLOSES = set "if do function repeat", set "end until"
local OPENS, CLOSES = set "( [ {", set ") ] }"
local STATEMENT_NEXT = set "then else do repeat"
local STATEMENT_ENDS = set "end else elseif until"
local VALUES = set "end nil true false break"

--- The tokens between each `if` and its `then`.
function lua.conditions(found)
  local ranges = {}
  for i, token in ipairs(found) do
    if token.text == "if" or token.text == "elseif" then
      local last = i
      while found[last].text ~= "then" do last = last + 1 end
      ranges[#ranges + 1] = { i + 1, last - 1 }
    end
  end
  return ranges
end

-- For each token, the word that opened its block; and where the block that a
-- token opens ends.
local function blocks(found)
  local kinds, ends, stack = {}, {}, {}
  for i, token in ipairs(found) do
    if token.kind == "name" and BLOCK_CLOSES[token.text] then
      ends[table.remove(stack)] = i
    end
    kinds[i] = stack[#stack] and found[stack[#stack]].text or "function"
    if token.kind == "name" and BLOCK_OPENS[token.text] then
      stack[#stack + 1] = i
    end
  end
  return kinds, ends
end

-- "Draft:add" of `function Draft:add(`; nil for one without a name.
local function name_at(found, i)
  local name = ""
  while found[i].text ~= "(" do
    name = name .. found[i].text
    i = i + 1
  end
  return name ~= "" and name or nil
end

--- The functions, inner ones after those that they are in.
function lua.scopes(found)
  local scopes, _, ends = {}, blocks(found)
  for i, token in ipairs(found) do
    if token.text == "function" and token.kind == "name" then
      local enters = i
      while found[enters].text ~= ")" do enters = enters + 1 end
      scopes[#scopes + 1] = {
        name = name_at(found, i + 1), first = token.first,
        last = found[ends[i]].last, enters = found[enters].first,
        returns = { "do return end" },
      }
    end
  end
  return scopes
end

-- True if a value, and so perhaps a statement, can end with this token.
local function can_end(token)
  if token.kind == "mark" then return CLOSES[token.text] or false end
  return not lua.keywords[token.text] or VALUES[token.text] or
         token.kind == "text"
end

local function can_follow(token)
  return token.leads and token.kind == "name" and
         token.text ~= "and" and token.text ~= "or"
end

local function begins(found, i)
  local token, before = found[i], found[i - 1]
  if token.kind ~= "name" or lua.keywords[token.text] and
     token.text ~= "return" and token.text ~= "break" then
    return false
  end
  if not before or STATEMENT_NEXT[before.text] then return true end
  return token.leads and can_end(before)
end

-- Returns the end of the statement at i; `ends`: the ends of the functions in
-- it.
local function end_of(found, i, ends)
  local depth = 0
  while found[i + 1] do
    i = found[i].text == "function" and ends[i] or i
    local after = found[i + 1] or found[i]
    if OPENS[found[i].text] then depth = depth + 1 end
    if CLOSES[found[i].text] then depth = depth - 1 end
    if depth == 0 and (STATEMENT_ENDS[after.text] or can_end(found[i]) and
                       can_follow(after)) then
      break
    end
    i = i + 1
  end
  return i
end

--- Returns the statements that can be dropped: no declarations, and not the
-- return at a function's end.
function lua.statements(found)
  local ranges, kinds, ends = {}, blocks(found)
  for i, token in ipairs(found) do
    if begins(found, i) and
       not (token.text == "return" and kinds[i] == "function") then
      ranges[#ranges + 1] = { i, end_of(found, i, ends) }
    end
  end
  return ranges
end

return lua
