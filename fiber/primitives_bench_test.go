package fiber

import (
	"sync"
	"testing"
)

// Each primitive beside Go's own.

func BenchmarkMutexUncontended(b *testing.B) {
	b.Run("fiber", func(b *testing.B) {
		rt := start(b, Config{Loops: 1, StallAfter: -1})
		do(b, rt, func(f *Fiber) {
			var m Mutex
			b.ReportAllocs()
			for b.Loop() {
				if m.Lock(f) == nil {
					m.Unlock()
				}
			}
		})
	})
	b.Run("go", func(b *testing.B) {
		var m sync.Mutex
		for b.Loop() {
			m.Lock()
			//lint:ignore SA2001 the empty section is what is measured
			m.Unlock()
		}
	})
}

func BenchmarkSemaphoreUncontended(b *testing.B) {
	rt := start(b, Config{Loops: 1, StallAfter: -1})
	do(b, rt, func(f *Fiber) {
		s := NewSemaphore(10)
		b.ReportAllocs()
		for b.Loop() {
			if s.Acquire(f, 2) == nil {
				s.Release(2)
			}
		}
	})
}

// Two users hold the lock across a switch, so that every Lock waits.
func BenchmarkMutexHandover(b *testing.B) {
	for _, loops := range []int{1, 2} {
		b.Run([]string{"", "same loop", "two loops"}[loops], func(b *testing.B) {
			rt := start(b, Config{Loops: loops, StallAfter: -1})
			var m Mutex
			var wg sync.WaitGroup
			wg.Add(2)
			b.ReportAllocs()
			for i := range 2 {
				rt.Loops()[i%loops].Go(func(f *Fiber) {
					defer wg.Done()
					for range b.N / 2 {
						if m.Lock(f) != nil {
							return
						}
						f.Yield()
						m.Unlock()
					}
				})
			}
			wg.Wait()
		})
	}
}

func BenchmarkChanBuffered(b *testing.B) {
	b.Run("fiber", func(b *testing.B) {
		rt := start(b, Config{Loops: 1, StallAfter: -1})
		do(b, rt, func(f *Fiber) {
			c := NewChan[int](1)
			b.ReportAllocs()
			for b.Loop() {
				c.Send(f, 1)
				c.Recv(f)
			}
		})
	})
	b.Run("go", func(b *testing.B) {
		c := make(chan int, 1)
		for b.Loop() {
			c <- 1
			<-c
		}
	})
}

// pingPong sends a value to and fro b.N times over two channels.
func pingPong(b *testing.B, loops, capacity int) {
	rt := start(b, Config{Loops: loops, StallAfter: -1})
	x, y := NewChan[int](capacity), NewChan[int](capacity)
	rt.Loops()[loops-1].Go(func(f *Fiber) {
		for {
			v, err := x.Recv(f)
			if err != nil {
				y.Close()
				return
			}
			y.Send(f, v)
		}
	})
	done := make(chan struct{})
	b.ReportAllocs()
	b.ResetTimer()
	rt.Loops()[0].Go(func(f *Fiber) {
		defer close(done)
		for i := range b.N {
			x.Send(f, i)
			y.Recv(f)
		}
		x.Close()
	})
	<-done
}

func goPingPong(b *testing.B, capacity int) {
	x, y := make(chan int, capacity), make(chan int, capacity)
	go func() {
		for v := range x {
			y <- v
		}
		close(y)
	}()
	for b.Loop() {
		x <- 1
		<-y
	}
	close(x)
}

func BenchmarkChanPingPong(b *testing.B) {
	b.Run("same loop", func(b *testing.B) { pingPong(b, 1, 0) })
	b.Run("same loop, buffered", func(b *testing.B) { pingPong(b, 1, 1) })
	b.Run("two loops", func(b *testing.B) { pingPong(b, 2, 0) })
	b.Run("two loops, buffered", func(b *testing.B) { pingPong(b, 2, 1) })
	b.Run("go", func(b *testing.B) { goPingPong(b, 0) })
	b.Run("go, buffered", func(b *testing.B) { goPingPong(b, 1) })
}

func BenchmarkSelectReady(b *testing.B) {
	b.Run("fiber", func(b *testing.B) {
		rt := start(b, Config{Loops: 1, StallAfter: -1})
		do(b, rt, func(f *Fiber) {
			c, d := NewChan[int](1), NewChan[int](1)
			var v int
			cases := []Case{c.RecvCase(&v), d.RecvCase(&v)}
			b.ReportAllocs()
			for b.Loop() {
				c.TrySend(1)
				Select(f, -1, cases...)
			}
		})
	})
	b.Run("go", func(b *testing.B) {
		c, d := make(chan int, 1), make(chan int, 1)
		for b.Loop() {
			c <- 1
			select {
			case <-c:
			case <-d:
			}
		}
	})
}

func BenchmarkSelectPingPong(b *testing.B) {
	b.Run("same loop", func(b *testing.B) {
		rt := start(b, Config{Loops: 1, StallAfter: -1})
		x, y, never := NewChan[int](0), NewChan[int](0), NewChan[int](0)
		rt.Go(func(f *Fiber) {
			var v int
			in := []Case{x.RecvCase(&v), never.RecvCase(nil)}
			for {
				if _, err := Select(f, -1, in...); err != nil {
					return
				}
				y.Send(f, v)
			}
		})
		do(b, rt, func(f *Fiber) {
			b.ReportAllocs()
			for b.Loop() {
				x.Send(f, 1)
				y.Recv(f)
			}
			x.Close()
		})
	})
	b.Run("go", func(b *testing.B) {
		x, y, never := make(chan int), make(chan int), make(chan int)
		go func() {
			for {
				select {
				case v, ok := <-x:
					if !ok {
						return
					}
					y <- v
				case <-never:
				}
			}
		}()
		for b.Loop() {
			x <- 1
			<-y
		}
		close(x)
	})
}

func BenchmarkGroupOfOne(b *testing.B) {
	b.Run("fiber", func(b *testing.B) {
		rt := start(b, Config{Loops: 1, StallAfter: -1})
		do(b, rt, func(f *Fiber) {
			b.ReportAllocs()
			for b.Loop() {
				g := NewGroup(f)
				g.Go(func(*Fiber) error { return nil })
				g.Wait(f)
			}
		})
	})
	b.Run("go", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var wg sync.WaitGroup
			wg.Go(func() {})
			wg.Wait()
		}
	})
}
