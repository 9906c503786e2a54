--- Starts nginx on loopback, which responds to every request with a stage
-- change.
local server = {}
server.__index = server

-- The ids differ, as real ones do. Connections stay open for good.
local CONFIG = [[
daemon on;
worker_processes 1;
pid FOLDER/pid;
error_log FOLDER/errors;
events { worker_connections 1000; }
http {
  access_log off;
  keepalive_requests 100000000;
  keepalive_timeout 600s;
  client_body_temp_path FOLDER/body;
  proxy_temp_path FOLDER/proxy;
  fastcgi_temp_path FOLDER/fastcgi;
  uwsgi_temp_path FOLDER/uwsgi;
  scgi_temp_path FOLDER/scgi;
  default_type application/json;
  server {
    listen 127.0.0.1:PORT;
    location / {
      return 201 'ANSWER';
    }
  }
}
]]

local ANSWER = '{"workflow_stage_change":{' ..
  '"id":2${connection}00${connection_requests},' ..
  '"workflow_stage_id":288868932200001,"workflow_id":288868932300001,' ..
  '"user_id":112233,"due_date":null,' ..
  '"created_at":"2026-11-21T10:00:00.000Z"}}'

local function output_of(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read "a"
  pipe:close()
  return (text:gsub("%s+$", ""))
end

-- Tries random ports until nginx can use one.
local function try(folder)
  local port = math.random(20000, 32000)
  local file = assert(io.open(folder .. "/conf", "w"))
  file:write((CONFIG:gsub("%u%u%u%u+", {
    FOLDER = folder, PORT = port, ANSWER = ANSWER,
  })))
  file:close()
  return os.execute(("/usr/sbin/nginx -p %s -c %s/conf -e %s/errors 2>%s/why")
                    :format(folder, folder, folder, folder)) and port
end

--- Starts it.
-- @treturn table with `url` and `stop()`
function server.start()
  local folder = output_of "mktemp -d"
  os.execute("chmod 755 " .. folder)
  for _ = 1, 20 do
    local port = try(folder)
    if port then
      return setmetatable({ folder = folder, port = port,
                            url = "http://127.0.0.1:" .. port }, server)
    end
  end
  error("nginx does not start: " .. output_of("cat " .. folder .. "/why"))
end

function server:stop()
  os.execute(("kill $(cat %s/pid); rm -rf %s"):format(self.folder,
                                                      self.folder))
end

server.__close = server.stop

return server
