package line

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func mustNew(t testing.TB, config Config) *Codec {
	t.Helper()
	c, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// decodeStream feeds wire in the given pieces, as a connection would, and writes
// down what came out: the lines, then the error or what was left over.
func decodeStream(t testing.TB, d Decoder, wire []byte, cuts ...int) string {
	t.Helper()
	var out strings.Builder
	var buf []byte
	from := 0
	for _, to := range append(cuts, len(wire)) {
		// A new array each time: a result must not depend on where bytes lie.
		buf = append(bytes.Clone(buf), wire[from:to]...)
		from = to
		for {
			line, n, err := d.Decode(buf)
			if err != nil {
				_, _, again := d.Decode(buf)
				if n != 0 || line != nil || again == nil || again.Error() != err.Error() {
					t.Fatalf("n=%d line=%q err=%v, and then %v", n, line, err, again)
				}
				fmt.Fprintf(&out, "%v", err)
				return out.String()
			}
			if n == 0 {
				if line != nil {
					t.Fatalf("line %q without bytes taken", line)
				}
				break
			}
			if line == nil || cap(line) != len(line) {
				t.Fatalf("line nil %v, len %d, cap %d", line == nil, len(line), cap(line))
			}
			fmt.Fprintf(&out, "%q ", line)
			buf = buf[n:]
		}
	}
	fmt.Fprintf(&out, "+%d", len(buf))
	return out.String()
}

// everySplit cuts wire once at each place, and everywhere.
func everySplit(t testing.TB, c *Codec, wire []byte, want string) {
	t.Helper()
	every := make([]int, len(wire))
	for cut := range wire {
		every[cut] = cut
		if got := decodeStream(t, c.Decoder(), wire, cut); got != want {
			t.Fatalf("cut at %d: %s\nwhole: %s", cut, got, want)
		}
	}
	if got := decodeStream(t, c.Decoder(), wire, every...); got != want {
		t.Fatalf("byte by byte: %s\nwhole: %s", got, want)
	}
}

func TestDecode(t *testing.T) {
	tests := []struct {
		name   string
		config Config
		wire   string
		want   string
	}{
		{"default", Config{}, "one\ntwo\r\n\n\r\nrest", `"one" "two" "" "" +4`},
		{"default, only one CR stripped", Config{}, "a\r\r\n", `"a\r" +0`},
		{"default, bare CR kept", Config{}, "a\rb\n", `"a\rb" +0`},
		{"nothing", Config{}, "", `+0`},
		{"keep CR", Config{KeepCR: true}, "a\r\nb\n", `"a\r" "b" +0`},
		{"CRLF", Config{Delimiter: "\r\n"}, "a\r\nb\nc\rd\r\n\r\n\r", `"a" "b\nc\rd" "" +1`},
		{"CRLF after CR", Config{Delimiter: "\r\n"}, "a\r\r\n", `"a\r" +0`},
		{"NUL", Config{Delimiter: "\x00"}, "a\r\x00\x00b", `"a\r" "" +1`},
		{"delimiter that overlaps itself", Config{Delimiter: "aab"}, "aaab-aab", `"a" "-" +0`},
		{"delimiter of equal bytes", Config{Delimiter: "--"}, "a---b--", `"a" "-b" +0`},
		{"long delimiter", Config{Delimiter: "--boundary--"}, "a--bound--boundary--b--boundary--", `"a--bound" "b" +0`},

		{"bare CR refused", Config{RefuseBareCR: true}, "a\r\nb\n\rc\n", `"a" "b" line: bare carriage return: at byte 0`},
		{"bare CR before CRLF refused", Config{RefuseBareCR: true}, "a\r\r\n", `line: bare carriage return: at byte 1`},
		{"bare CR refused, ending kept", Config{RefuseBareCR: true, KeepCR: true}, "a\r\nb\rc\n", `"a\r" line: bare carriage return: at byte 1`},
		{"bare CR refused with CRLF", Config{RefuseBareCR: true, Delimiter: "\r\n"}, "a\nb\r\nb\r\r\n", `"a\nb" line: bare carriage return: at byte 1`},
		{"bare LF refused", Config{RefuseBareLF: true, Delimiter: "\r\n"}, "a\rb\r\na\nb\r\n", `"a\rb" line: bare line feed: at byte 1`},
		{"both refused", Config{RefuseBareCR: true, RefuseBareLF: true, Delimiter: "\r\n"}, "a\r\na\r\n\n\r\n", `"a" "a" line: bare line feed: at byte 0`},

		{"at the limit", Config{LineBytesMax: 4}, "abc\nab\r\nx", `"abc" "ab" +1`},
		{"over the limit", Config{LineBytesMax: 4}, "abc\nabcd\n", `"abc" line: line too long: at byte 4`},
		{"the CR counts", Config{LineBytesMax: 4}, "abc\r\n", `line: line too long: at byte 4`},
		{"over the limit without an end", Config{LineBytesMax: 4}, "abcd", `line: line too long: at byte 4`},
		{"over the limit by half a delimiter", Config{LineBytesMax: 4, Delimiter: "\r\n"}, "ab\r\nabc\r\n", `"ab" line: line too long: at byte 4`},
		{"the limit comes before a bare CR", Config{LineBytesMax: 4, RefuseBareCR: true}, "\rabcdef", `line: line too long: at byte 4`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c, wire := mustNew(t, test.config), []byte(test.wire)
			if got := decodeStream(t, c.Decoder(), wire); got != test.want {
				t.Fatalf("got %s\nwant %s", got, test.want)
			}
			everySplit(t, c, wire, test.want)
		})
	}
}

