package fiber

import (
	"sync/atomic"
	"testing"
	"time"
)

// Stress of Chan and Select; primitives_test.go has the harness.

// Values go through three channels of different capacities, by every operation.
// Each value sent is received exactly once or still in a channel at the end; none
// that was not sent is.
func TestChanSelectStress(t *testing.T) {
	stress(t, 24, 3, func(c *chaos) (func(w *worker), func(t *testing.T)) {
		chans := []*Chan[int]{NewChan[int](0), NewChan[int](1), NewChan[int](5), NewChan[int](0)}
		const ops = 120
		fate := make([]atomic.Int32, 27*ops*4) // of each value: +1 sent, +100 received
		timeouts := []time.Duration{0, time.Microsecond, 300 * time.Microsecond}
		fn := func(w *worker) {
			next := w.id * ops * 4
			values := make([]int, 4)
			fresh := func(i int) *int { values[i] = next; next++; return &values[i] }
			for range ops {
				ch := chans[w.rng.IntN(len(chans))]
				timeout := timeouts[w.rng.IntN(len(timeouts))]
				k := w.rng.IntN(8)
				if w.f == nil && k < 4 {
					k += 4
				}
				switch k {
				case 0, 1:
					v := fresh(0)
					err := c.within(w.f, func() error { return ch.Send(w.f, *v) })
					if err == nil {
						fate[*v].Add(1)
					} else if err != errChaos {
						panic(err)
					}
				case 2, 3:
					var v int
					err := c.within(w.f, func() (err error) { v, err = ch.Recv(w.f); return err })
					if err == nil {
						fate[v].Add(100)
					} else if err != errChaos {
						panic(err)
					}
				case 4:
					v := fresh(0)
					if ok, err := ch.TrySend(*v); ok {
						fate[*v].Add(1)
					} else if err != nil {
						panic(err)
					}
				case 5:
					if v, ok, err := ch.TryRecv(); ok {
						fate[v].Add(100)
					} else if err != nil {
						panic(err)
					}
				default:
					cases := make([]Case, 1+w.rng.IntN(4))
					send := make([]bool, len(cases))
					for i := range cases {
						ch := chans[w.rng.IntN(len(chans))]
						if send[i] = w.rng.IntN(2) == 0; send[i] {
							cases[i] = ch.SendCase(fresh(i))
						} else {
							cases[i] = ch.RecvCase(&values[i])
						}
					}
					var i int
					var err error
					if w.f != nil && k == 6 {
						err = c.within(w.f, func() (err error) { i, err = Select(w.f, -1, cases...); return err })
					} else {
						i, err = Select(w.f, timeout, cases...)
					}
					switch {
					case err == errChaos || err == ErrTimeout:
						if i != -1 {
							panic("index with a timeout")
						}
					case err != nil:
						panic(err)
					case send[i]:
						fate[values[i]].Add(1)
					default:
						fate[values[i]].Add(100)
					}
				}
				w.pause()
			}
		}
		return fn, func(t *testing.T) {
			for i, ch := range chans {
				if ch.senders.head != nil || ch.receivers.head != nil {
					t.Errorf("channel %d: somebody left in a queue", i)
				}
				ch.Close()
				for {
					v, err := ch.Recv(nil)
					if err == ErrClosed {
						break
					}
					fate[v].Add(100)
				}
			}
			sent := 0
			for v := range fate {
				switch fate[v].Load() {
				case 0:
				case 101:
					sent++
				default:
					t.Errorf("value %d: fate %d", v, fate[v].Load())
				}
			}
			if sent == 0 {
				t.Error("nothing was sent")
			}
			t.Logf("%d values sent", sent)
		}
	})
}

// Producers and consumers without timeouts: nobody is forgotten. Closing while all
// are at work ends them, and what was sent arrives.
func TestChanCloseStress(t *testing.T) {
	for _, capacity := range []int{0, 1, 7} {
		stress(t, 16, 2, func(c *chaos) (func(w *worker), func(t *testing.T)) {
			ch := NewChan[int](capacity)
			quit := NewChan[struct{}](0)
			var sent, sum, received, got atomic.Int64
			fn := func(w *worker) {
				if w.id%2 == 0 {
					for i := 1; ; i++ {
						if w.id == 0 && i == 200 {
							ch.Close()
							quit.Close()
						}
						if err := ch.Send(w.f, i); err == ErrClosed {
							return
						} else if err != nil {
							panic(err)
						}
						sent.Add(1)
						sum.Add(int64(i))
						w.pause()
					}
				}
				for {
					var v int
					var err error
					if w.id%4 == 1 {
						v, err = ch.Recv(w.f)
					} else {
						var i int
						if i, err = Select(w.f, -1, ch.RecvCase(&v), quit.RecvCase(nil)); i == 1 {
							v, err = ch.Recv(w.f)
						}
					}
					if err == ErrClosed {
						return
					} else if err != nil {
						panic(err)
					}
					received.Add(1)
					got.Add(int64(v))
					w.pause()
				}
			}
			return fn, func(t *testing.T) {
				if sent.Load() != received.Load() || sum.Load() != got.Load() {
					t.Errorf("sent %d (sum %d), received %d (sum %d)", sent.Load(), sum.Load(), received.Load(), got.Load())
				}
			}
		})
	}
}
