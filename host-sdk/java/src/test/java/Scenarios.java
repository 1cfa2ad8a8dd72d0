// SPDX-License-Identifier: Apache-2.0
import agones.processor.AllocationException;
import agones.processor.Client;
import agones.processor.Connection;
import agones.processor.GameServer;
import agones.processor.Outcome;
import agones.processor.ProcessorException;
import agones.processor.SwapException;
import agones.processor.SwapReport;
import java.time.Duration;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.ResourceBundle;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** The scenarios of tests/bindings/scenarios.json: Scenarios SCENARIO LIBRARY ADDRESS NEXT_PLUGIN */
public final class Scenarios {
    private static final Map<String, String> ANY = Map.of("namespace", "default");
    private static final BlockingQueue<GameServer> ORPHANS = new LinkedBlockingQueue<>();
    private static String library;
    private static String address;

    private Scenarios() {}

    private static Client.Builder builder() {
        return Client.builder(address, ORPHANS::add).library(library).set("transport", "plaintext");
    }

    private static AllocationException failure(CompletableFuture<?> future) {
        try {
            throw new AssertionError(future.join());
        } catch (CompletionException error) {
            return (AllocationException) error.getCause();
        }
    }

    private static ProcessorException refusal(Runnable call) {
        try {
            call.run();
        } catch (ProcessorException error) {
            return error;
        }
        throw new AssertionError("no refusal");
    }

    private static String described(AllocationException error, String more) {
        boolean same = Arrays.equals(error.request(), "\n\u0007default".getBytes());
        return String.format("{\"outcome\":\"%s\",\"delivery\":\"%s\",\"code\":%d,\"message\":\"%s\",\"request\":%b%s}", error.outcome(),
                error.delivery(), error.code(), error.reason(), same, more);
    }

    private static String names(Collection<String> names, String more) {
        return "{\"names\":[" + names.stream().map(name -> '"' + name + '"').collect(Collectors.joining(",")) + "]" + more + "}";
    }

    private static void until(BooleanSupplier condition) throws InterruptedException {
        while (!condition.getAsBoolean()) {
            Thread.sleep(10);
        }
    }

    private static CompletableFuture<Void> chain(Client client, int count, Queue<String> names) {
        return count == 0 ? CompletableFuture.completedFuture(null)
                : client.allocate(ANY).thenCompose(server -> {
                    names.add(server.name());
                    return chain(client, count - 1, names);
                });
    }

    private static CompletableFuture<Void> chains(Client client, int tasks, int each, Queue<String> names) {
        return CompletableFuture.allOf(IntStream.range(0, tasks).mapToObj(i -> chain(client, each, names)).toArray(CompletableFuture[]::new));
    }

