--- Plans a migration of a Storyblok space: reads the current state (only GETs)
-- and passes the desired one to the planner.
local check_content_types = require "workstage.migration.plan.content_types"
local check_left_behind = require "workstage.migration.plan.left_behind"
local described = require "workstage.migration.plan.described"
local diff = require "workstage.migration.plan.diff"
local errors = require "workstage.errors"
local items = require "workstage.migration.items"
local members = require "workstage.migration.plan.members"
local new_reader = require "workstage.migration.plan.space_reader"
local quoted = require "workstage.visible".quoted
local rules = require "workstage.migration.plan.rules"

-- The error message is one line; `moves` can be pasted into the blueprint.
local function refuse(problems)
  local sentences = {}
  for i, problem in ipairs(problems) do
    sentences[i] = problem:gsub("%.$", "")
  end
  local text = table.concat(sentences, "; ")
  local paste = problems.paste or {}
  if #paste > 0 then
    text = text .. "; add to the blueprint: moves = { " ..
           table.concat(paste, " ") .. " }"
  end
  local err = errors.new { kind = "refused", message = text }
  err.problems, err.text = problems, text
  if #paste > 0 then
    err.moves = "  moves = {\n    " .. table.concat(paste, "\n    ") ..
                "\n  },"
  end
  return err
end

local ONLY_DEFAULT = "the space has only its default workflow; if it had " ..
  "none, the service created this one when the workflows were listed"

-- Notes about the result that are not problems.
local function add_notes(self, list)
  local workflows, notes = self.reader.workflows, self.notes
  if #workflows == 1 and workflows[1].is_default then
    notes[#notes + 1] = ONLY_DEFAULT
  end
  local noted = {}
  for _, rule in ipairs(list) do
    if rule.from == nil and not noted[rule.from_name] then
      noted[rule.from_name] = true
      notes[#notes + 1] = ("no stage %s is there now: nothing to move from it")
                          :format(quoted(rule.from_name))
    end
  end
end

-- ---------------------------------------------------------------- reading

-- Reads the described workflows; nil and the error.
local function read_described(self)
  local err
  self.described, err = described.read(self.reader, self.blueprint,
                                       self.problems, self.notes)
  if not self.described then return nil, err end
  if #self.problems > 0 then return nil, refuse(self.problems) end
  described.check(self.described, self.problems, self.notes)
  return described.take_stages(self.reader, self.described, self.problems)
end

-- Reads members, content types and the stages that moves name: the rules.
local function read_rules(self)
  local good, list, err
  self.context, err = members.resolve(
    self.client, self.described, self.blueprint.moves, self.options,
    self.problems, self.notes)
  if not self.context then return nil, err end
  good, err = check_content_types(self.client, self.described, self.problems,
                                  self.notes)
  if not good then return nil, err end
  list, err = rules.of(self.reader, self.described, self.blueprint,
                       self.context, self.problems)
  if not list then return nil, err end
  if #self.problems > 0 then return nil, refuse(self.problems) end
  good, err = items.list(self.client, list)
  if not good then return nil, err end
  return list
end

-- ------------------------------------------------------------------- plans

-- The stages that a plan removes.
local function gone_of(self, draft)
  local gone = {}
  for _, workflow in ipairs(self.described) do
    local planned = draft.workflows[workflow.target]
    for _, stage in ipairs(planned and planned.gone or {}) do
      gone[#gone + 1] = {
        stage = stage,
        workflow_name = self.blueprint.workflows and workflow.existing.name,
      }
    end
  end
  return gone
end

local function scope_of(self)
  local scope = {}
  for _, workflow in ipairs(self.described) do
    if workflow.existing then scope[#scope + 1] = workflow.existing.id end
  end
  return scope
end

-- The workflow's name, if the plan has only one.
local function workflow_name(self)
  local workflow = self.described[1]
  if self.blueprint.workflows or not workflow then return nil end
  return workflow.existing and workflow.existing.name or
         workflow.value.workflow
end

local function plan(self, list)
  local first, problems = self.reader:state(), self.problems
  local draft, moves = diff.plan(first, described.targets(self.described),
                                 self.context,
                                 rules.resolver(list, problems))
  if not draft then return nil, refuse(moves) end
  if #problems == 0 then
    local good, err = check_left_behind(self.client, gone_of(self, draft),
                                        list, problems)
    if not good then return nil, err end
  end
  if #problems > 0 then return nil, refuse(problems) end
  add_notes(self, list)
  table.move(draft.notes, 1, #draft.notes, #self.notes + 1, self.notes)
  return { state = first, operations = draft.operations, notes = self.notes,
           scope = scope_of(self), workflow = workflow_name(self),
           rules = rules.lasting(moves),
           members = members.list(self.context, first) }
end

--- Reads the space and plans.
-- @tparam table client a space
-- @tparam table blueprint in normal form
-- @tparam table options `map_role`, `map_user`: name -> name
-- @treturn[1] table `state`, `scope`, `workflow` (its name), `operations`,
--   `rules`, `members`, `notes`
-- @treturn[2] nil
-- @treturn[2] table the error; `refused` with `problems`
return function(client, blueprint, options)
  local self = { client = client, blueprint = blueprint, options = options,
                 problems = {}, notes = {} }
  local err
  self.reader, err = new_reader(client)
  if not self.reader then return nil, err end
  local good, list
  good, err = read_described(self)
  if not good then return nil, err end
  list, err = read_rules(self)
  if not list then return nil, err end
  return plan(self, list)
end
