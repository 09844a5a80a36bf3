package http1

// Queries, forms and percent-encoding.
//
// Contract: EachPair only cuts, and lends what it cut out; AppendUnescape decodes into
// memory of the caller's. No pair is ever refused for what it contains: a query has no
// grammar beyond its bytes, so what cannot be decoded is for the caller to judge.

import "bytes"

// EachPair calls yield for each pair of a query or of a body of the type
// application/x-www-form-urlencoded, in order, until yield returns false. Pairs are
// separated by '&' alone, never by ';', and empty ones are skipped, as the WHATWG URL
// standard has it (section 5.1). The first '=' ends the key; without one, the value is
// nil. Both are borrowed from query and still encoded: use AppendUnescape with plusIsSpace.
func EachPair(query []byte, yield func(key, value []byte) bool) {
	for len(query) > 0 {
		pair := query[:len(query):len(query)]
		if i := bytes.IndexByte(query, '&'); i >= 0 {
			pair, query = query[:i:i], query[i+1:]
		} else {
			query = nil
		}
		if len(pair) == 0 {
			continue
		}
		key, value := pair, []byte(nil)
		if i := bytes.IndexByte(pair, '='); i >= 0 {
			key, value = pair[:i:i], pair[i+1:]
		}
		if !yield(key, value) {
			return
		}
	}
}

// AppendUnescape appends s with its percent escapes decoded (RFC 3986 section 2.1) and,
// if plusIsSpace, '+' turned into a space, as forms have it. It never appends more bytes
// than s has, and dst may share memory with s if it starts no later: s[:0] decodes in
// place. A '%' without two hexadecimal digits is an *Error with its Offset in s; dst then
// comes back as it was, though bytes behind its end may have been written.
//
// The result may contain anything, '/' and NUL among it: decode after cutting, once.
func AppendUnescape(dst, s []byte, plusIsSpace bool) ([]byte, error) {
	at := len(dst)
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '+' && plusIsSpace {
			c = ' '
		} else if c == '%' {
			if i+2 >= len(s) || class[s[i+1]]&class[s[i+2]]&hexByte == 0 {
				return dst[:at], escape.at(i)
			}
			c = hexValue(s[i+1])<<4 | hexValue(s[i+2])
			i += 2
		}
		dst = append(dst, c)
	}
	return dst, nil
}

// AppendEscape appends s with every byte escaped that is not unreserved (RFC 3986 section
// 2.3): the result may stand anywhere in a URI. If plusIsSpace, a space becomes '+', as
// forms have it, rather than "%20".
func AppendEscape[B ~[]byte | ~string](dst []byte, s B, plusIsSpace bool) []byte {
	const digits = "0123456789ABCDEF"
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case class[c]&plainByte != 0:
			dst = append(dst, c)
		case c == ' ' && plusIsSpace:
			dst = append(dst, '+')
		default:
			dst = append(dst, '%', digits[c>>4], digits[c&15])
		}
	}
	return dst
}
