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

local function plural(count, one, many)
  return ("%s %s"):format(count_text(count),
                          count == 1 and one or many or one .. "s")
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
  if #list == 0 then return "" end
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

local function number_list(view)
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

-- The columns of the moves: their heads and cells. Filters have one only if
-- there are any.
local function move_columns(self, view)
  local has_filter = false
  for _, move in ipairs(view.moves) do
    has_filter = has_filter or move.filter ~= nil
  end
  local columns = {
    { "From", function(move) return self:stage(move.from) end },
    { "To", function(move) return self:stage(move.to) end },
  }
  if has_filter then
    columns[3] = { "Which", function(move) return text(move.filter or "all")
    end }
  end
  local counts = { "Items", "Moved", "Skipped", "Failed" }
  for i = 1, view.is_run and #counts or 1 do
    local field = i == 1 and "count" or counts[i]:lower()
    columns[#columns + 1] = { counts[i], is_number = true, function(move)
      return count_text(move[field])
    end }
  end
  return columns
end

function Page:moves(view)
  if #view.moves == 0 then return "" end
  local heads, numbers, rows = {}, {}, {}
  local columns = move_columns(self, view)
  for c, column in ipairs(columns) do
    heads[c], numbers[c] = column[1], column.is_number
  end
  for i, move in ipairs(view.moves) do
    rows[i] = {}
    for c, column in ipairs(columns) do rows[i][c] = column[2](move) end
  end
  return section("moves", "Moves", markup.table {
    caption = view.is_run and "Items moved from stage to stage" or
              "Items to move from stage to stage",
    heads = heads, numbers = numbers, rows = rows,
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
  local about = view.picture
  local svg = about and about.svg:match "<svg.*</svg>"
  if not svg then return "" end
  return section("picture", about.title, element("div", {
    class = "picture", role = "img", tabindex = "0",
    ["aria-label"] = about.text,
  }, svg))
end

-- ------------------------------------------------------------- timeline

local FEWEST_BARS = 4 -- fewer are no picture

-- A bar of items, and above the axis a mark where requests were retried.
local function bar(i, each, most)
  local height = 100 * each.items / most
  local about = ("%s: %s"):format(each.label, plural(each.items, "item"))
  local mark = ""
  if each.retries > 0 then
    about = ("%s, %s retried"):format(about, plural(each.retries, "request"))
    mark = ('<rect class="retry" x="%.2f" y="104" width="0.8" height="6"/>')
           :format(i - 0.9)
  end
  return ('<g><title>%s</title><rect x="%.2f" y="%.1f" width="0.8" ' ..
          'height="%.1f"/>%s</g>'):format(text(about), i - 0.9, 100 - height,
                                          height, mark)
end

local function bar_chart(line)
  if #line.bars < FEWEST_BARS then return "" end
  local most, bars = math.max(line.most, 1), {}
  for i, each in ipairs(line.bars) do bars[i] = bar(i, each, most) end
  return element("figure", { class = "chart" }, {
    element("figcaption", nil, {
      ("Items in %s"):format(line.unit),
      line.retries and
        '<span class="key"><span class="swatch"></span> retries</span>' or "",
    }),
    element("div", { class = "most" }, count_text(most)),
    ('<svg viewBox="0 0 %d 110" preserveAspectRatio="none" role="img" ' ..
     'aria-label="%s">%s</svg>'):format(#bars, text(line.text),
                                        table.concat(bars)),
    element("div", { class = "axis" }, {
      element("span", nil, line.from), element("span", nil, line.to),
    }),
  })
end

-- A date and a time, which wrap only between the two.
local function when(moment)
  local parts = {}
  for part in moment:gmatch "%S+ ?U?T?C?" do
    parts[#parts + 1] = element("span", { class = "when" },
                                text((part:gsub(" $", ""))))
  end
  return table.concat(parts, " ")
end

local function event_table(line)
  if #line.events == 0 then return "" end
  local rows = {}
  for i, event in ipairs(line.events) do
    rows[i] = { when(event.at), text(event.text) }
  end
  local more = line.more > 0 and
    element("p", nil, plural(line.more, "further entry", "further entries") ..
                      " not shown here.") or ""
  return markup.table { caption = "Retries and waits", rows = rows,
                        heads = { "When", "What" } } .. more
end

local function timeline(view)
  local line = view.timeline
  if not line then return "" end
  return section("timeline", "Timeline", {
    element("p", nil, text(line.text)), bar_chart(line),
    line.retries and element("p", nil, text(line.retries)) or "",
    event_table(line),
  }, "long")
end

-- Who did what, when, and with which command.
local function record_table(view)
  if #view.record == 0 then return "" end
  local rows, has_command = {}, false
  for i, entry in ipairs(view.record) do
    rows[i] = { text(entry.what), when(entry.at),
                entry.user and name(entry.user) or "",
                entry.command and element("code", { class = "line" },
                                          text(entry.command)) or "" }
    has_command = has_command or entry.command ~= nil
  end
  local heads = { "What", "When", "Who", "Command" }
  if not has_command then
    heads[4] = nil
    for _, row in ipairs(rows) do row[4] = nil end
  end
  return section("record", "Who and when", markup.table {
    caption = view.is_run and "Who planned and ran it, and with which command"
              or "Who planned it, and with which command",
    heads = heads, rows = rows,
  })
end

-- The name with the id beneath, or the id alone.
local function item_name(item)
  if not item.name then return text(item.id) end
  return name(item.name) .. " " ..
         element("span", { class = "id" }, text(item.id))
end

local function outcome_word(outcome)
  return element("span", { class = outcome == "failed" and "bad" or "warn" },
                 text(outcome))
end

local function item_table(view)
  local items = view.items
  if not items or #items.rows == 0 then return "" end
  local rows = {}
  for i, item in ipairs(items.rows) do
    rows[i] = { item_name(item), outcome_word(item.outcome),
                text(item.reason) }
  end
  local more = items.more > 0 and
    element("p", nil, { text(plural(items.more, "further item") ..
                             " not shown here. All of them: "),
                        element("code", nil, text(items.command)) }) or ""
  return section("items", "Failures and skipped items", {
    markup.table { caption = "Items that were not moved, with the reason",
                   heads = { "Item", "Outcome", "Reason" },
                   rows = rows, sortable = true }, more,
  }, "long")
end

-- A command may be pasted, so that it is cut only if it is absurdly long.
local LONGEST_COMMAND = 10000

local function commands(id, title, about)
  if not about then return "" end
  local parts = {}
  for i, line in ipairs(about.lines or {}) do
    parts[i] = element("p", nil, text(line))
  end
  if about.list then
    local items = {}
    for i, each in ipairs(about.list) do
      items[i] = element("li", nil, text(each, LONGEST_COMMAND))
    end
    parts[#parts + 1] = element("ul", nil, items)
  end
  if #about.commands > 0 then
    local shown = {}
    for i, command in ipairs(about.commands) do
      shown[i] = text(command, LONGEST_COMMAND)
    end
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
    heading(view), number_list(view),
    commands("resume", "How to continue", view.resume), picture(view),
    self:transitions(view), self:changes(view), self:moves(view),
    section("warnings", "Warnings", list_of(view.warnings, "warn")),
    section("effects", "Side effects", list_of(view.effects)),
    section("notes", "Notes", list_of(view.notes)),
    timeline(view), record_table(view),
    commands("apply", "How to apply it", view.apply),
    commands("undo", "How to undo it", view.undo),
    item_table(view), -- last, because it can be long
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
    assets.start, '<html lang="en">\n<head>\n', head(self, view, key),
    "</head>\n<body>\n<main>\n", content, "\n<footer>", text(view.footer),
    '</footer>\n</main>\n<script nonce="', key, '">\n', assets.script,
    "</script>\n</body>\n</html>\n",
  }
end
