// SPDX-License-Identifier: Apache-2.0

package processor

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"unsafe"
)

const (
	hostLibrary = "libagones_processor_host.so"
	errorSize   = 1024
)

// LibraryError: the library can't be loaded, or has another major version.
type LibraryError struct{ Message string }

func (e *LibraryError) Error() string { return e.Message }

// library is one file's functions: called without cgo, or through it with the build tag agones_cgo.
type library struct {
	rawFunctions
	file string
}

func load(explicit string) (*library, error) {
	file := explicit
	if file == "" {
		file = find()
	}
	handle, err := open(file)
	if err != nil {
		return nil, &LibraryError{err.Error()}
	}
	l := &library{file: file}
	var missing string
	l.each(func(name string, variable any, optional bool) {
		if address := symbol(handle, name); address != 0 {
			l.bind(name, variable, address)
		} else if !optional {
			missing = name
		}
	})
	if missing != "" {
		return nil, &LibraryError{fmt.Sprintf("%s: lacks %s", file, missing)}
	}
	if has := l.abiVersion(); has>>16 != abiVersion>>16 {
		return nil, &LibraryError{fmt.Sprintf("%s: has ABI %d.%d, this package needs %d.x", file, has>>16, has&0xffff, abiVersion>>16)}
	}
	return l, nil
}

// What AGONES_PROCESSOR_PLUGIN names; the one beside the program; the system's.
func find() string {
	if named := os.Getenv("AGONES_PROCESSOR_PLUGIN"); named != "" {
		return named
	}
	if program, err := os.Executable(); err == nil {
		beside := filepath.Join(filepath.Dir(program), hostLibrary)
		if _, err := os.Stat(beside); err == nil {
			return beside
		}
	}
	return hostLibrary
}

func (l *library) canSwap() bool { return l.swap != nil }

var buffers = sync.Pool{New: func() any { return new([errorSize]byte) }}

// check runs a function that takes the error's buffer and its size.
func (l *library) check(call func(text unsafe.Pointer, size uint64) int32) error {
	text := buffers.Get().(*[errorSize]byte)
	defer buffers.Put(text)
	text[0] = 0
	if status := call(unsafe.Pointer(&text[0]), errorSize); status != rawOk {
		return &Error{Status: Status(status), Message: terminated(text[:])}
	}
	return nil
}

// terminated is the text up to its NUL.
func terminated(text []byte) string {
	for i, c := range text {
		if c == 0 {
			return string(text[:i])
		}
	}
	return string(text)
}

func textOf(text rawText) string {
	if text.size == 0 {
		return ""
	}
	return string(unsafe.Slice((*byte)(text.data), text.size))
}

func bytesOf(bytes rawBytes) []byte {
	if bytes.size == 0 {
		return nil
	}
	return append([]byte(nil), unsafe.Slice((*byte)(bytes.data), bytes.size)...)
}
