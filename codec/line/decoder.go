package line

import (
	"bytes"
	"fmt"
)

// Contract: between two calls a Decoder remembers one number, how many bytes
// are known to hold no delimiter. It refers to bytes by their distance from the
// start of the line and never keeps the buffer, so the caller may move or grow
// it while a line is incomplete, as long as the same bytes still stand at its
// start. k more bytes cost O(k), however long the line already is.

// LineError is the type of every error of Decode and AppendLine. Test for its
// Err with errors.Is.
type LineError struct {
	// OffsetBytes is where the line went wrong, from its start.
	OffsetBytes int
	// Err is ErrLineTooLong, ErrBareCR, ErrBareLF or ErrDelimiterInLine.
	Err error
}

func (e *LineError) Error() string { return fmt.Sprintf("%v: at byte %d", e.Err, e.OffsetBytes) }

func (e *LineError) Unwrap() error { return e.Err }

// Decoder finds the lines of one stream. The zero Decoder is that of the zero
// Config; others come from Codec.Decoder. It is a small value without pointers
// to heap memory of its own; one goroutine at a time may use it.
type Decoder struct {
	codec   *Codec // nil for standard
	scanned int    // no delimiter begins before this offset of the current line
}

// Decode finds the first line in buf, of which it takes n bytes. The line is
// borrowed from buf and comes without its delimiter; it may be empty. n == 0
// without an error means that buf holds no whole line yet: call again with the
// same bytes and more behind them. After a line, call with what follows it.
//
// Errors are *LineError, and the same call again returns the same error.
// ErrLineTooLong is reported as soon as LineBytesMax bytes are there, and no
// byte beyond them is looked at; the other errors when the line is complete.
func (d *Decoder) Decode(buf []byte) (line []byte, n int, err error) {
	c := d.codec
	if c == nil {
		c = standard
	}
	window := buf[:min(len(buf), c.max)]
	if d.scanned > len(window) { // not the bytes of last time: begin anew
		d.scanned = 0
	}
	var at int
	if len(c.delimiter) == 1 {
		at = bytes.IndexByte(window[d.scanned:], c.delimiter[0])
	} else {
		at = bytes.Index(window[d.scanned:], c.delimiter)
	}
	if at < 0 {
		if len(window) == c.max {
			return nil, 0, &LineError{OffsetBytes: c.max, Err: ErrLineTooLong}
		}
		// The last bytes may be the beginning of a delimiter.
		d.scanned = max(d.scanned, len(window)-len(c.delimiter)+1)
		return nil, 0, nil
	}
	at += d.scanned
	end := at
	if c.stripCR && end > 0 && window[end-1] == '\r' {
		end--
	}
	line = window[:end:end]
	if c.refuseCR || c.refuseLF {
		if err := c.check(window[:at]); err != nil {
			return nil, 0, err // scanned stays, so that a repeated call finds the same
		}
	}
	d.scanned = 0
	return line, at + len(c.delimiter), nil
}

// Reset forgets an unfinished line, for a Decoder that gets another stream.
func (d *Decoder) Reset() { d.scanned = 0 }

// check looks for control characters that belong to line endings in all that
// comes before a delimiter.
func (c *Codec) check(content []byte) error {
	if c.refuseLF {
		if at := bytes.IndexByte(content, '\n'); at >= 0 {
			return &LineError{OffsetBytes: at, Err: ErrBareLF}
		}
	}
	if c.refuseCR {
		at := bytes.IndexByte(content, '\r')
		// With delimiter "\n" a CR at the very end belongs to the line ending,
		// whether it is stripped or not.
		if at >= 0 && (at < len(content)-1 || len(c.delimiter) != 1) {
			return &LineError{OffsetBytes: at, Err: ErrBareCR}
		}
	}
	return nil
}
