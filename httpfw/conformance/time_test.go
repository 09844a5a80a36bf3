package conformance

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/heddle-go/heddle/httpfw"
)

// How long a client may take: each wait has a deadline of its own. All the others are off
// here, so that it is that one which ends the connection.

// never is a configuration without deadlines.
var never = httpfw.Config{FirstByteTimeout: -1, HeaderTimeout: -1, BodyTimeout: -1, IdleTimeout: -1, WriteTimeout: -1,
	BodyBytesPerSecondMin: -1, WriteBytesPerSecondMin: -1}

// soon is a deadline that a test waits for.
const soon = 30 * time.Millisecond

func TestTimeFirstByte(t *testing.T) {
	c := never
	c.FirstByteTimeout = soon
	c.Listen.DeferAccept = -1 // or the kernel waits before the server does
	bothWays(t, c, func(t *testing.T, s *target) {
		if err := s.connect(t).ended(); err != nil {
			t.Error(err)
		}
	})
}

func TestTimeIdle(t *testing.T) {
	c := never
	c.IdleTimeout = soon
	bothWays(t, c, func(t *testing.T, s *target) {
		p := s.connect(t)
		p.send(behind + behind + behind)
		for range 3 {
			if a, err := p.answer("GET"); err != nil || a.body != sawBehind {
				t.Fatal(a, err)
			}
		}
		if err := p.ended(); err != nil {
			t.Error(err)
		}
	})
}

// The head has one deadline from its first byte, however lively it arrives.
func TestTimeSlowHeaders(t *testing.T) {
	c := never
	c.HeaderTimeout = soon
	bothWays(t, c, func(t *testing.T, s *target) {
		for _, start := range []string{"G", "GET / HTTP/1.1\r\nHost: x", "GET / HTTP/1.1\r\nHost: x\r\n", "GET / HTTP/1.1\r\nHost: x\r\nA: ", "\r\n"} {
			for _, first := range []string{"", behind} {
				p := s.connect(t)
				p.send(first + start)
				if first != "" {
					if a, err := p.answer("GET"); err != nil || a.body != sawBehind {
						t.Fatal(a, err)
					}
				}
				stop := drip(p, 2*time.Millisecond)
				a, err := p.answer("GET")
				if want := 408; err != nil || a.status != want && a.status != 400 || start != "\r\n" && a.status != want || !a.close {
					t.Errorf("%q: %v %v", start, a, err)
				}
				stop()
			}
		}
		if s.ran.Load() != 5 {
			t.Errorf("the handler ran %d times", s.ran.Load())
		}
	})
}

// What the client owes reading in between does not give the head another deadline.
func TestTimeSlowHeadersBehindReplies(t *testing.T) {
	c := never
	c.HeaderTimeout = 10 * soon
	s := large(t, c, nil)
	for _, path := range smallPaths {
		p := s.connect(t)
		const n = 150
		p.send(strings.Repeat("GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n", n) + "GET / HTTP/1.1\r\nHos")
		time.Sleep(soon) // the replies fill every buffer
		for i := range n {
			if a, err := p.answer("GET"); err != nil || len(a.body) != 100<<10 {
				t.Fatal(path, i, a.status, err)
			}
		}
		stop := drip(p, 2*time.Millisecond)
		if a, err := p.answer("GET"); err != nil || a.status != 408 {
			t.Error(path, a, err)
		}
		stop()
	}
}

func TestTimeBody(t *testing.T) {
	c := never
	c.BodyTimeout = soon
	bothWays(t, c, func(t *testing.T, s *target) {
		for _, sent := range []string{
			post("", "Content-Length: 5"), post("hell", "Content-Length: 5"),
			chunks(""), chunks("5"), chunks("5\r\nhell"), chunks("5\r\nhello\r\n"), chunks("5\r\nhello\r\n0\r\n"), chunks("5\r\nhello\r\n0\r\nA: b"),
		} {
			p := s.connect(t)
			p.send(sent)
			if a, err := p.answer("POST"); err != nil || a.status != 408 || !a.close {
				t.Errorf("%q: %v %v", sent, a, err)
			}
			if err := p.ended(); err != nil {
				t.Errorf("%q: %v", sent, err)
			}
		}
	})
}

