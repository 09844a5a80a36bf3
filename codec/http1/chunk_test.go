package http1

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// decode runs body through a decoder in the pieces that cuts returns the ends of, in
// ascending order; it passes on what was not consumed, as a reader of a connection would.
func decode(t testing.TB, body string, lim *Limits, next func(at int) int) string {
	t.Helper()
	d := ChunkDecoder{Limits: lim}
	var data []byte
	var held []byte
	consumed := 0
	for at := 0; at < len(body); {
		end := min(next(at), len(body))
		held = append(append([]byte(nil), held...), body[at:end]...) // in new memory each time
		at = end
		for {
			piece, n, err := d.Next(held)
			if err != nil {
				if _, again, err2 := d.Next([]byte("0\r\n\r\n")); again != 0 || err2 != err {
					t.Fatalf("%q: an error that does not last", body)
				}
				e, ok := errors.AsType[*Error](err)
				if !ok {
					t.Fatalf("untyped error %v", err)
				}
				return fmt.Sprintf("%q, then %d at %d: %s", data, e.Status, e.Offset, e.Rule)
			}
			if n < 0 || n > len(held) || len(piece) > n {
				t.Fatalf("%q: consumed %d of %d, data of %d", body, n, len(held), len(piece))
			}
			data = append(data, piece...)
			consumed += n
			held = held[n:]
			if n == 0 {
				break
			}
		}
		if d.Done() {
			s := fmt.Sprintf("%q, whole with %d bytes", data, consumed)
			for i := range held {
				held[i] = 'x' // trailers must not live in here
			}
			for _, f := range d.Trailer {
				s += fmt.Sprintf(", %s=%s", f.Name, f.Value)
			}
			return s
		}
	}
	return fmt.Sprintf("%q, more", data)
}

// decodeEvery decodes body whole, at two pieces for every offset, and a byte at a time.
func decodeEvery(t testing.TB, body string, lim *Limits) string {
	t.Helper()
	whole := decode(t, body, lim, func(int) int { return len(body) })
	if got := decode(t, body, lim, func(at int) int { return at + 1 }); got != whole {
		t.Fatalf("%q:\nbyte by byte %s\n       whole %s", body, got, whole)
	}
	for cut := 1; cut < len(body); cut++ {
		got := decode(t, body, lim, func(at int) int {
			if at < cut {
				return cut
			}
			return len(body)
		})
		if got != whole {
			t.Fatalf("%q cut at %d:\n  got %s\nwhole %s", body, cut, got, whole)
		}
	}
	return whole
}

func TestRFC9112_7_1_Chunks(t *testing.T) {
	for body, want := range map[string]string{
		"0\r\n\r\n":                                        `"", whole with 5 bytes`,
		"5\r\nhello\r\n0\r\n\r\n":                          `"hello", whole with 15 bytes`,
		"1\r\na\r\n2\r\nbc\r\n000\r\n\r\nGET /":            `"abc", whole with 20 bytes`,
		"00000005\r\nhello\r\n0\r\n\r\n":                   `"hello", whole with 22 bytes`,
		"A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n":  `"01234567890123456789", whole with 35 bytes`,
		"2\r\n\r\n\r\n0\r\n\r\n":                           `"\r\n", whole with 12 bytes`,
		"5;a=b\r\nhello\r\n0;b=c;d=\"e;\\\" f\";g\r\n\r\n": `"hello", whole with 36 bytes`,
		"5\r\nhello\r\n0\r\nX-Sum: 1 2 \r\nY:\r\n\r\nrest": `"hello", whole with 32 bytes, X-Sum=1 2, Y=`,
		"5\r\nhello\r\n0\r\n\r":                            `"hello", more`,
		"5\r\nhel":                                         `"hel", more`,
		"5\r\nhello\r\n":                                   `"hello", more`,
		"":                                                 `"", more`,
	} {
		if got := decodeEvery(t, body, nil); got != want {
			t.Errorf("%q:\n got %s\nwant %s", body, got, want)
		}
	}
}

func refuseChunks(t *testing.T, body string, lim *Limits, want *rule, offset int) {
	t.Helper()
	got := decodeEvery(t, body, lim)
	tail := fmt.Sprintf("then %d at %d: %s", want.status, offset, want.text)
	if offset < 0 {
		tail = want.text
	}
	if !strings.HasSuffix(got, tail) {
		t.Errorf("%q:\n got %s\nwant %s", body, got, tail)
	}
}

