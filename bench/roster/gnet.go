package roster

// Gnet is the name that targets refer to.
const Gnet = "gnet"

func init() {
	bare := Command{Package: commands + "gnet"}
	add(Server{Name: Gnet, Order: 100, Hello: bare, Slow: bare, Profiles: true, Idle: true})
}
