package httpfw_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/heddle-go/heddle/httpfw"
)

// Request bodies: read in any way, limited, too slow, cut off or not read at all. Whether
// the connection goes on behind one is part of each case.

func bodyApp(c httpfw.Config) *httpfw.App {
	c.Logger = quiet
	a := httpfw.New(c)
	a.Post("/bytes", func(c *httpfw.Ctx) error {
		b, err := c.BodyBytes()
		if err != nil {
			return err
		}
		return c.Text(200, fmt.Sprintf("%d %s", c.BodyLength(), b))
	})
	// One byte a Read, so that a reader of any size will do.
	a.Post("/small", func(c *httpfw.Ctx) error {
		var got []byte
		var p [1]byte
		for {
			n, err := c.Body().Read(p[:])
			got = append(got, p[:n]...)
			if err == io.EOF {
				_, again := c.Body().Read(p[:])
				_, none := c.Body().Read(nil)
				return c.Text(200, fmt.Sprint(string(got), again == io.EOF, none))
			}
			if err != nil {
				return err
			}
		}
	})
	a.Post("/limit", func(c *httpfw.Ctx) error {
		c.SetBodyLimit(3)
		if _, err := c.BodyBytes(); err != httpfw.ErrBodyTooLarge {
			return fmt.Errorf("got %w", err)
		}
		c.SetBodyLimit(-1)
		b, err := c.BodyBytes()
		if err != nil {
			return err
		}
		return c.Text(200, string(b))
	})
	a.Post("/ignore", func(c *httpfw.Ctx) error { return c.Text(200, "ignored") })
	a.Post("/early", func(c *httpfw.Ctx) error { return httpfw.Error(403, "no") })
	a.Post("/begun", func(c *httpfw.Ctx) error {
		c.WriteString("begun ")
		if err := c.Flush(); err != nil {
			return err
		}
		b, err := c.BodyBytes()
		_, werr := fmt.Fprintf(c, "%s %v", b, err)
		return werr
	})
	return a
}

func TestBody(t *testing.T) {
	srv := serve(t, bodyApp(httpfw.Config{BodyBytesMax: 100_000}))
	large := strings.Repeat("0123456789", 10_000)
	for _, w := range []struct {
		name, request string
		status        int
		body          string
		keeps         bool
	}{
		{"sized", post("/bytes", sized(5), "hello"), 200, "5 hello", true},
		{"none", post("/bytes", "", ""), 200, "0 ", true},
		{"empty", post("/bytes", sized(0), ""), 200, "0 ", true},
		{"chunked", post("/bytes", chunked, "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"), 200, "-1 hello", true},
		{"chunked, empty", post("/bytes", chunked, "0\r\n\r\n"), 200, "-1 ", true},
		{"trailer", post("/bytes", chunked, "1\r\nx\r\n0\r\nX-T: "+strings.Repeat("t", 3000)+"\r\n\r\n"), 200, "-1 x", true},
		{"trailer, small reads", post("/small", chunked, "1\r\nx\r\n0\r\nX-T: "+strings.Repeat("t", 3000)+"\r\n\r\n"), 200, "xtrue <nil>", true},
		{"forbidden trailer", post("/bytes", chunked, "0\r\nHost: x\r\n\r\n"), 400, "", false},
		{"small reads", post("/small", sized(5), "hello"), 200, "hellotrue <nil>", true},
		{"large", post("/bytes", sized(100_000), large), 200, "100000 " + large, true},
		{"large, chunked", post("/bytes", chunked, "186a0\r\n"+large+"\r\n0\r\n\r\n"), 200, "-1 " + large, true},
		{"too large", post("/bytes", sized(100_001), large+"x"), 413, "the body is longer than 100000 bytes\n", false},
		{"too large, chunked", post("/bytes", chunked, "186a1\r\n"+large+"x\r\n0\r\n\r\n"), 413, "the body is longer than 100000 bytes\n", false},
		{"limit of its own", post("/limit", sized(5), "hello"), 200, "hello", true},
		{"bad chunk", post("/bytes", chunked, "5\r\nhelloX\r\n0\r\n\r\n"), 400, "RFC 9112 section 7.1: chunk longer than its size\n", false},
		{"bad size", post("/bytes", chunked, "x\r\n"), 400, "", false},
		{"unread", post("/ignore", sized(5), "hello"), 200, "ignored", true},
		{"unread, chunked", post("/ignore", chunked, "5\r\nhello\r\n0\r\nX-T: t\r\n\r\n"), 200, "ignored", true},
		{"unread, bad chunk", post("/ignore", chunked, "5\r\nhelloX"), 200, "ignored", false},
		{"error, unread", post("/early", sized(5), "hello"), 403, "no\n", true},
		{"begun", post("/begun", sized(5), "hello"), 200, "begun hello <nil>", true},
	} {
		c := connect(t, srv)
		go io.WriteString(c, w.request)
		r := c.reply("POST")
		if r.status != w.status || w.body != "" && r.body != w.body || r.err != "" {
			t.Errorf("%s: %.300v", w.name, r)
		}
		if w.keeps {
			if r := c.postReply("/bytes", "next"); r.body != "4 next" {
				t.Errorf("%s: next: %v", w.name, r)
			}
		} else {
			c.halfClose()
			c.ended()
			if !r.close && w.name != "unread, bad chunk" {
				t.Errorf("%s: the end of the connection is not announced", w.name)
			}
		}
		c.Close()
	}
}

