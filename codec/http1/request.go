package http1

// Requests: the request line, and what a request as a whole must be.
//
// Contract: as in head.go. requestLine can start over at little cost, because all
// but the target is bounded by a few bytes; for the target, Progress says where to
// go on. finish judges what only the complete head shows.

import (
	"bytes"
	"encoding/binary"
)

// Form is which of the four shapes of RFC 9112 section 3.2 a target has.
type Form uint8

const (
	OriginForm    Form = iota // "/path?query"
	AbsoluteForm              // "http://host/path?query"
	AuthorityForm             // "host:port", of CONNECT only
	AsteriskForm              // "*", of OPTIONS only
)

// A Request is the head of a request. The zero value is ready for Parse; one Request
// serves any number of them in turn. All its slices are borrowed from the buffer that
// was parsed, none is percent-decoded.
type Request struct {
	Head
	// MethodBytes is the method as it was sent; Method its number.
	MethodBytes []byte
	Method      Method
	Form        Form
	// ExpectContinue: the client waits for 100 (Continue) before it sends the body
	// (RFC 9110 section 10.1.1). Never in HTTP/1.0.
	ExpectContinue bool
	// AcceptTrailers: TE lists trailers (RFC 9110 section 10.1.4).
	AcceptTrailers bool
	// Target is the request target as it was sent.
	Target []byte
	// Path is the target up to '?', in absolute-form without scheme and authority.
	// It starts with '/', also if the absolute-form has no path; it is "*" in
	// asterisk-form and empty in authority-form. Each '%' has two hexadecimal digits
	// behind it.
	Path []byte
	// RawQuery is what follows the first '?' of the target. A '%' in it may be followed
	// by anything, since browsers send it so; AppendUnescape tells.
	RawQuery []byte
	// Host is the host with its port, from the target if it names one and otherwise
	// from the Host field (RFC 9112 section 3.3). Empty if the client sent an empty
	// Host, or none in HTTP/1.0.
	Host []byte
}

// Parse reads the head of a request from the start of buf.
//
// It returns the length of the head with its blank line, and nil; 0 and nil if buf
// ends before the head does; or 0 and an *Error, as soon as the bytes contain one:
// no further byte can mend it. After an error the connection is of no use, for
// nobody can tell where the next request starts.
//
// After 0 and nil, call it again with the same bytes and more behind them, wherever
// they are now: it goes on where it stopped. For the bytes of another connection, call
// Reset (or Resume) first. lim may be nil.
//
// A Request without Chunked and with a ContentLength of -1 has no body (RFC 9112
// section 6.3). One empty line before the request line is skipped (section 2.2) and
// counts as part of the head. Parse is stricter than the grammar in what a host is
// made of, refuses a repeated Content-Length even of the same value, refuses a Host
// field that differs from the authority of the target, and does not know any transfer
// coding but chunked.
func (r *Request) Parse(buf []byte, lim *Limits) (n int, err error) {
	if most := lim.headerBytes(); len(buf) > most {
		buf = buf[:most]
	}
	if uint(r.progress.at) > uint(len(buf)) {
		r.progress = Progress{} // other bytes than before: the caller's mistake
	}
	resumed := r.progress.at != 0
	if resumed {
		r.Fields = r.Fields[:0] // the last pass fills it
	} else {
		r.clear()
	}
	end, bad := r.read(buf, lim)
	if resumed && bad == nil {
		r.clear()
		end, bad = r.read(buf, lim)
	}
	if bad == nil {
		seen := r.progress.seen
		r.progress = Progress{}
		if bad = r.finish(seen, lim); bad == nil {
			return end, nil
		}
		end -= 2 // the blank line is what makes the head one without something
		if bad == otherHost {
			end = len(r.MethodBytes) + 1
			if buf[0] == '\r' {
				end += 2
			}
		}
	}
	if bad == more {
		if len(buf) < lim.headerBytes() {
			return 0, nil
		}
		if end, bad = len(buf), headLong; r.progress.line == 0 {
			bad = targetLong
		}
	}
	r.progress = Progress{}
	return 0, bad.at(end)
}

