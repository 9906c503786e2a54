--- Renders a report as one HTML page from a view (see `report.view`). It loads
-- nothing from the network and is complete without its script.
local assets = require "workstage.migration.report.assets"
local colors = require "workstage.migration.colors"
local markup = require "workstage.migration.report.markup"

local element, text, name = markup.element, markup.text, markup.name

local Page = {}
Page.__index = Page

-- 12345 -> "12,345"
local function count_text(value)
  if math.type(value) ~= "integer" then return text(value) end
  local digits = tostring(value):reverse():gsub("(%d%d%d)", "%1,"):reverse()
  return (digits:gsub("^,", ""))
end

local function plural(count, one)
  return ("%s %s%s"):format(count_text(count), one, count == 1 and "" or "s")
end

-- --------------------------------------------------------------- stages

-- Adds a CSS rule for each colour that occurs: style attributes would need a
-- weaker content security policy.
local function class_of(self, color)
  local background = colors.drawn(color)
  if not self.classes[background] then
    local class = "c" .. #self.rules + 1
    self.classes[background] = class
    self.rules[#self.rules + 1] = (".%s{background:%s;color:%s}"):format(
      class, background, colors.text_on(background))
  end
  return self.classes[background]
end

-- A stage's name on its colour.
function Page:stage(stage)
  if not stage then return element("span", { class = "soft" }, "no stage") end
  return element("span", { class = "stage " .. class_of(self, stage.color) },
                 name(stage.name))
end

-- ------------------------------------------------------------- sections

local function section(id, title, content, class)
  if not content or #content == 0 then return "" end
  if type(content) == "table" then content = table.concat(content) end
  return element("section", { id = id, class = class,
                              ["aria-labelledby"] = id .. "-title" }, {
    element("h2", { id = id .. "-title" }, text(title)), content,
  })
end

local function facts(list)
  local parts = {}
  for i, fact in ipairs(list) do
    parts[i] = element("div", nil, { element("dt", nil, text(fact[1])),
                                     element("dd", nil, name(fact[2])) })
  end
  return element("dl", { class = "facts" }, parts)
end

local function list_of(texts, class)
  local items = {}
  for i, each in ipairs(texts) do
    items[i] = element("li", { class = class }, text(each))
  end
  return #items > 0 and element("ul", { class = "plain" }, items) or ""
end

local STATES = { done = "good", stopped = "warn", failed = "bad" }

local function heading(view)
  local state = view.state and
    element("p", nil, element("span", { class = "badge " ..
                                        STATES[view.state.level] },
                              text(view.state.text))) or ""
  return element("header", nil, {
    element("p", { class = "kind" }, text(view.kind)),
    element("h1", nil, name(view.title)), state,
    element("p", { class = "lead" }, text(view.summary)),
    facts(view.facts),
  })
end

local function numbers(view)
  local parts = {}
  for i, each in ipairs(view.numbers) do
    parts[i] = element("div", nil, {
      element("dt", nil, text(each[1])),
      element("dd", nil, count_text(each[2])),
    })
  end
  return element("dl", { class = "numbers" }, parts)
end

local SIGNS = { added = { "+ new", "good" },
                removed = { "\u{2212} removed", "bad" },
                changed = { "~ changed", "warn" } }

local function change_item(self, change)
  local sign, lines = SIGNS[change.kind], {}
  for i, detail in ipairs(change.details) do
    local label = detail.label and text(detail.label) .. ": " or ""
    lines[i] = element("div", {
      class = detail.is_default and "detail soft" or "detail",
    }, detail.words and text(detail.words) or label .. text(detail.text))
  end
  return element("li", nil, {
    element("span", { class = "sign " .. sign[2] }, text(sign[1])), " ",
    self:stage(change.stage),
    change.workflow_name and
      element("span", { class = "soft" },
              " in " .. name(change.workflow_name)) or "",
    table.concat(lines),
  })
end

function Page:changes(view)
  local items = {}
  for i, change in ipairs(view.changes) do
    items[i] = change_item(self, change)
  end
  if #items == 0 then return "" end
  return section("changes", "Changes",
                 element("ul", { class = "plain" }, items), "long")
end

function Page:moves(view)
  if #view.moves == 0 then return "" end
  local rows, is_run = {}, view.is_run
  for i, move in ipairs(view.moves) do
    rows[i] = { self:stage(move.from), self:stage(move.to),
                text(move.filter or "all"), count_text(move.count) }
    if is_run then
      for _, count in ipairs { "moved", "skipped", "failed" } do
        table.insert(rows[i], count_text(move[count]))
      end
    end
  end
  local heads = { "From", "To", "Which", "Items" }
  local right = { [4] = true, [5] = true, [6] = true, [7] = true }
  if is_run then
    table.move({ "Moved", "Skipped", "Failed" }, 1, 3, 5, heads)
  end
  return section("moves", "Moves", markup.table {
    caption = "Items that move from stage to stage", heads = heads,
    numbers = right, rows = rows,
  })
end

-- The text of a matrix cell, and its label for screen readers.
local CELLS = {
  kept = { "\u{25CF}", "allowed before and after" },
  added = { "+", "newly allowed", "good" },
  removed = { "\u{2212}", "no longer allowed", "bad" },
}

local function matrix_rows(self, matrix)
  local rows = {}
  for r, from in ipairs(matrix.stages) do
    rows[r] = { self:stage(from) }
    for c in ipairs(matrix.stages) do
      local cell = CELLS[matrix[r][c]]
      rows[r][c + 1] = cell and
        element("span", { role = "img", ["aria-label"] = cell[2],
                          class = cell[3] }, cell[1])
        or ""
    end
  end
  return rows
