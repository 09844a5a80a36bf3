package conformance

import "testing"

// post makes a POST of fields, each a line without its end, and what follows the head.
func post(rest string, fields ...string) string {
	s := "POST / HTTP/1.1\r\nHost: x\r\n"
	for _, f := range fields {
		s += f + "\r\n"
	}
	return s + "\r\n" + rest
}

// saw is what the handler sees of post with that body.
func saw(body string) string { return seen("POST", "/", []byte(body)) }

func TestRFC9110_8_6_ContentLength(t *testing.T) {
	vectors := []vector{
		taken("none", post(""), saw("")),
		taken("zero", post("", "Content-Length: 0"), saw("")),
		taken("plain", post("hello", "Content-Length: 5"), saw("hello")),
		taken("leading zeros", post("hello", "Content-Length: 0005"), saw("hello")),
		taken("blanks around", post("hello", "Content-Length: \t 5 \t"), saw("hello")),
		taken("no blank", post("hello", "Content-Length:5"), saw("hello")),
		taken("name in upper case", post("hello", "CONTENT-LENGTH: 5"), saw("hello")),
		taken("GET with a body", "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", `GET / "abc"`),
		taken("body like a request", post(behind, "Content-Length: 33"), saw(behind)),
	}
	for name, value := range map[string]string{
		"empty": "", "blank": " ", "plus": "+5", "minus": "-5", "minus zero": "-0", "hex": "0x5",
		"underscore": "1_0", "fraction": "5.0", "exponent": "5e0", "words": "five", "blank inside": "5 5", "tab inside": "5\t5",
		"list": "5, 5", "conflicting list": "5, 6", "list that is empty": ",", "list with a comma behind": "5,",
		"semicolon": "5;", "quoted": `"5"`, "letter behind": "5a", "NBSP": "5\xa0", "full-width digit": "\xef\xbc\x95",
		"Arabic digit": "\xd9\xa5", "vertical tab": "\x0b5", "form feed": "5\x0c", "NUL": "5\x00",
		"63 bits and one": "9223372036854775808", "64 bits": "18446744073709551615", "64 bits and six": "18446744073709551621",
		"32 bits and more, far beyond": "4294967301000000000000", "twenty digits, small": "00000000000000000005",
	} {
		vectors = append(vectors, refused(name, post("hello", "Content-Length: "+value), 400))
	}
	conform(t, "RFC 9110 section 8.6", vectors)
}

