// Json-api is a small service for notes, kept in SQLite through database/sql: an
// ordinary library that blocks as it likes, and needs no driver of its own here.
//
//	go run ./examples/json-api
//	curl -i -d '{"title":"milk","text":"two bottles"}' -H 'Content-Type: application/json' http://127.0.0.1:8080/notes
//	curl http://127.0.0.1:8080/notes/1
//	curl 'http://127.0.0.1:8080/notes?limit=10&after=0'
//	curl -X PUT -d '{"title":"milk","text":"three"}' -H 'Content-Type: application/json' http://127.0.0.1:8080/notes/1
//	curl -X DELETE http://127.0.0.1:8080/notes/1
//	curl http://127.0.0.1:8080/stats
//
// The handlers call the database inside c.Block: the loop goes on with other requests
// meanwhile, at once. Forgetting it is no mistake that anybody else pays for: when a
// handler keeps its loop for longer than 10 ms (fiber.Config.StallAfter) the loop moves
// on without it, logs once which handler it was, and starts that handler beside the
// loop from then on. GET /stats forgets it. What the database gets as a context is
// c.Context(): a query ends when its client has gone or the request's time is up.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/heddle-go/heddle/httpfw"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "TCP `address` to serve at")
	db := flag.String("db", "", "database `file`; a temporary one if empty")
	loops := flag.Int("loops", 0, "number of loops; 0: one a CPU")
	flag.Parse()
	err := run(*addr, *db, *loops)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run serves until SIGINT or SIGTERM.
func run(addr, file string, loops int) error {
	if file == "" {
		dir, err := os.MkdirTemp("", "json-api")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		file = filepath.Join(dir, "notes.db")
	}
	st, err := openStore(file)
	if err != nil {
		return err
	}
	defer st.close()
	var config httpfw.Config
	config.Fiber.Loops = loops
	return newApp(config, st).Run(addr)
}
