// SPDX-License-Identifier: Apache-2.0
using System;
using System.Collections;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Diagnostics;
using System.Text;
using System.Threading;
using System.Threading.Tasks;

namespace Agones.Processor
{
    /// <summary>
    /// A connection to the allocation processor. Its methods may be called from any thread. Events come on one thread of its own, or, with
    /// ClientOptions.Pumped, inside Pump().
    /// </summary>
    public sealed class Client : IDisposable
    {
        private const int EventsATime = 256;
        private const int WaitMs = 1000;
        private static readonly TimeSpan SwapPoll = TimeSpan.FromMilliseconds(10);

        private sealed class Waiting
        {
            internal readonly TaskCompletionSource<GameServer> Source = new TaskCompletionSource<GameServer>(TaskCreationOptions.RunContinuationsAsynchronously);
            internal CancellationTokenRegistration Registration;
        }

        private readonly Library _library;
        private readonly Action<GameServer> _onOrphan;
        private readonly Action<Connection> _onConnection;
        private readonly Action<LogLine> _onLog;
        private readonly ConcurrentDictionary<ulong, Waiting> _waiting = new ConcurrentDictionary<ulong, Waiting>();
        private readonly RawEvent[] _events = new RawEvent[EventsATime];
        private readonly object _polling = new object();
        private readonly Thread _thread;
        private IntPtr _handle;
        private long _lastToken;
        private volatile bool _closing;
        private volatile bool _closed;

        /// <param name="processorAddress">host:port, several with commas</param>
        /// <param name="onOrphan">gets every game server that nobody else knows of: its request had timed out, was cancelled, or lost its stream</param>
        /// <param name="options">the rest</param>
        public Client(string processorAddress, Action<GameServer> onOrphan, ClientOptions options = null)
        {
            options = options ?? new ClientOptions();
            _onOrphan = onOrphan ?? throw new ArgumentNullException(nameof(onOrphan));
            _onConnection = options.OnConnection ?? (_ => { });
            _onLog = options.OnLog ?? (line => Trace.WriteLine(line.Message, "agones-processor " + line.Severity));
            _library = new Library(options.Library);
            Init(processorAddress, options.Settings);
            if (!options.Pumped)
            {
                _thread = new Thread(Run) { IsBackground = true, Name = "agones-processor" };
                _thread.Start();
            }
        }

        private unsafe void Init(string address, IDictionary<string, string> settings)
        {
            RawConfig config;
            var at = (IntPtr)(&config);
            RawFunctions functions = _library.Functions;
            Library.Check((error, size) => functions.ConfigInit(RawFunctions.HostAbiVersion, at, (uint)sizeof(RawConfig), error, size));
            try
            {
                Set(at, "processor_address", address);
                foreach (KeyValuePair<string, string> setting in settings) Set(at, setting.Key, setting.Value);
                IntPtr handle;
                var handleAt = (IntPtr)(&handle);
                Library.Check((error, size) => functions.Init(at, handleAt, error, size));
                _handle = handle;
            }
            finally
            {
                functions.ConfigClear(at);
            }
        }

        private unsafe void Set(IntPtr config, string name, string value)
        {
            fixed (byte* nameAt = Library.Terminated(name), valueAt = Library.Terminated(value))
            {
                var n = (IntPtr)nameAt;
                var v = (IntPtr)valueAt;
                Library.Check((error, size) => _library.Functions.ConfigSet(config, n, v, error, size));
            }
        }

        private IntPtr Handle => _closed ? throw new ProcessorException(StatusCode.ShutDown, "the client is closed") : _handle;

        // ---- allocations

        /// <summary>A game server. The task fails with an AllocationException; cancelling the token cancels task and request.</summary>
        /// <param name="request">the AllocationRequest: dictionaries, lists, texts, numbers as its JSON has them</param>
        /// <param name="timeout">default: the setting allocation_timeout_ms</param>
        /// <param name="cancel">gives up</param>
        /// <exception cref="ProcessorException">it is refused at once: InvalidArgument names what is wrong; QueueFull, ShutDown</exception>
        public Task<GameServer> AllocateAsync(IDictionary request, TimeSpan? timeout = null, CancellationToken cancel = default(CancellationToken))
            => Submit(Format.Json, Encoding.UTF8.GetBytes(Json.Write(request)), timeout, cancel);

