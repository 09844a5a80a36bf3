package http1

// Benchmarks of the parsers. The comparison with other frameworks is in bench/.

import "testing"

const tinyRequest = "GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n"

// browserRequest is shaped like what a browser sends when it follows a link.
const browserRequest = "GET /catalogue/looms/4711?sort=price&page=3&ref=start HTTP/1.1\r\n" +
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
	"Cookie: session=5f2b8c1e9d7a4e63; theme=dark; consent=yes\r\n\r\n"

func benchmarkParse(b *testing.B, message string) {
	var r Request
	buf := []byte(message)
	b.SetBytes(int64(len(buf)))
	b.ReportAllocs()
	for b.Loop() {
		if n, err := r.Parse(buf, nil); n != len(buf) {
			b.Fatal(n, err)
		}
	}
}

func BenchmarkParseTiny(b *testing.B)    { benchmarkParse(b, tinyRequest) }
func BenchmarkParseBrowser(b *testing.B) { benchmarkParse(b, browserRequest) }

func BenchmarkParseResponse(b *testing.B) {
	var r Response
	buf := []byte("HTTP/1.1 200 OK\r\nServer: heddle\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n" +
		"Content-Type: text/plain; charset=utf-8\r\nContent-Length: 13\r\n\r\n")
	b.SetBytes(int64(len(buf)))
	b.ReportAllocs()
	for b.Loop() {
		if n, err := r.Parse(buf, nil, GET); n != len(buf) {
			b.Fatal(n, err)
		}
	}
}

// BenchmarkParseDrip is a head of 32 KiB a byte at a time: the time for one byte must
// not grow with the head.
func BenchmarkParseDrip(b *testing.B) {
	buf := []byte("GET / HTTP/1.1\r\nHost: a\r\nX: ")
	for len(buf) < headerBytesDefault-4 {
		buf = append(buf, 'x')
	}
	buf = append(buf, "\r\n\r\n"...)
	var r Request
	b.SetBytes(int64(len(buf)))
	b.ReportAllocs()
	for b.Loop() {
		for i := 1; i < len(buf); i++ {
			if n, err := r.Parse(buf[:i], nil); n != 0 || err != nil {
				b.Fatal(n, err)
			}
		}
		if n, err := r.Parse(buf, nil); n != len(buf) {
			b.Fatal(n, err)
		}
	}
}

func BenchmarkChunks(b *testing.B) {
	var body []byte
	for range 16 {
		body = AppendChunk(body, make([]byte, 4096))
	}
	body = AppendLastChunk(body, nil)
	var d ChunkDecoder
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		d.Reset()
		for rest := body; !d.Done(); {
			_, n, err := d.Next(rest)
			if err != nil {
				b.Fatal(err)
			}
			rest = rest[n:]
		}
	}
}
