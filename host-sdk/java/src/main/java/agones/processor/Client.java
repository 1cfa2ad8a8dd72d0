// SPDX-License-Identifier: Apache-2.0
package agones.processor;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import java.lang.System.Logger;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

/**
 * A connection to the allocation processor. Its methods may be called from any thread. One daemon thread takes the events; futures
 * are completed on the executor (the common pool, unless another is given).
 */
public final class Client implements AutoCloseable {
    private static final int EVENTS_A_TIME = 256;
    private static final int WAIT_MS = 1000;
    private static final long SWAP_POLL_MS = 10;
    private static final ThreadLocal<Memory> REQUEST_ID = ThreadLocal.withInitial(() -> new Memory(Long.BYTES));

    private final Native library;
    private final Consumer<GameServer> onOrphan;
    private final Consumer<Connection> onConnection;
    private final Executor executor;
    private final Logger logger;
    private final ConcurrentHashMap<Long, CompletableFuture<GameServer>> waiting = new ConcurrentHashMap<>();
    private final AtomicLong lastToken = new AtomicLong();
    private final Memory events = new Memory((long) EVENTS_A_TIME * Raw.SIZE_OF_EVENT);
    private final Memory count = new Memory(Integer.BYTES);
    private final Memory more = new Memory(Integer.BYTES);
    private final Pointer handle;
    private final Thread thread;
    private volatile boolean closing;
    private volatile boolean closed;

    /** Settings of a client. */
    public static final class Builder {
        private final Map<String, String> settings = new LinkedHashMap<>();
        private final Consumer<GameServer> onOrphan;
        private Consumer<Connection> onConnection = connection -> {};
        private Executor executor = ForkJoinPool.commonPool();
        private Logger logger = System.getLogger("agones.processor");
        private String library;

        private Builder(String processorAddress, Consumer<GameServer> onOrphan) {
            settings.put("processor_address", processorAddress);
            this.onOrphan = java.util.Objects.requireNonNull(onOrphan, "onOrphan");
        }

        /** Any field of the ABI's proc_config by its name; the library has the defaults and checks them. */
        public Builder set(String name, Object value) {
            settings.put(name, String.valueOf(value));
            return this;
        }

        /** The host library's file, or a plugin's own. Default: AGONES_PROCESSOR_PLUGIN, the package's own, the system's. */
        public Builder library(String file) {
            library = file;
            return this;
        }

        /** Gets every change of the connection's state, on the client's thread. */
        public Builder onConnection(Consumer<Connection> consumer) {
            onConnection = consumer;
            return this;
        }

        /** Completes the futures. */
        public Builder executor(Executor completes) {
            executor = completes;
            return this;
        }

        /** Gets the log lines; default: the System.Logger "agones.processor". */
        public Builder logger(Logger gets) {
            logger = gets;
            return this;
        }

        /** Starts to connect in the background. */
        public Client build() {
            return new Client(this);
        }
    }

    /**
     * @param processorAddress host:port, several with commas
     * @param onOrphan gets every game server that nobody else knows of: its request had timed out, was cancelled, or lost its stream
     */
    public static Builder builder(String processorAddress, Consumer<GameServer> onOrphan) {
        return new Builder(processorAddress, onOrphan);
    }

    private Client(Builder builder) {
        library = new Native(builder.library);
        onOrphan = builder.onOrphan;
        onConnection = builder.onConnection;
        executor = builder.executor;
        logger = builder.logger;
        handle = init(builder.settings);
        thread = new Thread(this::run, "agones-processor");
        thread.setDaemon(true);
        thread.start();
    }

    private Pointer init(Map<String, String> settings) {
        Raw functions = library.functions;
        Memory config = Native.zeroed(Raw.SIZE_OF_CONFIG);
        library.check((error, size) -> functions.proc_config_init(Raw.ABI_VERSION, config, Raw.SIZE_OF_CONFIG, error, size));
        try {
            settings.forEach((name, value) -> library.check((error, size) -> functions.proc_config_set(config, name, value, error, size)));
            Memory client = Native.zeroed(Long.BYTES);
            library.check((error, size) -> functions.proc_init(config, client, error, size));
            return client.getPointer(0);
        } finally {
            functions.proc_config_clear(config);
        }
    }

    private Pointer handle() {
        if (closed) {
            throw new ProcessorException("SHUT_DOWN", "the client is closed");
        }
        return handle;
    }

    // ---- allocations

    /** As {@link #allocate(Map, Duration)}, with the setting allocation_timeout_ms. */
    public CompletableFuture<GameServer> allocate(Map<String, ?> request) {
        return allocate(request, null);
    }

