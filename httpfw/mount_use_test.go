package httpfw_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/heddle-go/heddle/httpfw"
)

// What http.Handlers do beyond asking and answering: from several goroutines, for
// longer than the request, against a client that goes.

// Any goroutine may write, also several at once.
func TestMountConcurrentWriters(t *testing.T) {
	c := mounted(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 100 {
					io.WriteString(w, "0123456789")
					w.(http.Flusher).Flush()
				}
			})
		}
		wg.Wait()
	}), httpfw.Config{})()
	if r := c.get("GET", "/"); r.body != strings.Repeat("0123456789", 800) {
		t.Errorf("%d bytes, %s", len(r.body), r.err)
	}
}

// The superfluous call is logged, with its place.
func TestMountLogsMistakes(t *testing.T) {
	log := &logged{}
	a := httpfw.New(httpfw.Config{Logger: log.logger()})
	a.Mount("/", stdHandlers())
	srv := serve(t, a)
	connect(t, srv).get("GET", "/status")
	if s := log.String(); !strings.Contains(s, "superfluous WriteHeader") || !strings.Contains(s, "mount_test.go") {
		t.Errorf("log: %q", s)
	}
}

// Interim replies arrive at once, before the final one.
func TestMountInterim(t *testing.T) {
	hold := make(chan struct{})
	c := mounted(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", "</x>; rel=preload")
		w.WriteHeader(103)
		<-hold
		w.Header().Del("Link")
		io.WriteString(w, "final")
	}), httpfw.Config{})()
	c.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	if l := c.line(); l != "HTTP/1.1 103 Early Hints" {
		t.Error(l)
	}
	if l := c.line(); l != "Link: </x>; rel=preload" {
		t.Error(l)
	}
	c.line()
	close(hold)
	if r := c.reply("GET"); r.status != 200 || r.body != "final" || strings.Contains(r.header, "Link") {
		t.Error(r)
	}
}

// A flushed part arrives while the handler still runs; a body can be read while the
// client holds back the rest, and the reply goes on meanwhile.
func TestMountBothDirectionsAtOnce(t *testing.T) {
	c := mounted(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		read := make(chan string)
		go func() {
			b, err := io.ReadAll(r.Body)
			read <- fmt.Sprintf("%s %v", b, err)
		}()
		for range 3 {
			io.WriteString(w, "tick\n")
			w.(http.Flusher).Flush()
		}
		io.WriteString(w, <-read)
	}), httpfw.Config{})()
	c.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nab")
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		t.Fatal(err)
	}
	tick := make([]byte, 15)
	if _, err := io.ReadFull(resp.Body, tick); err != nil || string(tick) != "tick\ntick\ntick\n" {
		t.Fatalf("%q %v", tick, err)
	}
	c.send("cd")
	if rest, err := io.ReadAll(resp.Body); err != nil || string(rest) != "abcd <nil>" {
		t.Errorf("%q %v", rest, err)
	}
}

