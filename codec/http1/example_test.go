package http1_test

import (
	"fmt"

	"github.com/heddle-go/heddle/codec/http1"
)

// A connection is a loop around Parse: what has arrived goes in; with 0 and nil more has
// to arrive; an error is answered and the connection closed.
func ExampleRequest_Parse() {
	arrived := []byte("GET /loom?threads=4711 HTTP/1.1\r\nHost: example.com\r\nCookie: a=1; b=2\r\n\r\nGET /next")
	var r http1.Request
	for _, have := range []int{10, 50, len(arrived)} {
		n, err := r.Parse(arrived[:have], nil)
		fmt.Println(have, n, err)
	}
	fmt.Printf("%v %s %s, host %s, keep-alive %t\n", r.Method, r.Path, r.RawQuery, r.Host, r.KeepAlive)
	http1.EachCookie(r.Field("cookie"), func(name, value []byte) bool {
		fmt.Printf("%s is %s\n", name, value)
		return true
	})

	_, err := r.Parse([]byte("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n"), nil)
	refusal := err.(*http1.Error)
	fmt.Println(refusal.Status, refusal.Rule)
	// Output:
	// 10 0 <nil>
	// 50 0 <nil>
	// 81 72 <nil>
	// GET /loom threads=4711, host example.com, keep-alive true
	// a is 1
	// b is 2
	// 400 RFC 9112 section 3.2: more than one Host field
}

func ExampleChunkDecoder_Next() {
	rest := []byte("4\r\nHedd\r\n2\r\nle\r\n0\r\nX-Sum: 6\r\n\r\nGET /")
	var d http1.ChunkDecoder
	for !d.Done() {
		data, n, err := d.Next(rest)
		if err != nil || n == 0 {
			fmt.Println("refused, or more has to arrive:", err)
			return
		}
		fmt.Printf("%d consumed, data %q\n", n, data)
		rest = rest[n:]
	}
	fmt.Printf("%s is %s, behind it %q\n", d.Trailer[0].Name, d.Trailer[0].Value, rest)
	// Output:
	// 7 consumed, data "Hedd"
	// 7 consumed, data "le"
	// 17 consumed, data ""
	// X-Sum is 6, behind it "GET /"
}
