package roster

func init() {
	command := Command{Package: commands + "hertz"}
	add(Server{Name: "hertz", Order: 120, Hello: command, Slow: command, Waits: true, Profiles: true})
}
