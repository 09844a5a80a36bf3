package httpfw_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"sort"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/heddle-go/heddle/fiber"
	"github.com/heddle-go/heddle/httpfw"
	"github.com/heddle-go/heddle/netpoll"
)

// Clients that send nothing but their own stamp, again and again, in fields, queries and bodies,
// and a server that lends, seals, relays, waits, stalls and blocks with it: neither a handler nor
// a client may ever see a byte of somebody else's.

// stamped reports whether b is a stamp repeated.
func stamped(b, stamp []byte) bool {
	for len(b) > len(stamp) {
		if !bytes.HasPrefix(b, stamp) {
			return false
		}
		b = b[len(stamp):]
	}
	return bytes.HasPrefix(stamp, b)
}

// A foreigner is the server of one run.
type foreigner struct {
	t        *testing.T
	stall    time.Duration
	upstream string
}

// check fails the test if b holds another's bytes.
func (s *foreigner) check(c *httpfw.Ctx, when string, b []byte) {
	stamp := []byte(c.Param("stamp"))
	if !stamped(b, stamp) {
		s.t.Errorf("%s, %s: %.80q", c.Path(), when, b)
	}
}

// request checks what can be asked for at any time.
func (s *foreigner) request(c *httpfw.Ctx, when string) {
	s.check(c, when+": query", c.RawQuery())
	s.check(c, when+": field", []byte(c.Header("X-Stamp")))
	c.EachHeader(func(name, value []byte) bool {
		if string(name) == "X-Stamp" {
			s.check(c, when+": lent field", value)
		}
		return true
	})
}

// through sends b to the upstream server, which echoes, and lends what comes back to use.
func (s *foreigner) through(c *httpfw.Ctx, b []byte, use func(lent []byte) error) error {
	v, err := netpoll.Dial(c.Fiber(), "tcp", s.upstream)
	if err != nil {
		return err
	}
	defer v.Close()
	return echoed(v, b, use)
}

// pieceMax is as much as is on its way to an echo and back without anybody reading.
const pieceMax = 32 << 10

// echoed is through for a connection that is there already. A b of one piece may be lent.
func echoed(v *netpoll.View, b []byte, use func(lent []byte) error) error {
	for len(b) > 0 {
		left := min(len(b), pieceMax)
		if _, err := v.Write(b[:left]); err != nil {
			return err
		}
		for b = b[left:]; left > 0; {
			lent, err := v.Receive()
			if err != nil {
				return err
			}
			n := len(lent)
			if err := use(lent); err != nil {
				return err
			}
			v.Consume(n)
			left -= n
		}
	}
	return nil
}