// Framing is no body: who sends nothing else has the time of one wait.
func TestTimeDrippedFraming(t *testing.T) {
	c := never
	c.BodyTimeout = soon
	bothWays(t, c, func(t *testing.T, s *target) {
		for _, sent := range []string{chunks("5;a="), chunks("5\r\nhello\r\n0\r\nA: ")} {
			p := s.connect(t)
			p.send(sent)
			stop := drip(p, 2*time.Millisecond)
			if a, err := p.answer("POST"); err != nil || a.status != 408 || !a.close {
				t.Errorf("%q: %v %v", sent, a, err)
			}
			stop()
		}
	})
}

// No single wait is long, but all together are.
func TestTimeDrippedBody(t *testing.T) {
	c := never
	c.BodyBytesPerSecondMin, c.RateGrace = 100_000, soon
	bothWays(t, c, func(t *testing.T, s *target) {
		for _, sent := range []string{post("", "Content-Length: 1000000"), chunks("100000\r\n")} {
			p := s.connect(t)
			p.send(sent)
			stop := drip(p, 2*time.Millisecond) // 500 bytes a second
			if a, err := p.answer("POST"); err != nil || a.status != 408 || !a.close {
				t.Errorf("%.80q: %v %v", sent, a, err)
			}
			stop()
		}
		// What came at once is no credit for what follows.
		p := s.connect(t)
		p.send(post(strings.Repeat("x", 999_000), "Content-Length: 1000000"))
		stop := drip(p, 2*time.Millisecond)
		if a, err := p.answer("POST"); err != nil || a.status != 408 {
			t.Errorf("after a burst: %v %v", a, err)
		}
		stop()
	})
}

// A client that is slow but not too slow may be so for longer than the grace.
func TestTimeSlowBodyInTime(t *testing.T) {
	c := never
	c.BodyBytesPerSecondMin, c.RateGrace = 100, patience/2
	bothWays(t, c, func(t *testing.T, s *target) {
		p := s.connect(t)
		p.send(post("", "Content-Length: 50"))
		stop := drip(p, 2*time.Millisecond)
		if a, err := p.answer("POST"); err != nil || a.body != saw(strings.Repeat("0", 50)) {
			t.Error(a, err)
		}
		stop()
	})
}

// large serves replies that fit into no buffer between a server and a client, in all the
// ways to send one. The errors that handlers got come out of failed.
func large(t *testing.T, c httpfw.Config, failed chan error) *target {
	text := strings.Repeat("x", 64<<20)
	c.Logger, c.Fiber.Logger = quiet, quiet
	a := httpfw.New(c)
	a.Get("/write", func(c *httpfw.Ctx) error {
		_, err := c.WriteString(text)
		failed <- err
		return err
	})
	a.Get("/pieces", func(c *httpfw.Ctx) (err error) {
		for p := text; len(p) > 0 && err == nil; p = p[1<<10:] {
			_, err = c.WriteString(p[:1<<10])
		}
		failed <- err
		return err
	})
	a.Get("/whole", func(c *httpfw.Ctx) error { failed <- httpfw.ErrClientGone; return c.Text(200, text) })
	a.Mount("/mounted", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, err := io.WriteString(w, text)
		failed <- err
	}))
	a.Mount("/flushed", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		var err error
		for p := text; len(p) > 0 && err == nil; p = p[1<<10:] {
			io.WriteString(w, p[:1<<10])
			err = http.NewResponseController(w).Flush()
		}
		failed <- err
	}))
	a.Get("/small", func(c *httpfw.Ctx) error { return c.Text(200, text[:100<<10]) })
	a.Mount("/small/mounted", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "102400")
		io.WriteString(w, text[:100<<10])
	}))
	return listen(t, a)
}

// smallPaths have replies that fit, but not many of them.
var smallPaths = []string{"/small", "/small/mounted"}

var largePaths = []string{"/write", "/pieces", "/whole", "/mounted", "/flushed"}

// slowly makes a connection with a small window.
func (s *target) slowly(t *testing.T) *peer {
	p := s.connect(t)
	p.Conn.(*net.TCPConn).SetReadBuffer(4 << 10)
	return p
}

