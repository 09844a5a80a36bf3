package http1

// Responses, as a client or a gateway reads them.
//
// Contract: as in head.go. Where a response ends depends on the request it answers
// (RFC 9112 section 6.3), so Parse is told the method. It is as strict as
// Request.Parse, with two exceptions that cannot move the end of a message: the SP
// before an absent reason phrase may be absent too, and a status code may be any
// three digits from 100 up.

// Body is how the end of a response's body is found.
type Body uint8

const (
	NoBody      Body = iota // there is none, whatever the fields say
	SizedBody               // it has ContentLength bytes, perhaps 0
	ChunkedBody             // a ChunkDecoder finds the end
	BodyToClose             // it ends with the connection, and may have been cut off
	Tunnel                  // 2xx to CONNECT or 101: what follows is no HTTP/1
)

// A Response is the head of a response. The zero value is ready for Parse; one
// Response serves any number of them in turn. Its slices are borrowed.
type Response struct {
	Head
	Status int    // 100 to 999; treat one above 599 as 500 (RFC 9110 section 15)
	Reason []byte // as it was sent, perhaps empty, of no meaning
	Body   Body
}

// Parse reads the head of a response to a request of that method from the start of
// buf. What it returns is what Request.Parse returns; the Status of an error is 502.
// A response with status 1xx other than 101 is followed by another one.
//
// ContentLength may be set with NoBody: in an answer to HEAD, or with status 304, it
// is the length that the body would have. A 1xx or 204 with content is refused.
// lim may be nil; TargetBytesMax does not apply.
func (r *Response) Parse(buf []byte, lim *Limits, request Method) (n int, err error) {
	end, seen, bad := r.parse(r, buf, lim)
	if bad == nil {
		if bad = r.finish(seen, request); bad == nil {
			return end, nil
		}
		end -= 2
	}
	if bad == more {
		return 0, nil
	}
	return 0, &Error{Status: 502, Rule: bad.text, Offset: end}
}

// Reset forgets the response, the progress of one that is incomplete, and every
// pointer into a buffer. It keeps the array of Fields.
func (r *Response) Reset() {
	fields := r.Fields[:cap(r.Fields)]
	clear(fields)
	*r = Response{Head: Head{Fields: fields[:0], ContentLength: -1}}
}

// isRequest: the Host field, expectations and the like are nothing in a response.
func (r *Response) isRequest() bool { return false }

// firstLine reads "version SP status [SP reason] CRLF". With more, progress says where
// the scan of the reason phrase goes on.
func (r *Response) firstLine(buf []byte, _ *Limits) (int, *rule) {
	const codeAt, reasonAt = 9, 13
	if end, bad := scanVersion(buf, 0); bad == more {
		return 0, more
	} else if bad != nil {
		return end, bad
	}
	if len(buf) < codeAt {
		return 0, more
	}
	if buf[codeAt-1] != ' ' {
		return codeAt - 1, version
	}
	if buf[5] != '1' {
		return 5, versionMajor
	}
	r.Minor = 1
	if buf[7] == '0' {
		r.Minor = 0
	}
	status := 0
	for i := codeAt; i < codeAt+3; i++ {
		if i >= len(buf) {
			return 0, more
		}
		if c := buf[i]; c < '0' || c > '9' || c == '0' && i == codeAt {
			return i, statusCode
		}
		status = status*10 + int(buf[i]-'0')
	}
	r.Status = status
	end := reasonAt - 1
	if end < len(buf) && buf[end] == ' ' {
		end = scanValue(buf, max(reasonAt, int(r.progress.at)))
		r.Reason = buf[reasonAt:end:end]
		bad := lineEnd(buf, end, reasonByte)
		if bad == more {
			r.progress.at = uint32(end)
		}
		if bad != nil {
			return end, bad
		}
		return end + 2, nil
	}
	r.Reason = nil
	if bad := lineEnd(buf, end, statusCode); bad == more {
		return 0, more
	} else if bad != nil {
		return end, bad
	}
	return end + 2, nil
}

// finish decides about the body and the connection by the complete head.
func (r *Response) finish(seen uint16, request Method) *rule {
	r.KeepAlive = persistent(seen)
	r.Upgrade = seen&(seenOld|seenUpgrade|seenUpgradeOption) == seenUpgrade|seenUpgradeOption
	switch {
	case request == CONNECT && r.Status/100 == 2:
		// Fields about length are without meaning here (RFC 9110 section 9.3.6).
		r.Body, r.ContentLength, r.Chunked = Tunnel, -1, false
		r.KeepAlive = false
	case r.Status/100 == 1 || r.Status == 204:
		if seen&seenCoding != 0 || r.ContentLength > 0 {
			return noBody
		}
		r.Body = NoBody
		if r.Status == 101 {
			r.Body, r.KeepAlive = Tunnel, false
		}
	case request == HEAD || r.Status == 304:
		r.Body = NoBody
	case r.Chunked:
		r.Body = ChunkedBody
	case r.ContentLength >= 0:
		r.Body = SizedBody
	default:
		r.Body, r.KeepAlive = BodyToClose, false
	}
	return nil
}
