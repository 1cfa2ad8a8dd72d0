// SPDX-License-Identifier: Apache-2.0

package processor

import (
	"encoding/json"
	"fmt"
	"time"
	"unsafe"
)

// Outcome is how a request ended.
type Outcome int32

// The outcomes.
const (
	Allocated    Outcome = rawOutcomeAllocated
	Rejected     Outcome = rawOutcomeRejected
	TimedOut     Outcome = rawOutcomeTimeout
	Cancelled    Outcome = rawOutcomeCancelled
	Disconnected Outcome = rawOutcomeDisconnected
	Shutdown     Outcome = rawOutcomeShutdown
)

func (o Outcome) String() string {
	return name(int32(o), "ALLOCATED", "REJECTED", "TIMEOUT", "CANCELLED", "DISCONNECTED", "SHUTDOWN")
}

// Delivery is what became of a request on the wire.
type Delivery int32

// The deliveries. Unknown: sent, not answered; a game server may have been allocated all the same.
const (
	NotSent Delivery = rawDeliveryNotSent
	Unknown Delivery = rawDeliveryUnknown
	Done    Delivery = rawDeliveryDone
)

func (d Delivery) String() string { return name(int32(d), "NOT_SENT", "UNKNOWN", "DONE") }

// ConnectionState is the state of the connection to the processor.
type ConnectionState int32

// The states.
const (
	Connecting ConnectionState = rawConnectionConnecting
	Standby    ConnectionState = rawConnectionStandby
	Serving    ConnectionState = rawConnectionServing
	BackingOff ConnectionState = rawConnectionBackingOff
	Closed     ConnectionState = rawConnectionClosed
)

func (s ConnectionState) String() string {
	return name(int32(s), "CONNECTING", "STANDBY", "SERVING", "BACKING_OFF", "CLOSED")
}

// Status says why a call was refused.
type Status int32

// The statuses that callers look for.
const (
	InvalidArgument Status = rawErrInvalidArgument
	QueueFull       Status = rawErrQueueFull
	ShutDown        Status = rawErrShutDown
)

func (s Status) String() string {
	return name(int32(s), "INVALID_ARGUMENT", "QUEUE_FULL", "TOO_LARGE", "SHUT_DOWN", "BUSY", "IN_CALLBACK", "FORKED", "TIMEOUT",
		"NOT_FOUND", "VERSION", "NO_MEMORY", "INTERNAL", "NO_RESOURCES")
}

// The names begin with that of 1.
func name(value int32, names ...string) string {
	if value < 1 || int(value) > len(names) {
		return "?"
	}
	return names[value-1]
}

// Error: a call was refused; nothing has changed. The message names what is wrong.
type Error struct {
	Status  Status
	Message string
}

func (e *Error) Error() string { return e.Status.String() + ": " + e.Message }

// AllocationError: a request ended without a game server.
type AllocationError struct {
	Outcome  Outcome
	Delivery Delivery
	// Code is the processor's gRPC status code, with Rejected.
	Code    int32
	Message string
	// Request is the serialized AllocationRequest, safe to send again, and Remaining what was left of its time, with NotSent.
	Request   []byte
	Remaining time.Duration
}

func (e *AllocationError) Error() string {
	text := e.Outcome.String() + "/" + e.Delivery.String()
	if e.Code != 0 {
		text += fmt.Sprintf(" (code %d)", e.Code)
	}
	if e.Message != "" {
		text += ": " + e.Message
	}
	return text
}

// SwapError: a swap failed; the old plugin goes on.
type SwapError struct{ Message string }

func (e *SwapError) Error() string { return "the swap failed: " + e.Message }

// GameServer is what was allocated.
type GameServer struct {
	Name     string
	Address  string
	NodeName string
	Source   string
	// Ports by name.
	Ports map[string]int32
	// Response is the whole answer: a serialized AllocationResponse, with labels, annotations, counters, lists.
	Response []byte
	library  *library
}

// ResponseJSON is the whole answer as proto3 JSON.
func (g *GameServer) ResponseJSON() json.RawMessage {
	if len(g.Response) == 0 {
		return json.RawMessage("{}")
	}
	text := make([]byte, 4096)
	for {
		var needed uint64
		switch g.library.responseToJson(unsafe.Pointer(&g.Response[0]), uint64(len(g.Response)), unsafe.Pointer(&text[0]),
			uint64(len(text)), unsafe.Pointer(&needed), nil, 0) {
		case rawOk:
			return text[:needed]
		case rawErrTooLarge:
			text = make([]byte, needed+1)
		default:
			return json.RawMessage("{}")
		}
	}
}

// Connection is the connection's state, and why.
type Connection struct {
	State  ConnectionState
	Reason string
}

// SwapReport says how a swap went.
type SwapReport struct {
	FromVersion, ToVersion string
	Moved, Drained         uint64
	LongestGap             time.Duration
	// Unloaded: the old library is out of the process; else KeptBecause says why not.
	Unloaded    bool
	KeptBecause string
}

// Stats are counters since the beginning; the first four are as of now.
type Stats struct {
	Pending, Unsent, InFlight, LateAnswers                                              uint64
	Accepted, Allocated, Rejected, TimedOut, Cancelled, Disconnected, ShutDown, Orphans uint64
	Streams, Pulls, BatchesSent, Unknown                                                uint64
}
