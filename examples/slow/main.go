// Slow has handlers that wait in the middle, in every way a handler can wait.
//
//	go run ./examples/slow
//	curl 'http://127.0.0.1:8080/wait?ms=500'    waits on the loop's timer
//	curl 'http://127.0.0.1:8080/block?ms=500'   calls time.Sleep without a word
//	curl --limit-rate 1k --data-binary @file http://127.0.0.1:8080/drip
package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/heddle-go/heddle/examples/serve"
	"github.com/heddle-go/heddle/httpfw"
)

func main() {
	err := serve.Main(os.Args, newApp)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// newApp has the routes.
func newApp(c httpfw.Config) *httpfw.App {
	app := httpfw.New(c)
	app.Get("/", func(c *httpfw.Ctx) error {
		return c.Text(200, "Hello, World!")
	})
	// The fiber waits; no thread and no goroutine is held beyond its stack.
	app.Get("/wait", func(c *httpfw.Ctx) error {
		d, err := duration(c)
		if err != nil {
			return err
		}
		if err := c.Sleep(d); err != nil {
			return err
		}
		return c.Text(200, "waited\n")
	})
	// What a careless handler does. The loop notices, and goes on without it.
	app.Get("/block", func(c *httpfw.Ctx) error {
		d, err := duration(c)
		if err != nil {
			return err
		}
		time.Sleep(d) //fiberc:ignore fiberblock the subject of this route
		return c.Text(200, "blocked\n")
	})
	// Reads a body at the client's pace, in pieces, whatever its size.
	app.Post("/drip", func(c *httpfw.Ctx) error {
		c.SetBodyLimit(1 << 30)
		n, err := io.Copy(io.Discard, c.Body())
		if err != nil {
			return err
		}
		return c.Text(200, strconv.FormatInt(n, 10)+"\n")
	})
	return app
}

// waitMax is the longest wait that a client may ask for.
const waitMax = time.Hour

// duration reads the parameter ms.
func duration(c *httpfw.Ctx) (time.Duration, error) {
	ms, err := strconv.Atoi(c.Query("ms"))
	d := time.Duration(ms) * time.Millisecond
	if err != nil || d < 0 || d > waitMax {
		return 0, httpfw.Errorf(400, "ms must be a number of milliseconds from 0 to %d", waitMax.Milliseconds())
	}
	return d, nil
}
