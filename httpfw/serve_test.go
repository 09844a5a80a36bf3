package httpfw_test

import (
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/heddle-go/heddle/fiber"
	"github.com/heddle-go/heddle/httpfw"
	"github.com/heddle-go/heddle/httpfw/httpfwtest"
)

// waitingApp has a handler that waits until the test lets it go on.
func waitingApp(c httpfw.Config) (a *httpfw.App, release func()) {
	c.Logger = quiet
	a = httpfw.New(c)
	hold := make(chan struct{})
	a.Get("/wait", func(c *httpfw.Ctx) error {
		if err := c.Block(func() { <-hold }); err != nil {
			return err
		}
		return c.Text(200, "waited")
	})
	a.Get("/n/:n", func(c *httpfw.Ctx) error { return c.Text(200, "n="+c.Param("n")) })
	a.Post("/echo", func(c *httpfw.Ctx) error {
		b, err := c.BodyBytes()
		if err != nil {
			return err
		}
		return c.Bytes(200, "text/plain", b)
	})
	return a, func() { close(hold) }
}

// Replies come in the order of the requests; those that are ready are sent while a
// later handler waits; and nothing behind that one runs.
func TestPipelining(t *testing.T) {
	a, release := waitingApp(httpfw.Config{})
	srv := serve(t, a)
	c := connect(t, srv)
	one := "GET /n/%d HTTP/1.1\r\nHost: x\r\n\r\n"
	c.send(fmt.Sprintf(one, 1) + fmt.Sprintf(one, 2) + "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n" + fmt.Sprintf(one, 3))
	for i := 1; i <= 2; i++ {
		if r := c.reply("GET"); r.body != fmt.Sprint("n=", i) {
			t.Error(r)
		}
	}
	release()
	if r := c.reply("GET"); r.body != "waited" {
		t.Error(r)
	}
	if r := c.reply("GET"); r.body != "n=3" {
		t.Error(r)
	}
}