func TestRFC9112_7_1_Refused(t *testing.T) {
	for _, c := range []struct {
		body   string
		want   *rule
		offset int
	}{
		{"\r\n", noSize, 0}, {";a\r\n", noSize, 0}, {" 5\r\n", noSize, 0}, {"g\r\n", noSize, 0}, {"-5\r\n", noSize, 0}, {"\n", noSize, 0},
		{"0x5\r\nhello", sizeByte, 1}, {"5 \r\n", sizeByte, 1}, {"5\t;a\r\n", sizeByte, 1}, {"5_0\r\n", sizeByte, 1}, {"5,5\r\n", sizeByte, 1},
		{"5\x00\r\n", sizeByte, 1}, {"5\x80\r\n", sizeByte, 1},
		{"5\nhello", bareLF, 1}, {"5\rhello", bareCR, 2}, {"5;a\nhello", bareLF, 3}, {"5;a\rhello", bareCR, 4},
		{"7fffffffffffffff\r\n\x01\x02", nil, 0},
		{"8000000000000000\r\n", sizeHuge, 15}, {"10000000000000000\r\n", sizeHuge, 16}, {"00000000000000001\r\n", sizeHuge, 16},
		{"fffffffffffffffff\r\n", sizeHuge, 15},
		{"5\r\nhelloX\r\n", chunkEnd, 8}, {"5\r\nhello\n0", bareLF, 8}, {"5\r\nhello\rX", bareCR, 9}, {"5\r\nhello0\r\n\r\n", chunkEnd, 8},
		{"5\r\nhello\r\n\r\n", noSize, 10}, {"3\r\nhello\r\n", chunkEnd, 6},
		{"5;\r\nhello", extension, 2}, {"5;;a\r\n", extension, 2}, {"5; a\r\n", extension, 2}, {"5;a =b\r\n", extension, 3}, {"5;a=\r\n", extension, 4},
		{"5;a= b\r\n", extension, 4}, {"5;a=\"b\r\n", extension, 6}, {"5;a=\"b\n", extension, 6}, {"5;a=\"b\"c\r\n", extension, 7}, {"5;a=b\"c\"\r\n", extension, 5},
		{"5;a=\"\\\r\"\r\n", extension, 6}, {"5;a=\"\x00\"\r\n", extension, 5}, {"5;=b\r\n", extension, 2}, {"5;a\x80\r\n", extension, 3}, {"5;a=b c\r\n", extension, 5},
		{"0\r\n X: y\r\n\r\n", folded, 3}, {"0\r\nX: y\r\n z\r\n\r\n", folded, 9}, {"0\r\nX : y\r\n\r\n", spaceBeforeColon, 4},
		{"0\r\nX: y\n\r\n", bareLF, 7}, {"0\r\nX: y\rz\r\n", bareCR, 7}, {"0\r\n: y\r\n\r\n", emptyName, 3}, {"0\r\nX\r\n\r\n", noColon, 4},
		{"0\r\nX: \x00\r\n\r\n", badValue, 6}, {"0\r\n\n", bareLF, 3}, {"0\r\n\rX", bareCR, 3}, {"0\r\nGET / HTTP/1.1\r\n", spaceBeforeColon, 6},
	} {
		if c.want == nil {
			decodeEvery(t, c.body, nil)
			continue
		}
		refuseChunks(t, c.body, nil, c.want, c.offset)
	}
}

func TestRFC9110_6_5_1_Trailers(t *testing.T) {
	for _, names := range trailerless {
		for _, name := range names {
			refuseChunks(t, "0\r\nX: y\r\n"+name+": x\r\n\r\n", nil, trailerName, 9)
			refuseChunks(t, "0\r\n"+strings.ToUpper(name)+": x\r\n\r\n", nil, trailerName, 3)
			if got := string(AppendLastChunk(nil, []Field{{[]byte(name), []byte("x")}})); got != "0\r\n\r\n" {
				t.Errorf("sent: %q", got)
			}
		}
	}
	if got, want := decodeEvery(t, "0\r\nDigest: x\r\n!: y\r\n~\x2a: z\r\n\r\n", nil), `"", whole with 29 bytes, Digest=x, !=y, ~*=z`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestChunkLimits(t *testing.T) {
	lim := &Limits{ExtensionBytesMax: 5, TrailerBytesMax: 12, HeaderCountMax: 2}
	for body, want := range map[string]string{
		"1;abcd\r\nx\r\n0\r\n\r\n":           `"x", whole with 16 bytes`,
		"1;a\r\nx\r\n1;b\r\ny\r\n00\r\n\r\n": `"xy", whole with 22 bytes`,
		"0\r\nA: 4567\r\n\r\n":               `"", whole with 14 bytes, A=4567`,
		"0\r\nA:\r\nB:\r\n\r\n":              `"", whole with 13 bytes, A=, B=`,
	} {
		if got := decodeEvery(t, body, lim); got != want {
			t.Errorf("%q: got %s, want %s", body, got, want)
		}
	}
	refuseChunks(t, "1;abcde\r\nx\r\n0\r\n\r\n", lim, overhead, 6)
	refuseChunks(t, "1;ab\r\nx\r\n1;cd\r\ny\r\n0\r\n\r\n", lim, overhead, 12)
	refuseChunks(t, "1;a=\"b\"\r\n", lim, overhead, 6)
	refuseChunks(t, "00000001\r\n", lim, overhead, -1)
	refuseChunks(t, "0\r\nA: 45678901234\r\n\r\n", lim, trailerLong, 15)
	refuseChunks(t, "0\r\nA:\r\nB:\r\nC:\r\n\r\n", lim, fieldsMany, 11)
	refuseChunks(t, "0\r\nA: 456\r\nB:\r\n\r\n", lim, trailerLong, 15)
}

func TestChunkReset(t *testing.T) {
	lim := &Limits{}
	d := ChunkDecoder{Limits: lim}
	d.Next([]byte("0\r\nX: y\r\n\r\n"))
	if !d.Done() || len(d.Trailer) != 1 {
		t.Fatal("not done")
	}
	if _, n, err := d.Next([]byte("GET /")); n != 0 || err != nil {
		t.Errorf("%d bytes of the next message consumed, %v", n, err)
	}
	d.Reset()
	if d.Done() || len(d.Trailer) != 0 || d.Limits != lim {
		t.Errorf("%+v", d)
	}
	if _, _, err := d.Next([]byte("x")); err == nil {
		t.Error("no error")
	}
	d.Reset()
	if data, n, err := d.Next([]byte("3\r\nabc")); string(data) != "abc" || n != 6 || err != nil {
		t.Errorf("%q %d %v", data, n, err)
	}
}
