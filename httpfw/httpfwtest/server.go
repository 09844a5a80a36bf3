// Package httpfwtest tests an App as its clients see it, without a socket: requests go
// through the same connections as in production, over a network in memory.
//
//	srv := httpfwtest.New(t, app)
//	resp, err := srv.Client().Get(srv.URL + "/users/7")
//
// A test fails at its end if it leaves a connection open, or a handler that does not
// end when it is canceled.
package httpfwtest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/heddle-go/heddle/fiber"
	"github.com/heddle-go/heddle/httpfw"
	"github.com/heddle-go/heddle/netpoll"
)

// Config says how a Server works. The zero value is meant to be used.
type Config struct {
	// Fiber configures the loops. Default: two of them. NewPoller is the Server's.
	Fiber fiber.Config
	// Network says what befalls the connections. Default: nothing.
	Network netpoll.MemoryOptions
	// Seed is where the chance of Network comes from.
	Seed uint64
	// CloseTimeout bounds the end of the test: the wait for connections and handlers.
	// Default 5 s.
	CloseTimeout time.Duration
}

// A Server serves an App in memory until the end of a test. Any goroutine may use it.
type Server struct {
	// URL is the address of the App, without a slash at its end.
	URL string

	t       testing.TB
	http    *httpfw.Server
	rt      *fiber.Runtime
	network *netpoll.MemoryNetwork
	client  *http.Client
	config  Config

	mu    sync.Mutex
	conns map[*conn]bool // open ones; under mu
	left  *sync.Cond     // one was closed; on mu
}

// address is that of every Server, each on a network of its own.
const address = "heddle.test:80"

// New serves app until the end of the test.
func New(t testing.TB, app *httpfw.App) *Server {
	t.Helper()
	return NewConfig(t, app, Config{})
}

// NewConfig is New with a configuration.
func NewConfig(t testing.TB, app *httpfw.App, c Config) *Server {
	t.Helper()
	if c.Fiber.Loops == 0 {
		c.Fiber.Loops = 2
	}
	if c.CloseTimeout == 0 {
		c.CloseTimeout = 5 * time.Second
	}
	s := &Server{URL: "http://heddle.test", t: t, config: c, conns: map[*conn]bool{},
		network: netpoll.NewMemoryNetwork(c.Seed, c.Network)}
	s.left = sync.NewCond(&s.mu)
	c.Fiber.NewPoller = s.network.NewEngine
	var err error
	if s.rt, err = fiber.New(c.Fiber); err != nil {
		t.Fatal(err)
	}
	if s.http, err = app.NewServer(s.rt); err == nil {
		_, err = s.http.Listen("tcp", address)
	}
	if err != nil {
		s.rt.Close(context.Background())
		t.Fatal(err)
	}
	s.client = &http.Client{Transport: &http.Transport{
		DisableCompression: true,
		DialContext:        func(context.Context, string, string) (net.Conn, error) { return s.dial() },
	}}
	t.Cleanup(s.close)
	return s
}

// Server returns the server under test.
func (s *Server) Server() *httpfw.Server { return s.http }

// Client returns a client that reaches the App under every host name.
func (s *Server) Client() *http.Client { return s.client }

// Do sends a request through Client. The test fails if there is no reply; it closes
// the body.
func (s *Server) Do(r *http.Request) *http.Response {
	s.t.Helper()
	resp, err := s.client.Do(r)
	if err != nil {
		s.t.Fatalf("%s %s: %v", r.Method, r.URL, err)
	}
	return resp
}

