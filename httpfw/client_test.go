package httpfw_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/heddle-go/heddle/fiber"
	"github.com/heddle-go/heddle/httpfw"
	"github.com/heddle-go/heddle/httpfw/httpfwtest"
)

// This file is how the tests talk to an App: as a client that sees every byte.

// patience bounds every wait that should be short.
const patience = 10 * time.Second

// quiet is a logger for tests in which errors are meant to happen.
var quiet = slog.New(slog.DiscardHandler)

// A reply is a response as a client tells it, without what may differ.
type reply struct {
	status  int
	header  string // "Name: value" lines, sorted, without Date
	body    string
	trailer string
	close   bool
	err     string
}

func (r reply) String() string {
	return fmt.Sprintf("%d close=%v err=%q\n%s\n%q %s", r.status, r.close, r.err, r.header, r.body, r.trailer)
}

// lines writes a header in a fixed order.
func lines(h http.Header, without ...string) string {
	var list []string
next:
	for name, values := range h {
		for _, w := range without {
			if strings.EqualFold(name, w) {
				continue next
			}
		}
		for _, v := range values {
			list = append(list, name+": "+v)
		}
	}
	sort.Strings(list)
	return strings.Join(list, "\n")
}

// serve starts a server whose runtime logs nothing.
func serve(t testing.TB, app *httpfw.App) *httpfwtest.Server {
	t.Helper()
	return httpfwtest.NewConfig(t, app, httpfwtest.Config{Fiber: fiber.Config{Logger: quiet}})
}

// A client is one connection.
type client struct {
	t testing.TB
	net.Conn
	r *bufio.Reader
}

func newClient(t testing.TB, c net.Conn) *client {
	t.Helper()
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(patience))
	return &client{t: t, Conn: c, r: bufio.NewReader(c)}
}

// connect opens a connection to a test server.
func connect(t testing.TB, srv *httpfwtest.Server) *client { return newClient(t, srv.Dial()) }

func (c *client) send(s string) {
	c.t.Helper()
	if _, err := io.WriteString(c, s); err != nil {
		c.t.Fatalf("send: %v", err)
	}
}

// get sends a request without a body.
func (c *client) get(method, target string, fields ...string) reply {
	c.t.Helper()
	c.send(method + " " + target + " HTTP/1.1\r\nHost: x\r\n" + strings.Join(append(fields, ""), "\r\n") + "\r\n")
	return c.reply(method)
}

// reply reads the final reply to a request with that method.
func (c *client) reply(method string) reply {
	c.t.Helper()
	for {
		resp, err := http.ReadResponse(c.r, &http.Request{Method: method})
		if err != nil {
			return reply{err: err.Error()}
		}
		if resp.StatusCode < 200 && resp.StatusCode != 101 {
			continue
		}
		return read(resp)
	}
}

func read(resp *http.Response) reply {
	r := reply{status: resp.StatusCode, close: resp.Close}
	b, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	r.body = string(b)
	if err != nil {
		r.err = err.Error()
	}
	r.header = lines(resp.Header, "Date")
	if resp.ContentLength >= 0 {
		r.header += fmt.Sprintf("\nlength %d", resp.ContentLength)
	}
	r.trailer = lines(resp.Trailer)
	return r
}

// line reads one line of a reply.
func (c *client) line() string {
	c.t.Helper()
	s, err := c.r.ReadString('\n')
	if err != nil {
		c.t.Fatalf("line: %v after %q", err, s)
	}
	return strings.TrimRight(s, "\r\n")
}

// ended expects the server to end the connection, and nothing before that.
func (c *client) ended() {
	c.t.Helper()
	b, err := io.ReadAll(c.r)
	if len(b) > 0 {
		c.t.Errorf("unexpected: %q", b)
	}
	if e, ok := err.(net.Error); ok && e.Timeout() {
		c.t.Error("the connection is still open")
	}
}

// halfClose sends FIN.
func (c *client) halfClose() { c.Conn.(interface{ CloseWrite() error }).CloseWrite() }

// abort resets the connection.
func (c *client) abort() { c.Conn.(interface{ Abort() error }).Abort() }

// bothWays runs fn with an App behind a connection of Heddle's and inside net/http.
func bothWays(t *testing.T, app func() *httpfw.App, fn func(t *testing.T, dial func() *client)) {
	t.Run("heddle", func(t *testing.T) {
		srv := serve(t, app())
		fn(t, func() *client { return connect(t, srv) })
	})
	t.Run("under", func(t *testing.T) {
		a := app()
		srv := httptest.NewUnstartedServer(a)
		srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
		srv.Config.DisableGeneralOptionsHandler = true
		srv.Start()
		t.Cleanup(func() {
			srv.Close()
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			if err := a.Close(ctx); err != nil {
				t.Error(err)
			}
		})
		fn(t, func() *client { return dialTCP(t, srv.Listener.Addr()) })
	})
}

// dialTCP connects to a server of net/http.
func dialTCP(t testing.TB, addr net.Addr) *client {
	t.Helper()
	c, err := net.Dial("tcp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	return newClient(t, c)
}

// within fails the test if ch does not deliver in time.
func within[T any](t testing.TB, ch <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(patience):
		t.Fatalf("timeout: %s", what)
		panic("unreachable")
	}
}

// logged is a logger that keeps what it gets.
type logged struct {
	mu  sync.Mutex
	buf strings.Builder
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func (l *logged) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

func post(path, fields, body string) string {
	return "POST " + path + " HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n" + body
}

func sized(n int) string { return fmt.Sprintf("Content-Length: %d\r\n", n) }

const chunked = "Transfer-Encoding: chunked\r\n"

func (c *client) postReply(path, body string) reply {
	c.t.Helper()
	c.send(post(path, sized(len(body)), body))
	return c.reply("POST")
}
