package http1

// The other direction of the comparison with net/http: what this package refuses and
// net/http accepts. Each such rule stands in the table here, with an example, and in the
// table of docs/SECURITY.md, with its reason; a refusal under any other rule must be one
// of net/http's too.

import (
	"bufio"
	"net/http"
	"os"
	"strings"
	"testing"
)

// stricter has the rules that net/http does not enforce when it reads a request, each
// with a request that shows it.
var stricter = map[*rule]string{
	bareLF:           "GET / HTTP/1.1\nHost: h\n\n",
	folded:           "GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n",
	spaceBeforeColon: "GET / HTTP/1.1\r\nHost: h\r\nX Y: a\r\n\r\n",
	emptyTarget:      "CONNECT  HTTP/1.1\r\nHost: h\r\n\r\n",
	targetByte:       "GET /\"a HTTP/1.1\r\nHost: h\r\n\r\n",
	fragment:         "GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n",
	percent:          "GET http:% HTTP/1.1\r\nHost: h\r\n\r\n",
	targetForm:       "GET ftp://h/ HTTP/1.1\r\nHost: h\r\n\r\n",
	targetAuthority:  "GET http:///a HTTP/1.1\r\nHost: h\r\n\r\n",
	connectForm:      "CONNECT !:1 HTTP/1.1\r\nHost: h\r\n\r\n",
	asteriskForm:     "GET * HTTP/1.1\r\nHost: h\r\n\r\n",
	versionMajor:     "GET / HTTP/3.1\r\nHost: h\r\n\r\n",
	noHost:           "GET / HTTP/1.1\r\nX: a\r\n\r\n",
	badHost:          "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
	otherHost:        "GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n",
	twoLengths:       "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
	bothLengths:      "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
	oldCoding:        "PUT / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n",
	badOption:        "GET / HTTP/1.1\r\nHost: h\r\nConnection: a b\r\n\r\n",
	otherExpect:      "PUT / HTTP/1.1\r\nHost: h\r\nExpect: a\r\n\r\n",
	noContent:        "TRACE / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\n",
	methodLong:       strings.Repeat("A", 99) + " / HTTP/1.1\r\nHost: h\r\n\r\n",
	targetLong:       "GET /" + strings.Repeat("a", 9000) + " HTTP/1.1\r\nHost: h\r\n\r\n",
	headLong:         "GET / HTTP/1.1\r\nHost: h\r\nX: " + strings.Repeat("a", 40000) + "\r\n\r\n",
	fieldsMany:       "GET / HTTP/1.1\r\nHost: h\r\n" + strings.Repeat("A: b\r\n", 100) + "\r\n",
}

// compareRefusal checks an input that Parse has refused.
func compareRefusal(t testing.TB, refusal *Error, input string) {
	t.Helper()
	for r := range stricter {
		if r.text == refusal.Rule {
			return
		}
	}
	if _, err := http.ReadRequest(bufio.NewReader(strings.NewReader(input))); err == nil {
		t.Fatalf("%q: refused (%v), but net/http accepts it", input, refusal)
	}
}

func TestStricterThanNetHTTP(t *testing.T) {
	for r, input := range stricter {
		_, err := new(Request).Parse([]byte(input), nil)
		if e, ok := err.(*Error); !ok || e.Rule != r.text {
			t.Errorf("%.80q: %v, want %s", input, err, r.text)
		}
		if _, err := http.ReadRequest(bufio.NewReader(strings.NewReader(input))); err != nil {
			t.Errorf("%.80q: net/http refuses it as well: %v", input, err)
		}
	}
	// Every byte at every place of a few requests: no other rule is stricter.
	for _, seed := range requestSeeds {
		if len(seed) > fuzzBytesMax {
			continue
		}
		for i := range seed {
			for c := range 256 {
				input := seed[:i] + string([]byte{byte(c)}) + seed[i+1:]
				if _, err := new(Request).Parse([]byte(input), nil); err != nil {
					compareRefusal(t, err.(*Error), input)
				}
			}
		}
	}
}

// TestSecurityTable holds docs/SECURITY.md to the tables of differences here.
func TestSecurityTable(t *testing.T) {
	text, err := os.ReadFile("../../docs/SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	for r := range stricter {
		if !strings.Contains(string(text), "| "+r.text+" |") {
			t.Errorf("docs/SECURITY.md does not have the rule %q", r.text)
		}
	}
	for _, m := range meant {
		if !strings.Contains(string(text), m.reason) {
			t.Errorf("docs/SECURITY.md does not say: %s", m.reason)
		}
	}
}
