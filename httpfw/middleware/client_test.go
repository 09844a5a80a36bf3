package middleware

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/heddle-go/heddle/httpfw"
)

// serve starts an app with the routes that set makes, and returns its base URL.
func serve(t *testing.T, config httpfw.Config, set func(app *httpfw.App)) string {
	t.Helper()
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	config.Fiber.Loops = 1
	app := httpfw.New(config)
	set(app)
	s, err := app.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Error(err)
		}
	})
	return "http://" + s.Addr().String()
}

// answer is a reply that has been read.
type answer struct {
	status int
	header http.Header
	body   string
}

// ask makes a request; fields are names and values in turn.
func ask(t *testing.T, method, url string, body io.Reader, fields ...string) answer {
	t.Helper()
	a, err := tryAsk(method, url, body, fields...)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func tryAsk(method, url string, body io.Reader, fields ...string) (answer, error) {
	req, err := http.NewRequest(method, url, body)
	if err != nil {
		return answer{}, err
	}
	for i := 0; i < len(fields); i += 2 {
		req.Header.Add(fields[i], fields[i+1])
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, res.Header, string(b)}, err
}

// cut sends one request and reports whether the connection ends without a whole reply.
func cut(t *testing.T, base, path string) bool {
	t.Helper()
	nc, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	io.WriteString(nc, "GET "+path+" HTTP/1.1\r\nHost: a\r\n\r\n")
	b, err := io.ReadAll(nc)
	return err != nil || len(b) == 0 || strings.Contains(string(b), "chunked") && !strings.HasSuffix(string(b), "0\r\n\r\n")
}

// records is a slog.Handler that keeps what it gets.
type records struct {
	mu   sync.Mutex
	list []slog.Record
	more chan struct{} // one value a record
}

func newRecords() *records { return &records{more: make(chan struct{}, 100)} }

func (r *records) Enabled(context.Context, slog.Level) bool { return true }
func (r *records) WithAttrs([]slog.Attr) slog.Handler       { return r }
func (r *records) WithGroup(string) slog.Handler            { return r }
func (r *records) Handle(_ context.Context, rec slog.Record) error {
	r.mu.Lock()
	r.list = append(r.list, rec.Clone())
	r.mu.Unlock()
	r.more <- struct{}{}
	return nil
}

// next waits for the next record and returns its attributes.
func (r *records) next(t *testing.T) (slog.Record, map[string]slog.Value) {
	t.Helper()
	select {
	case <-r.more:
	case <-time.After(10 * time.Second):
		t.Fatal("no record")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	rec := r.list[0]
	r.list = r.list[1:]
	attrs := map[string]slog.Value{}
	rec.Attrs(func(a slog.Attr) bool { attrs[a.Key] = a.Value; return true })
	return rec, attrs
}

func panics(fn func()) (value any) {
	defer func() { value = recover() }()
	fn()
	return nil
}

var errTest = errors.New("test")

func ok(c *httpfw.Ctx) error { return c.Text(200, "ok") }
