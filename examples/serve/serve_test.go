package serve

import (
	"context"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/heddle-go/heddle/httpfw"
)

// server is what both engines give.
type server interface {
	Addr() string
	Shutdown(context.Context) error
}

func TestEngines(t *testing.T) {
	for name, start := range map[string]func(app *httpfw.App) (server, error){
		"epoll": func(app *httpfw.App) (server, error) { return startNative(app, "127.0.0.1:0") },
		"gnet":  func(app *httpfw.App) (server, error) { return startGnet(app, "127.0.0.1:0", 2) },
	} {
		t.Run(name, func(t *testing.T) {
			app := httpfw.New(httpfw.Config{})
			app.Get("/", func(c *httpfw.Ctx) error {
				if err := c.Sleep(time.Millisecond); err != nil {
					return err
				}
				return c.Text(200, "hello")
			})
			s, err := start(app)
			if err != nil {
				t.Fatal(err)
			}
			client := &http.Client{Transport: &http.Transport{}}
			for range 20 {
				res, err := client.Get("http://" + s.Addr() + "/")
				if err != nil {
					t.Fatal(err)
				}
				b, err := io.ReadAll(res.Body)
				res.Body.Close()
				if err != nil || string(b) != "hello" {
					t.Fatalf("%q %v", b, err)
				}
			}
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			if err := s.Shutdown(ctx); err != nil {
				t.Error(err)
			}
		})
	}
}

// Mistakes in the routes are told by either engine.
func TestBadRoutes(t *testing.T) {
	bad := func() *httpfw.App {
		app := httpfw.New(httpfw.Config{})
		app.Get("/", nil)
		return app
	}
	if _, err := startNative(bad(), "127.0.0.1:0"); err == nil {
		t.Error("epoll: no error")
	}
	if _, err := startGnet(bad(), "127.0.0.1:0", 1); err == nil {
		t.Error("gnet: no error")
	}
}
