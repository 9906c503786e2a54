local probe = require "support.writer".probe

describe("URL escapes", function()
  it("keep only letters, digits and - . _ ~", function()
    for code = 0, 255 do
      local byte = string.char(code)
      local plain = code < 128 and byte:find "[%w%-._~]"
      assert.equal(plain and byte or ("%%%02X"):format(code),
                   probe.escape(byte))
    end
  end)

  it("read back the same", function()
    math.randomseed(5)
    for _ = 1, 500 do
      local bytes = {}
      for i = 1, math.random(0, 60) do
        bytes[i] = string.char(math.random(0, 255))
      end
      local text = table.concat(bytes)
      local back = probe.escape(text):gsub("%%(%x%x)", function(hex)
        return string.char(tonumber(hex, 16))
      end)
      assert.equal(text, back)
    end
  end)
end)

describe("a base URL", function()
  it("is http or https with a host", function()
    for _, url in ipairs {
      "https://mapi.storyblok.com", "http://127.0.0.1:8080",
      "https://api.mavenlink.com/api/v1", "HTTPS://Example.org/",
      "http://[::1]:80/x", "http://localhost:65535/a%20b/~c",
    } do
      local good, why = probe.is_base(url)
      assert.is_true(good, url)
      assert.is_nil(why)
    end
  end)

  it("is nothing else, with a reason", function()
    local bad = {
      [""] = "start with http", ["ftp://x"] = "start with http",
      ["mapi.storyblok.com"] = "start with http",
      ["file:///etc/passwd"] = "start with http",
      ["https://"] = "host", ["https:///v1"] = "host",
      ["https://:80"] = "host", ["http://[::1"] = "valid",
      ["http://[]"] = "valid", ["http://[:11]"] = "valid",
      ["https://?x"] = "host",
      ["https://me:secret@host"] = "user", ["https://me@host/"] = "user",
      ["https://host/?a=1"] = "query", ["https://host#top"] = "fragment",
      ["https://host:0"] = "port", ["https://host:65536"] = "port",
      ["https://host:http"] = "port",
      ["https://host:123456"] = "port", ["https://ho st"] = "character",
      ["https://host\n"] = "character", ["https://hôst"] = "character",
      ["https://host/a b"] = "character", ["https://host/a\nb"] = "character",
      ["https://host/\xff"] = "character", ["https://host\\x"] = "character",
      ["https://ho$st"] = "valid",
    }
    for url, reason in pairs(bad) do
      local good, why = probe.is_base(url)
      assert.is_false(good, url)
      assert.truthy(why:find(reason, 1, true), url .. " " .. why)
    end
  end)

  it("may have an @ in its path", function()
    assert.is_true((probe.is_base "https://host/@me"))
  end)
end)
