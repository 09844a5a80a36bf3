package conformance

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/heddle-go/heddle/httpfw"
)

// What comes after a reply: bodies that nobody has read, expectations, upgrades that did
// not happen, and requests behind an error.

// unread makes a request for a handler that does not read its body.
func unread(rest string, fields ...string) string {
	return strings.Replace(post(rest, fields...), "POST /", "POST /unread", 1)
}

const sawUnread = `POST /unread ""`

func TestRFC9112_9_3_UnreadBody(t *testing.T) {
	conform(t, "RFC 9112 section 9.3", []vector{
		taken("sized", unread("hello", "Content-Length: 5"), sawUnread),
		taken("like a request", unread(behind, "Content-Length: 33"), sawUnread),
		taken("chunked", unread("5\r\nhello\r\n0\r\n\r\n", "Transfer-Encoding: chunked"), sawUnread),
		taken("chunked, with trailer", unread("5;a=b\r\nhello\r\n0\r\nX-T: t\r\n\r\n", "Transfer-Encoding: chunked"), sawUnread),
		taken("chunks like a request", unread("21\r\n"+behind+"\r\n0\r\n\r\n", "Transfer-Encoding: chunked"), sawUnread),
		taken("beyond the reply's buffer", unread(strings.Repeat("x", 100<<10), "Content-Length: 102400"), sawUnread),
		{"last request", unread("hello", "Content-Length: 5", "Connection: close"), 200, sawUnread, false},
		{"failed handler", strings.Replace(post("hello", "Content-Length: 5"), "POST /", "POST /fail", 1), 500, failure, true},
	})
}

// An unread body beyond the bound ends the connection, but not before the reply is read,
// which says so if the length was announced.
func TestUnreadBodyBeyondTheBound(t *testing.T) {
	bothWays(t, httpfw.Config{}, func(t *testing.T, s *target) {
		piece := []byte(strings.Repeat("x", 64<<10))
		for framing, start := range map[string]string{"Content-Length: 33554432": "", "Transfer-Encoding: chunked": "2000000\r\n"} {
			p := s.connect(t)
			done := make(chan error, 1)
			go func() {
				_, err := io.WriteString(p, unread(start, framing))
				for i := 0; i < 32<<20/len(piece) && err == nil; i++ {
					_, err = p.Write(piece)
				}
				done <- err
			}()
			a, err := p.answer("POST")
			if err != nil || a.body != sawUnread {
				t.Errorf("%s: %v %v", framing, a, err)
			}
			if a.close != (start == "") {
				t.Errorf("%s: the reply announces the end of the connection: %t", framing, a.close)
			}
			if err := <-done; err == nil {
				t.Errorf("%s: the server took 32 MiB", framing)
			}
		}
	})
}

// A body of which not all comes is waited for once: BodyTimeout is for the rest of it, not
// for each byte.
func TestUnreadBodyInDrips(t *testing.T) {
	bothWays(t, httpfw.Config{BodyTimeout: 100 * time.Millisecond, BodyBytesPerSecondMin: -1}, func(t *testing.T, s *target) {
		p := s.connect(t)
		p.send(unread("h", "Content-Length: 200000"))
		if a, err := p.answer("POST"); err != nil || a.body != sawUnread {
			t.Fatal(a, err)
		}
		stop := drip(p, 5*time.Millisecond)
		defer stop()
		io.Copy(io.Discard, p.r) // the end, in whatever way
	})
}

// drip sends a byte every d until stop is called.
func drip(p *peer, d time.Duration) (stop func()) {
	over, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(d)
		defer tick.Stop()
		for {
			select {
			case <-over:
				return
			case <-tick.C:
				if _, err := io.WriteString(p, "0"); err != nil {
					return
				}
			}
		}
	}()
	return func() { close(over); <-stopped }
}

func TestRFC9110_10_1_1_Expect(t *testing.T) {
	const expect = "Expect: 100-continue"
	early := func(name, sent string, status int, saw string) vector { return vector{name, sent, status, saw, false} }
	conform(t, "RFC 9110 section 10.1.1", []vector{
		taken("with the body", post("hello", "Content-Length: 5", expect), saw("hello")),
		taken("chunked", post("5\r\nhello\r\n0\r\n\r\n", "Transfer-Encoding: chunked", expect), saw("hello")),
		taken("upper case", post("hello", "Content-Length: 5", "EXPECT: 100-CONTINUE"), saw("hello")),
		taken("twice", post("hello", "Content-Length: 5", expect, expect), saw("hello")),
		taken("without a body", get(expect+"\r\n"), sawGet),
		taken("with an empty body", post("", "Content-Length: 0", expect), saw("")),
		early("early reply", unread("hello", "Content-Length: 5", expect), 200, sawUnread),
		early("early reply, chunked", unread("5\r\nhello\r\n0\r\n\r\n", "Transfer-Encoding: chunked", expect), 200, sawUnread),
		early("early reply, body to follow", unread("", "Content-Length: 33", expect), 200, sawUnread),
		early("early reply, chunks to follow", unread("", "Transfer-Encoding: chunked", expect), 200, sawUnread),
		early("early error", strings.Replace(post("", "Content-Length: 33", expect), "POST /", "POST /fail", 1), 500, failure),
		early("too large to be asked for", post("", "Content-Length: 4194305", expect), 413, badBody),
		refused("another expectation", post("hello", "Content-Length: 5", "Expect: magic"), 417),
		refused("one of two", post("hello", "Content-Length: 5", "Expect: 100-continue, magic"), 417),
		refused("parameter", post("hello", "Content-Length: 5", "Expect: 100-continue;a=b"), 417),
		refused("empty", post("hello", "Content-Length: 5", "Expect:"), 417),
		early("HTTP/1.0 does not know it", "POST / HTTP/1.0\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello", 200, saw("hello")),
		early("HTTP/1.0 with another", "POST / HTTP/1.0\r\nContent-Length: 5\r\nExpect: magic\r\n\r\nhello", 200, saw("hello")),
	})
}