    /**
     * A game server; the future fails with an {@link AllocationException}. Cancelling it cancels the request.
     *
     * @param request the AllocationRequest: maps, lists, texts, numbers as its JSON has them
     * @throws ProcessorException it is refused at once: INVALID_ARGUMENT names what is wrong; QUEUE_FULL, SHUT_DOWN
     */
    public CompletableFuture<GameServer> allocate(Map<String, ?> request, Duration timeout) {
        return submit(Raw.FORMAT_JSON, Json.write(request).getBytes(StandardCharsets.UTF_8), timeout);
    }

    /** The same with a serialized AllocationRequest. */
    public CompletableFuture<GameServer> allocate(byte[] request, Duration timeout) {
        return submit(Raw.FORMAT_PROTOBUF, request, timeout);
    }

    /** The same with a GameServerAllocation of Kubernetes: maps, lists, texts, numbers as its JSON has them. */
    public CompletableFuture<GameServer> allocateManifest(Map<String, ?> manifest, Duration timeout) {
        return submit(Raw.FORMAT_MANIFEST, Json.write(manifest).getBytes(StandardCharsets.UTF_8), timeout);
    }

    private CompletableFuture<GameServer> submit(int format, byte[] body, Duration timeout) {
        int timeoutMs = timeout == null ? 0 : (int) Math.max(1, timeout.toMillis());
        long token = lastToken.incrementAndGet();
        CompletableFuture<GameServer> future = new CompletableFuture<>();
        waiting.put(token, future); // its result may come before the call returns
        Memory id = REQUEST_ID.get();
        Memory copy = Native.copy(body);
        try {
            library.check((error, size) -> library.functions.proc_allocate(handle(), format, copy, body.length, timeoutMs, token, id, error, size));
        } catch (ProcessorException error) {
            waiting.remove(token);
            throw error;
        }
        long requestId = id.getLong(0);
        future.whenComplete((server, error) -> {
            if (future.isCancelled() && !closed) {
                library.check((text, size) -> library.functions.proc_cancel(handle, requestId, text, size));
            }
        });
        return future;
    }

    // ---- events

    private void run() {
        while (!closing) {
            try {
                poll(WAIT_MS);
            } catch (ProcessorException error) {
                // No memory: nothing is lost, so it polls again.
                logger.log(Logger.Level.ERROR, "a poll failed", error);
                java.util.concurrent.locks.LockSupport.parkNanos(SWAP_POLL_MS * 1_000_000);
            }
        }
    }

    private synchronized boolean poll(int waitMs) {
        library.check((error, size) -> library.functions.proc_poll_events(handle(), events, Raw.SIZE_OF_EVENT, EVENTS_A_TIME, 0, waitMs, count, more, error, size));
        for (int i = 0; i < count.getInt(0); ++i) {
            try {
                take(events.share((long) i * Raw.SIZE_OF_EVENT));
            } catch (RuntimeException error) {
                // The host's own: one callback's fault is not to keep the next result from its caller.
                logger.log(Logger.Level.ERROR, "a callback failed", error);
            }
        }
        return more.getInt(0) != 0;
    }

    private void take(Pointer event) {
        switch (event.getInt(Raw.OFFSET_OF_EVENT_TYPE)) {
            case Raw.EVENT_RESULT -> end(event);
            case Raw.EVENT_ORPHAN -> onOrphan.accept(server(event));
            case Raw.EVENT_CONNECTION -> onConnection.accept(new Connection(
                    Connection.State.of(event.getInt(Raw.OFFSET_OF_EVENT_CONNECTION)), Native.string(event, Raw.OFFSET_OF_EVENT_MESSAGE)));
            case Raw.EVENT_LOG -> logger.log(level(event.getInt(Raw.OFFSET_OF_EVENT_SEVERITY)),
                    Native.string(event, Raw.OFFSET_OF_EVENT_KIND) + ": " + Native.string(event, Raw.OFFSET_OF_EVENT_MESSAGE));
            default -> { }
        }
    }

    private static Logger.Level level(int severity) {
        return switch (severity) {
            case Raw.SEVERITY_TRACE -> Logger.Level.TRACE;
            case Raw.SEVERITY_DEBUG -> Logger.Level.DEBUG;
            case Raw.SEVERITY_INFO -> Logger.Level.INFO;
            case Raw.SEVERITY_WARNING -> Logger.Level.WARNING;
            default -> Logger.Level.ERROR;
        };
    }

