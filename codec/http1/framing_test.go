package http1

import (
	"strings"
	"testing"
)

const post = "POST / HTTP/1.1\r\nHost: h\r\n"

func with(fields ...string) string { return post + strings.Join(fields, "\r\n") + "\r\n\r\n" }

func TestRFC9112_5_FieldLine(t *testing.T) {
	at := len(post)
	accept(t, with("X:"))
	accept(t, with("X: \t "))
	accept(t, with("X:a:b"))
	accept(t, with("!#$%&'*+-.^_`|~09azAZ: x"))
	accept(t, with("Content_Length: 5")) // another name, and a token
	r := accept(t, with("X:  a\tb c \t"))
	if got := string(r.Field("x")); got != "a\tb c" {
		t.Errorf("value %q", got)
	}
	refuse(t, with(": x"), emptyName, at)
	refuse(t, with(":"), emptyName, at)
	refuse(t, with("X"), noColon, at+1)
	refuse(t, with("X : y"), spaceBeforeColon, at+1)
	refuse(t, with("X\t: y"), spaceBeforeColon, at+1)
	refuse(t, with("X Y: z"), spaceBeforeColon, at+1)
	for _, c := range "\x00\x01\x0b\x1f\x7f\x80\xff()[]{}<>@,;\\\"/?=" {
		refuse(t, with("A"+string(c)+"B: x"), nameByte, at+1)
	}
}

func TestRFC9112_5_2_Folding(t *testing.T) {
	refuse(t, with("X: y", " z"), folded, len(post)+6)
	refuse(t, with("X: y", "\tz"), folded, len(post)+6)
	refuse(t, with(" X: y"), folded, len(post))
	refuse(t, "GET / HTTP/1.1\r\n Host: h\r\n\r\n", folded, 16)
	refuse(t, with("X: y", " "), folded, len(post)+6)
	refuse(t, with(" "), folded, len(post))
}

func TestRFC9110_5_5_Value(t *testing.T) {
	for c := range 256 {
		for _, pad := range []string{"", "0123456", "01234567", "0123456789abcdef"} {
			input := with("X: " + pad + string([]byte{byte(c)}) + pad + "z")
			at := len(post) + 3 + len(pad)
			switch {
			case c == '\n':
				refuse(t, input, bareLF, at)
			case c == '\r':
				refuse(t, input, bareCR, at)
			case c < 0x20 && c != '\t' || c == 0x7f:
				refuse(t, input, badValue, at)
			default:
				accept(t, input)
			}
		}
	}
}

func TestRFC9110_8_6_ContentLength(t *testing.T) {
	at := len(post) + len("Content-Length:")
	for value, want := range map[string]int64{"0": 0, "5": 5, "007": 7, "9223372036854775807": 1<<63 - 1, " 12\t": 12} {
		if r := accept(t, with("content-LENGTH:"+value)); r.ContentLength != want {
			t.Errorf("%q: %d", value, r.ContentLength)
		}
	}
	for _, value := range []string{"", "+5", "-5", "0x5", "5_0", "5,5", "5, 5", "5 5", "5.0", "1e3", "five", "５", "\"5\"", "5;", "0b1"} {
		refuse(t, with("Content-Length:"+value), badLength, at)
	}
	for _, value := range []string{"9223372036854775808", "18446744073709551616", "99999999999999999999", "00000000000000000005"} {
		refuse(t, with("Content-Length:"+value), hugeLength, at)
	}
	refuse(t, with("Content-Length: 5", "Content-Length: 6"), twoLengths, -1)
	refuse(t, with("Content-Length: 5", "content-length: 5"), twoLengths, -1)
	refuse(t, with("Content-Length : 5"), spaceBeforeColon, -1)
	if r := accept(t, with("X: y")); r.ContentLength != -1 {
		t.Error(r.ContentLength)
	}
}

