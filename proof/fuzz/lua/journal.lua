-- Journals: their progress, with possible counts, or an error.
local files = require "files"
local migration = require "workstage.migration"

return function(bytes)
  files.write('{"workstage":"journal","version":1}',
              '{"type":"plan","id":"x"}\n' .. bytes, true)
  local progress, err = migration.progress(files.path)
  files.check(progress, err)
  if not progress then return end
  for _, name in ipairs { "total", "moved", "skipped", "failed", "done" } do
    local count = progress[name]
    assert(math.type(count) == "integer" and count >= 0, name)
  end
  assert(progress.done <= progress.operations)
  assert(progress.total >= progress.moved + progress.skipped)
end