// An unread body is thrown away within a bound; beyond it the connection ends, but the
// reply arrives.
func TestUnreadBodyWithoutEnd(t *testing.T) {
	srv := serve(t, bodyApp(httpfw.Config{}))
	c := connect(t, srv)
	done := make(chan error, 1)
	go func() {
		_, err := io.WriteString(c, post("/ignore", sized(1<<30), strings.Repeat("x", 32<<20)))
		done <- err
	}()
	if r := c.reply("POST"); r.body != "ignored" {
		t.Error(r)
	}
	if err := within(t, done, "the end of the connection"); err == nil {
		t.Error("the server has taken 32 MiB")
	}
}

func TestBodyTimeout(t *testing.T) {
	srv := serve(t, bodyApp(httpfw.Config{BodyTimeout: 20 * time.Millisecond}))
	c := connect(t, srv)
	c.send(post("/bytes", sized(5), "hel"))
	if r := c.reply("POST"); r.status != 408 || !r.close {
		t.Error(r)
	}
	c.ended()
	// Nobody reads the body; its rest is not waited for any longer.
	c = connect(t, srv)
	c.send(post("/ignore", sized(5), "hel"))
	if r := c.reply("POST"); r.body != "ignored" {
		t.Error(r)
	}
	c.ended()
}

// What a handler gets when its client goes in the middle of a body.
func TestBodyCutOff(t *testing.T) {
	got := make(chan error, 1)
	a := httpfw.New(httpfw.Config{Logger: quiet})
	read := func(c *httpfw.Ctx) error {
		_, err := c.BodyBytes()
		got <- err
		return err
	}
	a.Post("/", read)
	a.Post("/keep", read).KeepRunning()
	srv := serve(t, a)
	for _, end := range []func(c *client){(*client).halfClose, (*client).abort, func(c *client) { c.Close() }} {
		for _, path := range []string{"/", "/keep"} {
			for _, framing := range []string{sized(10), chunked} {
				c := connect(t, srv)
				c.send(post(path, framing, "5\r\nab"))
				end(c)
				err := within(t, got, "the end of the body")
				if err == nil || path == "/keep" && errors.Is(err, httpfw.ErrClientGone) {
					t.Errorf("%s %q: %v", path, framing, err)
				}
				c.Close()
			}
		}
	}
}

// A body that is announced and does not come costs next to nothing: memory follows what has
// arrived. Each client here announces 64 KiB.
func TestMemoryFollowsTheBody(t *testing.T) {
	const n, announced = 300, 64 << 10
	begun := make(chan struct{}, n)
	a := httpfw.New(httpfw.Config{Logger: quiet})
	a.Post("/bytes", func(c *httpfw.Ctx) error {
		begun <- struct{}{}
		b, err := c.BodyBytes()
		if err != nil {
			return err
		}
		return c.Text(200, fmt.Sprint(len(b)))
	})
	srv := serve(t, a)
	live := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	var clients []*client
	for range n {
		clients = append(clients, connect(t, srv))
	}
	before := live()
	for _, c := range clients {
		c.send(post("/bytes", sized(announced), "b"))
		within(t, begun, "the handler")
	}
	srv.Server().Runtime().Running() // the last of them waits
	if grown := int64(live() - before); grown > n*announced/4 {
		t.Errorf("%d bytes for %d bodies of which one byte has come", grown, n)
	} else {
		t.Logf("%d bytes for each", grown/n)
	}
	rest := strings.Repeat("b", announced-1)
	for _, c := range clients {
		c.send(rest)
		if r := c.reply("POST"); r.body != fmt.Sprint(announced) {
			t.Fatalf("got %v", r)
		}
	}
}

// A client that ends its side in the middle of a body has made a bad request; the log
// has nothing to say about it.
func TestBodyCutIsTheClientsFault(t *testing.T) {
	var log logged
	a := httpfw.New(httpfw.Config{Logger: log.logger()})
	a.Post("/", func(c *httpfw.Ctx) error {
		_, err := c.BodyBytes()
		return err
	}).KeepRunning()
	srv := serve(t, a)
	for _, framing := range []string{"Content-Length: 3\r\n\r\na", "Transfer-Encoding: chunked\r\n\r\n3\r\na"} {
		cl := connect(t, srv)
		cl.send("POST / HTTP/1.1\r\nHost: x\r\n" + framing)
		cl.halfClose()
		if r := cl.reply("POST"); r.status != 400 || !r.close {
			t.Errorf("%q: got %v", framing, r)
		}
	}
	if s := log.String(); s != "" {
		t.Errorf("logged %s", s)
	}
}

