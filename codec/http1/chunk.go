package http1

// Chunked bodies, RFC 9112 section 7.1.
//
// Contract: a ChunkDecoder keeps what it has seen of the framing in a few numbers, so
// the caller may throw away whatever Next has consumed, down to half a chunk size. Only
// a trailer field must be in the buffer as a whole before it is consumed. Data is lent,
// never copied.

import "math"

// A ChunkDecoder undoes the chunked transfer coding of one body. The zero value is
// ready; Reset makes it ready for the next body.
type ChunkDecoder struct {
	// Limits bounds extensions and trailers; nil means the defaults. It is the caller's
	// to set, and Reset keeps it.
	Limits *Limits
	// Trailer has the fields of the trailer section once Done. They are copies, good
	// until Reset. A trailer is untrusted even more than a header: nothing may be
	// merged into the header without looking.
	Trailer []Field

	left    int64  // of the size, or of the data of this chunk
	offset  int    // bytes consumed since the body began
	extra   int    // bytes of extensions, and zeros in front of sizes
	trailed int    // bytes of the trailer section
	at      uint32 // in a trailer line at the start of the buffer: where to go on,
	colon   uint32 // and its colon
	state   chunkState
	digits  uint8
	kept    []byte // backs Trailer
	failure *Error
}

type chunkState uint8

const (
	inSize chunkState = iota
	inExtensionName
	inExtensionValue
	inQuoted
	inQuotedPair
	afterQuoted
	beforeSizeLF
	inData
	beforeDataCR
	beforeDataLF
	inTrailer
	chunksDone
)

const chunkDigitsMax = 16

// Done reports whether the body and its trailer section are complete. The byte after
// the last one consumed belongs to the next message.
func (d *ChunkDecoder) Done() bool { return d.state == chunksDone }

// Reset makes d ready for another body. It keeps Limits and the memory behind Trailer.
func (d *ChunkDecoder) Reset() {
	clear(d.Trailer)
	*d = ChunkDecoder{Limits: d.Limits, Trailer: d.Trailer[:0], kept: d.kept[:0]}
}

// Next consumes n bytes from the start of buf: framing, and at most one piece of data,
// which it returns as a slice of buf. Call it with the bytes that follow until Done.
// data is empty when buf holds only framing; n is 0 when all of buf is the start of a
// trailer field, or d is Done: more bytes are needed, or none. What follows the body is
// never consumed.
//
// Any deviation from the grammar is an *Error, and stays: whitespace around a size or
// an extension, a size of more than 16 digits or 63 bits, LF without CR, extensions
// beyond Limits.ExtensionBytesMax, a trailer beyond the limits, and a trailer field
// that frames, routes or authenticates (RFC 9110 section 6.5.1). Zeros in front of a
// size count as extension.
func (d *ChunkDecoder) Next(buf []byte) (data []byte, n int, err error) {
	if d.failure != nil {
		return nil, 0, d.failure
	}
	i := 0
	for i < len(buf) && d.state != chunksDone {
		switch d.state {
		case inData:
			end := i + int(min(d.left, int64(len(buf)-i)))
			d.left -= int64(end - i)
			if d.left == 0 {
				d.state = beforeDataCR
			}
			d.offset += end
			return buf[i:end:end], end, nil
		case inTrailer:
			size, bad := d.trailer(buf[i:])
			if bad == more {
				d.offset += i
				return nil, i, nil
			}
			if bad != nil {
				return d.fail(bad, i+size)
			}
			i += size
		default:
			if bad := d.step(buf[i]); bad != nil {
				return d.fail(bad, i)
			}
			i++
		}
	}
	d.offset += i
	return nil, i, nil
}

func (d *ChunkDecoder) fail(bad *rule, i int) ([]byte, int, error) {
	d.failure = bad.at(d.offset + i)
	return nil, 0, d.failure
}

