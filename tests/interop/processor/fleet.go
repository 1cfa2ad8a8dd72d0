// SPDX-License-Identifier: Apache-2.0

package processor

import (
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"agones-processor/tests/interop/wire"
)

// Fleet hands out game servers of names that never repeat, at once. Its ledger has a line for each, written before
// the answer leaves, so that it is true even if the process is killed.
type Fleet struct {
	prefix string
	next   atomic.Uint64
	mutex  sync.Mutex
	ledger io.Writer
}

// NewFleet names game servers prefix-1, prefix-2 ...; a nil ledger keeps none.
func NewFleet(prefix string, ledger io.Writer) *Fleet {
	return &Fleet{prefix: prefix, ledger: ledger}
}

// Allocate answers with a game server, or with RESOURCE_EXHAUSTED in the namespace "nothing-here".
func (f *Fleet) Allocate(request *wire.AllocationRequest) (*wire.AllocationResponse, error) {
	if request.GetNamespace() == "nothing-here" {
		return nil, status.Error(codes.ResourceExhausted, "there is no available GameServer to allocate")
	}
	name := fmt.Sprintf("%s-%d", f.prefix, f.next.Add(1))
	if f.ledger != nil {
		if err := f.write(name); err != nil {
			return nil, status.Error(codes.Internal, err.Error())
		}
	}
	return &wire.AllocationResponse{
		GameServerName: name,
		Address:        "192.0.2.10",
		NodeName:       "node-1",
		Source:         "local",
		Ports:          []*wire.AllocationResponse_GameServerStatusPort{{Name: "default", Port: 7000}},
		Metadata:       &wire.AllocationResponse_GameServerMetadata{Labels: request.GetMetadata().GetLabels()},
	}, nil
}

func (f *Fleet) write(name string) error {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	_, err := fmt.Fprintln(f.ledger, name)
	return err
}
