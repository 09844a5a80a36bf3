package httpfw

import (
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/heddle-go/heddle/fiber"
)

// The server of the simulation: handlers that wait in every way a handler can, and say
// in their reply which request they have answered. A request names in its query what
// its handler does; a reply depends on the request alone, so that the client knows
// each byte of its body.

// simKinds are what a handler does. Those before simEmpty take a body of any kind.
var simKinds = []string{"echo", "late", "duplex", "ignore", "plain", "sleep", "mutex", "children", "stream", "empty"}

// app makes the App of a simulation.
func (s *simulation) app() *App {
	config := Config{Logger: slog.New(slog.DiscardHandler)}
	if !s.tight {
		// No client that makes progress, however slowly, exceeds these.
		config.FirstByteTimeout, config.HeaderTimeout, config.BodyTimeout = time.Hour, time.Hour, time.Hour
		config.IdleTimeout, config.WriteTimeout = 2*time.Hour, 2*time.Hour
		config.BodyBytesPerSecondMin, config.WriteBytesPerSecondMin = -1, -1
	}
	a := New(config)
	for _, kind := range simKinds {
		h := s.handler(kind)
		a.Handle("POST", "/cut/:id/"+kind, h)
		a.Get("/cut/:id/"+kind, h)
		a.Handle("POST", "/keep/:id/"+kind, h).KeepRunning()
		a.Get("/keep/:id/"+kind, h).KeepRunning()
	}
	for _, way := range simWays {
		a.Get("/tunnel/:id/"+way, s.tunnelHandler(way)).KeepRunning() // its client half-closes
	}
	a.Get("/panic/:id", func(c *Ctx) error { s.begins(c, c.Param("id")); panic("meant") })
	return a
}

// begins takes note that a handler runs: at most once for each request, and for the
// connection that sent it.
func (s *simulation) begins(c *Ctx, id string) {
	s.ran[id]++
	if n := s.ran[id]; n > 1 {
		s.problem("request %s was executed %d times", id, n)
	}
	from, _, _ := strings.Cut(id, ".")
	if at := c.RemoteAddr().String(); s.addrs[at] != from {
		s.problem("request %s came from %s, which is the connection of client %q", id, at, s.addrs[at])
	}
}

// handler returns the handler of a kind. What it asks the Ctx for after it has waited
// must still be that of its request, wherever the bytes have moved meanwhile.
func (s *simulation) handler(kind string) Handler {
	return func(c *Ctx) error {
		s.begins(c, c.Param("id"))
		ms, _ := strconv.Atoi(c.Query("ms"))
		wait := time.Duration(ms) * time.Millisecond
		var err error
		switch kind {
		case "sleep", "late", "empty":
			err = c.Sleep(wait)
		case "mutex":
			err = s.withLock(c, wait)
		case "children":
			err = s.children(c, wait)
		}
		if err != nil {
			return err
		}
		id := c.Param("id")
		if c.Header("X-Id") != id {
			s.problem("request %s has the header of %q after its wait", id, c.Header("X-Id"))
		}
		c.SetHeader("X-Id", id)
		switch kind {
		case "empty":
			return c.NoContent(204)
		case "echo", "late":
			body, err := c.BodyBytes()
			if err != nil {
				return err
			}
			return c.Bytes(200, "application/x", body)
		case "duplex":
			return duplex(c)
		}
		size, _ := strconv.Atoi(c.Query("size"))
		text := simText(id, size)
		if kind != "stream" {
			return c.Text(200, text)
		}
		for len(text) > 0 {
			n := min(len(text), 1+size/3)
			if _, err := c.WriteString(text[:n]); err != nil {
				return err
			}
			if text = text[n:]; ms%2 == 0 {
				if err := c.Flush(); err != nil {
					return err
				}
			}
			if err := c.Sleep(wait / 4); err != nil {
				return err
			}
		}
		return nil
	}
}

// withLock waits inside a lock that all requests share.
func (s *simulation) withLock(c *Ctx, wait time.Duration) error {
	if err := s.lock.Lock(c.Fiber()); err != nil {
		return err
	}
	defer s.lock.Unlock()
	if s.locked {
		s.problem("two requests hold one lock")
	}
	s.locked = true
	err := c.Sleep(wait)
	s.locked = false
	return err
}

// children waits for three fibers, which it does not outlive.
func (s *simulation) children(c *Ctx, wait time.Duration) error {
	g := fiber.NewGroup(c.Fiber())
	s.parents++
	done := 0
	for i := range 3 {
		g.Go(func(f *fiber.Fiber) error {
			err := f.Sleep(wait * time.Duration(i) / 2)
			done++
			return err
		})
	}
	err := g.Wait(c.Fiber())
	if s.parents--; done != 3 {
		s.problem("a handler went on with %d of 3 children", done)
	}
	return err
}

// duplex sends back what it reads as it reads it.
func duplex(c *Ctx) error {
	buf := make([]byte, 700)
	for {
		n, err := c.Body().Read(buf)
		if n > 0 {
			if _, err := c.Write(buf[:n]); err != nil {
				return err
			}
			if err := c.Flush(); err != nil {
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

// simText is size bytes that no other request has.
func simText(id string, size int) string {
	piece := fmt.Sprintf("%s;", id)
	return strings.Repeat(piece, size/len(piece)+1)[:size]
}
