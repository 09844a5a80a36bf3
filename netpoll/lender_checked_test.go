package netpoll

import (
	"bytes"
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/heddle-go/heddle/fiber"
)

// lentTo runs fn in a fiber with a connection that has been lent msg.
func lentTo(t *testing.T, checked bool, msg string, fn func(f *fiber.Fiber, v *View, lent []byte)) {
	t.Helper()
	rt, err := fiber.New(fiber.Config{Loops: 1, Checked: checked, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer rt.Close(context.Background())
	l := rt.Loops()[0]
	lender := NewLender(l)
	done := make(chan struct{})
	rt.Start()
	l.Go(func(f *fiber.Fiber) {
		defer close(done)
		var c Conn
		f.Enter()
		c.Init(mute{}, lender, 10)
		lender.Lend(&c, copy(lender.Room(&c), msg))
		f.Leave()
		v := c.As(f)
		fn(f, v, v.Buffered())
		c.Close()
	})
	<-done
}

const secret = "what was lent"

// In checked mode every park takes back what was lent before it, though no other connection
// needs the buffer: who uses it afterwards sees poison, in every run. What is still lent is
// where Buffered says.
func TestCheckedParkTakesBack(t *testing.T) {
	parks := map[string]func(f *fiber.Fiber, v *View){
		"Yield": func(f *fiber.Fiber, _ *View) { f.Yield() },
		"Sleep": func(f *fiber.Fiber, _ *View) { f.Sleep(time.Microsecond) },
		"Write": func(f *fiber.Fiber, v *View) {
			v.SetWriteDeadline(time.Now().Add(time.Millisecond))
			v.Write(make([]byte, 100))
		},
	}
	for name, park := range parks {
		for _, checked := range []bool{false, true} {
			lentTo(t, checked, secret, func(f *fiber.Fiber, v *View, lent []byte) {
				park(f, v)
				checked := checked || f.Loop().Runtime().Checked()
				if poisoned := bytes.Equal(lent, bytes.Repeat([]byte{poisonByte}, len(secret))); poisoned != checked {
					t.Errorf("%s, checked %v: %q", name, checked, lent)
				}
				if b := v.Buffered(); string(b) != secret {
					t.Errorf("%s: %q is lent now", name, b)
				}
			})
		}
	}
}

// A Write that waits may be given what was lent, of which checked mode takes nothing back.
func TestCheckedWriteOfLentBytes(t *testing.T) {
	lentTo(t, true, secret, func(f *fiber.Fiber, v *View, lent []byte) {
		v.SetWriteDeadline(time.Now().Add(time.Millisecond))
		v.Write(lent)
		if string(lent) != secret {
			t.Errorf("%q was being written", lent)
		}
	})
}

// What was moved to the connection's own memory is poison, too, once it is given back.
func TestCheckedConsume(t *testing.T) {
	lentTo(t, true, secret, func(f *fiber.Fiber, v *View, _ []byte) {
		f.Yield()
		b := v.Buffered()
		v.Consume(4)
		if string(b) != string(bytes.Repeat([]byte{poisonByte}, 4))+secret[4:] {
			t.Errorf("%q behind Consume(4)", b)
		}
	})
}

// Memory that was left to whoever may be reading it is nobody else's later.
func TestStrayedBytesAreNotUsedAgain(t *testing.T) {
	lentTo(t, false, secret, func(f *fiber.Fiber, v *View, lent []byte) {
		f.Block(func() {})
		v.Consume(len(lent))
		for range 100 {
			keptCopy(make([]byte, lendBytes/2))
		}
		if string(lent) != secret {
			t.Errorf("it became %q", lent)
		}
	})
}
