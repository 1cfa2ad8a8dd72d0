/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The C ABI for game server allocations from the Agones allocation processor. Two libraries have it:
 *
 *   libagones_processor.so       the plugin: it does the work
 *   libagones_processor_host.so  the host library: it loads a plugin and can replace it by another version while
 *                                requests are under way (agones/processor_swap.h has the functions for that)
 *
 * A host that runs on one of them runs on the other, unchanged.
 *
 * THREADS      Callbacks run only on the thread that is inside proc_poll, proc_poll_json, proc_poll_events (on_log
 *              alone), proc_hand_over or proc_shutdown. No library calls the host from a thread of its own.
 *              Thread tags: [any] any thread, at any time. [poller] one thread at a time, else PROC_ERR_BUSY; not from
 *              a callback, else PROC_ERR_IN_CALLBACK. A function tagged [any, callback] may also be called from a
 *              callback.
 *
 * LIFETIME     A proc_client* is a handle, not an address: calls on a client may be under way on any thread while another
 *              one shuts it down and destroys it, and later. A call on a client that was destroyed returns SHUT_DOWN, one
 *              on what is no client of this library INVALID_ARGUMENT; neither touches anything. That holds as long as the
 *              library is loaded. At most 1,024 clients of one library live at a time.
 *
 * STACK        proc_init takes at most 32 KiB of its caller's stack, every other function 16 KiB; callbacks come on top of
 *              that.
 *
 * OWNERSHIP    What a host passes in is copied before the call returns. What an event points to belongs to the library
 *              and lives until the callback returns, or, for proc_poll_events, until the next [poller] call on the same
 *              client.
 *
 * ENDINGS      Every request that proc_allocate accepts ends with exactly one PROC_EVENT_RESULT.
 *
 * STRUCTS      The first member is struct_size (proc_text, proc_bytes, proc_port, proc_address, proc_field and
 *              proc_histogram have none: they never change). A field is read or written only if the size says that it is
 *              there; structs only ever grow at the end. Reserved fields are 0.
 *              A struct that a library fills (proc_config_init, proc_get_stats, proc_get_metrics, proc_get_swap_report,
 *              proc_poll_events) is filled up to the size that the host gives: what the library does not know of it is
 *              0. The struct_size of an event or a log line is what the library knows of it, in an array of
 *              proc_poll_events at most event_size.
 *              What may be added at the end: to proc_config a number, a flag, or a function with its context, with 0
 *              for its default (later texts take the place of reserved_texts); to proc_stats a uint64_t counter, to
 *              proc_metrics a uint64_t counter or a proc_histogram, which an older host library adds up over swaps, up
 *              to 1 KiB of the first and two of the last; to proc_swap_report numbers and texts of a fixed size; to
 *              proc_event, proc_log, proc_request and proc_moved_request anything, pointers too, which live as long as
 *              the struct's others: the host library passes these on as they are. To the JSON of an event members are
 *              added at the end.
 *
 * NUMBERS      Ids are below 2^53; a token below 2^53 is exact in JSON and in languages whose numbers are doubles. The
 *              constants are enums, so that tools see them; what is stored and passed is the fixed-width type.
 *
 * TEXT         UTF-8, pointer and length, not terminated by NUL unless said. A length of 0 allows NULL. What comes from
 *              the processor and is not UTF-8 is replaced by U+FFFD (not in proc_event.response, which is what it sent);
 *              in log lines and reasons control characters are escaped.
 *
 * ERRORS       Functions that can fail return a proc_status and take (char *error, uint64_t error_size): a failed call
 *              writes a NUL-terminated English sentence there that names what is wrong, cut to fit; NULL and 0 are
 *              allowed. A call that is refused changes nothing. Beside what a function's comment lists it may return
 *              INVALID_ARGUMENT (a NULL that is not allowed), FORKED, NO_MEMORY and INTERNAL.
 *
 * FORK         In a forked child every function on a client returns PROC_ERR_FORKED and touches nothing; so does
 *              proc_init, if the parent had a client when it was forked.
 *
 * FAILURE      When memory, threads or file descriptors run out, proc_init and proc_allocate say so; a client that is
 *              there gives up its connections, tries again with backoff, and ends every request all the same. What gRPC
 *              needs is taken by proc_init: 8 threads, 16 descriptors (most of them given back), address space of
 *              32 MiB. Memory that runs out inside of gRPC itself ends the process; nothing can be done about that from
 *              outside of it.
 *
 * VERSIONS     Same major version: compatible, in both directions. Other major version: refused. Released functions,
 *              structs, constants never change their meaning; they get successors. A host that wants a function newer
 *              than 1.0 looks it up and copes with its absence.
 *
 * OTHER        No function throws, exits, raises a signal, or changes the process's locale, environment, signal
 *              handlers, standard streams or working directory. What is read and written does not depend on the locale.
 *              The libraries' threads block all signals.
 *
 * Every entity is there since 1.0 unless its comment names a later version (@since).
 */
#ifndef AGONES_PROCESSOR_H
#define AGONES_PROCESSOR_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(PROC_BUILDING_LIBRARY)
#define PROC_API __attribute__((visibility("default")))
#else
#define PROC_API
#endif

/* ---------------------------------------------------------------------------------------------------
 * Version and status
 * ------------------------------------------------------------------------------------------------- */

#define PROC_ABI_VERSION_MAJOR 1
#define PROC_ABI_VERSION_MINOR 0

enum proc_abi_versions {
  /* What this header describes; hosts pass it to proc_config_init. */
  PROC_ABI_VERSION = (PROC_ABI_VERSION_MAJOR << 16) | PROC_ABI_VERSION_MINOR
};

