// Package serve is the main function that several examples share: flags for the
// address, the loops and the engine, and an orderly end.
package serve

import (
	"context"
	"flag"
	"fmt"
	"os/signal"
	"syscall"
	"time"

	"github.com/heddle-go/heddle/httpfw"
)

// Main serves the app that newApp makes until SIGINT or SIGTERM.
//
//	-addr    TCP address, default 127.0.0.1:8080
//	-loops   number of loops, default one a CPU
//	-engine  epoll (the operating system's own) or gnet
func Main(args []string, newApp func(httpfw.Config) *httpfw.App) error {
	flags := flag.NewFlagSet(args[0], flag.ExitOnError)
	addr := flags.String("addr", "127.0.0.1:8080", "TCP `address` to serve at")
	loops := flags.Int("loops", 0, "number of loops; 0: one a CPU")
	engine := flags.String("engine", "epoll", "epoll (the system's own engine) or gnet")
	flags.Parse(args[1:])
	if flags.NArg() > 0 {
		return fmt.Errorf("%s: unexpected argument %q", args[0], flags.Arg(0))
	}
	var config httpfw.Config
	config.Fiber.Loops = *loops
	app := newApp(config)

	var server interface {
		Addr() string
		Shutdown(context.Context) error
	}
	var err error
	switch *engine {
	case "epoll":
		server, err = startNative(app, *addr)
	case "gnet":
		server, err = startGnet(app, *addr, *loops)
	default:
		return fmt.Errorf("%s: unknown engine %q: want epoll or gnet", args[0], *engine)
	}
	if err != nil {
		return err
	}
	fmt.Printf("listening on http://%s\n", server.Addr())

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	<-ctx.Done()
	stop() // a second signal ends the process at once
	grace, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return server.Shutdown(grace)
}

// native is a server on the engine of the operating system.
type native struct{ *httpfw.Server }

func (s native) Addr() string { return s.Server.Addr().String() }

func startNative(app *httpfw.App, addr string) (native, error) {
	s, err := app.Start(addr)
	return native{s}, err
}