// Reset forgets the request, the progress of one that is incomplete, and every
// pointer into a buffer. It keeps the array of Fields.
func (r *Request) Reset() {
	fields := r.Fields[:cap(r.Fields)]
	clear(fields)
	*r = Request{Head: Head{Fields: fields[:0], ContentLength: -1}}
}

// clear prepares for a head from its first byte.
func (r *Request) clear() {
	r.Fields = r.Fields[:0]
	r.ContentLength = -1
	r.Chunked = false
	r.host = nil
	r.progress = Progress{}
}

// read is one pass from r.progress on.
func (r *Request) read(buf []byte, lim *Limits) (int, *rule) {
	if r.progress.line == 0 {
		end, bad := r.requestLine(buf, lim.targetBytes())
		if bad != nil {
			return end, bad
		}
		var seen uint16
		if r.Minor == 0 {
			seen = seenOld
		}
		r.progress = Progress{line: uint32(end), at: uint32(end), seen: seen}
	}
	return r.section(buf, true, lim.headerCount())
}

// The ends of most request lines, as little-endian numbers.
const (
	version11 = 'H' | 'T'<<8 | 'T'<<16 | 'P'<<24 | '/'<<32 | '1'<<40 | '.'<<48 | '1'<<56
	version10 = 'H' | 'T'<<8 | 'T'<<16 | 'P'<<24 | '/'<<32 | '1'<<40 | '.'<<48 | '0'<<56
	lineBreak = '\r' | '\n'<<8
)

// requestLine reads "method SP target SP version CRLF" and returns the offset behind it.
func (r *Request) requestLine(buf []byte, targetMax int) (int, *rule) {
	i := 0
	if len(buf) > 0 && (buf[0] == '\r' || buf[0] == '\n') {
		if bad := lineEnd(buf, 0, nil); bad != nil {
			return 0, bad
		}
		i = 2
	}
	j := i
	for j < len(buf) && class[buf[j]]&tokenByte != 0 && j-i <= methodBytesMax {
		j++
	}
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
	r.MethodBytes = buf[i:j:j]
	r.Method = MethodOf(r.MethodBytes)

	start := j + 1
	at, query := max(start, int(r.progress.at)), int(r.progress.colon)
	if query < start {
		query = 0 // none yet, or the Progress of other bytes
	}
	end, query, bad := scanTarget(buf, start, at, query, targetMax)
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

// finish judges the complete head and sets what follows from all of it.
func (r *Request) finish(seen uint16, lim *Limits) *rule {
	if seen&seenHost == 0 {
		if r.Minor != 0 {
			return noHost
		}
	} else if r.Host == nil {
		r.Host = r.host
	} else if !sameAuthority(r.host, r.Host, r.Method == CONNECT) {
		return otherHost
	}
	if (r.Method == CONNECT || r.Method == TRACE) && (r.Chunked || r.ContentLength > 0) {
		return noContent
	}
	if most := lim.queryPairs(); len(r.RawQuery) >= most && bytes.Count(r.RawQuery, ampersand) >= most {
		return pairsMany
	}
	if seen&seenCookie != 0 && r.cookiesAbove(lim.cookieCount()) {
		return cookiesMany
	}
	r.KeepAlive = persistent(seen)
	r.Upgrade = seen&(seenOld|seenUpgrade|seenUpgradeOption) == seenUpgrade|seenUpgradeOption
	r.ExpectContinue = seen&seenExpect != 0
	r.AcceptTrailers = seen&seenTrailersOK != 0
	return nil
}

// cookiesAbove reports whether there are more than most cookies, the empty ones between
// two semicolons included: a bound on the work of EachCookie.
func (r *Request) cookiesAbove(most int) bool {
	n := 0
	for i := range r.Fields {
		f := &r.Fields[i]
		if len(f.Name) == len("cookie") && fold(f.Name, "cookie") {
			n += bytes.Count(f.Value, semicolon) + 1
		}
	}
	return n > most
}

var semicolon, ampersand = []byte{';'}, []byte{'&'}