    private void end(Pointer event) {
        CompletableFuture<GameServer> future = waiting.remove(event.getLong(Raw.OFFSET_OF_EVENT_TOKEN));
        if (event.getInt(Raw.OFFSET_OF_EVENT_OUTCOME) == Raw.OUTCOME_ALLOCATED) {
            GameServer server = server(event);
            executor.execute(() -> {
                if (!future.complete(server)) {
                    onOrphan.accept(server); // its caller gave up a moment before
                }
            });
            return;
        }
        AllocationException error = new AllocationException(Outcome.of(event.getInt(Raw.OFFSET_OF_EVENT_OUTCOME)),
                Delivery.of(event.getInt(Raw.OFFSET_OF_EVENT_DELIVERY)), event.getInt(Raw.OFFSET_OF_EVENT_CODE),
                Native.string(event, Raw.OFFSET_OF_EVENT_MESSAGE), Native.bytes(event, Raw.OFFSET_OF_EVENT_REQUEST),
                Duration.ofMillis(event.getInt(Raw.OFFSET_OF_EVENT_REMAINING_MS)));
        executor.execute(() -> future.completeExceptionally(error));
    }

    private GameServer server(Pointer event) {
        Map<String, Integer> ports = new HashMap<>();
        int portCount = (int) event.getLong(Raw.OFFSET_OF_EVENT_PORT_COUNT);
        for (int i = 0; i < portCount; ++i) {
            Pointer port = event.getPointer(Raw.OFFSET_OF_EVENT_PORTS).share((long) i * Raw.SIZE_OF_PORT);
            ports.put(Native.string(port, Raw.OFFSET_OF_PORT_NAME), port.getInt(Raw.OFFSET_OF_PORT_PORT));
        }
        return new GameServer(Native.string(event, Raw.OFFSET_OF_EVENT_GAME_SERVER_NAME), Native.string(event, Raw.OFFSET_OF_EVENT_ADDRESS),
                Native.string(event, Raw.OFFSET_OF_EVENT_NODE_NAME), Native.string(event, Raw.OFFSET_OF_EVENT_SOURCE), ports,
                Native.bytes(event, Raw.OFFSET_OF_EVENT_RESPONSE), this::json);
    }

    private String json(byte[] response) {
        byte[] text = new byte[Math.max(1024, 4 * response.length)];
        Memory needed = new Memory(Long.BYTES);
        Memory copy = Native.copy(response);
        while (true) {
            int status = library.functions.proc_response_to_json(copy, response.length, text, text.length, needed, null, 0);
            if (status != Raw.ERR_TOO_LARGE) {
                return Native.text(text);
            }
            text = new byte[(int) needed.getLong(0) + 1];
        }
    }

    // ---- the rest

    /** The state of the connection. */
    public Connection connection() {
        Memory state = new Memory(Integer.BYTES);
        byte[] reason = new byte[1024];
        library.check((error, size) -> library.functions.proc_get_connection(handle(), state, reason, reason.length, error, size));
        return new Connection(Connection.State.of(state.getInt(0)), Native.text(reason));
    }

    /** Counters since the beginning; the first four are as of now. */
    public Stats stats() {
        Memory stats = Native.sized(Raw.SIZE_OF_STATS);
        library.check((error, size) -> library.functions.proc_get_stats(handle(), stats, error, size));
        return new Stats(stats.getLong(Raw.OFFSET_OF_STATS_PENDING), stats.getLong(Raw.OFFSET_OF_STATS_UNSENT),
                stats.getLong(Raw.OFFSET_OF_STATS_IN_FLIGHT), stats.getLong(Raw.OFFSET_OF_STATS_LATE_ANSWERS),
                stats.getLong(Raw.OFFSET_OF_STATS_ACCEPTED), stats.getLong(Raw.OFFSET_OF_STATS_ALLOCATED),
                stats.getLong(Raw.OFFSET_OF_STATS_REJECTED), stats.getLong(Raw.OFFSET_OF_STATS_TIMED_OUT),
                stats.getLong(Raw.OFFSET_OF_STATS_CANCELLED), stats.getLong(Raw.OFFSET_OF_STATS_DISCONNECTED),
                stats.getLong(Raw.OFFSET_OF_STATS_SHUT_DOWN), stats.getLong(Raw.OFFSET_OF_STATS_ORPHANS),
                stats.getLong(Raw.OFFSET_OF_STATS_STREAMS), stats.getLong(Raw.OFFSET_OF_STATS_PULLS),
                stats.getLong(Raw.OFFSET_OF_STATS_BATCHES_SENT), stats.getLong(Raw.OFFSET_OF_STATS_UNKNOWN));
    }

