package httpfw

import "unsafe"

// chars makes strings for handlers that are theirs for ever, at less than one
// allocation each: short ones are cut from a common block, which the collector frees
// when none of them is referenced any more. So a short string that is kept for long
// may keep a block of 256 bytes. Each Ctx has its own: only its handler uses it.
//
// This is the package's one file with unsafe code. Why it is safe: a string made by
// unsafe.String needs bytes that never change. The bytes of a block are written once,
// before the string is made, and block only ever shrinks to what was not handed out. The
// bytes that bytesOf returns are those of a string, and are only sent: no transport writes
// to what it sends.
type chars struct {
	block []byte
}

const (
	charsFirst = 32
	charsBlock = 256 // once the first was used up
	charsMax   = 64  // longer strings are allocated by themselves
)

// of returns a string with the bytes of b.
func (s *chars) of(b []byte) string {
	n := len(b)
	if n == 0 {
		return ""
	}
	if n > charsMax {
		return string(b)
	}
	if n > len(s.block) {
		size := charsFirst
		if s.block != nil {
			size = charsBlock
		}
		s.block = make([]byte, max(size, n))
	}
	p := s.block[:n:n]
	s.block = s.block[n:]
	copy(p, b)
	return unsafe.String(unsafe.SliceData(p), n)
}

// bytesOf returns the bytes of s without a copy, to be read only.
func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }
