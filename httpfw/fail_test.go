package httpfw_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/heddle-go/heddle/codec/http1"
	"github.com/heddle-go/heddle/fiber"
	"github.com/heddle-go/heddle/httpfw"
)

// However a handler fails, its client gets an error reply, or a cut connection if the
// reply had begun; other connections see nothing.
func TestHandlerFails(t *testing.T) {
	begin := func(c *httpfw.Ctx) {
		c.WriteString("half")
		c.Flush()
	}
	sleep := func(c *httpfw.Ctx) { c.Sleep(time.Millisecond) }
	a := httpfw.New(httpfw.Config{Logger: quiet})
	a.Get("/ok", says("ok"))
	for path, h := range map[string]httpfw.Handler{
		"/error":       func(*httpfw.Ctx) error { return errors.New("secret") },
		"/panic":       func(*httpfw.Ctx) error { panic("secret") },
		"/panic/nil":   func(*httpfw.Ctx) error { var m []int; m[len(m)] = 1; return nil },
		"/panic/slept": func(c *httpfw.Ctx) error { sleep(c); panic("secret") },
		"/panic/block": func(c *httpfw.Ctx) error { return c.Block(func() { panic("secret") }) },
		"/panic/text":  func(c *httpfw.Ctx) error { c.Text(200, "fine"); panic("secret") },
		"/goexit":      func(*httpfw.Ctx) error { runtime.Goexit(); return nil },
		"/goexit/slept": func(c *httpfw.Ctx) error {
			sleep(c)
			runtime.Goexit()
			return nil
		},
		"/cut/error":  func(c *httpfw.Ctx) error { begin(c); return errors.New("secret") },
		"/cut/panic":  func(c *httpfw.Ctx) error { begin(c); panic("secret") },
		"/cut/goexit": func(c *httpfw.Ctx) error { begin(c); runtime.Goexit(); return nil },
		"/cut/abort":  func(c *httpfw.Ctx) error { return httpfw.ErrAbort },
	} {
		a.Get(path, h)
		a.Post("/post"+path, h)
	}
	srv := serve(t, a)
	other := connect(t, srv)
	for _, path := range []string{"/error", "/panic", "/panic/nil", "/panic/slept", "/panic/block", "/panic/text", "/goexit", "/goexit/slept"} {
		for _, with := range []string{"", "body"} {
			c := connect(t, srv)
			c.send("GET /ok HTTP/1.1\r\nHost: x\r\n\r\n") // pipelined
			if with == "" {
				c.send("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n")
			} else {
				c.send(post("/post"+path, sized(5), "hello"))
			}
			if r := c.reply("GET"); r.body != "ok" {
				t.Errorf("%s: before: %v", path, r)
			}
			if r := c.reply("GET"); r.status != 500 || r.body != "Internal Server Error\n" || r.close == (path == "/error") {
				t.Errorf("%s %s: %v", path, with, r)
			}
			c.halfClose()
			c.ended()
		}
	}
	for _, path := range []string{"/cut/error", "/cut/panic", "/cut/goexit", "/cut/abort"} {
		c := connect(t, srv)
		if r := c.get("GET", path); r.err == "" {
			t.Errorf("%s: %v", path, r)
		}
		c.ended()
	}
	if r := other.get("GET", "/ok"); r.body != "ok" {
		t.Error(r)
	}
}

// The error handler of the App makes the reply; what was meant for the body that does
// not come is gone.
func TestErrorHandler(t *testing.T) {
	a := httpfw.New(httpfw.Config{ErrorHandler: func(c *httpfw.Ctx, err error) {
		c.JSON(httpfw.StatusOf(err), map[string]string{"error": err.Error()})
	}})
	a.Get("/", func(c *httpfw.Ctx) error {
		c.SetHeader("Etag", `"x"`)
		c.SetHeader("Content-Encoding", "br")
		c.SetHeader("Content-Length", "100")
		c.SetHeader("X-Kept", "yes")
		return httpfw.Error(409, "taken")
	})
	a.Get("/silent", func(c *httpfw.Ctx) error { return httpfw.Error(404, "") })
	c := connect(t, serve(t, a))
	r := c.get("GET", "/")
	if r.status != 409 || r.body != `{"error":"httpfw: 409 taken"}`+"\n" ||
		strings.Contains(r.header, "Etag") || strings.Contains(r.header, "Encoding") || !strings.Contains(r.header, "X-Kept") {
		t.Error(r)
	}
	if r := c.get("GET", "/none"); r.status != 404 || !strings.Contains(r.body, "error") {
		t.Error(r)
	}
}

