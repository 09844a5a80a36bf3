package httpfw

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/heddle-go/heddle/fiber"
	"github.com/heddle-go/heddle/netpoll"
)

// A client of the simulation: what it sends on its connection is drawn before the run,
// one fiber writes it and another compares what comes back. It reads replies with
// net/http, not with Heddle's own parser.

// simEnd is how a client ends its connection, and so what it may expect.
type simEnd uint8

const (
	simClose     simEnd = iota // it closes when every reply is there
	simLast                    // its last request says Connection: close
	simHalfClose               // it sends FIN behind its last request
	simIdle                    // it waits for the server to close
	simBad                     // something that is no request comes last
	simPanic                   // the handler of its last request panics
	simHead                    // it stops in the middle of a last head
	simBody                    // it stops in the middle of a last body
	simTunnel                  // a tunnel follows its last request, in which it half-closes
	simAbort                   // it resets the connection somewhere in the middle
	simLeave                   // it closes somewhere in the middle
	simEnds
)

// A simRequest is one request and the reply that belongs to it.
type simRequest struct {
	id, method string
	raw        []byte
	status     int
	body       string
	expect     bool // it sends Expect: 100-continue, and its body without waiting
}

// A simClient is one connection.
type simClient struct {
	s        *simulation
	number   int
	rand     *rand.Rand // of the writer
	view     *netpoll.View
	requests []simRequest
	tail     []byte // what it sends behind them
	way      string // of a tunnel
	said     string // in it
	end      simEnd
	fault    netpoll.MemoryFault
	serial   bool                  // it sends a request when the one before is answered
	slow     bool                  // it reads slowly
	heads    []int64               // where the head of each request ends in what it sends
	length   int64                 // of the requests
	sent     int64                 // bytes, with those that a Write still waits with
	answered int                   // whole replies
	replies  *fiber.Chan[struct{}] // one for each reply
	dialing  bool
	raw      []byte // everything that came back
}

// newClient draws a client.
func (s *simulation) newClient(number int) *simClient {
	r := rand.New(rand.NewPCG(s.seed, uint64(number)+1))
	c := &simClient{s: s, number: number, rand: r, end: simEnd(r.IntN(int(simEnds))), serial: r.IntN(4) == 0, slow: r.IntN(4) == 0}
	group := "cut"
	if c.end == simHalfClose || c.end == simTunnel || r.IntN(4) == 0 {
		group = "keep"
	}
	n := 1 + r.IntN(6)
	for i := range n {
		size := r.IntN(300)
		if r.IntN(12) == 0 {
			size = r.IntN(100 << 10)
		}
		kind := simKinds[r.IntN(len(simKinds))]
		c.add(c.draw(group, fmt.Sprintf("%d.%d", number, i), kind, size, c.end == simLast && i == n-1))
	}
	switch c.end {
	case simBad:
		c.tail = []byte("GET / HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\nand the rest")
	case simPanic:
		c.tail = fmt.Appendf(nil, "GET /panic/%d.p HTTP/1.1\r\nHost: x\r\n\r\n", number)
	case simHead:
		c.tail = []byte("GET /cut/x/plain HTTP/1.1\r\nHos")
	case simBody:
		c.tail = fmt.Appendf(nil, "POST /cut/%d.b/echo HTTP/1.1\r\nHost: x\r\nX-Id: %[1]d.b\r\nContent-Length: 100\r\n\r\nabc", number)
	case simTunnel:
		c.tail = c.drawTunnel()
	}
	at := c.length + int64(len(c.tail))
	if k := r.IntN(20); k < 8 {
		where := 1 + r.Int64N(at+100)
		if k%2 == 1 { // towards the client
			where = 1 + r.Int64N(1+int64(n)*300)
		}
		c.fault = [...]netpoll.MemoryFault{{ResetUp: where}, {ResetDown: where}, {ResetUp: where}, {ResetDown: where},
			{VanishUp: where}, {VanishDown: where}, {ResetUp: where}, {ResetDown: where}}[k]
	}
	return c.ready()
}

// add puts a request behind those there are.
func (c *simClient) add(q simRequest) {
	c.heads = append(c.heads, c.length+int64(bytes.Index(q.raw, []byte("\r\n\r\n"))+4))
	c.length += int64(len(q.raw))
	c.requests = append(c.requests, q)
}

// ready returns c with what it needs to run.
func (c *simClient) ready() *simClient {
	c.replies = fiber.NewChan[struct{}](len(c.requests))
	return c
}

