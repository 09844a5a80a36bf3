// Package lengthprefix turns a stream of bytes into frames that say their own
// length, and payloads into such frames.
//
//	+-- OffsetBytes --+-- length field --+-- payload --+
//	|   your header   |   1 2 3 4 8 or   |  length +   |
//	|   (often none)  |   a uvarint      |  Adjust     |
//	+-----------------+------------------+-------------+
//
// It is a pure codec: no I/O, no clock, no goroutine. A result is a frame and
// the bytes it took, "need more" (n == 0 and err == nil), or an error that
// ends the stream, since where the next frame begins is then unknown.
package lengthprefix

import (
	"errors"
	"fmt"
)

// Contract: a Config is plain data and its zero value is useful: four bytes,
// big endian, payloads returned bare. New is the only place that judges it, so
// that decoding never has to.

// FrameBytesMaxDefault is the limit when Config.FrameBytesMax is 0: 1 MiB.
const FrameBytesMaxDefault = 1 << 20

// StripNothing, as Config.StripBytes, makes Decode return frames whole: header,
// length field and payload.
const StripNothing = -1

// adjustBytesMax keeps sums of an adjustment and a length inside int64, with
// nothing real refused.
const adjustBytesMax = 1 << 30

// ErrConfig is wrapped by every error of New.
var ErrConfig = errors.New("lengthprefix: invalid config")

// Config describes the frames of one protocol. The zero value is a four byte
// big-endian length of the payload that follows it.
//
// The fields cover what Netty's LengthFieldBasedFrameDecoder does:
// lengthFieldOffset is OffsetBytes, lengthFieldLength is WidthBytes,
// lengthAdjustment is AdjustBytes, initialBytesToStrip is StripBytes (of which
// only the zero differs: it strips, because the payload is what one wants),
// maxFrameLength is FrameBytesMax.
type Config struct {
	// WidthBytes is the size of the length field: 1, 2, 3, 4 or 8; 0 means 4.
	// It must be 0 with Uvarint.
	WidthBytes int

	// Uvarint makes the length field an unsigned LEB128 varint of 1 to 10
	// bytes, as in encoding/binary and before delimited protobuf messages.
	// Longer than necessary encodings (0x81 0x00 for 1) are accepted, as
	// protobuf requires; a value over 64 bits is ErrLengthInvalid.
	Uvarint bool

	// LittleEndian is the byte order of a fixed field; the default is big
	// endian, the order of networks. It must be false with Uvarint.
	LittleEndian bool

	// OffsetBytes is the size of the header in front of the length field.
	OffsetBytes int

	// IncludesPrefix says that the length counts the frame from its first
	// byte: the header and the length field as well as the payload.
	IncludesPrefix bool

	// AdjustBytes is added to the length found on the wire. Positive: bytes
	// follow that it does not count (a trailing checksum, a second header).
	// Negative: it counts bytes that are not there. Within ±1 GiB.
	AdjustBytes int

	// StripBytes is how many of a frame's first bytes Decode leaves out of the
	// frame it returns. 0 means everything through the length field, so what
	// is returned is the payload; StripNothing means none; any other number is
	// meant exactly, and is refused with Uvarint, whose prefix varies in size.
	StripBytes int

	// FrameBytesMax limits a frame on the wire, header and length field
	// included, so that a buffer of this size always suffices. 0 means
	// FrameBytesMaxDefault.
	FrameBytesMax int
}

// Codec is a checked Config. It does not change, so one Codec serves every
// connection from any goroutine. Make it with New; the zero Codec is unusable.
type Codec struct {
	width    int // bytes of the length field; 0 for a uvarint
	little   bool
	offset   int
	adjust   int64 // added to the length: gives the bytes after the length field, or the whole frame if includes
	includes bool
	strip    int // as in Config: 0 is "through the length field"
	max      int // never 0
}

// New checks a config. The error wraps ErrConfig and names the field.
func New(config Config) (*Codec, error) {
	c := &Codec{
		width:    config.WidthBytes,
		little:   config.LittleEndian,
		offset:   config.OffsetBytes,
		adjust:   int64(config.AdjustBytes),
		includes: config.IncludesPrefix,
		strip:    config.StripBytes,
		max:      config.FrameBytesMax,
	}
	if c.max == 0 {
		c.max = FrameBytesMaxDefault
	}
	prefixLeast := 1
	if config.Uvarint {
		switch {
		case config.WidthBytes != 0:
			return nil, refuse("WidthBytes is %d, but a uvarint has its own width", config.WidthBytes)
		case config.LittleEndian:
			return nil, refuse("LittleEndian is set, but a uvarint has its own byte order")
		case config.StripBytes > 0:
			return nil, refuse("StripBytes is %d, but a uvarint prefix varies in size: use 0 or StripNothing", config.StripBytes)
		}
	} else {
		switch config.WidthBytes {
		case 0:
			c.width = 4
		case 1, 2, 3, 4, 8:
		default:
			return nil, refuse("WidthBytes is %d, want 1, 2, 3, 4 or 8", config.WidthBytes)
		}
		prefixLeast = c.width
	}
	switch {
	case config.FrameBytesMax < 0:
		return nil, refuse("FrameBytesMax is %d", config.FrameBytesMax)
	case config.OffsetBytes < 0:
		return nil, refuse("OffsetBytes is %d", config.OffsetBytes)
	case config.OffsetBytes > c.max-prefixLeast:
		return nil, refuse("FrameBytesMax is %d, which has no room for a header of %d and a length field of %d bytes",
			c.max, config.OffsetBytes, prefixLeast)
	case config.AdjustBytes > adjustBytesMax || config.AdjustBytes < -adjustBytesMax:
		return nil, refuse("AdjustBytes is %d, want within ±%d", config.AdjustBytes, adjustBytesMax)
	case config.StripBytes < StripNothing:
		return nil, refuse("StripBytes is %d", config.StripBytes)
	case config.StripBytes > c.max:
		return nil, refuse("StripBytes is %d, more than FrameBytesMax %d", config.StripBytes, c.max)
	}
	return c, nil
}

// FrameBytesMax is the limit in force: the largest frame on the wire, and so
// the largest buffer Decode can ever need.
func (c *Codec) FrameBytesMax() int { return c.max }

func refuse(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrConfig, fmt.Sprintf(format, args...))
}
