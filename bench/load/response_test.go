package load

import (
	"errors"
	"testing"
)

const hello = "HTTP/1.1 200 OK\r\nServer: x\r\ncontent-length: 13\r\nDate: Mon\r\n\r\nHello, World!"

// Every cut of two different responses: nothing before a response is whole, then
// the same answer whatever follows; with and without the memory.
func TestScanAtEverySplit(t *testing.T) {
	second := "HTTP/1.1 404 Not Found\r\nConnection: Close\r\nContent-Length:0\r\n\r\n"
	stream := hello + second
	var memo Memo
	for range 2 { // the second time the memory knows the second response
		for cut := range len(stream) + 1 {
			for _, scan := range []func([]byte) (Response, error){Scan, memo.Scan} {
				r, err := scan([]byte(stream[:cut]))
				if err != nil {
					t.Fatalf("cut at %d: %v", cut, err)
				}
				if cut < len(hello) {
					if r.Size != 0 {
						t.Fatalf("cut at %d: a response of %d bytes", cut, r.Size)
					}
					continue
				}
				if want := (Response{Status: 200, Size: len(hello), Body: 13}); r != want {
					t.Fatalf("cut at %d: %+v", cut, r)
				}
				rest, err := scan([]byte(stream[r.Size:cut]))
				if err != nil {
					t.Fatalf("cut at %d: second: %v", cut, err)
				}
				want := Response{}
				if cut == len(stream) {
					want = Response{Status: 404, Size: len(second), Close: true}
				}
				if rest != want {
					t.Fatalf("cut at %d: second: %+v", cut, rest)
				}
			}
		}
	}
}

func TestScanErrors(t *testing.T) {
	for _, text := range []string{
		"HTTP/1.0 200 OK\r\n",
		"X",
		"HTTP/1.1 2x0 OK\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 20\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na",
		"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nno colon\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\n" + string(make([]byte, headMax)),
	} {
		if _, err := Scan([]byte(text)); !errors.Is(err, ErrResponse) {
			t.Errorf("%.60q: %v", text, err)
		}
	}
}

func BenchmarkScan(b *testing.B) {
	reply := []byte(hello)
	b.Run("plain", func(b *testing.B) {
		for b.Loop() {
			Scan(reply)
		}
	})
	b.Run("memo", func(b *testing.B) {
		var memo Memo
		for b.Loop() {
			memo.Scan(reply)
		}
	})
}
