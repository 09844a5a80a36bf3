package httpfw_test

import (
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/heddle-go/heddle/fiber"
	"github.com/heddle-go/heddle/httpfw"
	"github.com/heddle-go/heddle/httpfw/httpfwtest"
)

// largeReply is more than a client and a connection hold.
var largeReply = strings.Repeat("0123456789abcdef", 1<<14)

func largeApp() *httpfw.App {
	a := httpfw.New(httpfw.Config{Logger: quiet})
	a.Get("/text", func(c *httpfw.Ctx) error { return c.Text(200, largeReply) })
	a.Get("/bytes", func(c *httpfw.Ctx) error { return c.Bytes(200, "text/plain", []byte(largeReply)) })
	a.Post("/text", func(c *httpfw.Ctx) error { return c.Text(200, largeReply) })
	a.Get("/small", func(c *httpfw.Ctx) error { return c.Text(200, "small") })
	return a
}

// A client that does not read what it has asked for holds no goroutine, compiled or not:
// the handler has returned, and the machine sends the rest. Nothing is lost of it.
func TestUnreadReplyHoldsNoGoroutine(t *testing.T) {
	const n = 100
	srv := httpfwtest.NewConfig(t, largeApp(), httpfwtest.Config{Fiber: fiber.Config{Logger: quiet, Loops: 1, StallAfter: -1}})
	for _, path := range []string{"/text", "/bytes"} {
		before := runtime.NumGoroutine()
		var clients []*client
		for range n {
			c := connect(t, srv)
			c.send("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\nGET /small HTTP/1.1\r\nHost: x\r\n\r\n")
			clients = append(clients, c)
		}
		for _, c := range clients {
			if _, err := c.r.Peek(1); err != nil { // its reply has begun
				t.Fatal(err)
			}
		}
		if most := runtime.NumGoroutine(); most > before+20 {
			t.Errorf("%s: %d goroutines for %d clients that do not read, %d before", path, most, n, before)
		}
		for i, c := range clients {
			if r := c.reply("GET"); r.body != largeReply || r.err != "" {
				t.Fatalf("%s: client %d got %d bytes of %d, %s", path, i, len(r.body), len(largeReply), r.err)
			}
			if r := c.reply("GET"); r.body != "small" {
				t.Fatalf("%s: client %d got %v behind the large reply", path, i, r)
			}
		}
	}
}

// What follows a reply whose end waits for the client is what follows any other.
func TestAfterLargeReply(t *testing.T) {
	const body = 100 << 10 // less than is drained
	for name, tc := range map[string]struct {
		request string
		early   string // is sent once the reply has begun
		next    bool   // a request behind it is answered
	}{
		"keep-alive":              {"GET /bytes HTTP/1.1\r\nHost: x\r\n\r\n", "", true},
		"close":                   {"GET /bytes HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "", false},
		"HTTP/1.0":                {"GET /text HTTP/1.0\r\nHost: x\r\n\r\n", "", false},
		"HTTP/1.0, keep-alive":    {"GET /text HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\n\r\n", "", true},
		"unread body":             {post("/text", sized(10), "0123456789"), "", true},
		"unread body, sent later": {post("/text", sized(body), ""), strings.Repeat("b", body), true},
		"unread chunks":           {post("/text", "Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n"), "0\r\n\r\n", true},
		"unread body, too much":   {post("/text", sized(1<<20), strings.Repeat("b", 1000)), strings.Repeat("b", 600<<10), false},
		"unread body, expected":   {post("/text", sized(10)+"Expect: 100-continue\r\n", ""), "", false},
	} {
		t.Run(name, func(t *testing.T) {
			srv := serve(t, largeApp())
			c := connect(t, srv)
			c.send(tc.request)
			if _, err := c.r.Peek(1); err != nil {
				t.Fatal(err)
			}
			go io.WriteString(c, tc.early+"GET /small HTTP/1.1\r\nHost: x\r\n\r\n")
			if r := c.reply("GET"); r.status != 200 || r.body != largeReply || r.err != "" {
				t.Fatalf("got %d, %d bytes of %d, %s", r.status, len(r.body), len(largeReply), r.err)
			}
			if !tc.next {
				c.SetDeadline(time.Now().Add(patience))
				c.ended()
				return
			}
			if r := c.reply("GET"); r.body != "small" {
				t.Errorf("the request behind it got %v", r)
			}
		})
	}
}

// A client that closes its side behind its request still gets all of a reply that was made
// without waiting; one that resets the connection ends it at once.
func TestLargeReplyToOneWhoLeaves(t *testing.T) {
	srv := serve(t, largeApp())
	c := connect(t, srv)
	c.send("GET /bytes HTTP/1.1\r\nHost: x\r\n\r\n")
	if _, err := c.r.Peek(1); err != nil {
		t.Fatal(err)
	}
	c.halfClose()
	if r := c.reply("GET"); r.body != largeReply || r.err != "" {
		t.Errorf("%d bytes of %d, %s", len(r.body), len(largeReply), r.err)
	}
	c.ended()
	c = connect(t, srv)
	c.send("GET /bytes HTTP/1.1\r\nHost: x\r\n\r\n")
	if _, err := c.r.Peek(1); err != nil {
		t.Fatal(err)
	}
	c.abort()
	within(t, closedBy(srv.Server()), "the end of the connection")
}

// Shutdown waits for a reply whose end the client has not taken yet.
func TestShutdownDuringLargeReply(t *testing.T) {
	srv := serve(t, largeApp())
	c := connect(t, srv)
	c.send("GET /bytes HTTP/1.1\r\nHost: x\r\n\r\n")
	if _, err := c.r.Peek(1); err != nil {
		t.Fatal(err)
	}
	over := make(chan error, 1)
	go func() { over <- srv.Server().Shutdown(t.Context()) }()
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(resp.Body); err != nil || string(b) != largeReply {
		t.Errorf("%d bytes of %d, %v", len(b), len(largeReply), err)
	}
	if err := within(t, over, "Shutdown"); err != nil {
		t.Error(err)
	}
}

// A client that sends the whole of a request before it reads gets a reply that is larger
// than what the connection holds, though the handler has not read the body: client and
// server once waited for each other.
func TestLargeReplyBeforeTheBody(t *testing.T) {
	c := connect(t, serve(t, largeApp()))
	body := strings.Repeat("x", 200<<10)
	for _, request := range []string{
		post("/text", sized(len(body)), body),
		post("/text", chunked, fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body), body)),
	} {
		c.send(request + "GET /small HTTP/1.1\r\nHost: x\r\n\r\n")
		if r := c.reply("POST"); r.body != largeReply || r.err != "" {
			t.Fatalf("%d bytes of %d, %s", len(r.body), len(largeReply), r.err)
		}
		if r := c.reply("GET"); r.body != "small" {
			t.Fatal(r)
		}
	}
}

