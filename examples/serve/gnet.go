package serve

import (
	"context"
	"errors"
	"github.com/heddle-go/heddle/httpfw"
)

type guest struct{}

func (guest) Addr() string                   { return "" }
func (guest) Shutdown(context.Context) error { return nil }
func startGnet(app *httpfw.App, addr string, loops int) (guest, error) {
	return guest{}, errors.New("not yet")
}