func TestZeroDecoder(t *testing.T) {
	if got, want := decodeStream(t, Decoder{}, []byte("a\r\nb\nc")), `"a" "b" +1`; got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
	c := mustNew(t, Config{})
	if c.LineBytesMax() != standard.max || c.stripCR != standard.stripCR || !bytes.Equal(c.delimiter, standard.delimiter) {
		t.Fatalf("New(Config{}) is %+v, the zero Decoder has %+v", c, standard)
	}
}

func TestErrorsAreTyped(t *testing.T) {
	d := mustNew(t, Config{LineBytesMax: 3}).Decoder()
	_, _, err := d.Decode([]byte("abc"))
	var typed *LineError
	if !errors.Is(err, ErrLineTooLong) || !errors.As(err, &typed) || typed.OffsetBytes != 3 {
		t.Fatalf("%#v", err)
	}
}

func TestReset(t *testing.T) {
	var d Decoder
	_, _, _ = d.Decode([]byte("no end"))
	d.Reset()
	if line, n, err := d.Decode([]byte("a\nbcdefghi")); string(line) != "a" || n != 2 || err != nil {
		t.Fatalf("%q, %d, %v", line, n, err)
	}
	// A shorter buffer can only be another stream.
	_, _, _ = d.Decode([]byte("no end"))
	if line, n, err := d.Decode([]byte("a\nb")); string(line) != "a" || n != 2 || err != nil {
		t.Fatalf("%q, %d, %v", line, n, err)
	}
}

func TestConfigRefused(t *testing.T) {
	tests := []struct {
		config Config
		names  string
	}{
		{Config{LineBytesMax: -1}, "LineBytesMax"},
		{Config{LineBytesMax: 1}, "LineBytesMax"},
		{Config{LineBytesMax: 2, Delimiter: "\r\n"}, "LineBytesMax"},
		{Config{KeepCR: true, Delimiter: "\r\n"}, "KeepCR"},
		{Config{RefuseBareCR: true, Delimiter: "\x00"}, "RefuseBareCR"},
		{Config{RefuseBareLF: true}, "RefuseBareLF"},
	}
	for _, test := range tests {
		if c, err := New(test.config); c != nil || !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), test.names) {
			t.Errorf("%+v: %v", test.config, err)
		}
	}
	if c := mustNew(t, Config{Delimiter: strings.Repeat("x", 100_000)}); c.LineBytesMax() != 200_000 {
		t.Errorf("limit %d", c.LineBytesMax())
	}
}

