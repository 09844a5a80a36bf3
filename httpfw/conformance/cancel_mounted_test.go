package conformance

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/heddle-go/heddle/httpfw"
	"github.com/heddle-go/heddle/httpfw/middleware"
)

// The end of a request for http.Handlers, whose waits are in the context and in reads and
// writes.

// cancelingMounted serves /context, /body and /write, each of which waits so. What ended
// the wait comes out of got.
func cancelingMounted(t *testing.T, in chan struct{}, got chan error, m ...httpfw.Middleware) *target {
	c := never
	c.Logger = quiet
	a := httpfw.New(c)
	mux := http.NewServeMux()
	on := func(path string, wait func(w http.ResponseWriter, r *http.Request) error) {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			in <- struct{}{}
			got <- wait(w, r)
		})
	}
	on("/context", func(_ http.ResponseWriter, r *http.Request) error {
		<-r.Context().Done()
		return context.Cause(r.Context())
	})
	on("/body", func(_ http.ResponseWriter, r *http.Request) error { _, err := io.ReadAll(r.Body); return err })
	on("/write", func(w http.ResponseWriter, r *http.Request) error {
		_, err := io.WriteString(w, strings.Repeat("x", 64<<20))
		return err
	})
	a.Mount("/", mux, m...)
	return listen(t, a)
}

func TestCancelMounted(t *testing.T) {
	in, got := make(chan struct{}, 1), make(chan error, 1)
	s := cancelingMounted(t, in, got)
	for how, away := range leave {
		for _, path := range []string{"/context", "/body", "/write"} {
			p := s.slowly(t)
			p.send("POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhell")
			<-in
			away(p)
			select {
			case err := <-got:
				if err == nil || path == "/context" && !errors.Is(err, httpfw.ErrClientGone) {
					t.Errorf("%s %s: %v", how, path, err)
				}
			case <-time.After(patience):
				t.Fatalf("%s %s goes on", how, path)
			}
			p.Close()
		}
	}
	s.empty(t, "mounted")
}

func TestCancelMountedDeadline(t *testing.T) {
	in, got := make(chan struct{}, 1), make(chan error, 1)
	s := cancelingMounted(t, in, got, middleware.Timeout(middleware.TimeoutConfig{After: soon}))
	for _, path := range []string{"/context", "/body", "/write"} {
		p := s.slowly(t)
		p.send("POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhell")
		<-in
		select {
		case err := <-got:
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: %v", path, err)
			}
		case <-time.After(patience):
			t.Fatalf("%s goes on", path)
		}
		p.Close()
	}
	s.empty(t, "mounted, deadline")
}

// The switch of a route holds for an http.Handler too: its context goes on.
func TestCancelMountedKeepRunning(t *testing.T) {
	in, release, got := make(chan struct{}, 1), make(chan struct{}), make(chan error, 1)
	a := httpfw.New(httpfw.Config{Logger: quiet})
	a.Mount("/", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		in <- struct{}{}
		<-release
		got <- r.Context().Err()
		w.Header().Set("Content-Length", "4")
		io.WriteString(w, "done")
	})).KeepRunning()
	keepsRunning(t, a, in, release, got)
}

// turns lets each loop of a server go through its events, by requests for /ping.
func (s *target) turns(t *testing.T) {
	for range 8 {
		p := s.connect(t)
		p.send("GET /ping HTTP/1.1\r\nHost: x\r\n\r\n")
		p.answer("GET")
		p.Close()
	}
}
