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

// Keys returns the keys of m, in any order.
func Keys[M ~map[K]V, K comparable, V any](m M) []K {
	if len(m) == 0 {
		return nil
	}
	list := make([]K, 0, len(m))
	for k := range m {
		list = append(list, k)
	}
	return list
}
