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
// on. A negative duration, size or count switches its limit off; docs/SECURITY.md says
// what a client gets that exceeds one.
type Config struct {
	// Fiber configures the runtime that Run and Start make: loops, stalls, Block.
	// Its NewPoller defaults to netpoll.NewEngine.
	Fiber fiber.Config
	// Listen configures the listeners: backlog, keep-alive, connections a loop. Its
	// DeferAccept is one second unless set; negative: none.
	Listen netpoll.ListenConfig

	// ConnsMax bounds the connections of a server. Default: seven eighths of the
	// descriptors that the process may have, at most 262,144. One more gets 503 and is
	// closed. (Listen.ConnsMax leaves it in the backlog instead.)
	ConnsMax int
	// ConnsPerAddressMax bounds the connections of a client, that is of an IPv4 address or
	// an IPv6 network of 64 bits. One more gets 429 and is closed. Default 1024, but none
	// for loopback, private and link-local addresses, where a proxy would be; a value that
	// is set holds for these too.
	ConnsPerAddressMax int
	// PipelinedMax bounds the requests of one connection that are answered in a row, if
	// they came together: then their replies are sent and other connections have their
	// turn. Default 64, at most 255.
	PipelinedMax int

	// TargetBytesMax, HeaderBytesMax and HeaderCountMax bound the head of a request.
	// Defaults 8 KiB (414), 32 KiB (431), 100 fields (431).
	TargetBytesMax, HeaderBytesMax, HeaderCountMax int
	// CookieCountMax and QueryPairsMax bound what is in it: the cookies of all Cookie
	// fields and the pairs of the query, empty ones included. Defaults 200 (431), 1000
	// (414).
	CookieCountMax, QueryPairsMax int
	// FormPairsMax and JSONDepthMax bound what Ctx.Form and Ctx.BindJSON take: the pairs of
	// a form, and how deep arrays and objects are nested. Defaults 1000 (400), 100 (400).
	FormPairsMax, JSONDepthMax int
	// BodyBytesMax bounds the body of a request. Default 4 MiB (413). Routes may have
	// a limit of their own, see middleware.BodyLimit.
	BodyBytesMax int64

	// FirstByteTimeout bounds the wait for the first byte of a new connection, from accept:
	// Listen.DeferAccept comes before. Default 10 s; the connection is closed.
	FirstByteTimeout time.Duration
	// HeaderTimeout bounds the time from the first byte of a head to its last.
	// Default 10 s (408).
	HeaderTimeout time.Duration
	// BodyTimeout bounds each wait for more of a body. Default 30 s (408).
	BodyTimeout time.Duration
	// IdleTimeout bounds the wait for the next request. Default 75 s; the connection
	// is closed.
	IdleTimeout time.Duration
	// WriteTimeout bounds the time in which the client takes nothing of what it is owed.
	// Default 30 s; the connection is aborted.
	WriteTimeout time.Duration
	// BodyBytesPerSecondMin is the least rate at which a client must send a body that
	// somebody reads (408), WriteBytesPerSecondMin that at which it must take a reply (the
	// connection is aborted), in bytes a second. Only time spent waiting for the client
	// counts, and it may lag behind by RateGrace. Defaults 240, 240, 30 s.
	BodyBytesPerSecondMin, WriteBytesPerSecondMin int64
	RateGrace                                     time.Duration

	// ServerName is the value of the Server field; none if empty.
	ServerName string
	// ErrorHandler turns the error of a handler, or of the middleware around it, into a
	// reply; 404, 405 and a refused path come to it as errors too. What is refused before
	// there is a request (a malformed head, a limit of the head, a slow one) does not: it
	// gets a short text and the end of the connection. Default: DefaultError.
	ErrorHandler func(c *Ctx, err error)
	// Logger gets what no reply can tell. Default: slog.Default().
	Logger *slog.Logger
	// OnShutdown is called when a Server's Shutdown has begun and nobody new gets in: the
	// place to end handlers that would go on for as long as their clients do, such as
	// server-sent events and tunnels, by closing a fiber.Chan that they receive from or a
	// fiber.Group's Cancel. Shutdown waits for it, on its own goroutine. Default: nothing.
	OnShutdown func()
	// BaseContext is where the contexts of requests take their values from.
	BaseContext context.Context
}

// limits is Config with its defaults in place, as serve.go wants it.
type limits struct {
	head                                    http1.Limits
	body                                    int64
	firstByte, header, bodyWait, idle, wait int64 // ns; 0 never
	bodyRate, writeRate                     int64 // bytes a second; 0 none
	grace                                   int64 // ns that a client may lag behind these
	formPairs, jsonDepth                    int
	burst                                   uint8 // requests of one connection answered in a row
	conns                                   int64 // of the server
	perAddress                              int32 // connections; 0 no limit
	nearToo                                 bool  // perAddress holds for near addresses, see isNear
}

func (c *Config) limits() limits {
	return limits{
		head: http1.Limits{
			TargetBytesMax: orNone(c.TargetBytesMax),
			HeaderBytesMax: orNone(c.HeaderBytesMax),
			HeaderCountMax: orNone(c.HeaderCountMax),
			CookieCountMax: orNone(c.CookieCountMax),
			QueryPairsMax:  orNone(c.QueryPairsMax),
		},
		body:      bodyLimit(or(c.BodyBytesMax, 4<<20)),
		firstByte: nanos(c.FirstByteTimeout, 10*time.Second),
		header:    nanos(c.HeaderTimeout, 10*time.Second),
		bodyWait:  nanos(c.BodyTimeout, 30*time.Second),
		idle:      nanos(c.IdleTimeout, 75*time.Second),
		wait:      nanos(c.WriteTimeout, 30*time.Second),
		bodyRate:  max(or(c.BodyBytesPerSecondMin, 240), 0),
		writeRate: max(or(c.WriteBytesPerSecondMin, 240), 0),
		grace:     nanos(c.RateGrace, 30*time.Second),
		formPairs: orNone(or(c.FormPairsMax, 1000)),
		jsonDepth: orNone(or(c.JSONDepthMax, 100)),
		burst:     burst(or(c.PipelinedMax, 64)),

		conns:      int64(orNone(or(c.ConnsMax, connsDefault()))),
		perAddress: int32(min(max(or(c.ConnsPerAddressMax, 1024), 0), math.MaxInt32)),
		nearToo:    c.ConnsPerAddressMax > 0,
	}
}

// orNone turns a negative limit, which means none, into the largest one.
func orNone(n int) int {
	if n < 0 {
		return 1 << 30
	}
	return n
}

// burst turns a negative limit into the largest one.
func burst(n int) uint8 {
	if n < 0 || n > math.MaxUint8 {
		return math.MaxUint8
	}
	return uint8(n)
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
