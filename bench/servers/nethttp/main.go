// Command nethttp is the rival net/http: http.Server as it comes. A handler is
// a goroutine, so /wait and /block are the same sleep.
package main

import (
	"io"
	"net"
	"net/http"
	"time"

	"github.com/heddle-go/heddle/bench/servers/command"
)

func main() {
	listener, err := net.Listen("tcp4", command.Parse())
	if err != nil {
		command.Fail(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", hello)
	mux.HandleFunc("GET /wait", sleep)
	mux.HandleFunc("GET /block", sleep)
	command.Listening(listener.Addr())
	command.Fail(http.Serve(listener, mux))
}

func hello(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain")
	io.WriteString(w, command.Body)
}

func sleep(w http.ResponseWriter, r *http.Request) {
	time.Sleep(command.Milliseconds(r.URL.RawQuery))
	hello(w, r)
}
