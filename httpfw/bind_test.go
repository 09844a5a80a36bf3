package httpfw_test

import (
	"strings"
	"testing"

	"github.com/heddle-go/heddle/httpfw"
)

// Bodies that are bound to values: JSON and forms, and what a client is told that sends
// something else.

func TestBind(t *testing.T) {
	type value struct {
		Name string
		Age  int
	}
	a := httpfw.New(httpfw.Config{Logger: quiet, BodyBytesMax: 1000})
	a.Post("/json", func(c *httpfw.Ctx) error {
		var v value
		if err := c.BindJSON(&v); err != nil {
			return err
		}
		return c.JSON(200, v)
	})
	a.Post("/form", func(c *httpfw.Ctx) error {
		v, err := c.Form()
		if err != nil {
			return err
		}
		return c.Text(200, v.Encode())
	})
	c := connect(t, serve(t, a))
	const jsonType, formType = "application/json", "application/x-www-form-urlencoded"
	for _, w := range []struct {
		path, kind, body string
		status           int
		says             string
	}{
		{"/json", jsonType, `{"Name": "Ada", "Age": 36}`, 200, `{"Name":"Ada","Age":36}` + "\n"},
		{"/json", "application/ld+json; charset=utf-8", ` {"Age": 1} ` + "\n", 200, `{"Name":"","Age":1}` + "\n"},
		{"/json", "", `{}`, 200, `{"Name":"","Age":0}` + "\n"},
		{"/json", "text/plain", `{}`, 415, "must be application/json"},
		{"/json", "a b c", `{}`, 415, "must be application/json"},
		{"/json", jsonType, `{"Age": "x"}`, 400, `"Age"`},
		{"/json", jsonType, `{"Age": }`, 400, "byte 9"},
		{"/json", jsonType, `{} {}`, 400, "follows"},
		{"/json", jsonType, `{} x`, 400, "follows"},
		{"/json", jsonType, `{"Age": 1`, 400, "too early"},
		{"/json", jsonType, ``, 400, "empty"},
		{"/json", jsonType, `"` + strings.Repeat("x", 1000) + `"`, 413, "longer than 1000 bytes"},
		{"/form", formType, "a=1&b=%41+c&a=2", 200, "a=1&a=2&b=A+c"},
		{"/form", formType, "a=%4", 400, `"a"`},
		{"/form", jsonType, "a=1", 415, formType},
		{"/form", "", "a=1", 415, formType},
		{"/form", formType, strings.Repeat("x", 1001), 413, "longer than 1000 bytes"},
	} {
		fields := sized(len(w.body))
		if w.kind != "" {
			fields += "Content-Type: " + w.kind + "\r\n"
		}
		c.send(post(w.path, fields, w.body))
		r := c.reply("POST")
		if r.status != w.status || !strings.Contains(r.body, w.says) {
			t.Errorf("%s %.40q: %v", w.path, w.body, r)
		}
		if r.close {
			c.Close()
			c = connect(t, serve(t, a))
		}
	}
}
