-- Journals: how far they have come, or an error.
local files = require "files"
local migration = require "workstage.migration"

return function(bytes)
  files.write('{"workstage":"journal","version":1}',
              '{"type":"plan","id":"x"}\n' .. bytes, true)
  files.check(migration.progress(files.path))
end
