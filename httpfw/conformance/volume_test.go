package conformance

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/heddle-go/heddle/fiber"
	"github.com/heddle-go/heddle/httpfw"
)

// How much a client may send: each limit alone, met and exceeded by one; then together.

// met makes two vectors: what a limit lets through, and one more of it.
func met(name string, within, beyond string, saw string, status int) []vector {
	v := taken(name+", met", within, saw)
	return []vector{v, refused(name+", exceeded", beyond, status)}
}

// fill returns a request of so many bytes: a field is as long as it takes.
func fill(size int) string {
	empty := get("A: \r\n")
	return get("A: " + strings.Repeat("b", size-len(empty)) + "\r\n")
}

func TestLimitTargetBytes(t *testing.T) {
	target := func(n int) string { return "/" + strings.Repeat("a", n-1) }
	of := func(n int) string { return line("GET " + target(n) + " HTTP/1.1") }
	conform(t, "RFC 9112 section 3", met("8 KiB", of(8192), of(8193), `GET `+target(8192)+` ""`, 414))
	conformWith(t, "RFC 9112 section 3", httpfw.Config{TargetBytesMax: 20}, met("20", of(20), of(21), `GET `+target(20)+` ""`, 414))
}

func TestLimitHeaderBytes(t *testing.T) {
	conform(t, "RFC 6585 section 5", met("32 KiB", fill(32<<10), fill(32<<10+1), sawGet, 431))
	conformWith(t, "RFC 6585 section 5", httpfw.Config{HeaderBytesMax: 100}, met("100", fill(100), fill(101), sawGet, 431))
}

func TestLimitHeaderCount(t *testing.T) {
	of := func(n int) string { return get(strings.Repeat("A: b\r\n", n-1)) }
	conform(t, "RFC 6585 section 5", met("100", of(100), of(101), sawGet, 431))
	conformWith(t, "RFC 6585 section 5", httpfw.Config{HeaderCountMax: 3}, met("3", of(3), of(4), sawGet, 431))
}

func TestLimitCookies(t *testing.T) {
	of := func(n int) string {
		return get("Cookie: " + strings.TrimSuffix(strings.Repeat("a=b; ", n), "; ") + "\r\n")
	}
	conform(t, "RFC 6265 section 6.1", met("200", of(200), of(201), sawGet, 431))
	two := func(a, b int) string {
		return get("Cookie: a" + strings.Repeat("; a", a-1) + "\r\ncookie: b" + strings.Repeat(";b", b-1) + "\r\n")
	}
	conformWith(t, "RFC 6265 section 6.1", httpfw.Config{CookieCountMax: 5}, append(met("5", of(5), of(6), sawGet, 431),
		append(met("5 in two fields", two(2, 3), two(3, 3), sawGet, 431), refused("empty ones", get("Cookie: ;;;;;\r\n"), 431))...))
}

func TestLimitQueryPairs(t *testing.T) {
	target := func(n int) string { return "/?" + strings.TrimSuffix(strings.Repeat("a=b&", n), "&") }
	of := func(n int) string { return line("GET " + target(n) + " HTTP/1.1") }
	saw := func(n int) string { return "GET " + target(n) + ` ""` }
	conform(t, "RFC 9110 section 15.5.15", met("1000", of(1000), of(1001), saw(1000), 414))
	conformWith(t, "RFC 9110 section 15.5.15", httpfw.Config{QueryPairsMax: 3},
		append(met("3", of(3), of(4), saw(3), 414), refused("empty ones", line("GET /?&&& HTTP/1.1"), 414)))
}

func TestLimitBodyBytes(t *testing.T) {
	const max = 1000
	body := strings.Repeat("z", max)
	vectors := []vector{
		taken("sized, met", post(body, "Content-Length: 1000"), saw(body)),
		{"sized, exceeded", post(body+"z", "Content-Length: 1001"), 413, badBody, false},
		taken("chunked, met", post("3e8\r\n"+body+"\r\n0\r\n\r\n", "Transfer-Encoding: chunked"), saw(body)),
		{"chunked, exceeded", post("3e8\r\n"+body+"\r\n1\r\nz\r\n0\r\n\r\n", "Transfer-Encoding: chunked"), 413, badBody, false},
		{"announced, far beyond", post("", "Content-Length: 9223372036854775807"), 413, badBody, false},
		{"chunk announced, far beyond", post("7fffffffffffffff\r\n"+body+"z", "Transfer-Encoding: chunked"), 413, badBody, false},
	}
	conformWith(t, "RFC 9110 section 15.5.14", httpfw.Config{BodyBytesMax: max}, vectors)
}

