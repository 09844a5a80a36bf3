package roster

// FastHTTP is the name that targets refer to.
const FastHTTP = "fasthttp"

func init() {
	command := Command{Package: commands + "fasthttp"}
	add(Server{Name: FastHTTP, Order: 110, Hello: command, Slow: command, Waits: true, Profiles: true})
}