func TestAppendLine(t *testing.T) {
	tests := []struct {
		name   string
		config Config
		line   string
		want   string
		err    error
	}{
		{"default", Config{}, "hello", "hello\n", nil},
		{"empty", Config{}, "", "\n", nil},
		{"bare CR inside", Config{}, "a\rb", "a\rb\n", nil},
		{"LF inside", Config{}, "a\nb", "", ErrDelimiterInLine},
		{"LF at the end", Config{}, "a\n", "", ErrDelimiterInLine},
		{"CR that would be stripped", Config{}, "a\r", "", ErrDelimiterInLine},
		{"CR that is kept", Config{KeepCR: true}, "a\r", "a\r\n", nil},
		{"CRLF", Config{Delimiter: "\r\n"}, "a\nb\r", "a\nb\r\r\n", nil},
		{"CRLF inside", Config{Delimiter: "\r\n"}, "a\r\nb", "", ErrDelimiterInLine},
		{"end and delimiter overlap", Config{Delimiter: "--"}, "a-", "", ErrDelimiterInLine},
		{"bare CR refused", Config{RefuseBareCR: true}, "a\rb", "", ErrBareCR},
		{"bare LF refused", Config{RefuseBareLF: true, Delimiter: "\r\n"}, "a\nb", "", ErrBareLF},
		{"at the limit", Config{LineBytesMax: 4}, "abc", "abc\n", nil},
		{"over the limit", Config{LineBytesMax: 4}, "abcd", "", ErrLineTooLong},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := mustNew(t, test.config).AppendLine([]byte("dst:"), []byte(test.line))
			if string(got) != "dst:"+test.want || !errors.Is(err, test.err) {
				t.Fatalf("%q, %v; want %q, %v", got, err, test.want, test.err)
			}
			var typed *LineError
			if err != nil && !errors.As(err, &typed) {
				t.Fatalf("%T", err)
			}
		})
	}
}

// TestResumedScanIsLinear feeds a long line byte by byte. Were each call to scan
// from the start, this would look at 3*10^10 bytes a delimiter.
func TestResumedScanIsLinear(t *testing.T) {
	const size = 1 << 18
	for _, delimiter := range []string{"\n", "\r\n", "-----"} {
		d := mustNew(t, Config{Delimiter: delimiter, LineBytesMax: 2 * size}).Decoder()
		wire := append(bytes.Repeat([]byte{'x'}, size), delimiter...)
		for i := range wire {
			if _, n, err := d.Decode(wire[:i]); n != 0 || err != nil {
				t.Fatal(i, n, err)
			}
			if i > len(delimiter) && d.scanned < i-len(delimiter) {
				t.Fatalf("%d bytes seen, only %d scanned", i, d.scanned)
			}
		}
		if line, _, _ := d.Decode(wire); len(line) != size {
			t.Fatalf("line of %d", len(line))
		}
	}
}

