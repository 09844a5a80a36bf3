package http1

// Each target runs every way of cutting its input (as the tables do) and compares what is
// accepted with the standard library.

import (
	"bufio"
	"fmt"
	"io"
	"net/http/httputil"
	"strings"
	"testing"
)

// fuzzBytesMax bounds inputs, since cutting them everywhere is quadratic.
const fuzzBytesMax = 400

// tight limits are met by short inputs.
var tight = &Limits{TargetBytesMax: 24, HeaderBytesMax: 120, HeaderCountMax: 4, ExtensionBytesMax: 12, TrailerBytesMax: 24}

func FuzzRequest(f *testing.F) {
	for _, seed := range requestSeeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, input string) {
		if len(input) > fuzzBytesMax {
			return
		}
		judge(t, input, tight, newRequestParser)
		if v := judge(t, input, nil, newRequestParser); v.n > 0 {
			var r Request
			r.Parse([]byte(input), nil)
			compareRequest(t, &r, input[:v.n])
		} else if v.err.Rule != "" {
			compareRefusal(t, &v.err, input)
		}
	})
}

func FuzzResponse(f *testing.F) {
	for _, seed := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "HTTP/1.0 404 \r\n\r\n", "HTTP/1.1 304\r\nETag: \"x\"\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n", "HTTP/1.1 101 S\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
		"HTTP/1.1 204 N\r\nContent-Length: 0\r\n\r\n", "HTTP/2.0 200 OK\r\n\r\n", "HTTP/1.1 200 OK\nX: y\n\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, input string) {
		if len(input) > fuzzBytesMax {
			return
		}
		for _, method := range []Method{HEAD, CONNECT} {
			judge(t, input, tight, newResponseParser(method))
		}
		if v := judge(t, input, nil, newResponseParser(GET)); v.n > 0 {
			var r Response
			r.Parse([]byte(input), nil, GET)
			compareResponse(t, &r, input[:v.n])
		}
	})
}

func FuzzChunks(f *testing.F) {
	for _, seed := range []string{
		"5\r\nhello\r\n0\r\n\r\n", "5;a=b;c=\"d;e\\\"\"\r\nhello\r\n000\r\nX: y\r\nZ:\r\n\r\nGET", "A\r\n0123456789\r\n0\r\n\r\n",
		"7fffffffffffffff\r\nx", "0\r\nContent-Length: 5\r\n\r\n", "1\nx\n0\n\n", "5 \r\nhello\r\n0\r\n\r\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		if len(body) > fuzzBytesMax {
			return
		}
		decodeEvery(t, body, tight)
		said := decodeEvery(t, body, nil)
		if !strings.Contains(said, ", whole with ") {
			return
		}
		data, err := io.ReadAll(httputil.NewChunkedReader(bufio.NewReader(strings.NewReader(body))))
		if err != nil {
			t.Fatalf("%q: %s, but net/http says %v", body, said, err)
		}
		if want := fmt.Sprintf("%q, whole", data); !strings.HasPrefix(said, want) {
			t.Fatalf("%q: %s, but net/http has %q", body, said, data)
		}
	})
}

func FuzzQuery(f *testing.F) {
	for _, seed := range []string{"a=1&b=2", "&&a&=&b=%41+%zz", "a;b=c", "%", "a=%e2%82%ac"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, query []byte) {
		compareQuery(t, query)
		back, err := AppendUnescape(nil, AppendEscape(nil, query, true), true)
		if err != nil || string(back) != string(query) {
			t.Fatalf("%q: %q %v", query, back, err)
		}
		apart, err1 := AppendUnescape(nil, query, false)
		inPlace, err2 := AppendUnescape(query[:0], query, false)
		if (err1 == nil) != (err2 == nil) || err1 == nil && string(apart) != string(inPlace) {
			t.Fatalf("in place %q %v, apart %q %v", inPlace, err2, apart, err1)
		}
	})
}

func FuzzCookies(f *testing.F) {
	for _, seed := range []string{"a=1; b=2", `a="1 2";b`, "a[b]={\"c\":1}; =; ;", "a=\x01;b=\xff", "a = \"b\" ;c=\"", "a=b=c"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, field string) { compareCookies(t, field) })
}

func FuzzEncode(f *testing.F) {
	f.Add("X-A", "b", "GET", "/a?b", "data")
	f.Add("0", "0", "0", "\\", "") // once sent a target that Parse refused
	f.Add("X: a\r\nB", "c\r\n\r\n", "G E", "/ HTTP/1.1\r\n", "\r\n0\r\n\r\n")
	f.Fuzz(func(t *testing.T, name, value, method, target, data string) {
		head, err := AppendRequestLine(nil, method, target)
		if err != nil {
			head, _ = AppendRequestLine(nil, "GET", "/")
		}
		head = append(head, "Host: h\r\n"...)
		start := len(head)
		head = AppendField(head, name, value)
		added := len(head) > start
		head = append(head, "\r\n"...)
		var r Request
		n, err := r.Parse(head, nil)
		if e, ok := err.(*Error); ok {
			// A method, form, host or length may be refused; its shape may not be wrong.
			for _, shape := range []*rule{emptyMethod, methodByte, emptyTarget, targetByte, targetEnd, fragment, version, versionMajor,
				bareCR, bareLF, folded, emptyName, spaceBeforeColon, noColon, nameByte, badValue} {
				if e.Rule == shape.text {
					t.Fatalf("%q: %v", head, e)
				}
			}
			return
		}
		if n != len(head) || added && len(r.Fields) != 2 || !added && len(r.Fields) != 1 {
			t.Fatalf("%q: %d bytes, fields %q", head, n, r.Fields)
		}
		var d ChunkDecoder
		body := AppendLastChunk(AppendChunk(nil, data), []Field{{[]byte(name), []byte(value)}})
		got := ""
		for rest := body; !d.Done(); {
			piece, n, err := d.Next(rest)
			if err != nil || n == 0 {
				t.Fatalf("%q: %d %v", body, n, err)
			}
			got, rest = got+string(piece), rest[n:]
		}
		if got != data || len(d.Trailer) > 1 {
			t.Fatalf("%q: %q, trailer %q", body, got, d.Trailer)
		}
	})
}