// More than a burst of requests at once, with bodies and waits between them.
func TestPipeliningMany(t *testing.T) {
	a, release := waitingApp(httpfw.Config{})
	release()
	srv := serve(t, a)
	c := connect(t, srv)
	const n = 1000
	go func() {
		for i := range n {
			switch i % 3 {
			case 0:
				fmt.Fprintf(c, "GET /n/%d HTTP/1.1\r\nHost: x\r\n\r\n", i)
			case 1:
				fmt.Fprintf(c, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n%04d", i)
			default:
				io.WriteString(c, "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
			}
		}
	}()
	for i := range n {
		r := c.reply("GET")
		want := [...]string{fmt.Sprint("n=", i), fmt.Sprintf("%04d", i), "waited"}[i%3]
		if r.body != want {
			t.Fatalf("%d: %v", i, r)
		}
	}
}

// A client that pipelines without reading is not answered for ever: memory is bounded
// by the high-water mark, not by its patience.
func TestPipeliningWithoutReading(t *testing.T) {
	var served atomic.Int64
	a := httpfw.New(httpfw.Config{Logger: quiet})
	a.Get("/", func(c *httpfw.Ctx) error { served.Add(1); return c.Text(200, strings.Repeat("x", 20<<10)) })
	srv := serve(t, a)
	c := connect(t, srv)
	const n = 3000
	go io.WriteString(c, strings.Repeat("GET / HTTP/1.1\r\nHost: x\r\n\r\n", n))
	// The network holds 64 KiB, the connection owes 64 KiB and what one flush adds.
	deadline := time.Now().Add(200 * time.Millisecond)
	for last := int64(-1); time.Now().Before(deadline); last = served.Load() {
		if served.Load() != last {
			deadline = time.Now().Add(200 * time.Millisecond)
		}
		time.Sleep(5 * time.Millisecond)
	}
	if k := served.Load(); k > 20 {
		t.Errorf("%d requests were answered of which none was read", k)
	}
	for i := range n {
		if r := c.reply("GET"); len(r.body) != 20<<10 {
			t.Fatalf("%d: %d bytes, %s", i, len(r.body), r.err)
		}
	}
}

func TestKeepAlive(t *testing.T) {
	a, release := waitingApp(httpfw.Config{})
	release()
	srv := serve(t, a)
	for _, w := range []struct {
		name, request string
		keeps         bool
		field         string
	}{
		{"1.1", "GET /n/1 HTTP/1.1\r\nHost: x\r\n\r\n", true, ""},
		{"1.1 close", "GET /n/1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", false, ""},
		{"1.0", "GET /n/1 HTTP/1.0\r\n\r\n", false, ""},
		{"1.0 keep-alive", "GET /n/1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true, "Connection: keep-alive"},
		{"1.0 post", "POST /echo HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc", false, ""},
	} {
		c := connect(t, srv)
		c.send(w.request)
		r := c.reply("GET")
		if r.status != 200 || r.close == w.keeps || !strings.Contains(r.header, w.field) {
			t.Errorf("%s: %v", w.name, r)
		}
		if !w.keeps {
			c.ended()
		} else if r := c.get("GET", "/n/2"); r.body != "n=2" {
			t.Errorf("%s: %v", w.name, r)
		}
	}
}

// HTTP/1.0 knows no chunks: the end of the connection ends the body.
func TestHTTP10Stream(t *testing.T) {
	a := httpfw.New(httpfw.Config{})
	a.Get("/", func(c *httpfw.Ctx) error {
		c.WriteString("one ")
		if err := c.Flush(); err != nil {
			return err
		}
		_, err := c.WriteString("two")
		return err
	})
	c := connect(t, serve(t, a))
	c.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
	if r := c.reply("GET"); r.body != "one two" || strings.Contains(r.header, "Transfer-Encoding") || strings.Contains(r.header, "keep-alive") {
		t.Error(r)
	}
	c.ended()
}

// malformed are requests with the status of their refusal.
var malformed = []struct {
	request string
	status  int
}{
	{"GET\r\n\r\n", 400},
	{"GET / HTTP/1.1\r\n\r\n", 400}, // no Host
	{"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
	{"GET / HTTP/1.1\nHost: x\n\n", 400},
	{"GET /\x01 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
	{"GET /%2 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
	{"GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505},
	{"GET / HTTP/1.1\r\nHost: x\r\nA : b\r\n\r\n", 400},
	{"GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n", 400},
	{"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na", 400},
	{"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400},
	{"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
	{"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 501},
	{"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, chunked\r\n\r\n", 400},
	{"POST / HTTP/1.1\r\nHost: x\r\nExpect: magic\r\n\r\n", 417},
	{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
	{"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400}, // TLS
	{"GET /" + strings.Repeat("a", 300) + " HTTP/1.1\r\nHost: x\r\n\r\n", 414},
	{"GET / HTTP/1.1\r\nHost: x\r\nA: " + strings.Repeat("a", 600) + "\r\n\r\n", 431},
	{"GET / HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("A: b\r\n", 11) + "\r\n", 431},
	{strings.Repeat("M", 40) + " / HTTP/1.1\r\nHost: x\r\n\r\n", 501},
}

// A request that is none gets its 4xx and the end of the connection, wherever it is
// cut into pieces; nothing of it runs, the request before it is answered, and other
// connections live on.
func TestMalformed(t *testing.T) {
	var ran atomic.Int64
	a := httpfw.New(httpfw.Config{Logger: quiet, TargetBytesMax: 200, HeaderBytesMax: 500, HeaderCountMax: 10})
	a.Get("/ok", func(c *httpfw.Ctx) error { return c.Text(200, "ok") })
	for _, m := range []string{"GET", "POST", "PRI"} {
		a.Handle(m, "/", func(c *httpfw.Ctx) error { ran.Add(1); return nil })
	}
	srv := serve(t, a)
	other := connect(t, srv)
	for _, m := range malformed {
		for cut := range len(m.request) {
			c := connect(t, srv)
			if cut == 0 {
				c.send("GET /ok HTTP/1.1\r\nHost: x\r\n\r\n")
			}
			if cut > 0 {
				c.send(m.request[:cut])
			}
			// The refusal may come, and the connection end, before the rest is sent.
			io.WriteString(c, m.request[cut:])
			if cut == 0 {
				if r := c.reply("GET"); r.body != "ok" {
					t.Fatalf("%.60q: %v", m.request, r)
				}
			}
			r := c.reply("GET")
			if r.status != m.status || !r.close || r.body == "" {
				t.Fatalf("%.60q cut at %d: %v", m.request, cut, r)
			}
			c.halfClose()
			c.ended()
			c.Close()
		}
		if r := other.get("GET", "/ok"); r.body != "ok" {
			t.Fatalf("another connection after %.60q: %v", m.request, r)
		}
	}
	if n := ran.Load(); n != 0 {
		t.Errorf("%d handlers ran", n)
	}
}

// A good request is understood wherever it is cut, and bytes behind it are not lost.
func TestEverySplit(t *testing.T) {
	a, release := waitingApp(httpfw.Config{})
	release()
	srv := serve(t, a)
	const request = "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;e=\"v\"\r\nde\r\n0\r\nT: t\r\n\r\n" +
		"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nfghij" + "GET /n/7 HTTP/1.1\r\nHost: x\r\n\r\n"
	for cut := 1; cut < len(request); cut++ {
		c := connect(t, srv)
		c.send(request[:cut])
		// Let the server come to rest before the rest arrives: another connection on
		// each loop has been served by then.
		for range 2 {
			o := connect(t, srv)
			o.get("GET", "/n/0")
			o.Close()
		}
		c.send(request[cut:])
		for _, want := range []string{"abcde", "fghij", "n=7"} {
			if r := c.reply("GET"); r.status != 200 || r.body != want {
				t.Fatalf("cut at %d: %v, want %q", cut, r, want)
			}
		}
		c.Close()
	}
}

func TestHeaderTimeout(t *testing.T) {
	a, _ := waitingApp(httpfw.Config{HeaderTimeout: 20 * time.Millisecond})
	srv := serve(t, a)
	for _, before := range []string{"", "GET /n/1 HTTP/1.1\r\nHost: x\r\n\r\n"} {
		c := connect(t, srv)
		c.send(before + "GET / HTTP/1.1\r\nHos")
		if before != "" {
			c.reply("GET")
		}
		stop := make(chan struct{})
		go func() { // slow, but never silent
			for {
				select {
				case <-stop:
					return
				case <-time.After(2 * time.Millisecond):
					io.WriteString(c, "t")
				}
			}
		}()
		if r := c.reply("GET"); r.status != 408 || !r.close {
			t.Error(r)
		}
		close(stop)
	}
}

func TestIdleTimeouts(t *testing.T) {
	a, _ := waitingApp(httpfw.Config{IdleTimeout: 20 * time.Millisecond, FirstByteTimeout: 20 * time.Millisecond})
	srv := serve(t, a)
	c := connect(t, srv)
	c.ended()
	c = connect(t, srv)
	c.get("GET", "/n/1")
	c.ended()
}

// An idle connection may be kept for longer than a request may take, and the other way
// round: the deadlines of one phase do not reach into the next.
func TestDeadlinesDoNotLeak(t *testing.T) {
	a, release := waitingApp(httpfw.Config{IdleTimeout: 30 * time.Millisecond, HeaderTimeout: 30 * time.Millisecond, FirstByteTimeout: 30 * time.Millisecond})
	srv := serve(t, a)
	c := connect(t, srv)
	c.send("GET /wait HTTP/1.1\r\nHo")
	c.send("st: x\r\n\r\n" + strings.Repeat("GET /n/1 HTTP/1.1\r\nHost: x\r\n\r\n", 200))
	time.AfterFunc(100*time.Millisecond, release)
	if r := c.reply("GET"); r.body != "waited" {
		t.Fatal(r)
	}
	for range 200 {
		if r := c.reply("GET"); r.body != "n=1" {
			t.Fatal(r)
		}
	}
}

// Faults of the network never mix replies up nor leave anything behind.
func TestFaultyNetwork(t *testing.T) {
	for seed := range uint64(5) {
		a, release := waitingApp(httpfw.Config{})
		release()
		cfg := httpfwtest.Config{Seed: seed, Fiber: fiber.Config{Logger: quiet}}
		cfg.Network.ShortReads, cfg.Network.SplitWrites, cfg.Network.Reorder = true, true, true
		cfg.Network.DelayMax = 50 * time.Microsecond
		cfg.Network.ResetOneIn, cfg.Network.ResetBytesMax = 3, 500
		srv := httpfwtest.NewConfig(t, a, cfg)
		for range 30 {
			c := connect(t, srv)
			io.WriteString(c, strings.Repeat("GET /n/1 HTTP/1.1\r\nHost: x\r\n\r\nPOST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabcGET /wait HTTP/1.1\r\nHost: x\r\n\r\n", 3))
			for i := range 9 {
				r := c.reply("GET")
				if r.err != "" {
					break
				}
				if want := [...]string{"n=1", "abc", "waited"}[i%3]; r.body != want {
					t.Fatalf("seed %d: %v, want %s", seed, r, want)
				}
			}
			c.Close()
		}
	}
}

// Clients that are turned away are in the log, but however many there are not line by line.
func TestTurnedAwayIsLogged(t *testing.T) {
	log := &logged{}
	a := httpfw.New(httpfw.Config{Logger: log.logger(), ConnsMax: 1})
	a.Get("/", func(c *httpfw.Ctx) error { return c.Text(200, "fine") })
	srv := httpfwtest.NewConfig(t, a, httpfwtest.Config{Fiber: fiber.Config{Logger: quiet, Loops: 1}})
	if r := connect(t, srv).get("GET", "/"); r.status != 200 {
		t.Fatal(r)
	}
	for range 50 {
		if r := connect(t, srv).get("GET", "/"); r.status != 503 {
			t.Fatal(r)
		}
	}
	if n := strings.Count(log.String(), "turned away"); n < 1 || n > 2 {
		t.Errorf("%d lines: %s", n, log)
	}
}

// A client that has not taken all of its replies yet is not idle.
func TestIdleTimeoutWhileReading(t *testing.T) {
	part := strings.Repeat("x", 30<<10)
	a := httpfw.New(httpfw.Config{Logger: quiet, IdleTimeout: 50 * time.Millisecond})
	a.Get("/", says(part))
	a.Get("/short", says("ok"))
	srv := serve(t, a)
	c, other := connect(t, srv), connect(t, srv)
	// What the client's side does not hold is owed.
	c.send(strings.Repeat("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 3))
	c.outlives(other, "GET /short HTTP/1.1\r\nHost: x\r\n\r\n", part)
}
