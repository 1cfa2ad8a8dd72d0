// SPDX-License-Identifier: Apache-2.0

// go-processor serves processor.Processor until it is told to end.
package main

import (
	"flag"
	"io"
	"log"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"agones-processor/tests/interop/processor"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "`address` to listen on")
	portFile := flag.String("port-file", "", "`file` to write the address to")
	ledgerFile := flag.String("ledger", "", "`file` to add a line to for every game server handed out")
	prefix := flag.String("prefix", "gs", "how the names of game servers begin")
	interval := flag.Duration("pull-interval", 200*time.Millisecond, "between two pulls")
	serialize := flag.Bool("serialize-sends", false, "never send a pull and an answer at the same time")
	standby := flag.Bool("standby", false, "be a replica that is not the leader")
	minTime := flag.Duration("keepalive-min-time", 10*time.Second, "a client that pings more often is sent away")
	flag.Parse()
	log.SetFlags(0)
	log.SetPrefix("go-processor: ")

	var ledger io.Writer
	if *ledgerFile != "" {
		file, err := os.OpenFile(*ledgerFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
		if err != nil {
			log.Fatal(err)
		}
		ledger = file
	}
	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		log.Fatal(err)
	}
	server, handler := processor.New(processor.NewFleet(*prefix, ledger).Allocate,
		processor.Options{SerializeSends: *serialize, Standby: *standby, KeepaliveMinTime: *minTime})
	go handler.PullForEver(*interval)
	if *portFile != "" {
		// Renamed into place, so that a reader finds all of it or nothing.
		if err := os.WriteFile(*portFile+".new", []byte(listener.Addr().String()+"\n"), 0o644); err != nil {
			log.Fatal(err)
		}
		if err := os.Rename(*portFile+".new", *portFile); err != nil {
			log.Fatal(err)
		}
	}
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		<-ended
		server.Stop()
	}()
	if err := server.Serve(listener); err != nil {
		log.Fatal(err)
	}
}
