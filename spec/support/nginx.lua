--- A real nginx with TLS in front of a sandbox, from throw-away authorities.
local sandbox = require "workstage.sandbox"
local shell = require "house.shell"

local nginx = {}
nginx.__index = nginx

local CONFIG = [[
daemon on;
pid %s/nginx.pid;
error_log %s/error.log;
worker_processes 1;
events { worker_connections 256; }
http {
  access_log off;
  client_body_temp_path %s/body;
  proxy_temp_path %s/proxy;
  fastcgi_temp_path %s/fastcgi;
  uwsgi_temp_path %s/uwsgi;
  scgi_temp_path %s/scgi;
  log_format protocol '$request_method $server_protocol $connection';
%s}
]]

local SERVER = [[
  server {
    listen 127.0.0.1:%d ssl%s;
    ssl_certificate %s/%s.pem;
    ssl_certificate_key %s/%s.key;
    access_log %s/%s.log protocol;
    location / {
      proxy_pass %s;
      proxy_set_header Host $host;
    }
  }
]]

-- A free port.
local function free_port()
  local server = assert(sandbox.start { seed = false })
  local port = server.port
  server:stop()
  return port
end

-- Two authorities, and certificates by the first one.
local function make_certificates(folder)
  for _, name in ipairs { "ca", "other" } do
    shell.must([[openssl req -x509 -newkey rsa:2048 -nodes -days 2 ]]
      .. [[-subj '/CN=Throw-away %s' -keyout %s/%s.key -out %s/%s.pem]],
      name, folder, name, folder, name)
  end
  local function certify(name, host, dates)
    shell.must([[cd %s && openssl req -newkey rsa:2048 -nodes ]]
      .. [[-subj '/CN=%s' -keyout %s.key -out %s.csr && ]]
      .. [[echo 'subjectAltName=%s' >%s.ext && touch index.txt && ]]
      .. [[openssl ca -batch -config ca.conf -in %s.csr -out %s.pem ]]
      .. [[-extfile %s.ext -notext %s]], folder, host, name, name, host,
      name, name, name, name, dates)
  end
  local conf = assert(io.open(folder .. "/ca.conf", "w"))
  conf:write(([[
[ca]
default_ca = d
[d]
database = %s/index.txt
new_certs_dir = %s
certificate = %s/ca.pem
private_key = %s/ca.key
default_md = sha256
policy = p
rand_serial = yes
unique_subject = no
[p]
commonName = supplied
]]):format(folder, folder, folder, folder))
  conf:close()
  certify("good", "IP:127.0.0.1,DNS:localhost", "-days 1")
  certify("host", "DNS:elsewhere.example", "-days 1")
  certify("expired", "IP:127.0.0.1",
          "-startdate 20200101000000Z -enddate 20200102000000Z")
end

--- Starts one server for each of `good`, `host`, `expired` (certificates)
-- and `old` (without HTTP/2).
function nginx.start(backend)
  local folder = shell.temporary()
  shell.must("chmod 755 %s", folder)
  make_certificates(folder)
  local self = setmetatable({ folder = folder, port = {} }, nginx)
  local servers = {}
  for _, name in ipairs { "good", "host", "expired", "old" } do
    local certificate = name == "old" and "good" or name
    self.port[name] = free_port()
    servers[#servers + 1] = SERVER:format(
      self.port[name], name == "old" and "" or " http2", folder, certificate,
      folder, certificate, folder, name, backend)
  end
  local file = assert(io.open(folder .. "/nginx.conf", "w"))
  file:write((CONFIG:gsub("%%s}", function()
    return table.concat(servers) .. "}"
  end):gsub("%%s", folder)))
  file:close()
  shell.must("/usr/sbin/nginx -p %s -c %s/nginx.conf -e %s/error.log",
             folder, folder, folder)
  return self
end

function nginx:url(name, host)
  return ("https://%s:%d"):format(host or "127.0.0.1", self.port[name])
end

function nginx:ca(name) return ("%s/%s.pem"):format(self.folder, name) end

--- The log's lines: "GET HTTP/2.0 7" (method, protocol, connection).
function nginx:log(name)
  local lines = {}
  for line in io.lines(("%s/%s.log"):format(self.folder, name)) do
    lines[#lines + 1] = line
  end
  return lines
end

function nginx:stop()
  shell.run("kill $(cat %s/nginx.pid)", self.folder)
  shell.remove(self.folder)
end

return nginx