// Nor if the client resets the connection, or if the reply had begun: else one client
// could fill a log.
func TestClientsFaultIsNotLogged(t *testing.T) {
	var log logged
	ended := make(chan error, 1)
	a := httpfw.New(httpfw.Config{Logger: log.logger()})
	echo := func(c *httpfw.Ctx) (err error) {
		b := make([]byte, 100)
		for err == nil {
			var n int
			n, err = c.Body().Read(b)
			if c.Path() == "/begun" && n > 0 {
				c.Write(b[:n])
				c.Flush()
			}
		}
		ended <- err
		return fmt.Errorf("echo: %w", err)
	}
	a.Post("/begun", echo)
	a.Post("/not", echo)
	srv := serve(t, a)
	for _, path := range []string{"/begun", "/not"} {
		for _, framing := range []string{sized(10) + "\r\n1\n", chunked + "\r\n2\r\n1\n\r\n"} {
			for how, cut := range map[string]func(c *client){
				"abort": (*client).abort,
				"close": (*client).halfClose,
				"bad":   func(c *client) { c.send("x"); c.halfClose() },
			} {
				c := connect(t, srv)
				c.send("POST " + path + " HTTP/1.1\r\nHost: x\r\n" + framing)
				for path == "/begun" && c.line() != "1" {
				}
				cut(c)
				if err := within(t, ended, "the handler"); err == io.EOF {
					t.Errorf("%s, %q, %s: the body looks whole", path, framing, how)
				}
				io.Copy(io.Discard, c.r)
			}
		}
	}
	if s := log.String(); s != "" {
		t.Errorf("logged %s", s)
	}
}

// One byte a chunk costs the client six and the handler no Read of its own.
func TestTinyChunks(t *testing.T) {
	const n = 10000
	got := make(chan [2]int, 1)
	count := func(r io.Reader) {
		b := make([]byte, 4<<10)
		for size, reads := 0, 1; ; reads++ {
			m, err := r.Read(b)
			if size += m; err != nil {
				got <- [...]int{size, reads}
				return
			}
		}
	}
	a := httpfw.New(httpfw.Config{Logger: quiet})
	a.Post("/ctx", func(c *httpfw.Ctx) error { count(c.Body()); return c.NoContent(204) })
	a.Mount("/mounted", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { count(r.Body) }))
	srv := serve(t, a)
	for _, path := range []string{"/ctx", "/mounted"} {
		c := connect(t, srv)
		c.send(post(path, chunked, strings.Repeat("1\r\nx\r\n", n)+"0\r\n\r\n"))
		if g := within(t, got, path); g[0] != n || g[1] > n/10 {
			t.Errorf("%s: %d bytes in %d reads, %d sent", path, g[0], g[1], n)
		}
		if r := c.reply("POST"); r.status/100 != 2 {
			t.Error(r)
		}
	}
}

// A body that nobody reads and that is longer than what is thrown away ends the connection,
// and the reply says so.
func TestUnreadBodyTooLong(t *testing.T) {
	app := func() *httpfw.App {
		a := httpfw.New(httpfw.Config{Logger: quiet})
		a.Post("/ctx", says("ok"))
		a.Mount("/mounted", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok") }))
		return a
	}
	bothWays(t, app, func(t *testing.T, dial func() *client) {
		for _, path := range []string{"/ctx", "/mounted"} {
			c := dial()
			c.send(post(path, sized(1<<20), ""))
			if r := c.reply("POST"); r.body != "ok" || !r.close {
				t.Errorf("%s: %v", path, r)
			}
			c.ended()
		}
	})
}

// A limit that is raised after it was met does not make a hole in the body: what a sized
// one has is still there, and what a chunked one had is lost.
func TestBodyLimitRaisedTooLate(t *testing.T) {
	a := httpfw.New(httpfw.Config{Logger: quiet})
	a.Post("/", func(c *httpfw.Ctx) error {
		c.SetBodyLimit(5)
		if b, err := io.ReadAll(c.Body()); len(b) > 5 || !errors.Is(err, httpfw.ErrBodyTooLarge) {
			t.Errorf("%q %v", b, err)
		}
		c.SetBodyLimit(10)
		b, err := io.ReadAll(c.Body())
		if err != nil {
			return err
		}
		return c.Bytes(200, "text/plain", b)
	})
	srv := serve(t, a)
	c := connect(t, srv)
	c.send(post("/", sized(10), "0123456789"))
	if r := c.reply("POST"); r.body != "0123456789" {
		t.Error(r)
	}
	c.send(post("/", chunked, "4\r\n0123\r\n4\r\n4567\r\n2\r\n89\r\n0\r\n\r\n"))
	if r := c.reply("POST"); r.status != 413 {
		t.Error(r)
	}
}
