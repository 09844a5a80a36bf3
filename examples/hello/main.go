// Hello is the smallest Heddle server: a text, and a route with a parameter.
//
//	go run ./examples/hello
//	curl http://127.0.0.1:8080/users/7
package main

import (
	"fmt"
	"os"

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
	app.Get("/users/:id", func(c *httpfw.Ctx) error {
		return c.Text(200, c.Param("id"))
	})
	return app
}
