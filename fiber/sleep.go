package fiber

import "time"

// Sleep waits for d on the loop's timer; it holds no thread. It returns nil when d
// has passed, or the cause at once if the fiber is canceled. d <= 0 only looks for
// cancellation. Only the fiber's own code may call it.
func (f *Fiber) Sleep(d time.Duration) error {
	if d <= 0 {
		return f.Err()
	}
	f.Enter()
	at := f.loop.rt.after(d)
	err := f.Park(at)
	for err == nil {
		err = f.Park(at)
	}
	f.Leave()
	if err == ErrTimeout {
		return nil
	}
	return err
}
