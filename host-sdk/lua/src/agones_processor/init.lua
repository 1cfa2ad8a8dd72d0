-- SPDX-License-Identifier: Apache-2.0
-- Game servers from the Agones allocation processor, for LuaJIT. No thread, no event loop of its own: the host calls poll(), once a frame
-- or when fd() is readable; inside a coroutine, allocate() waits by yielding.
local ffi = require("ffi")
local json = require("agones_processor.json")
local raw = require("agones_processor.raw")

local HOST_LIBRARY = "libagones_processor_host.so"
local EVENTS_A_POLL = 256
local ERROR_SIZE = 1024

local function names(...)
  local by_value = {}
  for value, name in ipairs({ ... }) do by_value[value] = name end
  return by_value
end
local OUTCOMES = names("ALLOCATED", "REJECTED", "TIMEOUT", "CANCELLED", "DISCONNECTED", "SHUTDOWN")
local DELIVERIES = names("NOT_SENT", "UNKNOWN", "DONE")
local STATES = names("CONNECTING", "STANDBY", "SERVING", "BACKING_OFF", "CLOSED")
local SEVERITIES = names("TRACE", "DEBUG", "INFO", "WARNING", "ERROR")

local function text_of(text)
  return text.size == 0 and "" or ffi.string(text.data, text.size)
end

-- What AGONES_PROCESSOR_PLUGIN names; the one beside this file; the system's.
local function find()
  local named = os.getenv("AGONES_PROCESSOR_PLUGIN")
  if named and named ~= "" then return named end
  local here = debug.getinfo(1, "S").source:match("^@(.*/)") or "./"
  local beside = io.open(here .. "native/" .. HOST_LIBRARY)
  if not beside then return HOST_LIBRARY end
  beside:close()
  return here .. "native/" .. HOST_LIBRARY
end

local Client = {}
Client.__index = Client

-- What a failed call returns: nil and { status = "QUEUE_FULL", message = "..." }.
local function refusal(library, status, message)
  return setmetatable({ status = ffi.string(library.proc_status_string(status)), message = message }, {
    __tostring = function(self) return self.status .. ": " .. self.message end,
  })
end

function Client:_check(name, ...)
  if self.closed then return nil, refusal(self.library, raw.ERR_SHUT_DOWN, "the client is closed") end
  local arguments = { self.handle, ... }
  local count = select("#", ...) + 1
  arguments[count + 1], arguments[count + 2] = self.error, ERROR_SIZE
  local status = self.library[name](unpack(arguments, 1, count + 2))
  if status ~= raw.OK then return nil, refusal(self.library, status, ffi.string(self.error)) end
  return true
end

-- options.on_orphan (needed): gets every game server that nobody else knows of: its request had timed out, was cancelled, or lost its
-- stream. options.on_connection: gets every change of the connection's state. options.on_log: gets { severity, kind, message }; default:
-- io.stderr. options.library: the host library's file, or a plugin's own. options.settings: fields of the ABI's proc_config by their
-- names; the library has the defaults and checks them. Returns the client, or nil and what is wrong.
local function new(processor_address, options)
  assert(type(options.on_orphan) == "function", "on_orphan is needed: it gets game servers that nobody else knows of")
  local file = options.library or find()
  local loaded, library = pcall(ffi.load, file)
  if not loaded then return nil, { status = "LIBRARY", message = library } end
  local version = library.proc_abi_version()
  if bit.rshift(version, 16) ~= bit.rshift(raw.ABI_VERSION, 16) then
    return nil, { status = "VERSION", message = file .. ": has another ABI" }
  end
  local self = setmetatable({
    library = library,
    file = file,
    error = ffi.new("char[?]", ERROR_SIZE),
    events = ffi.new("proc_event[?]", EVENTS_A_POLL),
    number = ffi.new("uint32_t[2]"),
    id = ffi.new("uint64_t[1]"),
    waiting = {},
    pending = 0,
    last_token = 0,
    on_orphan = options.on_orphan,
    on_connection = options.on_connection or function() end,
    on_log = options.on_log or function(line)
      io.stderr:write("agones_processor ", line.severity, ": ", line.message, "\n")
    end,
  }, Client)
  local config = ffi.new("proc_config")
  local function fails(status) return status ~= raw.OK and refusal(library, status, ffi.string(self.error)) end
  local problem = fails(library.proc_config_init(raw.ABI_VERSION, config, ffi.sizeof(config), self.error, ERROR_SIZE))
  local function set(name, value)
    problem = problem or fails(library.proc_config_set(config, name, tostring(value), self.error, ERROR_SIZE))
  end
  set("processor_address", processor_address)
  for name, value in pairs(options.settings or {}) do set(name, value) end
  local handle = ffi.new("proc_client*[1]")
  problem = problem or fails(library.proc_init(config, handle, self.error, ERROR_SIZE))
  library.proc_config_clear(config)
  if problem then return nil, problem end
  self.handle = handle[0]
  return self
