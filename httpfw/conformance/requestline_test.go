package conformance

import (
	"fmt"
	"strings"
	"testing"
)

// line makes a request of a request line without its end.
func line(s string) string { return s + "\r\nHost: x\r\n\r\n" }

func TestRFC9112_2_2_EmptyLines(t *testing.T) {
	vectors := []vector{
		taken("one", "\r\n"+line("GET / HTTP/1.1"), `GET / ""`),
		refused("two", "\r\n\r\n"+line("GET / HTTP/1.1"), 400),
		refused("LF", "\n"+line("GET / HTTP/1.1"), 400),
		refused("CR", "\r"+line("GET / HTTP/1.1"), 400),
		refused("blank", " "+line("GET / HTTP/1.1"), 400),
		refused("tab", "\t"+line("GET / HTTP/1.1"), 400),
		refused("blank in a line", " \r\n"+line("GET / HTTP/1.1"), 400),
		refused("NUL", "\x00"+line("GET / HTTP/1.1"), 400),
		refused("byte order mark", "\xef\xbb\xbf"+line("GET / HTTP/1.1"), 400),
		refused("field first", "Host: x\r\n"+line("GET / HTTP/1.1"), 400),
	}
	// Only an empty line may stand there, whatever else others throw away.
	for _, c := range "\x01\x08\x0b\x0c\x1b\x1c\x1f\x7f\u0085\u00a0\ufeff" {
		vectors = append(vectors,
			refused(fmt.Sprintf("%U", c), string(c)+line("GET / HTTP/1.1"), 400),
			refused(fmt.Sprintf("%U behind an empty line", c), "\r\n"+string(c)+line("GET / HTTP/1.1"), 400))
	}
	conform(t, "RFC 9112 section 2.2", vectors)
}

func TestRFC9112_3_RequestLine(t *testing.T) {
	vectors := []vector{
		refused("two blanks before the target", line("GET  / HTTP/1.1"), 400),
		refused("two blanks behind the target", line("GET /  HTTP/1.1"), 400),
		refused("tab before the target", line("GET\t/ HTTP/1.1"), 400),
		refused("tab behind the target", line("GET /\tHTTP/1.1"), 400),
		refused("blank behind the version", line("GET / HTTP/1.1 "), 400),
		refused("tab behind the version", line("GET / HTTP/1.1\t"), 400),
		refused("vertical tab", line("GET\x0b/ HTTP/1.1"), 400),
		refused("form feed", line("GET /\x0cHTTP/1.1"), 400),
		refused("NBSP", line("GET\xa0/ HTTP/1.1"), 400),
		refused("blank in the target", line("GET /a b HTTP/1.1"), 400),
		refused("two requests in a line", line("GET / HTTP/1.1 GET / HTTP/1.1"), 400),
		refused("no version", line("GET /"), 400),
		refused("no version, blank", line("GET / "), 400),
		refused("no target", line("GET HTTP/1.1"), 400),
		refused("only a method", line("GET"), 400),
		refused("nothing", line(""), 400),
		refused("bare LF", "GET / HTTP/1.1\nHost: x\r\n\r\n", 400),
		refused("bare CR", "GET / HTTP/1.1\rHost: x\r\n\r\n", 400),
		refused("CR twice", "GET / HTTP/1.1\r\r\nHost: x\r\n\r\n", 400),
		refused("bare CR in the target", line("GET /\rHTTP/1.1"), 400),
		refused("HTTP/0.9", "GET /\r\n", 400),
		refused("TLS", "\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03\x00\x01\x02\x03\x04", 400),
		refused("SSH", "SSH-2.0-OpenSSH_9.6\r\n", 400),
	}
	// What some take for a blank.
	for _, c := range []string{"\x00", "\x08", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x1f", "\x7f", "\x85", "\xc2\x85", "\xc2\xa0", "\xe3\x80\x80", "\\t", "+", "%20"} {
		vectors = append(vectors,
			refused(fmt.Sprintf("%q before the target", c), line("GET"+c+"/ HTTP/1.1"), 400),
			refused(fmt.Sprintf("%q behind the target", c), line("GET /"+c+"HTTP/1.1"), 400),
			refused(fmt.Sprintf("%q behind the version", c), line("GET / HTTP/1.1"+c), 400))
	}
	conform(t, "RFC 9112 section 3", vectors)
}

