package abi

// What generated code does in place of what the source says.

// Box returns a fresh variable that holds v.
func Box[T any](v T) *T { return &v }

// Rune returns the rune of s at i and the index behind it, as range does.
func Rune(s string, i int) (r rune, next int) {
	for j, c := range s[i:] {
		if j > 0 {
			return r, i + j
		}
		r = c
	}
	return r, len(s)
}
