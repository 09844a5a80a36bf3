package lengthprefix

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
)

// Contract: a frame is judged by its prefix alone, as soon as that is whole.
// So a hostile length is refused before a byte of its payload is buffered, and
// how the stream was cut into reads never changes a result. There is no state
// between calls: reading a prefix again costs at most ten bytes.

var (
	// ErrFrameTooLong says that a frame exceeds FrameBytesMax, or, when
	// encoding, what the width of the length field can express.
	ErrFrameTooLong = errors.New("lengthprefix: frame too long")

	// ErrLengthInvalid says that a length denies itself: a frame that would
	// end before its own prefix or before StripBytes, or a uvarint over 64
	// bits.
	ErrLengthInvalid = errors.New("lengthprefix: invalid length")
)

// LengthError is the type of every error of Decode, FrameBytes, AppendFrame and
// AppendHeader. Test for its Err with errors.Is.
type LengthError struct {
	// Length is the value of the length field; for an encoder, the length of
	// the payload; 0 for a uvarint that does not fit.
	Length uint64
	// FrameBytesMax is the limit that was in force.
	FrameBytesMax int
	// Err is ErrFrameTooLong or ErrLengthInvalid.
	Err error
}

func (e *LengthError) Error() string {
	return fmt.Sprintf("%v: length %d, limit %d bytes a frame", e.Err, e.Length, e.FrameBytesMax)
}

func (e *LengthError) Unwrap() error { return e.Err }

// Decode finds the first frame in buf, of which it takes n bytes. The frame is
// borrowed from buf and stripped as Config.StripBytes says; it may be empty.
// n == 0 without an error means that buf holds no whole frame yet; call again
// with the same bytes and more behind them, FrameBytes tells how many. An error
// is a *LengthError.
func (c *Codec) Decode(buf []byte) (frame []byte, n int, err error) {
	prefix, total, err := c.measure(buf)
	if err != nil || total == 0 || len(buf) < total {
		return nil, 0, err
	}
	// The capacity ends with the frame: an append to it must not run into the
	// next one.
	return buf[c.stripOf(prefix):total:total], total, nil
}

// FrameBytes is the size on the wire of the first frame in buf, as soon as its
// length field is whole; 0 before. A reader sizes its buffer by it once,
// instead of growing it step by step. Errors are those of Decode.
func (c *Codec) FrameBytes(buf []byte) (int, error) {
	_, total, err := c.measure(buf)
	return total, err
}

// AppendFrame appends a length field and the payload to dst. A header of
// Config.OffsetBytes is the caller's: append it to dst first. What AppendFrame
// calls payload is all that follows the length field, trailers and second
// headers included. A payload that FrameBytesMax or the field cannot hold
// returns dst as it was and a *LengthError.
func (c *Codec) AppendFrame(dst, payload []byte) ([]byte, error) {
	dst, err := c.AppendHeader(dst, len(payload))
	if err != nil {
		return dst, err
	}
	return append(dst, payload...), nil
}

// AppendHeader appends only the length field of a payload of payloadBytes
// bytes, for a vectored send in which the payload is not copied. Otherwise as
// AppendFrame; a negative payloadBytes is ErrLengthInvalid.
func (c *Codec) AppendHeader(dst []byte, payloadBytes int) ([]byte, error) {
	if payloadBytes < 0 {
		return dst, c.wrong(0, ErrLengthInvalid)
	}
	length := int64(payloadBytes) - c.adjust
	if c.includes {
		length += int64(c.offset)
	}
	width := c.width
	if width == 0 {
		width = uvarintWidth(length, c.includes)
	}
	if c.includes {
		length += int64(width)
	}
	switch {
	case payloadBytes > c.max-c.offset-width:
		return dst, c.wrong(uint64(payloadBytes), ErrFrameTooLong)
	case length < 0, payloadBytes+c.offset+width < c.strip:
		return dst, c.wrong(uint64(payloadBytes), ErrLengthInvalid)
	case c.width > 0 && c.width < 8 && length >= 1<<(8*c.width):
		return dst, c.wrong(uint64(payloadBytes), ErrFrameTooLong)
	}
	return c.appendLength(dst, uint64(length)), nil
}

