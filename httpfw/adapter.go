package httpfw

// placeholder until the adapters are written
import (
	"net"
	"net/http"
)

type adapter struct{}
type under struct{ r *http.Request }

func (u *under) remoteAddr() net.Addr                   { return nil }
func (u *under) readBody(c *Ctx, p []byte) (int, error) { return 0, nil }
func (u *under) stream(c *Ctx, p []byte) (int, error)   { return 0, nil }
func (u *under) hijack(c *Ctx) (net.Conn, error)        { return nil, nil }
