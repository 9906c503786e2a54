--- The clients to compare with, where bench/peers/install has put them.
local peers = {}

--- Those that are there: name, and the command for so many in flight.
function peers.installed()
  return {}
end

return peers
