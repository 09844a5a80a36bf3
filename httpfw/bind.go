package httpfw

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"

	"github.com/heddle-go/heddle/codec/http1"
)

// BindJSON decodes the body, one JSON value and nothing behind it, into v. Errors are
// *HTTPError that say what is wrong and where, ready to be returned: 415 for another
// content type, 400 for bad JSON or more than Config.JSONDepthMax, 413 and 408 as for Body.
func (c *Ctx) BindJSON(v any) error {
	if kind := c.Header("Content-Type"); kind != "" {
		mt, _, err := mime.ParseMediaType(kind)
		if err != nil || mt != "application/json" && !isJSONSuffix(mt) {
			return Errorf(http.StatusUnsupportedMediaType, "the body must be application/json, not %s", kind)
		}
	}
	most := c.app.jsonDepth
	d := json.NewDecoder(&jsonDepth{r: c.Body(), left: most, max: most})
	if err := d.Decode(v); err != nil {
		return jsonError(err)
	}
	if _, err := d.Token(); err != io.EOF {
		if err == nil || isSyntax(err) {
			return Errorf(http.StatusBadRequest, "something follows the JSON value at byte %d of the body", d.InputOffset())
		}
		return jsonError(err)
	}
	return nil
}

func isJSONSuffix(mt string) bool {
	const suffix = "+json"
	return len(mt) > len(suffix) && mt[len(mt)-len(suffix):] == suffix
}

func isSyntax(err error) bool {
	var s *json.SyntaxError
	return errors.As(err, &s)
}

// jsonError says what is wrong with a JSON body.
func jsonError(err error) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return Errorf(http.StatusBadRequest, "bad JSON at byte %d of the body: %w", syntax.Offset, err)
	case errors.As(err, &kind):
		where := ""
		if kind.Field != "" {
			where = fmt.Sprintf(" in field %q", kind.Field)
		}
		return Errorf(http.StatusBadRequest, "a JSON %s does not fit%s, at byte %d of the body: want %s", kind.Value, where, kind.Offset, kind.Type)
	case err == io.EOF:
		return Errorf(http.StatusBadRequest, "the body is empty: want a JSON value")
	case err == io.ErrUnexpectedEOF:
		return Errorf(http.StatusBadRequest, "the JSON value in the body ends too early")
	}
	return bodyError(err)
}

// bodyError gives an error of Body its status.
func bodyError(err error) error {
	var he *HTTPError
	if errors.As(err, &he) {
		return err
	}
	return &HTTPError{Status: statusOfBody(err), Message: http1.StatusText(statusOfBody(err)), Err: err}
}

// Form decodes a body of type application/x-www-form-urlencoded. Errors are
// *HTTPError: 415 for another content type, 400 for a broken escape or more pairs than
// Config.FormPairsMax.
func (c *Ctx) Form() (url.Values, error) {
	kind := c.Header("Content-Type")
	mt, _, err := mime.ParseMediaType(kind)
	if err != nil || mt != "application/x-www-form-urlencoded" {
		return nil, Errorf(http.StatusUnsupportedMediaType, "the body must be application/x-www-form-urlencoded, not %q", kind)
	}
	b, err := c.BodyBytes()
	if err != nil {
		return nil, bodyError(err)
	}
	if most := c.app.formPairs; bytes.Count(b, []byte{'&'}) >= most {
		return nil, Errorf(http.StatusBadRequest, "the form has more than %d pairs", most)
	}
	form := url.Values{}
	for key, val := range pairs(b) {
		k, kerr := http1.AppendUnescape(nil, key, true)
		v, verr := http1.AppendUnescape(nil, val, true)
		if err := errors.Join(kerr, verr); err != nil {
			return nil, Errorf(http.StatusBadRequest, "the form field %q has a bad escape", key)
		}
		form.Add(string(k), string(v))
	}
	return form, nil
}
