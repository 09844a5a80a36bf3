// Command hertz is the rival cloudwego/hertz on its netpoll transport. A
// request runs on a goroutine of netpoll's pool, so /wait and /block are the
// same sleep.
package main

import (
	"context"
	"io"
	"net"
	"time"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/cloudwego/hertz/pkg/app/server"
	"github.com/cloudwego/hertz/pkg/common/hlog"

	"github.com/heddle-go/heddle/bench/servers/command"
)

func main() {
	listener, err := net.Listen("tcp4", command.Parse())
	if err != nil {
		command.Fail(err)
	}
	hlog.SetOutput(io.Discard)
	h := server.New(server.WithListener(listener), server.WithDisablePrintRoute(true))
	h.GET("/", hello)
	h.GET("/wait", sleep)
	h.GET("/block", sleep)
	command.Listening(listener.Addr())
	// Run and not Spin: signals are for package command.
	command.Fail(h.Run())
}

func hello(_ context.Context, c *app.RequestContext) {
	c.Data(200, "text/plain", []byte(command.Body))
}

func sleep(ctx context.Context, c *app.RequestContext) {
	time.Sleep(command.Milliseconds(string(c.QueryArgs().QueryString())))
	hello(ctx, c)
}
