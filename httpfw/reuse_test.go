package httpfw

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/heddle-go/heddle/fiber"
	"github.com/heddle-go/heddle/netpoll"
)

// startMemory serves an App on one loop over a network in memory.
func startMemory(t testing.TB, a *App, c fiber.Config) *netpoll.MemoryNetwork {
	t.Helper()
	network := netpoll.NewMemoryNetwork(1, netpoll.MemoryOptions{})
	c.Loops, c.NewPoller, c.Logger = 1, network.NewEngine, slog.New(slog.DiscardHandler)
	rt, err := fiber.New(c)
	if err != nil {
		t.Fatal(err)
	}
	s, err := a.NewServer(rt)
	if err == nil {
		_, err = s.Listen("tcp", "server:80")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		if err := rt.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return network
}

// ask sends one request on a connection and reads the reply.
func ask(t testing.TB, c *netpoll.MemoryConn, r *bufio.Reader, path string) string {
	t.Helper()
	if _, err := io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// A Ctx that something else may hold on to is never used for another request.
func TestCtxReuse(t *testing.T) {
	a := New(Config{Logger: slog.New(slog.DiscardHandler)})
	seen := map[*Ctx]string{}
	var last *Ctx
	note := func(h Handler) Handler {
		return func(c *Ctx) error {
			if by, ok := seen[c]; ok {
				t.Errorf("%s got the Ctx of %s", c.Path(), by)
			}
			last = c
			return h(c)
		}
	}
	for path, h := range map[string]Handler{
		"/plain":   func(c *Ctx) error { return c.Text(200, "x") },
		"/sleep":   func(c *Ctx) error { c.Sleep(time.Microsecond); return c.Text(200, "x") },
		"/context": func(c *Ctx) error { c.Context(); return nil },
		"/block":   func(c *Ctx) error { return c.Block(func() {}) },
		"/child":   func(c *Ctx) error { c.Fiber().Go(func(*fiber.Fiber) {}); return nil },
		"/group":   func(c *Ctx) error { fiber.NewGroup(c.Fiber()).Go(func(*fiber.Fiber) error { return nil }); return nil },
		"/stolen": func(c *Ctx) error {
			for c.Fiber().Loop().Runtime().Stats().Stalls == 0 {
				runtime.Gosched()
			}
			return nil
		},
		"/mounted": FromHTTP(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "x") })),
	} {
		a.Get(path, note(h))
	}
	network := startMemory(t, a, fiber.Config{StallAfter: 5 * time.Millisecond})
	conn, err := network.Dial()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	r := bufio.NewReader(conn)
	for _, path := range []string{"/plain", "/sleep"} {
		ask(t, conn, r, path)
		first := last
		if ask(t, conn, r, "/plain"); last != first {
			t.Errorf("the Ctx of %s is not reused", path)
		}
	}
	for _, path := range []string{"/context", "/block", "/child", "/group", "/stolen", "/mounted"} {
		ask(t, conn, r, path)
		seen[last] = path
		for range 3 {
			ask(t, conn, r, "/plain")
		}
	}
}

// A spare Ctx once kept the memory that its last request's head had been moved to.
func TestSpareCtxKeepsNoHead(t *testing.T) {
	x := &Ctx{work: &work{}, conn: &conn{shard: &shard{limits: &limits{}}}}
	head := []byte("GET /a?b HTTP/1.1\r\nHost: h\r\nX: y\r\n\r\n")
	x.rebase(head)
	if string(x.req.Path) != "/a" {
		t.Fatalf("path %q", x.req.Path)
	}
	x.head = make([]byte, 0, headKeptMax+1)
	x.reset()
	if x.req.Path != nil || x.req.Target != nil || x.head != nil {
		t.Error("the request still points into its head")
	}
	for _, f := range x.req.Fields[:cap(x.req.Fields)] {
		if f.Name != nil || f.Value != nil {
			t.Error("a field still points into the head")
		}
	}
}

// A path that is refused has no parameters, whatever the Ctx was used for before: those of
// another request lay in other places of a shorter path, and a middleware panicked.
func TestSpareCtxKeepsNoParams(t *testing.T) {
	got := ""
	a := New(Config{Logger: slog.New(slog.DiscardHandler)})
	a.Use(func(next Handler) Handler {
		return func(c *Ctx) error {
			got = c.Param("id")
			return next(c)
		}
	})
	a.Get("/users/:id/a", func(c *Ctx) error { return c.Text(200, c.Param("id")) })
	network := startMemory(t, a, fiber.Config{})
	c, err := network.Dial()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	r := bufio.NewReader(c)
	for _, refused := range []string{"/..%2fx", "/..%2fxxxxxxxxxxxxxxxxxxxxxxxx"} {
		if s := ask(t, c, r, "/users/0123456789/a"); s != "0123456789" || got != s {
			t.Fatalf("%q %q", s, got)
		}
		if s := ask(t, c, r, refused); s != errBadPath.Message+"\n" || got != "" {
			t.Errorf("%s: %q, parameter %q", refused, s, got)
		}
	}
}

