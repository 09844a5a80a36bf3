package conformance

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/heddle-go/heddle/httpfw"
)

// Tunnels: after CONNECT or an upgrade the connection is the handler's, from the byte
// behind the head.

// opened is what the handlers of tunnels say when they have the connection.
const opened = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n"

// echoes are the ways to take a connection over: each handler says what is given first,
// and then what it is told. It reads the body of a POST before that.
var echoes = map[string]func(first string) httpfw.Handler{
	"view": func(first string) httpfw.Handler {
		return func(c *httpfw.Ctx) error {
			if err := readBody(c.Method(), c.Body()); err != nil {
				return err
			}
			v, err := c.Hijack()
			if err != nil {
				return err
			}
			io.WriteString(v, first)
			_, err = io.Copy(v, v)
			return err
		}
	},
	"conn": func(first string) httpfw.Handler {
		return func(c *httpfw.Ctx) error {
			if err := readBody(c.Method(), c.Body()); err != nil {
				return err
			}
			conn, err := c.HijackConn()
			if err != nil {
				return err
			}
			go func() {
				io.WriteString(conn, first)
				io.Copy(conn, conn)
				conn.Close()
			}()
			return nil
		}
	},
	"mounted": func(first string) httpfw.Handler {
		return httpfw.FromHTTP(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if err := readBody(r.Method, r.Body); err != nil {
				panic(err)
			}
			conn, rw, err := w.(http.Hijacker).Hijack()
			if err != nil {
				http.Error(w, err.Error(), 500)
				return
			}
			defer conn.Close()
			io.WriteString(conn, first)
			io.Copy(conn, rw)
		}))
	},
}

func readBody(method string, body io.Reader) error {
	if method != "POST" {
		return nil
	}
	_, err := io.Copy(io.Discard, body)
	return err
}

// echo is an app that switches to an echo protocol in every way there is, and upon CONNECT
// in one of them.
func echo(connect string) *httpfw.App {
	a := httpfw.New(httpfw.Config{Logger: quiet})
	a.Get("/behind", func(c *httpfw.Ctx) error { return c.Text(200, "never") })
	a.Get("/before", func(c *httpfw.Ctx) error { return c.Text(200, sawBefore) })
	a.Handle("CONNECT", "/*path", echoes[connect]("HTTP/1.1 200 OK\r\n\r\n"))
	for how, handler := range echoes {
		a.Get("/"+how, handler(opened))
		a.Post("/"+how, handler(opened))
	}
	return a
}

// upgrade makes a request that asks for the echo protocol.
func upgrade(path string) string {
	return "GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n"
}

// goAhead comes before the 101 if both were asked for (RFC 9110 section 7.8).
const goAhead = "HTTP/1.1 100 Continue\r\n\r\n"

// A tunnel is a request that opens one, and the reply.
type tunnel struct{ name, request, reply string }

// connects are tunnels to any app of echo, upgrades to the same.
var connects = []tunnel{
	{"CONNECT", "CONNECT x.example:443 HTTP/1.1\r\nHost: x.example:443\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n"},
	{"CONNECT, IPv6", "CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n"},
}

var upgrades = func() (list []tunnel) {
	for how := range echoes {
		up := upgrade("/" + how)
		with := func(method, field, body string) string {
			return strings.Replace(strings.TrimSuffix(up, "\r\n"), "GET", method, 1) + field + "\r\n\r\n" + body
		}
		list = append(list,
			tunnel{"Upgrade, " + how, up, opened},
			tunnel{"Upgrade behind a body, " + how, with("POST", "Content-Length: 5", "hello"), opened},
			tunnel{"Upgrade behind chunks, " + how, with("POST", "Transfer-Encoding: chunked", "5\r\nhello\r\n0\r\nA: b\r\n\r\n"), opened},
			tunnel{"Upgrade, body not read, " + how, with("GET", "Content-Length: 5", ""), opened},
			tunnel{"Upgrade with an expectation, " + how, with("GET", "Expect: 100-continue", ""), goAhead + opened},
			tunnel{"Upgrade with an expectation nobody met, " + how, with("GET", "Content-Length: 5\r\nExpect: 100-continue", ""), goAhead + opened})
	}
	return list
}()