typedef int32_t proc_status;
enum proc_status_values {
  PROC_OK = 0,
  /* An argument is not valid; the error text names it. */
  PROC_ERR_INVALID_ARGUMENT = 1,
  /* max_pending_requests are pending; poll, then try again. */
  PROC_ERR_QUEUE_FULL = 2,
  /* The request is larger than any batch may be; or the text is larger than the buffer. */
  PROC_ERR_TOO_LARGE = 3,
  /* The client is draining, was shut down, or was destroyed. */
  PROC_ERR_SHUT_DOWN = 4,
  /* Another thread is polling this client, or the client is still needed, or a swap is running. */
  PROC_ERR_BUSY = 5,
  /* The function was called from a callback and may not be. */
  PROC_ERR_IN_CALLBACK = 6,
  /* The process was forked after the client was made. */
  PROC_ERR_FORKED = 7,
  /* The time given was not enough; the call may be repeated. */
  PROC_ERR_TIMEOUT = 8,
  /* No request has this id. */
  PROC_ERR_NOT_FOUND = 9,
  /* Host and library, or host library and plugin, have different major ABI versions. */
  PROC_ERR_VERSION = 10,
  PROC_ERR_NO_MEMORY = 11,
  /* A fault inside the library; the error text says more. */
  PROC_ERR_INTERNAL = 12,
  /* The process may start too few threads or open too few file descriptors; the error text says which. */
  PROC_ERR_NO_RESOURCES = 13
};

typedef struct proc_text {
  const char* data;
  uint64_t size; /* bytes */
} proc_text;

typedef struct proc_bytes {
  const void* data;
  uint64_t size;
} proc_bytes;

/* A connection to the processor with its requests. Made by proc_init, ended by proc_shutdown, freed by
 * proc_destroy. A process may have many. */
typedef struct proc_client proc_client;

/* ---------------------------------------------------------------------------------------------------
 * Events: what proc_poll hands out
 * ------------------------------------------------------------------------------------------------- */

typedef int32_t proc_event_type;
enum proc_event_type_values {
  /* A request ended. The only event of that request, but for an orphan that may follow. */
  PROC_EVENT_RESULT = 1,
  /* A game server was allocated for a request that had already ended with PROC_DELIVERY_UNKNOWN, or that was sent
   * a second time (resend_may_allocate_twice). Nobody else knows of this game server: use it or return it.
   * request_id is the request's, or 0 if the processor answered an id that this client never gave out. token is 0. */
  PROC_EVENT_ORPHAN = 2,
  /* The connection state changed: connection, message (why), address, retry_after_ms. The newest state always comes; of
   * many that nobody polls, older ones may be left out. */
  PROC_EVENT_CONNECTION = 3,
  /* A log line, only if proc_config.on_log is NULL: severity, channel, message, request_id, batch_id. */
  PROC_EVENT_LOG = 4
};

/* How a request ended. */
typedef int32_t proc_outcome;
enum proc_outcome_values {
  /* A game server was allocated. */
  PROC_OUTCOME_ALLOCATED = 1,
  /* The processor said no: code and message are its answer. Safe to send again unless the code is 13 (INTERNAL): while
   * the cluster's API server is away, a few of those were allocated all the same. Code 8 (RESOURCE_EXHAUSTED), or what
   * the cluster's operator chose instead, says that no game server is left; for a while after such an outage it can be
   * wrong. */
  PROC_OUTCOME_REJECTED = 2,
  /* The request's timeout passed first. */
  PROC_OUTCOME_TIMEOUT = 3,
  /* proc_cancel came first. */
  PROC_OUTCOME_CANCELLED = 4,
  /* The stream was lost: after the request was sent, or before and fail_fast is set. Or its batch was answered without
   * it. */
  PROC_OUTCOME_DISCONNECTED = 5,
  /* proc_shutdown, or proc_drain with flags, came first. */
  PROC_OUTCOME_SHUTDOWN = 6
};

/* What became of the request on the wire. */
typedef int32_t proc_delivery;
enum proc_delivery_values {
  /* Never left this process: safe to send again. The event's request field has its bytes. */
  PROC_DELIVERY_NOT_SENT = 1,
  /* Sent, not answered: a game server may or may not have been allocated. With resend_may_allocate_twice also what was
   * sent once and waited to be sent again. */
  PROC_DELIVERY_UNKNOWN = 2,
  /* Sent and answered. */
  PROC_DELIVERY_DONE = 3
};

typedef int32_t proc_connection_state;
enum proc_connection_state_values {
  /* Looking for a processor that serves. */
  PROC_CONNECTION_CONNECTING = 1,
  /* Connected to processors, none of which serves (standby replicas). */
  PROC_CONNECTION_STANDBY = 2,
  /* Registered at a processor that pulls. */
  PROC_CONNECTION_SERVING = 3,
  /* No processor can be reached; the next attempt comes in retry_after_ms. */
  PROC_CONNECTION_BACKING_OFF = 4,
  /* Shut down. */
  PROC_CONNECTION_CLOSED = 5
};

typedef int32_t proc_severity;
enum proc_severity_values {
  PROC_SEVERITY_TRACE = 1,
  PROC_SEVERITY_DEBUG = 2,
  PROC_SEVERITY_INFO = 3,
  PROC_SEVERITY_WARNING = 4,
  PROC_SEVERITY_ERROR = 5,
  /* For proc_config.log_level alone: no log lines. */
  PROC_SEVERITY_OFF = 6
};

typedef struct proc_port {
  proc_text name;
  int32_t port;
  int32_t reserved;
} proc_port;

typedef struct proc_address {
  proc_text type; /* as Kubernetes names it: InternalIP, ExternalIP, Hostname, PodIP ... */
  proc_text address;
} proc_address;

/* A value of a log line, with a stable name, such as address=10.0.0.1:9090. Text and key as all text. */
typedef struct proc_field {
  proc_text key;
  proc_text value;
} proc_field;