    private static String run(String scenario, String nextPlugin) throws Exception {
        if (scenario.equals("malformed")) {
            ProcessorException setting = refusal(() -> builder().set("max_batch", 1).build());
            try (Client client = builder().build()) {
                ProcessorException error = refusal(() -> client.allocate(Map.of("nmespace", "default")));
                return String.format("{\"status\":\"%s\",\"named\":%b,\"setting\":\"%s\",\"settingNamed\":%b,\"name\":\"%s\"}", error.status(),
                        error.getMessage().contains("nmespace"), setting.status(), setting.getMessage().contains("max_batch"),
                        client.allocate(ANY).join().name());
            }
        }
        Queue<Connection> told = new ConcurrentLinkedQueue<>();
        Queue<String> lines = new ConcurrentLinkedQueue<>();
        Client.Builder builder = builder().onConnection(told::add);
        switch (scenario) {
            case "disconnected" -> builder.set("fail_fast", true);
            case "queue_full" -> builder.set("max_pending_requests", 1);
            case "unknown_fields" -> builder.set("unknown_fields", "ignore");
            case "logs" -> builder.set("log_level", "info").logger(new Keep(lines));
            default -> { }
        }
        try (Client client = builder.build()) {
            Queue<String> names = new ConcurrentLinkedQueue<>();
            switch (scenario) {
                case "thousand": {
                    List<CompletableFuture<GameServer>> all = IntStream.range(0, 1000).mapToObj(i -> client.allocate(ANY)).toList();
                    return names(all.stream().map(one -> one.join().name()).toList(), "");
                }
                case "tasks":
                    chains(client, 100, 5, names).join();
                    return names(names, "");
                case "server": {
                    GameServer got = client.allocate(Map.of("namespace", "default", "metadata", Map.of("labels", Map.of("mode", "arena")))).join();
                    String label = got.response().contains("\"mode\":\"arena\"") ? "arena" : "none";
                    return String.format("{\"name\":\"%s\",\"address\":\"%s\",\"node\":\"%s\",\"source\":\"%s\",\"port\":%d,\"label\":\"%s\"}",
                            got.name(), got.address(), got.nodeName(), got.source(), got.ports().get("default"), label);
                }
                case "protobuf":
                    return String.format("{\"name\":\"%s\"}", client.allocate("\n\u0007default".getBytes(), null).join().name());
                case "manifest": {
                    Map<String, ?> manifest = Map.of("kind", "GameServerAllocation", "spec",
                            Map.of("selectors", List.of(Map.of("matchLabels", Map.of("agones.dev/fleet", "local"), "gameServerState", "Ready"))));
                    boolean named = refusal(() -> client.allocate(manifest)).getMessage().contains("MANIFEST");
                    return String.format("{\"named\":%b,\"name\":\"%s\"}", named, client.allocateManifest(manifest, null).join().name());
                }
                case "unknown_fields": {
                    Map<String, Object> selector = new HashMap<>(Map.of("players", Map.of("minAvailable", 1)));
                    selector.put("matchLabels", null);
                    Map<String, Object> model = new HashMap<>(Map.of("namespace", "default", "gameServerSelectors", List.of(selector)));
                    model.put("metadata", null);
                    return String.format("{\"name\":\"%s\"}", client.allocate(model).join().name());
                }
                case "rejected":
                    return described(failure(client.allocate(Map.of("namespace", "nowhere"))), "");
                case "timeout_not_sent":
                    return described(failure(client.allocate(ANY, Duration.ofMillis(50))), "");
                case "orphan": {
                    AllocationException error = failure(client.allocate(ANY, Duration.ofMillis(2000)));
                    return described(error, ",\"orphan\":\"" + ORPHANS.take().name() + "\"");
                }
                case "cancelled": {
                    CompletableFuture<GameServer> future = client.allocate(ANY);
                    boolean gaveUp = false;
                    try {
                        future.get(50, TimeUnit.MILLISECONDS);
                    } catch (TimeoutException late) {
                        gaveUp = future.cancel(false);
                    }
                    until(() -> client.stats().cancelled() == 1);
                    return String.format("{\"gaveUp\":%b,\"cancelled\":%d}", gaveUp, client.stats().cancelled());
                }
                case "cancelled_sent": {
                    CompletableFuture<GameServer> future = client.allocate(ANY);
                    until(() -> client.stats().inFlight() == 1);
                    future.cancel(false);
                    return String.format("{\"orphan\":\"%s\"}", ORPHANS.take().name());
                }
                case "disconnected":
                    return described(failure(client.allocate(ANY)), "");
                case "shutdown": {
                    CompletableFuture<GameServer> future = client.allocate(ANY);
                    client.close(Duration.ofSeconds(5));
                    return described(failure(future), ",\"afterwards\":\"" + refusal(() -> client.allocate(ANY)).status() + "\"");
                }
                case "burst": {
                    List<CompletableFuture<GameServer>> all = IntStream.range(0, 3000).mapToObj(i -> client.allocate(ANY)).toList();
                    CompletableFuture.anyOf(all.toArray(CompletableFuture[]::new)).join();
                    client.close(Duration.ofSeconds(5));
                    return String.format("{\"ended\":%d}", all.stream().map(one -> one.handle((server, error) -> 1).join()).count());
                }
                case "close_twice": {
                    List<CompletableFuture<GameServer>> all = IntStream.range(0, 3000).mapToObj(i -> client.allocate(ANY)).toList();
                    CompletableFuture<Void> other = CompletableFuture.runAsync(() -> client.close(Duration.ofSeconds(5)));
                    client.close(Duration.ofSeconds(5));
                    other.join();
                    client.close(Duration.ofSeconds(5));
                    return String.format("{\"shutDown\":%d}", all.stream().filter(one -> failure(one).outcome() == Outcome.SHUTDOWN).count());
                }
                case "queue_full":
                    client.allocate(ANY);
                    return String.format("{\"status\":\"%s\"}", refusal(() -> client.allocate(ANY)).status());
                case "drain": {
                    CompletableFuture<GameServer> future = client.allocate(ANY);
                    client.drain(true).join();
                    return described(failure(future), ",\"afterwards\":\"" + refusal(() -> client.allocate(ANY)).status() + "\"");
                }
                case "connection":
                    until(() -> told.stream().anyMatch(one -> one.state() == Connection.State.SERVING));
                    return String.format("{\"told\":\"%s\",\"state\":\"%s\",\"streams\":%d}", told.stream().reduce((a, b) -> b).get().state(),
                            client.connection().state(), client.stats().streams());
                case "logs":
                    until(() -> lines.stream().anyMatch(line -> line.startsWith("stream_opened")));
                    return "{\"logged\":true}";
                case "swap": {
                    CompletableFuture<Void> running = chains(client, 100, 10, names);
                    until(() -> names.size() >= 200);
                    SwapReport report = client.swap(nextPlugin, null).join();
                    running.join();
                    return names(names, String.format(",\"from\":\"%s\",\"to\":\"%s\",\"version\":\"%s\"", report.fromVersion(), report.toVersion(),
                            client.version()));
                }
                case "swap_refused": {
                    boolean refused = false;
                    try {
                        client.swap("/nowhere.so", null).join();
                    } catch (CompletionException error) {
                        refused = error.getCause() instanceof SwapException;
                    }
                    return String.format("{\"refused\":%b,\"name\":\"%s\"}", refused, client.allocate(ANY).join().name());
                }
                case "bench":
                    return bench(client);
                case "exit":
                    for (int i = 0; i < 100; ++i) {
                        client.allocate(ANY);
                    }
                    until(() -> client.stats().inFlight() > 0);
                    System.out.println("{\"underWay\":" + client.stats().pending() + "}");
                    System.exit(0);
                    return "";
                default:
                    throw new IllegalArgumentException(scenario);
            }
        }
    }

