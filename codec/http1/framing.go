package http1

// The fields that decide where a message ends and what becomes of the connection.
//
// Contract: each function here judges one field value by itself and by what was seen of
// the fields before it. Two servers that disagree about one of these fields disagree about
// where the next request starts, and that is how requests are smuggled (RFC 9112 section
// 11.2); so nothing is repaired, the first doubt is a refusal.

import (
	"encoding/binary"
	"math"
)

// framingLengths has a bit for each length of the names in framing.
const framingLengths = 1<<2 | 1<<4 | 1<<6 | 1<<7 | 1<<10 | 1<<14 | 1<<17

// host is that name as a little-endian number.
const host = 'h' | 'o'<<8 | 's'<<16 | 't'<<24

// framing takes note of a field that decides about the connection or about where the
// message ends. Such a field may stand once: two of them, even with the same value,
// are what another server may read differently. at is how many fields came before it.
func (h *Head) framing(f *Field, at int, seen *uint16, request bool) *rule {
	name, value := f.Name, f.Value
	switch len(name) {
	case 2:
		if fold(name, "te") && hasOption(value, "trailers") {
			*seen |= seenTrailersOK
		}
	case 4:
		// The letters of a token in lower case; no other byte becomes one.
		if !request || binary.LittleEndian.Uint32(name)|0x20202020 != host {
			return nil
		}
		if *seen&seenHost != 0 {
			return twoHosts
		}
		*seen |= seenHost
		if !h.known.is(value) {
			return badHost
		}
		h.hostAt = uint16(at)
	case 6:
		if name[0]|0x20 == 'c' && fold(name, "cookie") {
			*seen |= seenCookie
			return nil
		}
		// An HTTP/1.0 client cannot mean it (RFC 9110 section 10.1.1).
		if !request || *seen&seenOld != 0 || name[0]|0x20 != 'e' || !fold(name, "expect") {
			return nil
		}
		if !fold(value, "100-continue") {
			return otherExpect
		}
		*seen |= seenExpect
	case 7:
		if name[0]|0x20 == 'u' && fold(name, "upgrade") && len(value) > 0 {
			*seen |= seenUpgrade
		}
	case 10:
		if name[0]|0x20 == 'c' && fold(name, "connection") {
			return connection(value, seen)
		}
	case 14:
		if name[0]|0x20 != 'c' || !fold(name, "content-length") {
			return nil
		}
		switch {
		case *seen&seenLength != 0:
			return twoLengths
		case *seen&seenCoding != 0:
			return bothLengths
		}
		*seen |= seenLength
		n, bad := contentLength(value)
		h.ContentLength = n
		return bad
	case 17:
		if name[0]|0x20 != 't' || !fold(name, "transfer-encoding") {
			return nil
		}
		switch {
		case *seen&seenCoding != 0:
			return twoCodings
		case *seen&seenLength != 0:
			return bothLengths
		case *seen&seenOld != 0:
			return oldCoding
		}
		*seen |= seenCoding
		if bad := transferCoding(value); bad != nil {
			return bad
		}
		h.Chunked = true
	}
	return nil
}

// contentLength reads 1*DIGIT of at most 63 bits: no sign, no list, no whitespace
// within, at most 19 digits.
func contentLength(value []byte) (int64, *rule) {
	if len(value) == 0 {
		return -1, badLength
	}
	var n uint64
	for i, c := range value {
		if c < '0' || c > '9' {
			return -1, badLength
		}
		if i >= 19 {
			return -1, hugeLength
		}
		n = n*10 + uint64(c-'0')
	}
	if n > math.MaxInt64 {
		return -1, hugeLength
	}
	return int64(n), nil
}

// transferCoding accepts chunked and nothing else. Of a list it says what is wrong
// with it, the gravest first: what makes the length of the body a matter of opinion
// (400) goes before what is merely not implemented (501).
func transferCoding(value []byte) *rule {
	if fold(value, "chunked") {
		return nil
	}
	chunked, other := false, false
	for i := 0; ; {
		for i < len(value) && (value[i] == ' ' || value[i] == '\t') {
			i++
		}
		end := scanToken(value, i)
		coding := value[i:end]
		if len(coding) == 0 {
			return badCoding
		}
		if chunked {
			return chunkedTwice
		}
		for end < len(value) && (value[end] == ' ' || value[end] == '\t') {
			end++
		}
		if fold(coding, "chunked") {
			chunked = true
			if end < len(value) && value[end] == ';' {
				return chunkedParam
			}
		} else {
			other = true
			if end < len(value) && value[end] != ';' && value[end] != ',' {
				return badCoding
			}
			for end < len(value) && value[end] != ',' {
				end++ // parameters of a coding that is refused anyhow
			}
		}
		if end == len(value) {
			break
		}
		if value[end] != ',' {
			return badCoding
		}
		i = end + 1
	}
	if other {
		return otherCoding
	}
	return nil
}

// connection notes the options close, keep-alive and upgrade of a Connection field,
// and refuses what is no list of tokens (RFC 9110 section 5.6.1: elements may be empty).
func connection(value []byte, seen *uint16) *rule {
	for i := 0; i < len(value); i++ {
		if c := value[i]; c == ' ' || c == '\t' || c == ',' {
			continue
		}
		end := scanToken(value, i)
		switch option := value[i:end]; {
		case len(option) == 0:
			return badOption
		case fold(option, "keep-alive"):
			*seen |= seenKeepAlive
		case fold(option, "close"):
			*seen |= seenClose
		case fold(option, "upgrade"):
			*seen |= seenUpgradeOption
		}
		for end < len(value) && (value[end] == ' ' || value[end] == '\t') {
			end++
		}
		if end < len(value) && value[end] != ',' {
			return badOption
		}
		i = end
	}
	return nil
}

// hasOption reports whether a list of tokens, perhaps with parameters, contains option.
func hasOption(value []byte, option string) bool {
	for i := 0; i < len(value); i++ {
		for i < len(value) && (value[i] == ' ' || value[i] == '\t') {
			i++
		}
		end := scanToken(value, i)
		if fold(value[i:end], option) {
			return true
		}
		for end < len(value) && value[end] != ',' {
			end++
		}
		i = end
	}
	return false
}

// persistent is RFC 9112 section 9.3.
func persistent(seen uint16) bool {
	if seen&seenClose != 0 {
		return false
	}
	return seen&seenOld == 0 || seen&seenKeepAlive != 0
}