func TestRFC9112_2_3_Version(t *testing.T) {
	vectors := []vector{
		{"1.0", "GET / HTTP/1.0\r\nHost: x\r\n\r\n", 200, `GET / ""`, false},
		taken("1.2", line("GET / HTTP/1.2"), `GET / ""`),
		taken("1.9", line("GET / HTTP/1.9"), `GET / ""`),
		refused("2.0", line("GET / HTTP/2.0"), 505),
		refused("0.9", line("GET / HTTP/0.9"), 505),
		refused("3.0", line("GET / HTTP/3.0"), 505),
		refused("HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
	}
	for _, version := range []string{
		"HTTP/1", "HTTP/1.", "HTTP/.1", "HTTP/11", "HTTP/1.10", "HTTP/01.1", "HTTP/1.01", "HTTP/+1.1", "HTTP/1.-1", "HTTP/1.1a",
		"HTTP/1,1", "HTTP 1.1", "HTTP/ 1.1", "HTTP/1 .1", "http/1.1", "Http/1.1", "HTTPS/1.1", "HTP/1.1", "XHTTP/1.1", "ICY/1.1", "RTSP/1.0",
		"HTTP\\1.1", "HTTP/A.1", "HTTP/1.x", "HTTP/0x1.1", "HTTP/1.1\x00", "HTTP/\xc2\xb9.1", "1.1", "HTTP",
	} {
		vectors = append(vectors, refused(version, line("GET / "+version), 400))
	}
	conform(t, "RFC 9112 section 2.3", vectors)
}

func TestRFC9112_3_1_Method(t *testing.T) {
	vectors := []vector{
		taken("DELETE", line("DELETE / HTTP/1.1"), `DELETE / ""`),
		taken("HEAD", line("HEAD / HTTP/1.1"), `HEAD / ""`),
		taken("PATCH", line("PATCH / HTTP/1.1"), `PATCH / ""`),
		taken("TRACE", line("TRACE / HTTP/1.1"), `TRACE / ""`),
		refused("longer than any", line(strings.Repeat("M", 33)+" / HTTP/1.1"), 501),
		refused("empty", line(" / HTTP/1.1"), 400),
	}
	for _, m := range []string{"get", "Get", "GETT", "GE", "X", "M-SEARCH", "!#$%&'*+-.^_`|~", "123", strings.Repeat("M", 32)} {
		vectors = append(vectors, vector{name: m, sent: line(m + " / HTTP/1.1"), status: 405, lives: true})
	}
	for _, m := range []string{"GE:T", "G(ET", "GET,", "\"GET\"", "G/ET", "GET\x00", "\x7fGET", "G\x01T", "G\xc3\xa9T", "GET;", "{GET}", "G=T", "<GET>", "[GET]", "G?T", "GE@T", "G\\T"} {
		vectors = append(vectors, refused(m, line(m+" / HTTP/1.1"), 400))
	}
	conform(t, "RFC 9112 section 3.1", vectors)
}

func TestRFC9112_3_2_Target(t *testing.T) {
	vectors := []vector{
		taken("query", line("GET /a?b=c&d HTTP/1.1"), `GET /a?b=c&d ""`),
		taken("escapes", line("GET /%41%2f%00%0d%0a HTTP/1.1"), `GET /%41%2f%00%0d%0a ""`),
		taken("all that a path may have", line("GET /-._~!$&'()*+,;=:@ HTTP/1.1"), `GET /-._~!$&'()*+,;=:@ ""`),
		taken("question marks in the query", line("GET /??/ HTTP/1.1"), `GET /??/ ""`),
		taken("two slashes", line("GET //a//b HTTP/1.1"), `GET //a//b ""`),
		taken("version in the target", line("GET /HTTP/1.1 HTTP/1.1"), `GET /HTTP/1.1 ""`),
	}
	for name, target := range map[string]string{
		"fragment": "/a#b", "fragment behind the query": "/a?b#c", "only a fragment": "#a",
		"NUL": "/\x00", "control byte": "/\x01", "escape byte": "/\x1b", "DEL": "/\x7f", "tab": "/a\tb",
		"8-bit byte": "/\xe9", "UTF-8": "/\xc3\xa9", "overlong slash": "/\xc0\xaf", "8-bit byte in the query": "/?\xff",
		"quote": "/\"", "less": "/<", "greater": "/>", "backslash": "/a\\b", "only a backslash": "\\",
		"half an escape": "/%", "half an escape, one digit": "/%4", "no escape": "/%zz", "escape of Unicode": "/%u0041",
		"relative": "a", "dot": ".", "two dots": "../", "only a query": "?a=b", "star and path": "*/", "two stars": "**", "scheme without slashes": "http:/a",
		"bare CR": "/a\rb", "CR at the end": "/a\r",
	} {
		vectors = append(vectors, refused(name, line("GET "+target+" HTTP/1.1"), 400))
	}
	conform(t, "RFC 9112 section 3.2", vectors)
}

func TestRFC9112_3_2_2_AbsoluteForm(t *testing.T) {
	abs := func(name, target, host string) vector {
		return taken(name, "GET "+target+" HTTP/1.1\r\nHost: "+host+"\r\n\r\n", `GET `+target+` ""`)
	}
	bad := func(name, target, host string) vector {
		return refused(name, "GET "+target+" HTTP/1.1\r\nHost: "+host+"\r\n\r\n", 400)
	}
	conform(t, "RFC 9112 section 3.2.2", []vector{
		abs("http", "http://x/a?b", "x"),
		abs("https", "https://x/a", "x"),
		abs("upper case", "HTTP://X/a", "x"),
		abs("port", "http://x:80/", "x:80"),
		abs("no path", "http://x", "x"),
		abs("no path but a query", "http://x?a", "x"),
		abs("IPv6", "http://[::1]:8080/", "[::1]:8080"),
		bad("other host", "http://x/", "y"),
		bad("other port", "http://x:80/", "x:81"),
		bad("port on one side", "http://x/", "x:80"),
		bad("empty Host", "http://x/", ""),
		bad("user", "http://u@x/", "x"),
		bad("user and password", "http://u:p@x/", "x"),
		bad("no host", "http:///a", ""),
		bad("only a port", "http://:80/", ":80"),
		bad("other scheme", "ftp://x/", "x"),
		bad("file", "file:///etc/passwd", "x"),
		bad("javascript", "javascript://x/", "x"),
		bad("no scheme", "://x/", "x"),
		bad("scheme with a blank", "ht tp://x/", "x"),
		bad("backslashes", "http:\\\\x\\", "x"),
		bad("backslash in the host", "http://x\\y/", "x"),
		bad("escape in the host", "http://%78/", "x"),
		bad("fragment", "http://x/#a", "x"),
		bad("port that is none", "http://x:a/", "x"),
		bad("huge port", "http://x:65536/", "x:65536"),
		bad("half an IPv6 address", "http://[::1/", "[::1"),
		bad("zone", "http://[::1%25.example.com]/", "[::1%25.example.com]"),
		bad("name in brackets", "http://[example.com]/", "[example.com]"),
		bad("two authorities", "http://x@y:80@x/", "x"),
		refused("no Host", "GET http://x/ HTTP/1.1\r\n\r\n", 400),
		refused("Host twice", "GET http://x/ HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", 400),
	})
}

func TestRFC9112_3_2_3_AuthorityForm(t *testing.T) {
	connect := func(name, target string) vector {
		return refused(name, line("CONNECT "+target+" HTTP/1.1"), 400)
	}
	conform(t, "RFC 9112 section 3.2.3", []vector{
		refused("authority with another method", line("GET x:80 HTTP/1.1"), 400),
		refused("authority without port, other method", line("GET x HTTP/1.1"), 400),
		connect("path", "/"),
		connect("star", "*"),
		connect("no port", "x"),
		connect("empty port", "x:"),
		connect("no host", ":80"),
		connect("port that is none", "x:http"),
		connect("huge port", "x:65536"),
		connect("user", "u@x:80"),
		connect("absolute", "http://x:80/"),
		connect("path behind", "x:80/"),
		connect("query behind", "x:80?a"),
		{"Host names the proxy", "CONNECT x:80 HTTP/1.1\r\nHost: proxy:3128\r\n\r\n", 200, `CONNECT x:80 ""`, false},
		refused("Host malformed", "CONNECT x:80 HTTP/1.1\r\nHost: u@x:80\r\n\r\n", 400),
		connect("IPv6 without brackets", "::1:80"),
		connect("zone", "[::1%25.example.com]:80"),
		refused("content", "CONNECT x:80 HTTP/1.1\r\nHost: x:80\r\nContent-Length: 1\r\n\r\na", 400),
		refused("chunks", "CONNECT x:80 HTTP/1.1\r\nHost: x:80\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
	})
}

func TestRFC9112_3_2_4_AsteriskForm(t *testing.T) {
	conform(t, "RFC 9112 section 3.2.4", []vector{
		{name: "OPTIONS", sent: line("OPTIONS * HTTP/1.1"), status: 204, lives: true},
		refused("GET", line("GET * HTTP/1.1"), 400),
		refused("POST", line("POST * HTTP/1.1"), 400),
		refused("CONNECT", line("CONNECT * HTTP/1.1"), 400),
		refused("query", line("OPTIONS *?a HTTP/1.1"), 400),
		refused("path", line("OPTIONS */ HTTP/1.1"), 400),
	})
}

func TestRFC9112_3_2_Host(t *testing.T) {
	host := func(value string) string { return "GET / HTTP/1.1\r\nHost:" + value + "\r\n\r\n" }
	vectors := []vector{
		taken("empty", host(""), `GET / ""`),
		taken("name in lower case", "GET / HTTP/1.1\r\nhost: x\r\n\r\n", `GET / ""`),
		{"none in HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", 200, `GET / ""`, false},
		refused("none", "GET / HTTP/1.1\r\n\r\n", 400),
		refused("none, look-alike", "GET / HTTP/1.1\r\nHosts: x\r\n\r\n", 400),
		refused("none in HTTP/1.2", "GET / HTTP/1.2\r\n\r\n", 400),
		refused("twice", "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400),
		refused("twice the same", "GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", 400),
		refused("twice, one empty", "GET / HTTP/1.1\r\nHost:\r\nHost: x\r\n\r\n", 400),
		refused("twice, other case", "GET / HTTP/1.1\r\nHost: x\r\nA: b\r\nHOST: y\r\n\r\n", 400),
		refused("twice in HTTP/1.0", "GET / HTTP/1.0\r\nHost: x\r\nHost: y\r\n\r\n", 400),
		refused("blank before the colon", "GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400),
		refused("folded", "GET / HTTP/1.1\r\nHost:\r\n x\r\n\r\n", 400),
		refused("first line begins with a blank", "GET / HTTP/1.1\r\n Host: x\r\n\r\n", 400),
	}
	for _, v := range []string{" example.com", "example.com:8080", " x:", " 127.0.0.1", " [::1]", " [::ffff:1.2.3.4]:80", " a_b.c-d~e", " x:0", " x:65535"} {
		vectors = append(vectors, taken(v, host(v), `GET / ""`))
	}
	for _, v := range []string{
		" a b", " a,b", " x, y", " u@x", " x/a", " x?a", " x#a", " x\\a", " %78", " x:a", " x:-1", " x:+80", " x:65536", " x:80:80", " x:80 80",
		" [::1", " ::1", " []", " [x]", " [::1]a", " [v1.a]", " [fe80::1%25eth0]", " http://x", " x\x00", " x\x01", " x\x7f", " \xc3\xa9.com", " <x>", " \"x\"", " x;y", " x|y", " x'", " (x)", " x$y", " x*", " x!", " {x}",
	} {
		vectors = append(vectors, refused(v, host(v), 400))
	}
	conform(t, "RFC 9112 section 3.2", vectors)
}
