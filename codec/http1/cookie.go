package http1

// The Cookie field of a request, RFC 6265 sections 4.2 and 5.4.
//
// Contract: EachCookie only cuts, and lends what it cut out. What servers may set (section
// 4.1.1) is narrower than what browsers store (section 5.2) and send back: brackets in
// names, and spaces, commas, quotes and 8-bit bytes in values, are common. A cookie that
// a browser may have sent is delivered; one that none can have stored is skipped, and the
// others of the field still count.

import "bytes"

// EachCookie calls yield for each cookie in the value of a Cookie field, in order, until
// yield returns false. Cookies are separated by ';' with any whitespace around. A name is
// what precedes the first '='; a pair without '=' or without name, or with a control byte,
// is skipped, and so is a name with whitespace or a quote in it. If a value is enclosed in
// double quotes they are cut off (section 4.1.1 makes them no part of its octets). Both
// are borrowed from value. Of two cookies with one name the more specific comes first
// (section 5.4).
func EachCookie(value []byte, yield func(name, value []byte) bool) {
	for rest := value; len(rest) > 0; {
		pair := rest
		if i := bytes.IndexByte(rest, ';'); i >= 0 {
			pair, rest = rest[:i], rest[i+1:]
		} else {
			rest = nil
		}
		equals := bytes.IndexByte(pair, '=')
		if equals < 0 || scanValue(pair, 0) < len(pair) {
			continue
		}
		name := trim(pair, 0, equals)
		if len(name) == 0 || bytes.ContainsAny(name, " \t\"") {
			continue
		}
		content := trim(pair, equals+1, len(pair))
		if n := len(content); n >= 2 && content[0] == '"' && content[n-1] == '"' {
			content = content[1 : n-1 : n-1]
		}
		if !yield(name, content) {
			return
		}
	}
}

// ValidCookieName reports whether a server may set a cookie of that name: a token
// (RFC 6265 section 4.1.1).
func ValidCookieName[B ~[]byte | ~string](name B) bool { return ValidFieldName(name) }

// ValidCookieValue reports whether a server may set a cookie to that value: visible
// ASCII without '"', ',', ';' and '\', perhaps enclosed in double quotes (RFC 6265
// section 4.1.1).
func ValidCookieValue[B ~[]byte | ~string](value B) bool {
	from, to := 0, len(value)
	if to >= 2 && value[0] == '"' && value[to-1] == '"' {
		from, to = 1, to-1
	}
	for i := from; i < to; i++ {
		switch c := value[i]; {
		case c < 0x21 || c > 0x7e, c == '"', c == ',', c == ';', c == '\\':
			return false
		}
	}
	return true
}
