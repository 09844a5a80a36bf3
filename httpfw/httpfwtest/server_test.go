package httpfwtest_test

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/heddle-go/heddle/httpfw"
	"github.com/heddle-go/heddle/httpfw/httpfwtest"
	"github.com/heddle-go/heddle/netpoll"
)

func app() *httpfw.App {
	a := httpfw.New(httpfw.Config{HeaderTimeout: 20 * time.Millisecond})
	a.Get("/users/:id", func(c *httpfw.Ctx) error { return c.Text(200, "user "+c.Param("id")) })
	a.Get("/slow", func(c *httpfw.Ctx) error {
		if err := c.Sleep(time.Millisecond); err != nil {
			return err
		}
		return c.Text(200, "slow")
	})
	return a
}

func ExampleNew() {
	var t *testing.T // the argument of the test function

	srv := httpfwtest.New(t, app())
	resp, err := srv.Client().Get(srv.URL + "/users/7")
	if err != nil {
		t.Fatal(err)
	}
	if body := srv.Body(resp); body != "user 7" {
		t.Errorf("got %q", body)
	}
}

func TestClient(t *testing.T) {
	srv := httpfwtest.New(t, app())
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			for range 20 {
				resp, err := srv.Client().Get(srv.URL + "/users/7")
				if err != nil {
					t.Error(err)
					return
				}
				if body := srv.Body(resp); body != "user 7" || resp.StatusCode != 200 {
					t.Errorf("%d %q", resp.StatusCode, body)
				}
			}
		})
	}
	wg.Wait()
	r, err := http.NewRequest("DELETE", srv.URL+"/users/7", nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp := srv.Do(r); resp.StatusCode != 405 || srv.Body(resp) == "" {
		t.Error(resp.Status)
	}
}

func TestRaw(t *testing.T) {
	srv := httpfwtest.New(t, app())
	for _, c := range []struct {
		name, in string
		replies  int
		end      string
	}{
		{"one", "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n", 1, "slow"},
		{"two", strings.Repeat("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n", 2), 2, "slow"},
		{"close", "GET /slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 1, "slow"},
		{"head", "HEAD /slow HTTP/1.1\r\nHost: x\r\n\r\n", 1, "\r\n\r\n"},
		{"bad", "GET /slow HTTP/1.1\r\nHost: x\r\n\r\nGET\r\n", 2, "\n"},
		{"half", "GET /slow HTTP/1.1\r\nHos", 1, "in time\n"},
	} {
		got := string(srv.Raw([]byte(c.in)))
		if strings.Count(got, "HTTP/1.1 ") != c.replies || !strings.HasSuffix(got, c.end) {
			t.Errorf("%s: got %q", c.name, got)
		}
	}
}

// A test that leaves something behind fails.
func TestLeaks(t *testing.T) {
	for name, c := range map[string]struct {
		leak func(t testing.TB, s *httpfwtest.Server)
		want string
	}{
		"connection": {func(_ testing.TB, s *httpfwtest.Server) { s.Dial() }, "1 connections are still open"},
		"body": {func(_ testing.TB, s *httpfwtest.Server) {
			r, _ := http.NewRequest("GET", s.URL+"/users/7", nil)
			s.Do(r)
		}, "1 connections are still open"},
		"handler": {func(_ testing.TB, s *httpfwtest.Server) {
			s.Client().Timeout = 5 * time.Millisecond
			s.Client().Get(s.URL + "/stuck")
		}, "/stuck"},
	} {
		t.Run(name, func(t *testing.T) {
			a := app()
			release := make(chan struct{})
			a.Get("/stuck", func(c *httpfw.Ctx) error {
				return c.Block(func() { <-release })
			})
			f := &fakeT{TB: t}
			done := make(chan struct{})
			go func() {
				defer close(done)
				s := httpfwtest.NewConfig(f, a, httpfwtest.Config{CloseTimeout: 20 * time.Millisecond})
				c.leak(f, s)
				f.end()
			}()
			<-done
			close(release)
			if !strings.Contains(strings.Join(f.errors, "\n"), c.want) {
				t.Errorf("got %q", f.errors)
			}
		})
	}
}

// fakeT is a test that may fail.
type fakeT struct {
	testing.TB
	cleanup []func()
	errors  []string
}

func (t *fakeT) Cleanup(fn func()) { t.cleanup = append(t.cleanup, fn) }

func (t *fakeT) Errorf(format string, args ...any) {
	t.errors = append(t.errors, strings.TrimSpace(fmt.Sprintf(format, args...)))
}

func (t *fakeT) Fatal(args ...any) { t.Errorf("%v", args); runtime.Goexit() }

func (t *fakeT) end() {
	for _, fn := range t.cleanup {
		fn()
	}
}

// Faults of the network are at the test's command.
func TestNetwork(t *testing.T) {
	srv := httpfwtest.NewConfig(t, app(), httpfwtest.Config{
		Seed:    7,
		Network: netpoll.MemoryOptions{ShortReads: true, SplitWrites: true, DelayMax: time.Microsecond},
	})
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, "GET", srv.URL+"/users/7", nil)
	if err != nil {
		t.Fatal(err)
	}
	if body := srv.Body(srv.Do(r)); body != "user 7" {
		t.Errorf("got %q", body)
	}
	if srv.Server().Runtime() == nil {
		t.Error("no runtime")
	}
}