/* One event. Fields that do not belong to the type are 0. */
typedef struct proc_event {
  uint32_t struct_size;
  proc_event_type type;
  uint64_t request_id; /* RESULT, ORPHAN, LOG */
  uint64_t token;      /* RESULT: as given to proc_allocate */
  proc_outcome outcome;
  proc_delivery delivery;
  int32_t code; /* REJECTED: the gRPC status code, e.g. 8 RESOURCE_EXHAUSTED: no game server */
  int32_t reserved;
  uint64_t batch_id; /* the batch that carried the request, 0 if none did */
  /* REJECTED: the processor's text; DISCONNECTED, and TIMEOUT with NOT_SENT: why, such as "no processor is serving: 2
   * standbys"; CONNECTION: why; LOG: the line */
  proc_text message;
  uint64_t latency_us; /* RESULT: from proc_allocate to the end of the request */
  /* RESULT with ALLOCATED, and ORPHAN: the game server. */
  proc_text game_server_name;
  proc_text address;
  proc_text node_name;
  proc_text source; /* the cluster that allocated it; "local" for its own */
  /* An answer of more than 16,384 ports and other fields is refused, and ends its stream; so is one whose metadata,
   * counters and lists have more than 65,536 (a label has three: itself, its key, its value). */
  const proc_port* ports;
  uint64_t port_count;
  const proc_address* addresses;
  uint64_t address_count;
  proc_bytes response;              /* the whole allocation.AllocationResponse; see proc_response_to_json */
  proc_bytes request;               /* RESULT with NOT_SENT: the allocation.AllocationRequest */
  uint32_t remaining_ms;            /* RESULT with NOT_SENT: what was left of its timeout */
  proc_connection_state connection; /* CONNECTION */
  uint32_t retry_after_ms;          /* CONNECTION with BACKING_OFF */
  proc_severity severity;           /* LOG */
  proc_text channel;                /* LOG: the part of the plugin that speaks */
  proc_text kind;                   /* LOG: which line it is, a stable name such as "stream_opened" */
  const proc_field* fields;         /* LOG: the line's values */
  uint64_t field_count;
  proc_text traceparent; /* RESULT, and LOG about a request: as given to proc_allocate_request */
} proc_event;

/* Called for every event, inside proc_poll or proc_shutdown. The event lives until it returns. It must
 * return normally: no exception, no longjmp. proc_allocate and proc_cancel may be called from it. */
typedef void proc_event_fn(void* context, const proc_event* event);

/* The same, with the event as one JSON object, see proc_poll_json. The text is terminated by NUL, which `size` does not
 * count. */
typedef void proc_json_fn(void* context, const char* json, uint64_t size);

typedef struct proc_log {
  uint32_t struct_size;
  proc_severity severity;
  int64_t time_unix_ns; /* when it was written */
  proc_text channel;
  proc_text message;
  uint64_t request_id;      /* 0: none */
  uint64_t batch_id;        /* 0: none */
  proc_text kind;           /* which line it is, a stable name such as "stream_opened"; `message` may be worded anew */
  const proc_field* fields; /* its values */
  uint64_t field_count;
  proc_text traceparent; /* of the request */
} proc_log;

/* Called for every log line, under the rules of proc_event_fn. Of one kind at most 20 lines come in 10 s; the next has a
 * field "suppressed" with the number that did not. */
typedef void proc_log_fn(void* context, const proc_log* log);

/* ---------------------------------------------------------------------------------------------------
 * Configuration
 * ------------------------------------------------------------------------------------------------- */

typedef int32_t proc_transport;
enum proc_transport_values {
  /* TLS; mutual TLS if a certificate and key are given. The default. */
  PROC_TRANSPORT_TLS = 0,
  /* No encryption: what the processor offers inside a cluster. Must be asked for. */
  PROC_TRANSPORT_PLAINTEXT = 1
};

/* What becomes of a name in a request's JSON that the contract does not have. */
typedef int32_t proc_unknown_fields;
enum proc_unknown_fields_values {
  /* The request is refused, and the text names it: a typo is found. The default. */
  PROC_UNKNOWN_FIELDS_REFUSE = 0,
  /* It is passed over with its value, as agones-allocator's REST endpoint does; so is a name that an enum does not have (not
   * in a manifest, where Kubernetes refuses it). Counted in proc_stats.unknown_fields; a log line of kind
   * "unknown_field" tells of each name once, of 64 at most. */
  PROC_UNKNOWN_FIELDS_IGNORE = 1
};

/* Call proc_config_init first: it writes the defaults. Fields are set in place, or by name with proc_config_set. Behind a
 * number stands in brackets from what to what it may be, and its default. */
