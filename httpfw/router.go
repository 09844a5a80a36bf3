package httpfw

import (
	"fmt"
	"slices"
	"strings"

	"github.com/heddle-go/heddle/codec/http1"
)

// The router finds the route for a method and a path.
//
// Set-up and use are two phases: add is called by one goroutine before the
// first find; from then on the router is read-only, and any number of
// goroutines may call find. find allocates nothing.
//
// The path given to find is in the normal form of normalPath; it is never
// decoded, and the parameters are spans of it.
//
// Which route is found. Of all patterns that match the path AND have the
// method, the best one: at the first segment in which two of them differ, a
// literal beats a :param, and a :param beats a *rest. The order in which routes
// were added plays no part. So the method is matched together with the path: a
// literal route that lacks the method does not hide a :param route that has it,
// and 405 is the answer only if no pattern that matches the path has the method.
//
//   - A GET route answers HEAD too, unless the same pattern has a HEAD route.
//     (So HEAD /a/b is answered by GET /a/b rather than by HEAD /a/:x: it must
//     describe what GET /a/b would send.)
//   - OPTIONS without a route is routeOptions wherever some pattern matches.
//   - "/a" and "/a/" are different paths. When a request is not routeFound and
//     its other form would be, routeOutcome.slash says so, and whether to
//     redirect is the caller's policy. (A caller that redirects sends the path
//     it gave to find, which cannot begin with "//" or "/\" and so cannot be
//     read as another host.)
//
// Cost. It is a tree, and the way to a node fixes which part of the path is left
// there; so a search visits each node at most once, to compare its label or to
// look for the end of one segment. Backtracking can therefore not multiply: no
// path, however made, costs more than one pass over the routes there are, and
// segments beyond the deepest route are not looked at. A miss takes at most
// three such passes (the route, the methods, the other form of the slash).
type router[T any] struct {
	tree    routeNode
	values  []T      // what the routes hold, by routeEntry.value
	methods []string // names of the bits after the standard ones, in order of appearance
	byName  []uint8  // all bits in order of their names; nil while there are only standard ones
}

// routePathBytesMax bounds the path, so that a span is two uint16. find finds
// nothing for longer paths; normalPath calls them pathTooLong before that.
const routePathBytesMax = 1<<16 - 1

type routeKind uint8

const (
	routeNotFound   routeKind = iota // 404: no pattern matches the path
	routeFound                       // value and parameters are set
	routeNotAllowed                  // 405: patterns match, none has the method; see allowed
	routeOptions                     // OPTIONS and no route of its own: answer with allowed
)

type routeOutcome struct {
	kind    routeKind
	slash   bool         // not found as it is, but would be with the last slash added or removed
	allowed routeMethods // routeNotAllowed, routeOptions: for appendAllow
}

// add registers a route. An error leaves the router as it was.
func (r *router[T]) add(method, pattern string, value T) error {
	if err := checkMethod(method); err != nil {
		return fmt.Errorf("httpfw: %q %s: %w", method, pattern, err)
	}
	pat, err := parsePattern(pattern)
	if err != nil {
		return fmt.Errorf("httpfw: %s %q: %w", method, pattern, err)
	}
	bit := r.method(method)
	if bit == 0 {
		// The method is new, so the route cannot conflict, and registering the
		// method before the route leaves nothing behind.
		if bit, err = r.addMethod(method); err != nil {
			return fmt.Errorf("httpfw: %s %q: %w", method, pattern, err)
		}
	}
	if old := r.tree.insert(pat, bit, len(r.values)); old != nil {
		return fmt.Errorf("httpfw: %s %s conflicts with %s %s", method, pattern, method, old.text)
	}
	r.values = append(r.values, value)
	return nil
}

// find looks the route for a method and a path up. p is set for routeFound and empty
// otherwise. The method is case-sensitive, as in HTTP; one that no route has, whose set
// is empty, is nothing special (405 or 404; a caller that prefers 501 knows the method).
func (r *router[T]) find(want routeMethods, path []byte, p *routeParams) (value T, out routeOutcome) {
	if len(path) <= routePathBytesMax {
		if e := r.tree.match(path, 0, want, p); e != nil {
			p.pattern = e.pattern
			return r.values[e.value], routeOutcome{kind: routeFound}
		}
	}
	p.pattern = nil
	return value, r.miss(want, path)
}