        /// <summary>The same with the request as JSON text.</summary>
        public Task<GameServer> AllocateAsync(string json, TimeSpan? timeout = null, CancellationToken cancel = default(CancellationToken))
            => Submit(Format.Json, Encoding.UTF8.GetBytes(json), timeout, cancel);

        /// <summary>The same with a serialized AllocationRequest.</summary>
        public Task<GameServer> AllocateAsync(byte[] request, TimeSpan? timeout = null, CancellationToken cancel = default(CancellationToken))
            => Submit(Format.Protobuf, request, timeout, cancel);

        /// <summary>The same with a GameServerAllocation of Kubernetes: dictionaries, lists, texts, numbers as its JSON has them.</summary>
        public Task<GameServer> AllocateManifestAsync(IDictionary manifest, TimeSpan? timeout = null, CancellationToken cancel = default(CancellationToken))
            => Submit(Format.Manifest, Encoding.UTF8.GetBytes(Json.Write(manifest)), timeout, cancel);

        /// <summary>The same with the manifest as JSON text.</summary>
        public Task<GameServer> AllocateManifestAsync(string json, TimeSpan? timeout = null, CancellationToken cancel = default(CancellationToken))
            => Submit(Format.Manifest, Encoding.UTF8.GetBytes(json), timeout, cancel);

        private unsafe Task<GameServer> Submit(Format format, byte[] body, TimeSpan? timeout, CancellationToken cancel)
        {
            if (cancel.IsCancellationRequested) return Task.FromCanceled<GameServer>(cancel);
            var token = (ulong)Interlocked.Increment(ref _lastToken);
            var waiting = new Waiting();
            _waiting[token] = waiting; // its result may come before the call returns
            ulong id;
            uint timeoutMs = timeout.HasValue ? (uint)Math.Max(1, timeout.Value.TotalMilliseconds) : 0;
            fixed (byte* at = body)
            {
                byte* error = stackalloc byte[512];
                error[0] = 0;
                int status = _library.Functions.Allocate(Handle, (int)format, (IntPtr)at, (ulong)body.Length, timeoutMs, token, (IntPtr)(&id), (IntPtr)error, 512);
                if (status != 0)
                {
                    _waiting.TryRemove(token, out _);
                    throw new ProcessorException((StatusCode)status, Library.TextAt((IntPtr)error));
                }
            }
            if (cancel.CanBeCanceled)
            {
                ulong requestId = id;
                waiting.Registration = cancel.Register(() => Cancel(waiting, requestId, cancel));
            }
            return waiting.Source.Task;
        }

        private void Cancel(Waiting waiting, ulong id, CancellationToken cancel)
        {
            if (!waiting.Source.TrySetCanceled(cancel) || _closed) return;
            // What has ended already can't be cancelled, and need not be.
            _library.Functions.Cancel(_handle, id, IntPtr.Zero, 0);
        }

        // ---- events

        /// <summary>With ClientOptions.Pumped: hands out what has come, for at most so long; true if more waits. Once a frame. Once the
        /// client is being closed, closing hands out the rest.</summary>
        public bool Pump(TimeSpan budget)
        {
            // Nobody else may poll while it is inside of proc_shutdown, and a frame is not to wait for that.
            return !_closing && Poll(0, (uint)(budget.TotalMilliseconds * 1000));
        }

        private void Run()
        {
            while (!_closing)
            {
                try
                {
                    Poll(WaitMs, 0);
                }
                catch (ProcessorException error)
                {
                    // No memory: nothing is lost, so it polls again.
                    Trace.TraceError("agones-processor: a poll failed: " + error.Message);
                    Thread.Sleep(SwapPoll);
                }
            }
        }

