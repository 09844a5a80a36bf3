package abi

import "sync/atomic"

// A Frame is the head of every frame: what a function needs to go on, in a struct of its
// own type that starts with a Result and has its variables behind it.
type Frame struct {
	up   *Frame // of the caller; while the function is resumed, that of the callee that is done
	kind uint16
	pc   uint16
	how  uint32 // 1 if the function has deferred calls
}

// PC says where the function goes on.
func (fr *Frame) PC() uint16 { return fr.pc }

// A Result is a frame with the results of its function. R is R0, R1 … or, for one
// with more, a struct alike.
type Result[R any] struct {
	Frame
	R R
}

// Results of functions, by their number.
type (
	R0           struct{}
	R1[A any]    struct{ A A }
	R2[A, B any] struct {
		A A
		B B
	}
	R3[A, B, C any] struct {
		A A
		B B
		C C
	}
	R4[A, B, C, D any] struct {
		A A
		B B
		C C
		D D
	}
	R5[A, B, C, D, E any] struct {
		A A
		B B
		C C
		D D
		E E
	}
	R6[A, B, C, D, E, F any] struct {
		A A
		B B
		C C
		D D
		E E
		F F
	}
)

// A Kind is the frames of one function.
type Kind struct {
	Name   string                    // of the function, as in a stack trace
	Lines  []string                  // file:line of each park point, by PC less one
	Resume func(s *Stack, fr *Frame) // continues the function

	clear func(fr *Frame) // makes a frame zero but for its kind
}

const kindsMax = 1 << 14

// An entry of kinds is written once, under registering, before any frame of its kind is
// made, and never moves. Whoever has a kind's number has it from there, by the init
// functions or by a GenericKind, so that reading an entry takes no lock.
var (
	kinds  [kindsMax]*Kind
	kindsN uint16
	inUse  atomic.Bool

	registering atomic.Bool
)

// Register makes a kind, whose frames are of type F, known and returns its number. It is
// called by generated init functions only; fibers that earlier ones have started may run
// already. With more kinds than there is room for the program does not start.
func Register[F any](k *Kind) uint16 {
	for !registering.CompareAndSwap(false, true) {
	}
	defer registering.Store(false)
	return register[F](k)
}

// register is Register under registering.
func register[F any](k *Kind) uint16 {
	k.clear = func(fr *Frame) { *As[F](fr) = *new(F) }
	if kindsN+1 >= kindsMax {
		panic("fiber/abi: more compiled functions than fit")
	}
	if !inUse.Load() {
		inUse.Store(true)
	}
	kindsN++
	kinds[kindsN] = k
	return kindsN
}

// InUse reports whether there is compiled code in the program.
func InUse() bool { return inUse.Load() }

// Trace returns where the functions of a waiting fiber go on, the innermost first: name
// and file:line. Baton.
func (s *Stack) Trace() []string {
	var list []string
	if s.how == 0 {
		return nil
	}
	for fr := s.up; fr != nil; fr = fr.up {
		list = append(list, fr.place())
	}
	return list
}

// place says where the function of a frame that waits goes on.
func (fr *Frame) place() string {
	k := kinds[fr.kind]
	if i := int(fr.pc) - 1; i >= 0 && i < len(k.Lines) {
		return k.Name + " (" + k.Lines[i] + ")"
	}
	return k.Name
}