// acts are what handlers do with a request whose query they answer with.
func (s *foreigner) acts() map[string]httpfw.Handler {
	query := func(c *httpfw.Ctx) error { return c.Bytes(200, "text/plain", c.RawQuery()) }
	copied := func(c *httpfw.Ctx) []byte { return bytes.Clone(c.RawQuery()) }
	return map[string]httpfw.Handler{
		"plain": query,
		"sleep": func(c *httpfw.Ctx) error { c.Sleep(50 * time.Microsecond); return query(c) },
		"yield": func(c *httpfw.Ctx) error { err := query(c); c.Fiber().Yield(); return err },
		"stall": func(c *httpfw.Ctx) error {
			q := c.RawQuery()
			time.Sleep(s.stall)
			s.check(c, "behind a stall", q)
			return c.Bytes(200, "text/plain", q)
		},
		"overstay": func(c *httpfw.Ctx) error {
			q := c.RawQuery()
			for end := time.Now().Add(s.stall); time.Now().Before(end); {
				c.RemoteAddr()
			}
			s.check(c, "behind an overstay", q)
			return query(c)
		},
		"block": func(c *httpfw.Ctx) error {
			c.Block(func() { time.Sleep(100 * time.Microsecond) })
			return query(c)
		},
		"write": func(c *httpfw.Ctx) error { _, err := c.Write(c.RawQuery()); return err },
		"flush": func(c *httpfw.Ctx) error { c.Flush(); _, err := c.Write(c.RawQuery()); return err },
		"children": func(c *httpfw.Ctx) error {
			g := fiber.NewGroup(c.Fiber())
			own, stamp := copied(c), []byte(c.Param("stamp")) // c itself is not the children's to use
			for range 2 {
				g.Go(func(f *fiber.Fiber) error {
					if f.Yield(); !stamped(own, stamp) {
						s.t.Errorf("in a child of %s: %.80q", stamp, own)
					}
					return nil
				})
			}
			err := c.Bytes(200, "text/plain", c.RawQuery())
			if len(own)%2 == 0 { // or they are waited for behind the handler
				err = errors.Join(err, g.Wait(c.Fiber()))
			}
			return err
		},
		"relay": func(c *httpfw.Ctx) error {
			return s.through(c, copied(c), func(lent []byte) error { _, err := c.Write(lent); return err })
		},
		"reply": func(c *httpfw.Ctx) error {
			var whole []byte
			return s.through(c, copied(c), func(lent []byte) error {
				whole = append(whole, lent...)
				if len(lent) == len(whole) {
					return c.Bytes(200, "text/plain", lent)
				}
				return c.Bytes(200, "text/plain", whole)
			})
		},
		"blocked": func(c *httpfw.Ctx) error {
			return s.through(c, copied(c), func(lent []byte) error {
				c.Block(func() { time.Sleep(100 * time.Microsecond); _ = stamped(lent, lent) })
				return nil
			})
		},
		"stray": func(c *httpfw.Ctx) error {
			at, stamp := 0, []byte(c.Param("stamp"))
			err := s.through(c, copied(c), func(lent []byte) error {
				time.Sleep(s.stall)
				if turned := append(bytes.Clone(stamp[at%len(stamp):]), stamp[:at%len(stamp)]...); !stamped(lent, turned) {
					s.t.Errorf("%s: lent bytes of a stray: %.80q", c.Path(), lent)
				}
				at += len(lent)
				return nil
			})
			return errors.Join(err, query(c))
		},
		"chain": func(c *httpfw.Ctx) error {
			v, err := netpoll.Dial(c.Fiber(), "tcp", s.upstream)
			if err != nil {
				return err
			}
			defer v.Close()
			return s.through(c, copied(c), func(lent []byte) error {
				return echoed(v, lent, func(lent []byte) error { _, err := c.Write(lent); return err })
			})
		},
	}
}

// app has the acts as routes, and others for bodies, tunnels and http.Handlers.
func (s *foreigner) app() *httpfw.App {
	a := httpfw.New(httpfw.Config{Logger: quiet, TargetBytesMax: 128 << 10, HeaderBytesMax: 256 << 10,
		Listen: netpoll.ListenConfig{OwedBytesMax: 8 << 10}})
	a.Use(func(next httpfw.Handler) httpfw.Handler {
		return func(c *httpfw.Ctx) error {
			s.request(c, "before")
			err := next(c)
			s.request(c, "after")
			return err
		}
	})
	for name, act := range s.acts() {
		a.Get("/"+name+"/:stamp", func(c *httpfw.Ctx) error {
			if err := act(c); err != nil {
				return err
			}
			if name == "blocked" {
				return c.Bytes(200, "text/plain", c.RawQuery())
			}
			return nil
		})
	}
	a.Post("/copy/:stamp", func(c *httpfw.Ctx) error { _, err := io.Copy(c, c.Body()); return err })
	a.Post("/body/:stamp", func(c *httpfw.Ctx) error {
		b, err := c.BodyBytes()
		s.check(c, "body", b)
		return errors.Join(err, c.Bytes(200, "text/plain", b))
	})
	a.Mount("/mounted/:stamp", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "GET" {
			time.Sleep(50 * time.Microsecond)
			io.WriteString(w, r.URL.RawQuery)
			return
		}
		io.Copy(w, r.Body)
	}))
	return a
}

// A foreignClient is one of the clients.
type foreignClient struct {
	*client
	stamp  string
	random *rand.Rand
}

// of returns up to so many bytes of the client's own.
func (c *foreignClient) of(most int) string {
	n := 1 + c.random.IntN(most)
	if c.random.IntN(4) > 0 {
		n = 1 + n/50
	}
	return strings.Repeat(c.stamp, n/len(c.stamp)+1)[:n]
}