        private unsafe bool Poll(int waitMs, uint maxTimeUs)
        {
            lock (_polling)
            {
                uint count, more;
                fixed (RawEvent* events = _events)
                {
                    var at = (IntPtr)events;
                    byte* error = stackalloc byte[512];
                    error[0] = 0;
                    int status = _library.Functions.PollEvents(Handle, at, (uint)sizeof(RawEvent), EventsATime, maxTimeUs, waitMs, (IntPtr)(&count), (IntPtr)(&more), (IntPtr)error, 512);
                    if (status != 0) throw new ProcessorException((StatusCode)status, Library.TextAt((IntPtr)error));
                    for (uint i = 0; i < count; ++i) Take(events + i);
                }
                return more != 0;
            }
        }

        private unsafe void Take(RawEvent* one)
        {
            try
            {
                switch ((EventType)one->type)
                {
                    case EventType.Result:
                        End(one);
                        break;
                    case EventType.Orphan:
                        _onOrphan(ServerOf(one));
                        break;
                    case EventType.Connection:
                        _onConnection(new Connection((ConnectionState)one->connection, Library.TextOf(one->message)));
                        break;
                    case EventType.Log:
                        _onLog(new LogLine((Severity)one->severity, Library.TextOf(one->kind), Library.TextOf(one->message)));
                        break;
                }
            }
            catch (Exception error) when (!(error is ThreadAbortException))
            {
                // The host's own: one callback's fault is not to keep the next result from its caller.
                Trace.TraceError("agones-processor: a callback failed: " + error);
            }
        }

        private unsafe void End(RawEvent* one)
        {
            _waiting.TryRemove(one->token, out Waiting waiting);
            waiting.Registration.Dispose();
            if ((Outcome)one->outcome == Outcome.Allocated)
            {
                GameServer server = ServerOf(one);
                if (!waiting.Source.TrySetResult(server)) _onOrphan(server); // its caller gave up a moment before
                return;
            }
            waiting.Source.TrySetException(new AllocationException((Outcome)one->outcome, (Delivery)one->delivery, one->code, Library.TextOf(one->message),
                Library.BytesOf(one->request), TimeSpan.FromMilliseconds(one->remainingMs)));
        }

        private unsafe GameServer ServerOf(RawEvent* one)
        {
            var ports = new Dictionary<string, int>((int)one->portCount);
            for (ulong i = 0; i < one->portCount; ++i)
            {
                RawPort* port = (RawPort*)one->ports + i;
                ports[Library.TextOf(port->name)] = port->port;
            }
            return new GameServer(Library.TextOf(one->gameServerName), Library.TextOf(one->address), Library.TextOf(one->nodeName), Library.TextOf(one->source), ports,
                Library.BytesOf(one->response), ToJson);
        }

        private unsafe string ToJson(byte[] response)
        {
            ulong needed = 0;
            var json = new byte[4096];
            while (true)
            {
                fixed (byte* from = response, to = json)
                {
                    var at = (IntPtr)(&needed);
                    int status = _library.Functions.ResponseToJson((IntPtr)from, (ulong)response.Length, (IntPtr)to, (ulong)json.Length, at, IntPtr.Zero, 0);
                    if (status == (int)StatusCode.Ok) return Encoding.UTF8.GetString(json, 0, (int)needed);
                    if (status != (int)StatusCode.TooLarge) throw new ProcessorException((StatusCode)status, "not an AllocationResponse");
                }
                json = new byte[needed + 1];
            }
        }

        // ---- the rest

        public unsafe Connection Connection
        {
            get
            {
                int state;
                byte* reason = stackalloc byte[1024];
                var stateAt = (IntPtr)(&state);
                var reasonAt = (IntPtr)reason;
                Library.Check((error, size) => _library.Functions.GetConnection(Handle, stateAt, reasonAt, 1024, error, size));
                return new Connection((ConnectionState)state, Library.TextAt(reasonAt));
            }
        }

        /// <summary>Counters since the beginning, by the names of the ABI's proc_stats; pending, unsent, inFlight, lateAnswers are as of now.</summary>
        public unsafe IReadOnlyDictionary<string, ulong> Stats
        {
            get
            {
                var stats = new RawStats { structSize = (uint)sizeof(RawStats) };
                var at = (IntPtr)(&stats);
                Library.Check((error, size) => _library.Functions.GetStats(Handle, at, error, size));
                var byName = new Dictionary<string, ulong>();
                // All but the first two are counters.
                var numbers = (ulong*)at;
                System.Reflection.FieldInfo[] fields = typeof(RawStats).GetFields(System.Reflection.BindingFlags.Instance | System.Reflection.BindingFlags.NonPublic);
                for (int i = 2; i < fields.Length; ++i) byName[fields[i].Name] = numbers[i - 1];
                return byName;
            }
        }