// The context ends with the client, and with the handler.
func TestMountContext(t *testing.T) {
	type result struct {
		cause error
		write error
		read  error
	}
	began, got, after := make(chan context.Context, 1), make(chan result, 1), make(chan context.Context, 1)
	m := http.NewServeMux()
	m.HandleFunc("/wait", func(w http.ResponseWriter, r *http.Request) {
		began <- r.Context()
		<-r.Context().Done()
		_, werr := io.Copy(w, io.LimitReader(zeros{}, 10<<20))
		_, rerr := io.ReadAll(r.Body)
		got <- result{context.Cause(r.Context()), werr, rerr}
	})
	m.HandleFunc("/quick", func(_ http.ResponseWriter, r *http.Request) { after <- r.Context() })
	dial := mounted(t, m, httpfw.Config{})
	for _, end := range []func(c *client){func(c *client) { c.Close() }, func(c *client) { c.abort() }, func(c *client) { c.halfClose() }} {
		c := dial()
		c.send("POST /wait HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
		within(t, began, "the handler")
		end(c)
		r := within(t, got, "the end of the context")
		if !errors.Is(r.cause, httpfw.ErrClientGone) || !errors.Is(r.cause, context.Canceled) || r.write == nil || r.read == nil {
			t.Errorf("%v", r)
		}
		c.Close()
	}
	dial().get("GET", "/quick")
	within(t, within(t, after, "the handler").Done(), "the context outlives its handler")
}

// What a handler leaves behind cannot touch the exchange.
func TestMountStrayGoroutines(t *testing.T) {
	errs, left := make(chan error, 4), make(chan struct{})
	dial := mounted(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/leave" {
			io.WriteString(w, "other")
			return
		}
		blocked := make(chan struct{})
		go func() {
			close(blocked)
			_, err := io.ReadAll(r.Body) // waits for a body that does not come
			errs <- err
		}()
		<-blocked
		go func() {
			<-left
			_, err := io.WriteString(w, "stray")
			errs <- err
			errs <- http.NewResponseController(w).Flush()
			_, _, err = http.NewResponseController(w).Hijack()
			errs <- err
		}()
		io.WriteString(w, "done")
	}), httpfw.Config{})
	c := dial()
	c.send("POST /leave HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
	if r := c.reply("POST"); r.body != "done" {
		t.Error(r)
	}
	if err := within(t, errs, "the read"); err != http.ErrBodyReadAfterClose {
		t.Error(err)
	}
	c.send("0123456GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	close(left)
	for range 3 {
		if err := within(t, errs, "the stray"); err == nil {
			t.Error("a stray call worked")
		}
	}
	if r := c.reply("GET"); r.body != "other" {
		t.Error(r)
	}
}

// http.Hijacker: the bytes behind the head are there, and the connection outlives the
// handler.
func TestMountHijack(t *testing.T) {
	dial := mounted(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/accept" {
			// As libraries for websockets do.
			w.Header().Set("Connection", "Upgrade")
			w.Header().Set("Upgrade", "echo")
			w.WriteHeader(101)
		}
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		if _, err := w.Write([]byte("x")); err != http.ErrHijacked {
			t.Error(err)
		}
		if r.URL.Path != "/accept" {
			io.WriteString(rw, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
			rw.Flush()
		}
		go func() {
			defer conn.Close()
			<-r.Context().Done() // the handler has returned
			io.Copy(conn, rw)
		}()
	}), httpfw.Config{})
	for _, path := range []string{"/", "/accept"} {
		c := dial()
		c.send("GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nearly ")
		if r := c.reply("GET"); r.status != 101 || !strings.Contains(r.header, "Upgrade: echo") {
			t.Error(r)
		}
		c.send("late")
		c.halfClose()
		if b, err := io.ReadAll(c.r); err != nil || string(b) != "early late" {
			t.Errorf("%s: %q %v", path, b, err)
		}
	}
}

// A panic of the handler, on its own goroutine, is answered and logged like one of a
// Handler.
func TestMountPanic(t *testing.T) {
	log := &logged{}
	a := httpfw.New(httpfw.Config{Logger: log.logger()})
	a.Mount("/std", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { boom() }))
	srv := serve(t, a)
	if r := connect(t, srv).get("GET", "/std"); r.status != 500 || !r.close {
		t.Error(r)
	}
	if s := log.String(); !strings.Contains(s, "boom") {
		t.Errorf("log: %s", s)
	}
	if n := srv.Server().Runtime().Stats().Panics; n != 1 {
		t.Errorf("%d panics", n)
	}
}

func boom() { panic("boom") }

// A reader that takes nothing holds up a handler, not memory; the deadlines of
// http.ResponseController end the wait.
func TestMountWriteDeadline(t *testing.T) {
	got := make(chan error, 1)
	c := mounted(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.NewResponseController(w).SetWriteDeadline(time.Now().Add(20 * time.Millisecond))
		_, err := io.Copy(w, zeros{})
		got <- err
	}), httpfw.Config{})()
	c.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	if err := within(t, got, "the deadline"); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error(err)
	}
}

