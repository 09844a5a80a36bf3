package conformance

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/heddle-go/heddle/httpfw"
)

// A vector is something that a client may send, and what has to come of it.
type vector struct {
	name   string
	sent   string // whole
	status int    // of the reply
	saw    string // what the handler saw, in the words of seen; "" if it must not run
	lives  bool   // the connection is good for another request
}

// What handlers saw that did not come to tell.
const (
	badBody = "a body that could not be read to its end"
	failure = "nothing it could cope with"
)

// seen is what a handler saw of a request.
func seen(method, target string, body []byte) string {
	return method + " " + target + " " + strconv.Quote(string(body))
}

// refused makes a vector of something that no handler may see, and after which nobody can
// tell where the next request would start.
func refused(name, sent string, status int) vector {
	return vector{name: name, sent: sent, status: status}
}

// taken makes a vector of a request that is answered.
func taken(name, sent, saw string) vector {
	return vector{name: name, sent: sent, status: 200, saw: saw, lives: true}
}

// patience bounds every wait of these tests; none of them should come near it.
const patience = time.Minute

var quiet = slog.New(slog.DiscardHandler)

// A target is a server on a TCP socket, and how often its handler ran.
type target struct {
	t    testing.TB
	addr string
	ran  *atomic.Int64
	odd  int // see fresh
	srv  *httpfw.Server
}

// methods are what targets answer; every other gets 405.
var methods = [...]string{"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"}

// native has a handler of Heddle's. It reads the body and tells what it has seen, but for
// /unread, /fail and /panic.
func native(ran *atomic.Int64, c httpfw.Config) *httpfw.App {
	a := httpfw.New(c)
	for _, m := range methods {
		a.Handle(m, "/*path", func(c *httpfw.Ctx) error {
			ran.Add(1)
			switch c.Path() {
			case "/unread":
				return c.Text(200, seen(c.Method(), c.Target(), nil))
			case "/fail":
				return errors.New("failed")
			case "/panic":
				panic("failed")
			}
			body, err := c.BodyBytes()
			if err != nil {
				return err
			}
			return c.Text(200, seen(c.Method(), c.Target(), body))
		})
	}
	return a
}

// mounted has an http.Handler that does the same.
func mounted(ran *atomic.Int64, c httpfw.Config) *httpfw.App {
	a := httpfw.New(c)
	a.Mount("/", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ran.Add(1)
		switch r.URL.Path {
		case "/unread":
			io.WriteString(w, seen(r.Method, r.RequestURI, nil))
			return
		case "/fail":
			http.Error(w, "failed", 500)
			return
		case "/panic":
			panic("failed")
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), httpfw.StatusOf(err))
			return
		}
		text := seen(r.Method, r.RequestURI, body)
		w.Header().Set("Content-Length", strconv.Itoa(len(text)))
		io.WriteString(w, text)
	}))
	return a
}

// listen serves an App on a socket of its own until the end of the test.
func listen(t testing.TB, a *httpfw.App) *target {
	t.Helper()
	s, err := a.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Error(err)
		}
	})
	return &target{t: t, addr: s.Addr().String(), srv: s}
}

// bothWays runs fn against a handler of Heddle's and against a mounted http.Handler.
func bothWays(t *testing.T, c httpfw.Config, fn func(t *testing.T, s *target)) {
	c.Logger, c.Fiber.Logger = quiet, quiet
	for i, app := range [...]func(*atomic.Int64, httpfw.Config) *httpfw.App{native, mounted} {
		t.Run([...]string{"native", "mounted"}[i], func(t *testing.T) {
			t.Parallel()
			ran := new(atomic.Int64)
			s := listen(t, app(ran, c))
			s.ran, s.odd = ran, i
			fn(t, s)
		})
	}
}

const (
	before     = "GET /before HTTP/1.1\r\nHost: x\r\n\r\n"
	sawBefore  = `GET /before ""`
	behind     = "GET /behind HTTP/1.1\r\nHost: x\r\n\r\n"
	sawBehind  = `GET /behind ""`
	splitters  = 8   // connections that cut vectors at the same time
	splitBytes = 400 // longer vectors are cut at every byte near their ends only
)

// sayBefore sends a good request and more in one write, and waits for the reply to the
// former: by then the server has seen the start of the latter, and all it can do with it.
func (p *peer) sayBefore(more string) error {
	p.send(before + more)
	a, err := p.answer("GET")
	if err == nil && a.body != sawBefore {
		err = fmt.Errorf("the request before: %d %q", a.status, a.body)
	}
	return err
}

