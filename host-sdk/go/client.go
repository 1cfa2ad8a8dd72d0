// SPDX-License-Identifier: Apache-2.0

// Package processor gets game servers from the Agones allocation processor, through its plugin's C ABI and without cgo.
package processor

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

const (
	eventsATime = 256
	swapPoll    = 10 * time.Millisecond
)

// Options of a client.
type Options struct {
	// OnOrphan gets every game server that nobody else knows of: its request had timed out, its caller gave up, its stream was lost.
	// Needed.
	OnOrphan func(*GameServer)
	// OnConnection gets every change of the connection's state.
	OnConnection func(Connection)
	// Library is the host library's file, or a plugin's own. Default: AGONES_PROCESSOR_PLUGIN, the one beside the program, the system's.
	Library string
	// Settings are fields of the ABI's proc_config by their names; the library has the defaults and checks them.
	Settings map[string]string
	// Logger gets the log lines; default: slog's.
	Logger *slog.Logger
}

type ending struct {
	server *GameServer
	err    *AllocationError
}

// Client is a connection to the allocation processor. Its methods may be called from any goroutine.
type Client struct {
	library *library
	options Options
	handle  uintptr
	wake    *os.File

	mutex     sync.Mutex // of what follows
	waiting   map[uint64]chan ending
	lastToken uint64
	closed    bool
	closing   chan struct{} // closed by the first Close
	stop      sync.Once
	polled    chan struct{} // closed when the goroutine that polls has ended

	polls  sync.Mutex
	events [eventsATime]rawEvent
}

// New starts to connect in the background. One goroutine takes the events.
func New(processorAddress string, options Options) (*Client, error) {
	if options.OnOrphan == nil {
		return nil, &Error{InvalidArgument, "OnOrphan is needed: it gets game servers that nobody else knows of"}
	}
	if options.Logger == nil {
		options.Logger = slog.Default()
	}
	l, err := load(options.Library)
	if err != nil {
		return nil, err
	}
	c := &Client{library: l, options: options, waiting: map[uint64]chan ending{}, closing: make(chan struct{}), polled: make(chan struct{})}
	if err := c.init(processorAddress); err != nil {
		return nil, err
	}
	if err := c.watch(); err != nil {
		l.shutdown(c.handle, 0, nil, 0)
		l.destroy(c.handle, nil, 0)
		return nil, err
	}
	return c, nil
}

func (c *Client) init(address string) error {
	var config rawConfig
	at := unsafe.Pointer(&config)
	l := c.library
	if err := l.check(func(text unsafe.Pointer, size uint64) int32 {
		return l.configInit(abiVersion, at, uint32(unsafe.Sizeof(config)), text, size)
	}); err != nil {
		return err
	}
	defer l.configClear(at)
	set := func(name, value string) error {
		return l.check(func(text unsafe.Pointer, size uint64) int32 { return l.configSet(at, name, value, text, size) })
	}
	if err := set("processor_address", address); err != nil {
		return err
	}
	for name, value := range c.options.Settings {
		if err := set(name, value); err != nil {
			return err
		}
	}
	return l.check(func(text unsafe.Pointer, size uint64) int32 {
		return l.init(at, unsafe.Pointer(&c.handle), text, size)
	})
}

// The runtime's poller watches a duplicate of the library's descriptor.
func (c *Client) watch() error {
	var fd int32
	if err := c.library.check(func(text unsafe.Pointer, size uint64) int32 {
		return c.library.getWakeupFd(c.handle, unsafe.Pointer(&fd), text, size)
	}); err != nil {
		return err
	}
	own, err := syscall.Dup(int(fd))
	if err != nil {
		return err
	}
	syscall.CloseOnExec(own)
	if err := syscall.SetNonblock(own, true); err != nil {
		return err
	}
	c.wake = os.NewFile(uintptr(own), "agones-processor")
	conn, err := c.wake.SyscallConn()
	if err != nil {
		return err
	}
	go func() {
		defer close(c.polled)
		_ = conn.Read(func(uintptr) bool {
			for {
				more, err := c.poll()
				select {
				case <-c.closing:
					return true
				default:
				}
				if err != nil || !more {
					return false // until the descriptor is readable again
				}
			}
		})
	}()
	return nil
}

// Allocate gets a game server. The request is anything that json.Marshal makes an AllocationRequest of, or the serialized message as
// []byte. When the context ends, so does the request: its error is the context's, and a game server that comes all the same is an orphan.
// Other errors: *AllocationError; *Error, if the request is refused at once.
func (c *Client) Allocate(ctx context.Context, request any) (*GameServer, error) {
	if body, isBytes := request.([]byte); isBytes {
		return c.allocate(ctx, rawFormatProtobuf, body)
	}
	return c.allocateJSON(ctx, rawFormatJson, request)
}

// AllocateManifest is the same with a GameServerAllocation of Kubernetes: anything that json.Marshal makes one of.
func (c *Client) AllocateManifest(ctx context.Context, manifest any) (*GameServer, error) {
	return c.allocateJSON(ctx, rawFormatManifest, manifest)
}

