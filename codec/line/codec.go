// Package line turns a stream of bytes into lines, and lines into bytes. A line
// ends with a delimiter: a line feed, by default with an optional carriage
// return before it, or any other string.
//
// It is a pure codec: no I/O, no clock, no goroutine. A result is a line and the
// bytes it took, "need more" (n == 0 and err == nil), or an error that ends the
// stream.
package line

import (
	"bytes"
	"errors"
	"fmt"
)

// Contract: a Codec is what all connections of a protocol share and never
// changes; a Decoder (decoder.go) is what one connection remembers. What
// AppendLine writes always decodes to the same line: whoever can choose a line's
// bytes cannot end it early and start one of his own.

// LineBytesMaxDefault is the limit when Config.LineBytesMax is 0: 64 KiB.
const LineBytesMaxDefault = 64 << 10

var (
	// ErrConfig is wrapped by every error of New.
	ErrConfig = errors.New("line: invalid config")

	// ErrLineTooLong says that a line and its delimiter exceed LineBytesMax.
	ErrLineTooLong = errors.New("line: line too long")

	// ErrBareCR says that a carriage return stands elsewhere than in a line
	// ending, under Config.RefuseBareCR.
	ErrBareCR = errors.New("line: bare carriage return")

	// ErrBareLF says that a line feed stands elsewhere than in a line ending,
	// under Config.RefuseBareLF.
	ErrBareLF = errors.New("line: bare line feed")

	// ErrDelimiterInLine says that a line to be encoded would not decode as
	// itself: it holds the delimiter, or its end makes one together with the
	// delimiter, or it ends with a carriage return that decoding would strip.
	ErrDelimiterInLine = errors.New("line: delimiter inside the line")
)

// Config describes the lines of one protocol. The zero value reads lines that
// end with "\n" or "\r\n" and writes "\n".
type Config struct {
	// Delimiter ends each line; "" means "\n". It is matched as bytes, the
	// first occurrence wins.
	Delimiter string

	// KeepCR leaves a carriage return before the line feed in the line. Only
	// with the delimiter "\n"; with any other none is ever stripped.
	KeepCR bool

	// RefuseBareCR makes a carriage return anywhere but directly before the
	// line feed an error. Peers that disagree on whether a lone CR ends a line
	// can be made to see different messages. Only with "\n" and "\r\n".
	RefuseBareCR bool

	// RefuseBareLF makes a line feed without a carriage return before it an
	// error, as RFC 5321, section 2.3.8 demands of SMTP. Only with "\r\n".
	RefuseBareLF bool

	// LineBytesMax limits a line on the wire, its delimiter included, so that
	// a buffer of this size always suffices. 0 means LineBytesMaxDefault.
	LineBytesMax int
}

// Codec is a checked Config. It does not change, so one Codec serves every
// connection from any goroutine. Make it with New.
type Codec struct {
	delimiter []byte // never empty, never changed
	stripCR   bool
	refuseCR  bool
	refuseLF  bool
	max       int // larger than the delimiter
}

// standard is the codec of the zero Config, for Decoders of none.
var standard = &Codec{delimiter: []byte{'\n'}, stripCR: true, max: LineBytesMaxDefault}

// New checks a config. The error wraps ErrConfig and names the field.
func New(config Config) (*Codec, error) {
	delimiter := config.Delimiter
	if delimiter == "" {
		delimiter = "\n"
	}
	c := &Codec{
		delimiter: []byte(delimiter),
		stripCR:   delimiter == "\n" && !config.KeepCR,
		refuseCR:  config.RefuseBareCR,
		refuseLF:  config.RefuseBareLF,
		max:       config.LineBytesMax,
	}
	if c.max == 0 {
		c.max = max(LineBytesMaxDefault, 2*len(delimiter))
	}
	switch {
	case config.LineBytesMax < 0 || c.max <= len(delimiter):
		return nil, refuse("LineBytesMax is %d, with a delimiter of %d bytes", config.LineBytesMax, len(delimiter))
	case config.KeepCR && delimiter != "\n":
		return nil, refuse("KeepCR is set, but no CR is stripped with delimiter %q", delimiter)
	case config.RefuseBareCR && delimiter != "\n" && delimiter != "\r\n":
		return nil, refuse("RefuseBareCR is set, but means nothing with delimiter %q", delimiter)
	case config.RefuseBareLF && delimiter != "\r\n":
		return nil, refuse("RefuseBareLF is set, but means nothing with delimiter %q", delimiter)
	}
	return c, nil
}

// LineBytesMax is the limit in force: the longest line on the wire, and so the
// largest buffer a Decoder can ever need.
func (c *Codec) LineBytesMax() int { return c.max }

// Decoder makes the decoder of one connection.
func (c *Codec) Decoder() Decoder { return Decoder{codec: c} }

// AppendLine appends the line and the delimiter to dst. A line that could not be
// decoded as it is returns dst as it was and a *LineError: ErrDelimiterInLine,
// ErrLineTooLong, ErrBareCR or ErrBareLF.
func (c *Codec) AppendLine(dst, line []byte) ([]byte, error) {
	if len(line) > c.max-len(c.delimiter) {
		return dst, &LineError{OffsetBytes: c.max, Err: ErrLineTooLong}
	}
	start := len(dst)
	dst = append(dst, line...)
	dst = append(dst, c.delimiter...)
	// Decoding is the definition of what may be written, so ask it. Rules of
	// its own could disagree, above all where a delimiter overlaps itself.
	decoder := c.Decoder()
	back, n, err := decoder.Decode(dst[start:])
	if err != nil {
		return dst[:start], err
	}
	if n != len(dst)-start || len(back) != len(line) {
		return dst[:start], &LineError{OffsetBytes: bytes.Index(dst[start:], c.delimiter), Err: ErrDelimiterInLine}
	}
	return dst, nil
}

func refuse(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrConfig, fmt.Sprintf(format, args...))
}
