// SPDX-License-Identifier: Apache-2.0

// go-client allocates game servers with client.Client, and prints their names or, for the benchmark, one line of JSON:
// the figures that tests/bench/bench_client.cpp prints for the plugin.
//
//	names   REQUESTS from IN-FLIGHT goroutines; one name a line
//	load    the same, measured
//	hold    IN-FLIGHT requests that nobody pulls: what they take of memory
//	paced   REQUESTS, RATE a second at random times: their latencies
//	burst   REQUESTS at once: the same
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"google.golang.org/protobuf/proto"

	"agones-processor/tests/interop/client"
	"agones-processor/tests/interop/wire"
)

func main() {
	address := flag.String("address", "", "the processor's `host:port`")
	mode := flag.String("mode", "names", "names, load, hold, paced or burst")
	requests := flag.Int64("requests", 1000, "how many allocations")
	inFlight := flag.Int64("in-flight", 100, "how many at a time")
	rate := flag.Float64("rate", 5, "requests a second")
	seed := flag.Uint64("seed", 1, "of the random times")
	pause := flag.Int("pause-ms", 2000, "milliseconds before a burst")
	body := flag.String("body", "", "`file` with a serialized AllocationRequest; default: any game server")
	flag.Parse()
	log.SetFlags(0)
	log.SetPrefix("go-client: ")

	request := &wire.AllocationRequest{Namespace: "default"}
	if *body != "" {
		bytes, err := os.ReadFile(*body)
		if err != nil {
			log.Fatal(err)
		}
		if err := proto.Unmarshal(bytes, request); err != nil {
			log.Fatal(err)
		}
	}
	agent := client.New(client.Config{Address: *address, ID: "go-client", Timeout: 10 * time.Minute, BatchCapacity: 100})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	pulled := make(chan struct{})
	go func() { ended <- agent.Run(ctx, pulled) }()
	if *mode != "hold" {
		select {
		case <-pulled:
		case err := <-ended:
			log.Fatal(err)
		}
	}
	go func() {
		if err := <-ended; ctx.Err() == nil {
			log.Fatal(err)
		}
	}()
	switch *mode {
	case "names":
		printNames(agent, request, *requests, *inFlight)
	case "load":
		load(agent, request, *requests, *inFlight)
	case "hold":
		hold(agent, request, *inFlight)
	case "paced":
		paced(agent, request, *requests, *rate, *seed)
	case "burst":
		burst(agent, request, *requests, time.Duration(*pause)*time.Millisecond, *seed)
	default:
		log.Fatalf("unknown mode %q", *mode)
	}
	cancel()
}

// Each of the workers has a request of its own to send, as hosts do.
func allocateAll(agent *client.Client, request *wire.AllocationRequest, requests, inFlight int64, name func(string)) {
	var next atomic.Int64
	var workers sync.WaitGroup
	for range inFlight {
		workers.Go(func() {
			for next.Add(1) <= requests {
				response, err := agent.Allocate(context.Background(), proto.CloneOf(request))
				if err != nil {
					log.Fatal(err)
				}
				name(response.GetGameServerName())
			}
		})
	}
	workers.Wait()
}

func printNames(agent *client.Client, request *wire.AllocationRequest, requests, inFlight int64) {
	var mutex sync.Mutex
	out := bufio.NewWriter(os.Stdout)
	allocateAll(agent, request, requests, inFlight, func(name string) {
		mutex.Lock()
		defer mutex.Unlock()
		fmt.Fprintln(out, name)
	})
	if err := out.Flush(); err != nil {
		log.Fatal(err)
	}
}

func load(agent *client.Client, request *wire.AllocationRequest, requests, inFlight int64) {
	cpu, start, idle := cpuSeconds(), time.Now(), peakBytes()
	allocateAll(agent, request, requests, inFlight, func(string) {})
	report("load", map[string]any{
		"requests":        requests,
		"inFlight":        inFlight,
		"cpuUs":           (cpuSeconds() - cpu) * 1e6 / float64(requests),
		"perSecond":       float64(requests) / time.Since(start).Seconds(),
		"bytesPerPending": float64(peakBytes()-idle) / float64(inFlight),
	})
}

func hold(agent *client.Client, request *wire.AllocationRequest, inFlight int64) {
	idle := peakBytes()
	var submitted atomic.Int64
	for range inFlight {
		go func() {
			mine := proto.CloneOf(request)
			submitted.Add(1)
			if _, err := agent.Allocate(context.Background(), mine); err != nil {
				log.Fatal(err)
			}
		}()
	}
	for submitted.Load() < inFlight || agent.Waiting() < int(inFlight) {
		time.Sleep(time.Millisecond)
	}
	report("hold", map[string]any{"inFlight": inFlight, "bytesPerPending": float64(peakBytes()-idle) / float64(inFlight)})
}

func paced(agent *client.Client, request *wire.AllocationRequest, requests int64, rate float64, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 0))
	cpu := cpuSeconds()
	latencies := allocateEach(agent, request, requests, func() {
		time.Sleep(time.Duration(random.ExpFloat64() / rate * float64(time.Second)))
	})
	report("paced", map[string]any{"requests": requests, "rate": rate, "latencyMs": latencies,
		"cpuUs": (cpuSeconds() - cpu) * 1e6 / float64(requests)})
}

// Anywhere between two pulls, and when what the processor saves up for a burst is there.
func burst(agent *client.Client, request *wire.AllocationRequest, requests int64, pause time.Duration, seed uint64) {
	time.Sleep(pause + time.Duration(rand.New(rand.NewPCG(seed, 0)).Int64N(200))*time.Millisecond)
	latencies := allocateEach(agent, request, requests, func() {})
	slices.Sort(latencies)
	sum := 0.0
	for _, latency := range latencies {
		sum += latency
	}
	at := func(share float64) float64 { return latencies[int(share*float64(requests-1))] }
	report("burst", map[string]any{"requests": requests, "meanMs": sum / float64(requests), "p50Ms": at(0.5),
		"p99Ms": at(0.99), "mostMs": at(1)})
}

// Each after a pause, whether or not those before are answered: their latencies.
func allocateEach(agent *client.Client, request *wire.AllocationRequest, requests int64, pause func()) []float64 {
	latencies := make([]float64, requests)
	var all sync.WaitGroup
	for i := range requests {
		pause()
		all.Go(func() {
			start := time.Now()
			if _, err := agent.Allocate(context.Background(), proto.CloneOf(request)); err != nil {
				log.Fatal(err)
			}
			latencies[i] = float64(time.Since(start).Microseconds()) / 1000
		})
	}
	all.Wait()
	return latencies
}

func report(mode string, figures map[string]any) {
	figures["client"] = "go"
	figures["mode"] = mode
	if err := json.NewEncoder(os.Stdout).Encode(figures); err != nil {
		log.Fatal(err)
	}
}

func usage() syscall.Rusage {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		log.Fatal(err)
	}
	return usage
}

func cpuSeconds() float64 {
	now := usage()
	return time.Duration(now.Utime.Nano() + now.Stime.Nano()).Seconds()
}

func peakBytes() int64 { return usage().Maxrss * 1024 }
