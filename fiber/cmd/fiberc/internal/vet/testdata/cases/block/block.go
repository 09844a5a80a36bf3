package block

import (
	"io"
	"net"
	"os/exec"
	"slices"
	"sync"
	"time"

	"example.com/cases/store"
	"github.com/heddle-go/heddle/fiber"
	"github.com/heddle-go/heddle/httpfw"
	"github.com/heddle-go/heddle/netpoll"
)

func sleeps(c *httpfw.Ctx) error {
	time.Sleep(time.Second) // want `time.Sleep blocks every fiber of this loop: use Fiber.Sleep`
	return nil
}

func receiver(v *netpoll.View, wg *sync.WaitGroup, ch chan int) {
	wg.Wait() // want `sync.WaitGroup.Wait blocks every fiber of this loop: use fiber.WaitGroup or fiber.Group`
	<-ch      // want `channel receive blocks`
	ch <- 1   // want `channel send blocks`
	select {  // want `select blocks every fiber of this loop: use fiber.Select`
	case <-ch:
	case ch <- 1:
	}
	for range ch { // want `channel receive blocks`
	}
	select {
	case <-ch:
	default:
	}
	close(ch)
}

func others(f *fiber.Fiber) {
	net.Dial("tcp", "localhost:1")    // want `net.Dial blocks every fiber of this loop: use netpoll.Dial`
	(&net.Dialer{}).Dial("tcp", "")   // want `net.Dialer.Dial blocks every fiber of this loop: call it in Block`
	exec.Command("true").Run()        // want `exec.Cmd.Run blocks`
	defer exec.Command("true").Wait() // want `exec.Cmd.Wait blocks`
	sleep := time.Sleep
	sleep(1) // want `time.Sleep blocks`
}

func helper() { deeper() }

func deeper() { time.Sleep(1) }

func calls(c *httpfw.Ctx, s *store.Store) {
	helper()  // want `block.helper blocks every fiber of this loop \(block.helper → block.deeper → time.Sleep\): call it in Block`
	s.Count() // want `store.Store.Count blocks every fiber of this loop \(store.Store.Count → store.Store.query → sql.DB.QueryRow\): call it in Block`
	s.Next()  // want `store.Store.Next blocks`
	s.Peek()
	s.Get()
}

// A helper without a parameter that leads to a fiber, but that parks.
type session struct{ f *fiber.Fiber }

func (s *session) run() {
	s.f.Sleep(1)
	time.Sleep(1) // want `time.Sleep blocks`
}

func literals(c *httpfw.Ctx, list []int) {
	func() {
		time.Sleep(1) // want `time.Sleep blocks`
	}()
	defer func() {
		time.Sleep(1) // want `time.Sleep blocks`
	}()
	slices.SortFunc(list, func(a, b int) int {
		time.Sleep(1) // want `time.Sleep blocks`
		return a - b
	})
	c.Fiber().WithTimeout(1, func() error {
		time.Sleep(1) // want `time.Sleep blocks`
		return nil
	})
	store.Twice(func() {
		time.Sleep(1) // want `time.Sleep blocks`
	})
	store.Twice(deeper) // want `block.deeper blocks`
	for range items(list) {
		time.Sleep(1) // want `time.Sleep blocks`
	}
	var once sync.Once
	once.Do(deeper) // want `block.deeper blocks`
}

func items(list []int) func(yield func(int) bool) { return slices.Values(list) }

func handlers(rt *fiber.Runtime) {
	time.Sleep(1)
	rt.Go(func(f *fiber.Fiber) {
		time.Sleep(1) // want `time.Sleep blocks`
	})
	rt.Adopt(func(f *fiber.Fiber) {
		time.Sleep(1)
		f.Sleep(1)
	})
}

// What runs beside the loop may block.
func fine(c *httpfw.Ctx, ch chan int) {
	c.Block(func() { time.Sleep(1); <-ch })
	c.Block(deeper)
	c.Fiber().Block(func() { helper() })
	go func() { time.Sleep(1) }()
	go deeper()
	store.Later(func() { time.Sleep(1) })
	time.AfterFunc(1, deeper)
	func() { c.Block(func() { time.Sleep(1) }) }()
	own := make(chan int, 1)
	own <- 1
	beside(c, func() { time.Sleep(1) })
	look := func() { time.Sleep(1) }
	if c == nil {
		look()
	}
	c.Block(look)
}

func beside(c *httpfw.Ctx, fn func()) { c.Block(func() { fn() }) }

// both serves goroutines too, with a nil fiber.
func both(f *fiber.Fiber, ch chan int, fast *fiber.Chan[int]) {
	if f == nil {
		<-ch
		time.Sleep(1)
		return
	}
	fast.Recv(f)
	fast.Recv(nil) // want `fiber.Chan.Recv blocks every fiber of this loop if its fiber is nil: give it the fiber`
}

func plain(ch chan int, fast *fiber.Chan[int]) {
	<-ch
	fast.Recv(nil)
}

func callsPlain(c *httpfw.Ctx) {
	plain(nil, nil) // want `block.plain blocks`
	reads(c)
}

func reads(c *httpfw.Ctx) { io.ReadAll(c.Body()) }

// A literal with a fiber of its own is not the caller's code: starts is not a handler.
func starts(rt *fiber.Runtime, fn func(f *fiber.Fiber)) { rt.Go(func(f *fiber.Fiber) { fn(f) }) }

func starter(rt *fiber.Runtime, done chan int) {
	starts(rt, func(f *fiber.Fiber) { f.Sleep(1); close(done) })
	<-done
}

type generic[T any] struct{ ch chan T }

func (g *generic[T]) next() T { return <-g.ch }

func instance(c *httpfw.Ctx, g *generic[int]) {
	g.next() // want `block.generic.next blocks`
}
