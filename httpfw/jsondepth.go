package httpfw

import (
	"io"
	"net/http"
)

// A jsonDepth reads a JSON text and fails when arrays and objects are nested too deep,
// before a decoder that calls itself for each level has seen it. It knows no more of JSON
// than where strings are: what is no JSON is the decoder's to refuse.
type jsonDepth struct {
	r       io.Reader
	left    int // levels that may still be opened
	max     int
	inside  bool // of a string
	escaped bool // the next byte of the string means nothing
	err     error
}

// Read implements io.Reader.
func (d *jsonDepth) Read(p []byte) (int, error) {
	if d.err != nil {
		return 0, d.err
	}
	n, err := d.r.Read(p)
	for i, c := range p[:n] {
		switch {
		case d.escaped:
			d.escaped = false
		case d.inside:
			d.inside, d.escaped = c != '"', c == '\\'
		case c == '"':
			d.inside = true
		case c == '{' || c == '[':
			if d.left--; d.left < 0 {
				d.err = Errorf(http.StatusBadRequest, "the JSON value in the body is nested more than %d deep", d.max)
				return i, d.err
			}
		case c == '}' || c == ']':
			d.left++
		}
	}
	return n, err
}