// draw makes a request of a kind, with a reply of size bytes if it is not that of a body.
func (c *simClient) draw(group, id, kind string, size int, last bool) simRequest {
	r := c.rand
	q := simRequest{id: id, method: "GET", status: 200}
	body := ""
	if readsBody := kind == "echo" || kind == "late" || kind == "duplex"; readsBody || kind == "ignore" && r.IntN(2) == 0 {
		q.method = "POST"
		if body = simText("b"+id, 1+r.IntN(2*min(size, 250)+20)); readsBody && r.IntN(10) == 0 {
			body = simText("b"+id, 1+r.IntN(40<<10))
		}
	}
	switch {
	case kind == "empty":
		q.status = 204
	case q.method == "POST" && kind != "ignore":
		q.body = body
	default:
		q.body = simText(id, size)
	}
	if q.method == "GET" && r.IntN(8) == 0 {
		q.method = "HEAD"
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s /%s/%s/%s?size=%d&ms=%d HTTP/1.1\r\nHost: sim\r\nX-Id: %s\r\n", q.method, group, id, kind, size, r.IntN(200), id)
	if last {
		b.WriteString("Connection: close\r\n")
	}
	switch {
	case body == "":
		b.WriteString("\r\n")
	case r.IntN(2) == 0:
		if q.expect = kind != "ignore" && r.IntN(4) == 0; q.expect {
			b.WriteString("Expect: 100-continue\r\n")
		}
		fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(body), body)
	default:
		b.WriteString("Transfer-Encoding: chunked\r\n\r\n")
		for rest := body; len(rest) > 0; {
			n := 1 + r.IntN(len(rest))
			fmt.Fprintf(&b, "%x%s\r\n%s\r\n", n, []string{"", ";a=b"}[r.IntN(2)], rest[:n])
			rest = rest[n:]
		}
		b.WriteString([]string{"0\r\n\r\n", "0\r\nX-Trailer: a\r\n\r\n"}[r.IntN(2)])
	}
	q.raw = b.Bytes()
	return q
}

// whole reports whether nothing happens to the connection that may cost a reply.
func (c *simClient) whole() bool {
	return !c.s.tight && c.fault == (netpoll.MemoryFault{}) && c.end != simAbort && c.end != simLeave && c.way != "cut" && c.way != "left"
}

// run is the client from its dialing to the close of its connection.
func (c *simClient) run(f *fiber.Fiber) {
	f.Sleep(time.Duration(c.rand.IntN(300)) * time.Millisecond)
	c.dialing = true // the network asks for its fault at once
	view, err := netpoll.Dial(f, "tcp", simAddress)
	if err != nil {
		c.s.problem("client %d: %v", c.number, err)
		return
	}
	c.view = view
	c.s.addrs[view.LocalAddr().String()] = fmt.Sprint(c.number)
	writers := fiber.NewGroup(f)
	writers.Go(func(f *fiber.Fiber) error { c.write(f); return nil })
	// Nothing here takes a day unless it would take for ever.
	err = f.WithTimeout(24*time.Hour, func() error { return c.read(f) })
	c.judge(err)
	if c.end == simAbort {
		view.Abort()
	} else {
		view.Conn().As(f).Close()
	}
	writers.Cancel(errSimOver)
	writers.Wait(f)
}

var errSimOver = errors.New("the client is done")

// write sends the requests in pieces, with pauses.
func (c *simClient) write(f *fiber.Fiber) {
	w := c.view.Conn().As(f)
	stop := int64(-1)
	if c.end == simAbort || c.end == simLeave {
		stop = c.rand.Int64N(c.heads[len(c.heads)-1] + 1)
	}
	send := func(p []byte) bool {
		for len(p) > 0 {
			n := len(p)
			if c.rand.IntN(2) == 0 {
				n = 1 + c.rand.IntN(n)
			}
			if stop >= 0 {
				if n = int(min(int64(n), stop-c.sent)); n == 0 {
					return false
				}
			}
			c.sent += int64(n)
			_, err := w.Write(p[:n])
			if err != nil || c.rand.IntN(4) == 0 && f.Sleep(time.Duration(c.rand.IntN(50))*time.Millisecond) != nil {
				return false
			}
			p = p[n:]
		}
		return true
	}
	for i := range c.requests {
		if !send(c.requests[i].raw) {
			break
		}
		if c.serial {
			if _, err := c.replies.Recv(f); err != nil {
				return
			}
		}
	}
	switch {
	case stop >= 0:
		if c.end == simAbort {
			w.Abort()
		} else {
			w.CloseWrite()
		}
	case send(c.tail) && (c.end == simHalfClose || c.end == simTunnel):
		w.CloseWrite()
	}
}

// Read is the connection as net/http reads it, slowly if that is the client's way.
func (c *simClient) Read(p []byte) (int, error) {
	if c.slow {
		if err := c.view.Fiber().Sleep(time.Duration(len(c.raw)%30) * time.Millisecond); err != nil {
			return 0, err
		}
		p = p[:min(len(p), 600)]
	}
	n, err := c.view.Read(p)
	c.raw = append(c.raw, p[:n]...)
	return n, err
}

