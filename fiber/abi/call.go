package abi

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
func (s *Stack) Offer(pc uintptr) { s.run.offer = pc }

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