// All limits at once, each met; and each exceeded while all others are met.
func TestLimitsTogether(t *testing.T) {
	c := httpfw.Config{TargetBytesMax: 30, HeaderBytesMax: 200, HeaderCountMax: 4, CookieCountMax: 2, QueryPairsMax: 3, BodyBytesMax: 5}
	request := func(target, cookie, more string, length int, body string) string {
		head := func(fill string) string {
			return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nCookie: %s\r\nContent-Length: %d\r\nA: %s\r\n%s\r\n", target, cookie, length, fill, more)
		}
		return head(strings.Repeat("b", max(0, 200-len(head(""))))) + body
	}
	const target, cookie = "/3456789012345678901?a=1&b=2&c", "a=1; b=2"
	conformWith(t, "together", c, []vector{
		taken("all met", request(target, cookie, "", 5, "hello"), seen("POST", target, []byte("hello"))),
		refused("target", request(target+"d", cookie, "", 5, "hello"), 414),
		refused("pairs", request("/345678901234567890?a=1&b=2&&c", cookie, "", 5, "hello"), 414),
		refused("cookies", request(target, cookie+"; c", "", 5, "hello"), 431),
		refused("fields", request(target, cookie, "B:\r\n", 5, "hello"), 431),
		refused("bytes", strings.Replace(request(target, cookie, "", 5, "hello"), "A: ", "A: b", 1), 431),
		{"body", request(target, cookie, "", 6, "hello!"), 413, badBody, false},
	})
}

// Requests that came together are answered in a row, but not more than PipelinedMax: then
// others have their turn, however many there are.
func TestLimitPipelined(t *testing.T) {
	var mine, atOther atomic.Int64
	in, release := make(chan struct{}), make(chan struct{})
	// The one loop is not taken from a handler that blocks it.
	a := httpfw.New(httpfw.Config{Logger: quiet, PipelinedMax: 2, Fiber: fiber.Config{Loops: 1, StallAfter: -1}})
	a.Get("/mine", func(c *httpfw.Ctx) error { mine.Add(1); return c.Text(200, "mine") })
	a.Mount("/mounted", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		mine.Add(1)
		w.Header().Set("Content-Length", "4")
		io.WriteString(w, "mine")
	}))
	a.Get("/hold", func(c *httpfw.Ctx) error { in <- struct{}{}; <-release; return c.Text(200, "held") })
	a.Get("/other", func(c *httpfw.Ctx) error { atOther.Store(mine.Load()); return c.Text(200, "other") })
	s := listen(t, a)
	for _, path := range []string{"/mine", "/mounted"} {
		h, p, o := s.connect(t), s.connect(t), s.connect(t)
		for _, c := range []*peer{p, o} {
			c.send("GET /other HTTP/1.1\r\nHost: x\r\n\r\n")
			if _, err := c.answer("GET"); err != nil {
				t.Fatal(err)
			}
		}
		const n = 200
		mine.Store(0)
		h.send("GET /hold HTTP/1.1\r\nHost: x\r\n\r\n")
		<-in
		p.send(strings.Repeat("GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n", n))
		o.send("GET /other HTTP/1.1\r\nHost: x\r\n\r\n")
		release <- struct{}{}
		if r, err := h.answer("GET"); err != nil || r.body != "held" {
			t.Fatal(r, err)
		}
		if r, err := o.answer("GET"); err != nil || r.body != "other" {
			t.Fatal(r, err)
		}
		for i := range n {
			if r, err := p.answer("GET"); err != nil || r.body != "mine" {
				t.Fatal(i, r, err)
			}
		}
		if k := atOther.Load(); k > 4 {
			t.Errorf("%s: another connection had to wait for %d pipelined requests", path, k)
		}
	}
}