func (c *Client) allocateJSON(ctx context.Context, format int32, value any) (*GameServer, error) {
	body, err := json.Marshal(value)
	if err != nil {
		return nil, &Error{InvalidArgument, err.Error()}
	}
	return c.allocate(ctx, format, body)
}

func (c *Client) allocate(ctx context.Context, format int32, body []byte) (*GameServer, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	done := make(chan ending, 1)
	id, token, err := c.submit(format, body, timeoutOf(ctx), done)
	if err != nil {
		return nil, err
	}
	select {
	case end := <-done:
		return end.server, asError(end.err)
	case <-ctx.Done():
		return c.giveUp(ctx, id, token, done)
	}
}

// A nil *AllocationError is no nil error.
func asError(err *AllocationError) error {
	if err == nil {
		return nil
	}
	return err
}

func timeoutOf(ctx context.Context) uint32 {
	deadline, has := ctx.Deadline()
	if !has {
		return 0
	}
	return uint32(min(max(time.Until(deadline).Milliseconds(), 1), 86_400_000))
}

func (c *Client) submit(format int32, body []byte, timeoutMs uint32, done chan ending) (id, token uint64, err error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.closed {
		return 0, 0, &Error{ShutDown, "the client is closed"}
	}
	c.lastToken++
	token = c.lastToken
	c.waiting[token] = done
	var data unsafe.Pointer
	if len(body) > 0 {
		data = unsafe.Pointer(&body[0])
	}
	err = c.library.check(func(text unsafe.Pointer, size uint64) int32 {
		return c.library.allocate(c.handle, format, data, uint64(len(body)), timeoutMs, token, unsafe.Pointer(&id), text, size)
	})
	if err != nil {
		delete(c.waiting, token)
	}
	return id, token, err
}

func (c *Client) giveUp(ctx context.Context, id, token uint64, done chan ending) (*GameServer, error) {
	c.mutex.Lock()
	_, open := c.waiting[token]
	c.waiting[token] = nil
	if !open {
		delete(c.waiting, token)
	} else if !c.closed {
		// What has ended already can't be cancelled, and need not be.
		c.library.cancel(c.handle, id, nil, 0)
	}
	c.mutex.Unlock()
	if !open { // it came a moment before
		if end := <-done; end.server != nil {
			return end.server, nil
		}
	}
	return nil, ctx.Err()
}

// Hands out what has come; whether more waits. Waits while the client is being closed.
func (c *Client) poll() (bool, error) {
	c.polls.Lock()
	defer c.polls.Unlock()
	return c.pollLocked()
}

func (c *Client) pollLocked() (bool, error) {
	if c.isClosed() {
		return false, &Error{ShutDown, "the client is closed"}
	}
	var count, more uint32
	err := c.library.check(func(text unsafe.Pointer, size uint64) int32 {
		return c.library.pollEvents(c.handle, unsafe.Pointer(&c.events[0]), uint32(unsafe.Sizeof(c.events[0])), eventsATime, 0, 0,
			unsafe.Pointer(&count), unsafe.Pointer(&more), text, size)
	})
	if err != nil {
		return false, err
	}
	for i := range c.events[:count] {
		c.take(&c.events[i])
	}
	return more != 0, nil
}

func (c *Client) isClosed() bool {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.closed
}

func (c *Client) take(event *rawEvent) {
	switch event.kind_ {
	case rawEventResult:
		c.end(event)
	case rawEventOrphan:
		c.options.OnOrphan(c.server(event))
	case rawEventConnection:
		if c.options.OnConnection != nil {
			c.options.OnConnection(Connection{ConnectionState(event.connection), textOf(event.message)})
		}
	case rawEventLog:
		levels := map[int32]slog.Level{rawSeverityTrace: slog.LevelDebug, rawSeverityDebug: slog.LevelDebug,
			rawSeverityInfo: slog.LevelInfo, rawSeverityWarning: slog.LevelWarn, rawSeverityError: slog.LevelError}
		c.options.Logger.Log(context.Background(), levels[event.severity], textOf(event.message), "kind", textOf(event.kind))
	}
}

func (c *Client) end(event *rawEvent) {
	c.mutex.Lock()
	done := c.waiting[event.token]
	delete(c.waiting, event.token)
	c.mutex.Unlock()
	var end ending
	if Outcome(event.outcome) == Allocated {
		end.server = c.server(event)
	} else {
		end.err = &AllocationError{Outcome(event.outcome), Delivery(event.delivery), event.code, textOf(event.message),
			bytesOf(event.request), time.Duration(event.remainingMs) * time.Millisecond}
	}
	if done != nil {
		done <- end
	} else if end.server != nil {
		c.options.OnOrphan(end.server) // its caller gave up a moment before
	}
}

func (c *Client) server(event *rawEvent) *GameServer {
	ports := make(map[string]int32, event.portCount)
	if event.portCount > 0 {
		for _, port := range unsafe.Slice((*rawPort)(event.ports), event.portCount) {
			ports[textOf(port.name)] = port.port
		}
	}
	return &GameServer{Name: textOf(event.gameServerName), Address: textOf(event.address), NodeName: textOf(event.nodeName),
		Source: textOf(event.source), Ports: ports, Response: bytesOf(event.response), library: c.library}
}

