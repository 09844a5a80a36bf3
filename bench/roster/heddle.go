package roster

// HeddleEpoll, HeddleCompiled and HeddleGnet are the names that targets refer to: Heddle
// on its own loops, the same built by fiberc, and as a guest on gnet's loops.
const (
	HeddleEpoll    = "heddle-epoll"
	HeddleCompiled = "heddle-compiled"
	HeddleGnet     = "heddle-gnet"
	HeddleBefore   = "heddle-before"
)

// AddBefore adds the server that another checkout of this repository builds, which is in
// the folder dir: the same commands, so what differs is the framework.
func AddBefore(dir string) {
	command := Command{Dir: dir, Arguments: []string{"-loops", "1", "-engine", "epoll"}}
	hello, slow := command, command
	hello.Package = "github.com/heddle-go/heddle/examples/hello"
	slow.Package = "github.com/heddle-go/heddle/examples/slow"
	add(Server{Name: HeddleBefore, Order: 3, Hello: hello, Slow: slow, Waits: true, Idle: true})
}

func init() {
	for i, s := range []struct {
		name, engine string
		compiled     bool
	}{{HeddleEpoll, "epoll", false}, {HeddleCompiled, "epoll", true}, {HeddleGnet, "gnet", false}} {
		command := Command{Compiled: s.compiled, Arguments: []string{"-loops", "1", "-engine", s.engine}}
		hello, slow := command, command
		hello.Package = "github.com/heddle-go/heddle/examples/hello"
		slow.Package = "github.com/heddle-go/heddle/examples/slow"
		add(Server{Name: s.name, Order: i, Hello: hello, Slow: slow, Waits: true, Idle: !s.compiled})
	}
}
