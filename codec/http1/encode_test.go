package http1

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestRFC9110_15_StatusText(t *testing.T) {
	// net/http has older names for these; RFC 9110 renamed them.
	renamed := map[int]string{413: "Content Too Large", 414: "URI Too Long", 416: "Range Not Satisfiable", 422: "Unprocessable Content",
		418: ""}
	for status := -1; status < 1200; status++ {
		want, ok := renamed[status]
		if !ok {
			want = http.StatusText(status)
		}
		if got := StatusText(status); got != want {
			t.Errorf("%d: %q, want %q", status, got, want)
		}
	}
}

func TestStatusLine(t *testing.T) {
	for status := 100; status < 1000; status++ {
		for minor := uint8(0); minor < 2; minor++ {
			head := string(AppendStatusLine([]byte("x"), minor, status))[1:] + "\r\n"
			var r Response
			if n, err := r.Parse([]byte(head), nil, GET); n != len(head) || err != nil || r.Status != status || r.Minor != minor || string(r.Reason) != StatusText(status) {
				t.Fatalf("%q: %d %v", head, n, err)
			}
		}
	}
	for _, status := range []int{-1, 0, 99, 1000} {
		mustPanic(t, func() { AppendStatusLine(nil, 1, status) })
	}
}

func mustPanic(t *testing.T, f func()) {
	t.Helper()
	defer func() {
		if s, ok := recover().(string); !ok || !strings.HasPrefix(s, "http1: ") {
			t.Errorf("panic %q", s)
		}
	}()
	f()
}

func TestAppendField(t *testing.T) {
	for _, c := range []struct{ name, value, want string }{
		{"X", "y", "X: y\r\n"},
		{"X", "", "X: \r\n"},
		{"X", "a\tb\xff", "X: a\tb\xff\r\n"},
		{"X", "a\r\nSet-Cookie: b", "X: a  Set-Cookie: b\r\n"},
		{"X", "01234567\x00\n\r\x7f", "X: 01234567    \r\n"},
		{"X: y\r\nZ", "a", ""}, {"", "a", ""}, {"X ", "a", ""}, {"X:", "a", ""}, {"Ü", "a", ""},
	} {
		if got := string(AppendField([]byte("."), c.name, []byte(c.value))); got != "."+c.want {
			t.Errorf("%q %q: got %q", c.name, c.value, got)
		}
	}
	for value, want := range map[string]bool{"": true, "a": true, "a b": true, "a\tb": true, "\xff": true, " a": false, "a ": false, "\t": false,
		"a\x00": false, "a\nb": false, "a\rb": false, "\x7f": false} {
		if ValidFieldValue(value) != want || ValidFieldValue([]byte(value)) != want {
			t.Errorf("ValidFieldValue(%q)", value)
		}
	}
	for name, want := range map[string]bool{"": false, "a": true, "a-B_9": true, "a b": false, "a:": false, "a\x80": false} {
		if ValidFieldName(name) != want {
			t.Errorf("ValidFieldName(%q)", name)
		}
	}
	if got := string(AppendContentLength(nil, 1<<63-1)); got != "Content-Length: 9223372036854775807\r\n" {
		t.Error(got)
	}
	mustPanic(t, func() { AppendContentLength(nil, -1) })
}

func TestRequestRoundTrip(t *testing.T) {
	head, err := AppendRequestLine(nil, "POST", "/a?b=c")
	if err != nil {
		t.Fatal(err)
	}
	head = AppendField(head, "Host", "h")
	head = AppendField(head, "X-Y", "z")
	head = AppendContentLength(head, 12)
	head = append(head, "\r\n"...)
	r := accept(t, string(head))
	if r.Method != POST || string(r.Target) != "/a?b=c" || string(r.Field("x-y")) != "z" || r.ContentLength != 12 {
		t.Error(describeRequest(r))
	}
	for _, target := range []string{"/%41?%zz", `/?\`, "*", "http://h/", "h:1", "/[]^`{|}"} {
		if got, err := AppendRequestLine(nil, "X", target); err != nil || string(got) != "X "+target+" HTTP/1.1\r\n" {
			t.Errorf("%q: %q %v", target, got, err)
		}
	}
	for _, c := range [][2]string{{"", "/"}, {"GET ", "/"}, {"GET", ""}, {"GET", "/ HTTP/1.1\r\n"}, {"GET", "/a b"}, {"GET", "/#"}, {"GET", "/ü"}, {"GET", `/\a`}, {"GET", "/%4"}, {"GET", "/%zz"}, {"G\r\n", "/"}} {
		if got, err := AppendRequestLine([]byte("."), c[0], c[1]); err == nil || string(got) != "." {
			t.Errorf("%q: %q %v", c, got, err)
		}
	}
}

