--- The cases of the JSON benchmark: each has `name`, `ours` and `theirs`, two
-- functions that do the same work, with the schema and with lua-cjson alone.
local cjson = require "cjson".new()
local core = require "workstage.core"
local documents = require "bench.documents"
local transport = require "workstage.transport"
local workstage = require "workstage"

local space = assert(workstage.storyblok {
  space_id = 288868932106293, token = "bench",
})

local cases = {}

local function add(name, ours, theirs)
  cases[#cases + 1] = { name = name, ours = ours, theirs = theirs }
end

-- A body from its schema, compared with a table that already has the service's
-- format.
local function add_body(name, schema_name, root, attributes)
  local schema, whole = core.schema(schema_name), { [root] = attributes }
  add(name, function()
    return assert(core.body(schema, false, true, attributes))
  end, function() return cjson.encode(whole) end)
end

add_body("write a change", "storyblok.change", "workflow_stage_change",
         documents.change)
add_body("write a stage", "storyblok.stage", "workflow_stage",
         documents.stage)
add_body("write a list of 20 stages", "storyblok.workflow", "workflow",
         documents.workflow)
add("write 100 stories, without a schema", function()
  return assert(core.any(false, documents.stories))
end, function() return cjson.encode(documents.stories) end)

-- A response as `get` or `list` parses it, after it was received.
local function add_answer(name, resource, read, answer, only)
  local text = assert(core.any(false, answer))
  local headers = { header = function() end }
  local envelope = resource.class.envelope
  add(name, function()
    return assert(read(resource, transport.parse(text, envelope, only),
                       headers))
  end, function() return cjson.decode(text) end)
end

local service = space.changes.service
add_answer("read a change", space.changes, service.read_one,
           documents.change_answer)
add_answer("read a stage", space.stages, service.read_one,
           documents.stage_answer)
add_answer("read 100 stories", space.stories, service.read_many,
           documents.stories)
add_answer("read 100 stories, only id, name and stage", space.stories,
           service.read_many, documents.stories,
           assert(core.projection(core.schema "storyblok.story",
                                  { "id", "name", "stage" })))

return cases
