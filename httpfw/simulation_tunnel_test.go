package httpfw

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/heddle-go/heddle/fiber"
	"github.com/heddle-go/heddle/netpoll"
)

// Tunnels of the simulation: a client's last request may be an upgrade, with bytes of the
// new protocol right behind it. The handler sends back what comes, in one fiber or in
// several of which one may close the connection under the others.

// simWays are how a tunnel's handler works. The last two end it while the client may still
// be sending, which may cost whatever is on its way to the client.
var simWays = []string{"copy", "pair", "cut", "left"}

// drawTunnel makes an upgrade and what the client says in the tunnel.
func (c *simClient) drawTunnel() (raw []byte) {
	r := c.rand
	c.way = simWays[r.IntN(len(simWays))]
	c.said = simText(fmt.Sprintf("t%d", c.number), 1+r.IntN(3000))
	if r.IntN(8) == 0 {
		c.said = simText(fmt.Sprintf("t%d", c.number), 150<<10)
	}
	return fmt.Appendf(nil, "GET /tunnel/%d.t/%s?ms=%d HTTP/1.1\r\nHost: sim\r\nX-Id: %[1]d.t\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n%[4]s",
		c.number, c.way, r.IntN(400), c.said)
}

// tunnel reads what comes behind the last reply of a client with a tunnel: the answer to
// its upgrade, and what it said.
func (c *simClient) tunnel(br *bufio.Reader) error {
	id, from := fmt.Sprintf("%d.t", c.number), len(c.raw)-br.Buffered()
	resp, err := http.ReadResponse(br, &http.Request{Method: "GET"})
	if err != nil {
		return c.cut(from, &simRequest{id: id}, err)
	}
	if resp.StatusCode == 408 && resp.Close && !c.whole() {
		return fmt.Errorf("the server gave up: %s", resp.Status)
	}
	if got := resp.Header.Get("X-Id"); resp.StatusCode != 101 || got != id {
		c.s.problem("client %d: the answer to its upgrade is %s, for %q", c.number, resp.Status, got)
	}
	b, err := io.ReadAll(br)
	if !strings.HasPrefix(c.said, string(b)) {
		c.s.problem("client %d: the tunnel sent back something else: %d bytes of %d", c.number, len(b), len(c.said))
	}
	if err == nil && len(b) < len(c.said) && c.whole() {
		c.s.problem("client %d: the tunnel sent back %d bytes of %d", c.number, len(b), len(c.said))
	}
	return err
}

// tunnelHandler returns the handler of the tunnels that work in a way.
func (s *simulation) tunnelHandler(way string) Handler {
	return func(c *Ctx) error {
		// A client that has vanished is not missed by anybody else.
		return c.Fiber().WithTimeout(2*time.Hour, func() error { return s.serveTunnel(c, way) })
	}
}

func (s *simulation) serveTunnel(c *Ctx, way string) error {
	s.begins(c, c.Param("id"))
	ms, _ := strconv.Atoi(c.Query("ms"))
	wait := time.Duration(ms) * time.Millisecond
	if ms%2 == 0 {
		if err := c.Sleep(wait); err != nil {
			return err
		}
	}
	v, err := c.Hijack()
	if err != nil {
		return err
	}
	if c.Param("id") != c.Header("X-Id") {
		s.problem("tunnel %s has the header of %q", c.Param("id"), c.Header("X-Id"))
	}
	if _, err := fmt.Fprintf(v, "HTTP/1.1 101 Switching Protocols\r\nX-Id: %s\r\n\r\n", c.Param("id")); err != nil {
		return err
	}
	if way == "copy" {
		_, err := io.Copy(v, v)
		return err
	}
	if way == "left" {
		converse(v, loose(c))
		c.Sleep(wait)
		return nil
	}
	g := fiber.NewGroup(c.Fiber())
	converse(v, g.Go)
	if way == "cut" {
		c.Sleep(wait)
		err := v.Close()
		g.Wait(c.Fiber())
		return err
	}
	return g.Wait(c.Fiber())
}

// converse has two fibers, which start starts, send back what arrives.
func converse(v *netpoll.View, start func(fn func(*fiber.Fiber) error)) {
	heard := fiber.NewChan[[]byte](2)
	start(func(f *fiber.Fiber) error { return hear(v.Conn().As(f), heard) })
	start(func(f *fiber.Fiber) error { return tell(v.Conn().As(f), heard) })
}

// loose starts fibers that are not in c's scope.
func loose(c *Ctx) func(fn func(*fiber.Fiber) error) {
	return func(fn func(*fiber.Fiber) error) { c.Fiber().Go(func(f *fiber.Fiber) { fn(f) }) }
}

// hear passes on what arrives.
func hear(v *netpoll.View, heard *fiber.Chan[[]byte]) error {
	defer heard.Close()
	for {
		b := make([]byte, 900)
		n, err := v.Read(b)
		if n > 0 {
			if err := heard.Send(v.Fiber(), b[:n]); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// tell sends what was passed on.
func tell(v *netpoll.View, heard *fiber.Chan[[]byte]) error {
	defer heard.Close()
	for {
		b, err := heard.Recv(v.Fiber())
		if err == fiber.ErrClosed {
			return v.CloseWrite()
		}
		if err != nil {
			return err
		}
		if _, err := v.Write(b); err != nil {
			return err
		}
	}
}