end

-- Asks for a game server; done(server, problem) is called by a poll. request: the AllocationRequest as a table, or as a string: its JSON,
-- or the serialized message, which never begins with a brace. is_manifest: it is a GameServerAllocation of Kubernetes instead. timeout_ms: default the setting allocation_timeout_ms. Returns the request's id, for cancel(); or nil and what is
-- wrong.
function Client:submit(request, timeout_ms, done, is_manifest)
  local is_text = type(request) == "string"
  local body = is_text and request or json.encode(request)
  local is_bytes = is_text and body:byte() ~= 123
  local format = is_manifest and raw.FORMAT_MANIFEST or is_bytes and raw.FORMAT_PROTOBUF or raw.FORMAT_JSON
  local token = self.last_token + 1
  if self.closed then return nil, refusal(self.library, raw.ERR_SHUT_DOWN, "the client is closed") end
  local status = self.library.proc_allocate(self.handle, format, body, #body, timeout_ms or 0,
    token, self.id, self.error, ERROR_SIZE)
  if status ~= raw.OK then return nil, refusal(self.library, status, ffi.string(self.error)) end
  self.last_token = token
  self.waiting[token] = done
  self.pending = self.pending + 1
  return self.id[0]
end

-- The same inside a coroutine: returns the game server; or nil and { outcome, delivery, code, message, request, remaining_ms }.
function Client:allocate(request, timeout_ms, is_manifest)
  local waiting = assert(coroutine.running(), "allocate waits: call it in a coroutine, or submit with a function")
  local id, problem = self:submit(request, timeout_ms, function(...) assert(coroutine.resume(waiting, ...)) end, is_manifest)
  if not id then return nil, problem end
  return coroutine.yield()
end

-- The request ends as CANCELLED, unless it has ended already. One that was sent may still bring an orphan.
function Client:cancel(id) return self:_check("proc_cancel", id) end

local function server_of(self, event)
  local ports = {}
  for i = 0, tonumber(event.port_count) - 1 do ports[text_of(event.ports[i].name)] = event.ports[i].port end
  return {
    name = text_of(event.game_server_name),
    address = text_of(event.address),
    node_name = text_of(event.node_name),
    source = text_of(event.source),
    ports = ports,
    -- The whole answer: a serialized AllocationResponse; see response_json.
    response = ffi.string(event.response.data, event.response.size),
  }
end

function Client:_end(event)
  local token = tonumber(event.token)
  local done = self.waiting[token]
  self.waiting[token] = nil
  self.pending = self.pending - 1
  if event.outcome == raw.OUTCOME_ALLOCATED then
    done(server_of(self, event))
  else
    done(nil, {
      outcome = OUTCOMES[event.outcome],
      delivery = DELIVERIES[event.delivery],
      code = event.code,
      message = text_of(event.message),
      request = event.request.size > 0 and ffi.string(event.request.data, event.request.size) or nil,
      remaining_ms = event.remaining_ms,
    })
  end
end

function Client:_take(event)
  if event.type == raw.EVENT_RESULT then
    self:_end(event)
  elseif event.type == raw.EVENT_ORPHAN then
    self.on_orphan(server_of(self, event))
  elseif event.type == raw.EVENT_CONNECTION then
    self.on_connection({ state = STATES[event.connection], reason = text_of(event.message) })
  elseif event.type == raw.EVENT_LOG then
    self.on_log({ severity = SEVERITIES[event.severity], kind = text_of(event.kind), message = text_of(event.message) })
  end
end

