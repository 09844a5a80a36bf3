// Package roster is the list of servers that can be measured. A server is one
// file here, which calls add in its init, and a command that prints a line with
// 127.0.0.1:PORT once it listens at the address of its flag -addr.
package roster

import "slices"

// Server is one entrant. Its name is what the table and -servers call it.
type Server struct {
	Name  string
	Order int // place in the table; rivals from 100, so that Heddle stands first

	// Hello answers GET / with 200 and 13 bytes.
	Hello Command

	// Slow answers GET / likewise, /wait?ms=N after N milliseconds in which
	// its handler waits as the framework wants it done, and /block?ms=N after N in
	// which its handler blocks the goroutine it was called on.
	// Zero: the server has neither.
	Slow Command

	// Waits says that Slow has /wait. A callback reactor has not.
	Waits bool

	// Profiles says that the commands know -cpuprofile FILE.
	Profiles bool

	// Idle says that the server is in the scenario idle without being asked for by -servers.
	Idle bool
}

// Command is what to build and how to start it.
type Command struct {
	Package   string   // import path, for go build
	Compiled  bool     // build it with fiberc
	Dir       string   // where to build it, "" for here
	Arguments []string // besides -addr
}

var servers []Server

// add is for the init of each file.
func add(s Server) {
	if s.Name == "" || s.Hello.Package == "" {
		panic("roster: a server needs a name and a package")
	}
	if _, found := Find(s.Name); found {
		panic("roster: two servers named " + s.Name)
	}
	servers = append(servers, s)
	slices.SortStableFunc(servers, func(a, b Server) int { return a.Order - b.Order })
}

// All returns every server in the order of the table.
func All() []Server { return slices.Clone(servers) }

// Find returns the server of a name.
func Find(name string) (Server, bool) {
	i := slices.IndexFunc(servers, func(s Server) bool { return s.Name == name })
	if i < 0 {
		return Server{}, false
	}
	return servers[i], true
}

// commands is where the rivals' commands are.
const commands = "github.com/heddle-go/heddle/bench/servers/"
