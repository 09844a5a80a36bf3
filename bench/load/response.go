package load

import (
	"bytes"
	"errors"
	"fmt"
)

// Response is what one HTTP/1.1 response was found to be.
type Response struct {
	Status int
	Size   int  // bytes of head and body together
	Body   int  // bytes of the body, by Content-Length
	Close  bool // the server said that it closes the connection
}

// ErrResponse is what every error of Scan wraps.
var ErrResponse = errors.New("bad response")

// headMax bounds a head that never ends.
const headMax = 16 << 10

var (
	lineEnd       = []byte("\r\n")
	emptyLine     = []byte("\r\n\r\n")
	statusVersion = []byte("HTTP/1.1 ")
	contentLength = []byte("content-length")
	connection    = []byte("connection")
	transferCode  = []byte("transfer-encoding")
)

// Scan reads the first response in b. Size is 0 while b does not hold all of
// it. The body must be framed by Content-Length. What Scan returns depends on
// no byte after the response: Memo relies on that.
func Scan(b []byte) (Response, error) {
	if n := min(len(b), len(statusVersion)); !bytes.Equal(b[:n], statusVersion[:n]) {
		return Response{}, fmt.Errorf("%w: version %q", ErrResponse, b[:n])
	}
	end := bytes.Index(b, emptyLine)
	if end < 0 {
		if len(b) > headMax {
			return Response{}, fmt.Errorf("%w: head of more than %d bytes", ErrResponse, headMax)
		}
		return Response{}, nil
	}
	status, fields, _ := bytes.Cut(b[len(statusVersion):end+len(lineEnd)], lineEnd)
	var r Response
	if len(status) < 3 || len(status) > 3 && status[3] != ' ' {
		return Response{}, fmt.Errorf("%w: status line %q", ErrResponse, status)
	}
	code, err := digits(status[:3])
	if err != nil {
		return Response{}, err
	}
	r.Status, r.Body = code, -1
	for len(fields) > 0 {
		var line []byte
		line, fields, _ = bytes.Cut(fields, lineEnd)
		if err := r.field(line); err != nil {
			return Response{}, err
		}
	}
	if r.Body < 0 {
		return Response{}, fmt.Errorf("%w: no Content-Length", ErrResponse)
	}
	size := end + len(emptyLine) + r.Body
	if len(b) < size {
		return Response{}, nil
	}
	r.Size = size
	return r, nil
}

// field takes note of one line of the head.
func (r *Response) field(line []byte) error {
	name, value, found := bytes.Cut(line, []byte(":"))
	if !found || len(name) == 0 {
		return fmt.Errorf("%w: line %q", ErrResponse, line)
	}
	switch {
	case bytes.EqualFold(name, contentLength):
		if r.Body >= 0 {
			return fmt.Errorf("%w: two Content-Length", ErrResponse)
		}
		n, err := digits(bytes.TrimSpace(value))
		if err != nil {
			return err
		}
		r.Body = n
	case bytes.EqualFold(name, connection):
		r.Close = bytes.EqualFold(bytes.TrimSpace(value), []byte("close"))
	case bytes.EqualFold(name, transferCode):
		return fmt.Errorf("%w: Transfer-Encoding", ErrResponse)
	}
	return nil
}

// digits reads a decimal number of one to nine digits.
func digits(b []byte) (int, error) {
	if len(b) == 0 || len(b) > 9 {
		return 0, fmt.Errorf("%w: number %q", ErrResponse, b)
	}
	n := 0
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, fmt.Errorf("%w: number %q", ErrResponse, b)
		}
		n = n*10 + int(c-'0')
	}
	return n, nil
}

// Memo is Scan with a memory of one: bytes that begin with the last response
// scanned in full are that response again. A server's replies differ only when
// the second in Date does, so the load generator stays cheaper than what it loads.
type Memo struct {
	known    []byte
	response Response
}

// Scan is as the function Scan.
func (m *Memo) Scan(b []byte) (Response, error) {
	if n := len(m.known); n > 0 && len(b) >= n && string(b[:n]) == string(m.known) {
		return m.response, nil
	}
	r, err := Scan(b)
	if err == nil && r.Size > 0 {
		m.known, m.response = append(m.known[:0], b[:r.Size]...), r
	}
	return r, err
}