// cut expects the handler to have failed and the connection to be cut, or at an end.
func cut(t *testing.T, what string, p *peer, failed chan error) {
	t.Helper()
	select {
	case err := <-failed:
		if !errors.Is(err, httpfw.ErrClientGone) {
			t.Errorf("%s: the handler got %v", what, err)
		}
	case <-time.After(patience):
		t.Fatalf("%s: the handler still waits", what)
	}
	if n, _ := io.Copy(io.Discard, p.r); n >= 64<<20 {
		t.Errorf("%s: the reply is whole", what)
	}
}

func TestTimeReaderStops(t *testing.T) {
	c := never
	c.WriteTimeout = soon
	failed := make(chan error, 1)
	s := large(t, c, failed)
	for _, path := range largePaths {
		p := s.slowly(t)
		p.send("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n")
		cut(t, path, p, failed)
	}
}

// The connection owes what was pipelined, and no handler of Heddle's waits.
func TestTimePipelinerStops(t *testing.T) {
	for name, set := range map[string]func(c *httpfw.Config){
		"stops": func(c *httpfw.Config) { c.WriteTimeout = soon },
		"drips": func(c *httpfw.Config) { c.WriteBytesPerSecondMin, c.RateGrace = 1<<40, soon },
	} {
		c := never
		set(&c)
		s := large(t, c, nil)
		for _, path := range smallPaths {
			p := s.slowly(t)
			go io.WriteString(p, strings.Repeat("GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n", 1000))
			time.Sleep(soon) // it has begun
			s.empty(t, name+" "+path)
		}
	}
}

// empty waits until the server has no connection any more.
func (s *target) empty(t *testing.T, what string) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		names := strings.Join(s.srv.Runtime().Running(), ", ")
		if !strings.Contains(names, "httpfw: ") {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s: the connection is still there: %s", what, names)
		}
	}
}

func TestTimeReaderDrips(t *testing.T) {
	c := never
	c.WriteBytesPerSecondMin, c.RateGrace = 1<<40, soon
	failed := make(chan error, 1)
	s := large(t, c, failed)
	for _, path := range largePaths {
		p := s.slowly(t)
		p.send("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n")
		over := make(chan struct{})
		go func() {
			defer close(over)
			buf := make([]byte, 1<<10)
			for {
				if _, err := p.r.Read(buf); err != nil {
					return
				}
				time.Sleep(time.Millisecond)
			}
		}()
		select {
		case err := <-failed:
			if !errors.Is(err, httpfw.ErrClientGone) {
				t.Errorf("%s: the handler got %v", path, err)
			}
		case <-time.After(patience):
			t.Fatalf("%s: the handler still waits", path)
		}
		p.Close()
		<-over
	}
}

// A reader that is slow but not too slow gets everything, though it takes several times
// WriteTimeout.
func TestTimeSlowReaderInTime(t *testing.T) {
	t.Parallel()
	c := never
	c.WriteTimeout, c.WriteBytesPerSecondMin, c.RateGrace = time.Second, 1000, time.Minute
	failed := make(chan error, 1)
	s := large(t, c, failed)
	p := s.connect(t)
	p.send("GET /write HTTP/1.1\r\nHost: x\r\n\r\n")
	buf := make([]byte, 1<<20)
	var n int
	for started := time.Now(); n < 64<<20; {
		m, err := io.ReadAtLeast(p.r, buf, len(buf))
		n += m
		if err != nil {
			break
		}
		if time.Since(started) < 2500*time.Millisecond {
			time.Sleep(50 * time.Millisecond)
		}
	}
	if n < 64<<20 {
		t.Errorf("%d bytes, %v", n, <-failed)
	}
}

// What the last reply is behind does not keep a connection for ever.
func TestTimeLinger(t *testing.T) {
	if testing.Short() {
		t.Skip("takes five seconds")
	}
	t.Parallel()
	bothWays(t, never, func(t *testing.T, s *target) {
		p := s.connect(t)
		p.send("BAD\r\n\r\n")
		stop := drip(p, 50*time.Millisecond)
		defer stop()
		if a, err := p.answer("GET"); err != nil || a.status != 400 {
			t.Error(a, err)
		}
		s.empty(t, "linger")
	})
}
