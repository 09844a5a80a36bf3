package load

import (
	"time"

	"golang.org/x/sys/unix"
)

// stall sends Path at a fixed rate, an open loop: the k-th request is due at
// k/RatePerSecond whatever became of those before, and its latency is counted from then
// even if no connection was free to send it. Meanwhile BlockConnections others
// call BlockPath, each again as soon as it is answered. It spins instead of
// waiting: a timer of epoll is a millisecond coarse.
func (r *run) stall() error {
	s := &stallRun{
		run:     r,
		request: request(r.spec.Path, r.spec.Addr, false, 1),
		block:   request(r.spec.BlockPath, r.spec.Addr, false, 1),
		clients: make([]client, r.spec.Connections+r.spec.BlockConnections),
	}
	for i := range s.clients {
		fd, err := dial(r.to, i)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		s.clients[i].fd = fd
		if err := r.poller.add(fd, i, unix.EPOLLIN); err != nil {
			return err
		}
		if i < r.spec.Connections {
			s.free = append(s.free, i)
		}
	}
	blocking := r.spec.WarmUp == 0 // not while warming up
	return r.measure(func(window time.Duration) error {
		err := s.drive(window, blocking)
		blocking = true
		return err
	})
}

// stallRun is a run of the mode Stall.
type stallRun struct {
	*run
	request, block []byte
	clients        []client // first those of Path, then those of BlockPath
	free           []int    // of Path: nothing in flight
	start          time.Duration
	next           int // index of the next request of Path to be sent
	answered       int // of Path
	blocked        int // calls of BlockPath in flight
	lastBlock      time.Duration
}

// due is when the k-th request should be sent.
func (s *stallRun) due(k int) time.Duration {
	return s.start + time.Duration(float64(k)*float64(time.Second)/float64(s.spec.RatePerSecond))
}

func (s *stallRun) drive(window time.Duration, blocking bool) error {
	s.start, s.next, s.answered, s.blocked = s.now(), 0, 0, 0
	total := int(window.Seconds() * float64(s.spec.RatePerSecond))
	stop := s.start + window
	giveUp := stop + s.spec.Grace
	s.lastBlock = s.start
	if blocking {
		giveUp += s.spec.BlockTime
		for i := s.spec.Connections; i < len(s.clients); i++ {
			s.call(i)
		}
	}
	now := s.now()
	for now < giveUp && (now < stop || s.blocked > 0 || s.next-s.answered > 0 || s.next < total) {
		for s.next < total && len(s.free) > 0 && s.due(s.next) <= now {
			s.sendDue()
		}
		events, err := s.poller.wait(0)
		if err != nil {
			return err
		}
		for _, event := range events {
			s.handle(event, stop)
		}
		now = s.now()
	}
	s.abandon(total, now)
	s.result.Requests = s.answered
	s.result.Lost = total - s.answered + s.blocked
	if blocking {
		// Calls still in flight have had until now.
		end := s.lastBlock
		if s.blocked > 0 {
			end = now
		}
		s.result.BlockIdeal = float64(s.spec.BlockConnections) * float64(end-s.start) / float64(s.spec.BlockTime)
	}
	return nil
}

// sendDue sends the next request on a free connection.
func (s *stallRun) sendDue() {
	slot := s.free[len(s.free)-1]
	s.free = s.free[:len(s.free)-1]
	c := &s.clients[slot]
	c.since = s.due(s.next)
	s.next++
	if !s.send(c, s.request, 1) || len(c.sending) > 0 {
		c.fd = -1 // counted as lost in the end; the slot stays unused
	}
}

// call starts one call of BlockPath.
func (s *stallRun) call(slot int) {
	c := &s.clients[slot]
	if !s.send(c, s.block, 1) || len(c.sending) > 0 {
		c.fd = -1
		return
	}
	s.blocked++
}

func (s *stallRun) handle(event unix.EpollEvent, stop time.Duration) {
	slot := int(event.Fd)
	c := &s.clients[slot]
	if c.fd < 0 || c.awaited == 0 {
		return
	}
	bad := false
	alive := s.receive(c, event.Events&unix.EPOLLRDHUP != 0, func(response Response) {
		bad = response.Status != 200
		s.result.Bytes += int64(response.Body)
	})
	if bad {
		s.result.Bad++
	}
	if !alive {
		c.fd = -1
		return
	}
	if c.awaited > 0 {
		return
	}
	now := s.now()
	if slot >= s.spec.Connections {
		s.blocked--
		s.result.Blocked++
		s.lastBlock = now
		if now < stop {
			s.call(slot)
		}
		return
	}
	s.answered++
	s.free = append(s.free, slot)
	s.record(c.since, now)
}

// record counts the latency of a request of Path.
func (s *stallRun) record(due, now time.Duration) {
	if due-s.start < s.spec.Settle {
		s.first.Record(now - due)
	} else {
		s.latency.Record(now - due)
	}
}

// abandon counts requests without an answer as having taken until now: leaving
// them out would flatter a server that answers nothing.
func (s *stallRun) abandon(total int, now time.Duration) {
	for i := range s.clients[:s.spec.Connections] {
		if c := &s.clients[i]; c.awaited > 0 {
			s.record(c.since, now)
		}
	}
	for ; s.next < total; s.next++ {
		s.record(s.due(s.next), now)
	}
}
