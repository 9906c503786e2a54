-- Paging over lists that change between the requests, without a network.
local paging = require "workstage.paging"
local tries = require "support.tries"

-- A list in the order of its keys, with a function that fetches a page. Calls
-- `change` before each fetch except the first.
local function service(count, change)
  local self = { items = {}, fetches = 0 }
  for i = 1, count do self.items[i] = { id = i * 10 } end

  function self.remove(id)
    for i, item in ipairs(self.items) do
      if item.id == id then return table.remove(self.items, i) end
    end
  end

  function self.insert(id)
    local at = 1
    while self.items[at] and self.items[at].id < id do at = at + 1 end
    if not self.items[at] or self.items[at].id ~= id then
      table.insert(self.items, at, { id = id })
    end
  end

  -- Pages as the services cut them.
  function self.fetch(number, per_page)
    self.fetches = self.fetches + 1
    if self.fetches > 1 and change then change(self) end
    assert(self.fetches < 5000, "reads without end")
    local size = per_page or self.per_page
    local page = { total = not self.blind and #self.items or nil,
                   page = number, per_page = size }
    for i = (number - 1) * size + 1, number * size do
      page[#page + 1] = self.items[i]
    end
    return page
  end

  function self.by_ids(ids)
    local list = {}
    for _, id in ipairs(ids) do
      for _, item in ipairs(self.items) do
        if item.id == id then list[#list + 1] = item end
      end
    end
    return list
  end

  function self.get(id)
    return { id = id }
  end

  return self
end

local function ids_of(list)
  local ids, seen = {}, {}
  for i, item in ipairs(list) do
    assert(not seen[item.id], "came twice: " .. item.id)
    seen[item.id] = true
    ids[i] = item.id
  end
  return ids, seen
end

local readers = {
  all = function(list)
    return assert(paging.all(list.fetch))
  end,
  each = function(list)
    local items = {}
    for item in paging.each(list.fetch) do
      items[#items + 1] = item
    end
    return items
  end,
  each_of_snapshot = function(list, per_page)
    local items = {}
    for item in paging.each_of_snapshot(list.fetch, list.by_ids, list.get,
                                        per_page, per_page) do
      items[#items + 1] = item
    end
    return items
  end,
}

for name, read in pairs(readers) do
  describe("paging." .. name, function()
    local function run(list, per_page)
      list.per_page = per_page
      return ids_of(read(list, per_page))
    end

    it("reads an unchanged list in order", function()
      for _, count in ipairs { 0, 1, 9, 10, 11, 20, 99, 100, 101, 230 } do
        for _, per_page in ipairs { 1, 7, 10, 25, 100 } do
          for _, blind in ipairs { false, true } do
            local list = service(count)
            list.blind = blind
            local ids = run(list, per_page)
            assert.equal(count, #ids)
            for i, id in ipairs(ids) do assert.equal(i * 10, id) end
          end
        end
      end
    end)

    -- Items that were there all the time must be returned.
    local function stays(count, per_page, change)
      local list = service(count, change)
      local _, seen = run(list, per_page)
      for _, item in ipairs(list.items) do
        if item.id > 0 and item.id <= count * 10 and item.id % 10 == 0 then
          assert.is_true(seen[item.id], "was left out: " .. item.id)
        end
      end
    end

    it("omits nothing if items leave the pages that were read", function()
      for _, per_page in ipairs { 5, 10, 25 } do
        stays(200, per_page, function(list)
          list.remove(list.items[1].id)
        end)
        stays(200, per_page, function(list)
          for _ = 1, 7 do
            if #list.items > 40 then list.remove(list.items[1].id) end
          end
        end)
      end
    end)

    it("repeats nothing if items join the pages that were read", function()
      for _, per_page in ipairs { 5, 10, 25 } do
        local number = 0
        stays(200, per_page, function(list)
          if number < 40 then
            number = number + 1
            list.insert(-number)
          end
        end)
      end
    end)

    it("omits nothing if one item leaves and one joins", function()
      for _, per_page in ipairs { 10, 25, 100 } do
        local number = 0
        stays(500, per_page, function(list)
          number = number + 1
          list.remove(list.items[1].id)
          list.insert(100000 + number)
        end)
      end
    end)

    it("omits nothing, whatever comes and goes", function()
      math.randomseed(7)
      for _ = 1, tries(150) do
        local number = 0
        stays(math.random(30, 400), math.random(10, 100), function(list)
          for _ = 1, math.random(0, 3) do
            if #list.items > 5 and math.random() < 0.6 then
              list.remove(list.items[math.random(#list.items)].id)
            end
          end
          for _ = 1, math.random(0, 3) do
            number = number + 1
            if number < 200 then
              list.insert(math.random(500) * 10 + math.random(9))
            end
          end
        end)
      end
    end)

    it("reads a list whose page size the service chooses", function()
      for _, count in ipairs { 0, 1, 20, 21, 230 } do
        local list = service(count)
        local cut = list.fetch
        list.fetch = function(number) return cut(number, 20) end
        assert.equal(count, #run(list, 50))
      end
    end)

    -- A list as the service returns it, with its headers.
    local function odd(count, serve)
      local list = service(count)
      local cut = list.fetch
      list.fetch = function(number, asked)
        return serve(cut, number, asked or 100, list)
      end
      return list
    end

    local function ends(list)
      local good, ids = pcall(run, list, 100)
      assert.is_true(list.fetches <= 70, list.fetches)
      return good and ids, tostring(ids)
    end

    it("reads a list whose service shortens pages silently", function()
      for _, count in ipairs { 1, 24, 25, 26, 50, 230 } do
        for _, cap in ipairs { 25, 20, 7 } do
          local ids = assert(ends(odd(count, function(cut, number, asked)
            local page = cut(number, math.min(cap, asked))
            page.per_page = asked
            return page
          end)))
          assert.equal(count, #ids)
        end
      end
    end)

    it("reads such a list without a total, or with a wrong one", function()
      for _, total in ipairs { false, 0, 1, 3, 150 } do
        for _, count in ipairs { 150, 25, 26, 100, 101, 230, 500 } do
          for _, cap in ipairs { 25, 1000 } do
            local ids = assert(ends(odd(count, function(cut, number, asked)
              local page = cut(number, math.min(cap, asked))
              page.per_page = asked
              page.total = total and math.min(total, count) or nil
              return page
            end)))
            assert.equal(count, #ids)
          end
        end
      end
    end)

    it("does not take the first page for the whole list", function()
      local ids, why = ends(odd(230, function(cut, _, asked)
        return cut(1, asked)
      end))
      assert.is_false(ids)
      assert.matches("names 230 items, but its pages hold 100", why, 1, true)
      ids, why = ends(odd(230, function(cut)
        local page = cut(1, 100)
        page.total = nil
        return page
      end))
      assert.is_false(ids)
      assert.matches("page %d+ holds only items of earlier pages", why)
    end)

    it("takes a short page that is repeated for the last one", function()
      local ids = assert(ends(odd(23, function(cut)
        local page = cut(1, 100)
        page.total = nil
        return page
      end)))
      assert.equal(23, #ids)
    end)

    it("does not end early at an empty page", function()
      local ids, why = ends(odd(230, function(cut, number, asked)
        local page = cut(number, asked)
        for i = 1, number > 1 and #page or 0 do page[i] = nil end
        return page
      end))
      assert.is_false(ids)
      assert.matches("names 230 items, but its pages hold 100", why, 1, true)
    end)

    it("reads a list again if a page was empty by chance", function()
      local failed = false
      local ids = assert(ends(odd(230, function(cut, number, asked)
        local page = cut(number, asked)
        if number == 2 and not failed then
          failed = true
          for i = 1, #page do page[i] = nil end
        end
        return page
      end)))
      assert.equal(230, #ids)
    end)

    it("ends for a list whose order changes each time", function()
      local list = service(230)
      local cut = list.fetch
      math.randomseed(11)
      list.fetch = function(...)
        for i = #list.items, 2, -1 do
          local j = math.random(i)
          list.items[i], list.items[j] = list.items[j], list.items[i]
        end
        return cut(...)
      end
      local good, why = pcall(run, list, 25)
      assert.is_true(list.fetches < 100)
      if not good then assert.matches("the list is inconsistent",
                                      tostring(why), 1, true) end
    end)

    it("needs few requests more than there are pages", function()
      for _, count in ipairs { 0, 50, 100, 101, 230, 1000, 10000 } do
        local list = service(count)
        run(list, 100)
        local pages = math.max(1, math.ceil(count / 100))
        assert.is_true(list.fetches <= pages * 1.15 + 1,
                       ("%d requests for %d"):format(list.fetches, count))
      end
    end)
  end)
end

describe("paging.each_of_snapshot", function()
  it("raises the error of an object, unless it was deleted", function()
    local function run(kind)
      local list = service(100)
      list.per_page = 10
      local items = {}
      for item in paging.each_of_snapshot(list.fetch, list.by_ids,
        function() return nil, { kind = kind } end, 10, 10) do
        items[#items + 1] = item
        if #items == 15 then list.remove(900) end
      end
      return #items
    end
    assert.equal(99, run "not_found")
    local good, err = pcall(run, "forbidden")
    assert.is_false(good)
    assert.equal("forbidden", err.kind)
  end)
end)

-- Even if more than half a page leaves at a time.
describe("reading overlapping pages", function()
  it("omits nothing while many items leave", function()
    math.randomseed(11)
    for _ = 1, tries(60) do
      local list = service(math.random(0, 1500), function(self)
        for _ = 1, math.random(0, 60) do
          if #self.items > 0 then
            table.remove(self.items, math.random(#self.items))
          end
        end
      end)
      list.per_page = 100
      local _, seen = ids_of(assert(paging.all(list.fetch)))
      for _, item in ipairs(list.items) do
        assert.is_true(seen[item.id], "was left out: " .. item.id)
      end
    end
  end)
end)

-- If the service chooses the page size, not every change can be followed.
describe("reading pages whose size the service chooses", function()
  it("does not end as complete if it is not", function()
    local list = service(1000, function(self) table.remove(self.items) end)
    list.per_page = 50
    local sweep, seen = paging.sweep(function(number)
      return list.fetch(number)
    end), 0
    local fresh, err
    repeat
      fresh, err = sweep:next()
      if fresh then seen = seen + #fresh end
    until not fresh
    assert.is_true(seen < #list.items, seen)
    assert.is_nil(fresh)
    assert.equal("decode", err.kind)
    assert.matches("changed faster than it could be read", tostring(err), 1,
                   true)
  end)
end)
