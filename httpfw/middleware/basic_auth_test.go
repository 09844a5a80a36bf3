package middleware

import (
	"encoding/base64"
	"testing"

	"github.com/heddle-go/heddle/httpfw"
)

func TestBasicAuth(t *testing.T) {
	base := serve(t, httpfw.Config{}, func(app *httpfw.App) {
		show := func(c *httpfw.Ctx) error { return c.Text(200, UserOf(c)) }
		app.Get("/", show, BasicAuth(BasicAuthConfig{
			Users: map[string]string{"ann": "a:b:c", "bob": "", "zoë": "pässword"},
			Realm: `the "inner" \ room`,
		}))
		app.Get("/check", show, BasicAuth(BasicAuthConfig{Check: func(c *httpfw.Ctx, user, password string) (found bool, err error) {
			if user == "broken" {
				return false, httpfw.Error(503, "")
			}
			err = c.Block(func() { found = user+password == "xy" })
			return found, err
		}}))
	})
	encode := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	for _, test := range []struct{ path, field, user string }{
		{"/", "Basic " + encode("ann:a:b:c"), "ann"},
		{"/", "basic  " + encode("bob:"), "bob"},
		{"/", "BASIC " + encode("zoë:pässword"), "zoë"},
		{"/check", "Basic " + encode("x:y"), "x"},
	} {
		if a := ask(t, "GET", base+test.path, nil, "Authorization", test.field); a.status != 200 || a.body != test.user {
			t.Errorf("%q: %+v", test.field, a)
		}
	}
	for _, field := range []string{
		"", "Basic", "Basic ", "Bearer " + encode("ann:a:b:c"), "Basic" + encode("ann:a:b:c"),
		"Basic " + encode("ann:a:b"), "Basic " + encode("ann:a:b:cd"), "Basic " + encode("eve:"), "Basic " + encode("ann"),
		"Basic " + encode(":"), "Basic " + encode("bob:\x00"), "Basic " + encode("bob:\x7f"), "Basic !!!", "Basic " + encode("bob:") + "x",
		"Basic " + encode("Bob:"),
	} {
		a := ask(t, "GET", base+"/", nil, "Authorization", field)
		want := `Basic realm="the \"inner\" \\ room", charset="UTF-8"`
		if a.status != 401 || a.header.Get("WWW-Authenticate") != want {
			t.Errorf("%q: %+v", field, a)
		}
	}
	if a := ask(t, "GET", base+"/check", nil); a.status != 401 || a.header.Get("WWW-Authenticate") != `Basic realm="Restricted", charset="UTF-8"` {
		t.Errorf("%+v", a)
	}
	if a := ask(t, "GET", base+"/check", nil, "Authorization", "Basic "+encode("broken:")); a.status != 503 {
		t.Errorf("%+v", a)
	}
	check := func(*httpfw.Ctx, string, string) (bool, error) { return true, nil }
	for _, config := range []BasicAuthConfig{
		{},
		{Users: map[string]string{}, Check: check},
		{Users: map[string]string{"a:b": ""}},
		{Check: check, Realm: "a\nb"},
	} {
		if panics(func() { BasicAuth(config) }) == nil {
			t.Errorf("%+v was accepted", config)
		}
	}
}
