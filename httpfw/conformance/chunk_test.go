package conformance

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/heddle-go/heddle/httpfw"
)

// chunks makes a POST of a chunked body.
func chunks(body string) string { return post(body, "Transfer-Encoding: chunked") }

// broken makes a vector of a body that breaks a rule: the handler runs, since its head is
// good, and finds out when it reads.
func broken(name, body string) vector {
	return vector{name, chunks(body), 400, badBody, false}
}

func TestRFC9112_7_1_Chunks(t *testing.T) {
	vectors := []vector{
		taken("one", chunks("5\r\nhello\r\n0\r\n\r\n"), saw("hello")),
		taken("none", chunks("0\r\n\r\n"), saw("")),
		taken("several", chunks("1\r\nh\r\n2\r\nel\r\n2\r\nlo\r\n0\r\n\r\n"), saw("hello")),
		taken("hex digits", chunks("a\r\n0123456789\r\nB\r\n0123456789a\r\n0\r\n\r\n"), saw("01234567890123456789a")),
		taken("leading zeros", chunks("0005\r\nhello\r\n0000\r\n\r\n"), saw("hello")),
		taken("data like framing", chunks("7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n"), saw("\r\n0\r\n\r\n")),
		taken("data like a request", chunks("21\r\n"+behind+"\r\n0\r\n\r\n"), saw(behind)),
	}
	for name, size := range map[string]string{
		"empty": "", "plus": "+5", "minus": "-5", "minus zero": "-0", "blank before": " 5", "tab before": "\t5", "blank behind": "5 ", "tab behind": "5\t",
		"0x": "0x5", "0X": "0X5", "h": "5h", "underscore": "0_5", "no digit": "g", "fraction": "5.0", "words": "five", "comma": "5,5", "two": "5 5",
		"17 digits": "00000000000000005", "64 bits": "8000000000000000", "64 bits, wraps to 5": "10000000000000005", "all ones": "ffffffffffffffff", "32 bits and more, far beyond": "100000000000000005",
		"NUL": "5\x00", "8-bit": "5\xa0", "full-width digit": "\xef\xbc\x95", "quote": "\"5\"", "vertical tab": "5\x0b", "form feed": "\x0c5", "CR inside": "5\r5",
	} {
		vectors = append(vectors, broken("size: "+name, size+"\r\nhello\r\n0\r\n\r\n"))
	}
	conform(t, "RFC 9112 section 7.1", append(vectors,
		broken("LF behind the size", "5\nhello\r\n0\r\n\r\n"),
		broken("CR behind the size", "5\rhello\r\n0\r\n\r\n"),
		broken("CR CR LF behind the size", "5\r\r\nhello\r\n0\r\n\r\n"),
		broken("LF behind the data", "5\r\nhello\n0\r\n\r\n"),
		broken("CR behind the data", "5\r\nhello\r0\r\n\r\n"),
		broken("nothing behind the data", "5\r\nhello0\r\n\r\n"),
		broken("longer than its size", "4\r\nhello\r\n0\r\n\r\n"),
		broken("shorter than its size", "6\r\nhello\r\n0\r\n\r\n"),
		broken("two other bytes behind the data", "5\r\nhelloXX0\r\n\r\n"),
		broken("blank line behind the data", "5\r\nhello\r\n\r\n0\r\n\r\n"),
		broken("LF behind the last size", "5\r\nhello\r\n0\n\r\n"),
		broken("LF as the blank line", "0\r\n\n"),
		broken("CR as the blank line", "0\r\n\rX"),
		broken("last chunk with a sign", "5\r\nhello\r\n-0\r\n\r\n"),
		broken("request instead of a chunk", behind)))
}

func TestRFC9112_7_1_1_Extensions(t *testing.T) {
	ext := func(s string) string { return "5" + s + "\r\nhello\r\n0\r\n\r\n" }
	vectors := []vector{
		taken("name", chunks(ext(";a")), saw("hello")),
		taken("value", chunks(ext(";a=b")), saw("hello")),
		taken("quoted value", chunks(ext(`;a="b;\"c d"`)), saw("hello")),
		taken("several", chunks(ext(";a;b=c;d=\"\"")), saw("hello")),
		taken("of the last chunk", chunks("5\r\nhello\r\n0;a=b\r\n\r\n"), saw("hello")),
	}
	for name, s := range map[string]string{
		"LF in the name": ";a\nb", "CR in the name": ";a\rb", "LF in the value": ";a=b\nc", "CR in the value": ";a=b\rc",
		"LF ends the line": ";\nX", "LF in quotes": ";a=\"b\nc\"", "CR in quotes": ";a=\"b\rc\"", "CRLF in quotes": ";a=\"b\r\nc\"", "escaped LF": ";a=\"\\\nb\"", "escaped CR": ";a=\"\\\rb\"",
		"NUL": ";a\x00", "NUL in quotes": ";a=\"\x00\"", "empty": ";", "empty name": ";=b", "empty value": ";a=", "blank before": " ;a", "blank behind the semicolon": "; a",
		"blank before the equals sign": ";a =b", "blank behind the equals sign": ";a= b", "blank at the end": ";a=b ", "open quote": ";a=\"b", "behind the quote": ";a=\"b\"c", "no token": ";a=(b)",
		"8-bit name": ";\xe9", "two equals signs": ";a=b=c", "comma": ",a",
	} {
		vectors = append(vectors, broken(name, ext(s)))
	}
	conform(t, "RFC 9112 section 7.1.1", append(vectors,
		broken("without end", "5;a="+strings.Repeat("b", 4100)+"\r\nhello\r\n0\r\n\r\n"),
		broken("many", "1"+strings.Repeat(";a", 2100)+"\r\nh\r\n0\r\n\r\n"),
		broken("of many chunks", strings.Repeat("1;"+strings.Repeat("a", 99)+"\r\nh\r\n", 42)+"0\r\n\r\n"),
		broken("zeros of many chunks", strings.Repeat("000000000000001\r\nh\r\n", 340)+"0\r\n\r\n")))
}