func TestChunkRoundTrip(t *testing.T) {
	var body []byte
	var want string
	for n := 0; n < 300; n += 7 {
		piece := strings.Repeat("x", n)
		want += piece
		body = AppendChunk(body, piece)
	}
	body = AppendLastChunk(body, []Field{{[]byte("X-Sum"), []byte("1\n2")}, {[]byte("bad name"), nil}})
	var d ChunkDecoder
	var got string
	for rest := body; !d.Done(); {
		data, n, err := d.Next(rest)
		if err != nil || n == 0 {
			t.Fatal(n, err)
		}
		got += string(data)
		rest = rest[n:]
	}
	if got != want || len(d.Trailer) != 1 || string(d.Trailer[0].Value) != "1 2" {
		t.Errorf("%d bytes of %d, trailer %q", len(got), len(want), d.Trailer)
	}
	mustPanic(t, func() { AppendChunkSize(nil, 0) })
}

func TestRFC9110_5_6_7_Date(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, c := range []time.Time{{}, now, time.Unix(0, 0), time.Date(9999, 12, 31, 23, 59, 59, 999, time.UTC),
		time.Date(2024, 2, 29, 23, 59, 60, 0, time.FixedZone("x", 5*3600))} {
		got := string(AppendDate(nil, c))
		if got != c.UTC().Format(http.TimeFormat) {
			t.Errorf("%v: %q", c, got)
		}
		if back, ok := ParseDate([]byte(got), now); !ok || !back.Equal(c.Truncate(time.Second)) {
			t.Errorf("%q: %v %t", got, back, ok)
		}
	}
	if d, ok := ParseDate([]byte("Sat, 31 Dec 2016 23:59:60 GMT"), now); !ok || d.Unix() != 1483228800 {
		t.Errorf("leap second: %v %t", d, ok)
	}
	for _, s := range []string{"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"} {
		if d, ok := ParseDate([]byte(s), now); !ok || d.Unix() != 784111777 {
			t.Errorf("%q: %v %t", s, d, ok)
		}
	}
	if d, ok := ParseDate([]byte("Sunday, 06-Nov-75 08:49:37 GMT"), now); !ok || d.Year() != 2075 {
		t.Error(d, ok)
	}
	if d, ok := ParseDate([]byte("Sunday, 06-Nov-77 08:49:37 GMT"), now); !ok || d.Year() != 1977 {
		t.Error(d, ok)
	}
	for _, s := range []string{"", "0", "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 32 Nov 1994 08:49:37 GMT", "Sun, 30 Feb 1994 08:49:37 GMT",
		"Son, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:61 GMT",
		"Sun, 06 Nov 1994 08:60:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 06 Nov +994 08:49:37 GMT", "Sun; 06 Nov 1994 08:49:37 GMT",
		strings.Repeat("x", 1000)} {
		if _, ok := ParseDate([]byte(s), now); ok {
			t.Errorf("%q accepted", s)
		}
	}
	mustPanic(t, func() { AppendDate(nil, time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)) })
}

func TestMethod(t *testing.T) {
	for m := MethodOther; m <= CONNECT; m++ {
		if MethodOf(m.String()) != m {
			t.Errorf("%d: %q", m, m)
		}
	}
	if Method(200).String() != "" {
		t.Error("a name for no method")
	}
}

func TestRFC3986_2_1_Escape(t *testing.T) {
	var all []byte
	for c := range 256 {
		all = append(all, byte(c))
	}
	if got := string(AppendEscape(nil, all, true)); got != url.QueryEscape(string(all)) {
		t.Errorf("got %s", got)
	}
	for _, plus := range []bool{true, false} {
		escaped := AppendEscape(nil, all, plus)
		back, err := AppendUnescape(escaped[:0], escaped, plus)
		if err != nil || string(back) != string(all) {
			t.Errorf("%q %v", back, err)
		}
	}
	if got, _ := AppendUnescape(nil, []byte("a+b"), false); string(got) != "a+b" {
		t.Errorf("%q", got)
	}
	for s, offset := range map[string]int{"%": 0, "a%4": 1, "ab%g0": 2, "%0g": 0, "%%41": 0} {
		got, err := AppendUnescape([]byte("."), []byte(s), true)
		if e, ok := err.(*Error); !ok || e.Offset != offset || e.Status != 400 || string(got) != "." {
			t.Errorf("%q: %q %v", s, got, err)
		}
	}
}
