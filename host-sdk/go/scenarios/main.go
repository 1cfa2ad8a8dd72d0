// SPDX-License-Identifier: Apache-2.0

// The scenarios of tests/bindings/scenarios.json: scenarios SCENARIO LIBRARY ADDRESS NEXT_PLUGIN
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	processor "agones-processor/host-sdk/go"
)

type result = map[string]any

var (
	any_    = result{"namespace": "default"}
	orphans = make(chan *processor.GameServer, 10)
)

func options(settings ...string) processor.Options {
	all := map[string]string{"transport": "plaintext"}
	for i := 0; i+1 < len(settings); i += 2 {
		all[settings[i]] = settings[i+1]
	}
	return processor.Options{OnOrphan: func(server *processor.GameServer) { orphans <- server }, Library: os.Args[2], Settings: all}
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func client(o processor.Options) *processor.Client { return must(processor.New(os.Args[3], o)) }

func described(err error) result {
	var e *processor.AllocationError
	if !errors.As(err, &e) {
		panic(fmt.Sprint("no AllocationError: ", err))
	}
	return result{"outcome": e.Outcome.String(), "delivery": e.Delivery.String(), "code": e.Code, "message": e.Message,
		"request": string(e.Request) == "\n\x07default"}
}

func refusal(err error) *processor.Error {
	var e *processor.Error
	if !errors.As(err, &e) {
		panic(fmt.Sprint("no Error: ", err))
	}
	return e
}

func until(condition func() bool) {
	for !condition() {
		time.Sleep(10 * time.Millisecond)
	}
}

type names struct {
	mutex sync.Mutex
	all   []string
}

func (n *names) count() int {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	return len(n.all)
}

func (n *names) collect(c *processor.Client, tasks, each int) *sync.WaitGroup {
	var running sync.WaitGroup
	for range tasks {
		running.Add(1)
		go func() {
			defer running.Done()
			for range each {
				server := must(c.Allocate(context.Background(), any_))
				n.mutex.Lock()
				n.all = append(n.all, server.Name)
				n.mutex.Unlock()
			}
		}()
	}
	return &running
}

// In the background; its error.
func allocate(ctx context.Context, c *processor.Client, request any) chan error {
	done := make(chan error, 1)
	go func() {
		_, err := c.Allocate(ctx, request)
		done <- err
	}()
	return done
}

func run(scenario string) result {
	background := context.Background()
	o := options()
	var told []processor.Connection
	var mutex sync.Mutex
	var lines strings.Builder
	switch scenario {
	case "disconnected":
		o = options("fail_fast", "true")
	case "queue_full":
		o = options("max_pending_requests", "1")
	case "unknown_fields":
		o = options("unknown_fields", "ignore")
	case "connection":
		o.OnConnection = func(one processor.Connection) {
			mutex.Lock()
			defer mutex.Unlock()
			told = append(told, one)
		}
	case "logs":
		o = options("log_level", "info")
		o.Logger = slog.New(slog.NewTextHandler(writer{&mutex, &lines}, nil))
	}
	c := client(o)
	defer func() { must(0, c.Close(5*time.Second)) }()
	stats := func() processor.Stats { return must(c.Stats()) }
	switch scenario {
	case "thousand":
		var n names
		n.collect(c, 1000, 1).Wait()
		return result{"names": n.all}
	case "tasks":
		var n names
		n.collect(c, 100, 5).Wait()
		return result{"names": n.all}
	case "server":
		got := must(c.Allocate(background, result{"namespace": "default", "metadata": result{"labels": result{"mode": "arena"}}}))
		var response struct {
			Metadata struct{ Labels map[string]string }
		}
		must(0, json.Unmarshal(got.ResponseJSON(), &response))
		return result{"name": got.Name, "address": got.Address, "node": got.NodeName, "source": got.Source, "port": got.Ports["default"],
			"label": response.Metadata.Labels["mode"]}
	case "protobuf":
		return result{"name": must(c.Allocate(background, []byte("\n\x07default"))).Name}
	case "manifest":
		manifest := result{"kind": "GameServerAllocation", "spec": result{"selectors": []result{
			{"matchLabels": result{"agones.dev/fleet": "local"}, "gameServerState": "Ready"}}}}
		_, err := c.Allocate(background, manifest)
		return result{"named": strings.Contains(refusal(err).Message, "MANIFEST"), "name": must(c.AllocateManifest(background, manifest)).Name}
	case "unknown_fields":
		return result{"name": must(c.Allocate(background, result{"namespace": "default", "metadata": nil, "gameServerSelectors": []result{
			{"matchLabels": nil, "players": result{"minAvailable": 1}}}})).Name}
	case "rejected":
		_, err := c.Allocate(background, result{"namespace": "nowhere"})
		return described(err)
	case "timeout_not_sent":
		// The plugin's own timeout comes before the context's would.
		ctx, cancel := context.WithTimeout(background, 50*time.Millisecond)
		defer cancel()
		_, err := c.Allocate(withoutDone{ctx}, any_)
		return described(err)
	case "orphan":
		ctx, cancel := context.WithTimeout(background, 2*time.Second)
		defer cancel()
		_, err := c.Allocate(withoutDone{ctx}, any_)
		r := described(err)
		r["orphan"] = (<-orphans).Name
		return r
	case "cancelled":
		ctx, cancel := context.WithCancel(background)
		waiting := allocate(ctx, c, any_)
		until(func() bool { return stats().Unsent == 1 })
		cancel()
		gaveUp := errors.Is(<-waiting, context.Canceled)
		until(func() bool { return stats().Cancelled == 1 })
		return result{"gaveUp": gaveUp, "cancelled": stats().Cancelled}
	case "cancelled_sent":
		ctx, cancel := context.WithCancel(background)
		waiting := allocate(ctx, c, any_)
		until(func() bool { return stats().InFlight == 1 })
		cancel()
		<-waiting
		return result{"orphan": (<-orphans).Name}
	case "disconnected":
		_, err := c.Allocate(background, any_)
		return described(err)
	case "burst":
		var all []chan error
		for i := 0; i < 3000; i++ {
			all = append(all, allocate(background, c, any_))
		}
		until(func() bool { return stats().Accepted == 3000 })
		<-all[0]
		must(0, c.Close(5*time.Second))
		for _, one := range all[1:] {
			<-one
		}
		return result{"ended": len(all)}
	case "close_twice":
		var all []chan error
		for i := 0; i < 3000; i++ {
			all = append(all, allocate(background, c, any_))
		}
		until(func() bool { return stats().Unsent == 3000 })
		other := make(chan error)
		go func() { other <- c.Close(5 * time.Second) }()
		must(0, c.Close(5*time.Second))
		must(0, <-other)
		must(0, c.Close(5*time.Second))
		shutDown := 0
		for _, one := range all {
			if described(<-one)["outcome"] == "SHUTDOWN" {
				shutDown++
			}
		}
		return result{"shutDown": shutDown}
	case "shutdown":
		waiting := allocate(background, c, any_)
		until(func() bool { return stats().Unsent == 1 })
		must(0, c.Close(5*time.Second))
		r := described(<-waiting)
		_, err := c.Allocate(background, any_)
		r["afterwards"] = refusal(err).Status.String()
		return r
	case "queue_full":
		allocate(background, c, any_)
		until(func() bool { return stats().Unsent == 1 })
		_, err := c.Allocate(background, any_)
		return result{"status": refusal(err).Status.String()}
	case "malformed":
		_, err := processor.New(os.Args[3], options("max_batch", "1"))
		setting := refusal(err)
		_, err = c.Allocate(background, result{"nmespace": "default"})
		bad := refusal(err)
		return result{"status": bad.Status.String(), "named": strings.Contains(bad.Message, "nmespace"), "setting": setting.Status.String(),
			"settingNamed": strings.Contains(setting.Message, "max_batch"), "name": must(c.Allocate(background, any_)).Name}
	case "drain":
		waiting := allocate(background, c, any_)
		until(func() bool { return stats().Unsent == 1 })
		must(0, c.Drain(background, true))
		r := described(<-waiting)
		_, err := c.Allocate(background, any_)
		r["afterwards"] = refusal(err).Status.String()
		return r
	case "connection":
		until(func() bool {
			mutex.Lock()
			defer mutex.Unlock()
			return len(told) > 0 && told[len(told)-1].State == processor.Serving
		})
		return result{"told": told[len(told)-1].State.String(), "state": must(c.Connection()).State.String(), "streams": stats().Streams}
	case "logs":
		until(func() bool {
			mutex.Lock()
			defer mutex.Unlock()
			return strings.Contains(lines.String(), "kind=stream_opened")
		})
		return result{"logged": true}
	case "swap":
		var n names
		running := n.collect(c, 100, 10)
		until(func() bool { return n.count() >= 200 })
		report := must(c.Swap(background, os.Args[4], ""))
		running.Wait()
		return result{"names": n.all, "from": report.FromVersion, "to": report.ToVersion, "version": must(c.Version())}
	case "swap_refused":
		_, err := c.Swap(background, "/nowhere.so", "")
		var refused *processor.SwapError
		return result{"refused": errors.As(err, &refused), "name": must(c.Allocate(background, any_)).Name}
	case "bench":
		return bench(c)
	case "exit":
		for range 100 {
			allocate(background, c, any_)
		}
		until(func() bool { return stats().Pending == 100 && stats().InFlight > 0 })
		fmt.Println(string(must(json.Marshal(result{"underWay": stats().Pending}))))
		os.Exit(0)
	}
	panic("no scenario " + scenario)
}

// Nanoseconds of a caller, which is a goroutine that waits; microseconds of CPU, all threads, for each of 10,000 under way.
func bench(c *processor.Client) result {
	const rounds, underWay = 6, 10_000
	var took, cpu []float64
	used := func() time.Duration {
		var usage syscall.Rusage
		must(0, syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
		return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
	}
	for range rounds {
		before, cpuBefore := time.Now(), used()
		var n names
		n.collect(c, underWay, 1).Wait()
		took = append(took, float64(time.Since(before).Nanoseconds())/underWay)
		cpu = append(cpu, float64((used()-cpuBefore).Microseconds())/underWay)
	}
	slices.Sort(took[rounds-3:])
	slices.Sort(cpu[rounds-3:])
	return result{"allocateNs": took[rounds-2], "cpuUs": cpu[rounds-2]}
}

// A context with a deadline that does not end by itself: what the plugin's own timeout does is to be seen.
type withoutDone struct{ context.Context }

func (withoutDone) Done() <-chan struct{} { return nil }

type writer struct {
	mutex *sync.Mutex
	text  *strings.Builder
}

func (w writer) Write(line []byte) (int, error) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return w.text.Write(line)
}

func main() {
	fmt.Println(string(must(json.Marshal(run(os.Args[1])))))
}
