package abi

import "sync/atomic"

// A function value says nothing about a second body, so caller and callee shake hands:
// the caller leaves the entry PC of what it calls in the Stack, and a function that has
// a second body asks, before anything else, whether that PC is its own. If it is, its
// caller is compiled and it goes on in its second body. A function in between that is not
// compiled has another PC, so nothing under it can mistake its caller for a compiled one.
//
// For that to hold the caller makes the offer only if the callee will find this very
// Stack, through its first parameter that leads to a fiber; and a compiled function asks
// no other. So an offer with its PC is always accepted before it runs another
// instruction, and one with another PC never.

// Offer announces a call of the function with entry PC pc by compiled code.
func (s *Stack) Offer(pc uintptr) { s.run.offer, s.run.marks = pc, 0 }

// Mark says of the argument with index i, which is less than 8, that it is a function
// value made on this Stack, for it alone: the callee may make it an offer in its turn.
func (s *Stack) Mark(i int) { s.run.marks |= 1 << i }

// Marked reports what Mark said in the offer accepted last.
func (s *Stack) Marked(i int) bool { return s.run.marks>>i&1 != 0 }

// Accept reports whether the caller of the function with entry PC pc is compiled code
// that called it just now. pc 0 stands for a function not registered yet.
func (s *Stack) Accept(pc uintptr) bool {
	if !s.active || s.run.offer != pc || pc == 0 {
		return false
	}
	s.run.offer = 0
	return true
}

// Withdraw ends an offer that may not have been accepted.
func (s *Stack) Withdraw() { s.run.offer = 0 }

// An Entry is the entry PCs of one function or literal: of a literal there is one for each
// copy of the function around it that the inliner makes, and for each instance of that.
// Its copies do the same, so which of them accepts an offer does not matter.
type Entry struct {
	first atomic.Uintptr
	more  atomic.Pointer[[]uintptr] // copied on write
}

// Note adds a PC, when a copy has been made. Any goroutine may call it.
func (e *Entry) Note(pc uintptr) {
	if e.first.Load() != pc {
		e.note(pc)
	}
}

func (e *Entry) note(pc uintptr) {
	for pc != 0 && !e.first.CompareAndSwap(0, pc) && e.first.Load() != pc {
		m := e.more.Load()
		if has(m, pc) {
			return
		}
		var list []uintptr
		if m != nil {
			list = append(list, *m...)
		}
		list = append(list, pc)
		if e.more.CompareAndSwap(m, &list) {
			return
		}
	}
}

func has(list *[]uintptr, pc uintptr) bool {
	if list == nil {
		return false
	}
	for _, p := range *list {
		if p == pc {
			return true
		}
	}
	return false
}

// Accepts is Accept for all PCs of an Entry.
func (s *Stack) Accepts(e *Entry) bool {
	if !s.active || s.run.offer == 0 || s.run.offer != e.first.Load() && !has(e.more.Load(), s.run.offer) {
		return false
	}
	s.run.offer = 0
	return true
}
