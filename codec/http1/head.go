package http1

// What requests and responses have in common: the field section and the framing
// that follows from it.
//
// Contract: section goes over the buffer once, line by line, and decides about
// every byte by that byte and those before it. So the answer for a prefix never
// contradicts the answer for the whole, and an error shows as soon as its byte is
// there. When the buffer ends early, Progress says how far section got; the next
// call goes on there. What it read before is not read again until the head is
// complete: then, since the bytes may have moved in the meantime, one more pass
// cuts the fields out of the buffer as it is now. A head in any number of pieces
// thus costs at most twice a head in one. Nothing is accepted but by that last pass
// over all of it: a Progress that belongs to other bytes can delay or refuse a head,
// but never let a bad one through.

// A Field is one field line. Both halves are borrowed from the buffer that was
// parsed: the name as it was sent, the value without the whitespace around it.
type Field struct{ Name, Value []byte }

// Progress is how far a parser got in a head that is not complete: 16 bytes without
// pointers. A server that lends one Request to many connections keeps the Progress
// with the connection whose head is half there. The zero value is the start of a head.
type Progress struct {
	line  uint32 // start of the field line being read; 0 in the first line
	at    uint32 // every byte before it is read
	colon uint32 // of the field line; in a request line, the '?' of the target; or 0
	count uint16 // complete field lines
	seen  uint16 // what they contained
}

// Bits of Progress.seen.
const (
	seenOld    = 1 << iota // HTTP/1.0
	seenHost               // a Host field
	seenLength             // a Content-Length field
	seenCoding             // a Transfer-Encoding field
	seenClose              // the connection option close
	seenKeepAlive
	seenUpgradeOption
	seenUpgrade    // an Upgrade field that is not empty
	seenExpect     // Expect: 100-continue
	seenTrailersOK // TE: trailers
	seenCookie     // a Cookie field
)

// Head is what a parsed Request and a parsed Response share. It is valid from the
// Parse that returned n > 0 to the next one, and its slices as long as the buffer
// that was parsed.
type Head struct {
	// Fields has all field lines in the order they came. The array is reused by the
	// next Parse and grows up to Limits.HeaderCountMax.
	Fields []Field
	// ContentLength is in bytes; -1 if there is no Content-Length field.
	ContentLength int64
	// Minor is 0 for HTTP/1.0 and 1 for HTTP/1.1 and any later HTTP/1 (RFC 9110 section 2.5).
	Minor uint8
	// Chunked: the body is in the chunked transfer coding; read it by a ChunkDecoder.
	Chunked bool
	// KeepAlive: the connection outlives this exchange (RFC 9112 section 9.3), by the
	// version, the Connection field and, for a response, the framing of the body.
	KeepAlive bool
	// Upgrade: an Upgrade field, and Connection lists it (RFC 9110 section 7.8). Never in HTTP/1.0.
	Upgrade bool

	hostAt   uint16    // index of the Host field
	known    validHost // the last Host field that was accepted, of whatever request
	progress Progress  // where the next Parse goes on
}

// Lookup returns the value of the first field of that name, in any case of letters,
// and whether there is one.
func (h *Head) Lookup(name string) (value []byte, ok bool) {
	for i := range h.Fields {
		if f := &h.Fields[i]; len(f.Name) == len(name) && fold(f.Name, name) {
			return f.Value, true
		}
	}
	return nil, false
}

// Field is Lookup for those who do not tell an absent field from an empty one: nil if absent.
func (h *Head) Field(name string) []byte {
	value, _ := h.Lookup(name)
	return value
}

// Progress returns how far Parse got when it last returned 0, nil; the zero value otherwise.
func (h *Head) Progress() Progress { return h.progress }

// Resume makes the next Parse go on from p. Its buffer must start with the bytes
// that p was made from.
func (h *Head) Resume(p Progress) { h.progress = p }

// A message is what the heads of requests and responses differ in.
type message interface {
	// firstLine reads the first line and returns the offset behind it and nil; more, having
	// put into progress where it can go on; or the offset of an error, and the rule.
	firstLine(buf []byte, lim *Limits) (int, *rule)
	isRequest() bool
}

