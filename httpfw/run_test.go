//go:build unix

package httpfw_test

import (
	"io"
	"net/http"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/heddle-go/heddle/httpfw"
)

// Run serves until SIGTERM, lets the request at hand finish, says in the log what it does, and
// returns nil.
func TestRunUntilSignal(t *testing.T) {
	var log logged
	in, hold := make(chan struct{}), make(chan struct{})
	a := httpfw.New(httpfw.Config{Logger: log.logger(), OnShutdown: func() { close(hold) }})
	a.Get("/", func(c *httpfw.Ctx) error {
		if err := c.Block(func() { close(in); <-hold }); err != nil {
			return err
		}
		return c.Text(200, "done")
	})
	ended := make(chan error, 1)
	go func() { ended <- a.Run("127.0.0.1:0") }()
	address := regexp.MustCompile(`http://[0-9.:]+`)
	for until := time.Now().Add(patience); !address.MatchString(log.String()); runtime.Gosched() {
		if time.Now().After(until) {
			t.Fatalf("logged %s", log.String())
		}
	}
	body := make(chan string, 1)
	go func() {
		resp, err := http.Get(address.FindString(log.String()))
		if err != nil {
			body <- err.Error()
			return
		}
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		body <- string(b)
	}()
	within(t, in, "the handler")
	if err := syscall.Kill(syscall.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if b := within(t, body, "the reply"); b != "done" {
		t.Errorf("%q", b)
	}
	if err := within(t, ended, "the end"); err != nil {
		t.Errorf("%v", err)
	}
	if s := log.String(); !strings.Contains(s, `"httpfw: shutting down" connections=1`) {
		t.Errorf("logged %s", s)
	}
}