typedef struct proc_config {
  uint32_t struct_size;
  uint32_t abi_version; /* the host's PROC_ABI_VERSION */
  /* Names this client to the processor; the plugin adds a suffix for every stream. Default: random. */
  proc_text client_id;
  /* "host:port", or several with commas; a name may resolve to several addresses. Without a port:
   * 9090. IPv6 as [::1]:9090, [fe80::1%eth0]:9090. Blanks and newlines around each are passed over. Required. */
  proc_text processor_address;

  /* Requests a batch, at most; 0: as many as max_batch_bytes holds. How many it has, up to that, follows what
   * the processor does: as many as make it answer more a second. [0 to 65,536; 0] */
  uint32_t max_batch_size;
  uint32_t max_batch_bytes; /* bytes a batch [1 KiB to 4,190,208; 4,128,768] */
  /* 1: a batch has all that may be sent, up to max_batch_size, whatever the processor does. [0 or 1; 0] */
  uint32_t fixed_batches;
  /* Streams to the processor, at most: it works on the batches of one stream one after another, and a batch is answered
   * when its slowest request is. One is kept open. Up to 4 are opened while requests wait for a stream, more only where slow
   * requests hold up others. A stream that had no batch for 5 s is closed. [1 to 64; 32] */
  uint32_t max_streams;
  /* Batches sent on one stream and not answered: the processor works on one at a time, and can get stuck
   * when answers queue up on its side. What waits here is NOT_SENT. A batch whose requests have all timed out or been
   * cancelled is still unanswered: the processor still works on it. [1 to 65,536; 1] */
  uint32_t max_unanswered_batches;
  uint32_t max_pending_requests; /* accepted and not yet polled [1 to 16,777,216; 1,048,576] */
  uint32_t max_message_bytes;    /* largest message from the processor, not packed [64 KiB to 1 GiB; 64 MiB] */
  /* Results that the host has not polled may hold so much memory; with more, nothing is sent, and what waits for that
   * is NOT_SENT. [1 MiB to 4,294,967,295; 256 MiB] */
  uint32_t max_unpolled_bytes;
  /* Batches from one pull to the next, at most, on all streams together, evenly spread and 5 ms apart at least; what waited
   * when the pull came goes at once, in as many as it takes, and counts as one. A lone request waits for no pull. 1: one a
   * pull, nothing is sent between pulls. [1 to 1,000; 28] */
  uint32_t batches_per_pull;

  uint32_t allocation_timeout_ms;    /* for requests that name none [1 to 86,400,000; 30,000] */
  uint32_t reconnect_initial_ms;     /* first wait before trying again [1 to 3,600,000; 100] */
  uint32_t reconnect_max_ms;         /* longest wait, not under the first [1 to 3,600,000; 1,500] */
  uint32_t reconnect_jitter_percent; /* waits are spread by so much either way [0 to 100; 20] */
  uint32_t connect_timeout_ms;       /* from a connection's start to its health status [1 to 3,600,000; 5,000] */
  /* Silence before a ping. The processor bears one in 10 s; one that finds it too much ends the
   * connection, and is pinged half as often from then on. [11,000 to 86,400,000; 12,000] */
  uint32_t keepalive_time_ms;
  uint32_t keepalive_timeout_ms; /* silence after a ping that ends the connection [1 to 3,600,000; 5,000] */
  uint32_t pull_timeout_ms;      /* a stream not pulled for so long is replaced [1 to 3,600,000; 5,000] */
  /* A stream that is pulled, but on which no batch is answered for so long though some were sent, is replaced: its
   * processor is stuck. Not less than its slowest request may take. As long is a replaced stream still read for the
   * answers to what was sent on it, which come as ORPHAN. [1 to 3,600,000; 35,000] */
  uint32_t answer_timeout_ms;

  /* 1: requests not yet sent end as DISCONNECTED when no processor can be reached. 0: they wait until
   * their timeout. [0 or 1; 0] */
  uint32_t fail_fast;
  /* 1: requests sent and unanswered when a stream is lost are sent again, which may allocate two game
   * servers for one request. 0: they end as DISCONNECTED, UNKNOWN. [0 or 1; 0] */
  uint32_t resend_may_allocate_twice;
  proc_unknown_fields unknown_fields; /* in requests of the formats JSON and MANIFEST [REFUSE] */
  proc_severity log_level;            /* the least severe line to report [WARNING] */
  /* A file descriptor of the host's, or -1. For event loops that can't watch proc_get_wakeup_fd: a non-blocking
   * pipe, socket or eventfd. 8 bytes (the number 1) are written to it when something comes to be polled and nothing
   * waited before. It must stay open until proc_destroy. [-1] */
  int32_t notify_fd;
  /* A log line of severity INFO with the essentials every so often; 0: none. [0 to 3,600,000; 60,000] */
  uint32_t log_summary_ms;

  proc_transport transport; /* [TLS] */
  uint32_t reserved;        /* 0 */
  /* TLS: PEM text, or files that are read anew for every connection, so that a rotated file is used
   * without a restart. Text and file of the same thing exclude each other. Without a CA: the system's. */
  proc_text tls_ca_file;
  proc_text tls_ca_pem;
  proc_text tls_certificate_file;
  proc_text tls_certificate_pem;
  proc_text tls_key_file;
  proc_text tls_key_pem;
  proc_text tls_server_name; /* the name to expect in the certificate; default: the host's name */

  /* What follows is the host library's; the plugin does not look at it. */
  /* The plugin's file. Default: what the environment's AGONES_PROCESSOR_PLUGIN names, or libagones_processor.so in the
   * host library's own folder, or in the system's library path. */
  proc_text plugin_file;
  proc_text plugin_sha256; /* the file must have this SHA-256, 64 hexadecimal digits; then swaps must name one, too */
  /* 1: the plugin's file and folder may be writable by their group, whichever that is (Kubernetes' fsGroup). 0: only by
   * root's and this process's own. By others: never. [0 or 1; 0] */
  uint32_t plugin_group_may_write;
  /* A new plugin has so long to be serving. Not asked of it while the old one does not serve. [1 to 3,600,000; 10,000] */
  uint32_t swap_ready_timeout_ms;
  uint32_t swap_drain_timeout_ms; /* the old plugin waits so long for its answers [1 to 3,600,000; 60,000] */
  /* 1: the plugin's file itself is loaded, not a copy in memory: where none can be made, because /proc is not mounted, or a
   * sandbox forbids memfd_create, or RLIMIT_FSIZE is less than the file's size. The file must not be written to then while it
   * is loaded; another one may be put in its place (rename), also for a swap. [0 or 1; 0] */
  uint32_t plugin_in_place;

  /* The first id that this client gives out; 0: 1. The host library sets it, so that ids stay unique over
   * swaps. [0 to 2^52; 0] */
  uint64_t first_request_id;
  proc_text reserved_texts[4];
  void* owned_texts; /* proc_config_set keeps here what it copied; see proc_config_clear */

  proc_event_fn* on_event; /* needed for proc_poll; proc_poll_events and proc_poll_json do without */
  void* event_context;
  proc_log_fn* on_log; /* NULL: log lines come as PROC_EVENT_LOG */
  void* log_context;
} proc_config;

