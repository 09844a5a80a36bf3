package middleware

import "github.com/heddle-go/heddle/httpfw"

// BodyLimitConfig bounds the body of a request. The zero value is meant to be used.
type BodyLimitConfig struct {
	// BytesMax is the longest body. Default 1 MiB. It may be more than
	// httpfw.Config.BodyBytesMax, which it replaces.
	BytesMax int64
}

type bodyLimitKey struct{}

// BodyLimit refuses bodies that are longer than BytesMax: with 413 at once if
// Content-Length announces more, else with httpfw.ErrBodyTooLarge when the handler
// reads beyond it. Inside another BodyLimit it can only narrow it: use
// httpfw.Config.BodyBytesMax for all routes and BodyLimit for those that differ.
func BodyLimit(config BodyLimitConfig) httpfw.Middleware {
	if config.BytesMax < 0 {
		panic("middleware: BodyLimitConfig.BytesMax is negative")
	}
	if config.BytesMax == 0 {
		config.BytesMax = 1 << 20
	}
	return func(next httpfw.Handler) httpfw.Handler {
		return func(c *httpfw.Ctx) error {
			most := config.BytesMax
			if outer, ok := c.Get(bodyLimitKey{}).(int64); ok {
				most = min(most, outer)
			}
			c.Set(bodyLimitKey{}, most)
			c.SetBodyLimit(most)
			if c.BodyLength() > most {
				return httpfw.ErrBodyTooLarge
			}
			return next(c)
		}
	}
}
