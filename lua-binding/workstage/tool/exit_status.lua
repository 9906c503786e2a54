--- The exit statuses of the tool.
return {
  DONE = 0,     -- done; for `plan` and `diff`: no changes
  FAILED = 1,   -- failed, partly failed, or stopped
  CHANGES = 2,  -- `plan` and `diff`: there are changes
  USAGE = 3,    -- wrong usage; nothing was tried
}
