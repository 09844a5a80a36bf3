package httpfw

import (
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/heddle-go/heddle/codec/http1"
)

// A replyHead is the head of a reply as an http.Handler has set it, translated: what
// net/http would refuse to send is left out or mended in the same way, and the fields
// that frame the message or belong to the connection are Heddle's. Immutable but for
// its Content-Type, until the fiber has it.
type replyHead struct {
	status   int
	fields   []field
	kind     string
	typed    bool     // the handler has set, or forbidden, a Content-Type
	encoded  bool     // the body has a Content-Encoding
	length   int64    // -1 if none
	close    bool     // the connection is to end
	announce []string // names of trailers
}

// newReplyHead takes a snapshot of h.
func newReplyHead(status int, h http.Header, log *slog.Logger) *replyHead {
	head := &replyHead{status: status, length: -1}
	for _, name := range slices.Sorted(maps.Keys(h)) {
		values := h[name]
		if !http1.ValidFieldName(name) || strings.HasPrefix(name, http.TrailerPrefix) {
			continue
		}
		switch class := framing(name); class {
		case fieldKind:
			head.typed = true
			if len(values) > 0 {
				head.kind = clean(values[0])
			}
			continue
		case fieldLength:
			if len(values) > 0 {
				n, err := parseLength(strings.TrimSpace(values[0]))
				if err != nil {
					log.Warn("httpfw: an http.Handler has set an invalid Content-Length", "value", values[0])
				} else {
					head.length = n
				}
			}
			continue
		case fieldFraming:
			continue
		case fieldConnection:
			values = head.connection(values)
		}
		switch http.CanonicalHeaderKey(name) {
		case "Content-Encoding":
			head.encoded = len(values) > 0 && values[0] != ""
		case "Trailer":
			for _, v := range values {
				for name := range announced(nil, v) {
					head.announce = append(head.announce, name)
				}
			}
		}
		for _, v := range values {
			head.fields = append(head.fields, field{name, clean(v)})
		}
	}
	return head
}

// connection takes close out of the values of Connection, and keep-alive, which goes
// without saying.
func (head *replyHead) connection(values []string) (rest []string) {
	for _, v := range values {
		for option := range strings.SplitSeq(v, ",") {
			option = strings.TrimSpace(option)
			switch {
			case strings.EqualFold(option, "close"):
				head.close = true
			case option != "" && !strings.EqualFold(option, "keep-alive"):
				rest = append(rest, option)
			}
		}
	}
	return rest
}

// clean returns a field value with control bytes replaced by spaces, and none around
// it, as net/http sends it.
func clean(v string) string {
	if !http1.ValidFieldValue(v) {
		v = strings.TrimSpace(strings.Map(func(r rune) rune {
			if r < ' ' && r != '\t' || r == 0x7F {
				return ' '
			}
			return r
		}, v))
	}
	return v
}

// sniff sets a Content-Type by the first bytes of the body, if there is none.
func (head *replyHead) sniff(body []byte) {
	if !head.typed && !head.encoded && len(body) > 0 && bodyAllowed(head.status) {
		head.kind = http.DetectContentType(body)
	}
}

// set makes head that of c's reply, in place of what was set before.
func (head *replyHead) set(c *Ctx) {
	r := &c.reply
	r.status = int16(head.status)
	clear(r.fields)
	r.fields = append(r.fields[:0], head.fields...)
	r.kind = head.kind
	r.length = head.length
	if head.close || head.status == http.StatusSwitchingProtocols {
		r.close = true
	}
}

// append appends the fields of an interim reply.
func (head *replyHead) append(b []byte) []byte {
	if head.kind != "" {
		b = http1.AppendField(b, "Content-Type", head.kind)
	}
	for _, f := range head.fields {
		b = http1.AppendField(b, f.name, f.value)
	}
	return b
}

// trailers returns the fields that go behind the body: what was announced by Trailer
// when the head was set, and what has http.TrailerPrefix now.
func (head *replyHead) trailers(h http.Header) (list []http1.Field) {
	add := func(name string, values []string) {
		for _, v := range values {
			list = append(list, http1.Field{Name: []byte(name), Value: []byte(clean(v))})
		}
	}
	for _, name := range head.announce {
		add(name, h[name])
	}
	for _, name := range slices.Sorted(maps.Keys(h)) {
		if t, ok := strings.CutPrefix(name, http.TrailerPrefix); ok {
			add(t, h[name])
		}
	}
	return list
}

// eachField calls yield for the fields set so far but Content-Length.
func (c *Ctx) eachField(yield func(name, value string)) {
	if c.reply.kind != "" {
		yield("Content-Type", c.reply.kind)
	}
	for _, f := range c.reply.fields {
		yield(f.name, f.value)
	}
}

// isResponseWriter reports whether a function is one of responseWriter's.
func isResponseWriter(function string) bool {
	return strings.Contains(function, "httpfw.(*responseWriter).") || strings.Contains(function, "httpfw.write[")
}
