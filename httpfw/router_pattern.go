package httpfw

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// A routePattern is a parsed pattern: segments divided by '/', each of them
//
//	text    a literal: the same text, however the client spells it
//	:name   a parameter: one whole segment, not empty
//	*name   the rest of the path, only as the last segment; may be empty
//
// "/files/*path" matches "/files/" (path is "") and "/files/a/b" (path is
// "a/b", without the slash before it), but not "/files", which is only the
// other form of "/files/".
//
// A parameter is a whole segment or none: "/v1/users:batch" and "/a*" are
// errors, not literals, because other routers read parameters into them. For
// such a literal write %3A or %2A. Literals may hold percent-escapes and UTF-8;
// they are kept in the normal form of normalPath, in which paths come too.
// Names are [A-Za-z_][A-Za-z0-9_]*, and belong to the pattern: other patterns
// may call the same position something else.
type routePattern struct {
	text  string      // as it was written
	names []string    // of the parameters, from left to right
	parts []routePart // only add needs them
}

// A routePart is a run of literal bytes with its slashes ("/users/"), a :param
// or a *rest. Two patterns with equal parts match the same paths.
type routePart struct {
	kind    routePartKind
	literal string
}

type routePartKind uint8

const (
	partLiteral routePartKind = iota
	partParam
	partRest
)

// routeParamsMax is the most parameters a pattern may have, *rest included.
const routeParamsMax = 8

func parsePattern(text string) (*routePattern, error) {
	if text == "" || text[0] != '/' {
		return nil, fmt.Errorf("a pattern begins with '/'")
	}
	if len(text) > routePathBytesMax {
		return nil, fmt.Errorf("the pattern is longer than %d bytes", routePathBytesMax)
	}
	pat := &routePattern{text: strings.Clone(text)}
	text = pat.text
	literal := []byte{}
	flush := func(next routePartKind) {
		pat.parts = append(pat.parts, routePart{kind: partLiteral, literal: string(literal)})
		pat.parts = append(pat.parts, routePart{kind: next})
		literal = literal[:0]
	}
	for at := 1; ; {
		literal = append(literal, '/')
		seg, _, more := strings.Cut(text[at:], "/")
		end := at + len(seg)
		switch {
		case seg == "" && more:
			return nil, fmt.Errorf("empty segment at offset %d: paths are matched with '//' made '/'", at)
		case seg != "" && (seg[0] == ':' || seg[0] == '*'):
			if err := pat.addName(seg, at); err != nil {
				return nil, err
			}
			if seg[0] == ':' {
				flush(partParam)
				break
			}
			if more {
				return nil, fmt.Errorf("%s at offset %d is not the last segment", seg, at)
			}
			flush(partRest)
		default:
			var err error
			if literal, err = appendLiteral(literal, seg, at); err != nil {
				return nil, err
			}
		}
		if !more {
			break
		}
		at = end + 1
	}
	if len(literal) > 0 {
		pat.parts = append(pat.parts, routePart{kind: partLiteral, literal: string(literal)})
	}
	return pat, nil
}

// addName adds the name of seg, which is ":name" or "*name" at offset at.
func (pat *routePattern) addName(seg string, at int) error {
	name := seg[1:]
	if name == "" {
		return fmt.Errorf("%q at offset %d has no name", seg, at)
	}
	for i := range len(name) {
		c := name[i]
		letter := 'a' <= c|0x20 && c|0x20 <= 'z' || c == '_'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return fmt.Errorf("bad byte %q at offset %d in the name %q; a parameter is a whole segment", c, at+1+i, seg)
		}
	}
	if slices.Contains(pat.names, name) {
		return fmt.Errorf("the name of %s at offset %d is taken by an earlier parameter", seg, at)
	}
	if len(pat.names) == routeParamsMax {
		return fmt.Errorf("%s at offset %d is one parameter too many: the limit is %d", seg, at, routeParamsMax)
	}
	pat.names = append(pat.names, name)
	return nil
}

// appendLiteral appends the normal form of a literal segment.
func appendLiteral(dst []byte, seg string, at int) ([]byte, error) {
	for i := 0; i < len(seg); {
		c := seg[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(seg[i:])
			if r == utf8.RuneError && n == 1 {
				return nil, fmt.Errorf("bad UTF-8 at offset %d", at+i)
			}
			i += n
			continue
		}
		switch {
		case c == ':' || c == '*':
			return nil, fmt.Errorf("%q at offset %d inside the segment %q: a parameter is a whole segment (a literal %c is written %%%02X)", c, at+i, seg, c, c)
		case c == '{' || c == '}':
			return nil, fmt.Errorf("bad byte %q at offset %d: a parameter is written :name", c, at+i)
		case !isPathByte(c) && c != '%':
			return nil, fmt.Errorf("bad byte %q at offset %d (write %%%02X for it)", c, at+i, c)
		}
		i++
	}
	start := len(dst)
	dst, ok := appendSegment(dst, []byte(seg))
	if !ok {
		return nil, fmt.Errorf("bad percent-escape in %q at offset %d", seg, at)
	}
	if s := string(dst[start:]); s == "." || s == ".." {
		return nil, fmt.Errorf("%q at offset %d can match nothing: dot segments are resolved before", seg, at)
	}
	if climbs(dst[start:]) {
		return nil, fmt.Errorf("%q at offset %d can match nothing: such paths are refused", seg, at)
	}
	return dst, nil
}

// routeParams are the parameters of a route that was found: spans of the path,
// so that they stay true when the path is copied elsewhere, as it is when a
// fiber parks. Every method takes the path, or a copy of it. The values are
// spelled as in that path; decoding is the caller's, and "+" is a plus there.
type routeParams struct {
	pattern *routePattern
	spans   [routeParamsMax]routeSpan // valid up to len(pattern.names)
}

type routeSpan struct{ start, end uint16 }

func (p *routeParams) count() int {
	if p.pattern == nil {
		return 0
	}
	return len(p.pattern.names)
}

// get returns the value of the parameter called name.
func (p *routeParams) get(path []byte, name string) (value []byte, ok bool) {
	for i := range p.count() {
		if p.pattern.names[i] == name {
			_, value = p.at(path, i)
			return value, true
		}
	}
	return nil, false
}

// at returns the parameter i, counted from the left; i < count().
func (p *routeParams) at(path []byte, i int) (name string, value []byte) {
	s := p.spans[i]
	return p.pattern.names[i], path[s.start:s.end:s.end]
}
