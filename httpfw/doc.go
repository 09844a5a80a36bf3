// Package httpfw is Heddle's web framework: handlers are straight-line code that may
// block, on fibers that cost no goroutine each.
//
//	app := httpfw.New(httpfw.Config{})
//	app.Get("/users/:id", func(c *httpfw.Ctx) error {
//		return c.Text(200, c.Param("id"))
//	})
//	if err := app.Run("127.0.0.1:8080"); err != nil {
//		log.Fatal(err)
//	}
//
// To follow a request from accept to keep-alive, read serve.go top to bottom.
package httpfw
