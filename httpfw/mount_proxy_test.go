package httpfw_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/heddle-go/heddle/httpfw"
)

// The largest of net/http's own handlers, mounted: if httputil's reverse proxy finds all
// that it asks of a ResponseWriter, others will.

// A reverse proxy: bodies both ways, trailers, interim replies, an upgrade, a stream
// that is flushed by a timer of its own, a client that goes.
func TestMountReverseProxy(t *testing.T) {
	gone := make(chan error, 1)
	m := stdHandlers()
	m.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(103)
		w.Header().Set("Trailer", "X-T")
		n, _ := io.Copy(w, r.Body)
		w.Header().Set("X-T", fmt.Sprint(n))
	})
	m.HandleFunc("/events", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for r.Context().Err() == nil {
			io.WriteString(w, "data: x\n\n")
			w.(http.Flusher).Flush()
			select {
			case <-r.Context().Done():
			case <-time.After(time.Millisecond):
			}
		}
		gone <- r.Context().Err()
	})
	m.HandleFunc("/upgrade", func(w http.ResponseWriter, r *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		io.WriteString(rw, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		rw.Flush()
		l, _ := rw.ReadString('\n')
		io.WriteString(conn, "got "+l)
	})
	backend := httptest.NewServer(m)
	defer backend.Close()
	u, err := url.Parse(backend.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(u)
	proxy.FlushInterval = 100 * time.Microsecond
	proxy.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	proxy.Transport = transport
	dial := mounted(t, proxy, httpfw.Config{})

	c := dial()
	body := strings.Repeat("0123456789", 30000)
	go c.send(fmt.Sprintf("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body))
	if r := c.reply("POST"); r.body != body || r.trailer != "X-T: 300000" {
		t.Errorf("%d %d %s %s", r.status, len(r.body), r.trailer, r.err)
	}
	if r := c.get("GET", "/large"); r.status != 200 || !strings.Contains(r.body, "line 1999") {
		t.Error(r.status, r.err)
	}
	c.send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(resp.Body, make([]byte, 27)); err != nil {
		t.Error(err)
	}
	c.Close()
	within(t, gone, "the backend to hear that the client has gone")

	c = dial()
	c.send("GET /upgrade HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
	if r := c.reply("GET"); r.status != 101 {
		t.Fatal(r)
	}
	c.send("hello\n")
	if l := c.line(); l != "got hello" {
		t.Error(l)
	}
}