func TestRFC9110_6_5_1_Trailers(t *testing.T) {
	end := func(trailer string) string { return "5\r\nhello\r\n0\r\n" + trailer + "\r\n" }
	vectors := []vector{
		taken("one", chunks(end("X-Sum: 1\r\n")), saw("hello")),
		taken("several", chunks(end("X-A: 1\r\nX-B: 2\r\nX-A: 3\r\n")), saw("hello")),
		taken("announced", post(end("X-Sum: 1\r\n"), "Trailer: X-Sum", "Transfer-Encoding: chunked"), saw("hello")),
	}
	for _, name := range []string{
		"Transfer-Encoding", "content-length", "Host", "Authorization", "Cookie", "Set-Cookie", "Connection", "Content-Type",
		"Content-Encoding", "Content-Range", "Trailer", "TE", "Upgrade", "Expect", "Cache-Control", "Max-Forwards", "Range", "If-Match", "Proxy-Authorization", "WWW-Authenticate", "Keep-Alive",
	} {
		vectors = append(vectors, broken(name, end(name+": x\r\n")))
	}
	long := vector{"too long", chunks(end("A: " + strings.Repeat("b", 8200) + "\r\n")), 431, badBody, false}
	many := vector{"too many", chunks(end(strings.Repeat("A: b\r\n", 101))), 431, badBody, false}
	conform(t, "RFC 9110 section 6.5.1", append(vectors, long, many,
		broken("folded", end("A: b\r\n c\r\n")),
		broken("begins with a blank", end(" A: b\r\n")),
		broken("blank before the colon", end("A : b\r\n")),
		broken("no colon", end("A\r\n")),
		broken("empty name", end(": b\r\n")),
		broken("LF", end("A: b\n")),
		broken("CR", end("A: b\rC\r\n")),
		broken("NUL", end("A: \x00\r\n")),
		broken("8-bit name", end("\xe9: b\r\n")),
		broken("request as a trailer", end(behind))))
}

// What breaks in a body nobody reads has the same end, but the reply that was made before;
// the request that is hidden behind it is not answered.
func TestRFC9112_7_1_UnreadChunks(t *testing.T) {
	bothWays(t, httpfw.Config{}, func(t *testing.T, s *target) {
		bodies := []string{
			"x\r\n", "5\r\nhelloX", "5;\nhello\r\n", "0\r\nHost: x\r\n\r\n", "5\r\nhello\r\n0\r\nA : b\r\n\r\n",
			"5\nhello\r\n0\r\n\r\n", "5;a\rb\r\nhello\r\n0\r\n\r\n", "5\r\nhello\n0\r\n\r\n", "0\n\r\n", "0\r\n\n", "0\r\nA: b\n\r\n", "-0\r\n\r\n", "10000000000000000\r\n\r\n",
			"0\r\nA: " + strings.Repeat("b", 8200) + "\r\n\r\n", "1;a=" + strings.Repeat("b", 4100) + "\r\nh\r\n0\r\n\r\n",
		}
		for _, body := range bodies {
			p := s.connect(t)
			p.send(unread(body, "Transfer-Encoding: chunked") + behind)
			if r, err := p.answer("POST"); err != nil || r.body != sawUnread {
				t.Errorf("%.80q: %v %v", body, r, err)
			}
			if err := p.ended(); err != nil {
				t.Errorf("%.80q: %v", body, err)
			}
		}
		if n := s.ran.Load(); n != int64(len(bodies)) {
			t.Errorf("the handler ran %d times for %d requests", n, len(bodies))
		}
	})
}

// What stands behind a body is no part of the header, whenever it is asked for.
func TestRFC9110_6_5_TrailerApart(t *testing.T) {
	const name = "X-Admin"
	a := httpfw.New(httpfw.Config{Logger: quiet})
	a.Post("/native", func(c *httpfw.Ctx) error {
		if _, err := c.BodyBytes(); err != nil {
			return err
		}
		return c.Text(200, c.Header(name))
	})
	a.Mount("/mounted", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		text := r.Header.Get(name)
		if r.Trailer.Get(name) != "yes" {
			text = "no trailer"
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(text)))
		io.WriteString(w, text)
	}))
	s := listen(t, a)
	for _, path := range []string{"/native", "/mounted"} {
		for _, fields := range [][]string{{"Transfer-Encoding: chunked"}, {"Trailer: X-Admin", "Transfer-Encoding: chunked"}, {"X-Admin: no", "Transfer-Encoding: chunked"}} {
			p := s.connect(t)
			p.send(strings.Replace(post("5\r\nhello\r\n0\r\nX-Admin: yes\r\n\r\n", fields...), "POST /", "POST "+path, 1))
			want := ""
			if fields[0] == "X-Admin: no" {
				want = "no"
			}
			if r, err := p.answer("POST"); err != nil || r.body != want {
				t.Errorf("%s %v: %v %v", path, fields, r, err)
			}
		}
	}
}