// A client that closes its side behind its request gets what it takes without a wait, also
// if it is more than is kept before the reply begins.
func TestHalfClosedGetsItsReply(t *testing.T) {
	line := strings.Repeat("x", 999) + "\n"
	bothWays(t, func() *httpfw.App {
		a := httpfw.New(httpfw.Config{Logger: quiet})
		a.Get("/ctx", func(c *httpfw.Ctx) error {
			for range 20 {
				if _, err := c.WriteString(line); err != nil {
					return err
				}
			}
			return c.Flush()
		})
		a.Mount("/mounted", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			for range 20 {
				io.WriteString(w, line)
			}
		}))
		return a
	}, func(t *testing.T, dial func() *client) {
		for _, path := range []string{"/ctx", "/mounted"} {
			c := dial()
			c.send("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n")
			c.halfClose()
			if r := c.reply("GET"); r.status != 200 || r.err != "" || r.body != strings.Repeat(line, 20) {
				t.Errorf("%s: %d, %d bytes, %s", path, r.status, len(r.body), r.err)
			}
		}
	})
}

// A client that sends the rest of a body too late, but still reads, gets all of its replies.
func TestUnreadBodyTooLate(t *testing.T) {
	part := strings.Repeat("x", 30<<10)
	a := httpfw.New(httpfw.Config{Logger: quiet, BodyTimeout: 50 * time.Millisecond})
	a.Get("/", says(part))
	a.Post("/", says(part))
	a.Post("/short", says("ok"))
	srv := serve(t, a)
	c, other := connect(t, srv), connect(t, srv)
	// What the client's side does not hold is owed when the wait for the body begins.
	c.send(strings.Repeat("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 2) + post("/", sized(10), ""))
	c.outlives(other, post("/short", sized(10), ""), part)
}

// outlives expects three replies of part after the time of other is over, which begins later:
// it sends one request, is told "ok" and is closed.
func (c *client) outlives(other *client, request, part string) {
	c.t.Helper()
	if _, err := c.r.Peek(1); err != nil {
		c.t.Fatal(err)
	}
	other.send(request)
	if r := other.reply("GET"); r.body != "ok" {
		c.t.Error(r)
	}
	other.ended()
	for range 3 {
		if r := c.reply("GET"); r.body != part || r.err != "" {
			c.t.Errorf("%d bytes, %s", len(r.body), r.err)
		}
	}
	c.ended()
}
