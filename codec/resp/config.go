// Package resp is the Redis protocol, versions 2 and 3, for both sides:
// decoding of commands (a server's input, Decoder) and of replies (a client's
// input, ReplyDecoder), and encoding of everything (the Append functions).
//
// It is a pure codec: no I/O, no clock, no goroutine. A result is a message and
// the bytes it took, "need more" (n == 0 and err == nil), or a *ProtocolError
// that ends the stream.
//
// Source: https://redis.io/docs/latest/develop/reference/protocol-spec/, and
// where that is silent the behaviour of Redis itself (networking.c, sds.c) and
// of its client library hiredis. Streamed strings and aggregates ("$?", "*?"),
// which an early draft of RESP3 had and Redis never sends, are refused as
// invalid lengths.
package resp

import (
	"errors"
	"fmt"
	"math"
)

// Contract: every limit is on by default and none is ever switched off. Config
// is plain data with a useful zero value; New is the only place that judges it.

// The limits where the fields of Config are 0. Redis itself allows strings of
// 512 MB, which is no safe default for a server of thousands of connections.
const (
	BulkBytesMaxDefault    = 4 << 20
	MessageBytesMaxDefault = 16 << 20
	InlineBytesMaxDefault  = 64 << 10
	ArgsMaxDefault         = 64 << 10
	ElementsMaxDefault     = 16 << 20
	DepthMaxDefault        = 32
)

// ErrConfig is wrapped by every error of New.
var ErrConfig = errors.New("resp: invalid config")

// Config holds the limits of a server or a client; 0 means the default. A
// server that wants narrower limits before AUTH, as Redis does, keeps two Codecs
// and changes Decoders between two commands.
type Config struct {
	// BulkBytesMax limits one bulk string: an argument of a command, or a bulk
	// string, bulk error or verbatim string of a reply.
	BulkBytesMax int

	// MessageBytesMax limits a whole command on the wire, and a whole reply
	// where ReplyDecoder.Reply collects one.
	MessageBytesMax int

	// InlineBytesMax limits what is sent as one line, its ending included: an
	// inline command, or a simple string, error or number of a reply.
	InlineBytesMax int

	// ArgsMax limits the arguments of a command, its name included.
	ArgsMax int

	// ElementsMax limits the elements of one aggregate of a reply; a pair of a
	// map counts as two.
	ElementsMax int

	// DepthMax limits how deep aggregates of a reply may nest.
	DepthMax int

	// RefuseInline makes commands that do not start with '*' an error. People
	// like to type inline commands into telnet; a browser tricked into posting
	// to the port sends them as well.
	RefuseInline bool
}

// Codec is a checked Config with its defaults filled in. It does not change, so
// one Codec serves every connection from any goroutine. Make it with New.
type Codec struct {
	limits Config // no field is 0
}

// standard is the codec of the zero Config, for decoders of none.
var standard = &Codec{limits: Config{
	BulkBytesMax:    BulkBytesMaxDefault,
	MessageBytesMax: MessageBytesMaxDefault,
	InlineBytesMax:  InlineBytesMaxDefault,
	ArgsMax:         ArgsMaxDefault,
	ElementsMax:     ElementsMaxDefault,
	DepthMax:        DepthMaxDefault,
}}

// New checks a config. The error wraps ErrConfig and names the field.
func New(config Config) (*Codec, error) {
	c := &Codec{limits: config}
	for _, field := range []struct {
		name            string
		limit           *int
		least, standard int
	}{
		{"BulkBytesMax", &c.limits.BulkBytesMax, 1, BulkBytesMaxDefault},
		{"MessageBytesMax", &c.limits.MessageBytesMax, 1, max(MessageBytesMaxDefault, sumOrMax(config.BulkBytesMax, 1<<20))},
		{"InlineBytesMax", &c.limits.InlineBytesMax, 3, InlineBytesMaxDefault},
		{"ArgsMax", &c.limits.ArgsMax, 1, ArgsMaxDefault},
		{"ElementsMax", &c.limits.ElementsMax, 1, ElementsMaxDefault},
		{"DepthMax", &c.limits.DepthMax, 1, DepthMaxDefault},
	} {
		switch {
		case *field.limit == 0:
			*field.limit = field.standard
		case *field.limit < field.least:
			return nil, fmt.Errorf("%w: %s is %d, want at least %d", ErrConfig, field.name, *field.limit, field.least)
		}
	}
	return c, nil
}

// sumOrMax lets the default for a message grow with an explicit BulkBytesMax, so
// that raising that alone has the effect one expects.
func sumOrMax(a, b int) int {
	if a > math.MaxInt-b {
		return math.MaxInt
	}
	return a + b
}

// Config is the limits in force: no field that is a number is 0.
func (c *Codec) Config() Config { return c.limits }

// Decoder makes the decoder of the commands of one connection.
func (c *Codec) Decoder() Decoder { return Decoder{codec: c} }

// ReplyDecoder makes the decoder of the replies of one connection.
func (c *Codec) ReplyDecoder() ReplyDecoder { return ReplyDecoder{codec: c} }
