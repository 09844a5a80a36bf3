package conformance

import (
	"fmt"
	"strings"
	"testing"
)

// Attacks as a whole, as they were found in other servers: a request that is hidden from
// one of two readings of the same bytes (RFC 9112 section 11.2). The tables of the sections
// have each broken rule by itself; here the bytes behind it would be a request to whoever
// mends it. docs/SECURITY.md says where each class was found.

// hidden has 33 bytes, as behind.
const hidden = "GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n"

// sized is data as a chunk.
func sized(data string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(data), data) }

// Two readings of where the line of a chunk's size ends, or of what stands behind its data:
// one sees a body that goes on, the other its last chunk with the hidden request behind it.
// The chunk with the hidden request has a size of two digits, since in the other reading
// these are the data.
func TestRFC9112_11_2_Chunks(t *testing.T) {
	rest := sized("0\r\n\r\n"+hidden) + "0\r\n\r\n"
	var vectors []vector
	for what, end := range map[string]string{
		"LF": "\n", "CR": "\r", "CR CR LF": "\r\r\n", "LF CR": "\n\r", "LF LF": "\n\n", "NUL": "\x00", "vertical tab": "\x0b", "form feed": "\x0c",
		"NEL": "\x85", "NEL in UTF-8": "\xc2\x85", "line separator": "\xe2\x80\xa8", "record separator": "\x1e",
	} {
		vectors = append(vectors,
			broken("extension, ended by "+what, "2;"+end+"xx\r\n"+rest),
			broken("extension with a name, ended by "+what, "2;a"+end+"xx\r\n"+rest),
			broken("extension with a value, ended by "+what, "2;a=b"+end+"xx\r\n"+rest),
			broken("extension in quotes, with "+what, "2;a=\""+end+"xx\r\n"+rest),
			broken("size, ended by "+what, "2"+end+"xx\r\n"+rest),
			broken("last size, ended by "+what, "0"+end+"\r\n"+hidden),
			broken("data, ended by "+what, "5\r\nhello"+end+rest),
			broken("trailer, ended by "+what, "0\r\nA: b"+end+"\r\n"+hidden))
	}
	for what, spill := range map[string]string{"nothing": "", "one byte": "X", "two bytes": "XY", "three bytes": "XYZ", "LF and a byte": "\nX", "a byte and LF": "X\n", "CR and a byte": "\rX"} {
		vectors = append(vectors, broken("data, and then "+what, "5\r\nhello"+spill+rest))
	}
	conform(t, "RFC 9112 section 11.2", append(vectors,
		broken("quotes around the end of the line", "1;a=\"\r\nX\r\n0\r\n\r\n"+hidden+"\"\r\nY\r\n0\r\n\r\n"),
		broken("escape before the end of the line", "1;a=\"\\\r\nX\r\n0\r\n\r\n"+hidden),
		broken("escaped quote before the end of the line", "1;a=\"\\\"\r\nX\r\n0\r\n\r\n"+hidden),
		broken("size that wraps at 32 bits, negative", "fffffffffffffffe\r\nxx\r\n0\r\n\r\n"+hidden),
		broken("size that wraps at 64 bits to 0", "10000000000000000\r\n\r\n"+hidden),
		broken("minus sign", "-1\r\nxx\r\n0\r\n\r\n"+hidden),
		broken("0x, of which one reads the 0", "0x5\r\nhello\r\n0\r\n\r\n"+hidden),
		broken("underscore", "1_0\r\n"+hidden),
		broken("no last chunk", "5\r\nhello\r\n\r\n"+hidden),
		broken("no blank line", "0\r\n"+hidden),
		broken("LF for the blank line", "0\r\n\n"+hidden),
		broken("CR for the blank line", "0\r\n\r"+hidden),
		broken("blank before the blank line", "0\r\n \r\n"+hidden),
		broken("framing in the trailer section", "0\r\nContent-Length: 33\r\n\r\n"+hidden),
		broken("coding in the trailer section", "0\r\nTransfer-Encoding: chunked\r\n\r\n"+hidden),
		vector{"trailer section beyond its limit", chunks("0\r\nA: " + strings.Repeat("b", 8200) + "\r\n\r\n" + hidden), 431, badBody, false}))
}

