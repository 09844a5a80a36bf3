package http1

import (
	"slices"
	"strings"
	"testing"
)

// line makes a request out of a request line.
func line(s string) string { return s + "\r\nHost: h\r\n\r\n" }

func TestRFC9112_2_2_EmptyLine(t *testing.T) {
	accept(t, "\r\n"+tinyRequest)
	refuse(t, "\r\n\r\n"+tinyRequest, emptyLines, 2)
	refuse(t, "\n"+tinyRequest, bareLF, 0)
	refuse(t, "\r"+tinyRequest, bareCR, 0)
	refuse(t, "\r\n\n"+tinyRequest, methodByte, 2)
	refuse(t, " "+tinyRequest, emptyMethod, 0)
}

func TestRFC9112_2_2_LineEnds(t *testing.T) {
	refuse(t, "GET / HTTP/1.1\nHost: h\r\n\r\n", bareLF, 14)
	refuse(t, "GET / HTTP/1.1\rHost: h\r\n\r\n", bareCR, 14)
	refuse(t, "GET / HTTP/1.1\r\nHost: h\n\r\n", bareLF, 23)
	refuse(t, "GET / HTTP/1.1\r\nHost: h\rX: y\r\n\r\n", bareCR, 23)
	refuse(t, "GET / HTTP/1.1\r\nHost: h\r\r\n\r\n", bareCR, 23)
	refuse(t, "GET / HTTP/1.1\r\nHost: h\r\n\n", bareLF, 25)
	refuse(t, "GET / HTTP/1.1\r\nHost: h\r\n\rX", bareCR, 25)
	refuse(t, "GET / HTTP/1.1\r\nHost: h\r\nA:\n\r\n", bareLF, 27)
}

