package main

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/heddle-go/heddle/httpfw"
	"github.com/heddle-go/heddle/httpfw/middleware"
)

// newApp has the routes.
func newApp(c httpfw.Config, st *store) *httpfw.App {
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	c.ErrorHandler = replyError(c.Logger)
	app := httpfw.New(c)
	app.Use(
		middleware.Logger(middleware.LoggerConfig{Logger: c.Logger}),
		middleware.RequestID(middleware.RequestIDConfig{}),
		middleware.Recover(middleware.RecoverConfig{Logger: c.Logger}),
		middleware.Timeout(middleware.TimeoutConfig{After: 10 * time.Second}),
	)
	a := api{st}
	small := middleware.BodyLimit(middleware.BodyLimitConfig{BytesMax: 256 << 10})
	notes := app.Group("/notes", small)
	notes.Get("", a.list)
	notes.Post("", a.add)
	notes.Get("/:id", a.get)
	notes.Put("/:id", a.replace)
	notes.Delete("/:id", a.remove)
	app.Get("/stats", a.stats)
	return app
}

// api has the handlers.
type api struct{ store *store }

// beside calls fn beside the loop, so that it may block, with the context of the
// request.
func beside[T any](c *httpfw.Ctx, fn func(ctx context.Context) (T, error)) (v T, err error) {
	ctx := c.Context()
	if berr := c.Block(func() { v, err = fn(ctx) }); berr != nil {
		return v, berr // canceled before fn was called
	}
	return v, err
}

// page is one page of a list.
type page struct {
	Notes []note `json:"notes"`
	After *int64 `json:"after"` // where the next page begins; null on the last
}

const limitMax, limitDefault = 100, 20

func (a api) list(c *httpfw.Ctx) error {
	limit, err := number(c, "limit", 1, limitMax, limitDefault)
	if err != nil {
		return err
	}
	after, err := number(c, "after", 0, math.MaxInt64, 0)
	if err != nil {
		return err
	}
	list, err := beside(c, func(ctx context.Context) ([]note, error) {
		return a.store.list(ctx, after, int(limit)+1) // one more tells whether there is another page
	})
	if err != nil {
		return err
	}
	p := page{Notes: list}
	if len(list) > int(limit) {
		p.Notes = list[:limit]
		p.After = &p.Notes[limit-1].ID
	}
	return c.JSON(http.StatusOK, p)
}

func (a api) add(c *httpfw.Ctx) error {
	n, err := bind(c)
	if err != nil {
		return err
	}
	n.ID, err = beside(c, func(ctx context.Context) (int64, error) { return a.store.add(ctx, n) })
	if err != nil {
		return err
	}
	if err := c.SetHeader("Location", "/notes/"+strconv.FormatInt(n.ID, 10)); err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, n)
}

func (a api) get(c *httpfw.Ctx) error {
	id, err := noteID(c)
	if err != nil {
		return err
	}
	n, err := beside(c, func(ctx context.Context) (note, error) { return a.store.get(ctx, id) })
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, n)
}

func (a api) replace(c *httpfw.Ctx) error {
	id, err := noteID(c)
	if err != nil {
		return err
	}
	n, err := bind(c)
	if err != nil {
		return err
	}
	n.ID = id
	_, err = beside(c, func(ctx context.Context) (none, error) { return none{}, a.store.replace(ctx, n) })
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, n)
}

func (a api) remove(c *httpfw.Ctx) error {
	id, err := noteID(c)
	if err != nil {
		return err
	}
	_, err = beside(c, func(ctx context.Context) (none, error) { return none{}, a.store.remove(ctx, id) })
	if err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// stats calls the database on the loop: see the package's comment for what happens if
// that takes long.
func (a api) stats(c *httpfw.Ctx) error {
	n, err := a.store.count(c.Context()) //fiberc:ignore fiberblock it shows what happens then
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, map[string]int64{"notes": n})
}

type none struct{}

// bind reads a note from the body and checks it.
func bind(c *httpfw.Ctx) (note, error) {
	var in struct{ Title, Text string }
	if err := c.BindJSON(&in); err != nil {
		return note{}, err
	}
	in.Title = strings.TrimSpace(in.Title)
	switch n := utf8.RuneCountInString(in.Title); {
	case n == 0:
		return note{}, httpfw.Error(http.StatusUnprocessableEntity, "title is missing")
	case n > 200:
		return note{}, httpfw.Errorf(http.StatusUnprocessableEntity, "title has %d characters, at most 200 are allowed", n)
	}
	return note{Title: in.Title, Text: in.Text}, nil
}

// noteID reads the parameter id.
func noteID(c *httpfw.Ctx) (int64, error) {
	id, err := strconv.ParseInt(c.Param("id"), 10, 64)
	if err != nil || id < 1 {
		return 0, httpfw.Errorf(http.StatusBadRequest, "%q is no id", c.Param("id"))
	}
	return id, nil
}

// number reads a number from the query.
func number(c *httpfw.Ctx, name string, least, most, otherwise int64) (int64, error) {
	text, ok := c.LookupQuery(name)
	if !ok {
		return otherwise, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < least || n > most {
		return 0, httpfw.Errorf(http.StatusBadRequest, "%s must be a number from %d to %d", name, least, most)
	}
	return n, nil
}

// replyError makes every error reply a JSON object.
func replyError(log *slog.Logger) func(c *httpfw.Ctx, err error) {
	return func(c *httpfw.Ctx, err error) {
		status, message := httpfw.StatusOf(err), ""
		var known *httpfw.HTTPError
		switch {
		case errors.Is(err, errNoNote):
			status, message = http.StatusNotFound, errNoNote.Error()
		case errors.Is(err, errTaken):
			status, message = http.StatusConflict, errTaken.Error()
		case errors.As(err, &known):
			message = known.Message
		case status == http.StatusInternalServerError:
			log.Error("handler failed", "path", c.Path(), "err", err)
		}
		if message == "" {
			message = http.StatusText(status)
		}
		c.JSON(status, map[string]string{"error": message})
	}
}
