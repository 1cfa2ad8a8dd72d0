// SPDX-License-Identifier: Apache-2.0

// Package client is a processor client in Go, built the way that Agones' Go client is known to work: one goroutine
// waits in every Allocate, requests lie as messages in a hot batch and in a map by UUID, a pull sends the whole hot batch
// as one message, and each answer goes through a channel. It is the tests' second opinion on the local processor, and
// what the benchmark means by a Go client.
package client

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"agones-processor/tests/interop/wire"
)

// ErrStandby says that the processor asked does not serve.
var ErrStandby = errors.New("the processor is a standby")

// Config says where to connect to and when to give up.
type Config struct {
	Address string
	// ID names this client to the processor.
	ID string
	// Timeout ends an Allocate.
	Timeout time.Duration
	// BatchCapacity is the number of requests that a new hot batch has room for.
	BatchCapacity int
}

type answer struct {
	response *wire.AllocationResponse
	err      error
}

// Client gathers requests and sends them when it is pulled.
type Client struct {
	config Config

	mutex    sync.RWMutex
	hotBatch *wire.BatchRequest
	waiting  map[string]chan answer
}

// New makes a client; Run connects it.
func New(config Config) *Client {
	client := &Client{config: config, waiting: map[string]chan answer{}}
	client.hotBatch = client.emptyBatch()
	return client
}

// Run connects, registers, and serves pulls and answers until the stream or the context ends. Pulled, if not nil, is
// closed at the first pull.
func (c *Client) Run(ctx context.Context, pulled chan<- struct{}) error {
	connection, err := grpc.NewClient(c.config.Address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer connection.Close()
	health, err := healthpb.NewHealthClient(connection).Check(ctx, &healthpb.HealthCheckRequest{Service: "processor"})
	if err != nil {
		return err
	}
	if health.GetStatus() != healthpb.HealthCheckResponse_SERVING {
		return ErrStandby
	}
	stream, err := wire.NewProcessorClient(connection).StreamBatches(ctx)
	if err != nil {
		return err
	}
	if err := stream.Send(&wire.ProcessorMessage{ClientId: c.config.ID}); err != nil {
		return err
	}
	pulls := make(chan struct{}, 20)
	defer close(pulls)
	go func() {
		for range pulls {
			c.send(stream)
		}
	}()
	for {
		message, err := stream.Recv()
		if err != nil {
			return fmt.Errorf("receive: %w", err)
		}
		if batch := message.GetBatchResponse(); batch != nil {
			c.deliver(batch)
			continue
		}
		if pulled != nil {
			close(pulled)
			pulled = nil
		}
		select {
		case pulls <- struct{}{}:
		default: // one that waits will take everything along
		}
	}
}

// Allocate adds a request to the hot batch and waits for its answer.
func (c *Client) Allocate(ctx context.Context, request *wire.AllocationRequest) (*wire.AllocationResponse, error) {
	id := uuid.NewString()
	answered := make(chan answer, 1)
	c.mutex.Lock()
	c.waiting[id] = answered
	c.hotBatch.Requests = append(c.hotBatch.Requests, &wire.RequestWrapper{RequestId: id, Request: request})
	c.mutex.Unlock()
	timeout := time.NewTimer(c.config.Timeout)
	defer timeout.Stop()
	select {
	case got := <-answered:
		return got.response, got.err
	case <-ctx.Done():
		c.giveUp(id)
		return nil, ctx.Err()
	case <-timeout.C:
		c.giveUp(id)
		return nil, status.Errorf(codes.DeadlineExceeded, "no answer within %v", c.config.Timeout)
	}
}

// Waiting is the number of requests without an answer.
func (c *Client) Waiting() int {
	c.mutex.RLock()
	defer c.mutex.RUnlock()
	return len(c.waiting)
}

func (c *Client) emptyBatch() *wire.BatchRequest {
	return &wire.BatchRequest{Requests: make([]*wire.RequestWrapper, 0, c.config.BatchCapacity)}
}

func (c *Client) giveUp(id string) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	delete(c.waiting, id)
}

func (c *Client) send(stream grpc.BidiStreamingClient[wire.ProcessorMessage, wire.ProcessorMessage]) {
	c.mutex.Lock()
	batch := c.hotBatch
	c.hotBatch = c.emptyBatch()
	c.mutex.Unlock()
	if len(batch.Requests) == 0 {
		return
	}
	batch.BatchId = uuid.NewString()
	err := stream.Send(&wire.ProcessorMessage{ClientId: c.config.ID,
		Payload: &wire.ProcessorMessage_BatchRequest{BatchRequest: batch}})
	if err != nil {
		c.mutex.Lock()
		c.hotBatch.Requests = append(c.hotBatch.Requests, batch.Requests...)
		c.mutex.Unlock()
	}
}

func (c *Client) deliver(batch *wire.BatchResponse) {
	for _, wrapper := range batch.GetResponses() {
		c.mutex.RLock()
		answered, found := c.waiting[wrapper.GetRequestId()]
		c.mutex.RUnlock()
		if !found {
			continue
		}
		switch result := wrapper.GetResult().(type) {
		case *wire.ResponseWrapper_Response:
			answered <- answer{response: result.Response}
		case *wire.ResponseWrapper_Error:
			answered <- answer{err: status.Error(codes.Code(result.Error.GetCode()), result.Error.GetMessage())}
		default:
			answered <- answer{err: status.Error(codes.Internal, "an answer with nothing in it")}
		}
		c.giveUp(wrapper.GetRequestId())
	}
}
