package httpfw

import "bytes"

// The path of a request before routing: one normal form for all spellings.
//
// Two paths have the same normal form exactly if they mean the same sequence of
// decoded segments. normalPath
//
//   - decodes the escapes of bytes that may stand in a segment as they are
//     (letters, digits, -._~!$&'()*+,;=:@), and escapes all other bytes, with
//     upper-case digits: "/%7euser/caf\xc3\xa9" becomes "/~user/caf%C3%A9".
//     So %2F stays %2F and never becomes a separator, and "%25" stays "%25", so
//     that decoding the result once gives what decoding the original once
//     would have given.
//   - makes "//" one slash, then resolves "." and ".." segments as RFC 3986
//     5.2.4 does, in whatever spelling (%2e too); ".." at the root stays there.
//   - refuses (pathBad) a broken escape, and a segment that would turn into a
//     ".." when somebody decodes it and takes it for a file name: "..%2Fetc",
//     "a%5C..", "..\x5c".
//
// So dot segments are resolved, before any route is looked at. Redirecting
// instead (as net/http does) would still need the routing of the result to be
// right, and would turn POST into a round trip; a caller that wishes to redirect
// can, on pathResolved. Either way no handler sees a dot segment: what a *rest
// holds lies below its prefix, also after decoding. It never begins with a
// slash, but its decoded form may ("%2Fetc"), so that a file server must still
// open it below a root of its own.
//
// RFC 3986 lets "//" stand. It is merged because an empty segment would give a
// *rest that begins with '/' (to a file system an absolute path, in a Location
// another host), and because file systems merge it too, so that "/a//b" and
// "/a/b" would be one file with two sets of rules. A handler that carries a URL
// in its path must look at the target as it was received.

type pathForm uint8

const (
	pathClean     pathForm = iota // as received; nothing was done, no byte copied
	pathRespelled                 // other escapes, the same segments: nobody needs to redirect
	pathResolved                  // "//" or dot segments are gone
	pathBad                       // 400
	pathTooLong                   // 414: over routePathBytesMax
)

// normalPath returns the normal form of a request's path (no query). A path in
// that form is returned itself; otherwise the result is written over buf, or to
// new memory if buf is too small; buf must not overlap path. "*" stands for
// itself, and "" (the path of "http://host") for "/"; anything else that does
// not begin with '/' is bad.
func normalPath(buf, path []byte) (normal []byte, form pathForm) {
	if len(path) > routePathBytesMax {
		return nil, pathTooLong
	}
	if isNormalPath(path) {
		return path, pathClean
	}
	if len(path) == 0 {
		return append(buf[:0], '/'), pathRespelled
	}
	if path[0] != '/' {
		if string(path) == "*" {
			return path, pathClean
		}
		return nil, pathBad
	}

	// normal ends in '/' each time a segment is about to be appended.
	normal, form = append(buf[:0], '/'), pathRespelled
	for rest := path[1:]; ; {
		seg, after, more := bytes.Cut(rest, []byte{'/'})
		start := len(normal)
		var ok bool
		if normal, ok = appendSegment(normal, seg); !ok || climbs(normal[start:]) {
			return nil, pathBad
		}
		switch string(normal[start:]) {
		case "":
			if more {
				form = pathResolved
			}
		case ".":
			normal, form = normal[:start], pathResolved
		case "..":
			form = pathResolved
			normal = normal[:start]
			if start > 1 {
				normal = normal[:bytes.LastIndexByte(normal[:start-1], '/')+1]
			}
		default:
			if more {
				normal = append(normal, '/')
			}
		}
		if !more {
			break
		}
		rest = after
	}
	switch {
	case len(normal) > routePathBytesMax:
		return nil, pathTooLong
	case bytes.Equal(normal, path):
		return path, pathClean // "/a%2Fb": it only looked as if there were something to do
	}
	return normal, form
}

// isNormalPath says that path is in normal form. It is quick and may say no to
// a path with an escape that is.
func isNormalPath(path []byte) bool {
	if len(path) == 0 || path[0] != '/' {
		return false
	}
	after := true // the byte before was a slash
	for i, c := range path[1:] {
		k := pathBytes[c]
		if k == pathByte {
			after = false
			continue
		}
		switch k {
		case pathSlash:
			if after {
				return false
			}
			after = true
		case pathDot:
			if after {
				end := segmentEnd(path, i+1)
				if seg := path[i+1 : end]; string(seg) == "." || string(seg) == ".." {
					return false
				}
			}
			after = false
		default:
			return false
		}
	}
	return true
}

// appendSegment appends the normal form of one segment. It fails on a broken
// escape.
func appendSegment(dst, seg []byte) ([]byte, bool) {
	const digits = "0123456789ABCDEF"
	for i := 0; i < len(seg); i++ {
		c := seg[i]
		if c == '%' {
			if i+2 >= len(seg) {
				return dst, false
			}
			hi, lo := unhex(seg[i+1]), unhex(seg[i+2])
			if hi > 15 || lo > 15 {
				return dst, false
			}
			c = hi<<4 | lo
			i += 2
		}
		if isPathByte(c) {
			dst = append(dst, c)
		} else {
			dst = append(dst, '%', digits[c>>4], digits[c&15])
		}
	}
	return dst, true
}

// climbs says that a segment in normal form holds a ".." between escaped
// slashes or backslashes, or between one of them and an end of it.
func climbs(seg []byte) bool {
	if bytes.IndexByte(seg, '%') < 0 {
		return false
	}
	start := 0
	for i := 0; ; i++ {
		end := i == len(seg)
		if !end && !bytes.HasPrefix(seg[i:], []byte("%2F")) && !bytes.HasPrefix(seg[i:], []byte("%5C")) {
			continue
		}
		if string(seg[start:i]) == ".." {
			return true
		}
		if end {
			return false
		}
		start = i + len("%2F")
		i = start - 1
	}
}

// unhex returns the value of a hex digit, 255 for another byte.
func unhex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10
	}
	return 255
}

// isPathByte says that c stands for itself in a segment: pchar of RFC 3986
// without the escapes.
func isPathByte(c byte) bool {
	return pathBytes[c] == pathByte || pathBytes[c] == pathDot
}

const (
	pathOther = iota // never raw in normal form
	pathByte
	pathDot
	pathSlash
)

var pathBytes = func() (t [256]uint8) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_~!$&'()*+,;=:@") {
		t[c] = pathByte
	}
	t['.'], t['/'] = pathDot, pathSlash
	return t
}()
