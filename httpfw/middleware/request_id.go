package middleware

import (
	"context"
	"crypto/rand"
	"encoding/hex"

	"github.com/heddle-go/heddle/httpfw"
)

// RequestIDConfig says where the identity of a request comes from. The zero value is
// meant to be used.
type RequestIDConfig struct {
	// Header is the field it is read from and replied in. Default "X-Request-Id".
	Header string
	// Ignore makes RequestID generate an identity even if the client sent one: for
	// servers that the public reaches directly and whose logs must not be guided.
	Ignore bool
	// LengthMax is the longest identity taken from a client. Default 128.
	LengthMax int
	// Generate makes an identity. Default: 32 random hexadecimal digits.
	Generate func() string
}

type requestIDKey struct{}

// RequestID gives each request an identity: what the client sent, if that is at most
// LengthMax letters, digits and characters of "-_.~:/+=@", or else a new one. It is in
// the reply, errors included, and RequestIDOf returns it.
func RequestID(config RequestIDConfig) httpfw.Middleware {
	if config.Header == "" {
		config.Header = "X-Request-Id"
	}
	if config.LengthMax == 0 {
		config.LengthMax = 128
	}
	if config.Generate == nil {
		config.Generate = randomID
	}
	return func(next httpfw.Handler) httpfw.Handler {
		return func(c *httpfw.Ctx) error {
			id := ""
			if !config.Ignore {
				id = c.Header(config.Header)
			}
			if len(id) > config.LengthMax || !saneID(id) {
				id = config.Generate()
			}
			if err := c.SetHeader(config.Header, id); err != nil {
				return err
			}
			c.Set(requestIDKey{}, id)
			return next(c)
		}
	}
}

// RequestIDOf returns the identity that RequestID gave to the request, "" without it.
func RequestIDOf(c *httpfw.Ctx) string {
	id, _ := c.Get(requestIDKey{}).(string)
	return id
}

// saneID reports whether a log, a shell and a header can hold id as it is.
func saneID(id string) bool {
	for i := range len(id) {
		switch b := id[i]; {
		case 'a' <= b|0x20 && b|0x20 <= 'z', '0' <= b && b <= '9':
		case b == '-', b == '_', b == '.', b == '~', b == ':', b == '/', b == '+', b == '=', b == '@':
		default:
			return false
		}
	}
	return id != ""
}

func randomID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// background is the context of log records.
var background = context.Background()
