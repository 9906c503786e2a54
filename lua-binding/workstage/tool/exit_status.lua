--- The exit statuses of the tool.
return {
  DONE = 0,     -- done; for `plan`: nothing to do
  FAILED = 1,   -- failed, partly failed, or stopped on the way
  CHANGES = 2,  -- `plan`: there is something to do
  USAGE = 3,    -- wrong usage; nothing was tried
}