// miss is the rest of find, off its fast path. CONNECT names no path, though its route does
// ("/*path", for a proxy): no path allows it, and none exists by it.
func (r *router[T]) miss(want routeMethods, path []byte) (out routeOutcome) {
	if len(path) == 0 || len(path) > routePathBytesMax {
		return out
	}
	if path[0] != '/' {
		// "OPTIONS *" asks about the server, so it is allowed what any route allows.
		if want == methodOptions && string(path) == "*" {
			return routeOutcome{kind: routeOptions, allowed: r.tree.below | methodOptions}
		}
		return out
	}
	if out.allowed = r.tree.allowed(path, false) &^ methodConnect; out.allowed != 0 {
		out.allowed |= methodOptions
		out.kind = routeNotAllowed
		if want == methodOptions {
			out.kind = routeOptions
			return out
		}
	}
	var other routeMethods
	if last := len(path) - 1; path[last] != '/' {
		other = r.tree.allowed(path, true)
	} else if last > 0 {
		other = r.tree.allowed(path[:last], false)
	}
	if other &^= methodConnect; other != 0 {
		out.slash = (other|methodOptions)&want != 0
	}
	return out
}

// appendAllow appends the value of an Allow field: the names, sorted.
func (r *router[T]) appendAllow(dst []byte, set routeMethods) []byte {
	start := len(dst)
	for i := range len(standardMethods) + len(r.methods) {
		if r.byName != nil {
			i = int(r.byName[i])
		}
		if set&(1<<i) == 0 {
			continue
		}
		if len(dst) > start {
			dst = append(dst, ", "...)
		}
		dst = append(dst, r.methodName(i)...)
	}
	return dst
}

// A routeMethods is a set of methods. GET implies HEAD in the sets of routes.
type routeMethods uint64

// standardMethods have the first bits, in the order of their names, so that
// Allow comes out sorted. Other methods get the bits above as add meets them.
var standardMethods = [...]string{
	"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE",
}

const (
	methodConnect routeMethods = 1 << iota
	methodDelete
	methodGet
	methodHead
	methodOptions
	methodPatch
	methodPost
	methodPut
	methodTrace
)

// methodBits has the bit of each method that http1 knows by number.
var methodBits = [http1.MethodCount]routeMethods{
	http1.GET: methodGet, http1.HEAD: methodHead, http1.POST: methodPost, http1.PUT: methodPut, http1.DELETE: methodDelete,
	http1.PATCH: methodPatch, http1.OPTIONS: methodOptions, http1.TRACE: methodTrace, http1.CONNECT: methodConnect,
}

// method returns the bit of a method, 0 if no route can have it.
func (r *router[T]) method(name string) routeMethods {
	if m := http1.MethodOf(name); m != http1.MethodOther {
		return methodBits[m]
	}
	for i, m := range r.methods {
		if m == name {
			return 1 << (len(standardMethods) + i)
		}
	}
	return 0
}

func (r *router[T]) methodName(bit int) string {
	if bit < len(standardMethods) {
		return standardMethods[bit]
	}
	return r.methods[bit-len(standardMethods)]
}

func (r *router[T]) addMethod(name string) (routeMethods, error) {
	bit := len(standardMethods) + len(r.methods)
	if bit == 64 {
		return 0, fmt.Errorf("more than 64 different methods")
	}
	r.methods = append(r.methods, strings.Clone(name))
	r.byName = r.byName[:0]
	for i := range bit + 1 {
		r.byName = append(r.byName, uint8(i))
	}
	slices.SortFunc(r.byName, func(a, b uint8) int {
		return strings.Compare(r.methodName(int(a)), r.methodName(int(b)))
	})
	return 1 << bit, nil
}

// checkMethod reports what is wrong with a method: it is a token (RFC 9110,
// 5.6.2). Methods are case-sensitive, so "get" would be a method of its own that
// no client sends; that is a slip, not a wish.
func checkMethod(name string) error {
	if name == "" {
		return fmt.Errorf("the method is empty")
	}
	for i := range len(name) {
		c := name[i]
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && !('0' <= c && c <= '9') && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return fmt.Errorf("bad byte %q at offset %d of the method", c, i)
		}
	}
	if upper := strings.ToUpper(name); upper != name && slices.Contains(standardMethods[:], upper) {
		return fmt.Errorf("methods are case-sensitive: write %s", upper)
	}
	return nil
}