// Whatever is sent, wherever it is cut, the tunnel carries every byte behind the head, or
// behind a body that was read: a request in it is none.
func TestRFC9110_9_3_6_Tunnel(t *testing.T) {
	const inside = "early\x00\r\n\r\n" + behind + "late"
	for how := range echoes {
		s := listen(t, echo(how))
		tunnels := connects
		if how == "view" {
			tunnels = append(upgrades, connects...)
		}
		for _, w := range tunnels {
			sent := w.request + inside
			for at := range len(sent) {
				p, err := s.dial()
				if err != nil {
					t.Fatal(err)
				}
				if at%2 == 0 {
					err = p.sayBefore(sent[:at])
				} else {
					p.send(sent[:at])
				}
				p.send(sent[at:])
				want := w.reply + inside
				b := make([]byte, len(want))
				n, rerr := io.ReadFull(p.r, b)
				// A client that closed its side earlier would end a wait for the body.
				p.Conn.(interface{ CloseWrite() error }).CloseWrite()
				if end := p.ended(); err != nil || rerr != nil || end != nil || string(b) != want {
					t.Fatalf("%s, CONNECT %s, cut at %d: %v %v %v\ngot:  %q\nwant: %q", w.name, how, at, err, rerr, end, b[:n], want)
				}
				p.Close()
			}
		}
	}
}

// A tunnel has none of the deadlines of HTTP, but those that its user sets.
func TestTunnelDeadlines(t *testing.T) {
	c := httpfw.Config{Logger: quiet, HeaderTimeout: soon, BodyTimeout: soon, IdleTimeout: soon, WriteTimeout: soon}
	a := httpfw.New(c)
	got := make(chan error, 2)
	a.Get("/", func(c *httpfw.Ctx) error {
		v, err := c.Hijack()
		if err != nil {
			return err
		}
		b := make([]byte, 1)
		_, err = v.Read(b)
		got <- err
		v.SetReadDeadline(time.Now().Add(soon))
		_, err = v.Read(b)
		got <- err
		return nil
	})
	p := listen(t, a).connect(t)
	p.send(get(""))
	time.Sleep(3 * soon)
	p.send("x")
	if err := <-got; err != nil {
		t.Error(err)
	}
	if err := <-got; err == nil || !err.(interface{ Timeout() bool }).Timeout() {
		t.Error(err)
	}
	if err := p.ended(); err != nil {
		t.Error(err)
	}
}

// The end of a tunnel: half-closed by either side, or reset.
func TestTunnelEnds(t *testing.T) {
	a := httpfw.New(httpfw.Config{Logger: quiet})
	got := make(chan string, 1)
	a.Get("/", func(c *httpfw.Ctx) error {
		v, err := c.Hijack()
		if err != nil {
			return err
		}
		v.CloseWrite()
		b, err := io.ReadAll(v)
		got <- fmt.Sprintf("%s %v", b, err != nil)
		return nil
	})
	s := listen(t, a)
	p := s.connect(t)
	p.send(get(""))
	if err := p.ended(); err != nil { // the server's half
		t.Fatal(err)
	}
	p.send("still")
	p.Conn.(interface{ CloseWrite() error }).CloseWrite()
	if r := <-got; r != "still false" {
		t.Error(r)
	}
	p = s.connect(t)
	p.send(get("") + "x")
	if err := p.ended(); err != nil {
		t.Fatal(err)
	}
	p.Close() // by a reset
	if r := <-got; r != "x true" && r != " true" {
		t.Error(r)
	}
	s.empty(t, "tunnels")
}

