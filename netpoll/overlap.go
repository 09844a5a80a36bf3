package netpoll

import "unsafe"

// overlap reports whether two slices share memory. The unsafe pointers are only made
// into numbers and compared, within one expression: nothing is read through them, and
// Go does not move what a slice on the heap points to.
func overlap(p, q []byte) bool {
	return len(p) > 0 && len(q) > 0 &&
		uintptr(unsafe.Pointer(&p[0])) <= uintptr(unsafe.Pointer(&q[len(q)-1])) &&
		uintptr(unsafe.Pointer(&q[0])) <= uintptr(unsafe.Pointer(&p[len(p)-1]))
}
