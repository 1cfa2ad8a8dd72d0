// SPDX-License-Identifier: Apache-2.0

//go:build !agones_cgo

package processor

import "github.com/ebitengine/purego"

func open(file string) (uintptr, error) {
	return purego.Dlopen(file, purego.RTLD_NOW|purego.RTLD_LOCAL)
}

// Zero: there is none.
func symbol(handle uintptr, name string) uintptr {
	address, err := purego.Dlsym(handle, name)
	if err != nil {
		return 0
	}
	return address
}

func (r *rawFunctions) bind(_ string, variable any, address uintptr) {
	purego.RegisterFunc(variable, address)
}
