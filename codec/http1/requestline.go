package http1

// The request line: method, target and version.
//
// Contract: as in head.go. firstLine can start over at little cost, because all but the
// target is bounded by a few bytes; for the target, Progress says where to go on.

import "encoding/binary"

// isRequest makes section judge the fields of a request.
func (r *Request) isRequest() bool { return true }

// Both ends of most request lines, as little-endian numbers.
const (
	getBlank  = 'G' | 'E'<<8 | 'T'<<16 | ' '<<24
	version11 = 'H' | 'T'<<8 | 'T'<<16 | 'P'<<24 | '/'<<32 | '1'<<40 | '.'<<48 | '1'<<56
	version10 = 'H' | 'T'<<8 | 'T'<<16 | 'P'<<24 | '/'<<32 | '1'<<40 | '.'<<48 | '0'<<56
	lineBreak = '\r' | '\n'<<8
)

// firstLine reads "method SP target SP version CRLF" and returns the offset behind it.
func (r *Request) firstLine(buf []byte, lim *Limits) (int, *rule) {
	i := 0
	if len(buf) > 0 && (buf[0] == '\r' || buf[0] == '\n') {
		if bad := lineEnd(buf, 0, nil); bad != nil {
			return 0, bad
		}
		i = 2
	}
	j := i + len("GET")
	if j < len(buf) && binary.LittleEndian.Uint32(buf[i:]) == getBlank {
		r.Method = GET // as most are
	} else {
		j = scanToken(buf[:min(len(buf), i+methodBytesMax+1)], i)
		switch {
		case j-i > methodBytesMax:
			return i, methodLong
		case j >= len(buf):
			return j, more
		case buf[j] == '\r' && i == 2 && j == i:
			return j, emptyLines
		case buf[j] != ' ':
			return j, methodByte
		case j == i:
			return j, emptyMethod
		}
		r.Method = MethodOf(buf[i:j])
	}
	r.MethodBytes = buf[i:j:j]

	start := j + 1
	at, query := max(start, int(r.progress.at)), int(r.progress.colon)
	if query < start {
		query = 0 // none yet, or the Progress of other bytes
	}
	end, query, bad := scanTarget(buf, start, at, query, lim.targetBytes())
	if bad == more {
		r.progress.at, r.progress.colon = uint32(end), uint32(query)
	}
	if bad != nil {
		return end, bad
	}
	after, bad := r.version(buf, end+1)
	if bad == more {
		r.progress.at, r.progress.colon = uint32(end), uint32(query)
	}
	if bad != nil {
		return after, bad
	}
	if query == 0 {
		query = end
		r.RawQuery = nil
	} else {
		r.RawQuery = buf[query+1 : end : end]
	}
	r.Target = buf[start:end:end]
	if buf[start] == '/' && r.Method != CONNECT {
		r.Form = OriginForm
		r.Path = buf[start:query:query]
		r.Host = nil
		return after, nil
	}
	if bad = r.otherForm(query - start); bad != nil {
		return start, bad
	}
	return after, nil
}

// scanTarget goes over the target that starts at start, of which everything before
// at is read and query is the offset of its '?', or 0. It returns the offset of the
// SP behind the target and nil; that to go on from and more; or that of the error.
func scanTarget(buf []byte, start, at, query, targetMax int) (int, int, *rule) {
	whole := true
	if most := start + targetMax + 1; len(buf) >= most {
		buf, whole = buf[:most], false
	}
	for query == 0 {
		for uint(at) < uint(len(buf)) && class[buf[at]]&pathByte != 0 {
			at++
		}
		if at >= len(buf) {
			break
		}
		if buf[at] == '?' {
			query = at
		} else if buf[at] == '%' {
			for k := at + 1; k <= at+2; k++ {
				if k >= len(buf) {
					if whole {
						return at, 0, more
					}
					return start + targetMax, 0, targetLong
				}
				if class[buf[k]]&hexByte == 0 {
					return at, 0, percent
				}
			}
			at += 3
		} else {
			break
		}
	}
	if query != 0 {
		for uint(at) < uint(len(buf)) && class[buf[at]]&queryByte != 0 {
			at++
		}
	}
	if at < len(buf) {
		switch c := buf[at]; {
		case c == ' ' && at == start:
			return at, query, emptyTarget
		case c == ' ':
			return at, query, nil
		case c == '#':
			return at, query, fragment
		case c == '\r' || c == '\n':
			return at, query, targetEnd
		}
		return at, query, targetByte
	}
	if whole {
		return at, query, more
	}
	return start + targetMax, query, targetLong
}

// version reads "HTTP/1.x CRLF" at i and returns the offset behind it.
func (h *Head) version(buf []byte, i int) (int, *rule) {
	if i+10 <= len(buf) && binary.LittleEndian.Uint16(buf[i+8:]) == lineBreak {
		switch binary.LittleEndian.Uint64(buf[i:]) {
		case version11:
			h.Minor = 1
			return i + 10, nil
		case version10:
			h.Minor = 0
			return i + 10, nil
		}
	}
	if end, bad := scanVersion(buf, i); bad != nil {
		return end, bad
	}
	if bad := lineEnd(buf, i+8, version); bad != nil {
		return i + 8, bad
	}
	if buf[i+5] != '1' {
		return i + 5, versionMajor
	}
	h.Minor = 1
	if buf[i+7] == '0' {
		h.Minor = 0
	}
	return i + 10, nil
}

// scanVersion checks the eight bytes at i for HTTP-name "/" DIGIT "." DIGIT. The name
// is case-sensitive (RFC 9112 section 2.3).
func scanVersion(buf []byte, i int) (int, *rule) {
	const form = "HTTP/0.0"
	for k := range len(form) {
		if i+k >= len(buf) {
			return i + k, more
		}
		if c := buf[i+k]; c != form[k] && (form[k] != '0' || c < '0' || c > '9') {
			return i + k, version
		}
	}
	return i + 8, nil
}

// otherForm cuts a target that is no plain path. Its '?', or else its end, is at pathEnd.
func (r *Request) otherForm(pathEnd int) *rule {
	t := r.Target
	r.Path, r.Host = nil, nil
	if r.Method == CONNECT {
		colon, ok := splitAuthority(t)
		if !ok || colon == 0 || colon >= len(t)-1 {
			return connectForm
		}
		r.Form, r.Host = AuthorityForm, t
		return nil
	}
	if len(t) == 1 && t[0] == '*' {
		if r.Method != OPTIONS {
			return asteriskForm
		}
		r.Form, r.Path = AsteriskForm, t
		return nil
	}
	host := 0
	if len(t) > 7 && fold(t[:7], "http://") {
		host = 7
	} else if len(t) > 8 && fold(t[:8], "https://") {
		host = 8
	} else {
		return targetForm
	}
	slash := host
	for slash < pathEnd && t[slash] != '/' {
		slash++
	}
	r.Host = t[host:slash:slash]
	if colon, ok := splitAuthority(r.Host); !ok || colon == 0 {
		return targetAuthority
	}
	r.Form, r.Path = AbsoluteForm, t[slash:pathEnd:pathEnd]
	if slash == pathEnd {
		// An empty path is the path "/" (RFC 9110 section 4.2.3). There is one in "//".
		r.Path = t[host-1 : host : host]
	}
	return nil
}