func TestMountReadDeadline(t *testing.T) {
	got := make(chan error, 2)
	dial := mounted(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/own" {
			http.NewResponseController(w).SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		}
		_, err := io.ReadAll(r.Body)
		got <- err
	}), httpfw.Config{BodyTimeout: 50 * time.Millisecond})
	for path, want := range map[string]error{"/": httpfw.ErrBodyTimeout, "/own": os.ErrDeadlineExceeded} {
		dial().send("POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n")
		if err := within(t, got, "the deadline"); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", path, err, want)
		}
	}
}

// A body over the limit is an *http.MaxBytesError, as with http.MaxBytesReader.
func TestMountBodyLimit(t *testing.T) {
	c := mounted(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(r.Body)
		var large *http.MaxBytesError
		fmt.Fprint(w, errors.As(err, &large), errors.Is(err, httpfw.ErrBodyTooLarge))
	}), httpfw.Config{BodyBytesMax: 3})()
	c.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello")
	if r := c.reply("POST"); r.body != "true true" {
		t.Error(r)
	}
}

// Mount adds the prefix itself and what is below it; middleware works around it.
func TestMountRoutes(t *testing.T) {
	a := httpfw.New(httpfw.Config{Logger: quiet})
	g := a.Group("/g")
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.URL.Path, " ", w.Header().Get("X-M"))
	})
	g.Mount("/std/", h, func(next httpfw.Handler) httpfw.Handler {
		return func(c *httpfw.Ctx) error { c.SetHeader("X-M", "m"); return next(c) }
	})
	a.Get("/one", httpfw.FromHTTP(h))
	a.Get("/written", httpfw.FromHTTP(h), func(next httpfw.Handler) httpfw.Handler {
		return func(c *httpfw.Ctx) error { c.WriteString("before "); return next(c) }
	})
	srv := serve(t, a)
	c := connect(t, srv)
	for path, want := range map[string]string{"/g/std": "/g/std m", "/g/std/": "/g/std/ m", "/g/std/a/b": "/g/std/a/b m", "/one": "/one ", "/written": "before /written "} {
		if r := c.get("GET", path); r.body != want {
			t.Errorf("%s: %v", path, r)
		}
	}
	if r := c.get("GET", "/g/stdx"); r.status != 404 {
		t.Error(r)
	}
	b := httpfw.New(httpfw.Config{})
	b.Mount("/nil", nil)
	if _, err := b.Start("127.0.0.1:0"); err == nil || !strings.Contains(err.Error(), "nil") {
		t.Error(err)
	}
}

// Replies of status 1xx wait for a client that does not read, as the others do.
func TestMountInterimUnread(t *testing.T) {
	done := make(chan struct{})
	c := mounted(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		defer close(done)
		w.Header().Set("Link", strings.Repeat("x", 1000))
		for range 10000 {
			w.WriteHeader(http.StatusEarlyHints)
		}
	}), httpfw.Config{WriteTimeout: 20 * time.Millisecond})()
	c.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	within(t, done, "the handler")
	if n, err := io.Copy(io.Discard, c.r); err == nil || n > 1<<20 {
		t.Errorf("%d bytes were kept for a client that did not read, %v", n, err)
	}
}

// What a handler writes beyond the length it has announced is refused, and its reply is not
// taken for a whole one because something else would fit.
func TestMountBeyondLength(t *testing.T) {
	c := mounted(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1")
		for _, s := range []string{"ab", "c"} {
			if _, err := io.WriteString(w, s); err != http.ErrContentLength {
				t.Errorf("%q: %v", s, err)
			}
		}
	}), httpfw.Config{})()
	if r := c.get("GET", "/"); r.body != "" || r.err == "" {
		t.Error(r)
	}
}

// A 205 has no content, whenever it is written.
func TestMountResetContent(t *testing.T) {
	c := mounted(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusResetContent)
		for range 2 {
			io.WriteString(w, "x")
			w.(http.Flusher).Flush()
		}
		io.WriteString(w, "x")
	}), httpfw.Config{})()
	for range 2 {
		if r := c.get("GET", "/"); r.status != 205 || r.body != "" || r.err != "" {
			t.Error(r)
		}
	}
}
