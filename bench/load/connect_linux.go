package load

import (
	"time"

	"golang.org/x/sys/unix"
)

// connect loads with a new connection for each request, Connections at a time:
// connect, write "Connection: close", read the response, see the server's end,
// close. The server closes first, so it is the one that keeps TIME_WAIT, and
// this side's ports are free again at once; a port that comes round finds its
// old TIME_WAIT and replaces it. So all rounds can come from one address.
//
// The kernel does both ends of the handshake of a loopback connection in the system call
// of the client. So here the load generator is the busier of the two, and the
// server's CPU time is what tells servers apart, not the rate.
func (r *run) connect() error {
	r.request = request(r.spec.Path, r.spec.Addr, true, 1)
	clients := make([]client, r.spec.Connections)
	for i := range clients {
		clients[i].fd = -1
	}
	defer func() {
		for i := range clients {
			if clients[i].fd >= 0 {
				unix.Close(clients[i].fd)
			}
		}
	}()
	return r.measure(func(window time.Duration) error { return r.driveConnect(clients, window) })
}

func (r *run) driveConnect(clients []client, window time.Duration) error {
	now := r.now()
	stop := now + window
	busy := 0
	begin := func(slot int) {
		clients[slot] = client{fd: -1, since: now, part: clients[slot].part[:0]}
		if r.start(&clients[slot], slot) {
			busy++
		}
	}
	whole := func(response Response) {
		if response.Status != 200 {
			r.result.Bad++
		}
		r.result.Bytes += int64(response.Body)
	}
	for slot := range clients {
		begin(slot)
	}
	for busy > 0 {
		events, err := r.poller.wait(stop + r.spec.Grace - now)
		if err != nil {
			return err
		}
		now = r.now()
		if len(events) == 0 && now >= stop+r.spec.Grace {
			r.result.Lost += busy
			return nil
		}
		for _, event := range events {
			slot := int(event.Fd)
			c := &clients[slot]
			if c.fd < 0 {
				continue
			}
			ended := event.Events&unix.EPOLLRDHUP != 0
			alive := len(c.sending) == 0 || event.Events&unix.EPOLLOUT == 0 || r.flush(c, c.sending)
			if alive && c.awaited > 0 && event.Events&(unix.EPOLLIN|unix.EPOLLERR|unix.EPOLLHUP) != 0 {
				alive = r.receive(c, ended, whole)
			}
			if alive && (c.awaited > 0 || !ended) {
				continue
			}
			now = r.now()
			busy--
			unix.Close(c.fd)
			c.fd = -1
			if alive {
				r.result.Requests++
				r.latency.Record(now - c.since)
			} else {
				r.result.Lost++
			}
			if now < stop {
				begin(slot)
			}
		}
	}
	return nil
}

// start opens one connection and writes its request. On loopback the handshake
// is done when connect returns, although it says "in progress", so the first
// write succeeds; elsewhere it would wait for its event.
func (r *run) start(c *client, slot int) bool {
	fd, err := open(0)
	if err != nil {
		r.fail("%v", err)
		return false
	}
	if err := unix.Connect(fd, r.to); err != nil && err != unix.EINPROGRESS {
		unix.Close(fd)
		r.fail("connect: %v", err)
		return false
	}
	c.fd = fd
	if !r.send(c, r.request, 1) {
		unix.Close(fd)
		c.fd = -1
		return false
	}
	events := uint32(unix.EPOLLIN)
	if len(c.sending) > 0 {
		events |= unix.EPOLLOUT
	}
	if err := r.poller.add(fd, slot, events); err != nil {
		unix.Close(fd)
		c.fd = -1
		r.fail("%v", err)
		return false
	}
	return true
}
