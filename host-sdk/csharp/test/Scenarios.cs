// SPDX-License-Identifier: Apache-2.0
// The scenarios of tests/bindings/scenarios.json: Scenarios SCENARIO LIBRARY ADDRESS NEXT_PLUGIN
using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Agones.Processor;

internal static class Scenarios
{
    private static string _library, _address, _nextPlugin;
    private static readonly BlockingCollection<GameServer> Orphans = new BlockingCollection<GameServer>();
    private static readonly Dictionary<string, object> Any = new Dictionary<string, object> { { "namespace", "default" } };

    private static Client Make(string name = null, string value = null, Action<ClientOptions> more = null, string address = null)
    {
        var options = new ClientOptions { Library = _library };
        options.Settings["transport"] = "plaintext";
        if (name != null) options.Settings[name] = value;
        more?.Invoke(options);
        return new Client(address ?? _address, Orphans.Add, options);
    }

    private static AllocationException Failure(Task task)
    {
        try
        {
            task.GetAwaiter().GetResult();
        }
        catch (AllocationException error)
        {
            return error;
        }
        throw new Exception("no AllocationException");
    }

    private static ProcessorException Refusal(Action call)
    {
        try
        {
            call();
        }
        catch (ProcessorException error)
        {
            return error;
        }
        throw new Exception("no ProcessorException");
    }

    private static string Upper(Enum value) => string.Concat(value.ToString().Select((c, i) => i > 0 && char.IsUpper(c) ? "_" + c : c.ToString())).ToUpperInvariant();

    private static string Described(AllocationException error, string more = "")
    {
        bool same = error.Request.SequenceEqual(System.Text.Encoding.ASCII.GetBytes("\x0a\x07" + "default"));
        return $"{{\"outcome\":\"{Upper(error.Outcome)}\",\"delivery\":\"{Upper(error.Delivery)}\",\"code\":{error.Code},\"message\":\"{error.Reason}\",\"request\":{(same ? "true" : "false")}{more}}}";
    }

    private static string Names(IEnumerable<string> names, string more = "") => "{\"names\":[" + string.Join(",", names.Select(name => "\"" + name + "\"")) + "]" + more + "}";

    private static void Until(Func<bool> condition)
    {
        while (!condition()) Thread.Sleep(10);
    }

