package conformance

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A peer is a client's connection. It does not wait for its own segments, so that each
// write is one.
type peer struct {
	net.Conn
	r *bufio.Reader
}

func (s *target) dial() (*peer, error) {
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		return nil, err
	}
	return newPeer(c), nil
}

func newPeer(c net.Conn) *peer {
	c.SetDeadline(time.Now().Add(patience))
	// Thousands of connections: none may leave its port behind.
	c.(*net.TCPConn).SetLinger(0)
	return &peer{c, bufio.NewReaderSize(c, 1<<10)}
}

// connect is dial for tests with few connections.
func (s *target) connect(t testing.TB) *peer {
	t.Helper()
	p, err := s.dial()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// send sends what it can: a server that has refused the first half need not take the
// second.
func (p *peer) send(s string) { io.WriteString(p, s) }

// An answer is a reply as a client sees it.
type answer struct {
	status  int
	close   bool   // announced
	head    string // status line and fields
	body    string
	interim []int // statuses of 1xx replies before it
}

// answer reads the reply to a request with that method.
func (p *peer) answer(method string) (a answer, err error) {
	for {
		var head strings.Builder
		length := 0
		for first := true; ; first = false {
			line, err := p.r.ReadString('\n')
			head.WriteString(line)
			if err != nil {
				return answer{}, fmt.Errorf("after %q: %w", head.String(), err)
			}
			line, crlf := strings.CutSuffix(line, "\r\n")
			if !crlf || first && !strings.HasPrefix(line, "HTTP/1.1 ") {
				return answer{}, fmt.Errorf("no reply: %q", head.String())
			}
			if line == "" {
				break
			}
			if name, value, ok := strings.Cut(line, ": "); ok {
				switch name {
				case "Content-Length":
					length, err = strconv.Atoi(value)
				case "Connection":
					a.close = value == "close"
				case "Transfer-Encoding":
					length = -1
				}
			} else if first {
				a.status, err = strconv.Atoi(line[9:12])
			}
			if err != nil {
				return answer{}, fmt.Errorf("%q: %w", line, err)
			}
		}
		a.head = head.String()
		if a.status < 200 && a.status != 101 {
			a.interim = append(a.interim, a.status)
			continue
		}
		if method == "HEAD" || a.status == 204 || a.status == 304 || a.status == 101 || method == "CONNECT" && a.status == 200 && length == 0 {
			return a, nil
		}
		if length < 0 {
			return a, errors.New("a reply in chunks, which answer does not read")
		}
		body := make([]byte, length)
		n, err := io.ReadFull(p.r, body)
		a.body = string(body[:n])
		return a, err
	}
}

// ended reads to the end of the connection, which must come in order and at once.
func (p *peer) ended() error {
	b, err := io.ReadAll(p.r)
	if err != nil {
		return fmt.Errorf("the connection does not end in order: %w", err)
	}
	if len(b) > 0 {
		return fmt.Errorf("more than one reply: %q", b)
	}
	return nil
}