// The client is told to go on when the handler reads, once, and not if it does not.
func TestRFC9110_10_1_1_Continue(t *testing.T) {
	bothWays(t, httpfw.Config{}, func(t *testing.T, s *target) {
		p := s.connect(t)
		p.send(post("", "Content-Length: 5", "Expect: 100-continue"))
		line, err := p.r.ReadString('\n')
		if line != "HTTP/1.1 100 Continue\r\n" {
			t.Fatalf("%q %v", line, err)
		}
		p.r.ReadString('\n')
		p.send("he")
		p.send("llo")
		if a, err := p.answer("POST"); err != nil || a.body != saw("hello") || len(a.interim) > 0 || a.close {
			t.Error(a, err)
		}
		p.send(unread("", "Content-Length: 5", "Expect: 100-continue"))
		if a, err := p.answer("POST"); err != nil || len(a.interim) > 0 || !a.close {
			t.Error(a, err)
		}
	})
}

func TestRFC9110_7_8_UpgradeRefused(t *testing.T) {
	const websocket = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
	const h2c = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n"
	conform(t, "RFC 9110 section 7.8", []vector{
		taken("websocket", get(websocket), sawGet),
		taken("h2c", get(h2c), sawGet),
		taken("TLS", "OPTIONS /x HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: TLS/1.2\r\n\r\n", `OPTIONS /x ""`),
		taken("with a body", post("hello", "Content-Length: 5", "Connection: upgrade", "Upgrade: h2c"), saw("hello")),
		taken("with a body nobody reads", unread("hello", "Content-Length: 5", "Connection: upgrade", "Upgrade: websocket"), sawUnread),
		taken("without the option", get("Upgrade: websocket\r\n"), sawGet),
		taken("only the option", get("Connection: upgrade\r\n"), sawGet),
		{"last request", get("Connection: upgrade, close\r\nUpgrade: websocket\r\n"), 200, sawGet, false},
		{"HTTP/1.0", "GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", 200, sawGet, false},
		{"a tunnel that no handler takes", "CONNECT x:80 HTTP/1.1\r\nHost: x:80\r\n\r\n", 200, `CONNECT x:80 ""`, false},
	})
}

// An error of the handler is a reply like any other; after a panic nobody knows what it has
// left behind. Either way each request has one reply.
func TestRFC9112_9_3_2_BehindAnError(t *testing.T) {
	conform(t, "RFC 9112 section 9.3.2", []vector{
		{"error", "GET /fail HTTP/1.1\r\nHost: x\r\n\r\n", 500, failure, true},
		{"panic", "GET /panic HTTP/1.1\r\nHost: x\r\n\r\n", 500, failure, false},
		{"panic with a body", strings.Replace(post("hello", "Content-Length: 5"), "POST /", "POST /panic", 1), 500, failure, false},
		{name: "no such method", sent: "BREW / HTTP/1.1\r\nHost: x\r\n\r\n", status: 405, lives: true},
		{name: "no such method, body", sent: "BREW / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", status: 405, lives: true},
		refused("malformed", get("A : b\r\n"), 400),
	})
}

// Whatever is behind an error and however many there are, replies come in order and stop
// at the first that ends the connection.
func TestRFC9112_9_3_2_Order(t *testing.T) {
	bothWays(t, httpfw.Config{}, func(t *testing.T, s *target) {
		p := s.connect(t)
		var sent strings.Builder
		for i := range 100 {
			fmt.Fprintf(&sent, "GET /%d HTTP/1.1\r\nHost: x\r\n\r\n", i)
			if i%10 == 9 {
				sent.WriteString("GET /fail HTTP/1.1\r\nHost: x\r\n\r\n")
			}
		}
		p.send(sent.String() + "GET / HTTP/1.1\r\n\r\n" + behind)
		for i := range 100 {
			if a, err := p.answer("GET"); err != nil || a.body != fmt.Sprintf(`GET /%d ""`, i) {
				t.Fatal(i, a, err)
			}
			if i%10 == 9 {
				if a, err := p.answer("GET"); err != nil || a.status != 500 {
					t.Fatal(i, a, err)
				}
			}
		}
		if a, err := p.answer("GET"); err != nil || a.status != 400 || !a.close {
			t.Error(a, err)
		}
		if err := p.ended(); err != nil {
			t.Error(err)
		}
	})
}