// In checked mode bytes that are kept too long show it; strings are kept for ever.
func TestBorrowedBytes(t *testing.T) {
	a := New(Config{})
	a.Get("/:id", func(c *Ctx) error {
		id, query := c.Param("id"), c.Query("q")
		borrowed := c.RawQuery()
		if err := c.Block(func() {}); err != nil {
			return err
		}
		return c.Text(200, fmt.Sprintf("%s %s %x %s", id, query, borrowed[:2], c.RawQuery())) //fiberc:ignore fiberborrow the subject of this test
	})
	network := startMemory(t, a, fiber.Config{Checked: true})
	conn, err := network.Dial()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if got := ask(t, conn, bufio.NewReader(conn), "/7?q=v"); got != "7 v dbdb q=v" {
		t.Errorf("got %q", got)
	}
}

// repeat is a transport on which the same request comes again and again.
type repeat struct {
	netpoll.Transport // nil: what is not needed here
	request           []byte
	left              int
	at                map[int]func() // by requests left
	sent              int
	closed            bool
}

func (r *repeat) Receive(c *netpoll.Conn) error {
	if fn := r.at[r.left]; fn != nil {
		fn()
	}
	if r.left == 0 {
		c.Drained()
		return netpoll.ErrWouldBlock
	}
	r.left--
	b := c.Lender().Room(c)
	c.Lender().Lend(c, copy(b, r.request))
	return nil
}

func (r *repeat) Send(p []byte) (int, error) { r.sent += len(p); return len(p), nil }

func (r *repeat) LocalAddr() net.Addr  { return &net.TCPAddr{} }
func (r *repeat) RemoteAddr() net.Addr { return &net.TCPAddr{} }

func (r *repeat) Close(bool) error { r.closed = true; return nil }

// A request for text, with a parameter, costs the framework no allocation but for the
// block that short strings are cut from, once in many requests.
func TestRequestAllocs(t *testing.T) {
	a := New(Config{})
	a.Use(func(next Handler) Handler { return func(c *Ctx) error { return next(c) } })
	a.Get("/users/:id", func(c *Ctx) error { return c.Text(200, c.Param("id")) })
	const n = 10_000
	var before, after runtime.MemStats
	tr := repeated(t, a, n+1000, map[int]func(){
		n: func() { runtime.ReadMemStats(&before) },
		0: func() { runtime.ReadMemStats(&after) },
	})
	if per := float64(after.Mallocs-before.Mallocs) / n; per > 0.05 && os.Getenv("HEDDLE_CHECKED") != "1" {
		t.Errorf("%.3f allocations a request", per)
	}
	if tr.sent < 100*n {
		t.Errorf("only %d bytes were sent", tr.sent)
	}
}

// repeated serves n requests on one connection without a network, calling what is in
// at when so many are left.
func repeated(t testing.TB, a *App, n int, at map[int]func()) *repeat {
	t.Helper()
	rt, err := fiber.New(fiber.Config{Loops: 1, StallAfter: -1})
	if err != nil {
		t.Fatal(err)
	}
	s, err := a.NewServer(rt)
	if err != nil {
		t.Fatal(err)
	}
	rt.Start()
	done := make(chan struct{})
	tr := &repeat{request: []byte("GET /users/7 HTTP/1.1\r\nHost: example.com\r\nUser-Agent: test\r\nAccept: */*\r\n\r\n"), left: n, at: at}
	over := at[0]
	at[0] = func() {
		delete(at, 0)
		over()
		close(done)
	}
	l := rt.Loops()[0]
	nc := &netpoll.Conn{}
	lender := netpoll.NewLender(l)
	if err := l.Post(func() {
		nc.Init(tr, lender, 64<<10)
		s.Accept(nc)
	}); err != nil {
		t.Fatal(err)
	}
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatal("timeout")
	}
	if err := rt.Close(context.Background()); err != nil {
		t.Error(err)
	}
	return tr
}

// BenchmarkRequest is what the framework costs without a network, for a Handler and
// for an http.Handler.
func BenchmarkRequest(b *testing.B) {
	for name, h := range map[string]Handler{
		"handler": func(c *Ctx) error { return c.Text(200, "hello") },
		"mounted": FromHTTP(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") })),
	} {
		b.Run(name, func(b *testing.B) {
			a := New(Config{})
			a.Get("/users/:id", h)
			b.ReportAllocs()
			repeated(b, a, b.N+1000, map[int]func(){b.N: b.ResetTimer, 0: b.StopTimer})
		})
	}
}