    private static async Task<string> Run(string scenario)
    {
        switch (scenario)
        {
            case "thousand":
                using (Client client = Make())
                {
                    return Names((await Task.WhenAll(Enumerable.Range(0, 1000).Select(_ => client.AllocateAsync(Any)))).Select(one => one.Name));
                }
            case "tasks":
                using (Client client = Make())
                {
                    var names = new ConcurrentBag<string>();
                    await Task.WhenAll(Enumerable.Range(0, 100).Select(async _ =>
                    {
                        for (int i = 0; i < 5; ++i) names.Add((await client.AllocateAsync(Any)).Name);
                    }));
                    return Names(names);
                }
            case "server":
                using (Client client = Make())
                {
                    var labels = new Dictionary<string, object> { { "mode", "arena" } };
                    var metadata = new Dictionary<string, object> { { "labels", labels } };
                    GameServer got = await client.AllocateAsync(new Dictionary<string, object>(Any) { { "metadata", metadata } });
                    string label = got.ResponseJson.Contains("\"mode\":\"arena\"") ? "arena" : got.ResponseJson;
                    return $"{{\"name\":\"{got.Name}\",\"address\":\"{got.Address}\",\"node\":\"{got.NodeName}\",\"source\":\"{got.Source}\",\"port\":{got.Ports["default"]},\"label\":\"{label}\"}}";
                }
            case "protobuf":
                using (Client client = Make()) return $"{{\"name\":\"{(await client.AllocateAsync(System.Text.Encoding.ASCII.GetBytes("\x0a\x07" + "default"))).Name}\"}}";
            case "manifest":
                using (Client client = Make())
                {
                    const string Manifest = "{\"kind\":\"GameServerAllocation\",\"spec\":{\"selectors\":[{\"matchLabels\":{\"agones.dev/fleet\":\"local\"},\"gameServerState\":\"Ready\"}]}}";
                    bool named = Refusal(() => client.AllocateAsync(Manifest)).Message.Contains("MANIFEST");
                    return $"{{\"named\":{(named ? "true" : "false")},\"name\":\"{(await client.AllocateManifestAsync(Manifest)).Name}\"}}";
                }
            case "unknown_fields":
                using (Client client = Make("unknown_fields", "ignore"))
                {
                    const string Model = "{\"namespace\":\"default\",\"metadata\":null,\"gameServerSelectors\":[{\"matchLabels\":null,\"players\":{\"minAvailable\":1}}]}";
                    return $"{{\"name\":\"{(await client.AllocateAsync(Model)).Name}\"}}";
                }
            case "rejected":
                using (Client client = Make()) return Described(Failure(client.AllocateAsync("{\"namespace\":\"nowhere\"}")));
            case "timeout_not_sent":
                using (Client client = Make()) return Described(Failure(client.AllocateAsync(Any, TimeSpan.FromMilliseconds(50))));
            case "orphan":
                using (Client client = Make())
                {
                    AllocationException error = Failure(client.AllocateAsync(Any, TimeSpan.FromMilliseconds(2000)));
                    return Described(error, $",\"orphan\":\"{Orphans.Take().Name}\"");
                }
            case "cancelled":
                using (Client client = Make())
                {
                    bool gaveUp = false;
                    try
                    {
                        await client.AllocateAsync(Any, cancel: new CancellationTokenSource(50).Token);
                    }
                    catch (TaskCanceledException)
                    {
                        gaveUp = true;
                    }
                    Until(() => client.Stats["cancelled"] == 1);
                    return $"{{\"gaveUp\":{(gaveUp ? "true" : "false")},\"cancelled\":{client.Stats["cancelled"]}}}";
                }
            case "cancelled_sent":
                using (Client client = Make())
                {
                    var source = new CancellationTokenSource();
                    _ = client.AllocateAsync(Any, cancel: source.Token);
                    Until(() => client.Stats["inFlight"] == 1);
                    source.Cancel();
                    return $"{{\"orphan\":\"{Orphans.Take().Name}\"}}";
                }
            case "disconnected":
                using (Client client = Make("fail_fast", "true")) return Described(Failure(client.AllocateAsync(Any)));
            case "shutdown":
            {
                Client client = Make();
                Task<GameServer> waiting = client.AllocateAsync(Any);
                await client.CloseAsync();
                return Described(Failure(waiting), $",\"afterwards\":\"{Upper(Refusal(() => client.AllocateAsync(Any)).Status)}\"");
            }
            case "burst":
            {
                Client client = Make();
                Task<GameServer>[] all = Enumerable.Range(0, 3000).Select(_ => client.AllocateAsync(Any)).ToArray();
                await Task.WhenAny(all);
                await client.CloseAsync();
                await Task.WhenAny(Task.WhenAll(all));
                return $"{{\"ended\":{all.Count(one => one.IsCompleted)}}}";
            }
            case "close_twice":
            {
                Client client = Make();
                Task<GameServer>[] all = Enumerable.Range(0, 3000).Select(_ => client.AllocateAsync(Any)).ToArray();
                await Task.WhenAll(client.CloseAsync(), client.CloseAsync());
                await client.CloseAsync();
                return $"{{\"shutDown\":{all.Count(one => Failure(one).Outcome == Outcome.Shutdown)}}}";
            }
            case "queue_full":
                using (Client client = Make("max_pending_requests", "1"))
                {
                    _ = client.AllocateAsync(Any);
                    return $"{{\"status\":\"{Upper(Refusal(() => client.AllocateAsync(Any)).Status)}\"}}";
                }
            case "malformed":
            {
                ProcessorException setting = Refusal(() => Make("max_batch", "1"));
                using (Client client = Make())
                {
                    ProcessorException error = Refusal(() => client.AllocateAsync("{\"nmespace\":\"default\"}"));
                    return $"{{\"status\":\"{Upper(error.Status)}\",\"named\":{(error.Message.Contains("nmespace") ? "true" : "false")},\"setting\":\"{Upper(setting.Status)}\",\"settingNamed\":{(setting.Message.Contains("max_batch") ? "true" : "false")},\"name\":\"{(await client.AllocateAsync(Any)).Name}\"}}";
                }
            }
            case "drain":
                using (Client client = Make())
                {
                    Task<GameServer> waiting = client.AllocateAsync(Any);
                    await client.DrainAsync(returnUnsent: true);
                    return Described(Failure(waiting), $",\"afterwards\":\"{Upper(Refusal(() => client.AllocateAsync(Any)).Status)}\"");
                }
            case "connection":
            {
                var told = new ConcurrentQueue<Connection>();
                using (Client client = Make(more: options => options.OnConnection = told.Enqueue))
                {
                    Until(() => told.Any(one => one.State == ConnectionState.Serving));
                    return $"{{\"told\":\"{Upper(told.Last().State)}\",\"state\":\"{Upper(client.Connection.State)}\",\"streams\":{client.Stats["streams"]}}}";
                }
            }
            case "logs":
            {
                var kinds = new ConcurrentQueue<string>();
                using (Make("log_level", "info", options => options.OnLog = line => kinds.Enqueue(line.Kind)))
                {
                    Until(() => kinds.Contains("stream_opened"));
                    return "{\"logged\":true}";
                }
            }
            case "swap":
                using (Client client = Make())
                {
                    var names = new ConcurrentBag<string>();
                    Task running = Task.WhenAll(Enumerable.Range(0, 100).Select(async _ =>
                    {
                        for (int i = 0; i < 10; ++i) names.Add((await client.AllocateAsync(Any)).Name);
                    }));
                    Until(() => names.Count >= 200);
                    SwapReport report = await client.SwapAsync(_nextPlugin);
                    await running;
                    return Names(names, $",\"from\":\"{report.FromVersion}\",\"to\":\"{report.ToVersion}\",\"version\":\"{client.Version}\"");
                }
            case "swap_refused":
                using (Client client = Make())
                {
                    bool refused = false;
                    try
                    {
                        await client.SwapAsync("/nowhere.so");
                    }
                    catch (SwapException)
                    {
                        refused = true;
                    }
                    return $"{{\"refused\":{(refused ? "true" : "false")},\"name\":\"{(await client.AllocateAsync(Any)).Name}\"}}";
                }
            case "exit":
            {
                Client client = Make();
                for (int i = 0; i < 100; ++i) _ = client.AllocateAsync(Any);
                Until(() => client.Stats["inFlight"] > 0);
                return $"{{\"underWay\":{client.Stats["pending"]}}}";
            }
            case "bench":
                return await Bench();
            case "pump":
                using (Client client = Make(more: options => options.Pumped = true))
                {
                    Task<GameServer> waiting = client.AllocateAsync(Any);
                    while (!waiting.IsCompleted)
                    {
                        client.Pump(TimeSpan.FromMilliseconds(2));
                        Thread.Sleep(16); // the rest of the frame
                    }
                    return $"{{\"name\":\"{waiting.Result.Name}\"}}";
                }
            case "pump_closing":
                using (Client client = Make(more: options => options.Pumped = true))
                {
                    Task<GameServer> waiting = client.AllocateAsync(Any);
                    while (client.Stats["inFlight"] == 0) Thread.Sleep(10);
                    Task closing = client.CloseAsync();
                    while (!closing.IsCompleted) client.Pump(TimeSpan.FromMilliseconds(2));
                    await closing;
                    return $"{{\"name\":\"{waiting.Result.Name}\"}}";
                }
            default:
                throw new ArgumentException(scenario);
        }
    }

