package roster

// HeddleEpoll and HeddleGnet are the names that targets refer to: Heddle on its
// own loops, and as a guest on gnet's.
const (
	HeddleEpoll = "heddle-epoll"
	HeddleGnet  = "heddle-gnet"
)

func init() {
	for i, s := range []struct{ name, engine string }{{HeddleEpoll, "epoll"}, {HeddleGnet, "gnet"}} {
		arguments := []string{"-loops", "1", "-engine", s.engine}
		add(Server{
			Name:  s.name,
			Order: i,
			Hello: Command{Package: "github.com/heddle-go/heddle/examples/hello", Arguments: arguments},
			Slow:  Command{Package: "github.com/heddle-go/heddle/examples/slow", Arguments: arguments},
			Waits: true,
			Idle:  true,
		})
	}
}
