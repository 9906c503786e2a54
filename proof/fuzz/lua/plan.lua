-- Plans: loaded, or an error that says where it is damaged.
local files = require "files"
local migration = require "workstage.migration"

return function(bytes)
  files.write('{"workstage":"plan","version":1}', bytes, false)
  files.check(migration.load(files.path))
end
