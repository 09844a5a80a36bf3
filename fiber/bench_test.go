package fiber

import "testing"

// BenchmarkParkReady is a round trip between two fibers of a loop: two parks and two
// wake-ups. BenchmarkChannelPair is the same between goroutines.
func BenchmarkParkReady(b *testing.B) {
	rt := start(b, Config{Loops: 1})
	b.ReportAllocs()
	do(b, rt, func(f *Fiber) {
		var g *Fiber
		stop := false
		f.Go(func(h *Fiber) {
			h.Enter()
			g = h
			for !stop {
				h.Park(0)
				f.Ready()
			}
			h.Leave()
		})
		f.Yield()
		f.Enter()
		b.ResetTimer()
		for range b.N {
			g.Ready()
			f.Park(0)
		}
		stop = true
		g.Ready()
		f.Leave()
	})
}

func BenchmarkYield1(b *testing.B) {
	rt := start(b, Config{Loops: 1})
	do(b, rt, func(f *Fiber) {
		b.ResetTimer()
		for range b.N {
			f.Yield()
		}
	})
}

func BenchmarkChannelPair(b *testing.B) {
	x, y := make(chan int), make(chan int)
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