// Runs a function on the handle, if the client is open.
func (c *Client) call(f func(text unsafe.Pointer, size uint64) int32) error {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.closed {
		return &Error{ShutDown, "the client is closed"}
	}
	return c.library.check(f)
}

// Connection is the connection's state.
func (c *Client) Connection() (Connection, error) {
	var state int32
	var reason [1024]byte
	err := c.call(func(text unsafe.Pointer, size uint64) int32 {
		return c.library.getConnection(c.handle, unsafe.Pointer(&state), unsafe.Pointer(&reason[0]), uint64(len(reason)), text, size)
	})
	return Connection{ConnectionState(state), terminated(reason[:])}, err
}

// Stats are the counters.
func (c *Client) Stats() (Stats, error) {
	var s rawStats
	s.structSize = uint32(unsafe.Sizeof(s))
	err := c.call(func(text unsafe.Pointer, size uint64) int32 {
		return c.library.getStats(c.handle, unsafe.Pointer(&s), text, size)
	})
	return Stats{s.pending, s.unsent, s.inFlight, s.lateAnswers, s.accepted, s.allocated, s.rejected, s.timedOut, s.cancelled,
		s.disconnected, s.shutDown, s.orphans, s.streams, s.pulls, s.batchesSent, s.unknown}, err
}

// Version is the release of the plugin that takes new requests.
func (c *Client) Version() (string, error) {
	if !c.library.canSwap() {
		return c.library.version(), nil
	}
	var version [64]byte
	err := c.call(func(text unsafe.Pointer, size uint64) int32 {
		return c.library.getPluginVersion(c.handle, unsafe.Pointer(&version[0]), uint64(len(version)), text, size)
	})
	return terminated(version[:]), err
}

// Swap replaces the plugin by another version; requests under way go on. sha256: empty, or the digits that the file must have. Needs the
// host library. *SwapError: the old plugin goes on.
func (c *Client) Swap(ctx context.Context, file, sha256 string) (*SwapReport, error) {
	if !c.library.canSwap() {
		return nil, &SwapError{fmt.Sprintf("%s is a plugin: swapping needs the host library", c.library.file)}
	}
	var digits unsafe.Pointer
	if sha256 != "" {
		digits = unsafe.Pointer(unsafe.StringData(sha256 + "\x00"))
	}
	if err := c.call(func(text unsafe.Pointer, size uint64) int32 {
		return c.library.swap(c.handle, file, digits, text, size)
	}); err != nil {
		return nil, err
	}
	for {
		if _, err := c.poll(); err != nil { // carries it on
			return nil, err
		}
		var r rawSwapReport
		r.structSize = uint32(unsafe.Sizeof(r))
		if err := c.call(func(text unsafe.Pointer, size uint64) int32 {
			return c.library.getSwapReport(c.handle, unsafe.Pointer(&r), text, size)
		}); err != nil {
			return nil, err
		}
		switch r.state {
		case rawSwapRunning:
		case rawSwapFailed:
			return nil, &SwapError{terminated(r.error[:])}
		default:
			return &SwapReport{terminated(r.fromVersion[:]), terminated(r.toVersion[:]), r.moved, r.drained,
				time.Duration(r.longestGapUs) * time.Microsecond, r.unloaded == 1, terminated(r.error[:])}, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(swapPoll):
		}
	}
}

// Drain takes no more requests, and waits until those under way have ended. returnUnsent: what is not sent ends at once.
func (c *Client) Drain(ctx context.Context, returnUnsent bool) error {
	flags := uint32(rawDrainFinish)
	if returnUnsent {
		flags = rawDrainReturnUnsent
	}
	if err := c.call(func(text unsafe.Pointer, size uint64) int32 { return c.library.drain(c.handle, flags, text, size) }); err != nil {
		return err
	}
	for {
		c.mutex.Lock()
		idle := len(c.waiting) == 0
		c.mutex.Unlock()
		if idle {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(swapPoll):
		}
	}
}

// Close ends the client. Unsent requests end at once, sent ones are awaited for so long. Not from a callback.
func (c *Client) Close(timeout time.Duration) error {
	c.stop.Do(func() {
		close(c.closing)
		_ = c.wake.SetReadDeadline(time.Now())
	})
	<-c.polled
	c.polls.Lock()
	defer c.polls.Unlock()
	if c.isClosed() {
		return nil
	}
	if err := c.library.check(func(text unsafe.Pointer, size uint64) int32 {
		return c.library.shutdown(c.handle, uint32(timeout.Milliseconds()), text, size)
	}); err != nil {
		return err
	}
	for more := true; more; {
		var err error
		if more, err = c.pollLocked(); err != nil {
			return err
		}
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.closed = true
	_ = c.wake.Close()
	return c.library.check(func(text unsafe.Pointer, size uint64) int32 { return c.library.destroy(c.handle, text, size) })
}
