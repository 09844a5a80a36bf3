package conformance

import "testing"

// get makes a GET of lines behind the Host field, as they are.
func get(lines string) string { return "GET / HTTP/1.1\r\nHost: x\r\n" + lines + "\r\n" }

const sawGet = `GET / ""`

func TestRFC9112_2_2_LineEnds(t *testing.T) {
	conform(t, "RFC 9112 section 2.2", []vector{
		refused("bare LF behind a field", get("A: b\nC: d\r\n"), 400),
		refused("bare LF behind the last field", "GET / HTTP/1.1\r\nHost: x\n\r\n", 400),
		refused("bare LF as the blank line", "GET / HTTP/1.1\r\nHost: x\r\n\n", 400),
		refused("bare LF everywhere", "GET / HTTP/1.1\nHost: x\n\n", 400),
		refused("LF, CR", "GET / HTTP/1.1\n\rHost: x\n\r\n\r", 400),
		refused("bare CR behind a field", get("A: b\rC: d\r\n"), 400),
		refused("bare CR as the blank line", "GET / HTTP/1.1\r\nHost: x\r\n\rA", 400),
		refused("CR twice", get("A: b\r\r\n"), 400),
		refused("CR twice before the blank line", "GET / HTTP/1.1\r\nHost: x\r\n\r\r\n", 400),
		refused("bare CR in a value", get("A: b\rc\r\n"), 400),
		refused("bare CR in a name", get("A\rB: c\r\n"), 400),
		refused("bare LF in a name", get("A\nB: c\r\n"), 400),
		refused("bare CR before the colon", get("A\r: b\r\n"), 400),
		refused("bare CR behind the colon", get("A:\rb\r\n"), 400),
		refused("bare LF behind the colon", get("A:\nb\r\n"), 400),
		refused("bare LF hides a request", get("A: b\n\nGET /hidden HTTP/1.1\r\n"), 400),
		refused("bare CR hides a length", post("hello", "A: b\rContent-Length: 5"), 400),
		refused("NEL", get("A: b\x85\nC: d\r\n"), 400),
	})
}

func TestRFC9112_5_2_ObsFold(t *testing.T) {
	conform(t, "RFC 9112 section 5.2", []vector{
		refused("blank", get("A: b\r\n c\r\n"), 400),
		refused("tab", get("A: b\r\n\tc\r\n"), 400),
		refused("only a blank", get("A: b\r\n \r\n"), 400),
		refused("behind the request line", "GET / HTTP/1.1\r\n A: b\r\nHost: x\r\n\r\n", 400),
		refused("tab behind the request line", "GET / HTTP/1.1\r\n\tHost: x\r\n\r\n", 400),
		refused("hides a length", post("hello", "A: b", " Content-Length: 5"), 400),
		refused("length", post("hello", "Content-Length:", " 5"), 400),
		refused("coding", post("0\r\n\r\n", "Transfer-Encoding:", " chunked"), 400),
		refused("bare LF", get("A: b\n c\r\n"), 400),
		refused("vertical tab", get("A: b\r\n\x0bc: d\r\n"), 400),
	})
}

func TestRFC9112_5_1_FieldLine(t *testing.T) {
	vectors := []vector{
		taken("blanks around the value", get("A: \t b \t \r\n"), sawGet),
		taken("no blank", get("A:b\r\n"), sawGet),
		taken("empty value", get("A:\r\n"), sawGet),
		taken("value of blanks", get("A: \t \r\n"), sawGet),
		taken("colons in the value", get("A: :b:c\r\n"), sawGet),
		taken("every byte of a token", get("!#$%&'*+-.^_`|~09azAZ: b\r\n"), sawGet),
		taken("same name twice", get("A: b\r\nA: c\r\n"), sawGet),
		refused("blank before the colon", get("A : b\r\n"), 400),
		refused("tab before the colon", get("A\t: b\r\n"), 400),
		refused("blanks before the colon", get("A  : b\r\n"), 400),
		refused("blank in the name", get("A B: c\r\n"), 400),
		refused("no colon", get("A\r\n"), 400),
		refused("no colon but a value", get("A b\r\n"), 400),
		refused("empty name", get(": b\r\n"), 400),
		refused("empty name, blank", get(" : b\r\n"), 400),
		refused("only a colon", get(":\r\n"), 400),
		refused("request line twice", "GET / HTTP/1.1\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", 400),
	}
	for _, c := range "\x00\x01\x08\x0b\x0c\x0e\x1f\x7f\"(),/;<=>?@[\\]{}" {
		vectors = append(vectors, refused("name with "+string(c), get("A"+string(c)+"B: c\r\n"), 400))
	}
	for _, c := range []string{"\x80", "\xa0", "\xe9", "\xff", "\xc3\xa9"} {
		vectors = append(vectors, refused("name with "+c, get("A"+c+": b\r\n"), 400), refused("name begins with "+c, get(c+"A: b\r\n"), 400))
	}
	conform(t, "RFC 9112 section 5.1", vectors)
}

func TestRFC9110_5_5_FieldValue(t *testing.T) {
	vectors := []vector{
		taken("8-bit bytes", get("A: \x80\xff\xe9\r\n"), sawGet),
		taken("UTF-8", get("A: caf\xc3\xa9\r\n"), sawGet),
		taken("tab inside", get("A: b\tc\r\n"), sawGet),
		taken("all that is visible", get("A: !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~\r\n"), sawGet),
	}
	for c := range byte(0x20) {
		if c != '\t' && c != '\r' && c != '\n' {
			vectors = append(vectors, refused("control byte", get("A: b"+string(rune(c))+"c\r\n"), 400))
		}
	}
	vectors = append(vectors,
		refused("DEL", get("A: b\x7fc\r\n"), 400),
		refused("NUL first", get("A: \x00b\r\n"), 400),
		refused("NUL last", get("A: b\x00\r\n"), 400),
		refused("NUL behind the colon", get("A:\x00\r\n"), 400),
		refused("NUL in a cookie", get("Cookie: a=b\x00\r\n"), 400))
	conform(t, "RFC 9110 section 5.5", vectors)
}

func TestRFC9110_7_6_1_Connection(t *testing.T) {
	vectors := []vector{
		taken("keep-alive", get("Connection: keep-alive\r\n"), sawGet),
		taken("other option", get("Connection: x, y\r\n"), sawGet),
		taken("empty elements", get("Connection: , ,x,\r\n"), sawGet),
		taken("names the length", post("hello", "Content-Length: 5", "Connection: Content-Length"), saw("hello")),
		refused("no token", get("Connection: a b\r\n"), 400),
		refused("quoted", get("Connection: \"close\"\r\n"), 400),
		refused("parameter", get("Connection: close;a\r\n"), 400),
	}
	for _, option := range []string{"close", "CLOSE", "close, keep-alive", "keep-alive, close", "x,close,y", " close\t"} {
		vectors = append(vectors, vector{option, get("Connection:" + option + "\r\n"), 200, sawGet, false})
	}
	vectors = append(vectors,
		vector{"two fields", get("Connection: keep-alive\r\nConnection: close\r\n"), 200, sawGet, false},
		vector{"HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", 200, sawGet, false},
		vector{"HTTP/1.0, close and keep-alive", "GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", 200, sawGet, false},
		vector{"HTTP/1.0 with a body", "POST / HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello", 200, saw("hello"), false},
		vector{"HTTP/1.0, keep-alive", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 200, sawGet, true},
		vector{"close with a body", post("hello", "Content-Length: 5", "Connection: close"), 200, saw("hello"), false})
	conform(t, "RFC 9110 section 7.6.1", vectors)
}