// parse reads the head of m, whose Head h is, from the start of buf or where it stopped.
// It returns the offset behind the head, what the fields contained, and nil; more; or the
// offset of an error, and the rule.
func (h *Head) parse(m message, buf []byte, lim *Limits) (end int, seen uint16, bad *rule) {
	most := lim.headerBytes()
	if len(buf) > most {
		buf = buf[:most]
	}
	if uint(h.progress.at) > uint(len(buf)) {
		h.progress = Progress{} // other bytes than before: the caller's mistake
	}
	resumed := h.progress.at != 0
	if resumed {
		h.Fields = h.Fields[:0] // the last pass fills it
	} else {
		h.clear()
	}
	end, bad = h.read(m, buf, lim)
	if resumed && bad == nil {
		h.clear()
		end, bad = h.read(m, buf, lim)
	}
	if bad == more {
		if len(buf) < most {
			return 0, 0, more
		}
		if end, bad = len(buf), headLong; h.progress.line == 0 && m.isRequest() {
			bad = targetLong
		}
	}
	seen = h.progress.seen
	h.progress = Progress{}
	return end, seen, bad
}

// clear prepares for a head from its first byte.
func (h *Head) clear() {
	h.Fields = h.Fields[:0]
	h.ContentLength = -1
	h.Chunked = false
	h.progress = Progress{}
}

// read is one pass from h.progress on.
func (h *Head) read(m message, buf []byte, lim *Limits) (int, *rule) {
	if h.progress.line == 0 {
		end, bad := m.firstLine(buf, lim)
		if bad != nil {
			return end, bad
		}
		var seen uint16
		if h.Minor == 0 {
			seen = seenOld
		}
		h.progress = Progress{line: uint32(end), at: uint32(end), seen: seen}
	}
	return h.section(buf, m.isRequest(), lim.headerCount())
}

// section reads field lines from h.progress on, up to and including the blank line.
// It returns the offset behind that and nil; more, having put how far it got into
// h.progress; or the offset of the byte that broke a rule, and the rule.
func (h *Head) section(buf []byte, request bool, countMax int) (int, *rule) {
	p := h.progress
	line, at, colon, count := int(p.line), int(p.at), int(p.colon), int(p.count)
	fields := h.Fields
	var bad *rule
	for {
		if line >= len(buf) {
			at, bad = line, more
			break
		}
		if buf[line] == '\r' {
			if line+1 < len(buf) && buf[line+1] == '\n' {
				h.Fields = fields
				h.progress.seen = p.seen
				return line + 2, nil
			}
			at, bad = line, lineEnd(buf, line, nil)
			break
		}
		if count >= countMax {
			at, bad = line, fieldsMany
			break
		}
		colon, at, bad = scanField(buf, line, at, colon)
		if bad != nil {
			break
		}
		value := trim(buf, colon+1, at)
		if len(fields) == cap(fields) {
			fields = grow(fields, countMax)
		}
		// Filled in place: an append of the struct is 8% slower for a browser's head.
		fields = fields[:len(fields)+1]
		field := &fields[len(fields)-1]
		field.Name, field.Value = buf[line:colon:colon], value
		// Few lengths of names matter; this test spares the others the call.
		if n := uint(colon - line); n <= 17 && framingLengths>>n&1 != 0 {
			if bad = h.framing(field, count, &p.seen, request); bad != nil {
				at = colon + 1
				break
			}
		}
		count++
		at += 2
		line, colon = at, 0
	}
	h.Fields = fields
	if bad == more {
		h.progress = Progress{uint32(line), uint32(at), uint32(colon), uint16(count), p.seen}
	}
	return at, bad
}

// grow doubles the array for fields, up to countMax.
func grow(fields []Field, countMax int) []Field {
	larger := make([]Field, len(fields), max(len(fields)+1, min(max(2, 2*cap(fields)), countMax)))
	copy(larger, fields)
	return larger
}