func TestRFC9112_2_3_Version(t *testing.T) {
	if r := accept(t, line("GET / HTTP/1.0")); r.Minor != 0 || r.KeepAlive {
		t.Error(describeRequest(r))
	}
	// RFC 9110 section 2.5: a higher minor version is treated as the highest known.
	if r := accept(t, line("GET / HTTP/1.9")); r.Minor != 1 || !r.KeepAlive {
		t.Error(describeRequest(r))
	}
	for _, v := range []string{"HTTP/2.0", "HTTP/3.0", "HTTP/9.9", "HTTP/0.9"} {
		refuse(t, line("GET / "+v), versionMajor, 11)
	}
	refuse(t, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", versionMajor, 11)
	for input, offset := range map[string]int{
		"GET / http/1.1": 6, "GET / HTTP/1": 12, "GET / HTTP/1.": 13, "GET / HTTP/11": 12, "GET / HTTP/1.10": 14,
		"GET / HTTP/+1.1": 11, "GET / HTTP/1,1": 12, "GET / HTTP1.1": 10, "GET / HTTP/1.1 ": 14, "GET / HTTP/1.x": 13,
		"GET / HTP/1.1": 8, "GET / ICY/1.1": 6, "GET / HTTP /1.1": 10, "GET / HTTP/ 1.1": 11, "GET / HTTP/1.1\t": 14,
		"GET / ": 6,
	} {
		refuse(t, line(input), version, offset)
	}
}

func TestRFC9112_3_RequestLine(t *testing.T) {
	refuse(t, line("GET  / HTTP/1.1"), emptyTarget, 4)
	refuse(t, line("GET /  HTTP/1.1"), version, 6)
	refuse(t, line("GET /a b HTTP/1.1"), version, 7)
	refuse(t, line("GET\t/ HTTP/1.1"), methodByte, 3)
	refuse(t, line("GET /\tHTTP/1.1"), targetByte, 5)
	refuse(t, line("GET"), methodByte, 3)
	refuse(t, line("GET /"), targetEnd, 5)
	refuse(t, "GET /\n", targetEnd, 5)
	refuse(t, line("GET "), targetEnd, 4)
}

func TestRFC9112_3_1_Method(t *testing.T) {
	for m := GET; m <= CONNECT; m++ {
		target := "/"
		if m == CONNECT {
			target = "h:1"
		}
		r := accept(t, line(m.String()+" "+target+" HTTP/1.1"))
		if r.Method != m || string(r.MethodBytes) != m.String() {
			t.Errorf("%v: got %v %q", m, r.Method, r.MethodBytes)
		}
	}
	for _, name := range []string{"get", "GETT", "GE", "PROPFIND", "X-!#$%&'*+.^_`|~9", strings.Repeat("M", 32)} {
		r := accept(t, line(name+" / HTTP/1.1"))
		if r.Method != MethodOther || string(r.MethodBytes) != name {
			t.Errorf("%q: got %v %q", name, r.Method, r.MethodBytes)
		}
	}
	refuse(t, line(strings.Repeat("M", 33)+" / HTTP/1.1"), methodLong, 0)
	for _, c := range "\x00\x01\x7f\x80\xff(){}[]<>@,;:\\\"/?=" {
		refuse(t, line("GE"+string(c)+" / HTTP/1.1"), methodByte, 2)
	}
	// The first bytes of a TLS handshake and of a SOCKS greeting must not wait for a blank line.
	refuse(t, "\x16\x03\x01", methodByte, 0)
	refuse(t, "\x05", methodByte, 0)
}

func TestRFC9112_3_2_TargetBytes(t *testing.T) {
	for c := range 256 {
		b := string([]byte{byte(c)})
		inPath, inQuery := line("GET /a"+b+"b HTTP/1.1"), line("GET /a?"+b+"b HTTP/1.1")
		switch {
		case c == ' ':
			refuse(t, inPath, version, 7)
			refuse(t, inQuery, version, 8)
		case c == '#':
			refuse(t, inPath, fragment, 6)
			refuse(t, inQuery, fragment, 7)
		case c == '\r' || c == '\n':
			refuse(t, inPath, targetEnd, 6)
			refuse(t, inQuery, targetEnd, 7)
		case c < 0x21 || c > 0x7e || c == '"' || c == '<' || c == '>':
			refuse(t, inPath, targetByte, 6)
			refuse(t, inQuery, targetByte, 7)
		case c == '\\':
			refuse(t, inPath, targetByte, 6)
			accept(t, inQuery)
		case c == '%':
			refuse(t, inPath, percent, 6)
			accept(t, inQuery)
		default:
			accept(t, inPath)
			accept(t, inQuery)
		}
	}
}

func TestRFC3986_2_1_Percent(t *testing.T) {
	accept(t, line("GET /%41%fF%00 HTTP/1.1"))
	accept(t, line("GET /?%,%4,100%,%zz,% HTTP/1.1"))
	refuse(t, line("GET /% HTTP/1.1"), percent, 5)
	refuse(t, line("GET /%4 HTTP/1.1"), percent, 5)
	refuse(t, line("GET /%4g HTTP/1.1"), percent, 5)
	refuse(t, line("GET /a%g4 HTTP/1.1"), percent, 6)
	refuse(t, line("GET /%4?1 HTTP/1.1"), percent, 5)
	refuse(t, line("GET /%u0041 HTTP/1.1"), percent, 5)
}

func TestRFC9112_3_2_Forms(t *testing.T) {
	for _, c := range []struct {
		line              string
		form              Form
		path, query, host string
	}{
		{"GET / HTTP/1.1", OriginForm, "/", "", "h"},
		{"GET /a/b?c=d&e?f HTTP/1.1", OriginForm, "/a/b", "c=d&e?f", "h"},
		{"GET /? HTTP/1.1", OriginForm, "/", "", "h"},
		{"GET //a/../b HTTP/1.1", OriginForm, "//a/../b", "", "h"},
		{"GET /a%2fb;c=d HTTP/1.1", OriginForm, "/a%2fb;c=d", "", "h"},
		{"GET /http://x/ HTTP/1.1", OriginForm, "/http://x/", "", "h"},
		{"OPTIONS /x HTTP/1.1", OriginForm, "/x", "", "h"},
		{"GET http://h/a?b HTTP/1.1", AbsoluteForm, "/a", "b", "h"},
		{"GET HTTPS://H/a HTTP/1.1", AbsoluteForm, "/a", "", "H"},
		{"GET http://h HTTP/1.1", AbsoluteForm, "/", "", "h"},
		{"GET http://h?a/b HTTP/1.1", AbsoluteForm, "/", "a/b", "h"},
		{"GET http://h/?http://x/ HTTP/1.1", AbsoluteForm, "/", "http://x/", "h"},
		{"OPTIONS * HTTP/1.1", AsteriskForm, "*", "", "h"},
		{"CONNECT h:443 HTTP/1.1", AuthorityForm, "", "", "h:443"},
	} {
		r := accept(t, line(c.line))
		if r.Form != c.form || string(r.Path) != c.path || string(r.RawQuery) != c.query || string(r.Host) != c.host {
			t.Errorf("%s: got form %d path %q query %q host %q", c.line, r.Form, r.Path, r.RawQuery, r.Host)
		}
	}
	for _, c := range []struct {
		line string
		want *rule
	}{
		{"GET * HTTP/1.1", asteriskForm}, {"POST * HTTP/1.1", asteriskForm}, {"options * HTTP/1.1", asteriskForm},
		{"OPTIONS ** HTTP/1.1", targetForm}, {"OPTIONS *?a HTTP/1.1", targetForm},
		{"GET h:443 HTTP/1.1", targetForm}, {"GET a HTTP/1.1", targetForm}, {"GET ?a HTTP/1.1", targetForm},
		{"GET ftp://h/ HTTP/1.1", targetForm}, {"GET http:/h/ HTTP/1.1", targetForm}, {"GET http:// HTTP/1.1", targetForm},
		{"GET javascript:alert(1) HTTP/1.1", targetForm}, {"GET ://h/ HTTP/1.1", targetForm},
		{"GET http:///a HTTP/1.1", targetAuthority}, {"GET http://?a HTTP/1.1", targetAuthority},
		{"GET http://u@h/ HTTP/1.1", targetAuthority}, {"GET http://u:p@h/ HTTP/1.1", targetAuthority},
		{"GET http://h:x/ HTTP/1.1", targetAuthority}, {"GET http://:80/ HTTP/1.1", targetAuthority},
		{"GET http://h%41/ HTTP/1.1", targetAuthority}, {"GET http://[::1/ HTTP/1.1", targetAuthority},
		{"CONNECT / HTTP/1.1", connectForm}, {"CONNECT h HTTP/1.1", connectForm}, {"CONNECT h: HTTP/1.1", connectForm},
		{"CONNECT :443 HTTP/1.1", connectForm}, {"CONNECT http://h:443/ HTTP/1.1", connectForm},
		{"CONNECT h:443/ HTTP/1.1", connectForm}, {"CONNECT h:443?a HTTP/1.1", connectForm}, {"CONNECT * HTTP/1.1", connectForm},
		{"CONNECT u@h:443 HTTP/1.1", connectForm},
	} {
		refuse(t, line(c.line), c.want, strings.IndexByte(c.line, ' ')+1)
	}
}

var goodHosts = []string{"", "h", "a.b-c_d~e", "127.0.0.1", "h:80", "h:", "h:65535", "h:0080", ":80", "[::1]", "[::1]:80",
	"[1:2:3:4:5:6:7:8]", "[1::8]", "[::ffff:1.2.3.4]", "[1:2:3:4:5:6:1.2.3.4]", "[::]", "[1:2:3:4:5:6:7::]", "[FE80::a]",
	strings.Repeat("h", 22), strings.Repeat("h", 23), strings.Repeat("h", 24)}

var badHosts = []string{"a b", "a,b", "a/b", "http://a", "u@h", "h:x", "h:80:80", "h:65536", "h:-1", "h:99999999999999999999",
	"[::1", "::1", "[::1]x", "[]", "[:]", "[:::]", "[1::2::3]", "[1:2:3:4:5:6:7]", "[1:2:3:4:5:6:7:8:9]", "[12345::]", "[g::]",
	"[::1%25eth0]", "[v1.x]", "[::1.2.3]", "[::1.2.3.256]", "[::01.2.3.4]", "[1:2:3:4:5:6:7:1.2.3.4]", "[1:2:3:4:5:6:7:8::]",
	"h%41", "h\x80", "h?x", "h#", "h\\x", "\"h\"", "[1:]", "[1:2:3:4:5:6:7:]", strings.Repeat("h", 22) + "/", strings.Repeat("h", 23) + "/"}

func TestRFC9112_3_2_Host(t *testing.T) {
	const get = "GET / HTTP/1.1\r\n"
	for _, host := range goodHosts {
		if r := accept(t, get+"Host: "+host+"\r\n\r\n"); string(r.Host) != host || r.Host == nil {
			t.Errorf("host %q: got %q", host, r.Host)
		}
		accept(t, get+"hOST:\t "+host+" \t\r\nX: y\r\n\r\n")
	}
	for _, host := range badHosts {
		refuse(t, get+"Host: "+host+"\r\n\r\n", badHost, 21)
	}
	refuse(t, get+"\r\n", noHost, 16)
	refuse(t, get+"Hosts: h\r\n\r\n", noHost, 26)
	refuse(t, get+"Host: h\r\nHost: h\r\n\r\n", twoHosts, 30)
	refuse(t, get+"Host: h\r\nX: y\r\nhost:\r\n\r\n", twoHosts, -1)
	refuse(t, "GET / HTTP/1.0\r\nHost: h\r\nHost: h\r\n\r\n", twoHosts, 30)
	if r := accept(t, "GET / HTTP/1.0\r\n\r\n"); len(r.Host) != 0 {
		t.Errorf("host %q out of nothing", r.Host)
	}
}

// A host that was accepted is remembered; that changes nothing for any other.
func TestRFC9112_3_2_HostAfterHost(t *testing.T) {
	head := func(host string) []byte { return []byte("GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n") }
	for _, first := range append(goodHosts, badHosts...) {
		var r Request
		for _, second := range append(goodHosts, badHosts...) {
			r.Parse(head(first), nil)
			_, err := r.Parse(head(second), nil)
			if good := slices.Contains(goodHosts, second); good != (err == nil) || good && string(r.Host) != second {
				t.Errorf("%q after %q: %q, %v", second, first, r.Host, err)
			}
		}
	}
}

func TestRFC9112_3_2_2_HostAndTarget(t *testing.T) {
	if r := accept(t, "GET http://A.b:80/ HTTP/1.1\r\nHost: a.B:80\r\n\r\n"); string(r.Host) != "A.b:80" {
		t.Errorf("host %q is not the target's", r.Host)
	}
	if r := accept(t, "GET http://a/ HTTP/1.0\r\n\r\n"); string(r.Host) != "a" {
		t.Errorf("host %q is not the target's", r.Host)
	}
	accept(t, "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n")
	accept(t, "CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]\r\n\r\n")
	accept(t, "CONNECT a:443 HTTP/1.1\r\nHost: proxy:3128\r\n\r\n")
	refuse(t, "CONNECT a:443 HTTP/1.1\r\nHost: u@a:443\r\n\r\n", badHost, 29)
	refuse(t, "GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n", otherHost, 4)
	refuse(t, "\r\nGET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n", otherHost, 6)
	refuse(t, "GET http://a/ HTTP/1.1\r\nHost: a:80\r\n\r\n", otherHost, 4)
	refuse(t, "GET http://a/ HTTP/1.1\r\nHost:\r\n\r\n", otherHost, 4)
	refuse(t, "GET http://a/ HTTP/1.1\r\n\r\n", noHost, 24)
}

func TestRFC9110_9_3_Content(t *testing.T) {
	accept(t, "TRACE / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n")
	refuse(t, "TRACE / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\n", noContent, -1)
	refuse(t, "TRACE / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n", noContent, -1)
	refuse(t, "CONNECT h:1 HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\n", noContent, -1)
	if r := accept(t, "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n"); r.ContentLength != 5 {
		t.Error(r.ContentLength)
	}
}

func TestLimits(t *testing.T) {
	lim := &Limits{TargetBytesMax: 10, HeaderBytesMax: 60, HeaderCountMax: 3}
	acceptWithin(t, "GET /123456789 HTTP/1.1\r\nHost: h\r\n\r\n", lim)
	acceptWithin(t, "GET /1?3456789 HTTP/1.1\r\nHost: h\r\n\r\n", lim)
	for _, target := range []string{"/1234567890", "/1?34567890", "/123456789%", "/12345678%4x", "/12345678%41", "/123456789?"} {
		refuseWithin(t, "GET "+target+" HTTP/1.1\r\nHost: h\r\n\r\n", lim, targetLong, 14)
		refuseWithin(t, "GET "+target, lim, targetLong, 14)
	}
	refuseWithin(t, "GET /12345678\x00", lim, targetByte, 13)
	refuseWithin(t, "GET /123456789\x00", lim, targetByte, 14)
	head := "GET / HTTP/1.1\r\nHost: h\r\n"
	rest := strings.Repeat("x", 60-len(head)-len("A: \r\n\r\n"))
	acceptWithin(t, head+"A: "+rest+"\r\n\r\n", lim)
	refuseWithin(t, head+"A: x"+rest+"\r\n\r\n", lim, headLong, 60)
	refuseWithin(t, head+"A: "+strings.Repeat(rest, 2), lim, headLong, 60)
	refuseWithin(t, head+strings.Repeat("x", 60), lim, headLong, 60)
	acceptWithin(t, head+"A:\r\nB:\r\n\r\n", lim)
	refuseWithin(t, head+"A:\r\nB:\r\nC:\r\n\r\n", lim, fieldsMany, len(head)+8)
	refuseWithin(t, head+"A:\r\nB:\r\nC", lim, fieldsMany, len(head)+8)
	// A target that is short enough, in a head that is not long enough for it.
	refuseWithin(t, "GET /"+strings.Repeat("x", 100), &Limits{HeaderBytesMax: 60}, targetLong, 60)

	accept(t, "GET / HTTP/1.1\r\nHost: h\r\n"+strings.Repeat("A: b\r\n", 99)+"\r\n")
	refuse(t, "GET / HTTP/1.1\r\nHost: h\r\n"+strings.Repeat("A: b\r\n", 100)+"\r\n", fieldsMany, -1)
	var r Request
	buf := []byte("GET / HTTP/1.1\r\nHost: h\r\n" + strings.Repeat("A: b\r\n", 99) + "\r\n")
	if n, _ := r.Parse(buf, nil); n != len(buf) || cap(r.Fields) != 100 {
		t.Errorf("n %d, room for %d fields", n, cap(r.Fields))
	}
	long := "GET /" + strings.Repeat("a", 8192)
	if _, err := r.Parse([]byte(long), nil); err.(*Error).Status != 414 {
		t.Error(err)
	}
	if n, err := r.Parse([]byte(long[:4+8192]), nil); n != 0 || err != nil {
		t.Error(n, err)
	}
}

// Cookies are counted by semicolons, pairs by ampersands: what a scan has to go over.
func TestInnerLimits(t *testing.T) {
	lim := &Limits{CookieCountMax: 3, QueryPairsMax: 3}
	cookies := func(lines ...string) string {
		return "GET / HTTP/1.1\r\nHost: h\r\nCookie: " + strings.Join(lines, "\r\ncookie: ") + "\r\n\r\n"
	}
	acceptWithin(t, cookies("a=1; b=2; c=3"), lim)
	acceptWithin(t, cookies("a=1", "b=2; c=3"), lim)
	refuseWithin(t, cookies("a=1; b=2; c=3; d=4"), lim, cookiesMany, -1)
	refuseWithin(t, cookies("a=1; b=2", "c=3; d=4"), lim, cookiesMany, -1)
	refuseWithin(t, cookies(";;;"), lim, cookiesMany, -1)
	query := func(q string) string { return "GET /?" + q + " HTTP/1.1\r\nHost: h\r\n\r\n" }
	acceptWithin(t, query("a=1&b=2&c=3"), lim)
	acceptWithin(t, query("a=1&b=2;c=3;d=4"), lim)
	refuseWithin(t, query("a=1&b=2&c=3&d=4"), lim, pairsMany, -1)
	refuseWithin(t, query("&&&"), lim, pairsMany, -1)

	accept(t, cookies(strings.Repeat("a=b;", 199)))
	refuse(t, cookies(strings.Repeat("a=b;", 200)), cookiesMany, -1)
	accept(t, query(strings.Repeat("a&", 999)))
	refuse(t, query(strings.Repeat("a&", 1000)), pairsMany, -1)
}

func TestLookup(t *testing.T) {
	r := accept(t, "GET / HTTP/1.1\r\nHost: h\r\nX-One: 1\r\nx-ONE: 2\r\nEmpty:\r\nA^b: 3\r\n\r\n")
	if v, ok := r.Lookup("x-oNe"); !ok || string(v) != "1" {
		t.Errorf("%q %t", v, ok)
	}
	if v, ok := r.Lookup("EMPTY"); !ok || v == nil || len(v) != 0 {
		t.Errorf("%q %t", v, ok)
	}
	if v, ok := r.Lookup("X-Two"); ok || v != nil {
		t.Errorf("%q %t", v, ok)
	}
	if r.Field("host") == nil || r.Field("hos") != nil || r.Field("a~b") != nil || r.Field("a^B") == nil {
		t.Error("Field")
	}
	// What a handler appends must not run over the bytes behind.
	_ = append(r.Field("x-one"), "0000000000"...)
	if got := string(r.Fields[2].Name) + string(r.Fields[2].Value); got != "x-ONE2" {
		t.Errorf("overwritten: %q", got)
	}
	r.Reset()
	if len(r.Fields) != 0 || cap(r.Fields) == 0 || r.Fields[:1][0].Name != nil || r.Target != nil || r.ContentLength != -1 {
		t.Errorf("Reset left %+v", r)
	}
}
