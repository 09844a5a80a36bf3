package http1

import (
	"strings"
	"testing"
)

func acceptResponse(t *testing.T, method Method, input string) *Response {
	t.Helper()
	if v := judge(t, input, nil, newResponseParser(method)); v.n != len(input) {
		t.Fatalf("%q: %+v", input, v)
	}
	var r Response
	r.Parse([]byte(input), nil, method)
	return &r
}

func refuseResponse(t *testing.T, method Method, input string, want *rule, offset int) {
	t.Helper()
	v := judge(t, input, nil, newResponseParser(method))
	if v.err.Rule != want.text || v.err.Status != 502 || offset >= 0 && v.err.Offset != offset {
		t.Errorf("%q:\n got n %d, %+v\nwant %q at %d", input, v.n, v.err, want.text, offset)
	}
}

func TestRFC9112_4_StatusLine(t *testing.T) {
	for input, reason := range map[string]string{
		"HTTP/1.1 200 OK": "OK", "HTTP/1.1 200 ": "", "HTTP/1.1 200": "", "HTTP/1.1 200 Very  \t well\xff": "Very  \t well\xff",
		"HTTP/1.1 200  ": " ",
	} {
		r := acceptResponse(t, GET, input+"\r\nContent-Length: 0\r\n\r\n")
		if r.Status != 200 || string(r.Reason) != reason {
			t.Errorf("%q: %d %q", input, r.Status, r.Reason)
		}
	}
	for _, c := range []struct {
		line   string
		want   *rule
		offset int
	}{
		{"HTTP/1.1 20 OK", statusCode, 11}, {"HTTP/1.1 2000 OK", statusCode, 12}, {"HTTP/1.1 099 OK", statusCode, 9},
		{"HTTP/1.1 +20 OK", statusCode, 9}, {"HTTP/1.1  200 OK", statusCode, 9}, {"HTTP/1.1 2x0 OK", statusCode, 10},
		{"HTTP/1.1", version, 8}, {"HTTP/1.1\t200", version, 8}, {"HTTP/1.10 200", version, 8}, {"HTTP/2.0 200 OK", versionMajor, 5},
		{"HTTP/2 200 OK", version, 6}, {"http/1.1 200 OK", version, 0}, {" HTTP/1.1 200 OK", version, 0}, {"ICY 200 OK", version, 0},
		{"HTTP/1.1 200 a\x00b", reasonByte, 14}, {"HTTP/1.1 200 a\x7fb", reasonByte, 14}, {"HTTP/1.1 200 a\rb", bareCR, 14},
		{"HTTP/1.1 200\x00", statusCode, 12}, {"HTTP/1.1 200 a\nb", bareLF, 14}, {"HTTP/1.1 200\n", bareLF, 12}, {"HTTP/1.1 200\rx", bareCR, 12},
	} {
		refuseResponse(t, GET, c.line+"\r\n\r\n", c.want, c.offset)
	}
	refuseResponse(t, GET, "\r\nHTTP/1.1 200 OK\r\n\r\n", version, 0)
	refuseResponse(t, GET, "HTTP/1.1 200 "+strings.Repeat("x", headerBytesDefault)[:200]+"\x01", reasonByte, 213)
	if _, err := new(Response).Parse([]byte("HTTP/1.1 200 "+strings.Repeat("x", headerBytesDefault)), nil, GET); err == nil || err.(*Error).Rule != headLong.text {
		t.Error(err)
	}
}

func TestRFC9112_6_3_Body(t *testing.T) {
	for _, c := range []struct {
		method    Method
		head      string
		body      Body
		length    int64
		keepAlive bool
	}{
		{GET, "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n", SizedBody, 7, true},
		{GET, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n", SizedBody, 0, true},
		{GET, "HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n", SizedBody, 7, false},
		{GET, "HTTP/1.0 200 OK\r\nContent-Length: 7\r\n", SizedBody, 7, false},
		{GET, "HTTP/1.0 200 OK\r\nContent-Length: 7\r\nConnection: keep-alive\r\n", SizedBody, 7, true},
		{GET, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n", ChunkedBody, -1, true},
		{GET, "HTTP/1.1 200 OK\r\n", BodyToClose, -1, false},
		{GET, "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n", BodyToClose, -1, false},
		{HEAD, "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n", NoBody, 7, true},
		{HEAD, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n", NoBody, -1, true},
		{HEAD, "HTTP/1.1 200 OK\r\n", NoBody, -1, true},
		{GET, "HTTP/1.1 204 No Content\r\n", NoBody, -1, true},
		{GET, "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n", NoBody, 0, true},
		{GET, "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n", NoBody, 7, true},
		{GET, "HTTP/1.1 100 Continue\r\n", NoBody, -1, true},
		{GET, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n", NoBody, -1, true},
		{GET, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n", Tunnel, -1, false},
		{CONNECT, "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n", Tunnel, -1, false},
		{CONNECT, "HTTP/1.1 407 No\r\nContent-Length: 7\r\n", SizedBody, 7, true},
		{GET, "HTTP/1.1 999 Odd\r\nContent-Length: 7\r\n", SizedBody, 7, true},
		{GET, "HTTP/1.1 200 OK\r\nHost: a b\r\nHost: c\r\nExpect: x\r\nContent-Length: 7\r\n", SizedBody, 7, true},
	} {
		r := acceptResponse(t, c.method, c.head+"\r\n")
		if r.Body != c.body || r.ContentLength != c.length || r.KeepAlive != c.keepAlive {
			t.Errorf("%v %q: body %d, length %d, keep-alive %t", c.method, c.head, r.Body, r.ContentLength, r.KeepAlive)
		}
	}
	for head, want := range map[string]*rule{
		"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n":                                noBody,
		"HTTP/1.1 100 Continue\r\nTransfer-Encoding: chunked\r\n":                         noBody,
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n":                   twoLengths,
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n":          bothLengths,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n":                                  otherCoding,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n":                         otherCoding,
		"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n":                               oldCoding,
		"HTTP/1.1 200 OK\r\nContent-Length: 5,5\r\n":                                      badLength,
		"HTTP/1.1 200 OK\r\nContent-Length : 5\r\n":                                       spaceBeforeColon,
		"HTTP/1.1 200 OK\r\nX: y\r\n z\r\n":                                               folded,
		"HTTP/1.1 200 OK\r\nX: y\nContent-Length: 5\r\n":                                  bareLF,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n": twoCodings,
	} {
		refuseResponse(t, GET, head+"\r\n", want, -1)
	}
}

func TestResponseReset(t *testing.T) {
	r := acceptResponse(t, GET, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n")
	r.Reset()
	if len(r.Fields) != 0 || r.Fields[:1][0].Name != nil || r.Status != 0 || r.Reason != nil || r.ContentLength != -1 {
		t.Errorf("Reset left %+v", r)
	}
}

func TestErrorText(t *testing.T) {
	_, err := new(Request).Parse([]byte("G\x00"), nil)
	if want := "http1: byte 1: RFC 9112 section 3.1: byte in the method that no token contains"; err == nil || err.Error() != want {
		t.Errorf("%v", err)
	}
}
