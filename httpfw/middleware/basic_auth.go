package middleware

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"strings"

	"github.com/heddle-go/heddle/httpfw"
)

// BasicAuthConfig says who may pass. Users or Check must be set.
type BasicAuthConfig struct {
	// Users maps names to passwords, for a handful of them.
	Users map[string]string
	// Check decides instead of Users. It may wait, as a handler may (c.Block for a
	// database or a slow password hash). An error it returns is the request's.
	Check func(c *httpfw.Ctx, user, password string) (bool, error)
	// Realm names what is protected, for the client's dialog. Default "Restricted".
	Realm string
}

type userKey struct{}

// BasicAuth lets through requests with a name and password that are known (RFC 7617),
// and refuses others with 401 and a challenge. UserOf returns the name. Comparing with
// Users takes the same time whatever was sent. Use it over TLS only.
func BasicAuth(config BasicAuthConfig) httpfw.Middleware {
	check := config.Check
	switch {
	case check == nil && config.Users == nil:
		panic("middleware: BasicAuthConfig has neither Users nor Check")
	case check != nil && config.Users != nil:
		panic("middleware: BasicAuthConfig has both Users and Check")
	case check == nil:
		check = newAccounts(config.Users).check
	}
	if config.Realm == "" {
		config.Realm = "Restricted"
	}
	challenge := `Basic realm="` + quote(config.Realm) + `", charset="UTF-8"`
	refuse := func(c *httpfw.Ctx) error {
		if err := c.SetHeader("WWW-Authenticate", challenge); err != nil {
			return err
		}
		return httpfw.Error(http.StatusUnauthorized, "")
	}
	return func(next httpfw.Handler) httpfw.Handler {
		return func(c *httpfw.Ctx) error {
			user, password, ok := credentials(c.Header("Authorization"))
			if !ok {
				return refuse(c)
			}
			ok, err := check(c, user, password)
			if err != nil {
				return err
			}
			if !ok {
				return refuse(c)
			}
			c.Set(userKey{}, user)
			return next(c)
		}
	}
}

// UserOf returns the name that BasicAuth let through, "" without it.
func UserOf(c *httpfw.Ctx) string {
	user, _ := c.Get(userKey{}).(string)
	return user
}

// credentials takes an Authorization field apart.
func credentials(field string) (user, password string, ok bool) {
	scheme, token, ok := strings.Cut(field, " ")
	if !ok || !strings.EqualFold(scheme, "Basic") {
		return "", "", false
	}
	b, err := base64.StdEncoding.DecodeString(strings.Trim(token, " "))
	if err != nil {
		return "", "", false
	}
	for _, octet := range b { // section 2: neither may have control characters
		if octet < 0x20 || octet == 0x7F {
			return "", "", false
		}
	}
	return strings.Cut(string(b), ":") // the first colon: a name has none
}

// accounts are the digests of names and passwords. Digests, since comparing needs equal
// lengths to take equal time.
type accounts []account

type account struct{ user, password [sha256.Size]byte }

func newAccounts(users map[string]string) accounts {
	list := make(accounts, 0, len(users))
	for user, password := range users {
		if strings.Contains(user, ":") {
			panic("middleware: BasicAuthConfig.Users: the name " + user + " has a colon")
		}
		list = append(list, account{sha256.Sum256([]byte(user)), sha256.Sum256([]byte(password))})
	}
	return list
}

// check looks at every account, so that its time tells nothing about any.
func (a accounts) check(_ *httpfw.Ctx, user, password string) (bool, error) {
	u, p := sha256.Sum256([]byte(user)), sha256.Sum256([]byte(password))
	found := 0
	for i := range a {
		found |= subtle.ConstantTimeCompare(u[:], a[i].user[:]) & subtle.ConstantTimeCompare(p[:], a[i].password[:])
	}
	return found == 1, nil
}

// quote makes s fit between quotes in a field (RFC 9110 section 5.6.4).
func quote(s string) string {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] == 0x7F {
			panic("middleware: BasicAuthConfig.Realm has a control character")
		}
	}
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s)
}