// read compares replies with what belongs to the requests until they are all there, or
// the connection ends. The error is why it ended before.
func (c *simClient) read(f *fiber.Fiber) error {
	br := bufio.NewReader(c)
	for i := range c.requests {
		q := &c.requests[i]
		from := len(c.raw) - br.Buffered()
		resp, err := readFinal(br, q.method)
		if err != nil {
			return c.cut(from, q, err)
		}
		body, err := io.ReadAll(resp.Body)
		if own := resp.StatusCode == 400 || resp.StatusCode == 408; own && resp.Close && !c.whole() {
			return fmt.Errorf("the server gave up: %s", resp.Status)
		}
		switch {
		case resp.Header.Get("X-Id") != q.id:
			c.s.problem("request %s got the reply of %q: %s", q.id, resp.Header.Get("X-Id"), resp.Status)
		case resp.StatusCode != q.status:
			c.s.problem("request %s got status %s", q.id, resp.Status)
		case !strings.HasPrefix(q.body, string(body)):
			c.s.problem("request %s got another body: %d bytes of %d", q.id, len(body), len(q.body))
		case err == nil && q.method != "HEAD" && len(body) != len(q.body):
			c.s.problem("request %s: a reply of %d bytes of %d looked whole", q.id, len(body), len(q.body))
		}
		if err != nil {
			return fmt.Errorf("in a body: %w", err)
		}
		c.answered++
		c.replies.TrySend(struct{}{})
	}
	return c.after(br)
}

// readFinal reads the head of the reply that is no interim one.
func readFinal(br *bufio.Reader, method string) (*http.Response, error) {
	for {
		resp, err := http.ReadResponse(br, &http.Request{Method: method})
		if err != nil || resp.StatusCode >= 200 {
			return resp, err
		}
	}
}

// cut checks that what came of a head before the connection ended began as that
// request's reply does. An error reply of the server's own has no X-Id.
func (c *simClient) cut(from int, q *simRequest, err error) error {
	rest := string(c.raw[from:])
	rest = strings.TrimPrefix(rest, "HTTP/1.1 100 Continue\r\n\r\n")
	if n := len("HTTP/1.1 "); rest[:min(n, len(rest))] != "HTTP/1.1 "[:min(n, len(rest))] {
		c.s.problem("request %s: the reply begins with %.60q", q.id, rest)
	}
	if _, after, ok := strings.Cut(rest, "\r\nX-Id: "); ok {
		id, _, whole := strings.Cut(after, "\r\n")
		if whole && id != q.id || !strings.HasPrefix(q.id+"\r", id) {
			c.s.problem("request %s got the start of the reply of %q", q.id, id)
		}
	}
	return fmt.Errorf("in a head, %q: %w", rest[:min(len(rest), 300)], err)
}

// after reads what comes behind the last reply: nothing, or the server's last words.
func (c *simClient) after(br *bufio.Reader) error {
	want := map[simEnd]int{simBad: 400, simPanic: 500, simHead: 408, simBody: 408}[c.end]
	if c.end == simClose || c.end == simAbort || c.end == simLeave {
		return nil
	}
	if c.end == simTunnel {
		return c.tunnel(br)
	}
	if want != 0 {
		resp, err := readFinal(br, "GET")
		if err != nil {
			return fmt.Errorf("before the last words: %w", err)
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			return fmt.Errorf("in the last words: %w", err)
		}
		if (resp.StatusCode != want || !resp.Close) && !(!c.whole() && resp.StatusCode == 408) {
			c.s.problem("client %d: the last words are %s, close %t; want %d", c.number, resp.Status, resp.Close, want)
		}
	}
	b, err := io.ReadAll(br)
	if len(b) > 0 {
		c.s.problem("client %d: %.60q behind the last reply", c.number, b)
	}
	return err
}

// judge says whether the connection may have ended as it did.
func (c *simClient) judge(err error) {
	switch vanished := c.fault.VanishDown > 0 || c.fault.VanishUp > 0; {
	case err != nil && c.whole():
		c.s.problem("client %d lost the reply to request %d: %v", c.number, c.answered, err)
	case errors.Is(err, fiber.ErrTimeout) && !vanished:
		c.s.problem("client %d waited for a day: %v", c.number, err)
	}
	// A head that was cut off on its way was never executed.
	for i, end := range c.heads {
		cut := c.fault.ResetUp
		if c.fault.VanishUp > 0 {
			cut = c.fault.VanishUp
		}
		if n := c.s.ran[c.requests[i].id]; n > 0 && (cut > 0 && end >= cut || end > c.sent) {
			c.s.problem("request %s was executed before its head had arrived", c.requests[i].id)
		}
	}
	for i := range c.answered {
		if n := c.s.ran[c.requests[i].id]; n != 1 {
			c.s.problem("request %s was answered and executed %d times", c.requests[i].id, n)
		}
	}
}

// String is the client without its bytes, for messages.
func (c *simClient) String() string {
	s := fmt.Sprintf("client %d: end %d%s, fault %+v, serial %t, slow %t; sent %d, got %d, answered %d of %d",
		c.number, c.end, c.way, c.fault, c.serial, c.slow, c.sent, len(c.raw), c.answered, len(c.requests))
	for _, q := range c.requests {
		line, _, _ := bytes.Cut(q.raw, []byte("\r\n"))
		s += fmt.Sprintf("\n  %s, %d bytes, for %d", line, len(q.raw), len(q.body))
	}
	return s
}
