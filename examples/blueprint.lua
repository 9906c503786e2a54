-- The desired workflow "Article": a new stage "Legal" between "Review" and
-- "Ready", and "Old review" removed. The sandbox's demo space has the current
-- workflow:
--
--   workstage sandbox
--   workstage check examples/blueprint.lua
--   workstage plan examples/blueprint.lua -o plan
--   workstage apply plan
--
-- A blueprint is data: nothing in it is executed. An attribute that is omitted
-- is unchanged in an existing stage, and off in a new one.
return {
  version = 1,
  workflow = "Article",               -- default = true: the default workflow
  content_types = { "article" },

  -- In order of position. `next`: where a story may go from here; "all" for
  -- any stage, "none" for an end. `was`: the name until now.
  stages = {
    { name = "Drafting", color = "#babcb6", is_default = true,
      next = { "Review" } },
    { name = "Review",   color = "#f5a623", next = { "Legal", "Drafting" } },
    { name = "Legal",    color = "#4a90e2", next = "all",
      roles = { "Lawyer" }, users = { "user1@example.com" } },
    { name = "Ready",    color = "#7ed321", next = { "Drafting", "Review" },
      allow_publish = true, after_publish = "Drafting" },
  },

  -- Which stories go where. The first move that matches wins; `where` takes
  -- the service's own filters.
  moves = {
    { from = "Old review", where = { starts_with = "legal/" }, to = "Legal",
      comment = "moved by the 2026 workflow" },
    { from = "Old review", to = "Review" },
    { from = "none", where = { starts_with = "blog/" }, to = "Drafting" },
  },
}
