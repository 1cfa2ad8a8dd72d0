// SPDX-License-Identifier: Apache-2.0

// go-reader says what Go's Protobuf makes of requests, as the processor's does: go-reader -in FILE -out FILE.
//
// FILE has items of a kind ('P' for protobuf, 'J' for JSON), a length (32 bits, little endian) and so many bytes. For each
// the output has a length and the request's bytes, or the length 2^32-1 if it is refused.
package main

import (
	"bufio"
	"encoding/binary"
	"flag"
	"io"
	"log"
	"math"
	"os"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"agones-processor/tests/interop/wire"
)

func main() {
	inFile := flag.String("in", "", "`file` to read")
	outFile := flag.String("out", "", "`file` to write")
	flag.Parse()
	log.SetFlags(0)
	log.SetPrefix("go-reader: ")

	input, err := os.Open(*inFile)
	if err != nil {
		log.Fatal(err)
	}
	output, err := os.Create(*outFile)
	if err != nil {
		log.Fatal(err)
	}
	out := bufio.NewWriter(output)
	if err := readAll(bufio.NewReader(input), out); err != nil {
		log.Fatal(err)
	}
	if err := out.Flush(); err != nil {
		log.Fatal(err)
	}
	if err := output.Close(); err != nil {
		log.Fatal(err)
	}
}

func readAll(in io.Reader, out io.Writer) error {
	for {
		var head [5]byte
		if _, err := io.ReadFull(in, head[:]); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		item := make([]byte, binary.LittleEndian.Uint32(head[1:]))
		if _, err := io.ReadFull(in, item); err != nil {
			return err
		}
		if err := answer(head[0], item, out); err != nil {
			return err
		}
	}
}

func answer(kind byte, item []byte, out io.Writer) error {
	var request wire.AllocationRequest
	var err error
	if kind == 'J' {
		err = protojson.Unmarshal(item, &request)
	} else {
		err = proto.Unmarshal(item, &request)
	}
	length := uint32(math.MaxUint32)
	var encoded []byte
	if err == nil {
		if encoded, err = proto.Marshal(&request); err != nil {
			return err
		}
		length = uint32(len(encoded))
	}
	if err := binary.Write(out, binary.LittleEndian, length); err != nil {
		return err
	}
	_, err = out.Write(encoded)
	return err
}
