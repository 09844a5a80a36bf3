package httpfw

import (
	"net/url"
	"slices"
	"strings"
	"testing"
)

var normalPathCases = []struct {
	path, want string
	form       pathForm
}{
	{"/", "/", pathClean},
	{"/a/b", "/a/b", pathClean},
	{"/a/b/", "/a/b/", pathClean},
	{"*", "*", pathClean},
	{"/.well-known/x", "/.well-known/x", pathClean},
	{"/..a/.../a./b..", "/..a/.../a./b..", pathClean},
	{"/-._~!$&'()*+,;=:@", "/-._~!$&'()*+,;=:@", pathClean},
	{"/a%2Fb", "/a%2Fb", pathClean},
	{"/caf%C3%A9", "/caf%C3%A9", pathClean},
	{"/100%25", "/100%25", pathClean},
	{"/%252e%252e/x", "/%252e%252e/x", pathClean},
	{"/a%2f%2Fb", "/a%2F%2Fb", pathRespelled},
	{"/%2Fetc", "/%2Fetc", pathClean},
	{"", "/", pathRespelled},
	{"/%61%7e", "/a~", pathRespelled},
	{"/%40x", "/@x", pathRespelled},
	{"/a%2fb", "/a%2Fb", pathRespelled},
	{"/caf\xc3\xa9", "/caf%C3%A9", pathRespelled},
	{"/a b\x00\"", "/a%20b%00%22", pathRespelled},
	{"/a?b#c", "/a%3Fb%23c", pathRespelled},
	{"/%2525", "/%2525", pathClean},
	{"/\\evil.example/", "/%5Cevil.example/", pathRespelled},
	{"//evil.example/", "/evil.example/", pathResolved},
	{"/a//b", "/a/b", pathResolved},
	{"/a///", "/a/", pathResolved},
	{"//", "/", pathResolved},
	{"/.", "/", pathResolved},
	{"/..", "/", pathResolved},
	{"/../a", "/a", pathResolved},
	{"/a/.", "/a/", pathResolved},
	{"/a/..", "/", pathResolved},
	{"/a/b/..", "/a/", pathResolved},
	{"/a/./b/../c", "/a/c", pathResolved},
	{"/a/b/../../../../c", "/c", pathResolved},
	{"/a//../b", "/b", pathResolved},
	{"/files/%2e%2e/etc", "/etc", pathResolved},
	{"/files/.%2E/etc", "/etc", pathResolved},
	{"/files/%2e/x", "/files/x", pathResolved},
	{"/files/a/%2e%2e", "/files/", pathResolved},
	{"/files/..%2Fetc", "", pathBad},
	{"/files/%2e%2e%2fetc", "", pathBad},
	{"/files/a%2F..", "", pathBad},
	{"/files/a%2F..%5Cb", "", pathBad},
	{"/files/..\\etc", "", pathBad},
	{"/files/a..%2F..b", "/files/a..%2F..b", pathClean},
	{"/files/..%2F/../x", "", pathBad},
	{"/%", "", pathBad},
	{"/%4", "", pathBad},
	{"/%4/x", "", pathBad},
	{"/%zz", "", pathBad},
	{"/%4z", "", pathBad},
	{"/%-1", "", pathBad},
	{"a/b", "", pathBad},
	{"*a", "", pathBad},
	{"host:443", "", pathBad},
	{"/" + strings.Repeat("a", routePathBytesMax), "", pathTooLong},
	{"/" + strings.Repeat("\\", 30000), "", pathTooLong},
}

func TestRouterNormalPath(t *testing.T) {
	for _, c := range normalPathCases {
		in := []byte(c.path)
		got, form := normalPath([]byte("before"), in)
		if string(got) != c.want || form != c.form {
			t.Errorf("%.60q: got %.60q, %d; want %.60q, %d", c.path, got, form, c.want, c.form)
		}
		if form == pathClean && len(in) > 0 && &got[0] != &in[0] {
			t.Errorf("%.60q: copied", c.path)
		}
		if string(in) != c.path {
			t.Errorf("%.60q: written to", c.path)
		}
	}
}

// decodedSegments is the other implementation: decode each segment, then drop
// empty and dot segments of the list. ok is false for what must be refused.
func decodedSegments(path string) (segs []string, ok bool) {
	parts := strings.Split(path, "/")[1:]
	for i, raw := range parts {
		s, err := url.PathUnescape(raw)
		if err != nil {
			return nil, false
		}
		if names := strings.FieldsFunc(s, func(r rune) bool { return r == '/' || r == '\\' }); strings.ContainsAny(s, `/\`) && slices.Contains(names, "..") {
			return nil, false
		}
		last := i == len(parts)-1
		switch s {
		case ".", "..", "":
			if s == ".." && len(segs) > 0 {
				segs = segs[:len(segs)-1]
			}
			if last {
				segs = append(segs, "")
			}
		default:
			segs = append(segs, s)
		}
	}
	return segs, true
}

func FuzzRouterNormalPath(f *testing.F) {
	for _, c := range normalPathCases {
		f.Add(c.path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		if path == "" || path[0] != '/' || len(path) > routePathBytesMax/3 {
			return
		}
		normal, form := normalPath(nil, []byte(path))
		want, ok := decodedSegments(path)
		if ok != (form < pathBad) {
			t.Fatalf("%q: form %d, the other says %v", path, form, ok)
		}
		if !ok {
			return
		}
		if got, _ := decodedSegments(string(normal)); !slices.Equal(got, want) {
			t.Fatalf("%q: got %q of %q, want %q", path, got, normal, want)
		}
		if (form == pathClean) != (string(normal) == path) {
			t.Fatalf("%q: form %d, got %q", path, form, normal)
		}
		if strings.HasPrefix(string(normal), "//") || strings.ContainsAny(string(normal), "\\ \x00") || strings.Contains(string(normal)+"/", "/../") {
			t.Fatalf("%q: got %q", path, normal)
		}
		if again, form := normalPath(nil, normal); form != pathClean || string(again) != string(normal) {
			t.Fatalf("%q: %q becomes %q", path, normal, again)
		}
		// Whatever spells the same segments has the same normal form.
		var all strings.Builder
		const digits = "0123456789abcdef"
		for _, s := range want {
			all.WriteByte('/')
			for _, c := range []byte(s) {
				all.Write([]byte{'%', digits[c>>4], digits[c&15]})
			}
		}
		if other, form := normalPath(nil, []byte(all.String())); form >= pathBad || string(other) != string(normal) {
			t.Fatalf("%q: %q, but %q: %q", path, normal, all.String(), other)
		}
	})
}

func TestRouterNormalPathAllocates0(t *testing.T) {
	var dst [128]byte
	for _, path := range []string{"/repos/heddle-go/heddle/issues", "/caf%c3%a9", "/a/./b//../c", "/%zz", "*"} {
		in := []byte(path)
		if n := testing.AllocsPerRun(100, func() { normalPath(dst[:0], in) }); n != 0 {
			t.Errorf("%s: %v allocations", path, n)
		}
	}
}
