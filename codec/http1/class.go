package http1

// What every byte may be, and the three scanners that everything else stands on.
//
// Contract: a scanner starts at an offset, returns the offset of the first byte
// that does not belong (or len(buf)), looks at nothing beyond that byte and
// remembers nothing. A caller that has to wait for more bytes therefore stores
// the offset it got back and goes on from there, and a message that arrives a
// byte at a time costs as much as one that arrives whole.

import (
	"encoding/binary"
	"math/bits"
)

// Classes of bytes. One table serves all: it stays in the first-level cache.
const (
	tokenByte  = 1 << iota // RFC 9110 section 5.6.2: tchar
	pathByte               // what may stand in a target before '?', except '%'
	queryByte              // what may stand in a target after '?'
	hexByte                // HEXDIG, either case
	hostByte               // what a host name may be made of, see authority
	valueByte              // RFC 9110 section 5.5: field-vchar, SP and HTAB
	qdtextByte             // RFC 9110 section 5.6.4: qdtext
	plainByte              // RFC 3986 section 2.3: unreserved
)

var class = classes()

func classes() (t [256]uint8) {
	for i := range t {
		c := byte(i)
		alpha := 'a' <= c|0x20 && c|0x20 <= 'z'
		digit := '0' <= c && c <= '9'
		hex := digit || 'a' <= c|0x20 && c|0x20 <= 'f'
		visible := 0x21 <= c && c <= 0x7e
		if alpha || digit || among(c, "!#$%&'*+-.^_`|~") {
			t[i] |= tokenByte
		}
		// A target is made of visible ASCII. '#' would start a fragment, which
		// is never sent; '"', '<' and '>' no URI contains and no browser leaves
		// unescaped. The others that RFC 3986 leaves out ([]^`{|}) browsers do
		// send raw (WHATWG URL, "query percent-encode set"), so they pass: they
		// cannot change where a message ends. A backslash passes in the query
		// only: in a path, some would read it as a slash.
		if visible && !among(c, "#\"<>") {
			t[i] |= queryByte
			if !among(c, "\\?%") {
				t[i] |= pathByte
			}
		}
		if hex {
			t[i] |= hexByte
		}
		if alpha || digit || among(c, "-._~") {
			t[i] |= hostByte | plainByte
		}
		if visible || c >= 0x80 || c == ' ' || c == '\t' {
			t[i] |= valueByte
			if c != '"' && c != '\\' {
				t[i] |= qdtextByte
			}
		}
	}
	return t
}

func among(c byte, set string) bool {
	for i := range len(set) {
		if set[i] == c {
			return true
		}
	}
	return false
}

const (
	ones  = 0x0101010101010101
	highs = 0x80 * ones
)

// controls marks the bytes of x that are below 0x20 or 0x7f with their top bit.
// Only the lowest mark is exact: a subtraction may borrow from the byte above a
// true one. The lowest is all that scanValue asks for.
func controls(x uint64) uint64 {
	y := x ^ 0x7f*ones
	return ((x-0x20*ones)&^x | (y-ones)&^y) & highs
}

// scanToken returns the offset of the first byte from i on that is no tchar.
func scanToken(buf []byte, i int) int {
	for uint(i) < uint(len(buf)) && class[buf[i]]&tokenByte != 0 {
		i++
	}
	return i
}

// scanValue returns the offset of the first byte from i on that may not stand in
// a field value: a control byte other than HTAB. Eight bytes at a time, since
// values are most of a head.
func scanValue(buf []byte, i int) int {
	for i+8 <= len(buf) {
		m := controls(binary.LittleEndian.Uint64(buf[i:]))
		if m == 0 {
			i += 8
			continue
		}
		i += bits.TrailingZeros64(m) >> 3
		if buf[i] != '\t' {
			return i
		}
		i++
	}
	for i < len(buf) && class[buf[i]]&valueByte != 0 {
		i++
	}
	return i
}

// scanField reads one field line that starts at line, of which everything before
// at has been read already; colon is the offset of its colon, or 0 if at has not
// passed it. It returns the colon and
//
//   - the offset of the CR and nil, if the line is whole (its LF is at end+1),
//   - the offset to go on from and more, or
//   - the offset of the byte that broke a rule, and the rule.
func scanField(buf []byte, line, at, colon int) (int, int, *rule) {
	if colon == 0 {
		at = scanToken(buf, at)
		if at >= len(buf) {
			return 0, at, more
		}
		if buf[at] != ':' || at == line {
			return 0, at, badName(buf[at], at == line)
		}
		colon = at
		at++
	}
	at = scanValue(buf, at)
	if at+1 < len(buf) && buf[at] == '\r' && buf[at+1] == '\n' {
		return colon, at, nil
	}
	return colon, at, lineEnd(buf, at, badValue)
}

// badName names the rule that c broke by standing where a field name should go on.
func badName(c byte, first bool) *rule {
	switch {
	case c == ':':
		return emptyName
	case (c == ' ' || c == '\t') && first:
		return folded
	case c == ' ' || c == '\t':
		return spaceBeforeColon
	case c == '\n':
		return bareLF
	case c == '\r':
		return noColon
	}
	return nameByte
}

// lineEnd says what is wrong at the offset where a line should end in CRLF: nil
// if nothing, more if the buffer ends there, otherwise is for any byte that is
// neither CR nor LF.
func lineEnd(buf []byte, at int, otherwise *rule) *rule {
	switch {
	case at >= len(buf):
		return more
	case buf[at] == '\n':
		return bareLF
	case buf[at] != '\r':
		return otherwise
	case at+1 >= len(buf):
		return more
	case buf[at+1] != '\n':
		return bareCR
	}
	return nil
}

// trim cuts the optional whitespace (RFC 9110 section 5.6.3) around a value. The
// capacity ends with the value, so that an append by its reader copies it instead
// of running over the bytes behind it.
func trim(buf []byte, from, to int) []byte {
	for from < to && (buf[from] == ' ' || buf[from] == '\t') {
		from++
	}
	for from < to && (buf[to-1] == ' ' || buf[to-1] == '\t') {
		to--
	}
	return buf[from:to:to]
}

// fold reports whether a and b are equal but for the case of ASCII letters.
func fold[A, B ~[]byte | ~string](a A, b B) bool {
	if len(a) != len(b) {
		return false
	}
	for i := 0; i < len(a) && i < len(b); i++ {
		if x, y := a[i], b[i]; x != y && (x^y != 0x20 || x|0x20 < 'a' || x|0x20 > 'z') {
			return false
		}
	}
	return true
}

// hexValue is the value of a HEXDIG.
func hexValue(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}