/* ---------------------------------------------------------------------------------------------------
 * Requests
 * ------------------------------------------------------------------------------------------------- */

typedef int32_t proc_format;
enum proc_format_values {
  /* A serialized allocation.AllocationRequest. Fields that the plugin does not know are passed on. */
  PROC_FORMAT_PROTOBUF = 0,
  /* The JSON body of agones-allocator's REST endpoint (proto3 JSON). A member that is null is not there. Unknown fields:
   * see proc_config.unknown_fields. */
  PROC_FORMAT_JSON = 1,
  /* A GameServerAllocation of Kubernetes (allocation.agones.dev/v1) in JSON. Its spec becomes the request, with required,
   * preferred and selectors, all of it; its namespace is metadata.namespace, or "default". What the request can't carry
   * is an unknown field. */
  PROC_FORMAT_MANIFEST = 2
};

/* For proc_allocate_request: what proc_allocate takes, and what later versions add to it. */
typedef struct proc_request {
  uint32_t struct_size;
  proc_format format;
  proc_bytes body;
  uint64_t token;      /* given back in the event; the library does not look at it */
  uint32_t timeout_ms; /* 0: the config's; at most 86,400,000 */
  uint32_t reserved;   /* 0, or the request is refused */
  /* Empty, or the trace that the request belongs to, as W3C Trace Context writes it (55 characters): it comes back in the
   * request's events and log lines. The processor does not get it. */
  proc_text traceparent;
} proc_request;

/* A request on its way from one client to another, see proc_hand_over. */
typedef struct proc_moved_request {
  uint32_t struct_size;
  uint32_t timeout_ms; /* what is left of its time, at least 1 */
  uint64_t request_id; /* it keeps its id */
  uint64_t token;
  uint64_t waited_us; /* since proc_allocate, with all clients before */
  proc_bytes body;    /* the allocation.AllocationRequest */
  proc_text traceparent;
} proc_moved_request;

/* Called for every request that proc_hand_over gives away, under the rules of proc_event_fn. PROC_OK: it is taken. Else
 * it stays for the next proc_hand_over. */
typedef proc_status proc_take_fn(void* context, const proc_moved_request* request);

/* Counters since proc_init, and six gauges. A request is counted as ended before its result can be polled. */
typedef struct proc_stats {
  uint32_t struct_size;
  uint32_t reserved;
  /* Gauges. */
  uint64_t pending;      /* accepted, result not yet polled */
  uint64_t unsent;       /* of these, waiting for a pull */
  uint64_t in_flight;    /* of these, sent and not answered */
  uint64_t late_answers; /* ended with UNKNOWN, but their stream lives: each may still bring an ORPHAN */
  uint64_t open_streams;
  uint64_t window; /* requests that may be under way at the processor; 0: not connected, or fixed_batches */
  /* Requests. */
  uint64_t accepted;
  uint64_t allocated;
  uint64_t rejected;
  uint64_t timed_out;
  uint64_t cancelled;
  uint64_t disconnected;
  uint64_t shut_down;
  uint64_t handed_over; /* ended here, without a result: proc_hand_over */
  uint64_t taken_over;  /* not among the accepted: proc_take_over */
  uint64_t orphans;
  uint64_t resent;
  /* Wire. */
  uint64_t streams; /* opened */
  uint64_t pulls;
  uint64_t batches_sent;
  uint64_t batches_answered;
  uint64_t duplicate_answers; /* to requests that had been answered; dropped */
  uint64_t unknown_answers;   /* to ids never given out */
  uint64_t malformed_messages;
  /* The host polled too rarely: */
  uint64_t log_lines_dropped;      /* more than 1,024 lines waited */
  uint64_t orphans_dropped;        /* answers to ids never given out, while max_unpolled_bytes waited */
  uint64_t late_answers_forgotten; /* late_answers that are awaited no longer: too many batches were answered in part */
  uint64_t states_merged;          /* CONNECTION events that a newer one took the place of: more than 64 waited */
  uint64_t unknown;                /* of the requests that ended: delivery UNKNOWN */
  uint64_t log_lines_suppressed;   /* more of one kind than a host wants to read: proc_log_fn */
  /* Requests. */
  uint64_t unknown_fields; /* passed over in the JSON of accepted requests: proc_config.unknown_fields */
} proc_stats;

/* How often each value came, exact to two significant digits: bucket 0 counts the value 0; bucket i up to 100 the value
 * i; after that 90 buckets for each power of ten, each of which ends with, and includes, a number of two digits and
 * zeros (110, 120 ... 1,000, 1,100 ...); the last one what is above 1,000,000,000. Never changes. */
typedef struct proc_histogram {
  uint64_t count; /* the sum of the buckets */
  uint64_t sum;   /* of the values */
  uint64_t buckets[732];
} proc_histogram;

enum proc_metric_sizes { PROC_HISTOGRAM_BUCKETS = 732, PROC_GRPC_CODES = 17, PROC_CONNECTION_STATES = 6 };

/* Distributions since proc_init. All but the first two fields are uint64_t: to add up those of several clients, add number
 * by number, here as in proc_stats. 29 KiB. */
typedef struct proc_metrics {
  uint32_t struct_size;
  uint32_t reserved;
  /* Gauges: clients by proc_connection_state; their max_pending_requests. */
  uint64_t connections[6];
  uint64_t max_pending;
  /* REJECTED results by gRPC status code; codes that gRPC does not have count as 2, UNKNOWN. */
  uint64_t rejected[17];
  /* Requests: from proc_allocate (or, where a swap moved them, from then) to the end, in microseconds. */
  proc_histogram answer_time_us;
  /* Requests that are sent: how long they lay in the hot batch before. */
  proc_histogram queue_time_us;
  /* Batches: from being sent to being answered. */
  proc_histogram batch_time_us;
  /* Batches: how many requests they have. */
  proc_histogram batch_size;
  /* Pulls: how many requests lay in the hot batch. */
  proc_histogram queue_depth;
} proc_metrics;

typedef uint32_t proc_drain_flags;
enum proc_drain_flag_values {
  /* Send and finish what was accepted. */
  PROC_DRAIN_FINISH = 0,
  /* End what is not sent yet at once, as SHUTDOWN and NOT_SENT, with its bytes; finish what is sent. */
  PROC_DRAIN_RETURN_UNSENT = 1,
  /* The same, and end what is sent at once, too, as SHUTDOWN and UNKNOWN: then nothing is pending but what is to be
   * polled, and proc_shutdown has nobody to wait for. */
  PROC_DRAIN_END_ALL = 3
};

typedef int32_t proc_unload_state;
enum proc_unload_state_values {
  /* Nothing of the library is left running: it may be unmapped. */
  PROC_UNLOAD_SAFE = 0,
  /* Something still uses it; ask again. */
  PROC_UNLOAD_BUSY = 1,
  /* It can never be unmapped in this process. */
  PROC_UNLOAD_PINNED = 2
};

/* ---------------------------------------------------------------------------------------------------
 * Functions. Each is declared by its type, so that a host that uses dlsym has the type at hand:
 *     proc_init_fn *init;
 *     *(void **)&init = dlsym(library, "proc_init");
 * ------------------------------------------------------------------------------------------------- */

/* The library's PROC_ABI_VERSION. To be called first; the major part must be the host's. [any, callback] */
typedef uint32_t proc_abi_version_fn(void);
PROC_API proc_abi_version_fn proc_abi_version;

/* The library's release, e.g. "1.0.0". NUL-terminated, lives as long as the library. [any, callback] */
typedef const char* proc_version_fn(void);
PROC_API proc_version_fn proc_version;

/* The name of a status, e.g. "QUEUE_FULL"; "?" for an unknown one. Lives as above. [any, callback] */
typedef const char* proc_status_string_fn(proc_status status);
PROC_API proc_status_string_fn proc_status_string;

/* The name of an outcome, e.g. "ALLOCATED"; "?" for an unknown one. Lives as above. [any, callback] */
typedef const char* proc_outcome_string_fn(proc_outcome outcome);
PROC_API proc_outcome_string_fn proc_outcome_string;

/* Fills *config with the defaults. host_abi_version: PROC_ABI_VERSION; struct_size: sizeof(proc_config).
 * Errors: VERSION, INVALID_ARGUMENT. [any, callback] */
typedef proc_status proc_config_init_fn(uint32_t host_abi_version, proc_config* config, uint32_t struct_size,
                                        char* error, uint64_t error_size);
PROC_API proc_config_init_fn proc_config_init;

/* Sets a field by its name, from text; both NUL-terminated. Numbers are decimal. Times (*_ms) may have a unit: ms, s,
 * min, h; without one they are milliseconds. Sizes (*_bytes): B, KiB, MiB, GiB; without one, bytes. Flags: 0, 1, false,
 * true. log_level, transport, unknown_fields: the constants' names, such as warning, plaintext, ignore. Texts are copied, until
 * proc_config_clear or the next value. on_event, on_log and their contexts are set in the struct alone.
 * Errors: INVALID_ARGUMENT (no such field, not such a value, out of range). [any, callback], one thread a config */
typedef proc_status proc_config_set_fn(proc_config* config, const char* name, const char* value, char* error,
                                       uint64_t error_size);
PROC_API proc_config_set_fn proc_config_set;

/* Frees the texts that proc_config_set copied, and sets these fields to their defaults. Needed only after
 * proc_config_set with texts, any time after proc_init. NULL is allowed. [any, callback], one thread a config */
typedef void proc_config_clear_fn(proc_config* config);
PROC_API proc_config_clear_fn proc_config_clear;

/* Makes a client and starts to connect in the background; returns before it is connected.
 * *client is set on success alone. Certificates and keys are looked at here already. The host library loads the plugin
 * here: INVALID_ARGUMENT also says that there is no plugin, or one that can't be trusted or loaded.
 * Errors: VERSION, INVALID_ARGUMENT, NO_MEMORY, NO_RESOURCES (also where this library has 1,024 clients), FORKED. [any] */
typedef proc_status proc_init_fn(const proc_config* config, proc_client** client, char* error, uint64_t error_size);
PROC_API proc_init_fn proc_init;

/* Accepts a request, or says at once why not. Never blocks, works while disconnected. `body` is copied; size in bytes;
 * timeout_ms 0: the config's, at most 86,400,000; `token` is given back in the event. *request_id (may be NULL) gets
 * the id, never 0, unique in this client; it is written before the event can be polled.
 * Errors (no event follows): INVALID_ARGUMENT, TOO_LARGE, QUEUE_FULL, SHUT_DOWN, NO_MEMORY. [any, callback] */
typedef proc_status proc_allocate_fn(proc_client* client, proc_format format, const void* body, uint64_t size,
                                     uint32_t timeout_ms, uint64_t token, uint64_t* request_id, char* error,
                                     uint64_t error_size);
PROC_API proc_allocate_fn proc_allocate;

/* The same with a struct, which later versions of the ABI may add to. [any, callback] */
typedef proc_status proc_allocate_request_fn(proc_client* client, const proc_request* request, uint64_t* request_id,
                                             char* error, uint64_t error_size);
