package http1

// The authority of a target and the value of Host: uri-host [ ":" port ].
//
// Contract: narrower than RFC 3986 section 3.2 on purpose. A host is an IPv6 address
// in brackets, or a name of letters, digits, '-', '.', '_' and '~' (an IPv4 address
// is one of those). User information is refused (RFC 9110 section 4.2.4 calls it an
// error), and so are percent escapes, sub-delimiters and IPvFuture, which no resolver
// takes and over whose meaning two servers can differ. A port is 0 to 65535.

// A validHost is the last Host value that was found valid. Most requests to a server
// name the same one, and to compare is a tenth of the work of looking at each byte.
type validHost struct {
	n     uint8
	bytes [23]byte // a longer one is not kept
}

// is reports whether b is a host with an optional port, of which either may be empty
// (RFC 9110 section 7.2, RFC 3986 section 3.2.3).
func (v *validHost) is(b []byte) bool {
	if string(b) == string(v.bytes[:v.n]) {
		return true
	}
	if _, ok := splitAuthority(b); !ok {
		return false
	}
	if len(b) <= len(v.bytes) {
		v.n = uint8(copy(v.bytes[:], b))
	}
	return true
}

// splitAuthority returns the offset at which the host ends: len(b), or that of the
// colon before the port; and whether b is a host with an optional port. The port may be
// empty after its colon, and so may be the host; the caller refuses that where it needs one.
func splitAuthority(b []byte) (hostEnd int, ok bool) {
	i := 0
	if len(b) > 0 && b[0] == '[' {
		for i < len(b) && b[i] != ']' {
			i++
		}
		if i == len(b) || !validIPv6(b[1:i]) {
			return 0, false
		}
		i++
	} else {
		for uint(i) < uint(len(b)) && class[b[i]]&hostByte != 0 {
			i++
		}
	}
	if i >= len(b) {
		return i, true
	}
	if b[i] != ':' {
		return 0, false
	}
	port := uint(0)
	for _, c := range b[i+1:] {
		digit := uint(c - '0')
		if port = port*10 + digit; digit > 9 || port > 65535 {
			return 0, false
		}
	}
	return i, true
}

// validIPv6 checks RFC 3986's IPv6address: eight groups of one to four hexadecimal
// digits, the last two of which may be an IPv4 address, and at most one "::" in place
// of one or more groups. There is no zone: it means nothing to the other side.
func validIPv6(b []byte) bool {
	groups, gap := 0, false
	i := 0
	if len(b) >= 2 && b[0] == ':' && b[1] == ':' {
		gap = true
		i = 2
		if i == len(b) {
			return true
		}
	}
	for {
		start := i
		for i < len(b) && class[b[i]]&hexByte != 0 {
			i++
		}
		if i < len(b) && b[i] == '.' {
			if !validIPv4(b[start:]) {
				return false
			}
			groups += 2
			break
		}
		if i == start || i-start > 4 {
			return false
		}
		groups++
		if i == len(b) {
			break
		}
		if b[i] != ':' {
			return false
		}
		i++
		if i < len(b) && b[i] == ':' {
			if gap {
				return false
			}
			gap = true
			i++
			if i == len(b) {
				break
			}
		}
	}
	if gap {
		return groups <= 7
	}
	return groups == 8
}

// validIPv4 checks four decimal numbers up to 255 without leading zeros.
func validIPv4(b []byte) bool {
	i := 0
	for part := range 4 {
		if part > 0 {
			if i == len(b) || b[i] != '.' {
				return false
			}
			i++
		}
		start, v := i, 0
		for i < len(b) && i-start < 3 && '0' <= b[i] && b[i] <= '9' {
			v = v*10 + int(b[i]-'0')
			i++
		}
		if i == start || v > 255 || b[start] == '0' && i-start > 1 {
			return false
		}
	}
	return i == len(b)
}
