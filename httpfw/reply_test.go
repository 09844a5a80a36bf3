package httpfw_test

import (
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/heddle-go/heddle/httpfw"
)

// What may not be sent is refused where it is set, and the rest is sent.
func TestReplyRefusals(t *testing.T) {
	a := httpfw.New(httpfw.Config{Logger: quiet})
	a.Get("/", func(c *httpfw.Ctx) error {
		bad := map[string]error{
			"name":       c.SetHeader("a b", "x"),
			"empty name": c.AddHeader("", "x"),
			"CRLF":       c.SetHeader("X-A", "a\r\nX-Evil: b"),
			"NUL":        c.SetHeader("X-A", "a\x00"),
			"blanks":     c.SetHeader("X-A", " a"),
			"length":     c.SetHeader("Content-Length", "x"),
			"no length":  c.SetHeader("Content-Length", ""),
			"huge":       c.SetHeader("Content-Length", "99999999999999999999"),
			"framing":    c.SetHeader("transfer-encoding", "chunked"),
			"date":       c.SetHeader("Date", "now"),
			"keep-alive": c.SetHeader("Keep-Alive", "x"),
			"connection": c.SetHeader("Connection", "upgrade"),
			"status":     c.SetStatus(199),
			"status 600": c.Text(600, ""),
			"redirect":   c.Redirect(200, "/"),
			"location":   c.Redirect(302, "/\r\nX-Evil: b"),
			"json":       c.JSON(200, math.NaN()),
			"kind":       c.Bytes(200, "a\nb", nil),
			"cookie":     c.SetCookie(&http.Cookie{Name: "a b"}),
		}
		for what, err := range bad {
			if err == nil {
				return fmt.Errorf("%s was taken", what)
			}
		}
		c.SetHeader("X-A", "1")
		c.AddHeader("x-a", "2")
		c.SetHeader("X-B", "old")
		c.SetHeader("x-b", "new")
		c.SetHeader("X-C", "gone")
		c.DelHeader("x-c")
		return c.Text(200, "fine")
	})
	r := connect(t, serve(t, a)).get("GET", "/")
	if want := "Content-Length: 4\nContent-Type: text/plain; charset=utf-8\nX-A: 1\nX-A: 2\nX-B: new\nlength 4"; r.header != want || r.body != "fine" {
		t.Errorf("%v", r)
	}
}

// After the reply has begun nothing of its head can change, and all who try hear it.
func TestReplyBegun(t *testing.T) {
	a := httpfw.New(httpfw.Config{Logger: quiet})
	a.Get("/", func(c *httpfw.Ctx) error {
		c.WriteString("a")
		if c.Replied() {
			return errors.New("too soon")
		}
		if err := c.Flush(); err != nil {
			return err
		}
		if !c.Replied() {
			return errors.New("not begun")
		}
		for i, err := range []error{c.SetHeader("X-A", "1"), c.SetStatus(201), c.Text(200, "x"), c.JSON(200, 1), c.NoContent(204), c.Redirect(302, "/")} {
			if err != httpfw.ErrReplied {
				c.WriteString(fmt.Sprint(i, err))
			}
		}
		if _, err := c.Hijack(); err != httpfw.ErrReplied {
			c.WriteString(err.Error())
		}
		c.WriteString("b")
		return nil
	})
	// The last of several whole replies counts, and Write may not add to it.
	a.Get("/twice", func(c *httpfw.Ctx) error {
		c.WriteString("forgotten")
		c.JSON(201, 1)
		if err := c.Text(202, "last"); err != nil {
			return err
		}
		if _, err := c.WriteString("more"); err != httpfw.ErrReplied {
			return fmt.Errorf("Write: %v", err)
		}
		return nil
	})
	c := connect(t, serve(t, a))
	if r := c.get("GET", "/"); r.body != "ab" || r.err != "" {
		t.Error(r)
	}
	if r := c.get("GET", "/twice"); r.status != 202 || r.body != "last" {
		t.Error(r)
	}
}

