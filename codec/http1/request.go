package http1

// Requests: what one is made of, and what it must be as a whole.
//
// Contract: as in head.go. The request line is in requestline.go; finish judges what
// only the complete head shows.

import "bytes"

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
// field that differs from the authority of the target, but in a CONNECT, and does not know
// any transfer coding but chunked.
func (r *Request) Parse(buf []byte, lim *Limits) (n int, err error) {
	end, seen, bad := r.parse(r, buf, lim)
	if bad == nil {
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
		return 0, nil
	}
	return 0, bad.at(end)
}

// Reset forgets the request, the progress of one that is incomplete, and every
// pointer into a buffer. It keeps the array of Fields.
func (r *Request) Reset() {
	fields := r.Fields[:cap(r.Fields)]
	clear(fields)
	*r = Request{Head: Head{Fields: fields[:0], ContentLength: -1}}
}

// finish judges the complete head and sets what follows from all of it.
func (r *Request) finish(seen uint16, lim *Limits) *rule {
	if seen&seenHost == 0 {
		if r.Minor != 0 {
			return noHost
		}
	} else if host := r.Fields[r.hostAt].Value; r.Host == nil {
		r.Host = host
	} else if r.Method != CONNECT && !fold(host, r.Host) {
		// RFC 9110 section 7.2: identical. In a CONNECT many clients name the proxy, or omit
		// the port, and nobody takes it for the destination.
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
