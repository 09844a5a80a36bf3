package main

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/heddle-go/heddle/httpfw"
)

// start serves on one loop, so that handlers that block would be in each other's way.
func start(t *testing.T) *httpfw.Server {
	t.Helper()
	c := httpfw.Config{Logger: slog.New(slog.DiscardHandler)}
	c.Fiber.Loops = 1
	s, err := newApp(c).Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Error(err)
		}
	})
	return s
}

// get returns the status and body of a reply, on a connection of its own.
func get(s *httpfw.Server, path string) (int, string, error) {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Get("http://" + s.Addr().String() + path)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return res.StatusCode, string(b), err
}

func hello(t *testing.T, s *httpfw.Server) {
	t.Helper()
	if status, body, err := get(s, "/"); err != nil || status != 200 || body != "Hello, World!" {
		t.Fatalf("/: %d %q %v", status, body, err)
	}
}

// Waits of one loop run side by side.
func TestWait(t *testing.T) {
	s := start(t)
	const n, ms = 50, 100
	begin := time.Now()
	errs := make(chan error, n)
	for range n {
		go func() {
			status, body, err := get(s, "/wait?ms=100")
			if err == nil && (status != 200 || body != "waited\n") {
				t.Errorf("%d %q", status, body)
			}
			errs <- err
		}()
	}
	for range n {
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(begin); took < ms*time.Millisecond || took > n*ms*time.Millisecond/2 {
		t.Errorf("%d waits of %d ms took %v", n, ms, took)
	}
	if n := s.Runtime().Stats().Stalls; n != 0 {
		t.Errorf("waiting counts as %d stalls", n)
	}
}

// A handler that blocks without a word does not keep the loop from the others.
func TestBlock(t *testing.T) {
	s := start(t)
	nc, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	io.WriteString(nc, "GET /block?ms=1500 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
	reply := make(chan string, 1)
	go func() {
		b, err := io.ReadAll(nc)
		if err != nil {
			t.Error(err)
		}
		reply <- string(b)
	}()
	// The loop finds this request before or together with those below.
	for range 10 {
		hello(t, s)
	}
	select {
	case <-reply:
		t.Error("ten requests took longer than the blocked one")
	default:
		if b := <-reply; !strings.HasSuffix(b, "\r\n\r\nblocked\n") {
			t.Errorf("%q", b)
		}
	}
	if n := s.Runtime().Stats().Stalls; n == 0 {
		t.Error("no stall was counted")
	}
}

// A body that comes byte by byte is read as it comes; others are answered in between.
func TestDrip(t *testing.T) {
	s := start(t)
	for _, framing := range []struct{ head, before, after, end string }{
		{head: "Content-Length: 8\r\n"},
		{head: "Transfer-Encoding: chunked\r\n", before: "1\r\n", after: "\r\n", end: "0\r\n\r\n"},
	} {
		nc, err := net.Dial("tcp", s.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		io.WriteString(nc, "POST /drip HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"+framing.head+"\r\n")
		for range 8 {
			io.WriteString(nc, framing.before+"x"+framing.after)
			hello(t, s)
		}
		io.WriteString(nc, framing.end)
		b, err := io.ReadAll(nc)
		if err != nil || !strings.HasSuffix(string(b), "\r\n\r\n8\n") {
			t.Errorf("%s: %q %v", framing.head, b, err)
		}
	}
}

func TestBadDuration(t *testing.T) {
	s := start(t)
	for _, query := range []string{"", "?ms=", "?ms=x", "?ms=-1", "?ms=1.5", "?ms=3600001", "?ms=99999999999999999999"} {
		for _, path := range []string{"/wait", "/block"} {
			status, body, err := get(s, path+query)
			if err != nil || status != 400 || !strings.HasPrefix(body, "ms must be") {
				t.Errorf("%s%s: %d %q %v", path, query, status, body, err)
			}
		}
	}
	if status, body, err := get(s, "/wait?ms=0"); err != nil || status != 200 {
		t.Errorf("%d %q %v", status, body, err)
	}
}