// A wrong Content-Length never reaches a client as a whole reply.
func TestReplyLength(t *testing.T) {
	log := &logged{}
	a := httpfw.New(httpfw.Config{Logger: log.logger()})
	for path, write := range map[string]string{"/long": "hello!", "/short": "hell", "/right": "hello", "/none": ""} {
		a.Get(path, func(c *httpfw.Ctx) error {
			c.SetHeader("Content-Length", "5")
			if write != "" {
				if _, err := c.WriteString(write); err != nil && path != "/long" {
					return err
				}
			}
			return nil
		})
	}
	srv := serve(t, a)
	for path, ok := range map[string]bool{"/long": false, "/short": false, "/right": true, "/none": false} {
		c := connect(t, srv)
		if r := c.get("GET", path); (r.err == "") != ok {
			t.Errorf("%s: %v", path, r)
		}
		if !ok {
			c.ended()
		}
	}
	if !strings.Contains(log.String(), "Content-Length") {
		t.Error("nothing was logged")
	}
}

// An earlier reply still arrives if a later handler cuts the connection.
func TestAbortBehindAReply(t *testing.T) {
	a := httpfw.New(httpfw.Config{Logger: quiet})
	a.Get("/ok", says("ok"))
	a.Get("/abort", func(*httpfw.Ctx) error { return httpfw.ErrAbort })
	c := connect(t, serve(t, a))
	c.send("GET /ok HTTP/1.1\r\nHost: x\r\n\r\nGET /abort HTTP/1.1\r\nHost: x\r\n\r\n")
	if r := c.reply("GET"); r.body != "ok" {
		t.Error(r)
	}
	if r := c.reply("GET"); r.err == "" {
		t.Error(r)
	}
}

// A slow reader holds up its handler and nothing else: what is held for it is bounded,
// whatever way the reply is made, also behind a reply that is not sent yet.
func TestReplySlowReader(t *testing.T) {
	const size = 32 << 20
	text := strings.Repeat("0123456789abcdef", size/16)
	var asked atomic.Int64
	a := httpfw.New(httpfw.Config{Logger: quiet})
	a.Get("/first", says("first"))
	a.Get("/text", func(c *httpfw.Ctx) error { return c.Text(200, text) })
	a.Get("/bytes", func(c *httpfw.Ctx) error { return c.Bytes(200, "x/y", []byte(text)) })
	a.Get("/write", func(c *httpfw.Ctx) error { _, err := c.WriteString(text); return err })
	a.Get("/pieces", func(c *httpfw.Ctx) error {
		for p := text; len(p) > 0; p = p[1<<10:] {
			if _, err := c.WriteString(p[:1<<10]); err != nil {
				return err
			}
		}
		return nil
	})
	a.Get("/stream", func(c *httpfw.Ctx) error {
		return c.Stream(200, "x/y", io.TeeReader(strings.NewReader(text), counter{&asked}))
	})
	srv := serve(t, a)
	for _, path := range []string{"/text", "/bytes", "/write", "/pieces", "/stream"} {
		c := connect(t, srv)
		c.send("GET /first HTTP/1.1\r\nHost: x\r\n\r\nGET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n")
		if r := c.reply("GET"); r.body != "first" {
			t.Fatal(r)
		}
		resp, err := http.ReadResponse(c.r, nil)
		if err != nil {
			t.Fatal(path, err)
		}
		// The other loop, and this one too, still answer.
		for range 4 {
			o := connect(t, srv)
			if r := o.get("GET", "/first"); r.body != "first" {
				t.Error(r)
			}
			o.Close()
		}
		if n := asked.Load(); path == "/stream" && n > 1<<20 {
			t.Errorf("%d bytes were asked for and none was read", n)
		}
		at := 0
		buf := make([]byte, 100_000)
		for {
			n, err := resp.Body.Read(buf)
			if at+n > size || string(buf[:n]) != text[at:at+n] {
				t.Fatalf("%s: wrong bytes at %d", path, at)
			}
			at += n
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(path, err)
			}
		}
		if at != size {
			t.Errorf("%s: %d bytes", path, at)
		}
		c.Close()
	}
}

type counter struct{ n *atomic.Int64 }