// Two readings of which field has the length.
func TestRFC9112_11_2_Lengths(t *testing.T) {
	const size, te = "Content-Length: 33", "Transfer-Encoding: chunked"
	var vectors []vector
	refuse := func(name string, status int, fields ...string) {
		vectors = append(vectors, refused(name, post(hidden, fields...), status))
	}
	refuse("length behind a bare CR", 400, "A: b\r"+size)
	refuse("length behind a bare LF", 400, "A: b\n"+size)
	refuse("length behind a bare CR in an empty value", 400, "A:\r"+size)
	refuse("length behind a bare LF in an empty value", 400, "A:\n"+size)
	refuse("length behind LF CR", 400, "A: b\n\r"+size)
	refuse("length in a folded line", 400, "A: b", " "+size)
	refuse("length in a folded first line", 400, "\t"+size)
	refuse("length on a line of its own", 400, "Content-Length:", "\t33")
	refuse("name on a line of its own", 400, "Content-Length", " : 33")
	refuse("CR for the hyphen", 400, "Content\rLength: 33")
	refuse("LF for the hyphen", 400, "Content\nLength: 33")
	refuse("blank for the hyphen", 400, "Content Length: 33")
	refuse("length behind an empty name", 400, ": b", size)
	refuse("length behind a line without colon", 400, "A", size)
	refuse("length behind a name of NUL", 400, "\x00: b", size)
	refuse("CR for the hyphen of the coding", 400, "Transfer\rEncoding: chunked", size)
	refuse("coding behind a bare CR", 400, size, "A: b\r"+te)
	refuse("coding behind a bare LF", 400, size, "A: b\n"+te)
	refuse("coding with a blank before the colon", 400, size, "Transfer-Encoding : chunked")
	refuse("coding in a folded line", 400, size, "A: b", " "+te)
	refuse("coding twice, the last unknown", 400, te, "Transfer-Encoding: x", size)
	refuse("codings run together", 501, "Transfer-Encoding: chunkedchunked")
	refuse("codings on two lines", 501, "Transfer-Encoding: gzip", te)
	refuse("chunked before chunked with a letter more", 400, "Transfer-Encoding: chunked, chunkedx")
	refuse("unknown in between", 400, "Transfer-Encoding: chunked, x, chunked")
	refuse("length beside an unknown coding", 400, size, "Transfer-Encoding: x")
	refuse("length that is no number beside the coding", 400, "Content-Length: x", te)
	refuse("list of lengths, the same", 400, "Content-Length: 33, 33")
	refuse("list of lengths, with 0", 400, "Content-Length: 0, 33")
	for what, c := range map[string]string{
		"vertical tab": "\x0b", "form feed": "\x0c", "file separator": "\x1c", "group separator": "\x1d", "record separator": "\x1e", "unit separator": "\x1f", "backspace": "\x08",
		"NEL": "\x85", "NEL in UTF-8": "\xc2\x85", "NBSP": "\xa0", "NBSP in UTF-8": "\xc2\xa0", "ideographic space": "\xe3\x80\x80", "zero width space": "\xe2\x80\x8b", "byte order mark": "\xef\xbb\xbf",
	} {
		refuse(what+" before the length", 400, "Content-Length: "+c+"33")
		refuse(what+" behind the length", 400, "Content-Length: 33"+c)
		refuse(what+" before the coding", 400, "Transfer-Encoding: "+c+"chunked")
		refuse(what+" behind the coding", 400, "Transfer-Encoding: chunked"+c)
		refuse(what+" before the colon", 400, "Content-Length"+c+": 33")
		refuse(what+" before the name", 400, c+"Transfer-Encoding: chunked")
	}
	// Names whose length a counter of eight bits takes for that of a field that frames.
	for _, name := range []string{"Content-Length", "Transfer-Encoding"} {
		name += strings.Repeat("a", 256)
		vectors = append(vectors, taken("name 256 bytes longer", post("", name+": 33"), saw("")))
	}
	conform(t, "RFC 9112 section 11.2", vectors)
}