    /** For Prometheus. */
    public String metricsText() {
        Memory stats = Native.sized(Raw.SIZE_OF_STATS);
        Memory metrics = Native.sized(Raw.SIZE_OF_METRICS);
        library.check((error, size) -> library.functions.proc_get_stats(handle(), stats, error, size));
        library.check((error, size) -> library.functions.proc_get_metrics(handle(), metrics, error, size));
        byte[] text = new byte[1 << 18];
        library.check((error, size) -> library.functions.proc_metrics_to_text(stats, metrics, text, text.length, null, error, size));
        return Native.text(text);
    }

    /** The release of the plugin that takes new requests. */
    public String version() {
        byte[] text = new byte[64];
        try {
            library.check((error, size) -> library.functions.proc_get_plugin_version(handle(), text, text.length, error, size));
            return Native.text(text);
        } catch (UnsatisfiedLinkError plugin) {
            return library.functions.proc_version();
        }
    }

    /**
     * Replaces the plugin by another version; requests under way go on. Needs the host library. The future fails with a
     * {@link SwapException}: the old plugin goes on.
     *
     * @param sha256 null, or the 64 hexadecimal digits that the file must have
     */
    public CompletableFuture<SwapReport> swap(String file, String sha256) {
        try {
            library.check((error, size) -> library.functions.proc_swap(handle(), file, sha256, error, size));
        } catch (UnsatisfiedLinkError plugin) {
            throw new SwapException(library.file + " is a plugin: swapping needs the host library");
        }
        CompletableFuture<SwapReport> future = new CompletableFuture<>();
        lookAtSwap(future);
        return future;
    }

    private void lookAtSwap(CompletableFuture<SwapReport> future) {
        Memory report = Native.sized(Raw.SIZE_OF_SWAP_REPORT);
        try {
            library.check((error, size) -> library.functions.proc_get_swap_report(handle(), report, error, size));
        } catch (ProcessorException error) {
            future.completeExceptionally(error);
            return;
        }
        String problem = Native.text(report, Raw.OFFSET_OF_SWAP_REPORT_ERROR, Raw.SIZE_OF_SWAP_REPORT - Raw.OFFSET_OF_SWAP_REPORT_ERROR);
        switch (report.getInt(Raw.OFFSET_OF_SWAP_REPORT_STATE)) {
            case Raw.SWAP_RUNNING -> CompletableFuture.delayedExecutor(SWAP_POLL_MS, TimeUnit.MILLISECONDS).execute(() -> lookAtSwap(future));
            case Raw.SWAP_FAILED -> future.completeExceptionally(new SwapException(problem));
            default -> future.complete(new SwapReport(Native.text(report, Raw.OFFSET_OF_SWAP_REPORT_FROM_VERSION, 32),
                    Native.text(report, Raw.OFFSET_OF_SWAP_REPORT_TO_VERSION, 32), report.getLong(Raw.OFFSET_OF_SWAP_REPORT_MOVED),
                    report.getLong(Raw.OFFSET_OF_SWAP_REPORT_DRAINED),
                    Duration.ofNanos(1000 * report.getLong(Raw.OFFSET_OF_SWAP_REPORT_LONGEST_GAP_US)),
                    report.getInt(Raw.OFFSET_OF_SWAP_REPORT_UNLOADED) == 1, problem));
        }
    }

    /** Takes no more requests; the future is done when those under way have ended. returnUnsent: what is not sent ends at once. */
    public CompletableFuture<Void> drain(boolean returnUnsent) {
        int flags = returnUnsent ? Raw.DRAIN_RETURN_UNSENT : Raw.DRAIN_FINISH;
        library.check((error, size) -> library.functions.proc_drain(handle(), flags, error, size));
        CompletableFuture<?>[] underWay = waiting.values().stream().map(one -> one.exceptionally(error -> null)).toArray(CompletableFuture[]::new);
        return CompletableFuture.allOf(underWay);
    }

    /** {@link #close(Duration)} with five seconds. */
    @Override
    public void close() {
        close(Duration.ofSeconds(5));
    }

    /** Ends the client. Unsent requests end at once, sent ones are awaited for so long. Not from a callback. */
    public void close(Duration timeout) {
        if (Thread.holdsLock(this)) {
            throw new IllegalStateException("a client can't be closed in one of its callbacks");
        }
        if (closed) {
            return;
        }
        closing = true;
        library.check((error, size) -> library.functions.proc_wake(handle, error, size));
        try {
            thread.join();
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            return;
        }
        synchronized (this) {
            if (closed) { // by another thread meanwhile
                return;
            }
            library.check((error, size) -> library.functions.proc_shutdown(handle, (int) timeout.toMillis(), error, size));
            while (poll(0)) { }
            library.check((error, size) -> library.functions.proc_destroy(handle, error, size));
            closed = true;
        }
    }
}
