-- The process of one spec file: busted's own runner, under whatever
-- interpreter script/run-specs chose.
require "busted.runner" { standalone = false }