func TestRFC9112_6_3_TwoLengths(t *testing.T) {
	conform(t, "RFC 9112 section 6.3", []vector{
		refused("twice the same", post("hello", "Content-Length: 5", "Content-Length: 5"), 400),
		refused("conflicting", post("hello", "Content-Length: 5", "Content-Length: 6"), 400),
		refused("conflicting, zero first", post("hello", "Content-Length: 0", "Content-Length: 5"), 400),
		refused("conflicting, empty first", post("hello", "Content-Length:", "Content-Length: 5"), 400),
		refused("apart, other case", post("hello", "Content-Length: 5", "A: b", "content-length: 5"), 400),
		refused("three", post("hello", "Content-Length: 5", "Content-Length: 5", "Content-Length: 5"), 400),
		refused("in HTTP/1.0", "POST / HTTP/1.0\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 400),
	})
}

// Content-Length beside Transfer-Encoding is how requests are smuggled (RFC 9112 section
// 11.2): refused in either order and whatever they say.
func TestRFC9112_6_1_LengthBesideCoding(t *testing.T) {
	const chunks = "5\r\nhello\r\n0\r\n\r\n"
	conform(t, "RFC 9112 section 6.1", []vector{
		refused("length first", post(chunks, "Content-Length: 15", "Transfer-Encoding: chunked"), 400),
		refused("length last", post(chunks, "Transfer-Encoding: chunked", "Content-Length: 15"), 400),
		refused("CL.TE", post("0\r\n\r\n"+behind, "Content-Length: 39", "Transfer-Encoding: chunked"), 400),
		refused("TE.CL", post("22\r\n"+behind+"\r\n0\r\n\r\n", "Transfer-Encoding: chunked", "Content-Length: 4"), 400),
		refused("CL.0", post(behind, "Content-Length: 0", "Transfer-Encoding: chunked"), 400),
		refused("apart", post(chunks, "Content-Length: 15", "A: b", "Transfer-Encoding: chunked"), 400),
		refused("empty length", post(chunks, "Transfer-Encoding: chunked", "Content-Length:"), 400),
		refused("identity", post("hello", "Content-Length: 5", "Transfer-Encoding: identity"), 400),
		refused("empty coding", post("hello", "Content-Length: 5", "Transfer-Encoding:"), 400),
		refused("in HTTP/1.0", "POST / HTTP/1.0\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"+chunks, 400),
	})
}

func TestRFC9112_6_1_TransferEncoding(t *testing.T) {
	const chunks = "5\r\nhello\r\n0\r\n\r\n"
	coding := func(name, value string, status int) vector {
		return refused(name, post(chunks, "Transfer-Encoding: "+value), status)
	}
	conform(t, "RFC 9112 section 6.1", []vector{
		taken("chunked", post(chunks, "Transfer-Encoding: chunked"), saw("hello")),
		taken("upper case", post(chunks, "TRANSFER-ENCODING: CHUNKED"), saw("hello")),
		taken("mixed case", post(chunks, "tRANSFER-eNCODING: cHuNkEd"), saw("hello")),
		taken("blanks around", post(chunks, "Transfer-Encoding: \tchunked \t"), saw("hello")),
		taken("GET", "GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"+chunks, `GET / "hello"`),

		coding("unknown", "gzip", 501),
		coding("unknown before", "gzip, chunked", 501),
		coding("identity", "identity", 501),
		coding("identity before", "identity, chunked", 501),
		coding("look-alike", "xchunked", 501),
		coding("look-alike behind", "chunkedx", 501),
		coding("short", "chunke", 501),
		coding("x-chunked", "x-chunked", 501),
		coding("empty", "", 400),
		coding("comma", ",", 400),
		coding("comma before", ", chunked", 400),
		coding("comma behind", "chunked,", 400),
		coding("chunked not last", "chunked, gzip", 400),
		coding("chunked, identity", "chunked, identity", 400),
		coding("chunked twice", "chunked, chunked", 400),
		coding("chunked twice without blank", "chunked,chunked", 400),
		coding("two words", "chunked chunked", 400),
		coding("parameter", "chunked;q=1", 400),
		coding("parameter without value", "chunked;", 400),
		coding("quoted", `"chunked"`, 400),
		coding("in apostrophes", "'chunked'", 501),
		coding("NUL behind", "chunked\x00", 400),
		coding("NUL before", "\x00chunked", 400),
		coding("vertical tab before", "\x0bchunked", 400),
		coding("vertical tab behind", "chunked\x0b", 400),
		coding("form feed behind", "chunked\x0c", 400),
		coding("DEL behind", "chunked\x7f", 400),
		coding("bare CR behind", "chunked\r", 400),
		coding("bare CR before", "\rchunked", 400),
		coding("bare LF before", "\nchunked", 400),
		coding("NBSP before", "\xa0chunked", 400),
		coding("8-bit letter", "chunk\xe9d", 400),
		coding("Kelvin sign", "chun\xe2\x84\xaaed", 400),
		coding("folded", "\r\n chunked", 400),
		coding("folded behind", "chunked\r\n , identity", 400),

		refused("twice", post(chunks, "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"), 400),
		refused("twice, identity first", post(chunks, "Transfer-Encoding: identity", "Transfer-Encoding: chunked"), 501),
		refused("twice, empty first", post(chunks, "Transfer-Encoding:", "Transfer-Encoding: chunked"), 400),
		refused("twice, unknown last", post(chunks, "Transfer-Encoding: chunked", "Transfer-Encoding: cow"), 400),
		refused("HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"+chunks, 400),
		refused("HTTP/1.0, keep-alive", "POST / HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n"+chunks, 400),
		refused("HTTP/1.0, unknown", "POST / HTTP/1.0\r\nTransfer-Encoding: gzip\r\n\r\n", 400),
	})
}

// A name that only looks like Transfer-Encoding frames nothing if it is a token, and is
// refused if it is none: another server might take it for the real one.
func TestRFC9112_6_1_LookAlikes(t *testing.T) {
	const chunks = "5\r\nhello\r\n0\r\n\r\n"
	var vectors []vector
	for _, name := range []string{"Transfer_Encoding", "Transfer-Encodin", "Transfer-Encodings", "X-Transfer-Encoding", "TransferEncoding", "Transfer--Encoding", "Tr4nsfer-Encoding", "Transfer-Encoding-"} {
		vectors = append(vectors, taken(name, post("", name+": chunked"), saw("")))
	}
	for _, name := range []string{
		"Transfer-Encoding ", "Transfer-Encoding\t", "Transfer -Encoding", " Transfer-Encoding", "\tTransfer-Encoding",
		"Transfer-Encoding\x00", "\x00Transfer-Encoding", "Transfer-Encoding\x0b", "Transfer-Encoding\x0c", "Transfer\xe2\x80\x90Encoding", "Transfer-\xef\xbc\xa5ncoding",
		"Transfer-Encoding\r", "\rTransfer-Encoding", "Transfer-Encoding\xa0", "\"Transfer-Encoding\"", "Transfer-Encoding;", "(Transfer-Encoding)", "Transfer/Encoding", "Transfer-Encoding\x7f", "Transfer\\-Encoding",
	} {
		vectors = append(vectors, refused(name, post(chunks, name+": chunked"), 400))
	}
	for _, name := range []string{"Content_Length", "Content-Lengt", "Content-Lengths", "X-Content-Length", "ContentLength"} {
		vectors = append(vectors, taken(name, post("", name+": 100"), saw("")))
	}
	for _, name := range []string{"Content-Length ", "Content-Length\t", " Content-Length", "Content-Length\x00", "Content-Length\x0b", "Content\xe2\x80\x90Length", "Content Length"} {
		vectors = append(vectors, refused(name, post("hello", name+": 5"), 400))
	}
	conform(t, "RFC 9112 section 6.1", vectors)
}
