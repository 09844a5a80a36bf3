package load

import (
	"time"

	"golang.org/x/sys/unix"
)

// closed loads over keep-alive connections: each sends its batch of Depth
// requests, and the next when all are answered.
func (r *run) closed() error {
	depth := max(r.spec.Depth, 1)
	r.request = request(r.spec.Path, r.spec.Addr, false, depth)
	clients := make([]client, r.spec.Connections)
	for i := range clients {
		fd, err := dial(r.to, i)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		clients[i].fd = fd
		if err := r.poller.add(fd, i, unix.EPOLLIN|unix.EPOLLOUT); err != nil {
			return err
		}
	}
	return r.measure(func(window time.Duration) error { return r.drive(clients, depth, window) })
}

// drive runs the closed loop for a window and until the last response.
func (r *run) drive(clients []client, depth int, window time.Duration) error {
	now := r.now()
	stop := now + window
	busy := 0 // clients with a batch in flight
	begin := func(c *client) {
		c.since = now
		if r.send(c, r.request, depth) {
			busy++
			return
		}
		r.drop(c)
	}
	answered := 0
	whole := func(response Response) {
		if response.Status != 200 {
			r.result.Bad++
			return
		}
		answered++
		r.result.Bytes += int64(response.Body)
	}
	for i := range clients {
		if clients[i].fd >= 0 {
			begin(&clients[i])
		}
	}
	for busy > 0 {
		events, err := r.poller.wait(stop + r.spec.Grace - now)
		if err != nil {
			return err
		}
		now = r.now()
		if len(events) == 0 && now >= stop+r.spec.Grace {
			r.lose(clients)
			return nil
		}
		for _, event := range events {
			c := &clients[event.Fd]
			if c.fd < 0 || c.awaited == 0 {
				continue
			}
			if len(c.sending) > 0 && event.Events&unix.EPOLLOUT != 0 && !r.flush(c, c.sending) {
				busy--
				r.drop(c)
				continue
			}
			answered = 0
			alive := r.receive(c, event.Events&unix.EPOLLRDHUP != 0, whole)
			now = r.now()
			r.result.Requests += answered
			r.latency.RecordN(now-c.since, answered)
			if alive && c.awaited > 0 {
				continue
			}
			busy--
			switch {
			case !alive:
				r.drop(c)
			case now < stop:
				begin(c)
			}
		}
	}
	return nil
}

// drop gives a failed connection up; the slot stays empty, and the failure is counted.
func (r *run) drop(c *client) {
	r.result.Lost += c.awaited
	unix.Shutdown(c.fd, unix.SHUT_RDWR)
	*c = client{fd: -1}
}

// lose counts everything that is still awaited.
func (r *run) lose(clients []client) {
	for i := range clients {
		r.result.Lost += clients[i].awaited
		clients[i].awaited = 0
	}
}