        /// <summary>The release of the plugin that takes new requests.</summary>
        public unsafe string Version
        {
            get
            {
                if (!_library.CanSwap) return Library.TextAt(_library.Functions.Version());
                byte* text = stackalloc byte[64];
                var at = (IntPtr)text;
                Library.Check((error, size) => _library.Functions.GetPluginVersion(Handle, at, 64, error, size));
                return Library.TextAt(at);
            }
        }

        /// <summary>Replaces the plugin by another version; requests under way go on. Needs the host library.</summary>
        /// <exception cref="SwapException">it failed; the old plugin goes on</exception>
        public async Task<SwapReport> SwapAsync(string file, string sha256 = null)
        {
            StartSwap(file, sha256);
            while (true)
            {
                SwapReport report = ReportOfSwap();
                if (report != null) return report;
                await Task.Delay(SwapPoll).ConfigureAwait(false);
            }
        }

        private unsafe void StartSwap(string file, string sha256)
        {
            if (!_library.CanSwap) throw new SwapException(_library.File + " is a plugin: swapping needs the host library");
            fixed (byte* fileAt = Library.Terminated(file), shaAt = sha256 == null ? null : Library.Terminated(sha256))
            {
                var f = (IntPtr)fileAt;
                var s = (IntPtr)shaAt;
                Library.Check((error, size) => _library.Functions.Swap(Handle, f, s, error, size));
            }
        }

        private unsafe SwapReport ReportOfSwap()
        {
            var report = new RawSwapReport { structSize = (uint)sizeof(RawSwapReport) };
            var at = (IntPtr)(&report);
            Library.Check((error, size) => _library.Functions.GetSwapReport(Handle, at, error, size));
            if ((SwapState)report.state == SwapState.Running) return null;
            string problem = Library.TextAt((IntPtr)report.error);
            if ((SwapState)report.state == SwapState.Failed) throw new SwapException(problem);
            return new SwapReport(Library.TextAt((IntPtr)report.fromVersion), Library.TextAt((IntPtr)report.toVersion), report.moved, report.drained,
                TimeSpan.FromTicks((long)report.longestGapUs * 10), report.unloaded == 1, problem);
        }

        /// <summary>Takes no more requests, and waits until those under way have ended. returnUnsent: what is not sent ends at once.</summary>
        public async Task DrainAsync(bool returnUnsent = false)
        {
            uint flags = (uint)(returnUnsent ? DrainFlags.ReturnUnsent : DrainFlags.Finish);
            Library.Check((error, size) => _library.Functions.Drain(Handle, flags, error, size));
            foreach (KeyValuePair<ulong, Waiting> one in _waiting)
            {
                await Task.WhenAny(one.Value.Source.Task).ConfigureAwait(false);
            }
        }

        /// <summary>Ends the client. Unsent requests end at once, sent ones are awaited for so long. Not in a callback.</summary>
        public Task CloseAsync(TimeSpan? timeout = null) => Task.Run(() => Close(timeout ?? TimeSpan.FromSeconds(5)));

        private void Close(TimeSpan timeout)
        {
            if (Monitor.IsEntered(_polling)) throw new InvalidOperationException("a client can't be closed in one of its callbacks");
            lock (_waiting)
            {
                if (_closed) return;
                _closing = true;
                Library.Check((error, size) => _library.Functions.Wake(_handle, error, size));
                _thread?.Join();
                lock (_polling)
                {
                    Library.Check((error, size) => _library.Functions.Shutdown(_handle, (uint)timeout.TotalMilliseconds, error, size));
                    while (Poll(0, 0)) { }
                    Library.Check((error, size) => _library.Functions.Destroy(_handle, error, size));
                    _closed = true;
                }
            }
        }

        public void Dispose() => Close(TimeSpan.FromSeconds(5));
    }
}
