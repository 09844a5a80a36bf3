package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/heddle-go/heddle/bench/load"
	"github.com/heddle-go/heddle/fiber"
	"github.com/heddle-go/heddle/netpoll"
)

// The good clients: each a fiber with a connection that it keeps, on which it sends a
// request at fixed times and checks every byte of the reply's body. A few more use a new
// connection for each request; they are counted, but their latency is that of the
// backlog and judged by nobody.

const (
	goodClients = 40
	goodRate    = 1000            // requests a second, of all together
	goodTime    = 5 * time.Second // a reply that takes longer is lost
	freshEvery  = 50 * time.Millisecond
)

type goodSpec struct {
	Addr    string
	Clients int
	Rate    int
	Fresh   bool // also clients with new connections
}

// A goodResult is what the good clients saw since the last one.
type goodResult struct {
	Requests, Lost int
	Windows        []window // of a second each
	FirstLoss      string
}

// A window is one second.
type window struct{ P50, P99, Max time.Duration }

// crowd is all good clients. Its loop only.
type crowd struct {
	spec   goodSpec
	result goodResult
	now    load.Histogram
	number int
}

func good(specification []byte) error {
	cr := &crowd{}
	if err := json.Unmarshal(specification, &cr.spec); err != nil {
		return err
	}
	rt, err := newClients()
	if err != nil {
		return err
	}
	l := rt.Loops()[0]
	interval := time.Second * time.Duration(cr.spec.Clients) / time.Duration(cr.spec.Rate)
	for i := range cr.spec.Clients {
		l.Go(func(f *fiber.Fiber) { cr.client(f, interval, interval*time.Duration(i)/time.Duration(cr.spec.Clients)) })
	}
	if cr.spec.Fresh {
		l.Go(cr.fresh)
	}
	l.Go(func(f *fiber.Fiber) {
		for f.Sleep(time.Second) == nil {
			cr.roll()
		}
	})
	rt.Start()
	return obey(func(word string) (any, error) {
		if word != "cut" {
			return nil, errWord
		}
		cut := make(chan goodResult)
		if err := l.Post(func() {
			if len(cr.result.Windows) == 0 {
				cr.roll()
			}
			r := cr.result
			cr.result = goodResult{}
			cr.now.Reset()
			go func() { cut <- r }()
		}); err != nil {
			return nil, err
		}
		return <-cut, nil
	})
}

// newClients makes a runtime of one loop for clients.
func newClients() (*fiber.Runtime, error) {
	return fiber.New(fiber.Config{Loops: 1, StallAfter: -1, NewPoller: netpoll.NewEngine})
}

// roll ends a window.
func (cr *crowd) roll() {
	h := &cr.now
	if h.Count() > 0 {
		cr.result.Windows = append(cr.result.Windows, window{h.Quantile(0.5), h.Quantile(0.99), h.Max()})
	}
	h.Reset()
}

// client sends a request at each of its times. One that is late because the reply
// before it was is measured from when it was due.
func (cr *crowd) client(f *fiber.Fiber, interval, first time.Duration) {
	due := time.Now().Add(first)
	var v *netpoll.View
	for {
		begun := due
		if wait := time.Until(due); wait > 0 {
			if f.Sleep(wait) != nil {
				return
			}
			begun = time.Now()
		}
		due = due.Add(interval)
		err := f.WithTimeout(goodTime, func() (err error) {
			if v == nil {
				if v, err = netpoll.Dial(f, "tcp", cr.spec.Addr); err != nil {
					return err
				}
			}
			return cr.request(v, false)
		})
		cr.count(err)
		if err != nil {
			if v != nil {
				v.Abort()
				v = nil
			}
			continue
		}
		cr.now.Record(time.Since(begun))
	}
}

// fresh makes a connection for each request.
func (cr *crowd) fresh(f *fiber.Fiber) {
	for f.Sleep(freshEvery) == nil {
		cr.count(f.WithTimeout(goodTime, func() error {
			v, err := netpoll.Dial(f, "tcp", cr.spec.Addr)
			if err != nil {
				return err
			}
			defer v.Abort()
			return cr.request(v, true)
		}))
	}
}

func (cr *crowd) count(err error) {
	cr.result.Requests++
	if err == nil {
		return
	}
	cr.result.Lost++
	if cr.result.FirstLoss == "" {
		cr.result.FirstLoss = err.Error()
	}
}

// request sends one request and checks its reply: three in four without a body.
func (cr *crowd) request(v *netpoll.View, last bool) error {
	cr.number++
	body := fmt.Sprintf("good-%d", cr.number)
	line := "GET /id/" + body + " HTTP/1.1\r\nHost: good\r\n"
	content := ""
	if cr.number%4 == 0 {
		body = strings.Repeat(body+";", 50)
		line = "POST /echo HTTP/1.1\r\nHost: good\r\n" + fmt.Sprintf("Content-Length: %d\r\n", len(body))
		content = body
	}
	if last {
		line += "Connection: close\r\n"
	}
	if _, err := v.Write([]byte(line + "\r\n" + content)); err != nil {
		return err
	}
	r, got, err := readReply(v)
	if err != nil {
		return err
	}
	if r.Status != 200 || got != body {
		return fmt.Errorf("status %d with %.40q instead of %.40q", r.Status, got, body)
	}
	return nil
}

// readReply reads one reply of a Content-Length.
func readReply(v *netpoll.View) (load.Response, string, error) {
	for {
		b, err := v.Receive()
		if err != nil {
			return load.Response{}, "", err
		}
		r, err := load.Scan(b)
		if err != nil {
			return r, "", err
		}
		if r.Size > 0 {
			body := string(b[r.Size-r.Body : r.Size])
			v.Consume(r.Size)
			return r, body, nil
		}
	}
}