func (c counter) Write(p []byte) (int, error) { c.n.Add(int64(len(p))); return len(p), nil }

func TestWriteTimeout(t *testing.T) {
	got := make(chan error, 1)
	a := httpfw.New(httpfw.Config{Logger: quiet, WriteTimeout: 20 * time.Millisecond})
	a.Get("/write", func(c *httpfw.Ctx) error {
		_, err := c.WriteString(strings.Repeat("x", 1<<20))
		got <- err
		return err
	})
	a.Get("/text", func(c *httpfw.Ctx) error { return c.Text(200, strings.Repeat("x", 1<<20)) })
	srv := serve(t, a)
	c := connect(t, srv)
	c.send("GET /write HTTP/1.1\r\nHost: x\r\n\r\n")
	if err := within(t, got, "the timeout"); !errors.Is(err, httpfw.ErrClientGone) {
		t.Error(err)
	}
	if r := c.reply("GET"); r.err == "" {
		t.Error("the reply is whole")
	}
	c = connect(t, srv)
	c.send("GET /text HTTP/1.1\r\nHost: x\r\n\r\n")
	within(t, closedBy(srv.Server()), "the end of the connection")
}

// closedBy tells when the server has no connections.
func closedBy(s *httpfw.Server) <-chan struct{} {
	ch := make(chan struct{})
	go func() {
		for strings.Contains(strings.Join(s.Runtime().Running(), ", "), "httpfw: ") {
			runtime.Gosched()
		}
		close(ch)
	}()
	return ch
}

// What a handler has written when it fails is never taken for all of it.
func TestReplyCutShort(t *testing.T) {
	a := httpfw.New(httpfw.Config{Logger: quiet})
	a.Get("/canceled", func(c *httpfw.Ctx) error {
		c.WriteString(strings.Repeat("x", 20<<10))
		c.Fiber().WithTimeout(time.Millisecond, func() error {
			c.Sleep(time.Hour)
			_, err := c.WriteString(strings.Repeat("y", 20<<10))
			return err
		})
		return nil // the error is lost
	})
	c := connect(t, serve(t, a))
	if r := c.get("GET", "/canceled"); r.err == "" {
		t.Errorf("%d bytes look whole", len(r.body))
	}
}

// A stream keeps the length that was announced, so that a download can show how far it is; a
// HEAD tells it without reading the source, and stops reading one of unknown length as soon
// as its head is known.
func TestStreamLength(t *testing.T) {
	const size = 1 << 20
	text := strings.Repeat("x", size)
	var read atomic.Int64
	bothWays(t, func() *httpfw.App {
		a := httpfw.New(httpfw.Config{Logger: quiet})
		stream := func(c *httpfw.Ctx) error {
			return c.Stream(200, "a/b", io.TeeReader(strings.NewReader(text), counter{&read}))
		}
		a.Get("/known", func(c *httpfw.Ctx) error {
			if err := c.SetHeader("Content-Length", fmt.Sprint(size)); err != nil {
				return err
			}
			return stream(c)
		})
		a.Get("/unknown", stream)
		return a
	}, func(t *testing.T, dial func() *client) {
		for _, test := range []struct {
			method, path, length string
			readMax              int64
		}{
			{"GET", "/known", fmt.Sprint(size), size},
			{"HEAD", "/known", fmt.Sprint(size), 0},
			{"GET", "/unknown", "", size},
			{"HEAD", "/unknown", "", size / 4},
		} {
			read.Store(0)
			c := dial()
			r := c.get(test.method, test.path)
			length := "Content-Length: " + test.length
			if r.status != 200 || strings.Contains(r.header, "Content-Length") != (test.length != "") || test.length != "" && !strings.Contains(r.header, length) {
				t.Errorf("%s %s: %d %s", test.method, test.path, r.status, r.header)
			}
			if test.method == "GET" && len(r.body) != size {
				t.Errorf("%s: %d bytes", test.path, len(r.body))
			}
			if n := read.Load(); n > test.readMax {
				t.Errorf("%s %s read %d bytes", test.method, test.path, n)
			}
		}
	})
}