// step takes one byte of framing.
func (d *ChunkDecoder) step(c byte) *rule {
	switch d.state {
	case inSize:
		if class[c]&hexByte != 0 {
			if d.digits++; d.digits > chunkDigitsMax || d.left > math.MaxInt64>>4 {
				return sizeHuge
			}
			if d.left = d.left<<4 | int64(hexValue(c)); d.left == 0 && d.digits > 1 {
				return d.spend()
			}
			return nil
		}
		if d.digits == 0 {
			return noSize
		}
		return d.sizeEnd(c, sizeByte)
	case inExtensionName:
		switch {
		case class[c]&tokenByte != 0:
			d.digits = 1
		case d.digits == 0:
			return extension
		case c == '=':
			d.state, d.digits = inExtensionValue, 0
		default:
			return d.sizeEnd(c, extension)
		}
		return d.spend()
	case inExtensionValue:
		switch {
		case class[c]&tokenByte != 0:
			d.digits = 1
		case c == '"' && d.digits == 0:
			d.state = inQuoted
		case d.digits == 0:
			return extension
		default:
			return d.sizeEnd(c, extension)
		}
		return d.spend()
	case inQuoted:
		switch {
		case c == '"':
			d.state = afterQuoted
		case c == '\\':
			d.state = inQuotedPair
		case class[c]&qdtextByte == 0:
			return extension
		}
		return d.spend()
	case inQuotedPair:
		if class[c]&valueByte == 0 {
			return extension
		}
		d.state = inQuoted
		return d.spend()
	case afterQuoted:
		return d.sizeEnd(c, extension)
	case beforeSizeLF:
		if c != '\n' {
			return bareCR
		}
		if d.digits = 0; d.left == 0 {
			d.state = inTrailer
		} else {
			d.state = inData
		}
	case beforeDataCR:
		if c == '\n' {
			return bareLF
		}
		if c != '\r' {
			return chunkEnd
		}
		d.state = beforeDataLF
	case beforeDataLF:
		if c != '\n' {
			return bareCR
		}
		d.state = inSize
	}
	return nil
}

// sizeEnd takes what may follow a size, or an extension that could end here.
func (d *ChunkDecoder) sizeEnd(c byte, otherwise *rule) *rule {
	switch c {
	case '\r':
		d.state = beforeSizeLF
		return nil
	case '\n':
		return bareLF
	case ';':
		d.state, d.digits = inExtensionName, 0
		return d.spend()
	}
	return otherwise
}

// spend counts a byte that carries nothing.
func (d *ChunkDecoder) spend() *rule {
	if d.extra++; d.extra > d.Limits.extensionBytes() {
		return overhead
	}
	return nil
}

// trailer takes one line of the trailer section from the start of buf: its length and
// nil, more, or the offset of an error.
func (d *ChunkDecoder) trailer(buf []byte) (int, *rule) {
	room := d.Limits.trailerBytes() - d.trailed
	whole := len(buf) < room
	buf = buf[:min(len(buf), room)]
	size, bad := d.trailerLine(buf)
	if bad == more && !whole {
		return room, trailerLong
	}
	if bad == nil {
		d.trailed += size
		d.at, d.colon = 0, 0
	}
	return size, bad
}

func (d *ChunkDecoder) trailerLine(buf []byte) (int, *rule) {
	if len(buf) == 0 {
		return 0, more
	}
	if buf[0] == '\r' {
		if bad := lineEnd(buf, 0, nil); bad != nil {
			return 0, bad
		}
		d.state = chunksDone
		return 2, nil
	}
	if len(d.Trailer) >= d.Limits.headerCount() {
		return 0, fieldsMany
	}
	if int(d.at) > len(buf) {
		d.at, d.colon = 0, 0 // other bytes than before: the caller's mistake
	}
	colon, end, bad := scanField(buf, 0, int(d.at), int(d.colon))
	if bad != nil {
		if bad == more {
			d.at, d.colon = uint32(end), uint32(colon)
		}
		return end, bad
	}
	if forbiddenTrailer(buf[:colon]) {
		return 0, trailerName
	}
	// When kept has to grow, earlier fields go on pointing into the array it was in.
	start := len(d.kept)
	d.kept = append(d.kept, buf[:end]...)
	line := d.kept[start:]
	d.Trailer = append(d.Trailer, Field{line[:colon:colon], trim(line, colon+1, end)})
	return end + 2, nil
}
