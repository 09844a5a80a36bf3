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

	"github.com/heddle-go/heddle/codec/http1"
	"github.com/heddle-go/heddle/httpfw"
)

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

func post(path, fields, body string) string {
	return "POST " + path + " HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n" + body
}

func sized(n int) string { return fmt.Sprintf("Content-Length: %d\r\n", n) }

const chunked = "Transfer-Encoding: chunked\r\n"

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
		{"too large", post("/bytes", sized(100_001), large+"x"), 413, "Content Too Large\n", false},
		{"too large, chunked", post("/bytes", chunked, "186a1\r\n"+large+"x\r\n0\r\n\r\n"), 413, "Content Too Large\n", false},
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

func (c *client) postReply(path, body string) reply {
	c.t.Helper()
	c.send(post(path, sized(len(body)), body))
	return c.reply("POST")
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

// Errors of the body know their status.
func TestStatusOf(t *testing.T) {
	for err, want := range map[error]int{
		httpfw.ErrBodyTooLarge:                      413,
		fmt.Errorf("x: %w", httpfw.ErrBodyTimeout):  408,
		&http1.Error{Status: 431}:                   431,
		errors.New("x"):                             500,
		httpfw.Errorf(404, "%w", errors.New("why")): 404,
	} {
		if got := httpfw.StatusOf(err); got != want {
			t.Errorf("%v: got %d, want %d", err, got, want)
		}
	}
	e := httpfw.Error(http.StatusTeapot, "")
	if e.Error() != "httpfw: 418 " && !strings.Contains(e.Error(), "418") {
		t.Error(e)
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

func TestBind(t *testing.T) {
	type value struct {
		Name string
		Age  int
	}
	a := httpfw.New(httpfw.Config{Logger: quiet, BodyBytesMax: 1000})
	a.Post("/json", func(c *httpfw.Ctx) error {
		var v value
		if err := c.BindJSON(&v); err != nil {
			return err
		}
		return c.JSON(200, v)
	})
	a.Post("/form", func(c *httpfw.Ctx) error {
		v, err := c.Form()
		if err != nil {
			return err
		}
		return c.Text(200, v.Encode())
	})
	c := connect(t, serve(t, a))
	const jsonType, formType = "application/json", "application/x-www-form-urlencoded"
	for _, w := range []struct {
		path, kind, body string
		status           int
		says             string
	}{
		{"/json", jsonType, `{"Name": "Ada", "Age": 36}`, 200, `{"Name":"Ada","Age":36}` + "\n"},
		{"/json", "application/ld+json; charset=utf-8", ` {"Age": 1} ` + "\n", 200, `{"Name":"","Age":1}` + "\n"},
		{"/json", "", `{}`, 200, `{"Name":"","Age":0}` + "\n"},
		{"/json", "text/plain", `{}`, 415, "must be application/json"},
		{"/json", "a b c", `{}`, 415, "must be application/json"},
		{"/json", jsonType, `{"Age": "x"}`, 400, `"Age"`},
		{"/json", jsonType, `{"Age": }`, 400, "byte 9"},
		{"/json", jsonType, `{} {}`, 400, "follows"},
		{"/json", jsonType, `{} x`, 400, "follows"},
		{"/json", jsonType, `{"Age": 1`, 400, "too early"},
		{"/json", jsonType, ``, 400, "empty"},
		{"/json", jsonType, `"` + strings.Repeat("x", 1000) + `"`, 413, "Too Large"},
		{"/form", formType, "a=1&b=%41+c&a=2", 200, "a=1&a=2&b=A+c"},
		{"/form", formType, "a=%4", 400, `"a"`},
		{"/form", jsonType, "a=1", 415, formType},
		{"/form", "", "a=1", 415, formType},
		{"/form", formType, strings.Repeat("x", 1001), 413, "Too Large"},
	} {
		fields := sized(len(w.body))
		if w.kind != "" {
			fields += "Content-Type: " + w.kind + "\r\n"
		}
		c.send(post(w.path, fields, w.body))
		r := c.reply("POST")
		if r.status != w.status || !strings.Contains(r.body, w.says) {
			t.Errorf("%s %.40q: %v", w.path, w.body, r)
		}
		if r.close {
			c.Close()
			c = connect(t, serve(t, a))
		}
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