-- Hands out what has come, for at most so long; waits for the first event for wait_ms, 0: never. Returns whether more waits.
-- What a callback throws is thrown here, after the other events were handed out.
function Client:poll(wait_ms, max_time_us)
  if self.polling then error("poll is called from a callback", 2) end
  local good, problem = self:_check("proc_poll_events", self.events, ffi.sizeof("proc_event"), EVENTS_A_POLL, max_time_us or 0, wait_ms or 0,
    self.number, self.number + 1)
  if not good then return nil, problem end
  self.polling = true
  local failure
  for i = 0, self.number[0] - 1 do
    local done, message = pcall(self._take, self, self.events[i])
    failure = failure or (not done and message)
  end
  self.polling = false
  if failure then error(failure, 0) end
  return self.number[1] ~= 0
end

-- Readable while there is something to poll: for epoll, libuv, OpenResty's cosockets. Never read, write or close it.
function Client:fd()
  local fd = ffi.new("int32_t[1]")
  local good, problem = self:_check("proc_get_wakeup_fd", fd)
  return good and fd[0], problem
end

-- The whole answer as proto3 JSON.
function Client:response_json(server)
  local needed, size = ffi.new("uint64_t[1]"), 4096
  while true do
    local text = ffi.new("char[?]", size)
    local status = self.library.proc_response_to_json(server.response, #server.response, text, size, needed, self.error, ERROR_SIZE)
    if status == raw.OK then return ffi.string(text, needed[0]) end
    if status ~= raw.ERR_TOO_LARGE then return nil, refusal(self.library, status, ffi.string(self.error)) end
    size = tonumber(needed[0]) + 1
  end
end

function Client:connection()
  local state, reason = ffi.new("int32_t[1]"), ffi.new("char[1024]")
  local good, problem = self:_check("proc_get_connection", state, reason, 1024)
  if not good then return nil, problem end
  return { state = STATES[state[0]], reason = ffi.string(reason) }
end

-- The counters of the ABI's proc_stats, by their names: stats.pending, stats.allocated ...; a number each with tonumber.
function Client:stats()
  local stats = ffi.new("proc_stats")
  stats.struct_size = ffi.sizeof(stats)
  local good, problem = self:_check("proc_get_stats", stats)
  return good and stats, problem
end

local function host_function(self, name)
  local found, result = pcall(function() return self.library[name] end)
  return found and result or nil
end

-- The release of the plugin that takes new requests.
function Client:version()
  if not host_function(self, "proc_get_plugin_version") then return ffi.string(self.library.proc_version()) end
  local text = ffi.new("char[64]")
  local good, problem = self:_check("proc_get_plugin_version", text, 64)
  return good and ffi.string(text), problem
end

-- Starts to replace the plugin by another version; requests under way go on, polls carry it on. Needs the host library.
function Client:swap(file, sha256)
  if not host_function(self, "proc_swap") then
    return nil, { status = "INVALID_ARGUMENT", message = self.file .. " is a plugin: swapping needs the host library" }
  end
  return self:_check("proc_swap", file, sha256)
end

-- How the last swap went: { state = "RUNNING" | "DONE" | "FAILED", from_version, to_version, moved, drained, unloaded, error }.
function Client:swap_report()
  local report = ffi.new("proc_swap_report")
  report.struct_size = ffi.sizeof(report)
  local good, problem = self:_check("proc_get_swap_report", report)
  if not good then return nil, problem end
  return {
    state = ({ [0] = "NONE", "RUNNING", "DONE", "FAILED" })[report.state],
    from_version = ffi.string(report.from_version),
    to_version = ffi.string(report.to_version),
    moved = tonumber(report.moved),
    drained = tonumber(report.drained),
    unloaded = report.unloaded == 1,
    error = ffi.string(report.error),
  }
end

-- Takes no more requests; polls until those under way have ended. return_unsent: what is not sent ends at once.
function Client:drain(return_unsent)
  local good, problem = self:_check("proc_drain", return_unsent and raw.DRAIN_RETURN_UNSENT or raw.DRAIN_FINISH)
  while good and self.pending > 0 do
    good, problem = self:poll(100)
    good = good ~= nil
  end
  return good, problem
end

-- Ends the client: unsent requests at once, sent ones are awaited for so long (5,000 ms).
function Client:close(timeout_ms)
  if self.closed then return true end
  local good, problem = self:_check("proc_shutdown", timeout_ms or 5000)
  if not good then return nil, problem end
  while self:poll() do end
  good, problem = self:_check("proc_destroy")
  self.closed = good
  return good, problem
end

return { new = new, VERSION = raw.VERSION }
