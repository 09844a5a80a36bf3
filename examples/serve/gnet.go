//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package serve

import (
	"context"
	"sync"

	"github.com/heddle-go/heddle/fiber"
	"github.com/heddle-go/heddle/httpfw"
	"github.com/heddle-go/heddle/netpoll"
	"github.com/heddle-go/heddle/netpoll/gnetengine"
	"github.com/panjf2000/gnet/v2"
)

// guest is an app on the event loops of gnet.
type guest struct {
	http *httpfw.Server
	gnet *gnetengine.Server
}

// startGnet serves app on loops gnet event loops, 0 for one a CPU. It returns when
// connections are accepted.
func startGnet(app *httpfw.App, addr string, loops int) (guest, error) {
	var g guest
	var err error
	var once sync.Once
	// The HTTP server needs the runtime of the gnet server, which may accept a
	// connection before Start has returned it: whoever comes first makes it.
	server := func(rt *fiber.Runtime) {
		once.Do(func() { g.http, err = app.NewServer(rt) })
	}
	accept := func(c *netpoll.Conn) {
		if server(c.Loop().Runtime()); err != nil {
			c.Close()
			return
		}
		g.http.Accept(c)
	}
	options := gnet.Options{NumEventLoop: loops, Multicore: loops == 0}
	gs, gerr := gnetengine.Start("tcp", addr, gnetengine.Config{}, options, accept)
	if gerr != nil {
		return g, gerr
	}
	g.gnet = gs
	if server(gs.Engine().Runtime()); err != nil {
		gs.Stop(context.Background())
	}
	return g, err
}

// Addr returns the address it listens on.
func (g guest) Addr() string { return g.gnet.Addr().String() }

// Shutdown lets requests that have begun finish and stops gnet.
func (g guest) Shutdown(ctx context.Context) error {
	err := g.http.Shutdown(ctx)
	if serr := g.gnet.Stop(ctx); err == nil {
		err = serr
	}
	return err
}
