// SPDX-License-Identifier: Apache-2.0
using System;
using System.Collections.Generic;

namespace Agones.Processor
{
    /// <summary>What was allocated.</summary>
    public sealed class GameServer
    {
        private readonly Func<byte[], string> _toJson;

        internal GameServer(string name, string address, string nodeName, string source, IReadOnlyDictionary<string, int> ports, byte[] response, Func<byte[], string> toJson)
        {
            Name = name;
            Address = address;
            NodeName = nodeName;
            Source = source;
            Ports = ports;
            Response = response;
            _toJson = toJson;
        }

        public string Name { get; }
        public string Address { get; }
        public string NodeName { get; }
        public string Source { get; }
        /// <summary>By name.</summary>
        public IReadOnlyDictionary<string, int> Ports { get; }
        /// <summary>The whole answer: a serialized allocation.AllocationResponse, with labels, annotations, counters, lists.</summary>
        public byte[] Response { get; }
        /// <summary>The same as proto3 JSON.</summary>
        public string ResponseJson => _toJson(Response);

        public override string ToString() => Name + " at " + Address;
    }

    /// <summary>A request ended without a game server. With Delivery.Unknown one may have been allocated all the same.</summary>
    public sealed class AllocationException : Exception
    {
        internal AllocationException(Outcome outcome, Delivery delivery, int code, string reason, byte[] request, TimeSpan remaining)
            : base(outcome + "/" + delivery + (code != 0 ? " (code " + code + ")" : "") + (reason.Length > 0 ? ": " + reason : ""))
        {
            Outcome = outcome;
            Delivery = delivery;
            Code = code;
            Reason = reason;
            Request = request;
            Remaining = remaining;
        }

        public Outcome Outcome { get; }
        public Delivery Delivery { get; }
        /// <summary>The processor's gRPC status code, with Outcome.Rejected.</summary>
        public int Code { get; }
        public string Reason { get; }
        /// <summary>With Delivery.NotSent: the serialized AllocationRequest, safe to send again, and what was left of its time.</summary>
        public byte[] Request { get; }
        public TimeSpan Remaining { get; }
    }

    /// <summary>A swap failed; the old plugin goes on.</summary>
    public sealed class SwapException : Exception
    {
        internal SwapException(string message) : base(message) { }
    }

    public struct Connection
    {
        internal Connection(ConnectionState state, string reason)
        {
            State = state;
            Reason = reason;
        }

        public ConnectionState State { get; }
        public string Reason { get; }
    }

    /// <summary>A line of the plugin's log; Kind is a stable name such as "stream_opened".</summary>
    public sealed class LogLine
    {
        internal LogLine(Severity severity, string kind, string message)
        {
            Severity = severity;
            Kind = kind;
            Message = message;
        }

        public Severity Severity { get; }
        public string Kind { get; }
        public string Message { get; }
    }

    /// <summary>How a swap went.</summary>
    public sealed class SwapReport
    {
        internal SwapReport(string from, string to, ulong moved, ulong drained, TimeSpan longestGap, bool unloaded, string keptBecause)
        {
            FromVersion = from;
            ToVersion = to;
            Moved = moved;
            Drained = drained;
            LongestGap = longestGap;
            Unloaded = unloaded;
            KeptBecause = keptBecause;
        }

        public string FromVersion { get; }
        public string ToVersion { get; }
        public ulong Moved { get; }
        public ulong Drained { get; }
        public TimeSpan LongestGap { get; }
        /// <summary>Whether the old library is out of the process; else KeptBecause says why not.</summary>
        public bool Unloaded { get; }
        public string KeptBecause { get; }
    }

    /// <summary>What a client may be told beside its address.</summary>
    public sealed class ClientOptions
    {
        /// <summary>The host library's file, or a plugin's own. Default: AGONES_PROCESSOR_PLUGIN, the one beside this assembly, the system's.</summary>
        public string Library { get; set; }
        /// <summary>Any field of the ABI's proc_config by its name; the library has the defaults and checks them.</summary>
        public IDictionary<string, string> Settings { get; } = new Dictionary<string, string>();
        /// <summary>Gets every change of the connection's state.</summary>
        public Action<Connection> OnConnection { get; set; }
        /// <summary>Gets the log lines. Default: System.Diagnostics.Trace.</summary>
        public Action<LogLine> OnLog { get; set; }
        /// <summary>No thread of its own: events come from Client.Pump(), to be called once a frame. For game engines.</summary>
        public bool Pumped { get; set; }
    }
}
