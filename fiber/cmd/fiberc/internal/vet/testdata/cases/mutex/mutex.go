package mutex

import (
	"fmt"
	"io"
	"sync"

	"example.com/cases/store"
	"github.com/heddle-go/heddle/fiber"
	"github.com/heddle-go/heddle/httpfw"
	"github.com/heddle-go/heddle/netpoll"
)

type server struct {
	mu    sync.Mutex
	rw    sync.RWMutex
	own   fiber.Mutex
	inner struct{ sync.Mutex }
	n     int
}

func (s *server) deferred(c *httpfw.Ctx) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return c.Sleep(1) // want `s.mu is held \(since line \d+\) while httpfw.Ctx.Sleep may park: unlock it first, or use fiber.Mutex`
}

func (s *server) plain(c *httpfw.Ctx) {
	s.mu.Lock()
	s.n++
	c.Sleep(1) // want `s.mu is held`
	s.mu.Unlock()
	c.Sleep(1)
}

func (s *server) readers(f *fiber.Fiber) {
	s.rw.RLock()
	store.Pause(f) // want `s.rw is held \(since line \d+\) while store.Pause → fiber.Fiber.Sleep may park`
	s.rw.RUnlock()
	store.Pause(f)
	s.rw.Lock()
	f.Block(func() {}) // want `s.rw is held`
	s.rw.Unlock()
}

func (s *server) embedded(c *httpfw.Ctx, l sync.Locker) {
	s.inner.Lock()
	c.Sleep(1) // want `s.inner is held`
	s.inner.Unlock()
	l.Lock()
	c.Sleep(1) // want `l is held`
	l.Unlock()
}

func (s *server) branches(c *httpfw.Ctx, some bool) {
	if some {
		s.mu.Lock()
		defer s.mu.Unlock()
	}
	c.Sleep(1) // want `s.mu is held`
}

func (s *server) loop(c *httpfw.Ctx) {
	s.mu.Lock()
	for s.n > 0 {
		s.mu.Unlock()
		c.Sleep(1)
		s.mu.Lock()
	}
	s.mu.Unlock()
}

func (s *server) early(c *httpfw.Ctx, some bool) {
	s.mu.Lock()
	if some {
		s.mu.Unlock()
		c.Sleep(1)
		return
	}
	s.mu.Unlock()
	c.Sleep(1)
}

func (s *server) try(c *httpfw.Ctx) {
	if s.mu.TryLock() {
		c.Sleep(1) // want `s.mu is held`
		s.mu.Unlock()
	}
	c.Sleep(1)
	if !s.mu.TryLock() {
		c.Sleep(1)
		return
	}
	c.Sleep(1) // want `s.mu is held`
	s.mu.Unlock()
}

func middleware(next httpfw.Handler) httpfw.Handler {
	var mu sync.Mutex
	return func(c *httpfw.Ctx) error {
		mu.Lock()
		defer mu.Unlock()
		return next(c) // want `mu is held \(since line \d+\) while next may park`
	}
}

// lock and unlock are known by what they do.
func (s *server) lock()   { s.mu.Lock() }
func (s *server) unlock() { s.mu.Unlock() }

func (s *server) methods(c *httpfw.Ctx) {
	s.lock()
	c.Sleep(1) // want `a sync.Mutex is held`
	s.unlock()
	c.Sleep(1)
}

// waits unlocks before it parks, as sync.Cond does.
func (s *server) waits(c *httpfw.Ctx) {
	s.mu.Unlock()
	c.Sleep(1)
	s.mu.Lock()
}

func (s *server) condition(c *httpfw.Ctx) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.n == 0 {
		s.waits(c)
	}
}

func (s *server) closure(c *httpfw.Ctx) {
	s.mu.Lock()
	done := func() { s.mu.Unlock() }
	s.n++
	done()
	c.Sleep(1)
}

func (s *server) fine(c *httpfw.Ctx, f *fiber.Fiber) {
	s.own.Lock(f)
	defer s.own.Unlock()
	c.Sleep(1)
	func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.n++
	}()
	c.Sleep(1)
	go func() {
		s.mu.Lock()
		defer s.mu.Unlock()
	}()
	c.Block(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
	})
}

func (s *server) through(v *netpoll.View, c *httpfw.Ctx) {
	s.mu.Lock()
	io.ReadFull(v, nil)    // want `s.mu is held`
	fmt.Fprintf(v, "text") // want `s.mu is held`
	io.ReadAll(c.Body())   // want `s.mu is held`
	fmt.Println(v)
	s.mu.Unlock()
}

// stream is an interface of the program: what it is given says that it may park.
type stream interface{ serve(c *httpfw.Ctx) }

func (s *server) dynamic(c *httpfw.Ctx, x stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x.serve(c) // want `s.mu is held \(since line \d+\) while mutex.stream.serve may park`
}

func two(a, b *server, c *httpfw.Ctx) {
	a.mu.Lock()
	b.mu.Lock()
	a.mu.Unlock()
	c.Sleep(1) // want `b.mu is held`
	b.mu.Unlock()
	c.Sleep(1)
}