// A client that goes cancels its request, with the cause, in whatever the handler
// waits for; KeepRunning lets it go on.
func TestClientGone(t *testing.T) {
	type end struct {
		err, ctx, cause error
	}
	in, got, kept := make(chan struct{}, 1), make(chan end, 1), make(chan error, 1)
	a := httpfw.New(httpfw.Config{Logger: quiet})
	a.Get("/sleep", func(c *httpfw.Ctx) error {
		ctx := c.Context()
		in <- struct{}{}
		err := c.Sleep(time.Hour)
		got <- end{err, ctx.Err(), context.Cause(ctx)}
		return err
	})
	a.Get("/child", func(c *httpfw.Ctx) error {
		ctx := c.Context()
		g := fiber.NewGroup(c.Fiber())
		g.Go(func(f *fiber.Fiber) error { in <- struct{}{}; return f.Sleep(time.Hour) })
		err := g.Wait(c.Fiber())
		got <- end{err, ctx.Err(), context.Cause(ctx)}
		return err
	})
	a.Get("/block", func(c *httpfw.Ctx) error {
		ctx := c.Context()
		err := c.Block(func() { in <- struct{}{}; <-ctx.Done() })
		if err == nil {
			err = c.Err()
		}
		got <- end{err, ctx.Err(), context.Cause(ctx)}
		return nil
	})
	goOn := make(chan struct{})
	a.Get("/keep", func(c *httpfw.Ctx) error {
		err := c.Block(func() { in <- struct{}{}; <-goOn })
		if err == nil {
			err = c.Err()
		}
		if err == nil {
			err = c.Sleep(time.Millisecond)
		}
		kept <- err
		return c.Text(200, "x")
	}).KeepRunning()
	a.Get("/ok", says("ok"))
	srv := serve(t, a)
	for name, leave := range map[string]func(c *client){"FIN": (*client).halfClose, "RST": (*client).abort, "close": func(c *client) { c.Close() }} {
		for _, path := range []string{"/sleep", "/child", "/block"} {
			c := connect(t, srv)
			c.send("GET /ok HTTP/1.1\r\nHost: x\r\n\r\nGET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n")
			within(t, in, "the handler")
			leave(c)
			if e := within(t, got, name+" "+path); e.err != httpfw.ErrClientGone || e.ctx != context.Canceled || e.cause != httpfw.ErrClientGone {
				t.Errorf("%s %s: %v", name, path, e)
			}
			c.Close()
		}
		c := connect(t, srv)
		c.send("GET /keep HTTP/1.1\r\nHost: x\r\n\r\n")
		within(t, in, "the handler")
		leave(c)
		// The news has arrived: a second connection to each loop has been served since.
		for range 4 {
			o := connect(t, srv)
			o.get("GET", "/ok")
			o.Close()
		}
		goOn <- struct{}{}
		if err := within(t, kept, name+" /keep"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if name == "FIN" { // it still reads
			if r := c.reply("GET"); r.body != "x" {
				t.Error(r)
			}
		}
		c.Close()
	}
	// A client that closes its side right behind the request gets a reply that need
	// not wait for anything, and its handler does not wait for anything either.
	c := connect(t, srv)
	c.send("GET /ok HTTP/1.1\r\nHost: x\r\n\r\nGET /sleep HTTP/1.1\r\nHost: x\r\n\r\n")
	c.halfClose()
	if r := c.reply("GET"); r.body != "ok" {
		t.Error(r)
	}
	within(t, in, "the handler")
	if e := within(t, got, "early FIN"); e.err != httpfw.ErrClientGone {
		t.Error(e)
	}
}

// A handler that stalls its loop without saying so is moved beside it, and so are its
// later calls; the request goes on as if nothing had happened.
func TestStolenHandler(t *testing.T) {
	release := make(chan struct{})
	in := make(chan struct{}, 1)
	a := httpfw.New(httpfw.Config{Logger: quiet})
	a.Post("/stall/:id", func(c *httpfw.Ctx) error {
		before := c.RawQuery()
		in <- struct{}{}
		<-release
		if string(before) != "a=b" || c.Param("id") != "7" || c.Header("X-F") != "f" {
			return errors.New("the request has changed")
		}
		b, err := c.BodyBytes()
		if err != nil {
			return err
		}
		return c.Text(200, string(b)+c.Query("a"))
	})
	a.Get("/ok", says("ok"))
	srv := serve(t, a)
	for range 3 {
		c := connect(t, srv)
		c.send("POST /stall/7?a=b HTTP/1.1\r\nHost: x\r\nX-F: f\r\nContent-Length: 5\r\n\r\nhello")
		within(t, in, "the handler")
		for range 4 {
			o := connect(t, srv)
			if r := o.get("GET", "/ok", "X-Long: "+strings.Repeat("z", 2000)); r.body != "ok" {
				t.Error(r)
			}
			o.Close()
		}
		release <- struct{}{}
		if r := c.reply("POST"); r.body != "hellob" {
			t.Error(r)
		}
		if r := c.get("GET", "/ok"); r.body != "ok" {
			t.Error(r)
		}
		c.Close()
	}
	if srv.Server().Runtime().Stats().Stalls == 0 {
		t.Error("nothing stalled")
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
	// Without a message the status speaks for itself, if HTTP knows it.
	for status, want := range map[int]string{http.StatusNotFound: "httpfw: 404 Not Found", http.StatusTeapot: "httpfw: 418"} {
		if got := httpfw.Error(status, "").Error(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// An HTTPError has its message in the field too, for error handlers that make a reply of
// their own, and every cause that was wrapped.
func TestHTTPError(t *testing.T) {
	if e := httpfw.Error(404, ""); e.Message != "Not Found" || e.Error() != "httpfw: 404 Not Found" {
		t.Errorf("%q, %v", e.Message, e)
	}
	if e := httpfw.Error(404, "no such user"); e.Message != "no such user" {
		t.Errorf("%q", e.Message)
	}
	first, second := errors.New("first"), errors.New("second")
	one := httpfw.Errorf(502, "upstream: %w", first)
	if one.Message != "upstream: first" || one.Err != first || !errors.Is(one, first) {
		t.Errorf("%q %v", one.Message, one.Err)
	}
	two := httpfw.Errorf(502, "upstream: %w, %w", first, second)
	if two.Message != "upstream: first, second" || !errors.Is(two, first) || !errors.Is(two, second) {
		t.Errorf("%q %v", two.Message, two.Err)
	}
	if e := httpfw.Errorf(422, "count is %d", 0); e.Err != nil {
		t.Error(e.Err)
	}
}

// The cause of an HTTPError is for logs only: so it is in one, and not in the reply. That of a
// client's mistake is not worth a line.
func TestDefaultErrorCause(t *testing.T) {
	var log logged
	a := httpfw.New(httpfw.Config{Logger: log.logger()})
	for _, status := range []int{502, 409} {
		a.Get(fmt.Sprint("/", status), func(c *httpfw.Ctx) error {
			return &httpfw.HTTPError{Status: status, Message: "not now", Err: fmt.Errorf("cause of %d", status)}
		})
	}
	srv := serve(t, a)
	for _, status := range []int{502, 409} {
		if r := connect(t, srv).get("GET", fmt.Sprint("/", status)); r.status != status || r.body != "not now\n" {
			t.Error(r)
		}
	}
	if s := log.String(); strings.Count(s, "cause of 502") != 1 || strings.Contains(s, "409") {
		t.Errorf("logged %s", s)
	}
}
