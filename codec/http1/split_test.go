package http1

// Every message that a test here accepts or refuses goes through judge or judgeResponse,
// which parse it whole, in two pieces at every offset, and a byte at a time, in memory
// that moves, with the Progress carried from one Request to another.

import (
	"errors"
	"fmt"
	"testing"
)

// verdict is what a parser said: n of a head, or the error.
type verdict struct {
	n   int
	err Error
	of  string // everything that was parsed, as text
}

func verdictOf(n int, err error, describe func() string) verdict {
	v := verdict{n: n}
	if err != nil {
		e, ok := errors.AsType[*Error](err)
		if !ok {
			panic(fmt.Sprintf("untyped error %v", err))
		}
		v.err = *e
	} else if n > 0 {
		v.of = describe()
	}
	return v
}

func describeHead(h *Head) string {
	s := fmt.Sprintf("CL %d minor %d chunked %t keep-alive %t upgrade %t", h.ContentLength, h.Minor, h.Chunked, h.KeepAlive, h.Upgrade)
	for _, f := range h.Fields {
		s += fmt.Sprintf("\n%q: %q", f.Name, f.Value)
	}
	return s
}

func describeRequest(r *Request) string {
	return fmt.Sprintf("%q %d form %d %q path %q query %q host %q expect %t trailers %t %s", r.MethodBytes, r.Method, r.Form,
		r.Target, r.Path, r.RawQuery, r.Host, r.ExpectContinue, r.AcceptTrailers, describeHead(&r.Head))
}

func describeResponse(r *Response) string {
	return fmt.Sprintf("%d %q body %d %s", r.Status, r.Reason, r.Body, describeHead(&r.Head))
}

// parser is a Request or a Response.
type parser interface {
	parse(buf []byte, lim *Limits) verdict
	Progress() Progress
	Resume(Progress)
}

type requestParser struct{ Request }

func (p *requestParser) parse(buf []byte, lim *Limits) verdict {
	n, err := p.Parse(buf, lim)
	return verdictOf(n, err, func() string { return describeRequest(&p.Request) })
}

type responseParser struct {
	Response
	method Method
}

func (p *responseParser) parse(buf []byte, lim *Limits) verdict {
	n, err := p.Parse(buf, lim, p.method)
	return verdictOf(n, err, func() string { return describeResponse(&p.Response) })
}

// judge returns the verdict on the whole of input, having checked that no way of cutting
// it changes that, and that no prefix claims to need more after a shorter one did not.
func judge(t testing.TB, input string, lim *Limits, fresh func() parser) verdict {
	t.Helper()
	whole := fresh().parse([]byte(input), lim)
	if whole.n > len(input) || whole.n > 0 && whole.err.Rule != "" {
		t.Fatalf("%q: nonsense: %+v", input, whole)
	}
	same := func(how string, at int, got verdict) {
		t.Helper()
		if got != whole {
			t.Fatalf("%q: %s at %d:\n got %+v\nwant %+v", input, how, at, got, whole)
		}
	}
	same("again in a used parser", 0, func() verdict {
		p := fresh()
		p.parse([]byte("GET /used?x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"), nil)
		p.parse([]byte("HTTP/1.0 200 Used\r\nConnection: keep-alive\r\n\r\n"), nil)
		return p.parse([]byte(input), lim)
	}())

	// One parser gets one byte more each time; another gets its Progress from the one before.
	dripped, lent := fresh(), Progress{}
	settled := false
	for i := range len(input) + 1 {
		prefix := []byte(input[:i])
		got := dripped.parse(prefix, lim)
		borrower := fresh()
		borrower.Resume(lent)
		resumed := borrower.parse(append(make([]byte, 0, i+i%7), prefix...), lim)
		lent = borrower.Progress()
		if got != resumed {
			t.Fatalf("%q: prefix of %d: dripped %+v, resumed %+v", input, i, got, resumed)
		}
		unseen := fresh().parse(prefix, lim)
		if got != unseen {
			t.Fatalf("%q: prefix of %d: dripped %+v, parsed at once %+v", input, i, got, unseen)
		}
		if got.n == 0 && got.err.Rule == "" {
			if settled {
				t.Fatalf("%q: prefix of %d: more is needed after it was not", input, i)
			}
			if whole.n > 0 && i >= whole.n {
				t.Fatalf("%q: prefix of %d: complete at %d, and yet more is needed", input, i, whole.n)
			}
			continue
		}
		settled = true
		same("a byte at a time", i, got)
		dripped = fresh()
		lent = Progress{}
	}
	for i := 1; i < len(input); i++ {
		p := fresh()
		first := p.parse([]byte(input[:i]), lim)
		if first.n != 0 || first.err.Rule != "" {
			same("first part", i, first)
			continue
		}
		same("second part", i, p.parse([]byte(input), lim))
	}
	return whole
}