// measure gives the size of the first frame's prefix (header and length field)
// and of the whole frame; both are 0 while the prefix is incomplete.
func (c *Codec) measure(buf []byte) (prefix, total int, err error) {
	if len(buf) <= c.offset {
		return 0, 0, nil
	}
	length, width, ok := c.length(buf[c.offset:])
	if !ok {
		return 0, 0, c.wrong(0, ErrLengthInvalid)
	}
	if width == 0 {
		return 0, 0, nil
	}
	prefix = c.offset + width
	// Sums below stay inside int64: the length is under 2^62, the adjustment
	// under 2^31, and the prefix lies within buf.
	if length >= 1<<62 {
		return 0, 0, c.wrong(length, ErrFrameTooLong)
	}
	whole := int64(length) + c.adjust
	if !c.includes {
		whole += int64(prefix)
	}
	switch {
	case whole < int64(prefix) || whole < int64(c.strip):
		return 0, 0, c.wrong(length, ErrLengthInvalid)
	case whole > int64(c.max):
		return 0, 0, c.wrong(length, ErrFrameTooLong)
	}
	return prefix, int(whole), nil
}

// length reads the length field at the start of b: width 0 means incomplete,
// ok false a uvarint that does not end within 64 bits.
func (c *Codec) length(b []byte) (length uint64, width int, ok bool) {
	if c.width == 0 {
		return uvarint(b)
	}
	if len(b) < c.width {
		return 0, 0, true
	}
	switch {
	case c.width == 4 && !c.little:
		length = uint64(binary.BigEndian.Uint32(b))
	case c.width == 4:
		length = uint64(binary.LittleEndian.Uint32(b))
	case c.width == 8 && !c.little:
		length = binary.BigEndian.Uint64(b)
	case c.width == 8:
		length = binary.LittleEndian.Uint64(b)
	case c.little:
		for i := c.width - 1; i >= 0; i-- {
			length = length<<8 | uint64(b[i])
		}
	default:
		for _, octet := range b[:c.width] {
			length = length<<8 | uint64(octet)
		}
	}
	return length, c.width, true
}

// appendLength writes a length that AppendHeader has found to fit.
func (c *Codec) appendLength(dst []byte, length uint64) []byte {
	if c.width == 0 {
		return binary.AppendUvarint(dst, length)
	}
	for i := range c.width {
		shift := 8 * i
		if !c.little {
			shift = 8 * (c.width - 1 - i)
		}
		dst = append(dst, byte(length>>shift))
	}
	return dst
}

// stripOf is how many bytes to cut from a frame with this prefix.
func (c *Codec) stripOf(prefix int) int {
	switch c.strip {
	case 0:
		return prefix
	case StripNothing:
		return 0
	}
	return c.strip
}

func (c *Codec) wrong(length uint64, err error) error {
	return &LengthError{Length: length, FrameBytesMax: c.max, Err: err}
}

// uvarint reads as encoding/binary.Uvarint does, but calls a tenth byte that
// goes over 64 bits wrong at once, where that waits for an eleventh.
func uvarint(b []byte) (length uint64, width int, ok bool) {
	for i, octet := range b {
		if i == binary.MaxVarintLen64-1 && octet > 1 {
			return 0, 0, false
		}
		length |= uint64(octet&0x7f) << (7 * i)
		if octet < 0x80 {
			return length, i + 1, true
		}
	}
	return 0, 0, true
}

// uvarintWidth is the width of a uvarint that holds length, or, if it is to
// count itself, length plus that width. The smallest width that suffices is
// also exact then: one byte more in the length needs at most one byte more of
// varint.
func uvarintWidth(length int64, countsItself bool) int {
	for width := 1; ; width++ {
		held := length
		if countsItself {
			held += int64(width)
		}
		if held < 0 || bits.Len64(uint64(held)) <= 7*width {
			return width
		}
	}
}
