package conformance

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/heddle-go/heddle/httpfw"
)

// What a handler may do to a reply. No mistake of its own, and nothing that a client made
// it say, moves the end of a reply.

// raw sends one request that ends the connection and returns every byte that comes back.
func (s *target) raw(t *testing.T, method, path string) (head, body string, err error) {
	t.Helper()
	p := s.connect(t)
	host := "x"
	target := path
	if method == "CONNECT" {
		target, host = path[1:]+":80", path[1:]+":80"
	}
	p.send(method + " " + target + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n")
	b, err := io.ReadAll(p.r)
	head, body, _ = strings.Cut(string(b), "\r\n\r\n")
	return head, body, err
}

// evil is a value that would be two more fields and a reply of its own.
const evil = "a\r\nX-Evil: b\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"

func TestRFC9110_5_5_ReplyFields(t *testing.T) {
	// Native: what may not be sent is an error, and nothing of it is sent.
	a := httpfw.New(httpfw.Config{Logger: quiet, ServerName: "a\r\nX-Evil: b"})
	a.Get("/", func(c *httpfw.Ctx) error {
		for _, bad := range []string{evil, "a\rb", "a\nb", "a\x00b", "a\x7fb", "\r\n", "a\r\n b"} {
			for what, err := range map[string]error{
				"SetHeader":      c.SetHeader("X-A", bad),
				"AddHeader":      c.AddHeader("X-A", bad),
				"name":           c.SetHeader("X-A"+bad, "v"),
				"Content-Type":   c.SetHeader("Content-Type", bad),
				"Content-Length": c.SetHeader("Content-Length", "5"+bad),
				"Connection":     c.SetHeader("Connection", "close"+bad),
				"Redirect":       c.Redirect(302, "/"+bad),
				"Bytes":          c.Bytes(200, "text/plain"+bad, nil),
				"Stream":         c.Stream(200, "text/plain"+bad, strings.NewReader("")),
				"cookie name":    c.SetCookie(&http.Cookie{Name: "a" + bad, Value: "v"}),
				"cookie value":   c.SetCookie(&http.Cookie{Name: "a", Value: "v" + bad}),
				"cookie path":    c.SetCookie(&http.Cookie{Name: "a", Value: "v", Path: "/" + bad}),
			} {
				if err == nil {
					return fmt.Errorf("%s took %q", what, bad)
				}
			}
		}
		for _, name := range []string{"Transfer-Encoding", "transfer-encoding", "Date", "Keep-Alive", "", "a b", "a:", "a\x80"} {
			if c.SetHeader(name, "chunked") == nil {
				return fmt.Errorf("the field name %q was taken", name)
			}
		}
		// Runes whose low byte is that of CR or LF are what they are.
		if err := c.SetHeader("X-Runes", "a\u010d\u010aX-Evil: b"); err != nil {
			return err
		}
		return c.Text(200, "fine")
	})
	head, body, err := listen(t, a).raw(t, "GET", "/")
	if body != "fine" || err != nil || strings.Contains(head, "\nX-Evil") || strings.Contains(head, "X-A") || !strings.Contains(head, "X-Runes: a\u010d\u010aX-Evil: b\r\n") {
		t.Errorf("%q %q %v", head, body, err)
	}

	// Mounted: net/http's interface has no room for an error, so control bytes become
	// blanks, as there; and what frames the reply is not the handler's to say.
	m := httpfw.New(httpfw.Config{Logger: quiet})
	m.Mount("/", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-A", evil)
		h.Set("X-Nul", "a\x00b")
		h.Set("X-Runes", "a\u010d\u010aX-Evil: b")
		h.Set("X-B\r\nX-Evil", "v")
		h.Set("Content-Type", evil)
		h.Set("Trailer", "X-T, X-T2\r\nX-Evil")
		h.Set("Transfer-Encoding", "gzip, chunked")
		h.Set("Date", evil)
		h.Set("Connection", "close, X-A\r\nX-Evil: b")
		io.WriteString(w, "fine")
		h.Set("X-T", evil)
		h.Set("Content-Length", "1")
		h.Set(http.TrailerPrefix+"Content-Length", "1")
		h.Set(http.TrailerPrefix+"X-E\r\nX-Evil", "b")
	}))
	p := listen(t, m).connect(t)
	p.send(get(""))
	resp, err := http.ReadResponse(p.r, nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(resp.Body)
	if string(b) != "fine" || err != nil || resp.Header.Get("X-Evil") != "" || resp.Trailer.Get("X-Evil") != "" || resp.Trailer.Get("Content-Length") != "" || len(resp.TransferEncoding) != 1 {
		t.Errorf("%q %v %v %v %v", b, err, resp.Header, resp.Trailer, resp.TransferEncoding)
	}
	if v := resp.Header.Get("X-Nul"); v != "a b" {
		t.Errorf("%q", v)
	}
	if err := p.ended(); err != nil {
		t.Error(err)
	}
}

