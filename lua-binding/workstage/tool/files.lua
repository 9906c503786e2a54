--- The files that commands are about: what is in them, and what they are
-- called.
local assets = require "workstage.migration.report.assets"
local core = require "workstage.core"
local failure = require "workstage.tool.ui.failure"
local migration = require "workstage.migration"
local record_file = require "workstage.migration.journal.record_file"
local screen = require "workstage.tool.ui.screen"
local exit_status = require "workstage.tool.exit_status"

local files = {}

--- True if something has that name, even what may not be read.
function files.exists(path)
  return core.file_exists(path)
end

local MAX_INPUT = 1 << 30 -- bytes of a pipe

local function copy_to(path, from)
  local source, why = io.open(from, "rb")
  if not source then return nil, why end
  local text
  text, why = source:read(MAX_INPUT)
  source:close()
  local target = not why and assert(io.open(path, "wb"))
  if not target then return nil, why end
  target:write(text or "")
  target:close()
  return true
end

--- Makes an input that can be read only once, such as `plan <(generate)` or
-- /dev/stdin, one that can be read again: a temporary copy. Messages still
-- say the name that was given.
-- @tparam string path
-- @treturn[1] string the path to read
-- @treturn[1] ?string the copy, to be removed in the end
-- @treturn[2] nil
-- @treturn[2] string why it cannot be read
function files.input(path)
  local mode, is_regular = core.file_mode(path)
  if not mode or is_regular then return path end
  local copy = os.tmpname()
  local good, why = copy_to(copy, path)
  if not good then
    os.remove(copy)
    return nil, why
  end
  screen.alias(copy, path)
  return copy, copy
end

--- Writes a file that a command makes, or says why it cannot.
-- @treturn boolean
function files.write(path, text)
  local good, _, why = core.write_file(path, text)
  if not good then screen.complain("%s", why) end
  return good and true or false
end

--- True if a file can be written later; else says why not. What a run did
-- would be lost with it.
-- @treturn boolean
function files.can_write(path)
  local is_there = files.exists(path)
  local file, why = io.open(path, "ab")
  if not file then
    screen.complain("%s", why)
    return false
  end
  file:close()
  if not is_there then os.remove(path) end
  return true
end

--- What a file is: "plan", "journal", else "blueprint"; nil if it cannot be
-- read.
function files.kind(path)
  local kind = record_file.kind(path)
  return kind == false and "blueprint" or kind
end

local function is_report(path)
  local file = io.open(path, "rb")
  local start = file and file:read(#assets.start)
  if file then file:close() end
  return start == assets.start
end

--- True if a result may be written to a file: one that does not exist, or one
-- of the same kind. Says why not.
-- @tparam ?string path
-- @tparam string kind "plan" or "report"
function files.may_replace(path, kind)
  if not path or not files.exists(path) then return true end
  local found = files.kind(path)
  if found and is_report(path) then found = "report" end
  if found == kind then return true end
  screen.complain("%s exists and %s. Choose another file", path,
                  found and "is not a " .. kind or "cannot be read")
  return false
end

-- What to do with another file.
local OTHERS = { plan = "To apply it, run: workstage apply",
                 journal = "To read it, run: workstage show" }

local function wrong_kind(path, kind)
  screen.complain("%s is a %s, not a blueprint. %s %s", path, kind,
                  OTHERS[kind], screen.word(path))
  return nil, exit_status.FAILED
end

--- Reads a blueprint, checks it and writes its warnings.
-- @tparam string path
-- @tparam[opt] boolean is_planned whether a plan is made of it next
-- @treturn[1] table
-- @treturn[2] nil
-- @treturn[2] integer the exit status
function files.blueprint(path, is_planned)
  local kind = files.kind(path)
  if OTHERS[kind] then return wrong_kind(path, kind) end
  local blueprint, err = migration.read(path)
  if not blueprint then return nil, failure.tell(err) end
  local _, findings = migration.check(blueprint)
  -- what a check cannot know, a plan looks up
  if is_planned then findings = findings:without_offline() end
  failure.findings(path, findings)
  if not findings:has_error() then return blueprint end
  return nil, exit_status.FAILED
end

--- Reads a saved plan.
-- @treturn[1] table
-- @treturn[2] nil
-- @treturn[2] integer the exit status
function files.plan(path)
  local plan, err = migration.load(path)
  if plan then return plan end
  return nil, failure.tell(err)
end

-- The path of the first journal of a plan or a blueprint, of the second, ...
local function journal_path(path, number)
  if number == 1 then return path .. ".journal" end
  return ("%s.%d.journal"):format(path, number)
end

-- Reads a journal with a function that takes its path.
local function read_journal(path, read)
  local kind = files.kind(path)
  if kind and kind ~= "journal" then
    local journal = journal_path(path, 1)
    screen.complain("%s is a %s, not a journal%s", path, kind,
                    files.exists(journal) and
                    ". The journal of its run is " .. journal or "")
    return nil, exit_status.FAILED
  end
  local found, err = read(path)
  if not found then return nil, failure.tell(err) end
  return found
end

--- What a journal is about: `service`, `space_id`, and its progress.
-- @treturn[1] table
-- @treturn[2] nil
-- @treturn[2] integer the exit status
function files.journal(path)
  return read_journal(path, migration.progress)
end

--- Opens a journal for a run that goes on from it.
-- @tparam string path
-- @tparam[opt] table opts the options of `migration.open`
-- @treturn[1] table the session
-- @treturn[2] nil
-- @treturn[2] integer the exit status
function files.open(path, opts)
  return read_journal(path, function() return migration.open(path, opts) end)
end

-- Says why a journal that exists cannot be used; false if its run is over and
-- another journal is to be made.
local function refuses_journal(path, plan, progress)
  local is_over = progress.complete or progress.rolled_back
  if progress.plan == plan.id and is_over then
    screen.complain("This plan has already been applied. See %s", path)
  elseif progress.plan == plan.id then
    screen.complain("This plan was begun already. To continue, run: " ..
                    "workstage resume %s", screen.word(path))
  elseif not is_over then
    screen.complain("%s belongs to a run that is not complete. Choose " ..
                    "another --journal, or to continue, run: workstage " ..
                    "resume %s", path, screen.word(path))
  else
    return false
  end
  return true
end

--- The journal for a plan, beside its file. One that is there already and
-- not of a finished run is to be continued.
-- @tparam string path of the plan or the blueprint
-- @tparam table plan
-- @tparam ?string named as a person wants it
-- @treturn[1] string
-- @treturn[2] nil
-- @treturn[2] integer the exit status
function files.new_journal(path, plan, named)
  local number = 1
  -- beside a pipe there is no place for a journal
  if not named and screen.is_alias(path) then
    named = ("workstage-%s.journal"):format(plan.id)
  end
  while true do
    local journal = named or journal_path(path, number)
    if not files.exists(journal) then return journal end
    local progress, err = migration.progress(journal)
    if not progress then return nil, failure.tell(err) end
    if refuses_journal(journal, plan, progress) then
      return nil, exit_status.FAILED
    end
    if named then
      screen.complain("%s belongs to a finished run. Choose another " ..
                      "--journal", named)
      return nil, exit_status.FAILED
    end
    number = number + 1
  end
end

return files
