// Package parse holds the request parser beside fasthttp's, on the head that a browser
// sends when it follows a link: 800 bytes, with the default limits on. Both are given all
// of it in memory and parse it into the same struct again and again.
package parse

import (
	"bufio"
	"bytes"
	"testing"

	"github.com/heddle-go/heddle/codec/http1"
	"github.com/valyala/fasthttp"
)

const browser = "GET /catalogue/looms/4711?sort=price&page=3 HTTP/1.1\r\n" +
	"Host: shop.example.com\r\n" +
	"Connection: keep-alive\r\n" +
	"sec-ch-ua: \"Chromium\";v=\"139\", \"Not;A=Brand\";v=\"99\"\r\n" +
	"sec-ch-ua-mobile: ?0\r\n" +
	"sec-ch-ua-platform: \"Linux\"\r\n" +
	"Upgrade-Insecure-Requests: 1\r\n" +
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36\r\n" +
	"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n" +
	"Sec-Fetch-Site: same-origin\r\n" +
	"Sec-Fetch-Mode: navigate\r\n" +
	"Sec-Fetch-User: ?1\r\n" +
	"Sec-Fetch-Dest: document\r\n" +
	"Referer: https://shop.example.com/catalogue/looms\r\n" +
	"Accept-Encoding: gzip, deflate, br, zstd\r\n" +
	"Accept-Language: de-DE,de;q=0.9,en;q=0.8\r\n" +
	"Cookie: session=5f2b8c1e9d7a4e63; theme=dark; consent=analytics:no,comfort:yes; cart=4711x2,4712x1; lastseen=1764298800\r\n\r\n"

func TestSize(t *testing.T) {
	if n := len(browser); n < 780 || n > 820 {
		t.Errorf("the request has %d bytes, not about 800", n)
	}
}

func BenchmarkHeddle(b *testing.B) {
	var r http1.Request
	var limits http1.Limits
	buf := []byte(browser)
	b.SetBytes(int64(len(buf)))
	b.ReportAllocs()
	for b.Loop() {
		if n, err := r.Parse(buf, &limits); n != len(buf) {
			b.Fatal(n, err)
		}
	}
}

func BenchmarkFastHTTP(b *testing.B) {
	var h fasthttp.RequestHeader
	in := bytes.NewReader(nil)
	r := bufio.NewReaderSize(in, 4096)
	buf := []byte(browser)
	b.SetBytes(int64(len(buf)))
	b.ReportAllocs()
	for b.Loop() {
		in.Reset(buf)
		r.Reset(in)
		if err := h.Read(r); err != nil {
			b.Fatal(err)
		}
	}
}
