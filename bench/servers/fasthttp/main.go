// Command fasthttp is the rival valyala/fasthttp with its default settings. A
// connection is a goroutine of its worker pool, so /wait and /block are the
// same sleep.
package main

import (
	"net"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/heddle-go/heddle/bench/servers/command"
)

func main() {
	listener, err := net.Listen("tcp4", command.Parse())
	if err != nil {
		command.Fail(err)
	}
	command.Listening(listener.Addr())
	command.Fail(fasthttp.Serve(listener, serve))
}

func serve(ctx *fasthttp.RequestCtx) {
	switch string(ctx.Path()) {
	case "/":
	case "/wait", "/block":
		time.Sleep(command.Milliseconds(string(ctx.QueryArgs().QueryString())))
	default:
		ctx.SetStatusCode(fasthttp.StatusNotFound)
		return
	}
	ctx.SetContentType("text/plain")
	ctx.SetBodyString(command.Body)
}
