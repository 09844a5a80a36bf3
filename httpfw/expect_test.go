package httpfw_test

import (
	"io"
	"strings"
	"testing"

	"github.com/heddle-go/heddle/httpfw"
)

// Expect: 100-continue: a client is told to send its body if the handler wants it, and
// only then.

func TestExpectContinue(t *testing.T) {
	srv := serve(t, bodyApp(httpfw.Config{BodyBytesMax: 100}))
	const expect = "Expect: 100-continue\r\n"

	// The handler reads: the client is told to send.
	for _, framing := range []string{sized(5), chunked} {
		c := connect(t, srv)
		c.send(post("/bytes", framing+expect, ""))
		if l := c.line(); l != "HTTP/1.1 100 Continue" {
			t.Error(l)
		}
		c.line()
		if framing == chunked {
			c.send("5\r\nhello\r\n0\r\n\r\n")
		} else {
			c.send("hello")
		}
		if r := c.reply("POST"); r.status != 200 || !strings.HasSuffix(r.body, "hello") || r.close {
			t.Error(r)
		}
	}
	// The bytes are there already: nothing to tell.
	c := connect(t, srv)
	c.send(post("/bytes", sized(5)+expect, "hello"))
	if l := c.line(); l != "HTTP/1.1 200 OK" {
		t.Error(l)
	}
	c.reply("POST")
	// The final reply comes first: the client need not send, so nobody knows where the
	// next request would start.
	for path, status := range map[string]int{"/ignore": 200, "/early": 403, "/bytes": 413, "/none": 404, "/begun": 200} {
		c := connect(t, srv)
		n := 5
		if path == "/bytes" {
			n = 101
		}
		c.send(post(path, sized(n)+expect, ""))
		if path == "/begun" {
			if l := c.line(); l != "HTTP/1.1 200 OK" {
				t.Error(l)
			}
			c.send("hello")
			var all strings.Builder
			io.Copy(&all, c.r)
			if s := all.String(); strings.Contains(s, "100 Continue") || !strings.Contains(s, "hello <nil>") || !strings.Contains(s, "Connection: close") {
				t.Errorf("%q", s)
			}
			continue
		}
		if r := c.reply("POST"); r.status != status || !r.close {
			t.Errorf("%s: %v", path, r)
		}
		c.halfClose()
		c.ended()
	}
}

// Once a part of the body is there, the client no longer waits to be told to send it:
// a reply that begins then does not end the connection.
func TestExpectationEndsWithTheBodysStart(t *testing.T) {
	a := httpfw.New(httpfw.Config{Logger: quiet})
	a.Post("/", func(c *httpfw.Ctx) error {
		p := make([]byte, 1)
		if _, err := c.Body().Read(p); err != nil {
			return err
		}
		c.Write(p)
		if err := c.Flush(); err != nil {
			return err
		}
		_, err := io.Copy(c, c.Body())
		return err
	})
	cl := connect(t, serve(t, a))
	request := "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc"
	cl.send(request + request)
	for range 2 {
		if r := cl.reply("POST"); r.status != 200 || r.close || r.body != "abc" {
			t.Errorf("got %v", r)
		}
	}
}