// Dial opens a connection, which the test closes.
func (s *Server) Dial() net.Conn {
	s.t.Helper()
	c, err := s.dial()
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

func (s *Server) dial() (net.Conn, error) {
	mc, err := s.network.Dial()
	if err != nil {
		return nil, err
	}
	c := &conn{MemoryConn: mc, s: s}
	s.mu.Lock()
	s.conns[c] = true
	s.mu.Unlock()
	return c, nil
}

// conn is a client's connection that is known to its Server.
type conn struct {
	*netpoll.MemoryConn
	s *Server
}

// Close closes the connection in order.
func (c *conn) Close() error { c.forget(); return c.MemoryConn.Close() }

// Abort resets the connection.
func (c *conn) Abort() error { c.forget(); return c.MemoryConn.Abort() }

func (c *conn) forget() {
	c.s.mu.Lock()
	delete(c.s.conns, c)
	c.s.left.Broadcast()
	c.s.mu.Unlock()
}

// rawTimeout bounds Raw.
const rawTimeout = 30 * time.Second

// Raw sends p, some requests, on a connection of its own and returns what comes back:
// until every request in p has its final reply, or the server ends the connection. For
// the latter it waits if p ends in what is not a whole request.
func (s *Server) Raw(p []byte) (reply []byte) {
	s.t.Helper()
	c := s.Dial()
	defer c.Close()
	c.SetDeadline(time.Now().Add(rawTimeout))
	sent := make(chan struct{})
	go func() { c.Write(p); close(sent) }()
	defer func() { <-sent }()
	defer c.Close()

	requests, whole := parse(p)
	var all bytes.Buffer
	r := bufio.NewReader(io.TeeReader(c, &all))
	for len(requests) > 0 {
		resp, err := http.ReadResponse(r, requests[0])
		if err != nil {
			return s.rest(r, &all, err)
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			return s.rest(r, &all, err)
		}
		if resp.StatusCode >= 200 {
			requests = requests[1:]
		}
		if resp.Close || resp.StatusCode == http.StatusSwitchingProtocols {
			whole = false
			break
		}
	}
	if whole {
		return all.Bytes()
	}
	return s.rest(r, &all, nil)
}

// rest reads to the end of the connection. err is why it no longer makes sense to look
// for replies.
func (s *Server) rest(r io.Reader, all *bytes.Buffer, err error) []byte {
	s.t.Helper()
	if _, e := io.Copy(io.Discard, r); err == nil {
		err = e
	}
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		s.t.Errorf("Raw: no end after %v and %q", rawTimeout, all.Bytes())
	}
	return all.Bytes()
}

// parse returns the requests in p, and whether there is nothing else in it.
func parse(p []byte) (list []*http.Request, whole bool) {
	r := bufio.NewReader(bytes.NewReader(p))
	for {
		if _, err := r.Peek(1); err != nil {
			return list, true
		}
		req, err := http.ReadRequest(r)
		if err != nil {
			return list, false
		}
		if _, err := io.Copy(io.Discard, req.Body); err != nil {
			return list, false
		}
		list = append(list, req)
		if req.Close {
			return list, false
		}
	}
}

// close ends the server and reports what was left behind.
func (s *Server) close() {
	s.t.Helper()
	s.client.CloseIdleConnections() // and those that become idle later
	if n := s.await(s.config.CloseTimeout); n > 0 {
		s.t.Errorf("httpfwtest: %d connections are still open at the end of the test: close them, and the body of every response", n)
	}
	ctx, cancel := context.WithTimeout(context.Background(), s.config.CloseTimeout)
	defer cancel()
	if err := s.http.Shutdown(ctx); err != nil {
		s.t.Errorf("httpfwtest: %v", err)
	}
	last, cancel := context.WithTimeout(context.Background(), s.config.CloseTimeout)
	defer cancel()
	if err := s.rt.Close(last); err != nil {
		s.t.Errorf("httpfwtest: %v", err)
	}
}

// await waits until no connection is open, at most d, and returns how many are.
func (s *Server) await(d time.Duration) int {
	late := false
	timer := time.AfterFunc(d, func() {
		s.mu.Lock()
		late = true
		s.left.Broadcast()
		s.mu.Unlock()
	})
	defer timer.Stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.conns) > 0 && !late {
		s.left.Wait()
	}
	return len(s.conns)
}

// Body reads and closes the body of a response; the test fails if it is cut off.
func (s *Server) Body(resp *http.Response) string {
	s.t.Helper()
	var b strings.Builder
	_, err := io.Copy(&b, resp.Body)
	resp.Body.Close()
	if err != nil {
		s.t.Errorf("body of %s: %v", resp.Request.URL, err)
	}
	return b.String()
}
