package resp

import (
	"errors"
	"fmt"
)

// Contract: an error tells a program what kind it is (ErrMalformed, ErrTooLarge)
// and a user of Redis what he knows from there: the text is Redis's own wherever
// Redis has one. Every error ends its stream, for where the next message begins
// is unknown then. A decoder reports an error as soon as the bytes before and at
// the fault are there, and reports the same again if it is asked again.

var (
	// ErrMalformed says that bytes are not RESP.
	ErrMalformed = errors.New("resp: malformed")

	// ErrTooLarge says that a message exceeds a limit of Config.
	ErrTooLarge = errors.New("resp: too large")
)

// ProtocolError is the type of every error of the decoders. Test for its Err
// with errors.Is.
type ProtocolError struct {
	// Text is what Redis would answer, without the '-' and the CRLF: for a bad
	// command a server says AppendError(dst, e.Text) and closes.
	Text string
	// OffsetBytes is where the faulty part begins, from the start of the
	// message (for ReplyDecoder.Token: of the token).
	OffsetBytes int
	// Err is ErrMalformed or ErrTooLarge.
	Err error
}

// Error returns Text alone, so that it can be sent as it is.
func (e *ProtocolError) Error() string { return e.Text }

func (e *ProtocolError) Unwrap() error { return e.Err }

// What Redis answers to commands (networking.c).
const (
	textMultibulkLength = "ERR Protocol error: invalid multibulk length"
	textBulkLength      = "ERR Protocol error: invalid bulk length"
	textInlineTooBig    = "ERR Protocol error: too big inline request"
	textQuotes          = "ERR Protocol error: unbalanced quotes in request"
)

// Faults of commands that Redis lets pass.
const (
	textBulkEnd       = "ERR Protocol error: bulk string without CRLF"
	textMessageTooBig = "ERR Protocol error: too big request"
	textInlineArgs    = "ERR Protocol error: too many arguments in inline request"
	textInlineNUL     = "ERR Protocol error: NUL in inline request"
)

// Faults of replies. Nobody sends these on; the wording is close to hiredis.
const (
	textReplyLength    = "Protocol error, bad length in reply"
	textReplyBulkEnd   = "Protocol error, bulk string without CRLF"
	textReplyBulkBig   = "Protocol error, bulk string length out of range"
	textReplyCountBig  = "Protocol error, multi-bulk length out of range"
	textReplyDepth     = "Protocol error, reply nested too deep"
	textReplyTooBig    = "Protocol error, too big reply"
	textReplyLine      = "Protocol error, CR or LF inside a line"
	textReplyLineBig   = "Protocol error, too big line"
	textReplyInteger   = "Protocol error, bad integer value"
	textReplyDouble    = "Protocol error, bad double value"
	textReplyBoolean   = "Protocol error, bad bool value"
	textReplyNull      = "Protocol error, bad nil value"
	textReplyBigNumber = "Protocol error, bad bignum value"
	textReplyVerbatim  = "Protocol error, verbatim string without format"
	textReplyPush      = "Protocol error, push inside a reply"
)

func malformed(text string, at int) error {
	return &ProtocolError{Text: text, OffsetBytes: at, Err: ErrMalformed}
}

func tooLarge(text string, at int) error {
	return &ProtocolError{Text: text, OffsetBytes: at, Err: ErrTooLarge}
}

// unexpected is Redis's answer to a wrong type byte in a command. Where Redis
// writes any byte as it is, one that is not printable is escaped here, since the
// text ends up in logs.
func unexpected(want, got byte, at int) error {
	return malformed(fmt.Sprintf("ERR Protocol error: expected '%c', got '%s'", want, printable(got)), at)
}

func unknownKind(got byte) error {
	return malformed(fmt.Sprintf("Protocol error, got \"%s\" as reply type byte", printable(got)), 0)
}

func printable(b byte) string {
	if b < 0x20 || b > 0x7e {
		return fmt.Sprintf("\\x%02x", b)
	}
	return string(rune(b))
}
