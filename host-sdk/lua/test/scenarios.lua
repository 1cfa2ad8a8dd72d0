-- SPDX-License-Identifier: Apache-2.0
-- The scenarios of tests/bindings/scenarios.json: scenarios.lua SCENARIO LIBRARY ADDRESS NEXT_PLUGIN
local agones = require("agones_processor")
local json = require("agones_processor.json")

local scenario, library, address, next_plugin = unpack(arg)
local any = { namespace = "default" }
local orphans, told, kinds = {}, {}, {}

local function new(settings)
  settings = settings or {}
  settings.transport = "plaintext"
  return agones.new(address, {
    library = library ~= "" and library or nil,
    settings = settings,
    on_orphan = function(server) orphans[#orphans + 1] = server end,
    on_connection = function(connection) told[#told + 1] = connection end,
    on_log = function(line) kinds[line.kind] = true end,
  })
end

local function until_(client, condition)
  while not condition() do client:poll(10) end
end

-- Runs in a coroutine what waits, and polls until it is done.
local function await(client, work)
  local done, result = false, nil
  coroutine.wrap(function()
    result = { work() }
    done = true
  end)()
  until_(client, function() return done end)
  return unpack(result, 1, 2)
end

local function described(problem)
  return {
    outcome = problem.outcome, delivery = problem.delivery, code = problem.code, message = problem.message,
    request = problem.request == "\n\7default",
  }
end

local function collect(client, tasks, each)
  local names = {}
  for _ = 1, tasks do
    coroutine.wrap(function()
      for _ = 1, each do
        local name = assert(client:allocate(any)).name
        names[#names + 1] = name -- its place is looked for after the wait
      end
    end)()
  end
  return names
end

local function submit(client, into)
  return assert(client:submit(any, nil, function(server, problem) into.server, into.problem = server, problem end))
end

local settings = { disconnected = { fail_fast = true }, queue_full = { max_pending_requests = 1 }, logs = { log_level = "info" },
  unknown_fields = { unknown_fields = "ignore" } }
local client = assert(new(settings[scenario]))
local count = function(name) return tonumber(client:stats()[name]) end

local scenarios = {
  thousand = function()
    local names = collect(client, 1000, 1)
    until_(client, function() return #names == 1000 end)
    return { names = names }
  end,
  tasks = function()
    local names = collect(client, 100, 5)
    until_(client, function() return #names == 500 end)
    return { names = names }
  end,
  server = function()
    local got = await(client, function() return client:allocate({ namespace = "default", metadata = { labels = { mode = "arena" } } }) end)
    return {
      name = got.name, address = got.address, node = got.node_name, source = got.source, port = got.ports.default,
      label = client:response_json(got):match('"mode":"(%w+)"'),
    }
  end,
  protobuf = function() return { name = await(client, function() return client:allocate("\n\7default") end).name } end,
  manifest = function()
    local manifest = { kind = "GameServerAllocation",
      spec = { selectors = { { matchLabels = { ["agones.dev/fleet"] = "local" }, gameServerState = "Ready" } } } }
    local _, problem = client:submit(manifest, 0, function() end)
    return { named = problem.message:find("MANIFEST") ~= nil, name = await(client, function() return client:allocate(manifest, 0, true) end).name }
  end,
  unknown_fields = function()
    local body = { namespace = "default", gameServerSelectors = { { players = { minAvailable = 1 } } } }
    return { name = await(client, function() return client:allocate(body) end).name }
  end,
  rejected = function() return described(select(2, await(client, function() return client:allocate({ namespace = "nowhere" }) end))) end,
  timeout_not_sent = function() return described(select(2, await(client, function() return client:allocate(any, 50) end))) end,
  orphan = function()
    local result = described(select(2, await(client, function() return client:allocate(any, 2000) end)))
    until_(client, function() return orphans[1] end)
    result.orphan = orphans[1].name
    return result
  end,
  cancelled = function()
    local into = {}
    assert(client:cancel(submit(client, into)))
    until_(client, function() return into.problem end)
    return { gaveUp = into.problem.outcome == "CANCELLED", cancelled = count("cancelled") }
  end,
  cancelled_sent = function()
    local id = submit(client, {})
    until_(client, function() return count("in_flight") == 1 end)
    assert(client:cancel(id))
    until_(client, function() return orphans[1] end)
    return { orphan = orphans[1].name }
  end,
  disconnected = function() return described(select(2, await(client, function() return client:allocate(any) end))) end,
  shutdown = function()
    local into = {}
    submit(client, into)
    assert(client:close())
    local result = described(into.problem)
    result.afterwards = select(2, client:submit(any, nil, print)).status
    return result
  end,
  queue_full = function()
    submit(client, {})
    return { status = select(2, client:submit(any, nil, print)).status }
  end,
  malformed = function()
    local _, setting = new({ max_batch = 1 })
    local _, problem = client:submit({ nmespace = "default" }, nil, print)
    return {
      status = problem.status, named = problem.message:find("nmespace") ~= nil, setting = setting.status,
      settingNamed = setting.message:find("max_batch") ~= nil, name = await(client, function() return client:allocate(any) end).name,
    }
  end,
  drain = function()
    local into = {}
    submit(client, into)
    assert(client:drain(true))
    local result = described(into.problem)
    result.afterwards = select(2, client:submit(any, nil, print)).status
    return result
  end,
  connection = function()
    until_(client, function() return #told > 0 and told[#told].state == "SERVING" end)
    return { told = told[#told].state, state = client:connection().state, streams = count("streams") }
  end,
  logs = function()
    until_(client, function() return kinds.stream_opened end)
    return { logged = true }
  end,
  swap = function()
    local names = collect(client, 100, 10)
    until_(client, function() return #names >= 200 end)
    assert(client:swap(next_plugin))
    until_(client, function() return #names == 1000 and client:swap_report().state ~= "RUNNING" end)
    local report = client:swap_report()
    return { names = names, from = report.from_version, to = report.to_version, version = client:version() }
  end,
  swap_refused = function()
    assert(client:swap("/nowhere.so"))
    until_(client, function() return client:swap_report().state ~= "RUNNING" end)
    return { refused = client:swap_report().state == "FAILED", name = await(client, function() return client:allocate(any) end).name }
  end,
  -- Nanoseconds to submit, and to deliver what waits; microseconds of CPU, all threads, for each of 10,000 under way.
  bench = function()
    local ffi = require("ffi")
    ffi.cdef("typedef struct { long s, ns; } bench_time; int clock_gettime(int, bench_time*); int usleep(unsigned);")
    local function now(clock)
      local time = ffi.new("bench_time")
      ffi.C.clock_gettime(clock, time)
      return tonumber(time.s) * 1e9 + tonumber(time.ns)
    end
    local rounds, under_way = 6, 10000
    local allocate, deliver, cpu = {}, {}, {}
    for round = 1, rounds do
      local cpu_before, before, ended = now(2), now(1), 0
      for _ = 1, under_way do client:submit('{"namespace":"default"}', nil, function() ended = ended + 1 end) end
      allocate[round] = now(1) - before
      while count("allocated") < round * under_way do ffi.C.usleep(5000) end
      before = now(1)
      while ended < under_way do client:poll() end
      deliver[round] = now(1) - before
      cpu[round] = now(2) - cpu_before
    end
    local function median(values)
      local last = { values[rounds - 2], values[rounds - 1], values[rounds] }
      table.sort(last)
      return last[2] / under_way
    end
    return { allocateNs = median(allocate), eventNs = median(deliver), cpuUs = median(cpu) / 1000 }
  end,
  exit = function()
    for _ = 1, 100 do submit(client, {}) end
    until_(client, function() return count("in_flight") > 0 end)
    print(json.encode({ underWay = count("pending") }))
    os.exit(0)
  end,
}

print(json.encode(scenarios[scenario]()))
assert(client:close())