// A reply that is not as long as its Content-Length says is cut, so that nobody takes it
// for whole, and nothing follows it.
func TestRFC9110_8_6_ReplyLength(t *testing.T) {
	for name, write := range map[string]struct {
		announced string
		pieces    []string
		flush     bool
	}{
		"short": {"5", []string{"hell"}, false}, "short, flushed": {"5", []string{"he", "ll"}, true}, "none": {"5", nil, false},
		"long": {"5", []string{"hello!"}, false}, "long, flushed": {"5", []string{"hello", "!"}, true}, "zero": {"0", []string{"x"}, false},
	} {
		a := httpfw.New(httpfw.Config{Logger: quiet})
		a.Get("/", func(c *httpfw.Ctx) error {
			c.SetHeader("Content-Length", write.announced)
			for _, s := range write.pieces {
				c.WriteString(s)
				if write.flush {
					c.Flush()
				}
			}
			return nil
		})
		m := httpfw.New(httpfw.Config{Logger: quiet})
		m.Mount("/", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", write.announced)
			for _, s := range write.pieces {
				io.WriteString(w, s)
				if write.flush {
					w.(http.Flusher).Flush()
				}
			}
		}))
		for how, app := range map[string]*httpfw.App{"native": a, "mounted": m} {
			p := listen(t, app).connect(t)
			p.send(get("") + behind)
			resp, err := http.ReadResponse(p.r, nil)
			if err != nil {
				continue // cut before its head
			}
			b, err := io.ReadAll(resp.Body)
			// What fits is whole if it was sent before the rest was written, and if a
			// handler of net/http's does not look at the error of Write.
			fits := name == "long, flushed" || how == "mounted" && strings.HasPrefix(name, "long") || how == "mounted" && name == "zero"
			if whole := len(b) == int(resp.ContentLength) && err == nil; whole && !fits {
				t.Errorf("%s, %s: %q looks whole", how, name, b)
			} else if whole && how == "mounted" {
				continue // the reply is right, and so the connection goes on
			}
			if rest, _ := io.ReadAll(p.r); len(rest) > 0 {
				t.Errorf("%s, %s: behind it: %q", how, name, rest)
			}
		}
	}
}

// No body where none may be, whatever the handler writes.
func TestRFC9110_6_4_1_NoBody(t *testing.T) {
	statuses := []int{204, 205, 304}
	a := httpfw.New(httpfw.Config{Logger: quiet})
	for _, method := range []string{"GET", "CONNECT"} {
		for _, flush := range []bool{false, true} {
			for _, status := range append(statuses, 200) {
				path := fmt.Sprintf("/%d-%v", status, flush)
				if method == "CONNECT" {
					path = "/"
				}
				h := func(c *httpfw.Ctx) error {
					c.SetStatus(status)
					c.WriteString("body")
					if flush {
						c.Flush()
					}
					return nil
				}
				if method == "GET" || status == 200 && flush {
					a.Handle(method, path, h)
				}
			}
		}
	}
	m := httpfw.New(httpfw.Config{Logger: quiet})
	m.Mount("/", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status := 200
		fmt.Sscanf(r.URL.Path, "/%d-", &status)
		w.Header().Set("X-Status", fmt.Sprint(status))
		w.WriteHeader(status)
		io.WriteString(w, "body")
		if strings.HasSuffix(r.URL.Path, "true") {
			w.(http.Flusher).Flush()
		}
	}))
	for how, app := range map[string]*httpfw.App{"native": a, "mounted": m} {
		s := listen(t, app)
		for _, status := range statuses {
			for _, flush := range []bool{false, true} {
				head, body, _ := s.raw(t, "GET", fmt.Sprintf("/%d-%v", status, flush))
				wantLength := ""
				if status == 205 {
					wantLength = "\r\nContent-Length: 0"
				}
				if !strings.HasPrefix(head, fmt.Sprintf("HTTP/1.1 %d ", status)) || body != "" || strings.Contains(head, "Transfer-Encoding") ||
					strings.Contains(head, "Content-Length") != (wantLength != "") || !strings.Contains(head, wantLength) {
					t.Errorf("%s %d, flush %v: %q %q", how, status, flush, head, body)
				}
			}
		}
		for _, flush := range []bool{false, true} {
			if head, body, err := s.raw(t, "HEAD", fmt.Sprintf("/200-%v", flush)); !strings.HasPrefix(head, "HTTP/1.1 200 ") || body != "" || err != nil {
				t.Errorf("%s HEAD: %q %q %v", how, head, body, err)
			}
		}
		if head, body, err := s.raw(t, "CONNECT", "/x"); !strings.HasPrefix(head, "HTTP/1.1 200 ") || body != "" || err != nil ||
			strings.Contains(head, "Content-Length") || strings.Contains(head, "Transfer-Encoding") {
			t.Errorf("%s CONNECT: %q %q %v", how, head, body, err)
		}
	}
}