PROC_API proc_allocate_request_fn proc_allocate_request;

/* Asks for a request to end as CANCELLED. PROC_OK: it ends so, unless it has ended already. One that
 * was sent may still bring an ORPHAN. Never blocks. Errors: NOT_FOUND (id never given out), SHUT_DOWN (after
 * proc_shutdown), NO_MEMORY. [any, callback] */
typedef proc_status proc_cancel_fn(proc_client* client, uint64_t request_id, char* error, uint64_t error_size);
PROC_API proc_cancel_fn proc_cancel;

/* Hands out waiting events to on_event, log lines to on_log.
 * max_events: at most so many, 0 = all that wait. max_time_us: starts no further callback after so
 * long, 0 = no limit. wait_ms: how long to wait for the first event; 0 = never blocks, negative = for
 * ever, or until proc_wake. *delivered (may be NULL) gets the number of events, *more (may be NULL) 1 if more wait, else
 * 0. After proc_shutdown it hands out the rest.
 * Errors: BUSY, IN_CALLBACK, INVALID_ARGUMENT (no on_event), NO_MEMORY (nothing is lost: poll again). [poller] */
typedef proc_status proc_poll_fn(proc_client* client, uint32_t max_events, uint32_t max_time_us, int32_t wait_ms,
                                 uint32_t* delivered, uint32_t* more, char* error, uint64_t error_size);
PROC_API proc_poll_fn proc_poll;

/* The same without callbacks: fills an array of `capacity` events, each `event_size` bytes apart
 * (sizeof(proc_event)). What the events point to lives until the next [poller] call.
 * Errors: as proc_poll. [poller] */
typedef proc_status proc_poll_events_fn(proc_client* client, proc_event* events, uint32_t event_size, uint32_t capacity,
                                        uint32_t max_time_us, int32_t wait_ms, uint32_t* count, uint32_t* more,
                                        char* error, uint64_t error_size);
PROC_API proc_poll_events_fn proc_poll_events;

/* The same with each event as a JSON object, for hosts to which a struct costs more. Members, named as the fields,
 * in this order:
 *   RESULT      type requestId token outcome delivery code batchId message latencyUs gameServer request remainingMs
 *               traceparent
 *   ORPHAN      type requestId batchId gameServer
 *   CONNECTION  type connection message address retryAfterMs
 *   LOG         type severity channel kind message requestId batchId fields
 * fields is an object of texts; gameServer is the AllocationResponse, request the AllocationRequest, in proto3 JSON; enums are the constants' names
 * without their prefix ("RESULT", "ALLOCATED"); what is empty or 0 is left out, but for requestId, token, outcome and
 * delivery of a RESULT. `on_json` and `context` are used during the call alone; log lines go to on_log if there is one.
 * Errors: as proc_poll. [poller] */
typedef proc_status proc_poll_json_fn(proc_client* client, proc_json_fn* on_json, void* context, uint32_t max_events,
                                      uint32_t max_time_us, int32_t wait_ms, uint32_t* delivered, uint32_t* more,
                                      char* error, uint64_t error_size);
PROC_API proc_poll_json_fn proc_poll_json;

/* Ends the poll that waits; if none does, the next one that would. [any, callback] */
typedef proc_status proc_wake_fn(proc_client* client, char* error, uint64_t error_size);
PROC_API proc_wake_fn proc_wake;

/* *fd gets a file descriptor that is readable while there is something to poll: for epoll, select, libuv. Never read,
 * write or close it; it lives until proc_destroy. Watched edge-triggered, it tells of what comes after `more` was 0:
 * poll until then. [any, callback] */
typedef proc_status proc_get_wakeup_fd_fn(const proc_client* client, int32_t* fd, char* error, uint64_t error_size);
PROC_API proc_get_wakeup_fd_fn proc_get_wakeup_fd;

/* From now on proc_allocate returns SHUT_DOWN; what was accepted goes on as the flags say. Can be called
 * again. stats.pending is 0 when everything has been polled. Errors: INVALID_ARGUMENT. [any, callback] */
typedef proc_status proc_drain_fn(proc_client* client, proc_drain_flags flags, char* error, uint64_t error_size);
PROC_API proc_drain_fn proc_drain;

/* Gives what is not sent yet to another client, of this library or of another version of it; the host library swaps
 * plugins with it. From the first call on proc_allocate returns SHUT_DOWN, CONNECTION events come no more, and what is
 * not sent leaves without a result, each through `take`. Other events are polled as ever. Never waits: to be called
 * until stats.pending is 0. max_time_us: as proc_poll. *count (may be NULL) gets the number taken, *more (may be NULL) 1
 * if some that can be had now were not. What is not taken by the time of proc_shutdown, or of proc_drain with
 * PROC_DRAIN_END_ALL, ends as SHUTDOWN, NOT_SENT. [poller] */
typedef proc_status proc_hand_over_fn(proc_client* client, proc_take_fn* take, void* context, uint32_t max_time_us,
                                      uint32_t* count, uint32_t* more, char* error, uint64_t error_size);
PROC_API proc_hand_over_fn proc_hand_over;

/* Takes a request that another client gives away: its result comes from this one, with the same id and token.
 * max_pending_requests does not keep it out. The id must not be one of this client's own: see first_request_id.
 * Errors: INVALID_ARGUMENT, TOO_LARGE, SHUT_DOWN, NO_MEMORY. [any, callback] */
typedef proc_status proc_take_over_fn(proc_client* client, const proc_moved_request* request, char* error,
                                      uint64_t error_size);
PROC_API proc_take_over_fn proc_take_over;