func newRequestParser() parser { return new(requestParser) }

func newResponseParser(method Method) func() parser {
	return func() parser { return &responseParser{method: method} }
}

// accept checks that input is a complete request and returns it, parsed.
func accept(t *testing.T, input string) *Request {
	t.Helper()
	return acceptWithin(t, input, nil)
}

func acceptWithin(t *testing.T, input string, lim *Limits) *Request {
	t.Helper()
	v := judge(t, input, lim, newRequestParser)
	if v.n != len(input) {
		t.Fatalf("%q: %+v", input, v)
	}
	// What follows belongs to the next message, whatever it is.
	if n, err := new(Request).Parse([]byte(input+"\x00\r"), lim); n != len(input) || err != nil {
		t.Fatalf("%q: with bytes behind it: %d, %v", input, n, err)
	}
	var r Request
	r.Parse([]byte(input), lim)
	return &r
}

// refuse checks that input breaks that rule at that offset. A negative offset is any.
func refuse(t *testing.T, input string, want *rule, offset int) {
	t.Helper()
	refuseWithin(t, input, nil, want, offset)
}

func refuseWithin(t *testing.T, input string, lim *Limits, want *rule, offset int) {
	t.Helper()
	v := judge(t, input, lim, newRequestParser)
	if v.err.Rule != want.text || v.err.Status != want.status || offset >= 0 && v.err.Offset != offset {
		t.Errorf("%q:\n got n %d, %+v\nwant %q at %d", input, v.n, v.err, want.text, offset)
	}
	if v.err.Offset > len(input) {
		t.Errorf("%q: offset %d lies behind the input", input, v.err.Offset)
	}
}

// TestForeignProgress holds that a Progress of other bytes never lets a bad head through.
func TestForeignProgress(t *testing.T) {
	good := "POST /abc?d HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nX-Long-Enough: yes\r\n\r\n"
	for _, bad := range []string{
		"METHOD-OF-LENGTH / HTTP/1.1\r\nHost: \x01\r\nContent-Length: 5\r\nX-Long-Enough: yes\r\n\r\n",
		"\r\nMETHODS /?\x00 HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nX-Long-Enough: yes\r\n\r\n",
		"POST /\x00bc?d HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nX-Long-Enough: yes\r\n\r\n",
		"POST /abc?d HTTP/1.1\r\nHost: \x01\r\nContent-Length: 5\r\nX-Long-Enough: yes\r\n\r\n",
		"POST /abc?d HTTP/1.1\r\nHost: h\r\nContent-Length:x5\r\nX-Long-Enough: yes\r\n\r\n",
		"POST /abc?d HTTP/1.1\r\nHost: h\r\nContent Length: 5\r\nX-Long-Enough: yes\r\n\r\n",
		"POST /abc?d HTTP/1.1\nHost: h\r\nContent-Length: 5\r\nX-Long-Enough: yes\r\n\r\n!",
	} {
		for i := 1; i < len(good); i++ {
			var first, second Request
			first.Parse([]byte(good[:i]), nil)
			second.Resume(first.Progress())
			if n, _ := second.Parse([]byte(bad), nil); n != 0 {
				t.Errorf("%q accepted after %q", bad, good[:i])
			}
			if n, err := second.Parse([]byte(bad[:1]), nil); n != 0 || err != nil {
				t.Errorf("%d, %v for the first byte of %q", n, err, bad)
			}
		}
	}
}