// The bytes of a body that may not be are not the next reply either.
func TestRFC9112_6_3_NoBodyPipelined(t *testing.T) {
	const forged = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged"
	status := func(path string) (status int) {
		fmt.Sscanf(path, "/%d", &status)
		return status
	}
	a := httpfw.New(httpfw.Config{Logger: quiet})
	a.Get("/*path", func(c *httpfw.Ctx) error {
		if status(c.Path()) == 0 {
			return c.Text(200, sawBehind)
		}
		c.SetStatus(status(c.Path()))
		c.WriteString(forged)
		return nil
	})
	m := httpfw.New(httpfw.Config{Logger: quiet})
	m.Mount("/", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if status(r.URL.Path) == 0 {
			w.Header().Set("Content-Length", fmt.Sprint(len(sawBehind)))
			io.WriteString(w, sawBehind)
			return
		}
		w.WriteHeader(status(r.URL.Path))
		io.WriteString(w, forged)
	}))
	for how, app := range map[string]*httpfw.App{"native": a, "mounted": m} {
		p := listen(t, app).connect(t)
		for _, first := range []struct{ method, path string }{{"GET", "/204"}, {"GET", "/304"}, {"HEAD", "/200"}, {"HEAD", "/204"}, {"HEAD", "/304"}} {
			p.send(line(first.method+" "+first.path+" HTTP/1.1") + behind)
			if r, err := p.answer(first.method); err != nil || r.status != status(first.path) {
				t.Fatalf("%s, %v: %v %v", how, first, r, err)
			}
			if r, err := p.answer("GET"); err != nil || r.body != sawBehind {
				t.Fatalf("%s, behind %v: %v %v", how, first, r, err)
			}
		}
	}
}

// An interim reply is followed by a final one; there is no other way to send a 1xx.
func TestRFC9110_15_2_Interim(t *testing.T) {
	a := httpfw.New(httpfw.Config{Logger: quiet})
	a.Get("/", func(c *httpfw.Ctx) error {
		for _, status := range []int{-1, 0, 99, 100, 101, 103, 199, 600, 999} {
			if c.SetStatus(status) == nil || c.Text(status, "x") == nil || c.NoContent(status) == nil {
				return fmt.Errorf("status %d was taken", status)
			}
		}
		return c.Text(200, "fine")
	})
	if _, body, _ := listen(t, a).raw(t, "GET", "/"); body != "fine" {
		t.Error(body)
	}
	m := httpfw.New(httpfw.Config{Logger: quiet})
	m.Mount("/", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", "</a>")
		w.Header().Set("Content-Length", "4")
		w.WriteHeader(103)
		io.WriteString(w, "fine")
	}))
	s := listen(t, m)
	head, body, _ := s.raw(t, "GET", "/")
	if !strings.HasPrefix(head, "HTTP/1.1 103 ") || strings.Contains(head, "Content-Length") || !strings.HasPrefix(body, "HTTP/1.1 200 ") || !strings.HasSuffix(body, "\r\n\r\nfine") {
		t.Errorf("%q %q", head, body)
	}
	// HTTP/1.0 has none.
	p := s.connect(t)
	p.send("GET / HTTP/1.0\r\n\r\n")
	if b, _ := io.ReadAll(bufio.NewReader(p.r)); !strings.HasPrefix(string(b), "HTTP/1.1 200 ") {
		t.Errorf("%q", b)
	}
}
