package http1

import (
	"strings"
	"testing"
	"time"
)

// TestNoAllocations holds the promise that parsing and encoding cost the collector nothing.
func TestNoAllocations(t *testing.T) {
	var request Request
	var response Response
	var chunks ChunkDecoder
	browser := []byte(browserRequest)
	answer := []byte("HTTP/1.1 200 OK\r\nContent-Length: 13\r\nServer: x\r\n\r\n")
	body := []byte("5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n")
	query, cookie := []byte("a=1&b=%41+x&c"), []byte("a=1; b=\"2\"; c=3")
	dst := make([]byte, 0, 4096)
	now := time.Unix(784111777, 0)
	total := 0
	for name, f := range map[string]func(){
		"Request.Parse": func() { request.Parse(browser, nil) },
		"Request.Parse in two parts": func() {
			request.Parse(browser[:500], nil)
			if n, _ := request.Parse(browser, nil); n != len(browser) {
				t.Fatal(n)
			}
		},
		"Response.Parse": func() { response.Parse(answer, nil, GET) },
		"Lookup":         func() { total += len(request.Field("accept-language")) },
		"ChunkDecoder": func() {
			chunks.Reset()
			for rest := body; !chunks.Done(); {
				data, n, _ := chunks.Next(rest)
				total += len(data)
				rest = rest[n:]
			}
		},
		"EachPair":   func() { EachPair(query, func(k, v []byte) bool { total += len(k) + len(v); return true }) },
		"EachCookie": func() { EachCookie(cookie, func(k, v []byte) bool { total += len(k) + len(v); return true }) },
		"Append": func() {
			b := AppendStatusLine(dst, 1, 200)
			b = AppendStatusLine(b, 0, 299)
			b = AppendField(b, "Date", AppendDate(dst[2048:2048], now))
			b = AppendContentLength(b, 12345)
			b = AppendChunk(b, body)
			b = AppendLastChunk(b, request.Fields)
			b, _ = AppendRequestLine(b, "GET", "/a")
			b = AppendEscape(b, "a b", true)
			b, _ = AppendUnescape(b, query, true)
			total += len(b)
		},
	} {
		f()
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
	bad := []byte("GET / HTTP/1.1\r\nHost: a b\r\n\r\n")
	if n := testing.AllocsPerRun(100, func() { request.Parse(bad, nil) }); n > 1 {
		t.Errorf("a refusal: %v allocations", n)
	}
}

// TestResumeCost holds that a call costs what is new in it: a head of 32 KiB that arrives
// a byte at a time must be read no more than a few times in all. It counts, since time
// would not be the same on every machine: what Progress says is read is never read again.
func TestResumeCost(t *testing.T) {
	for name, input := range map[string]string{
		"target": "GET /" + strings.Repeat("a", 8000), "query": "GET /?" + strings.Repeat("a", 8000), "name": "GET / HTTP/1.1\r\n" + strings.Repeat("a", 8000),
		"value": "GET / HTTP/1.1\r\nA:" + strings.Repeat("a", 8000), "fields": "GET / HTTP/1.1\r\n" + strings.Repeat("A: b\r\n", 99),
	} {
		var r Request
		for i := 1; i <= len(input); i++ {
			if n, err := r.Parse([]byte(input[:i]), nil); n != 0 || err != nil {
				t.Fatal(name, n, err)
			}
			// Short of the parts that are bounded by themselves: method, version, an escape.
			if at := int(r.Progress().at); i > 60 && at < i-15 {
				t.Fatalf("%s: after %d bytes the next call goes on at %d", name, i, at)
			}
		}
	}
}