/* Ends the client. Unsent requests end as SHUTDOWN, NOT_SENT at once. Sent ones are awaited for up to
 * timeout_ms and end as SHUTDOWN, UNKNOWN after that. Then the streams are closed, attempts to connect are broken off
 * and every plugin thread ends: mostly within milliseconds, and for at most a second after timeout_ms that is awaited. A
 * name that is being looked up can't be given up: that thread ends by itself when the system's resolver comes back
 * (resolv.conf: timeout, attempts). Nobody waits for it, but the library is UNLOAD_BUSY until then. With on_event, all
 * events are handed out during the call; without, poll them afterwards with proc_poll_events or proc_poll_json.
 * Errors: TIMEOUT (something did not end; the text names it; call again), IN_CALLBACK, BUSY. [poller] */
typedef proc_status proc_shutdown_fn(proc_client* client, uint32_t timeout_ms, char* error, uint64_t error_size);
PROC_API proc_shutdown_fn proc_shutdown;

/* Frees a client that was shut down; events not yet polled are lost. The host library unloads the plugin here. NULL is
 * allowed. Calls that other threads have under way on the client end first. Errors: BUSY (not shut down, or being polled,
 * or after a second a call is still under way; the client is as it was), IN_CALLBACK, SHUT_DOWN (it was destroyed
 * before). [poller] */
typedef proc_status proc_destroy_fn(proc_client* client, char* error, uint64_t error_size);
PROC_API proc_destroy_fn proc_destroy;

/* Fills *stats (struct_size set by the caller). Through the host library: of all plugins since proc_init. [any, callback]
 */
typedef proc_status proc_get_stats_fn(const proc_client* client, proc_stats* stats, char* error, uint64_t error_size);
PROC_API proc_get_stats_fn proc_get_stats;

/* Fills *metrics (struct_size set by the caller). Takes about 10 us. Through the host library: of all plugins since
 * proc_init. [any, callback] */
typedef proc_status proc_get_metrics_fn(const proc_client* client, proc_metrics* metrics, char* error,
                                        uint64_t error_size);
PROC_API proc_get_metrics_fn proc_get_metrics;

/* Writes both as text in Prometheus' exposition format, for a host's /metrics: names begin with
 * agones_processor_client_. The structs may be of several clients, added up; either may be NULL. The text is about 20 KiB.
 * *needed (may be NULL) gets the length without the final NUL; if `size` is not greater, nothing is written but an empty
 * text, and TOO_LARGE is returned. Errors: INVALID_ARGUMENT, TOO_LARGE. [any, callback] */
typedef proc_status proc_metrics_to_text_fn(const proc_stats* stats, const proc_metrics* metrics, char* text,
                                            uint64_t size, uint64_t* needed, char* error, uint64_t error_size);
PROC_API proc_metrics_to_text_fn proc_metrics_to_text;

/* The state of the connection and, in `reason`, why (NUL-terminated, cut to fit; NULL and 0 allowed). [any, callback] */
typedef proc_status proc_get_connection_fn(const proc_client* client, proc_connection_state* state, char* reason,
                                           uint64_t reason_size, char* error, uint64_t error_size);
PROC_API proc_get_connection_fn proc_get_connection;

/* Writes an allocation.AllocationResponse (proc_event.response) as proto3 JSON. *needed (may be NULL)
 * gets the length without the final NUL; if `size` is not greater, nothing is written but an empty text,
 * and TOO_LARGE is returned. Errors: INVALID_ARGUMENT (not such bytes, or more fields than an answer may have, see
 * proc_event.ports), TOO_LARGE. [any, callback] */
typedef proc_status proc_response_to_json_fn(const void* response, uint64_t response_size, char* json, uint64_t size,
                                             uint64_t* needed, char* error, uint64_t error_size);
PROC_API proc_response_to_json_fn proc_response_to_json;

/* Writes a request as the serialized allocation.AllocationRequest that it is sent as: JSON and manifests are converted,
 * Protobuf is checked. For hosts that keep requests, or send them by other ways. `unknown_fields`: as in the config.
 * *needed (may be NULL) gets the length; if `size` is less, nothing is written, and TOO_LARGE is returned.
 * Errors: INVALID_ARGUMENT (as of proc_allocate), TOO_LARGE. [any, callback] */
typedef proc_status proc_request_to_protobuf_fn(proc_format format, const void* body, uint64_t body_size,
                                                proc_unknown_fields unknown_fields, void* request, uint64_t size,
                                                uint64_t* needed, char* error, uint64_t error_size);
PROC_API proc_request_to_protobuf_fn proc_request_to_protobuf;

/* Whether the library may be unmapped now; `reason` names what holds it. [any] */
typedef proc_unload_state proc_get_unload_state_fn(char* reason, uint64_t reason_size);
PROC_API proc_get_unload_state_fn proc_get_unload_state;

/* Every function of 1.0: PROC_EACH_FUNCTION(F) expands to F(abi_version) F(version) ... */
#define PROC_EACH_FUNCTION(F) \
  F(abi_version)              \
  F(version)                  \
  F(status_string)            \
  F(outcome_string)           \
  F(config_init)              \
  F(config_set)               \
  F(config_clear)             \
  F(init)                     \
  F(allocate)                 \
  F(allocate_request)         \
  F(cancel)                   \
  F(poll)                     \
  F(poll_events)              \
  F(poll_json)                \
  F(wake)                     \
  F(get_wakeup_fd)            \
  F(drain)                    \
  F(hand_over)                \
  F(take_over)                \
  F(shutdown)                 \
  F(destroy)                  \
  F(get_stats)                \
  F(get_metrics)              \
  F(metrics_to_text)          \
  F(get_connection)           \
  F(response_to_json)         \
  F(request_to_protobuf)      \
  F(get_unload_state)

#ifdef __cplusplus
}
#endif

#endif /* AGONES_PROCESSOR_H */