    /** Nanoseconds to submit, and of CPU of the thread that takes the events; microseconds of CPU, all threads, for each of 10,000 under way. */
    private static String bench(Client client) {
        final int rounds = 6;
        final int underWay = 10_000;
        var threads = (com.sun.management.ThreadMXBean) java.lang.management.ManagementFactory.getThreadMXBean();
        var system = (com.sun.management.OperatingSystemMXBean) java.lang.management.ManagementFactory.getOperatingSystemMXBean();
        long events = Thread.getAllStackTraces().keySet().stream().filter(one -> one.getName().equals("agones-processor")).findFirst().get().getId();
        double[] allocate = new double[rounds];
        double[] deliver = new double[rounds];
        double[] cpu = new double[rounds];
        for (int round = 0; round < rounds; ++round) {
            long cpuBefore = system.getProcessCpuTime();
            long eventsBefore = threads.getThreadCpuTime(events);
            long before = System.nanoTime();
            CompletableFuture<?>[] all = new CompletableFuture<?>[underWay];
            for (int i = 0; i < underWay; ++i) {
                all[i] = client.allocate(ANY);
            }
            allocate[round] = System.nanoTime() - before;
            CompletableFuture.allOf(all).join();
            deliver[round] = threads.getThreadCpuTime(events) - eventsBefore;
            cpu[round] = (system.getProcessCpuTime() - cpuBefore) / 1e3;
        }
        java.util.function.ToDoubleFunction<double[]> median = values -> Arrays.stream(values).skip(rounds - 3).sorted().skip(1).findFirst().getAsDouble() / underWay;
        return String.format(java.util.Locale.ROOT, "{\"allocateNs\":%.0f,\"eventNs\":%.0f,\"cpuUs\":%.3f}", median.applyAsDouble(allocate),
                median.applyAsDouble(deliver), median.applyAsDouble(cpu));
    }

    private record Keep(Queue<String> lines) implements System.Logger {
        @Override
        public String getName() {
            return "keep";
        }

        @Override
        public boolean isLoggable(Level level) {
            return true;
        }

        @Override
        public void log(Level level, ResourceBundle bundle, String message, Throwable thrown) {
            lines.add(message);
        }

        @Override
        public void log(Level level, ResourceBundle bundle, String format, Object... params) {
            lines.add(format);
        }
    }

    public static void main(String[] arguments) throws Exception {
        library = arguments[1].isEmpty() ? null : arguments[1];
        address = arguments[2];
        System.out.println(run(arguments[0], arguments[3]));
    }
}