end

function Page:matrix(matrix)
  local heads = { "From \\ to" }
  for i, stage in ipairs(matrix.stages) do heads[i + 1] = stage.name end
  return element("div", { class = "matrix" }, markup.table {
    caption = ("%s: \u{25CF} allowed before and after, + newly allowed, " ..
               "\u{2212} no longer allowed"):format(matrix.name or ""),
    heads = heads, rows = matrix_rows(self, matrix),
  })
end

function Page:transitions(view)
  local parts = {}
  for _, matrix in ipairs(view.matrices) do
    if #matrix.stages > 0 then parts[#parts + 1] = self:matrix(matrix) end
  end
  return section("transitions", "Which stage leads where", parts)
end

-- The picture comes from Graphviz, which escapes the names in it. Everything
-- before its root element is removed.
local function picture(view)
  local svg = view.picture and view.picture:match "<svg.*</svg>"
  if not svg then return "" end
  return section("picture", "Before and after", element("div", {
    class = "picture", role = "img", tabindex = "0",
    ["aria-label"] = view.picture_text,
  }, svg))
end

local FEWEST_BARS = 3 -- fewer are not shown

local function bar(i, minute, most)
  local height = 100 * minute.items / most
  local about = ("%s: %s"):format(minute.label,
                                  plural(minute.items, "item"))
  return ('<rect x="%d" y="%.1f" width="0.9" height="%.1f"><title>%s'
          .. '</title></rect>'):format(i - 1, 100 - height, height,
                                       text(about))
end

local function bar_chart(line)
  if #line.minutes < FEWEST_BARS then return "" end
  local most, bars = 1, {}
  for _, minute in ipairs(line.minutes) do
    most = math.max(most, minute.items)
  end
  for i, minute in ipairs(line.minutes) do bars[i] = bar(i, minute, most) end
  return element("div", { class = "bars" }, ('<svg viewBox="0 0 %d 100" \z
    preserveAspectRatio="none" role="img" aria-label="%s">%s</svg>'):format(
      #bars, text(line.text), table.concat(bars)))
end

local function timeline(view)
  local line = view.timeline
  if not line then return "" end
  return section("timeline", "Timeline", {
    element("p", nil, text(line.text)), bar_chart(line),
    list_of(line.events),
  })
end

local function item_table(view)
  local items = view.items
  if not items or #items.rows == 0 then return "" end
  local rows = {}
  for i, item in ipairs(items.rows) do
    rows[i] = { name(item.name or item.id), text(item.id),
                text(item.outcome), text(item.reason) }
  end
  local more = items.more > 0 and
    element("p", nil, { text(plural(items.more, "further item") ..
                             " not shown here. All of them: "),
                        element("code", nil, text(items.command)) }) or ""
  return section("items", "Failures and skipped items", {
    markup.table { caption = "Items that were not moved, with the reason",
                   heads = { "Item", "Id", "Outcome", "Reason" },
                   rows = rows, sortable = true }, more,
  }, "long")
end

local function commands(id, title, lines, list)
  if #list == 0 and #lines == 0 then return "" end
  local parts = {}
  for i, line in ipairs(lines) do
    parts[i] = element("p", nil, text(line))
  end
  if #list > 0 then
    local shown = {}
    for i, command in ipairs(list) do shown[i] = text(command) end
    parts[#parts + 1] = element("pre", { tabindex = "0" },
                                table.concat(shown, "\n"))
  end
  return section(id, title, parts)
end

-- ------------------------------------------------------------- the page

local function nonce()
  local parts = {}
  for i = 1, 4 do
    parts[i] = ("%08x"):format(math.random(0, 0xffffffff))
  end
  return table.concat(parts)
end

local POLICY = "default-src 'none'; style-src 'nonce-%s'; " ..
               "script-src 'nonce-%s'; base-uri 'none'; form-action 'none'"

local function head(self, view, key)
  local style = assets.style .. table.concat(self.rules, "\n") .. "\n"
  return table.concat {
    '<meta charset="utf-8">\n',
    ('<meta http-equiv="Content-Security-Policy" content="%s">\n')
      :format(POLICY:format(key, key)),
    '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
    '<meta name="color-scheme" content="light dark">\n',
    '<meta name="referrer" content="no-referrer">\n',
    element("title", nil, text(view.kind .. ": " .. view.title)), "\n",
    ('<style nonce="%s">\n%s</style>\n'):format(key, style),
  }
end

local function body(self, view)
  return table.concat({
    heading(view), numbers(view), picture(view), self:transitions(view),
    self:changes(view), self:moves(view),
    section("warnings", "Warnings", list_of(view.warnings, "warn")),
    section("effects", "Side effects", list_of(view.effects)),
    section("notes", "Notes", list_of(view.notes)),
    timeline(view), item_table(view),
    commands("undo", "How to undo it", view.undo.lines, view.undo.commands),
    commands("commands", "Commands", {}, view.commands),
  }, "\n")
end

--- Writes a report.
-- @tparam table view see `report.view`
-- @treturn string HTML
return function(view)
  local self = setmetatable({ classes = {}, rules = {} }, Page)
  local key = nonce()
  local content = body(self, view) -- first: it collects the colours
  return table.concat {
    '<!doctype html>\n<html lang="en">\n<head>\n', head(self, view, key),
    "</head>\n<body>\n<main>\n", content, "\n<footer>", text(view.footer),
    '</footer>\n</main>\n<script nonce="', key, '">\n', assets.script,
    "</script>\n</body>\n</html>\n",
  }
end