// splitLines is a second decoder, as simple as can be: it needs all input at
// once and cuts with the standard library.
func splitLines(c *Codec, wire []byte) string {
	var out strings.Builder
	for {
		content, rest, found := bytes.Cut(wire, c.delimiter)
		if !found && len(wire) < c.max {
			fmt.Fprintf(&out, "+%d", len(wire))
			return out.String()
		}
		if len(content)+len(c.delimiter) > c.max {
			fmt.Fprintf(&out, "%v", &LineError{OffsetBytes: c.max, Err: ErrLineTooLong})
			return out.String()
		}
		bare := content
		if len(c.delimiter) == 1 {
			bare = bytes.TrimSuffix(content, []byte("\r"))
		}
		if at := bytes.IndexByte(bare, '\n'); c.refuseLF && at >= 0 {
			fmt.Fprintf(&out, "%v", &LineError{OffsetBytes: at, Err: ErrBareLF})
			return out.String()
		}
		if at := bytes.IndexByte(bare, '\r'); c.refuseCR && at >= 0 {
			fmt.Fprintf(&out, "%v", &LineError{OffsetBytes: at, Err: ErrBareCR})
			return out.String()
		}
		if c.stripCR {
			content = bare
		}
		fmt.Fprintf(&out, "%q ", content)
		wire = rest
	}
}

// FuzzDecode: every way to cut the stream gives the same lines, a second decoder
// finds the same, and what AppendLine accepts comes back as it was.
func FuzzDecode(f *testing.F) {
	f.Add([]byte("one\r\ntwo\n\rthree\n"), "", uint8(0), uint8(0))
	f.Add([]byte("one\r\ntwo\n\r\r\nthree\r"), "\r\n", uint8(6), uint8(0))
	f.Add([]byte("aaabaab--aab"), "aab", uint8(0), uint8(5))
	f.Add([]byte("abcdefgh\n"), "\n", uint8(3), uint8(4))
	f.Fuzz(func(t *testing.T, wire []byte, delimiter string, flags, lineMax uint8) {
		c, err := New(Config{
			Delimiter: delimiter, LineBytesMax: int(lineMax),
			KeepCR: flags&1 != 0, RefuseBareCR: flags&2 != 0, RefuseBareLF: flags&4 != 0,
		})
		if err != nil {
			return
		}
		if len(wire) > 200 {
			wire = wire[:200]
		}
		want := splitLines(c, wire)
		if got := decodeStream(t, c.Decoder(), wire); got != want {
			t.Fatalf("got  %s\nwant %s", got, want)
		}
		everySplit(t, c, wire, want)

		encoded, err := c.AppendLine(nil, wire)
		if err != nil {
			return
		}
		d := c.Decoder()
		if line, n, err := d.Decode(append(encoded, "next"...)); n != len(encoded) || err != nil || !bytes.Equal(line, wire) {
			t.Fatalf("%q came back as %q, %d of %d bytes, %v", wire, line, n, len(encoded), err)
		}
	})
}

func TestAllocations(t *testing.T) {
	for _, delimiter := range []string{"\n", "\r\n", "--end--"} {
		c := mustNew(t, Config{Delimiter: delimiter})
		wire, _ := c.AppendLine(nil, []byte("a line of text"))
		d, dst := c.Decoder(), make([]byte, 0, 64)
		if n := testing.AllocsPerRun(100, func() {
			_, _, _ = d.Decode(wire[:len(wire)-1])
			line, _, _ := d.Decode(wire)
			dst, _ = c.AppendLine(dst[:0], line)
		}); n != 0 {
			t.Errorf("%q: %v allocations", delimiter, n)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, delimiter := range []string{"\n", "\r\n"} {
		for _, size := range []int{20, 200} {
			b.Run(fmt.Sprintf("%q,%d bytes", delimiter, size), func(b *testing.B) {
				c := mustNew(b, Config{Delimiter: delimiter})
				d, wire := c.Decoder(), append(bytes.Repeat([]byte{'x'}, size), delimiter...)
				b.ReportAllocs()
				for b.Loop() {
					if _, n, err := d.Decode(wire); n == 0 || err != nil {
						b.Fatal(n, err)
					}
				}
			})
		}
	}
}

func BenchmarkAppendLine(b *testing.B) {
	c, dst, line := mustNew(b, Config{}), make([]byte, 0, 256), bytes.Repeat([]byte{'x'}, 200)
	b.ReportAllocs()
	for b.Loop() {
		dst, _ = c.AppendLine(dst[:0], line)
	}
}
