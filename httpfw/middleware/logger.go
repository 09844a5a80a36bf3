package middleware

import (
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/heddle-go/heddle/httpfw"
)

// LoggerConfig says what Logger writes, and where. The zero value is meant to be used.
type LoggerConfig struct {
	// Logger gets one record a request. Its handler is called on the loop: one that
	// may block for long should have a queue. Default: slog.Default() at the time of
	// each request.
	Logger *slog.Logger
	// Message is the message of the records. Default "request".
	Message string
	// Level chooses the level of a record by the status of the reply. Default: Error
	// from 500, Warn from 400, otherwise Info.
	Level func(status int) slog.Level
	// Skip leaves out the requests for which it returns true, such as health checks.
	// It is called before the handler.
	Skip func(c *httpfw.Ctx) bool
}

// Logger writes one record for each request when its handler has returned: method,
// path, target (without query, if it is no path: a CONNECT's, or a URL sent to a proxy), route,
// status, bytes (of the body of the reply), duration, request_id, remote, hijacked (if so), err (what the
// handler returned) and cause (httpfw.HTTPError.Err, if err does not tell it). To learn the status of
// a reply to an error, it makes that reply, through Config.ErrorHandler; so it belongs
// outside every middleware that looks at errors. A handler that panics is
// recorded with status 500, and the panic goes on.
func Logger(config LoggerConfig) httpfw.Middleware {
	if config.Message == "" {
		config.Message = "request"
	}
	if config.Level == nil {
		config.Level = levelOf
	}
	return func(next httpfw.Handler) httpfw.Handler {
		return func(c *httpfw.Ctx) error {
			if config.Skip != nil && config.Skip(c) {
				return next(c)
			}
			e := entry{config: &config, start: time.Now()}
			// While there certainly is a connection.
			if a := c.RemoteAddr(); a != nil {
				e.remote = a.String()
			}
			// Also after a panic or runtime.Goexit, neither of which it stops.
			defer e.write(c)
			e.err = next(c)
			if e.err != nil {
				c.Fail(e.err)
			}
			e.returned = true
			return nil
		}
	}
}

// levelOf is the default LoggerConfig.Level.
func levelOf(status int) slog.Level {
	switch {
	case status >= 500:
		return slog.LevelError
	case status >= 400:
		return slog.LevelWarn
	}
	return slog.LevelInfo
}

// entry is what is known of a request before its record is written.
type entry struct {
	config   *LoggerConfig
	start    time.Time
	remote   string
	err      error
	returned bool // the handler did, instead of panicking
}

// write makes the record.
func (e *entry) write(c *httpfw.Ctx) {
	status := c.Status()
	if !e.returned && !c.Replied() {
		status = 500 // the reply that the framework will make
	}
	log := e.config.Logger
	if log == nil {
		log = slog.Default()
	}
	// The fiber's own context is not made for this: that would cost an allocation for
	// handlers of slog that rarely look at it.
	ctx, level := background, e.config.Level(status)
	if !log.Enabled(ctx, level) {
		return
	}
	attrs := [12]slog.Attr{
		slog.String("method", c.Method()),
		slog.String("path", c.Path()),
		slog.String("route", c.Route()),
		slog.Int("status", status),
		slog.Int64("bytes", c.ReplyBytes()),
		slog.Duration("duration", time.Since(e.start)),
	}
	n := 6
	add := func(a slog.Attr) { attrs[n] = a; n++ }
	if target, _, _ := strings.Cut(c.Target(), "?"); target != c.Path() && !strings.HasPrefix(target, "/") {
		add(slog.String("target", target))
	}
	if id := RequestIDOf(c); id != "" {
		add(slog.String("request_id", id))
	}
	if e.remote != "" {
		add(slog.String("remote", e.remote))
	}
	if c.Hijacked() {
		add(slog.Bool("hijacked", true))
	}
	switch {
	case e.err != nil:
		text := e.err.Error()
		add(slog.String("err", text))
		var he *httpfw.HTTPError
		if errors.As(e.err, &he) && he.Err != nil && !strings.Contains(text, he.Err.Error()) {
			add(slog.String("cause", he.Err.Error()))
		}
	case !e.returned:
		add(slog.String("err", "the handler panicked"))
	}
	log.LogAttrs(ctx, level, e.config.Message, attrs[:n]...)
}
