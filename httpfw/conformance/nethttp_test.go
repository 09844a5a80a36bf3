package conformance

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/heddle-go/heddle/httpfw"
)

// Where Heddle and net/http differ: what docs/SECURITY.md says about it is this table. The
// handler reads the whole body.
var differences = []struct {
	name         string
	sent         string
	ours, theirs int // statuses
}{
	{"bare LF", "GET / HTTP/1.1\nHost: x\n\n", 400, 200},
	{"bare LF behind one field", get("A: b\nC: d\r\n"), 400, 200},
	{"obs-fold", get("A: b\r\n c\r\n"), 400, 200},
	{"Content-Length twice, same", post("hello", "Content-Length: 5", "Content-Length: 5"), 400, 200},
	{"Content-Length beside Transfer-Encoding", post("5\r\nhello\r\n0\r\n\r\n", "Content-Length: 5", "Transfer-Encoding: chunked"), 400, 200},
	{"Transfer-Encoding in HTTP/1.0", "POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 400, 200},
	{"malformed Transfer-Encoding", post("5\r\nhello\r\n0\r\n\r\n", "Transfer-Encoding: chunked, chunked"), 400, 501},
	{"blank behind a chunk size", chunks("5 \r\nhello\r\n0\r\n\r\n"), 400, 200},
	{"malformed chunk extension", chunks("5;=\"\r\nhello\r\n0\r\n\r\n"), 400, 200},
	{"field that frames, in the trailer section", chunks("5\r\nhello\r\n0\r\nContent-Length: 1\r\n\r\n"), 400, 200},
	{"Host with a sub-delimiter", "GET / HTTP/1.1\r\nHost: a$b\r\n\r\n", 400, 200},
	{"Host that differs from the target", "GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n", 400, 200},
	{"target of another scheme", "GET ftp://x/ HTTP/1.1\r\nHost: x\r\n\r\n", 400, 200},
	{"fragment", line("GET /a#b HTTP/1.1"), 400, 200},
	{"8-bit bytes in the target", line("GET /\xc3\xa9 HTTP/1.1"), 400, 200},
	{"quotes in the target", line("GET /\" HTTP/1.1"), 400, 200},
	{"backslash in the path", line("GET /a\\b HTTP/1.1"), 400, 200},
	{"CONNECT to a path", "CONNECT / HTTP/1.1\r\nHost: x\r\n\r\n", 400, 200},
	{"GET with asterisk-form", line("GET * HTTP/1.1"), 400, 200},
	{"content in a TRACE", "TRACE / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na", 400, 200},
	{"Connection that is no list", get("Connection: a b\r\n"), 400, 200},
	{"one empty line before", "\r\n" + line("GET / HTTP/1.1"), 200, 400},
	{"method of more than 32 bytes", line(strings.Repeat("M", 33) + " / HTTP/1.1"), 501, 200},
	{"101 fields", get(strings.Repeat("A: b\r\n", 101)), 431, 200},
	{"201 cookies", get("Cookie: " + strings.Repeat("a=b; ", 201) + "\r\n"), 431, 200},
	{"body of 5 MiB", post(strings.Repeat("x", 5<<20), "Content-Length: 5242880"), 413, 200},
}

func TestAgainstNetHTTP(t *testing.T) {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			http.Error(w, err.Error(), httpfw.StatusOf(err))
		}
	})
	a := httpfw.New(httpfw.Config{Logger: quiet})
	a.Mount("/", handler)
	ours := listen(t, a)
	srv := httptest.NewUnstartedServer(handler)
	srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	srv.Start()
	t.Cleanup(srv.Close)
	theirs := &target{t: t, addr: srv.Listener.Addr().String()}
	status := func(s *target, sent string) int {
		p := s.connect(t)
		go p.send(sent)
		resp, err := http.ReadResponse(p.r, nil)
		if err != nil {
			return 0
		}
		return resp.StatusCode
	}
	for _, d := range differences {
		if got := status(ours, d.sent); got != d.ours {
			t.Errorf("%s: Heddle replies %d, want %d", d.name, got, d.ours)
		}
		if got := status(theirs, d.sent); got != d.theirs || d.ours == d.theirs {
			t.Errorf("%s: net/http replies %d, want %d: docs/SECURITY.md is out of date", d.name, got, d.theirs)
		}
	}
}