    /// <summary>Nanoseconds to submit, and to deliver what waits; microseconds of CPU, all threads, for each of 10,000 under way.</summary>
    private static async Task<string> Bench()
    {
        const int rounds = 6, underWay = 10000;
        var allocate = new List<double>();
        var deliver = new List<double>();
        var cpu = new List<double>();
        using (Client client = Make(more: options => options.Pumped = true))
        {
            for (int round = 0; round < rounds; ++round)
            {
                TimeSpan cpuBefore = System.Diagnostics.Process.GetCurrentProcess().TotalProcessorTime;
                var watch = System.Diagnostics.Stopwatch.StartNew();
                var all = new Task<GameServer>[underWay];
                for (int i = 0; i < underWay; ++i) all[i] = client.AllocateAsync("{\"namespace\":\"default\"}");
                allocate.Add(watch.Elapsed.TotalMilliseconds);
                Until(() => client.Stats["allocated"] == (ulong)((round + 1) * underWay));
                watch.Restart();
                while (client.Pump(TimeSpan.Zero)) { }
                await Task.WhenAll(all);
                deliver.Add(watch.Elapsed.TotalMilliseconds);
                cpu.Add((System.Diagnostics.Process.GetCurrentProcess().TotalProcessorTime - cpuBefore).TotalMilliseconds);
            }
        }
        Func<List<double>, double> median = values => values.Skip(rounds - 3).OrderBy(one => one).ElementAt(1) / underWay;
        return string.Format(System.Globalization.CultureInfo.InvariantCulture, "{{\"allocateNs\":{0:F0},\"eventNs\":{1:F0},\"cpuUs\":{2}}}",
            median(allocate) * 1e6, median(deliver) * 1e6, median(cpu) * 1e3);
    }

    private static int Main(string[] args)
    {
        _library = args[1] == "" ? null : args[1];
        _address = args[2];
        _nextPlugin = args[3];
        Console.WriteLine(Run(args[0]).GetAwaiter().GetResult());
        return 0;
    }
}