// open makes a connection that has been served, or returns the status with which it was
// turned away.
func (s *target) open(t *testing.T, from string) (p *peer, status int) {
	t.Helper()
	d := net.Dialer{}
	if from != "" {
		d.LocalAddr = &net.TCPAddr{IP: net.ParseIP(from)}
	}
	c, err := d.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	p = newPeer(c)
	p.send(get(""))
	a, err := p.answer("GET")
	if err != nil {
		t.Fatal(err)
	}
	if a.status != 200 {
		if err := p.ended(); err != nil || !a.close || !strings.Contains(a.head, "Retry-After: ") {
			t.Errorf("turned away: %v %v", a, err)
		}
	}
	return p, a.status
}

// eventually opens a connection as soon as the server has noticed that another ended.
func (s *target) eventually(t *testing.T, from string) *peer {
	t.Helper()
	for end := time.Now().Add(patience); ; runtime.Gosched() {
		if p, status := s.open(t, from); status == 200 {
			return p
		} else if time.Now().After(end) {
			t.Fatal("there is no room though a connection has ended")
		}
	}
}

func TestLimitConns(t *testing.T) {
	bothWays(t, httpfw.Config{ConnsMax: 3}, func(t *testing.T, s *target) {
		var conns []*peer
		for range 3 {
			p, status := s.open(t, "")
			if status != 200 {
				t.Fatal(status)
			}
			conns = append(conns, p)
		}
		ran := s.ran.Load()
		for range 20 {
			if _, status := s.open(t, ""); status != 503 {
				t.Fatal(status)
			}
		}
		if s.ran.Load() != ran {
			t.Error("a request of a connection too many was answered")
		}
		for _, p := range conns {
			p.Close()
			s.eventually(t, "")
		}
		if _, status := s.open(t, ""); status != 503 {
			t.Fatal(status)
		}
	})
}

func TestLimitConnsPerAddress(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only on Linux is all of 127/8 the machine's own")
	}
	bothWays(t, httpfw.Config{ConnsPerAddressMax: 2}, func(t *testing.T, s *target) {
		one, _ := s.open(t, "127.0.0.1")
		s.open(t, "127.0.0.1")
		for range 5 {
			if _, status := s.open(t, "127.0.0.1"); status != 429 {
				t.Fatal(status)
			}
		}
		for _, other := range []string{"127.0.0.2", "127.0.0.3"} {
			if _, status := s.open(t, other); status != 200 {
				t.Fatal(other, status)
			}
		}
		one.Close()
		s.eventually(t, "127.0.0.1")
		if _, status := s.open(t, "127.0.0.1"); status != 429 {
			t.Fatal(status)
		}
	})
}

// The default for a client is far below that for all, but no limit for what is near.
func TestLimitConnsPerAddressNear(t *testing.T) {
	bothWays(t, httpfw.Config{}, func(t *testing.T, s *target) {
		for range 1100 {
			if _, status := s.open(t, ""); status != 200 {
				t.Fatal(status)
			}
		}
	})
}

// A connection that was hijacked counts until it is closed, however often that is done.
func TestLimitConnsHijacked(t *testing.T) {
	conns := make(chan net.Conn, 1)
	a := httpfw.New(httpfw.Config{Logger: quiet, ConnsMax: 1})
	a.Get("/", func(c *httpfw.Ctx) error { return c.Text(200, "") })
	a.Get("/hijack", func(c *httpfw.Ctx) error {
		conn, err := c.HijackConn()
		conns <- conn
		return err
	})
	s := listen(t, a)
	for range 3 {
		p := s.eventually(t, "")
		p.send("GET /hijack HTTP/1.1\r\nHost: x\r\n\r\n")
		conn := <-conns
		for range 5 {
			if _, status := s.open(t, ""); status != 503 {
				t.Fatal(status)
			}
		}
		conn.Close()
		conn.Close()
		if b, err := io.ReadAll(p.r); len(b) > 0 || err != nil {
			t.Errorf("%q %v", b, err)
		}
		p.Close()
	}
	s.eventually(t, "")
	if _, status := s.open(t, ""); status != 503 {
		t.Fatal(status)
	}
}
