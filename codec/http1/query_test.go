package http1

import (
	"fmt"
	"testing"
)

func pairs(query string) (s string) {
	EachPair([]byte(query), func(k, v []byte) bool {
		if v == nil {
			s += fmt.Sprintf("(%s)", k)
		} else {
			s += fmt.Sprintf("(%s=%s)", k, v)
		}
		return true
	})
	return s
}

func TestURLStandard_5_1_Pairs(t *testing.T) {
	for query, want := range map[string]string{
		"": "", "a=1&b=2": "(a=1)(b=2)", "a": "(a)", "a=": "(a=)", "=1": "(=1)", "&&a=1&&&b=2&": "(a=1)(b=2)", "a=b=c": "(a=b=c)",
		"a;b=c": "(a;b=c)", "a%3db=c%26d": "(a%3db=c%26d)", "=": "(=)", "&": "", "a=1&a=2": "(a=1)(a=2)",
	} {
		if got := pairs(query); got != want {
			t.Errorf("%q: got %s, want %s", query, got, want)
		}
	}
	n := 0
	EachPair([]byte("a&b&c"), func(k, _ []byte) bool { n++; return string(k) != "b" })
	if n != 2 {
		t.Errorf("went on after false: %d", n)
	}
}

func cookies(field string) (s string) {
	EachCookie([]byte(field), func(k, v []byte) bool {
		s += fmt.Sprintf("(%s=%s)", k, v)
		return true
	})
	return s
}

func TestRFC6265_4_2_1_Cookies(t *testing.T) {
	for field, want := range map[string]string{
		"": "", "a=1": "(a=1)", "a=1; b=2": "(a=1)(b=2)", "a=1;b=2": "(a=1)(b=2)", " a = 1 ;\tb=2;": "(a=1)(b=2)", "a=": "(a=)", "a": "", "=1": "",
		"a; b=2": "(b=2)", "a=b=c": "(a=b=c)", `a="1 2"`: "(a=1 2)", `a="`: `(a=")`, `a=""`: "(a=)", `a={"b":1,"c":2}`: `(a={"b":1,"c":2})`,
		"a[b]=1": "(a[b]=1)", "a b=1; c=2": "(c=2)", "a=\x01; c=2": "(c=2)", "a\x7f=1; c=2": "(c=2)", "a=\xff": "(a=\xff)", "; ;a=1": "(a=1)",
		"$Version=1; a=2": "($Version=1)(a=2)", "a=1; a=2": "(a=1)(a=2)",
	} {
		if got := cookies(field); got != want {
			t.Errorf("%q: got %s, want %s", field, got, want)
		}
	}
	n := 0
	EachCookie([]byte("a=1;b=2;c=3"), func(k, _ []byte) bool { n++; return string(k) != "b" })
	if n != 2 {
		t.Errorf("went on after false: %d", n)
	}
}

func TestRFC6265_4_1_1_CookieValue(t *testing.T) {
	for value, want := range map[string]bool{"": true, "a": true, `"a"`: true, `""`: true, `"`: false, `a"b`: false, "a b": false, "a,b": false,
		"a;b": false, `a\b`: false, "\x7f": false, "\x80": false, "a\n": false, "!#~[]": true} {
		if ValidCookieValue(value) != want || ValidCookieValue([]byte(value)) != want {
			t.Errorf("%q", value)
		}
	}
	if ValidCookieName("a;") || !ValidCookieName("a") {
		t.Error("name")
	}
}