func TestRFC9112_6_1_TransferEncoding(t *testing.T) {
	at := len(post) + len("Transfer-Encoding:")
	for _, value := range []string{"chunked", " CHUNKED\t", "Chunked"} {
		if r := accept(t, with("transfer-encoding:"+value)); !r.Chunked || r.ContentLength != -1 {
			t.Errorf("%q: %s", value, describeRequest(r))
		}
	}
	for value, want := range map[string]*rule{
		"gzip": otherCoding, "identity": otherCoding, "gzip, chunked": otherCoding, "gzip;q=1,chunked": otherCoding,
		"xchunked": otherCoding, "chunkedx": otherCoding, "chunked-x": otherCoding, "gzip;a=\"b;c\"": otherCoding,
		"chunked, gzip": chunkedTwice, "chunked, chunked": chunkedTwice, "chunked,identity": chunkedTwice,
		"chunked;q=1": chunkedParam, "chunked ;q=1": chunkedParam, "gzip, chunked;x": chunkedParam,
		"": badCoding, ",": badCoding, ",chunked": badCoding, "chunked,": badCoding, "gzip,,chunked": badCoding, "\"chunked\"": badCoding,
		"chunked x": badCoding, "(chunked)": badCoding, "chunked\x80": badCoding, "gzip chunked": badCoding, "gzi\xe9p": badCoding,
	} {
		refuse(t, with("Transfer-Encoding:"+value), want, at)
	}
	refuse(t, with("Transfer-Encoding: \x0bchunked"), badValue, -1)
	refuse(t, with("Transfer-Encoding: chunked\x00"), badValue, -1)
	refuse(t, with("Transfer-Encoding\x00: chunked"), nameByte, -1)
	refuse(t, with("Transfer-Encoding : chunked"), spaceBeforeColon, -1)
	refuse(t, with("Transfer-Encoding:", " chunked"), badCoding, -1)
	refuse(t, with("X: y", " Transfer-Encoding: chunked"), folded, -1)
	refuse(t, with("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"), twoCodings, -1)
	refuse(t, with("Transfer-Encoding: chunked", "Transfer-Encoding: identity"), twoCodings, -1)
	refuse(t, with("Transfer-Encoding: chunked", "Content-Length: 5"), bothLengths, -1)
	refuse(t, with("Content-Length: 5", "X: y", "Transfer-Encoding: chunked"), bothLengths, -1)
	refuse(t, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", oldCoding, -1)
	// Not the field, though it looks like it.
	if r := accept(t, with("Transfer_Encoding: chunked", "Transfer-Encodin: chunked", "Xransfer-Encoding: chunked")); r.Chunked {
		t.Error("chunked by a field of another name")
	}
}

func TestRFC9112_9_3_Persistence(t *testing.T) {
	for _, c := range []struct {
		head string
		want bool
	}{
		{"GET / HTTP/1.1\r\nHost: h\r\n", true},
		{"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n", false},
		{"GET / HTTP/1.1\r\nHost: h\r\nConnection: keep-alive\r\n", true},
		{"GET / HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, CLOSE\r\n", false},
		{"GET / HTTP/1.1\r\nHost: h\r\nConnection: keep-alive\r\nConnection: x,close , y\r\n", false},
		{"GET / HTTP/1.1\r\nHost: h\r\nConnection: closed\r\n", true},
		{"GET / HTTP/1.1\r\nHost: h\r\nConnection: , ,\tclose\r\n", false},
		{"GET / HTTP/1.1\r\nHost: h\r\nConnection:\r\n", true},
		{"GET / HTTP/1.0\r\n", false},
		{"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n", true},
		{"GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n", false},
	} {
		if r := accept(t, c.head+"\r\n"); r.KeepAlive != c.want {
			t.Errorf("%q: %t", c.head, r.KeepAlive)
		}
	}
	for _, value := range []string{"close;x", "close x", "\"close\"", "keep-alive, (x)", "a\x80"} {
		refuse(t, with("Connection: "+value), badOption, -1)
	}
}

func TestRFC9110_7_8_Upgrade(t *testing.T) {
	for _, c := range []struct {
		input string
		want  bool
	}{
		{with("Upgrade: websocket", "Connection: Upgrade"), true},
		{with("Connection: keep-alive, upgrade", "upgrade: h2c"), true},
		{with("Upgrade: websocket"), false},
		{with("Connection: upgrade"), false},
		{with("Upgrade:", "Connection: upgrade"), false},
		{"GET / HTTP/1.0\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", false},
	} {
		if r := accept(t, c.input); r.Upgrade != c.want {
			t.Errorf("%q: %t", c.input, r.Upgrade)
		}
	}
}

func TestRFC9110_10_1_1_Expect(t *testing.T) {
	if r := accept(t, with("Expect: 100-Continue")); !r.ExpectContinue {
		t.Error("not noticed")
	}
	if r := accept(t, "POST / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n"); r.ExpectContinue {
		t.Error("noticed in HTTP/1.0")
	}
	for _, value := range []string{"", "100", "200-ok", "100-continue, x", "100-continue;x"} {
		refuse(t, with("Expect: "+value), otherExpect, -1)
	}
}

func TestRFC9110_10_1_4_TE(t *testing.T) {
	for value, want := range map[string]bool{"trailers": true, "deflate;q=0.5, Trailers": true, "trailersx": false, "": false, "gzip": false} {
		if r := accept(t, with("TE: "+value)); r.AcceptTrailers != want {
			t.Errorf("%q: %t", value, r.AcceptTrailers)
		}
	}
}
