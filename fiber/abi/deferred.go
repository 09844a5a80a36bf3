package abi

// A Deferred is a deferred call still to be made, of a function that may make any number
// of them: the number of its defer statement, and a pointer to a struct of what that has
// evaluated.
type Deferred struct {
	Site int
	Args any
}

// Pop takes the last one from a list that is not empty.
func Pop(list *[]Deferred) Deferred {
	n := len(*list) - 1
	d := (*list)[n]
	(*list)[n] = Deferred{}
	*list = (*list)[:n]
	return d
}

// Recovered is what recover returns in a second body. Those run only when nothing
// panics: a panic is for the guard, which calls plain functions.
func Recovered() any { return nil }