// expect judges what comes back for v with a good request behind it.
func (p *peer) expect(v *vector) error {
	method, _, _ := strings.Cut(strings.TrimLeft(v.sent, "\r\n"), " ")
	a, err := p.answer(method)
	switch {
	case err != nil:
		return err
	case a.status != v.status:
		return fmt.Errorf("status %d, want %d: %s", a.status, v.status, a.body)
	case v.status == 200 && v.saw != "" && method != "HEAD" && method != "CONNECT" && a.body != v.saw:
		return fmt.Errorf("the handler saw %q, want %q", a.body, v.saw)
	case a.close == v.lives:
		return fmt.Errorf("status %d, close announced: %v", a.status, a.close)
	case !v.lives:
		return p.ended()
	}
	if a, err = p.answer("GET"); err == nil && a.body != sawBehind {
		err = fmt.Errorf("the request behind: %d %q", a.status, a.body)
	}
	return err
}

// conform sends every vector in every way. section is what the vectors are about.
func conform(t *testing.T, section string, vectors []vector) {
	conformWith(t, section, httpfw.Config{}, vectors)
}

func conformWith(t *testing.T, section string, c httpfw.Config, vectors []vector) {
	bothWays(t, c, func(t *testing.T, s *target) { s.check(t, section, vectors) })
}

// check sends every vector to s in every way.
func (s *target) check(t *testing.T, section string, vectors []vector) {
	for i := range vectors {
		v := &vectors[i]
		s.ran.Store(0)
		runs, others, err := s.conforms(v)
		if err != nil {
			t.Errorf("%s: %s: %v\nsent: %.500q", section, v.name, err, v.sent)
			continue
		}
		if v.saw == "" {
			runs = 0
		}
		if n := s.ran.Load(); n != runs+others {
			t.Errorf("%s: %s: the handler ran %d times, want %d\nsent: %.500q", section, v.name, n-others, runs, v.sent)
		}
	}
}

// conforms sends v in every way, runs times. others is how many requests around it were
// answered.
func (s *target) conforms(v *vector) (runs, others int64, err error) {
	whole := []func(p *peer) error{
		func(p *peer) error {
			p.send(v.sent + behind)
			return p.expect(v)
		},
		func(p *peer) error {
			others++
			if err := p.sayBefore(v.sent + behind); err != nil {
				return err
			}
			return p.expect(v)
		},
		func(p *peer) error {
			size := 1 + len(v.sent)/(2*splitBytes)
			rest := v.sent
			for ; len(rest) > size; rest = rest[size:] {
				p.send(rest[:size])
			}
			p.send(rest + behind)
			return p.expect(v)
		},
	}
	for i, how := range [...]string{"whole", "behind a good request", "byte by byte"} {
		p, err := s.dial()
		if err != nil {
			return 0, 0, err
		}
		err = whole[i](p)
		p.Close()
		if err != nil {
			return 0, 0, fmt.Errorf("%s: %w", how, err)
		}
		runs++
	}
	cuts := s.cutsOf(v)
	for _, at := range cuts {
		runs++
		if s.fresh(at) == 0 {
			others++
		}
	}
	if v.lives {
		others += runs
	}
	return runs, others, s.split(v, cuts)
}

// cutsOf returns the places at which to cut a vector in two: every one; but if each costs
// a connection, the two targets share them.
func (s *target) cutsOf(v *vector) []int {
	var cuts []int
	for i := 1; i < len(v.sent); i++ {
		near := i < splitBytes/2 || len(v.sent)-i < splitBytes/2
		if near && (v.lives || i&1 == s.odd) {
			cuts = append(cuts, i)
		}
	}
	return cuts
}

// fresh is 1 if a cut at that place is to be made on its own, 0 if behind a good request.
func (s *target) fresh(at int) int { return (at>>1 + s.odd) & 1 }

// split sends v in two pieces, cut everywhere.
func (s *target) split(v *vector, cuts []int) error {
	var wg sync.WaitGroup
	errs := make([]error, splitters)
	for w := range splitters {
		wg.Go(func() {
			var p *peer
			for i := w; i < len(cuts) && errs[w] == nil; i += splitters {
				p, errs[w] = s.cut(p, v, cuts[i])
			}
			if p != nil {
				p.Close()
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// cut sends v in two pieces, on p if there is one: behind a good request, whose reply
// says that the server has seen the first piece, or without anything before. It returns
// a connection for the next time, if this one lives on.
func (s *target) cut(p *peer, v *vector, at int) (next *peer, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("cut at %d: %w", at, err)
		}
	}()
	if p == nil {
		if p, err = s.dial(); err != nil {
			return nil, err
		}
	}
	if s.fresh(at) == 1 {
		p.send(v.sent[:at])
	} else if err = p.sayBefore(v.sent[:at]); err != nil {
		return p, err
	}
	p.send(v.sent[at:] + behind)
	if err = p.expect(v); err != nil {
		return p, err
	}
	if !v.lives {
		p.Close()
		p = nil
	}
	return p, nil
}
