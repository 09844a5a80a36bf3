package http1

// Against net/http: what this package accepts, net/http must accept too and read the same
// way, so that neither in front of a Go server nor behind one a request changes its meaning.
// The differences that are meant stand in one table.

import (
	"bufio"
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// meant has the cases in which net/http reads an accepted request differently, and why.
var meant = []struct {
	reason  string
	applies func(r *Request, input string) bool
}{
	{"net/http knows no empty line before the request line; RFC 9112 section 2.2 does",
		func(_ *Request, input string) bool { return strings.HasPrefix(input, "\r\n") }},
	{"net/http takes Trailer fields out of the header, and refuses some names in them",
		func(r *Request, _ string) bool { return r.Field("Trailer") != nil }},
	{"net/http adds Cache-Control to a request with Pragma: no-cache",
		func(r *Request, _ string) bool { return r.Field("Pragma") != nil }},
}

// compareRequest checks an input that Parse accepted into r.
func compareRequest(t testing.TB, r *Request, input string) {
	t.Helper()
	for _, m := range meant {
		if m.applies(r, input) {
			return
		}
	}
	want, err := http.ReadRequest(bufio.NewReader(strings.NewReader(input)))
	if err != nil {
		t.Fatalf("%q: accepted, but net/http says %v", input, err)
	}
	differ := func(what string, got, want any) {
		t.Helper()
		if got != want {
			t.Fatalf("%q: %s is %#v, net/http has %#v", input, what, got, want)
		}
	}
	differ("method", string(r.MethodBytes), want.Method)
	differ("target", string(r.Target), want.RequestURI)
	differ("host", string(r.Host), want.Host)
	differ("query", string(r.RawQuery), want.URL.RawQuery)
	if r.Form == OriginForm || r.Form == AbsoluteForm {
		path, err := AppendUnescape(nil, r.Path, false)
		if err != nil {
			t.Fatal(err)
		}
		if want.URL.Path == "" { // an absolute-form without path
			want.URL.Path = "/"
		}
		differ("path", string(path), want.URL.Path)
	}
	length := max(r.ContentLength, 0)
	if r.Chunked {
		length = -1
	}
	differ("content length", length, want.ContentLength)
	differ("chunked", r.Chunked, slices.Equal(want.TransferEncoding, []string{"chunked"}))
	differ("keep-alive", r.KeepAlive, !want.Close)
	compareFields(t, input, r.Fields, want.Header, "Host", "Transfer-Encoding")
}

// compareFields compares but for the fields that net/http takes out of the header.
func compareFields(t testing.TB, input string, fields []Field, want http.Header, taken ...string) {
	t.Helper()
	got := http.Header{}
	for _, f := range fields {
		key := textproto.CanonicalMIMEHeaderKey(string(f.Name))
		got[key] = append(got[key], string(f.Value))
	}
	for _, name := range taken {
		delete(got, name)
		delete(want, name)
	}
	if !maps.EqualFunc(got, want, slices.Equal) {
		t.Fatalf("%q: header is %q, net/http has %q", input, got, want)
	}
}

// compareResponse checks an answer to GET that Parse accepted into r.
func compareResponse(t testing.TB, r *Response, input string) {
	t.Helper()
	if r.Field("Trailer") != nil || r.Field("Pragma") != nil {
		return // as in meant
	}
	want, err := http.ReadResponse(bufio.NewReader(strings.NewReader(input)), &http.Request{Method: "GET"})
	if err != nil {
		t.Fatalf("%q: accepted, but net/http says %v", input, err)
	}
	if r.Status != want.StatusCode {
		t.Fatalf("%q: status %d, net/http has %d", input, r.Status, want.StatusCode)
	}
	length := map[Body]int64{NoBody: 0, SizedBody: r.ContentLength, ChunkedBody: -1, BodyToClose: -1, Tunnel: 0}[r.Body]
	if length != want.ContentLength && r.Status != 304 && r.Body != NoBody && r.Body != Tunnel {
		t.Fatalf("%q: body of %d, net/http has %d", input, length, want.ContentLength)
	}
	compareFields(t, input, r.Fields, want.Header, "Transfer-Encoding", "Connection")
}

// requestSeeds are inputs of every kind, accepted and not.
var requestSeeds = []string{
	tinyRequest, browserRequest, "\r\n" + tinyRequest,
	"GET http://h:80/a%20b?c=d HTTP/1.1\r\nHost: h:80\r\n\r\n",
	"GET http://[::1]?x HTTP/1.1\r\nHost: [::1]\r\n\r\n",
	"CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n",
	"OPTIONS * HTTP/1.1\r\nHost:\r\n\r\n",
	"POST /%2F?%zz HTTP/1.0\r\nContent-Length: 10\r\nConnection: keep-alive\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\nTE: trailers\r\n\r\n0\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nPragma: no-cache\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: h\r\nX: \t a\tb\xff \r\nX:\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
	"GET / HTTP/1.1\nHost: h\n\n", "GET / HTTP/1.1\r\nHost: h\r\n folded\r\n\r\n", "GET / HTTP/2.0\r\n\r\n", "\x16\x03\x01\x02\x00",
}

func TestAgainstNetHTTP(t *testing.T) {
	for _, seed := range requestSeeds {
		var r Request
		if n, _ := r.Parse([]byte(seed), nil); n > 0 {
			compareRequest(t, &r, seed[:n])
		}
	}
	// Every byte at every place of a few requests: the accepted ones must agree.
	accepted := 0
	for _, seed := range []string{
		"GET /a%41b?c=d HTTP/1.1\r\nHost: h:80\r\nX-Y: a b\r\n\r\n",
		"GET http://h/a?c HTTP/1.0\r\nHost: h\r\nConnection: close\r\n\r\n",
		"PUT / HTTP/1.1\r\nHost: [::1]\r\nContent-Length: 10\r\nTE: x\r\n\r\n",
		"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
		"CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\nConnection: keep-alive, close\r\n\r\n",
	} {
		for i := range seed {
			for c := range 256 {
				var r Request
				for _, input := range []string{
					seed[:i] + string([]byte{byte(c)}) + seed[i+1:],
					seed[:i] + string([]byte{byte(c)}) + seed[i:],
				} {
					if n, _ := r.Parse([]byte(input), nil); n > 0 {
						accepted++
						compareRequest(t, &r, input[:n])
					}
				}
			}
		}
	}
	if accepted < 10000 {
		t.Errorf("only %d requests were accepted", accepted)
	}
}

// compareQuery checks EachPair and AppendUnescape against net/url, where net/url accepts.
func compareQuery(t testing.TB, query []byte) {
	t.Helper()
	want, err := url.ParseQuery(string(query))
	got := url.Values{}
	failed := false
	EachPair(query, func(key, value []byte) bool {
		k, err1 := AppendUnescape(nil, key, true)
		v, err2 := AppendUnescape(nil, value, true)
		failed = failed || err1 != nil || err2 != nil
		if len(k) > len(key) || len(v) > len(value) {
			t.Fatalf("%q: decoded to more than it was", query)
		}
		got.Add(string(k), string(v))
		return true
	})
	if err == nil && (failed || !maps.EqualFunc(got, want, slices.Equal)) {
		t.Fatalf("%q: %q, net/url has %q", query, got, want)
	}
	if failed && err == nil || err != nil && !failed && !bytes.ContainsRune(query, ';') {
		t.Fatalf("%q: failed %t, net/url says %v", query, failed, err)
	}
}

// compareCookies checks that EachCookie has all cookies that net/http has, in their order.
func compareCookies(t testing.TB, field string) {
	t.Helper()
	var got []string
	EachCookie([]byte(field), func(name, value []byte) bool {
		if len(name) == 0 || scanValue(name, 0) < len(name) || scanValue(value, 0) < len(value) {
			t.Fatalf("%q: cookie %q=%q", field, name, value)
		}
		got = append(got, fmt.Sprintf("%s=%s", name, strings.Trim(string(value), " \t")))
		return true
	})
	if strings.ContainsAny(field, "\r\n") {
		return // no head contains them; net/http trims them like spaces
	}
	r := http.Request{Header: http.Header{"Cookie": {field}}}
	i := 0
	for _, c := range r.Cookies() {
		if c.Value == "" {
			continue // perhaps without '=': a cookie to net/http alone
		}
		// net/http keeps whitespace behind '='.
		want := c.Name + "=" + strings.Trim(c.Value, " \t")
		for i < len(got) && got[i] != want {
			i++
		}
		if i == len(got) {
			t.Fatalf("%q: %q is missing from %q", field, want, got)
		}
		i++
	}
}
