--- Describes the tables that no schema describes, for the reference and the
-- types, and the types of functions whose comments only say "table". This is
-- the only place; spec/docs compares it with what the module takes and
-- returns.
local storyblok = require "workstage.migration.blueprint.storyblok"

local tables = {}

-- The attributes of a blueprint's table as rows, followed by more rows.
local function blueprint_rows(list, more)
  local rows = {}
  for i, attribute in ipairs(list) do
    rows[i] = { attribute[1], attribute.type, attribute.doc,
                required = attribute[3] }
  end
  return table.move(more or {}, 1, #(more or {}), #rows + 1, rows)
end

--- The kinds of errors, in the order of the reference.
tables.kinds = {
  { "invalid", "refused here, nothing was sent" },
  { "network", "no connection, or one that was lost" },
  { "tls", "the service is not who it should be, or speaks no safe TLS" },
  { "timeout", "no answer within `timeout` or `deadline`" },
  { "redirect", "the answer points elsewhere; none is followed" },
  { "unauthorized", "401: the token is not known" },
  { "forbidden", "403: the token's user may not do this" },
  { "not_found", "404, or no item of that name" },
  { "rejected", "any other 4xx: `fields` names the values, if known" },
  { "rate_limited", "429, after all attempts" },
  { "server", "5xx, after all attempts" },
  { "decode", "a response that cannot be parsed or has the wrong form" },
  { "too_large", "an answer of more bytes than `max_response`" },
  { "cancelled", "the task was cancelled, or the client closed" },
  { "budget", "`max_requests` is used up" },
  { "memory", "memory ran out, and something may have been changed" },
  { "stale", "a migration: the workflow has changed since the plan" },
  { "refused", "a migration: the blueprint or the journal does not allow it" },
  { "locked", "a migration: another process has the journal" },
  { "damaged", "a plan or a journal fails its checksums" },
  { "io", "a file cannot be read or written" },
}

local call_options = {
  { "timeout", "number", "Seconds, each attempt." },
  { "deadline", "number", "Seconds, all attempts and pauses together." },
  { "start_within", "number", "Seconds; no attempt begins later." },
  { "retry", "boolean", "false: one attempt." },
}

local function with(list, more)
  local all = table.move(list, 1, #list, 1, {})
  return table.move(more, 1, #more, #all + 1, all)
end

local run_options = {
  { "journal", "string", "Path of the journal; " ..
    "\"workstage-<plan>.journal\" unless given." },
  { "concurrency", "integer", "Items under way at once, 8." },
  { "on_progress", "fun(progress: workstage.migration.progress)",
    "Called as the run goes on." },
  { "on_event", "fun(event: workstage.migration.event)",
    "Called with the outcome of each item, and with each wait." },
  { "on_failure", "string", "\"continue\" or \"stop\", after an item that " ..
    "failed; continue." },
  { "limit", "integer", "Only so many items now; the rest by `resume`." },
  { "should_stop", "fun(): boolean", "Asked between items; true ends the " ..
    "run, to be resumed." },
}

local only_option = { "only", "string[]", "The names of some of the " ..
  "blueprint's workflows; \"default\" is the default one." }

local map_names = {
  { "map_role", "table<string, string>", "Roles of the blueprint -> those " ..
    "of the space, by name." },
  { "map_user", "table<string, string>", "Users of the blueprint -> those " ..
    "of the space, by e-mail address." },
}

--- Classes: name, description, fields as { name, type, description }. `opts`:
-- the caller creates it and may omit each field without `required`.
tables.classes = {
  { name = "workstage.error", doc = "What a call returns beside nil. " ..
    "`tostring` makes one sentence of it.",
    { "kind", "workstage.error.kind", "The kind of failure.",
      required = true },
    { "status", "integer", "The answer's HTTP status." },
    { "message", "string", "The service's words, or the module's." },
    { "type", "string", "Kantata's word for the kind of error." },
    { "fields", "table<string, string[]>", "Field -> its errors." },
    { "method", "string", "Of the request." },
    { "url", "string", "Of the request." },
    { "body", "string", "The answer's, cut to 4096 bytes." },
    { "request_id", "string", "The service's, for its support." },
    { "attempts", "integer", "Requests sent." },
    { "ambiguous", "boolean", "true: it may have taken effect all the " ..
      "same." },
    { "hint", "string", "What to try." },
    { "text", "string", "The sentence.", required = true },
    { "findings", "workstage.migration.findings", "Of a blueprint that was " ..
      "refused." },
    { "problems", "string[]", "Why a plan was refused." },
    { "moves", "string", "Moves to put into the blueprint, of a plan that " ..
      "was refused because they are missing." },
    { "differences", "string[]", "The changes since a stale plan." },
  },
  { name = "workstage.call_options", opts = true,
    doc = "Options of one call, the last argument of each method.",
    table.unpack(with(call_options, {
      { "only", "string[]", "Of list, page and each: the fields to read of " ..
        "each item; `id` always is." },
      { "strict", "boolean", "false: lets unknown attributes through." },
      { "seen", "workstage.seen", "Of a change: the item as an earlier run " ..
        "read it; else what this client has read counts." },
    })) },
  { name = "workstage.seen", opts = true,
    doc = "Where an item was when it was read before a change was sent.",
    { "stage", "integer", "The id of its stage; Kantata: the status' key." },
    { "created_at", "string", "When it came there, as the service wrote it." },
  },
  { name = "workstage.request_parts", opts = true,
    doc = "The parts of a request that has no method of its own.",
    table.unpack(with({
      { "query", "table<string, any>", "Name -> value." },
      { "body", "table|string", "A table, or JSON." },
      { "headers", "table<string, string|integer>", "Name -> value." },
    }, call_options)) },
  { name = "workstage.rate_limit", opts = true,
    doc = "A rate that processes share.",
    { "per_second", "number", "Requests a second." },
    { "shared", "string", "A file through which processes share it." } },
  { name = "workstage.retry", opts = true, doc = "When to try again.",
    { "attempts", "integer", "Counts the first." },
    { "base", "number", "Seconds: the first pause at most." },
    { "cap", "number", "Seconds: the longest pause." } },
  { name = "workstage.event", doc = "Passed to `on_event`.",
    { "type", "string", "\"request\", \"response\", \"retry\", \"wait\" or " ..
      "\"reconciled\".", required = true },
    { "time", "number", "Seconds since 1970.", required = true },
    { "method", "string", "Of the request.", required = true },
    { "url", "string", "Of the request.", required = true },
    { "call", "integer", "Tells calls apart." },
    { "attempt", "integer", "Counts from 1." },
    { "sent", "integer", "Bytes of the body." },
    { "pause", "number", "Seconds until it goes on." },
    { "kind", "string", "\"ok\", or the kind of the error." },
    { "message", "string", "Why an attempt without a status failed." },
    { "status", "integer", "The answer's HTTP status." },
    { "elapsed", "number", "Seconds since it was sent." },
    { "received", "integer", "Bytes of the answer's body." },
    { "result", "string", "Of \"reconciled\": \"done\", \"not_done\" or " ..
      "\"unknown\"." } },
  { name = "workstage.map_options", opts = true,
    doc = "Options of `workstage.map`.",
    { "concurrency", "integer", "Items under way at once, 8." },
    { "on_result", "fun(index: integer, result: any, err: any, item: any)",
      "Gets each result; none is kept then, but the counts." },
    { "stop_on", "string[]|fun(err: any): boolean",
      "Kinds of errors after which nothing more is begun; " ..
      "{ \"unauthorized\", \"budget\" }." } },
  { name = "workstage.map_results",
    doc = "What `workstage.map` returns: results by index, and counts.",
    { "n", "integer", "How many items there were.", required = true },
    { "done", "integer", "How many succeeded.", required = true },
    { "failed", "integer", "How many failed.", required = true },
    { "failures", "workstage.map_failure[]", "What failed, in order.",
      required = true } },
  { name = "workstage.map_failure", doc = "An item of `map` that failed.",
    { "index", "integer", "Which one it is.", required = true },
    { "item", "any", "The item.", required = true },
    { "error", "any", "Its error.", required = true } },
  { name = "workstage.history.names",
    doc = "Names of stages and people, for several calls.",
    { "stages", "table", "By id: `name`, `workflow`.", required = true },
    { "users", "table<integer, string>", "By id.", required = true },
    { "users_error", "workstage.error", "Why there are no users." } },
  { name = "workstage.history.change", doc = "A change of an item's stage.",
    { "id", "integer", "The id of the change.", required = true },
    { "at", "number", "When, in seconds since 1970.", required = true },
    { "stage", "string", "The stage's name." },
    { "stage_id", "integer", "Its id; Kantata: the status' key." },
    { "workflow", "string", "The workflow's name." },
    { "from", "string", "The name of the stage before." },
    { "from_id", "integer", "Its id." },
    { "user", "string", "Who made it." },
    { "user_id", "integer", "The user's id." },
    { "seconds", "number", "How long the item was in that stage." } },
  { name = "workstage.history.item", doc = "An item in a stage.",
    { "id", "integer", "The id of the story or the project.",
      required = true },
    { "name", "string", "Its name.", required = true },
    { "slug", "string", "The story's full slug." },
    { "stage", "string", "The name of its stage." },
    { "stage_id", "integer", "The stage's id; Kantata: the status' key." },
    { "workflow", "string", "The name of its workflow." },
    { "since", "number", "Since when, in seconds since 1970." },
    { "age", "number", "For how many seconds.", required = true },
    { "user", "string", "Who brought it there, with `who`." },
    { "user_id", "integer", "The user's id, with `who`." } },
  { name = "workstage.known_status",
    doc = "A status that Kantata knows.",
    { "key", "integer", "Its key.", required = true },
    { "message", "string", "Its name, which others may have as well.",
      required = true },
    { "color", "string", "Its colour.", required = true } },
  { name = "workstage.blueprint", doc = "What a workflow is to become: see " ..
    "the guide to migrations.", opts = true,
    { "version", "integer", "1." },
    { "service", "string", "\"storyblok\" unless given, or \"kantata\"." },
    table.unpack(blueprint_rows(storyblok.workflow, {
      { "workflows", "workstage.blueprint.workflow[]", "Several workflows, " ..
        "in place of one." },
      { "moves", "workstage.blueprint.move[]", "The first that matches an " ..
        "item wins." },
    })) },
  { name = "workstage.migration.findings", doc = "What `check` has to say: " ..
    "an array, and a text by `tostring`.",
    { "[integer]", "workstage.migration.finding", "", required = true } },
  { name = "workstage.migration.finding", doc = "One of them.",
    { "level", "string", "\"error\", \"warning\" or \"note\".",
      required = true },
    { "where", "string", "The location, such as \"stages[2].next\".",
      required = true },
    { "message", "string", "What is wrong.", required = true },
    { "file", "string", "The file that the blueprint was read from." },
    { "line", "integer", "The line in it." },
    { "offline", "boolean", "true for what a plan checks by reading the " ..
      "space." } },
  { name = "workstage.migration.plan_options", opts = true,
    doc = "Options of `migration.plan`.",
    table.unpack(with(map_names, { only_option })) },
  { name = "workstage.migration.run_options", opts = true,
    doc = "Options of `migration.apply` and `migration.resume`.",
    table.unpack(run_options) },
  { name = "workstage.migration.open_options", opts = true,
    doc = "Options of `migration.open`.",
    { "rollback", "boolean", "True if the run is to be rolled back; by " ..
      "default false." } },
  { name = "workstage.migration.rollback_options", opts = true,
    doc = "Options of `migration.rollback`.",
    table.unpack(with(run_options, {
      { "confirm", "fun(plan: workstage.plan): boolean",
        "Gets the plan of the way back; nothing is done unless it returns " ..
        "true." },
    })) },
  { name = "workstage.migration.rehearse_options", opts = true,
    doc = "Options of `migration.rehearse`.",
    table.unpack(with({
      { "faults", "number", "The part of the requests that go wrong, 0 to " ..
        "1." },
      { "seed", "integer", "What draws the faults; a new one each time." },
      only_option,
      { "on_progress", "fun(progress: workstage.migration.progress)",
        "Called as the run goes on." },
      { "should_stop", "fun(): boolean", "Asked between items; true ends " ..
        "the run." },
    }, map_names)) },
  { name = "workstage.migration.progress", doc = "Passed to `on_progress`.",
    { "total", "integer", "Items in all.", required = true },
    { "done", "integer", "Items whose end is known.", required = true },
    { "moved", "integer", "In this run.", required = true },
    { "skipped", "integer", "In this run.", required = true },
    { "failed", "integer", "In this run.", required = true },
    { "requests", "integer", "In this run.", required = true },
    { "elapsed", "number", "Seconds.", required = true },
    { "operation", "table", "The one that is under way." } },
  { name = "workstage.migration.event", doc = "Passed to `on_event`.",
    { "type", "string", "\"item\" or \"wait\".", required = true },
    { "item", "integer", "Of \"item\": its id." },
    { "name", "string", "Of \"item\", where it was read." },
    { "outcome", "string", "Of \"item\": \"moved\", \"skipped\" or " ..
      "\"failed\"." },
    { "reason", "string", "Why it was skipped or failed; of \"wait\": what " ..
      "it waits for." },
    { "operation", "integer", "Of \"item\": the plan's operation." },
    { "change", "integer", "Of \"item\": the id of the change." },
    { "seconds", "number", "Of \"wait\": how long it waits." } },
  { name = "workstage.migration.report", doc = "What a run came to; a text " ..
    "by `tostring`.",
    { "complete", "boolean", "True if nothing is left to do.",
      required = true },
    { "added", "integer", "Stages.", required = true },
    { "changed", "integer", "Stages.", required = true },
    { "removed", "integer", "Stages.", required = true },
    { "moved", "integer", "Items.", required = true },
    { "skipped", "integer", "Items that were no longer where the plan " ..
      "says.", required = true },
    { "failed", "integer", "Items; `resume` tries them again.",
      required = true },
    { "failures", "table[]", "`{ item, name, error }` of each.",
      required = true },
    { "skips", "table[]", "`{ item, why }`, of 1,000 at most.",
      required = true },
    { "notes", "string[]", "What was kept unchanged.", required = true },
    { "requests", "integer", "Sent.", required = true },
    { "seconds", "number", "Taken.", required = true },
    { "journal", "string", "Its path; nil after a rehearsal." },
    { "plan", "string|workstage.plan", "The plan's id; after a rehearsal " ..
      "the plan.", required = true },
    { "error", "workstage.error", "The error that ended the run." },
    { "stopped", "string", "Why it stopped before its end." },
    { "rounds", "integer", "Of a rehearsal: runs until it was complete." },
    { "stats", "table", "Of a rehearsal: the sandbox's `stats()`." },
    { "faults", "integer", "Of a rehearsal with faults: how many there " ..
      "were." },
    { "seed", "integer", "Of a rehearsal with faults: what drew them." } },
  { name = "workstage.migration.state", doc = "How far a journal's run has " ..
    "come.",
    { "total", "integer", "Items in all.", required = true },
    { "moved", "integer", "Items.", required = true },
    { "skipped", "integer", "Items.", required = true },
    { "failed", "integer", "Items.", required = true },
    { "complete", "boolean", "True if nothing is left to do.",
      required = true },
    { "operations", "integer", "In all.", required = true },
    { "done", "integer", "Operations that are done.", required = true },
    { "plan", "string", "The plan's id.", required = true },
    { "kind", "string", "\"migration\" or \"rollback\".", required = true },
    { "service", "string", "\"storyblok\" or \"kantata\".", required = true },
    { "space_id", "integer", "Of Storyblok." },
    { "workflow", "string", "Its name." },
    { "rolled_back", "boolean", "True if a rollback has begun.",
      required = true },
    { "requests", "integer", "Sent, retries included.", required = true },
    { "retries", "integer", "Of these.", required = true },
    { "held", "number", "Seconds in which a 429 let nothing be sent.",
      required = true } },
  { name = "workstage.sandbox.stats", doc = "What a sandbox has counted: " ..
    "see the page about it.",
    { "requests", "integer", "", required = true },
    { "rejected", "integer", "429, injected ones too.", required = true },
    { "status", "table<string, integer>", "By status.", required = true },
    { "effects", "table<string, integer>", "Creations.", required = true },
    { "updates", "table<string, integer>", "", required = true },
    { "deletes", "table<string, integer>", "", required = true },
    { "emails", "integer", "", required = true },
    { "webhooks", "integer", "", required = true },
    { "late", "integer", "Effects still to come.", required = true },
    { "late_failed", "integer", "", required = true },
    { "faults", "table<string, integer>", "By name.", required = true },
    { "peak", "integer", "Most requests in a rolling second.",
      required = true },
    { "peak_second", "integer", "Most requests in a second of the clock.",
      required = true },
    { "connections", "integer", "", required = true },
    { "open_connections", "integer", "", required = true },
    { "in_flight", "integer", "", required = true },
    { "max_in_flight", "integer", "", required = true } },
}

for _, each in ipairs(storyblok.tables) do
  local name, doc, list = table.unpack(each)
  table.insert(tables.classes, {
    name = "workstage.blueprint." .. name, doc = doc, opts = true,
    table.unpack(blueprint_rows(list)),
  })
end

local client = "workstage.storyblok|workstage.kantata"
local run = { client = client, path = "string|workstage.session",
              opts = "workstage.migration.run_options",
              "workstage.migration.report" }

--- Types that a comment cannot express: parameters by name, results by number.
-- A name without a module is a method of the class before it.
tables.types = {
  ["workstage.storyblok"] = { opts = "workstage.storyblok.options",
                              "workstage.storyblok" },
  ["workstage.kantata"] = { opts = "workstage.kantata.options",
                            "workstage.kantata" },
  ["workstage.storyblok.from_env"] = {
    opts = "table<string, any>", "workstage.storyblok" },
  ["workstage.kantata.from_env"] = {
    opts = "table<string, any>", "workstage.kantata" },
  ["workstage.run"] = { fn = "fun(scope: workstage.scope): ...", "any" },
  ["workstage.map"] = {
    items = "any[]|fun(): any", fn = "fun(item: any, index: integer): ...",
    opts = "workstage.map_options", "workstage.map_results",
    "table<integer, any>",
  },
  ["workstage.loop:spawn"] = { f = "fun()", "workstage.task" },
  ["workstage.loop:step"] = { timeout = "number" },
  ["workstage.loop:timeout"] = { "number|nil" },
  ["workstage.loop:fileno"] = { "integer" },
  ["workstage.loop:pollfd"] = { "integer" },
  ["workstage.loop:events"] = { "string" },
  ["workstage.scope:spawn"] = { f = "fun()", "workstage.task" },
  ["workstage.task:wait"] = { "any" },
  ["workstage.storyblok:whoami"] = { opts = "workstage.call_options",
                                     "workstage.storyblok.user" },
  ["workstage.kantata:whoami"] = { opts = "workstage.call_options",
                                   "workstage.kantata.user" },
  ["workstage.storyblok:info"] = { opts = "workstage.call_options",
                                   "workstage.storyblok.space" },
  ["workstage.kantata.statuses:list"] = { "workstage.known_status[]" },
  ["workstage.kantata.statuses:find"] = {
    key = "integer|string", color = "string",
    "workstage.known_status",
  },
  ["workstage.history.names"] = { client = client,
                                  "workstage.history.names" },
  ["workstage.history.of"] = { client = client,
                               "workstage.history.change[]" },
  ["workstage.history.standing"] = { client = client,
                                     "fun(): workstage.history.item" },
  ["workstage.history.cost"] = { client = client, "integer", "integer" },
  ["workstage.time.parse"] = { "number?" },
  ["workstage.time.format"] = { "string" },
  ["workstage.log.line"] = { event = "workstage.event" },
  ["workstage.log.to"] = { out = "file*",
                           "fun(event: workstage.event)" },
  ["workstage.migration.read"] = { "workstage.blueprint" },
  ["workstage.migration.write"] = { value = "workstage.blueprint" },
  ["workstage.migration.export"] = {
    client = "workstage.storyblok", name = "string",
    "workstage.blueprint", "string[]",
  },
  ["workstage.migration.export_all"] = { client = "workstage.storyblok",
                                         "workstage.blueprint", "string[]" },
  ["workstage.migration.check"] = {
    blueprint = "workstage.blueprint", "boolean",
    "workstage.migration.findings",
    fails = "workstage.migration.findings",
  },
  ["workstage.migration.plan"] = {
    client = client, blueprint = "workstage.blueprint",
    opts = "workstage.migration.plan_options", "workstage.plan",
  },
  ["workstage.migration.load"] = { "workstage.plan" },
  ["workstage.migration.apply"] = {
    client = client, plan = "workstage.plan",
    opts = "workstage.migration.run_options", "workstage.migration.report",
  },
  ["workstage.migration.resume"] = run,
  ["workstage.migration.open"] = {
    opts = "workstage.migration.open_options", "workstage.session",
  },
  ["workstage.migration.rollback"] = {
    client = client, path = "string|workstage.session",
    opts = "workstage.migration.rollback_options",
    "workstage.migration.report",
  },
  ["workstage.migration.progress"] = { "workstage.migration.state" },
  ["workstage.migration.graph"] = {
    what = "workstage.blueprint|workstage.plan", "string",
  },
  ["workstage.migration.rehearse"] = {
    client = client, blueprint = "workstage.blueprint",
    opts = "workstage.migration.rehearse_options",
    "workstage.migration.report",
  },
  ["workstage.plan:text"] = { options = "{ color: boolean }", "string" },
  ["workstage.plan:is_empty"] = { "boolean" },
  ["workstage.sandbox.start"] = { options = "workstage.sandbox.options",
                                  "workstage.sandbox.server" },
  ["workstage.sandbox.server:stats"] = { "workstage.sandbox.stats" },
}

return tables
