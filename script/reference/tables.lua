--- Describes tables without a schema, for the reference and the types, and the
-- types of functions whose comments only say "table". spec/docs compares them
-- with what the module accepts and returns.
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
  { "invalid", "the module refused it; nothing was sent" },
  { "network", "no connection, or one that was lost" },
  { "tls", "the certificate is not valid, or TLS failed" },
  { "timeout", "no response within `timeout` or `deadline`" },
  { "redirect", "the response is a redirect, which is never followed" },
  { "unauthorized", "401: the token is unknown" },
  { "forbidden", "403: the token's user may not do this" },
  { "not_found", "404, or no item with that name" },
  { "rejected", "any other 4xx: `fields` names the values, if known" },
  { "rate_limited", "429, after all attempts" },
  { "server", "5xx, after all attempts" },
  { "decode", "a response that cannot be parsed or has the wrong form" },
  { "too_large", "a response longer than `max_response`" },
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
  { "timeout", "number", "Seconds for each attempt." },
  { "deadline", "number", "Seconds for all attempts and pauses together." },
  { "start_within", "number", "Seconds after which no attempt starts." },
  { "retry", "boolean", "false: only one attempt." },
}

local function with(list, more)
  local all = table.move(list, 1, #list, 1, {})
  return table.move(more, 1, #more, #all + 1, all)
end

local run_options = {
  { "journal", "string", "Path of the journal; " ..
    "\"workstage-<plan>.journal\" unless given." },
  { "concurrency", "integer", "Items in flight at the same time; 8." },
  { "on_progress", "fun(progress: workstage.migration.progress)",
    "Called when the progress changes." },
  { "on_event", "fun(event: workstage.migration.event)",
    "Called with the outcome of each item, and with each wait." },
  { "on_failure", "string", "\"continue\" or \"stop\" after an item has " ..
    "failed; \"continue\"." },
  { "limit", "integer", "Stop after this many items; `resume` does the rest." },
  { "should_stop", "fun(): boolean", "Called between items; true stops the " ..
    "run, which can be resumed." },
  { "command", "string", "The command line, for reports. The token is " ..
    "removed." },
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
  { name = "workstage.error", doc = "The error that a failed call " ..
    "returns after nil. `tostring` formats it as one sentence.",
    { "kind", "workstage.error.kind", "The kind of failure.",
      required = true },
    { "status", "integer", "The HTTP status of the response." },
    { "message", "string", "The message of the service or the module." },
    { "type", "string", "Kantata's type of error." },
    { "fields", "table<string, string[]>", "Messages by field." },
    { "method", "string", "The request's method." },
    { "url", "string", "The request's URL." },
    { "body", "string", "The response's body, at most 4096 bytes." },
    { "request_id", "string", "The service's id of the request, for its " ..
      "support." },
    { "attempts", "integer", "How many requests were sent." },
    { "ambiguous", "boolean", "true: the request may have taken " ..
      "effect." },
    { "hint", "string", "What to do." },
    { "text", "string", "The sentence.", required = true },
    { "findings", "workstage.migration.findings", "The findings of a " ..
      "refused blueprint." },
    { "problems", "string[]", "Why a plan was refused." },
    { "moves", "string", "Moves to add to the blueprint, if a plan was " ..
      "refused because they are missing." },
    { "differences", "string[]", "Changes in the space since the plan." },
  },
  { name = "workstage.call_options", opts = true,
    doc = "Options of one call, the last argument of each method.",
    table.unpack(with(call_options, {
      { "only", "string[]", "For list, page and each: the fields to read of " ..
        "each item, besides `id`." },
      { "strict", "boolean", "false: unknown attributes are sent." },
      { "seen", "workstage.seen", "For a change: the item as an earlier run " ..
        "read it; by default as this client has read it." },
    })) },
  { name = "workstage.seen", opts = true,
    doc = "The state of an item that was read before a change was sent.",
    { "stage", "integer", "The id of its stage; Kantata: the status' key." },
    { "created_at", "string", "When it entered it, as the service wrote it." },
  },
  { name = "workstage.request_parts", opts = true,
    doc = "The parts of a request without a method of its own.",
    table.unpack(with({
      { "query", "table<string, any>", "Values by name." },
      { "body", "table|string", "A table, or JSON." },
      { "headers", "table<string, string|integer>", "Values by name." },
    }, call_options)) },
  { name = "workstage.rate_limit", opts = true,
    doc = "A rate that processes share.",
    { "per_second", "number", "Requests a second." },
    { "shared", "string", "A file through which processes share it." } },
  { name = "workstage.retry", opts = true,
    doc = "How many attempts are made, and when.",
    { "attempts", "integer", "The number of attempts, including the first." },
    { "base", "number", "Seconds: the longest first pause." },
    { "cap", "number", "Seconds: the longest pause." } },
  { name = "workstage.event", doc = "Passed to `on_event`.",
    { "type", "string", "\"request\", \"response\", \"retry\", \"wait\" or " ..
      "\"reconciled\".", required = true },
    { "time", "number", "Seconds since 1970.", required = true },
    { "method", "string", "The request's method.", required = true },
    { "url", "string", "The request's URL.", required = true },
    { "call", "integer", "A number that identifies the call." },
    { "attempt", "integer", "Counts from 1." },
    { "sent", "integer", "Bytes of the body." },
    { "pause", "number", "Seconds until the next attempt." },
    { "kind", "string", "\"ok\", or the kind of the error." },
    { "message", "string", "Why an attempt without a status failed." },
    { "status", "integer", "The HTTP status of the response." },
    { "elapsed", "number", "Seconds since the request was sent." },
    { "received", "integer", "Bytes of the response's body." },
    { "result", "string", "Of \"reconciled\": \"done\", \"not_done\" or " ..
      "\"unknown\"." } },
  { name = "workstage.map_options", opts = true,
    doc = "Options of `workstage.map`.",
    { "concurrency", "integer", "Items in flight at the same time; 8." },
    { "on_result", "fun(index: integer, result: any, err: any, item: any)",
      "Called with each result; then only counts are returned." },
    { "stop_on", "string[]|fun(err: any): boolean",
      "Kinds of errors after which no further item is started; " ..
      "{ \"unauthorized\", \"budget\" }." } },
  { name = "workstage.map_results",
    doc = "What `workstage.map` returns: results by index, and counts.",
    { "n", "integer", "The number of items.", required = true },
    { "done", "integer", "The number of items that succeeded.",
      required = true },
    { "failed", "integer", "The number of items that failed.",
      required = true },
    { "failures", "workstage.map_failure[]", "The failed items, in order.",
      required = true } },
  { name = "workstage.map_failure", doc = "An item of `map` that failed.",
    { "index", "integer", "The index of the item.", required = true },
    { "item", "any", "The item.", required = true },
    { "error", "any", "Its error.", required = true } },
  { name = "workstage.history.names",
    doc = "Names of stages and people, for several calls.",
    { "stages", "table", "`name` and `workflow` by id.", required = true },
    { "users", "table<integer, string>", "Names by id.", required = true },
    { "users_error", "workstage.error", "Why the users could not be read." } },
  { name = "workstage.history.change", doc = "A change of an item's stage.",
    { "id", "integer", "The id of the change.", required = true },
    { "at", "number", "The time, in seconds since 1970.", required = true },
    { "stage", "string", "The stage's name." },
    { "stage_id", "integer", "Its id; Kantata: the status' key." },
    { "workflow", "string", "The workflow's name." },
    { "from", "string", "The name of the stage before." },
    { "from_id", "integer", "Its id." },
    { "user", "string", "The name of the user who made it." },
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
    { "since", "number", "When it entered the stage, in seconds since 1970." },
    { "age", "number", "Seconds since then.", required = true },
    { "user", "string", "Who moved it there, with `who`." },
    { "user_id", "integer", "The user's id, with `who`." } },
  { name = "workstage.known_status",
    doc = "A status of Kantata.",
    { "key", "integer", "Its key.", required = true },
    { "message", "string", "Its name, which other statuses may have as well.",
      required = true },
    { "color", "string", "Its colour.", required = true } },
  { name = "workstage.blueprint", doc = "The desired workflows: see " ..
    "the guide to migrations.", opts = true,
    { "version", "integer", "1." },
    { "service", "string", "\"storyblok\" (the default) or \"kantata\"." },
    table.unpack(blueprint_rows(storyblok.workflow, {
      { "workflows", "workstage.blueprint.workflow[]", "Several workflows " ..
        "instead of one." },
      { "moves", "workstage.blueprint.move[]", "The first that matches an " ..
        "item wins." },
    })) },
  { name = "workstage.migration.findings", doc = "The findings of `check`: " ..
    "an array, which `tostring` formats as text.",
    { "[integer]", "workstage.migration.finding", "", required = true } },
  { name = "workstage.migration.finding", doc = "A finding of `check`.",
    { "level", "string", "\"error\", \"warning\" or \"note\".",
      required = true },
    { "where", "string", "The location, such as \"stages[2].next\".",
      required = true },
    { "message", "string", "What is wrong.", required = true },
    { "file", "string", "The file that the blueprint was read from." },
    { "line", "integer", "The line in it." },
    { "offline", "boolean", "true if a plan can check it by reading the " ..
      "space." } },
  { name = "workstage.migration.plan_options", opts = true,
    doc = "Options of `migration.plan`.",
    table.unpack(with(map_names, { only_option,
      { "command", "string", "The command line, for reports." } })) },
  { name = "workstage.migration.report_options", opts = true,
    doc = "Options of `migration.report`.",
    { "picture", "string|fun(plan: workstage.plan): string?",
      "The workflow before and after as SVG, or what draws it." } },
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
        "Called with the plan of the rollback; nothing is done unless it " ..
        "returns true." },
    })) },
  { name = "workstage.migration.rehearse_options", opts = true,
    doc = "Options of `migration.rehearse`.",
    table.unpack(with({
      { "faults", "number", "The part of the requests that fail, 0 to " ..
        "1." },
      { "seed", "integer", "Seed of the random faults; a new one each time." },
      only_option,
      { "on_progress", "fun(progress: workstage.migration.progress)",
        "Called when the progress changes." },
      { "should_stop", "fun(): boolean", "Called between items; true stops " ..
        "the run." },
    }, map_names)) },
  { name = "workstage.migration.progress", doc = "Passed to `on_progress`.",
    { "total", "integer", "Items in all.", required = true },
    { "done", "integer", "Items with an outcome.", required = true },
    { "moved", "integer", "In this run.", required = true },
    { "skipped", "integer", "In this run.", required = true },
    { "failed", "integer", "In this run.", required = true },
    { "requests", "integer", "In this run.", required = true },
    { "elapsed", "number", "Seconds.", required = true },
    { "operation", "table", "The current operation." } },
  { name = "workstage.migration.event", doc = "Passed to `on_event`.",
    { "type", "string", "\"item\" or \"wait\".", required = true },
    { "item", "integer", "For \"item\": its id." },
    { "name", "string", "For \"item\": its name, if it was read." },
    { "outcome", "string", "For \"item\": \"moved\", \"skipped\" or " ..
      "\"failed\"." },
    { "reason", "string", "Why it was skipped or failed; for \"wait\": why " ..
      "the run waits." },
    { "operation", "integer", "For \"item\": the index of the operation." },
    { "change", "integer", "For \"item\": the id of the change." },
    { "seconds", "number", "For \"wait\": how long." } },
  { name = "workstage.migration.report",
    doc = "The result of a run; `tostring` formats it as text.",
    { "complete", "boolean", "True if nothing is left to do.",
      required = true },
    { "added", "integer", "Stages added.", required = true },
    { "changed", "integer", "Stages changed.", required = true },
    { "removed", "integer", "Stages removed.", required = true },
    { "moved", "integer", "Items.", required = true },
    { "skipped", "integer", "Items that were no longer in their " ..
      "planned stage.", required = true },
    { "failed", "integer", "Items; `resume` tries them again.",
      required = true },
    { "failures", "table[]", "`{ item, name, error }` of each.",
      required = true },
    { "skips", "table[]", "`{ item, why }` of each, at most 1,000.",
      required = true },
    { "notes", "string[]", "What was kept unchanged.", required = true },
    { "requests", "integer", "Requests sent.", required = true },
    { "seconds", "number", "Duration.", required = true },
    { "journal", "string", "Its path; nil after a rehearsal." },
    { "plan", "string|workstage.plan", "The plan's id; after a rehearsal " ..
      "the plan.", required = true },
    { "error", "workstage.error", "The error that ended the run." },
    { "stopped", "string", "Why it stopped before its end." },
    { "rounds", "integer", "For a rehearsal: runs until it was complete." },
    { "stats", "table", "For a rehearsal: the sandbox's `stats()`." },
    { "faults", "integer", "For a rehearsal with faults: their " ..
      "number." },
    { "seed", "integer", "For a rehearsal with faults: their seed." } },
  { name = "workstage.migration.state",
    doc = "The progress of a run, from its journal.",
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
    { "requests", "integer", "Requests sent, including retries.",
      required = true },
    { "retries", "integer", "Retries among these.", required = true },
    { "held", "number", "Seconds of pauses after 429s.",
      required = true } },
  { name = "workstage.sandbox.stats", doc = "Counters of a sandbox: " ..
    "see its guide.",
    { "requests", "integer", "Requests received.", required = true },
    { "rejected", "integer", "429s, including injected ones.",
      required = true },
    { "status", "table<string, integer>", "Responses by status.",
      required = true },
    { "effects", "table<string, integer>", "Creations.", required = true },
    { "updates", "table<string, integer>", "Updates.", required = true },
    { "deletes", "table<string, integer>", "Deletions.", required = true },
    { "emails", "integer", "E-mails sent.", required = true },
    { "webhooks", "integer", "Webhook calls triggered.",
      required = true },
    { "late", "integer", "Late effects that are pending.", required = true },
    { "late_failed", "integer", "Late effects that failed.",
      required = true },
    { "faults", "table<string, integer>", "Faults by name.",
      required = true },
    { "peak", "integer", "Most requests in a rolling second.",
      required = true },
    { "peak_second", "integer", "Most requests in a clock second.",
      required = true },
    { "connections", "integer", "Connections opened.", required = true },
    { "open_connections", "integer", "Connections open now.",
      required = true },
    { "in_flight", "integer", "Requests in flight now.", required = true },
    { "max_in_flight", "integer", "Most requests in flight.",
      required = true } },
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
  ["workstage.migration.report"] = {
    what = "workstage.plan|string",
    opts = "workstage.migration.report_options", "string",
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
