package httpfw_test

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/heddle-go/heddle/httpfw"
)

// Handlers of net/http, asked the same in a server of net/http and mounted in an App,
// must give the same replies.

// stdHandlers are what is compared, by path.
func stdHandlers() *http.ServeMux {
	m := http.NewServeMux()
	on := func(path string, h http.HandlerFunc) { m.HandleFunc(path, h) }
	on("/empty", func(http.ResponseWriter, *http.Request) {})
	on("/request", func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		_, local := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
		fmt.Fprintf(w, "%s %s %s %d.%d host=%s uri=%s len=%d te=%v close=%v trailer=%v body=%q err=%v local=%v remote=%v\n%s",
			r.Method, r.URL.Path, r.Proto, r.ProtoMajor, r.ProtoMinor, r.Host, r.RequestURI, r.ContentLength,
			r.TransferEncoding, r.Close, r.Trailer, b, err, local, r.RemoteAddr != "", lines(r.Header))
	})
	on("/sniff", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html><body>") })
	on("/sniff/large", func(w http.ResponseWriter, _ *http.Request) {
		w.Write([]byte("<html>" + strings.Repeat("x", 100<<10)))
	})
	on("/nosniff", func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = nil
		io.WriteString(w, "<html>")
	})
	on("/encoded", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "br")
		io.WriteString(w, "<html>")
	})
	on("/status", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-A", "1")
		w.WriteHeader(418)
		w.Header().Set("X-B", "2") // too late
		w.WriteHeader(200)         // superfluous
		io.WriteString(w, "teapot")
	})
	on("/fields", func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h["X-Many"] = []string{"1", "2"}
		h["bad name"] = []string{"x"}
		h.Set("X-Inject", "a\r\nX-Evil: b")
		h.Set("X-Blanks", "  v  ")
		h.Set("Content-Type", "text/x")
		h.Set("Connection", "Upgrade")
		h.Set("Upgrade", "h2c")
		w.WriteHeader(426)
	})
	on("/204", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(204)
		_, err := io.WriteString(w, "x")
		if err != http.ErrBodyNotAllowed {
			panic(err)
		}
	})
	on("/304", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Etag", `"x"`); w.WriteHeader(304) })
	on("/length", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "5")
		n, err := io.WriteString(w, "hello")
		_, more := io.WriteString(w, "!")
		if n != 5 || err != nil || more != http.ErrContentLength {
			panic(fmt.Sprint(n, err, more))
		}
	})
	on("/length/short", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "5")
		io.WriteString(w, "hell")
	})
	on("/length/bad", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "five")
		io.WriteString(w, "hello")
	})
	on("/close", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close")
		io.WriteString(w, "bye")
	})
	on("/large", func(w http.ResponseWriter, _ *http.Request) {
		for i := range 2000 {
			fmt.Fprintf(w, "line %d %s\n", i, strings.Repeat("x", i%300))
		}
	})
	on("/readfrom", func(w http.ResponseWriter, _ *http.Request) {
		n, err := io.Copy(w, io.LimitReader(zeros{}, 1<<20))
		if n != 1<<20 || err != nil {
			panic(fmt.Sprint(n, err))
		}
	})
	on("/flush", func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "a")
		w.(http.Flusher).Flush()
		io.WriteString(w, "b")
		if err := http.NewResponseController(w).Flush(); err != nil {
			panic(err)
		}
	})
	on("/trailer", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Trailer", "X-Sum, X-None")
		io.WriteString(w, "body")
		w.Header().Set("X-Sum", "123")
		w.Header().Set(http.TrailerPrefix+"X-Late", "456")
	})
	on("/trailer/prefix", func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "body")
		w.(http.Flusher).Flush()
		w.Header().Set(http.TrailerPrefix+"X-Late", "456")
	})
	on("/abort", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	on("/abort/late", func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "half")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	on("/duplex", func(w http.ResponseWriter, r *http.Request) {
		if err := http.NewResponseController(w).EnableFullDuplex(); err != nil {
			panic(err)
		}
		io.WriteString(w, "begun ")
		w.(http.Flusher).Flush()
		b, err := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%q %v", b, err)
	})
	on("/closebody", func(w http.ResponseWriter, r *http.Request) {
		r.Body.Close()
		_, err := r.Body.Read(make([]byte, 1))
		fmt.Fprint(w, err)
	})
	on("/unread", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "unread") })
	on("/deadline", func(w http.ResponseWriter, r *http.Request) {
		rc := http.NewResponseController(w)
		if err := rc.SetReadDeadline(time.Now().Add(-time.Second)); err != nil {
			panic(err)
		}
		if err := rc.SetWriteDeadline(time.Now().Add(time.Hour)); err != nil {
			panic(err)
		}
		io.WriteString(w, "fine")
	})
	files := fstest.MapFS{"dir/a.txt": {Data: []byte("0123456789"), ModTime: time.Unix(1e9, 0)},
		"dir/big": {Data: []byte(strings.Repeat("z", 300<<10)), ModTime: time.Unix(1e9, 0)}}
	m.Handle("/files/", http.StripPrefix("/files", http.FileServerFS(files)))
	m.Handle("/timeout", http.TimeoutHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		io.WriteString(w, "too late")
	}), time.Millisecond, "timed out"))
	m.Handle("/intime", http.TimeoutHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		w.Header().Set("X-In", "time")
		w.WriteHeader(201)
		w.Write(b)
	}), time.Minute, "timed out"))
	return m
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

