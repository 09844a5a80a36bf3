package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/heddle-go/heddle/codec/resp"
	"github.com/heddle-go/heddle/fiber"
	"github.com/heddle-go/heddle/netpoll"
)

// server is a store behind a listener on the loops of a runtime.
type server struct {
	rt       *fiber.Runtime
	listener *netpoll.Listener
	store    *store
}

// start listens, and sweeps the store from now on.
func start(addr string, loops int, st *store) (*server, error) {
	rt, err := fiber.New(fiber.Config{Loops: loops, NewPoller: netpoll.NewEngine})
	if err != nil {
		return nil, err
	}
	s := &server{rt: rt, store: st}
	s.listener, err = netpoll.Listen(rt, "tcp", addr, netpoll.ListenConfig{}, s.accept)
	if err == nil {
		err = rt.Go(st.sweepForEver)
	}
	if err != nil {
		rt.Close(context.Background())
		return nil, err
	}
	return s, nil
}

// close ends the listener, the connections and the loops.
func (s *server) close(ctx context.Context) error {
	s.listener.Close()
	return s.rt.Close(ctx)
}

// accept gives a connection to a fiber of its loop.
func (s *server) accept(c *netpoll.Conn) {
	c.Loop().Go(func(f *fiber.Fiber) {
		x := &session{store: s.store, view: c.As(f), protocol: 2}
		defer x.view.Close()
		x.serve()
	})
}

// session is one connection. Only its fiber uses it.
type session struct {
	store    *store
	view     *netpoll.View
	decoder  resp.Decoder
	protocol int    // 2 or 3, see HELLO
	out      []byte // replies not sent yet
	quit     bool   // the connection ends with them
}

const (
	// batchBytes is how much is answered before it is sent: a pipeline of requests
	// for large values must not fill memory.
	batchBytes = 64 << 10
	// writeMax is how long a client may take nothing.
	writeMax = 30 * time.Second
)

// serve answers commands until the client goes.
func (x *session) serve() {
	for !x.quit {
		b, err := x.view.Receive()
		if err != nil {
			return
		}
		// b is lent until the next wait. Answering a command never waits; sending
		// does, and is done between batches.
		for len(b) > 0 && !x.quit {
			used, whole := x.answerBatch(b)
			if err := x.send(used); err != nil {
				return
			}
			if whole {
				break
			}
			b = x.view.Buffered()
		}
	}
}

// answerBatch answers the commands in b and returns how many bytes they took. whole is
// false if there may be more of them.
func (x *session) answerBatch(b []byte) (used int, whole bool) {
	buf := buffers.Get().(*[]byte)
	x.out = (*buf)[:0]
	for len(x.out) < batchBytes && !x.quit {
		args, n, err := x.decoder.Command(b[used:])
		if err != nil {
			var bad *resp.ProtocolError
			if errors.As(err, &bad) {
				x.out = resp.AppendError(x.out, bad.Text)
			}
			x.quit = true
			return used, true
		}
		if n == 0 {
			return used, true
		}
		used += n
		if len(args) > 0 {
			x.execute(args)
		}
	}
	return used, false
}

// send gives back the bytes of the commands that were answered and sends the replies
// in one piece.
func (x *session) send(used int) error {
	x.view.Consume(used)
	out := x.out
	x.out = nil
	var err error
	if len(out) > 0 {
		x.view.SetWriteDeadline(time.Now().Add(writeMax))
		_, err = x.view.Write(out)
	}
	if cap(out) <= 4*batchBytes { // one large reply is not kept
		buffers.Put(&out)
	}
	return err
}

var buffers = sync.Pool{New: func() any { return new([]byte) }}
