package roster

// NetHTTP is the name that targets refer to.
const NetHTTP = "net/http"

func init() {
	command := Command{Package: commands + "nethttp"}
	add(Server{Name: NetHTTP, Order: 130, Hello: command, Slow: command, Waits: true, Profiles: true, Idle: true})
}
