// SPDX-License-Identifier: Apache-2.0

// Package processor is a second, independent processor for the tests: grpc-go, written from the protocol's facts, as
// Agones' own is. Where Agones' processor is known to be careless, so is this one:
//
//   - its clients lie in a map by client_id, and the end of any stream of an id removes the id (H1)
//   - it takes 4 MiB a message (H2) and dies of a wrapper without a request (H3)
//   - pulls and answers of a stream are sent by two goroutines that do not wait for each other (H4)
//   - a batch is worked through before the next one of its stream is read (H7)
//   - it does not look for requests that it has seen before (H14)
package processor

import (
	"context"
	"sync"
	"time"

	rpcstatus "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"

	"agones-processor/tests/interop/wire"
)

const messageLimit = 4 << 20

// Allocate answers one request; an error becomes the request's status.
type Allocate func(*wire.AllocationRequest) (*wire.AllocationResponse, error)

// Options change what a processor does.
type Options struct {
	// SerializeSends heals H4. In the benchmark, where clients without a watchdog would hang: when a pull and an answer
	// both wait for room to be sent, grpc-go wakes one of them and forgets the other.
	SerializeSends bool
	// Standby: its health says that it does not serve.
	Standby bool
	// KeepaliveMinTime: a client that pings more often than this is sent away with too_many_pings.
	KeepaliveMinTime time.Duration
}

type client struct {
	grpc.BidiStreamingServer[wire.ProcessorMessage, wire.ProcessorMessage]
	serialize bool
	mutex     sync.Mutex
}

func (c *client) Send(message *wire.ProcessorMessage) error {
	if c.serialize {
		c.mutex.Lock()
		defer c.mutex.Unlock()
	}
	return c.BidiStreamingServer.Send(message)
}

// Processor serves the stream, and the unary call beside it.
type Processor struct {
	wire.UnimplementedProcessorServer
	wire.UnimplementedAllocationServiceServer

	allocate Allocate
	options  Options
	mutex    sync.RWMutex
	clients  map[string]*client
}

// New makes a gRPC server with a processor and its health in it.
func New(allocate Allocate, options Options) (*grpc.Server, *Processor) {
	server := grpc.NewServer(
		grpc.MaxRecvMsgSize(messageLimit),
		grpc.KeepaliveEnforcementPolicy(
			keepalive.EnforcementPolicy{MinTime: options.KeepaliveMinTime, PermitWithoutStream: true}),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: 30 * time.Second, Timeout: 30 * time.Second}))
	processor := &Processor{allocate: allocate, options: options, clients: map[string]*client{}}
	wire.RegisterProcessorServer(server, processor)
	wire.RegisterAllocationServiceServer(server, processor)
	state := health.NewServer()
	status := healthpb.HealthCheckResponse_SERVING
	if options.Standby {
		status = healthpb.HealthCheckResponse_NOT_SERVING
	}
	state.SetServingStatus("processor", status)
	healthpb.RegisterHealthServer(server, state)
	return server, processor
}

// PullForEver asks every registered client for its requests at each tick.
func (p *Processor) PullForEver(interval time.Duration) {
	for range time.Tick(interval) {
		p.mutex.RLock()
		for id, registered := range p.clients {
			pull := &wire.ProcessorMessage{ClientId: id,
				Payload: &wire.ProcessorMessage_Pull{Pull: &wire.PullRequest{Message: "pull"}}}
			go func() {
				if registered.Send(pull) != nil {
					p.forget(id)
				}
			}()
		}
		p.mutex.RUnlock()
	}
}

// StreamBatches is the conversation with one client.
func (p *Processor) StreamBatches(
	stream grpc.BidiStreamingServer[wire.ProcessorMessage, wire.ProcessorMessage]) error {
	registered := &client{BidiStreamingServer: stream, serialize: p.options.SerializeSends}
	registration, err := registered.Recv()
	if err != nil || registration.GetClientId() == "" {
		return err
	}
	id := registration.GetClientId()
	p.mutex.Lock()
	p.clients[id] = registered
	p.mutex.Unlock()
	defer p.forget(id)
	for {
		message, err := registered.Recv()
		if err != nil {
			return err
		}
		batch := message.GetBatchRequest()
		if batch == nil {
			continue
		}
		answer := &wire.ProcessorMessage{ClientId: id,
			Payload: &wire.ProcessorMessage_BatchResponse{BatchResponse: p.work(batch)}}
		if err := registered.Send(answer); err != nil {
			return err
		}
	}
}

// Allocate is the call that hosts make without a processor: one request, one answer.
func (p *Processor) Allocate(_ context.Context, request *wire.AllocationRequest) (*wire.AllocationResponse, error) {
	return p.allocate(request)
}

func (p *Processor) forget(id string) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	delete(p.clients, id)
}

// The requests of a batch are worked on side by side.
func (p *Processor) work(batch *wire.BatchRequest) *wire.BatchResponse {
	answers := make([]*wire.ResponseWrapper, len(batch.GetRequests()))
	var all sync.WaitGroup
	for i, wrapper := range batch.GetRequests() {
		all.Go(func() {
			if wrapper.Request == nil {
				panic("a wrapper without a request")
			}
			answers[i] = p.answer(wrapper)
		})
	}
	all.Wait()
	return &wire.BatchResponse{BatchId: batch.GetBatchId(), Responses: answers}
}

func (p *Processor) answer(wrapper *wire.RequestWrapper) *wire.ResponseWrapper {
	answer := &wire.ResponseWrapper{RequestId: wrapper.GetRequestId()}
	response, err := p.allocate(wrapper.GetRequest())
	if err != nil {
		refused := status.Convert(err)
		answer.Result = &wire.ResponseWrapper_Error{
			Error: &rpcstatus.Status{Code: int32(refused.Code()), Message: refused.Message()}}
	} else {
		answer.Result = &wire.ResponseWrapper_Response{Response: response}
	}
	return answer
}
