package httpfw

import (
	"context"
	"log/slog"
	"math"
	"time"

	"github.com/heddle-go/heddle/codec/http1"
	"github.com/heddle-go/heddle/fiber"
	"github.com/heddle-go/heddle/netpoll"
)

// Config says how an App serves. The zero value is meant to be used: every limit is
// on. A negative duration or size switches its limit off; docs/limits.md says what a
// client gets that exceeds one.
type Config struct {
	// Fiber configures the runtime that Run and Start make: loops, stalls, Block.
	// Its NewPoller defaults to netpoll.NewEngine.
	Fiber fiber.Config
	// Listen configures the listeners: backlog, keep-alive, connections a loop. Its
	// DeferAccept is one second unless set; negative: none.
	Listen netpoll.ListenConfig

	// TargetBytesMax, HeaderBytesMax and HeaderCountMax bound the head of a request.
	// Defaults 8 KiB (414), 32 KiB (431), 100 fields (431).
	TargetBytesMax, HeaderBytesMax, HeaderCountMax int
	// BodyBytesMax bounds the body of a request. Default 4 MiB (413). Routes may have
	// a limit of their own, see middleware.BodyLimit.
	BodyBytesMax int64

	// FirstByteTimeout bounds the wait for the first byte of a new connection.
	// Default 10 s; the connection is closed.
	FirstByteTimeout time.Duration
	// HeaderTimeout bounds the time from the first byte of a head to its last.
	// Default 10 s (408).
	HeaderTimeout time.Duration
	// BodyTimeout bounds each wait for more of a body. Default 30 s (408).
	BodyTimeout time.Duration
	// IdleTimeout bounds the wait for the next request. Default 75 s; the connection
	// is closed.
	IdleTimeout time.Duration
	// WriteTimeout bounds each wait for the peer to take bytes. Default 30 s; the
	// connection is aborted.
	WriteTimeout time.Duration

	// ServerName is the value of the Server field; none if empty.
	ServerName string
	// ErrorHandler turns the error of a handler into a reply. Default: DefaultError.
	ErrorHandler func(c *Ctx, err error)
	// Logger gets what no reply can tell. Default: slog.Default().
	Logger *slog.Logger
	// BaseContext is where the contexts of requests take their values from.
	BaseContext context.Context
}

// limits is Config with its defaults in place, as serve.go wants it.
type limits struct {
	head                                    http1.Limits
	body                                    int64
	firstByte, header, bodyWait, idle, wait int64 // ns; 0 never
}

func (c *Config) limits() limits {
	return limits{
		head: http1.Limits{
			TargetBytesMax: orNone(c.TargetBytesMax),
			HeaderBytesMax: orNone(c.HeaderBytesMax),
			HeaderCountMax: orNone(c.HeaderCountMax),
		},
		body:      bodyLimit(or(c.BodyBytesMax, 4<<20)),
		firstByte: nanos(c.FirstByteTimeout, 10*time.Second),
		header:    nanos(c.HeaderTimeout, 10*time.Second),
		bodyWait:  nanos(c.BodyTimeout, 30*time.Second),
		idle:      nanos(c.IdleTimeout, 75*time.Second),
		wait:      nanos(c.WriteTimeout, 30*time.Second),
	}
}

// orNone turns a negative limit, which means none, into the largest one.
func orNone(n int) int {
	if n < 0 {
		return 1 << 30
	}
	return n
}

// bodyLimit turns a negative limit into none.
func bodyLimit(n int64) int64 {
	if n < 0 {
		return math.MaxInt64
	}
	return n
}

func or[T int | int64 | time.Duration](v, otherwise T) T {
	if v == 0 {
		return otherwise
	}
	return v
}

func nanos(d, otherwise time.Duration) int64 { return int64(max(or(d, otherwise), 0)) }