var stdRequests = []struct{ method, target, fields, body string }{
	{"GET", "/empty", "", ""},
	{"HEAD", "/empty", "", ""},
	{"GET", "/request?a=b&c=%20", "X-A: 1\r\nx-a: 2\r\nCookie: c=d\r\n", ""},
	{"POST", "/request", "Content-Length: 5\r\n", "hello"},
	{"POST", "/request", "Transfer-Encoding: chunked\r\nTrailer: X-T\r\n", "5\r\nhello\r\n0\r\nX-T: t\r\n\r\n"},
	{"POST", "/request", "Content-Length: 5\r\nExpect: 100-continue\r\n", "hello"},
	{"GET", "/request", "Connection: close\r\n", ""},
	{"GET", "http://x/request", "", ""},
	{"PATCH", "/request", "Content-Length: 0\r\n", ""},
	{"GET", "/sniff", "", ""},
	{"HEAD", "/sniff", "", ""},
	{"GET", "/sniff/large", "", ""},
	{"HEAD", "/sniff/large", "", ""},
	{"GET", "/nosniff", "", ""},
	{"GET", "/encoded", "", ""},
	{"GET", "/status", "", ""},
	{"GET", "/fields", "", ""},
	{"GET", "/204", "", ""},
	{"GET", "/304", "", ""},
	{"GET", "/length", "", ""},
	{"HEAD", "/length", "", ""},
	{"GET", "/length/short", "", ""},
	{"GET", "/length/bad", "", ""},
	{"GET", "/close", "", ""},
	{"GET", "/large", "", ""},
	{"GET", "/readfrom", "", ""},
	{"GET", "/flush", "", ""},
	{"HEAD", "/flush", "", ""},
	{"GET", "/trailer", "", ""},
	{"GET", "/trailer/prefix", "", ""},
	{"GET", "/abort", "", ""},
	{"GET", "/abort/late", "", ""},
	{"POST", "/duplex", "Content-Length: 5\r\n", "hello"},
	{"POST", "/closebody", "Content-Length: 5\r\n", "hello"},
	{"POST", "/unread", "Content-Length: 5\r\n", "hello"},
	{"GET", "/deadline", "", ""},
	{"GET", "/files/dir/a.txt", "", ""},
	{"GET", "/files/dir/a.txt", "Range: bytes=2-4\r\n", ""},
	{"GET", "/files/dir/a.txt", "Range: bytes=0-1,8-9\r\n", ""},
	{"GET", "/files/dir/a.txt", "If-Modified-Since: Sun, 09 Sep 2001 01:46:40 GMT\r\n", ""},
	{"HEAD", "/files/dir/a.txt", "", ""},
	{"GET", "/files/dir/big", "", ""},
	{"GET", "/files/dir/none", "", ""},
	{"GET", "/files/dir", "", ""},
	{"GET", "/timeout", "", ""},
	{"POST", "/intime", "Content-Length: 5\r\n", "hello"},
}

// mounted starts an App with h at its root, on Heddle's connections.
func mounted(t *testing.T, h http.Handler, c httpfw.Config) func() *client {
	c.Logger = quiet
	a := httpfw.New(c)
	a.Mount("/", h)
	srv := serve(t, a)
	return func() *client { return connect(t, srv) }
}

// plain starts a server of net/http.
func plain(t *testing.T, h http.Handler) func() *client {
	srv := httptest.NewUnstartedServer(h)
	srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	srv.Start()
	t.Cleanup(srv.Close)
	return func() *client { return dialTCP(t, srv.Listener.Addr()) }
}

// framed are the fields that say how a body is framed: the two may choose differently
// when the handler does not say.
func unframed(r reply) reply {
	var kept []string
	for _, l := range strings.Split(r.header, "\n") {
		if !strings.HasPrefix(l, "Content-Length") && !strings.HasPrefix(l, "length") {
			kept = append(kept, l)
		}
	}
	r.header = strings.Join(kept, "\n")
	// A range's boundary is drawn by lot.
	if i := strings.Index(r.header, "boundary="); i >= 0 {
		mark, _, _ := strings.Cut(r.header[i+len("boundary="):], "\n")
		r.header = strings.ReplaceAll(r.header, mark, "B")
		r.body = strings.ReplaceAll(r.body, mark, "B")
	}
	r.err = fmt.Sprint(r.err != "")
	return r
}

func TestMountLikeNetHTTP(t *testing.T) {
	ours, theirs := mounted(t, stdHandlers(), httpfw.Config{}), plain(t, stdHandlers())
	for _, q := range stdRequests {
		t.Run(q.method+q.target, func(t *testing.T) {
			raw := q.method + " " + q.target + " HTTP/1.1\r\nHost: x\r\n" + q.fields + "\r\n" + q.body
			var got [2]reply
			for i, dial := range []func() *client{ours, theirs} {
				c := dial()
				c.send(raw)
				got[i] = unframed(c.reply(q.method))
				if i == 0 && got[0].status != 0 && !got[0].close && got[0].err == "false" {
					if r := c.get("GET", "/unread"); r.body != "unread" {
						t.Errorf("the connection is of no use afterwards: %v", r)
					}
				}
				c.Close()
			}
			if got[0] != got[1] {
				t.Errorf("mounted: %.3000v\n\nnet/http: %.3000v", got[0], got[1])
			}
		})
	}
}