// A body is a body with every method and whoever replies: what is in it is never a request,
// though nobody reads it (in the words of those who look for it, CL.0).
func TestRFC9112_11_2_UnreadBodies(t *testing.T) {
	with := func(method, target, fields, body string) string {
		return method + " " + target + " HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n" + body
	}
	length := fmt.Sprintf("Content-Length: %d\r\n", len(hidden))
	const coding = "Transfer-Encoding: chunked\r\n"
	chunked := sized(hidden) + "0\r\n\r\n"
	var vectors []vector
	for _, method := range []string{"GET", "HEAD", "DELETE", "OPTIONS", "PATCH", "PUT"} {
		saw := seen(method, "/unread", nil)
		vectors = append(vectors,
			taken(method, with(method, "/unread", length, hidden), saw),
			taken(method+", chunked", with(method, "/unread", coding, chunked), saw),
			vector{method + ", failed", with(method, "/fail", length, hidden), 500, failure, true},
			vector{method + ", last", with(method, "/unread", length+"Connection: close\r\n", hidden), 200, saw, false},
			vector{method + ", HTTP/1.0", strings.Replace(with(method, "/unread", length, hidden), "HTTP/1.1", "HTTP/1.0", 1), 200, saw, false},
			vector{method + ", expected", with(method, "/unread", length+"Expect: 100-continue\r\n", hidden), 200, saw, false},
			taken(method+", upgrade", with(method, "/unread", length+"Connection: upgrade\r\nUpgrade: h2c\r\n", hidden), saw))
	}
	conform(t, "RFC 9112 section 11.2", append(vectors,
		vector{name: "no such method", sent: with("BREW", "/", length, hidden), status: 405, lives: true},
		vector{name: "no such method, chunked", sent: with("BREW", "/", coding, chunked), status: 405, lives: true},
		vector{name: "server-wide OPTIONS", sent: with("OPTIONS", "*", length, hidden), status: 204, lives: true},
		vector{"panic", with("POST", "/panic", length, hidden), 500, failure, false},
		vector{"too large", with("POST", "/", "Content-Length: 4194305\r\n", hidden), 413, badBody, false},
		refused("TRACE", with("TRACE", "/unread", length, hidden), 400),
		refused("another expectation", with("POST", "/", length+"Expect: x\r\n", hidden), 417)))
}

// What an obfuscated expectation is to one reader and not to the other: nobody knows
// whether the body comes.
func TestRFC9110_10_1_1_Obfuscated(t *testing.T) {
	of := func(name, field string, status int) vector {
		return refused(name, post(hidden, "Content-Length: 33", field), status)
	}
	conform(t, "RFC 9110 section 10.1.1", []vector{
		taken("blanks around", post(hidden, "Content-Length: 33", "Expect: \t100-continue \t"), saw(hidden)),
		taken("of a GET with a body", "GET / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 33\r\n\r\n"+hidden, seen("GET", "/", []byte(hidden))),
		of("word before", "Expect: y 100-continue", 417),
		of("word behind", "Expect: 100-continue y", 417),
		of("letter behind", "Expect: 100-continuey", 417),
		of("twice in a list", "Expect: 100-continue, 100-continue", 417),
		of("comma", "Expect: 100-continue,", 417),
		of("quoted", "Expect: \"100-continue\"", 417),
		of("blank inside", "Expect: 100 -continue", 417),
		of("only the number", "Expect: 100", 417),
		of("NBSP", "Expect: \xa0100-continue", 417),
		of("vertical tab", "Expect: \x0b100-continue", 400),
		of("NUL", "Expect: 100-continue\x00", 400),
		of("bare CR", "Expect:\r100-continue", 400),
		of("bare LF", "Expect:\n100-continue", 400),
		of("folded", "Expect:\r\n 100-continue", 417),
		of("blank before the colon", "Expect : 100-continue", 400),
		of("two fields, the other first", "Expect: x\r\nExpect: 100-continue", 417),
		of("two fields, the other last", "Expect: 100-continue\r\nExpect: x", 417),
	})
}

// Lists without end in fields that are read as lists: each byte is read once.
func TestRFC9110_5_6_1_LongLists(t *testing.T) {
	const n = 16 << 10
	conform(t, "RFC 9110 section 5.6.1", []vector{
		taken("empty options", get("Connection: "+strings.Repeat(",", n)+"\r\n"), sawGet),
		taken("options", get("Connection: "+strings.Repeat("a,", n)[:n]+"\r\n"), sawGet),
		taken("TE", get("TE: "+strings.Repeat("a;q=0,", n)[:n]+"\r\n"), sawGet),
		taken("Upgrade", get("Connection: upgrade\r\nUpgrade: "+strings.Repeat("a,", n)[:n]+"\r\n"), sawGet),
		taken("blanks in a value", get("A: b"+strings.Repeat(" ", n)+"c\r\n"), sawGet),
		taken("blanks before a length", post("hello", "Content-Length:"+strings.Repeat(" \t", n/2)+"5"), saw("hello")),
		refused("lengths", post("hello", "Content-Length: "+strings.Repeat("5,", n)[:n]), 400),
		refused("codings", post("", "Transfer-Encoding: "+strings.Repeat("a,", n)[:n-1]), 501),
		refused("empty codings", post("", "Transfer-Encoding: "+strings.Repeat(",", n)), 400),
	})
}
