package abi

import "unsafe"

// This file has the unsafe code of the package. Its argument: a frame is only ever made
// by New[T], where T is a struct that starts with a Result and so with a Frame; its kind
// is written there and names the function that T belongs to; generated code asks for T
// only in that function's own Resume, and for the Result only of the function that was
// called, whose type it knows. Pointers into a struct keep all of it alive.

// As returns the frame of type T that starts with fr.
func As[T any](fr *Frame) *T { return (*T)(unsafe.Pointer(fr)) }

func asPointer(fr *Frame) unsafe.Pointer { return unsafe.Pointer(fr) }

func sizeOf[T any]() uintptr { return unsafe.Sizeof(*new(T)) }

func asFrame[T any](fr *T) *Frame { return (*Frame)(unsafe.Pointer(fr)) }

// PC returns the entry PC of a function value, 0 for nil: a function value is a pointer
// to a struct that starts with it.
func PC[F any](fn F) uintptr {
	p := *(**uintptr)(unsafe.Pointer(&fn))
	if p == nil {
		return 0
	}
	return *p
}

// same reports whether two interfaces are the same two words.
func same(a, b any) bool {
	return *(*[2]uintptr)(unsafe.Pointer(&a)) == *(*[2]uintptr)(unsafe.Pointer(&b))
}

// typeOf returns the address of the descriptor of x's type, 0 for nil: the first word of
// an interface. Descriptors never move.
func typeOf(x any) uintptr { return *(*uintptr)(unsafe.Pointer(&x)) }