// asks sends some requests at once and reads the replies, slowly if it likes to.
func (c *foreignClient) asks(gets []string) {
	var requests, want []string
	for range 1 + c.random.IntN(3) {
		field := "Host: x\r\nX-Stamp: " + c.of(20_000) + "\r\n"
		body := c.of(100_000)
		var b strings.Builder
		switch c.random.IntN(5) {
		case 0:
			fmt.Fprintf(&b, "POST /%s/%s?%s HTTP/1.1\r\n%sContent-Length: %d\r\n\r\n%s",
				[]string{"copy", "body", "mounted"}[c.random.IntN(3)], c.stamp, c.of(1000), field, len(body), body)
		case 1:
			fmt.Fprintf(&b, "POST /%s/%s?%s HTTP/1.1\r\n%sTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n",
				[]string{"copy", "body", "mounted"}[c.random.IntN(3)], c.stamp, c.of(1000), field,
				len(c.stamp), c.stamp, len(body), body)
			body = c.stamp + body
		default:
			fmt.Fprintf(&b, "GET /%s/%s?%s HTTP/1.1\r\n%s\r\n", gets[c.random.IntN(len(gets))], c.stamp, body, field)
		}
		requests, want = append(requests, b.String()), append(want, body)
	}
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		c.send(strings.Join(requests, ""))
	}()
	for i, body := range want {
		if c.random.IntN(3) == 0 {
			time.Sleep(time.Millisecond) // a slow reader
		}
		if r := c.reply("GET"); r.status != 200 || r.body != body {
			at := firstWrong(r.body, body)
			c.t.Errorf("%s: status %d, error %q, %d bytes of %d, from %d on %.80q, to number %d of\n%.60q",
				c.stamp, r.status, r.err, len(r.body), len(body), at, r.body[at:], i, requests)
			break
		}
	}
	<-sent
}

// firstWrong returns how far got is as it should be.
func firstWrong(got, want string) int {
	at := 0
	for at < min(len(got), len(want)) && got[at] == want[at] {
		at++
	}
	return at
}

func TestNobodySeesForeignBytes(t *testing.T) {
	seed := uint64(time.Now().UnixNano()) % 1_000_000_000
	if n, err := strconv.ParseUint(os.Getenv("HEDDLE_SEED"), 10, 64); err == nil {
		seed = n
	}
	long, _ := time.ParseDuration(os.Getenv("HEDDLE_LONG"))
	for begun := time.Now(); ; seed++ {
		for _, engine := range []string{"memory", "system"} {
			t.Run(fmt.Sprintf("%s,seed=%d", engine, seed), func(t *testing.T) { runForeign(t, engine, seed) })
		}
		if t.Failed() || time.Since(begun) >= long {
			return
		}
	}
}

func runForeign(t *testing.T, engine string, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 7))
	network := netpoll.NewMemoryNetwork(seed, netpoll.MemoryOptions{
		ShortReads: random.IntN(2) == 0, SplitWrites: random.IntN(2) == 0, BufferBytes: pieceMax + 8<<10 + random.IntN(64<<10)})
	address, newPoller := "10.0.0.1:80", network.NewEngine
	dial := func(to string) (net.Conn, error) { return network.DialFrom(nil, to) }
	if engine == "system" {
		address, newPoller = "127.0.0.1:0", netpoll.NewEngine
		dial = func(to string) (net.Conn, error) { return net.Dial("tcp", to) }
	}
	const stall = 2 * time.Millisecond
	rt, err := fiber.New(fiber.Config{Loops: 1 + random.IntN(2), NewPoller: newPoller, Logger: quiet,
		StallAfter: stall / 2, BlockMax: 1 + random.IntN(2)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := rt.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	s := &foreigner{t: t, stall: stall}
	var gets []string
	for name := range s.acts() {
		gets = append(gets, name)
	}
	gets = append(gets, "mounted")
	sort.Strings(gets)
	srv, err := s.app().NewServer(rt)
	if err != nil {
		t.Fatal(err)
	}
	up, err := netpoll.Listen(rt, "tcp", strings.Replace(address, "0.1", "0.2", 1), netpoll.ListenConfig{OwedBytesMax: 4 << 10}, func(c *netpoll.Conn) {
		c.Loop().Go(func(f *fiber.Fiber) {
			v := c.As(f)
			defer v.Close()
			for {
				lent, err := v.Receive()
				if err != nil {
					return
				}
				if _, err := v.Write(lent); err != nil {
					return
				}
				v.Consume(len(lent))
			}
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	s.upstream = up.Addr().String()
	ln, err := srv.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	var clients sync.WaitGroup
	for i := range 12 {
		conn, err := dial(ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		c := &foreignClient{newClient(t, conn), fmt.Sprintf("%[1]c0%[2]c1%[1]c2%[2]c", 'A'+i, 'a'+i), rand.New(rand.NewPCG(seed, uint64(i)))}
		c.SetDeadline(time.Now().Add(3 * patience))
		clients.Go(func() {
			for range 8 {
				if c.asks(gets); t.Failed() {
					return
				}
			}
		})
	}
	clients.Wait()
}