// A connection that was taken over is no longer HTTP's: nothing of the reply is sent.
func TestTunnelIsAllThatIsSent(t *testing.T) {
	a := httpfw.New(httpfw.Config{Logger: quiet})
	a.Get("/", func(c *httpfw.Ctx) error {
		c.SetHeader("X-A", "b")
		c.WriteString("lost")
		v, err := c.Hijack()
		if err != nil {
			return err
		}
		for name, err := range map[string]error{"Flush": c.Flush(), "Write": second(c.Write([]byte("x"))), "Body": second(c.Body().Read(make([]byte, 1))), "Hijack": second(c.Hijack())} {
			if err != httpfw.ErrHijacked {
				t.Errorf("%s: %v", name, err)
			}
		}
		c.Text(200, "lost")
		io.WriteString(v, "tunnel")
		return httpfw.Error(400, "lost")
	})
	a.Get("/panic", func(c *httpfw.Ctx) error {
		v, err := c.Hijack()
		if err != nil {
			return err
		}
		io.WriteString(v, "tunnel")
		panic("lost")
	})
	s := listen(t, a)
	for _, path := range []string{"/", "/panic"} {
		p := s.connect(t)
		p.send("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n")
		if b, err := io.ReadAll(p.r); string(b) != "tunnel" || err != nil && path == "/" {
			t.Errorf("%s: %q %v", path, b, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// After the reply has begun there is nothing to take over, and the connection goes on.
func TestTunnelTooLate(t *testing.T) {
	a := httpfw.New(httpfw.Config{Logger: quiet})
	a.Get("/", func(c *httpfw.Ctx) error {
		c.SetHeader("Content-Length", "4")
		c.WriteString("fi")
		if _, err := c.Hijack(); err != httpfw.ErrReplied {
			t.Error(err)
		}
		if _, err := c.HijackConn(); err != httpfw.ErrReplied {
			t.Error(err)
		}
		c.WriteString("ne")
		return nil
	})
	p := listen(t, a).connect(t)
	for range 2 {
		p.send(get(""))
		if a, err := p.answer("GET"); err != nil || a.body != "fine" {
			t.Error(a, err)
		}
	}
}

// A CONNECT that is refused ends the connection: a client that trusts in its tunnel may
// have sent what somebody else gave it, and that is no request of the client's.
func TestRFC9931_8_ConnectRefused(t *testing.T) {
	refusals := map[string]struct {
		handler httpfw.Handler
		status  int
	}{
		"no route":            {nil, 405},
		"error":               {func(c *httpfw.Ctx) error { return httpfw.Error(403, "no") }, 403},
		"asks for a password": {func(c *httpfw.Ctx) error { c.SetHeader("Proxy-Authenticate", "Basic"); return c.Text(407, "who?") }, 407},
		"moved":               {func(c *httpfw.Ctx) error { return c.Redirect(307, "/") }, 307},
		"written": {func(c *httpfw.Ctx) error {
			c.SetHeader("Content-Length", "2")
			c.SetStatus(502)
			c.WriteString("no")
			return c.Flush()
		}, 502},
		"mounted": {httpfw.FromHTTP(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "2")
			w.WriteHeader(403)
			io.WriteString(w, "no")
		})), 403},
	}
	for name, r := range refusals {
		ran := new(atomic.Int64)
		a := httpfw.New(httpfw.Config{Logger: quiet})
		a.Get("/*path", func(c *httpfw.Ctx) error {
			ran.Add(1)
			return c.Text(200, seen(c.Method(), c.Target(), nil))
		})
		if r.handler != nil {
			a.Handle("CONNECT", "/*path", r.handler)
		}
		s := listen(t, a)
		s.ran = ran
		const connect = "CONNECT x:80 HTTP/1.1\r\nHost: x:80\r\n"
		s.check(t, "RFC 9931 section 8", []vector{
			{name: name, sent: connect + "\r\n", status: r.status},
			{name: name + ", kept alive", sent: connect + "Connection: keep-alive\r\n\r\n", status: r.status},
			{name: name + ", HTTP/1.0", sent: "CONNECT x:80 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", status: r.status},
		})
		// What comes later, when the reply is there, does not take it from the client.
		p := s.connect(t)
		p.send(connect + "\r\n")
		if _, err := p.r.Peek(1); err != nil {
			t.Fatal(err)
		}
		p.send(strings.Repeat(behind, 100))
		if a, err := p.answer("CONNECT"); err != nil || a.status != r.status || !a.close {
			t.Errorf("%s: %v %v", name, a, err)
		}
		if err := p.ended(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A large amount of early bytes is bounded by what the server reads at once.
func TestTunnelEarlyBytes(t *testing.T) {
	inside := strings.Repeat("0123456789abcdef", 64<<10)
	for how := range echoes {
		s := listen(t, echo(how))
		for _, w := range append(upgrades, connects...) {
			p := s.connect(t)
			go func() {
				p.send(w.request + inside)
				p.Conn.(interface{ CloseWrite() error }).CloseWrite()
			}()
			if b, err := io.ReadAll(p.r); err != nil || string(b) != w.reply+inside {
				t.Errorf("%s, CONNECT %s: %d bytes, %v", w.name, how, len(b), err)
			}
			p.Close()
		}
	}
}
