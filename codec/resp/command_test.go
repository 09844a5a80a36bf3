package resp

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

// inPieces feeds wire cut at the given places, as a connection would, to step,
// which takes from the start of its buffer and returns how much, or an error.
// It returns the error, or how much was left over.
func inPieces(wire []byte, cuts []int, step func(buf []byte) (int, error)) (left int, err error) {
	var buf []byte
	from := 0
	for _, to := range append(cuts, len(wire)) {
		// A new array each time: a result must not depend on where bytes lie.
		buf = append(bytes.Clone(buf), wire[from:to]...)
		from = to
		for {
			n, err := step(buf)
			if err != nil {
				return 0, err
			}
			if n == 0 {
				break
			}
			buf = buf[n:]
		}
	}
	return len(buf), nil
}

// everySplit runs decode with wire whole, cut once at each place, and everywhere,
// and returns the result, which must be the same.
func everySplit(t testing.TB, wire []byte, decode func(cuts ...int) string) string {
	t.Helper()
	want := decode()
	every := make([]int, len(wire))
	for cut := range wire {
		every[cut] = cut
		if got := decode(cut); got != want {
			t.Fatalf("%q\ncut at %d: %s\nwhole:     %s", wire, cut, got, want)
		}
	}
	if got := decode(every...); got != want {
		t.Fatalf("%q\nbyte by byte: %s\nwhole:        %s", wire, got, want)
	}
	return want
}

// decodeCommands writes down the commands of a stream, then the error or what was
// left over.
func decodeCommands(t testing.TB, c *Codec, wire []byte, cuts ...int) (string, error) {
	t.Helper()
	var out strings.Builder
	d := c.Decoder()
	left, err := inPieces(wire, cuts, func(buf []byte) (int, error) {
		before := bytes.Clone(buf)
		args, n, err := d.Command(buf)
		if !bytes.Equal(before, buf) {
			t.Fatalf("%q changed to %q", before, buf)
		}
		if err != nil {
			_, _, again := d.Command(buf)
			if n != 0 || args != nil || again == nil || *again.(*ProtocolError) != *err.(*ProtocolError) {
				t.Fatalf("n=%d args=%q err=%v, and then %v", n, args, err, again)
			}
			return 0, err
		}
		if n == 0 {
			if args != nil {
				t.Fatalf("%q without bytes taken", args)
			}
			if needed := d.BytesNeeded(); len(buf) > 0 && needed <= len(buf) && needed != 1 {
				t.Fatalf("%d bytes of %q needed", needed, buf)
			}
			return 0, nil
		}
		out.WriteString("[ ")
		for _, arg := range args {
			if arg == nil || cap(arg) != len(arg) {
				t.Fatalf("argument nil %v, len %d, cap %d", arg == nil, len(arg), cap(arg))
			}
			fmt.Fprintf(&out, "%q ", arg)
		}
		out.WriteString("] ")
		return n, nil
	})
	if err == nil {
		fmt.Fprintf(&out, "+%d", left)
	}
	return out.String(), err
}

func TestCommand(t *testing.T) {
	const bulk, multibulk = "ERR Protocol error: invalid bulk length", "ERR Protocol error: invalid multibulk length"
	tests := []struct {
		name string
		wire string
		want string // commands, then what is left over or the text of the error
		at   int
		err  error
	}{
		{"nothing", "", "+0", 0, nil},
		{"one", "*1\r\n$4\r\nPING\r\n", `[ "PING" ] +0`, 0, nil},
		{"two", "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n*1\r\n$4\r\nPING\r\n", `[ "GET" "k" ] [ "PING" ] +0`, 0, nil},
		{"any bytes", "*1\r\n$6\r\n\r\n\x00\xff$1\r\n", `[ "\r\n\x00\xff$1" ] +0`, 0, nil},
		{"empty argument", "*2\r\n$0\r\n\r\n$0\r\n\r\n", `[ "" "" ] +0`, 0, nil},
		{"unfinished", "*2\r\n$3\r\nGET\r\n$1\r\nk", `+18`, 0, nil},
		{"no arguments", "*0\r\n*-1\r\n*-9\r\nPING\r\n", `[ ] [ ] [ ] [ "PING" ] +0`, 0, nil},

		{"count missing", "*\r\n", multibulk, 0, ErrMalformed},
		{"count of letters", "*x\r\n", multibulk, 0, ErrMalformed},
		{"count with a letter", "*1x", multibulk, 0, ErrMalformed},
		{"count with a leading zero", "*01\r\n", multibulk, 0, ErrMalformed},
		{"count with a plus", "*+1\r\n", multibulk, 0, ErrMalformed},
		{"count of minus zero", "*-0\r\n", multibulk, 0, ErrMalformed},
		{"count of a minus", "*-\r\n", multibulk, 0, ErrMalformed},
		{"count streamed", "*?\r\n", multibulk, 0, ErrMalformed},
		{"count with LF alone", "*1\n", multibulk, 0, ErrMalformed},
		{"count with CR alone", "*1\rx", multibulk, 0, ErrMalformed},
		{"count at the limit", "*9\r\n$1\r\na\r\n", "+11", 0, nil},
		{"count over the limit", "*10\r\n", multibulk, 0, ErrTooLarge},
		{"count of 18 digits", "*999999999999999999\r\n", multibulk, 0, ErrTooLarge},
		{"count of 19 digits", "*1000000000000000000", multibulk, 0, ErrMalformed},

		{"argument of another type", "*2\r\n$1\r\na\r\n:1\r\n", "ERR Protocol error: expected '$', got ':'", 11, ErrMalformed},
		{"argument without a type", "*1\r\n\r\n", `ERR Protocol error: expected '$', got '\x0d'`, 4, ErrMalformed},
		{"length missing", "*1\r\n$\r\n", bulk, 4, ErrMalformed},
		{"length negative", "*1\r\n$-1\r\n", bulk, 4, ErrMalformed},
		{"length of letters", "*1\r\n$abc\r\n", bulk, 4, ErrMalformed},
		{"length at the limit", "*1\r\n$40\r\n", "+9", 0, nil},
		{"length over the limit", "*1\r\n$41\r\n", bulk, 4, ErrTooLarge},
		{"no CRLF behind it", "*1\r\n$1\r\naXY", "ERR Protocol error: bulk string without CRLF", 9, ErrMalformed},
		{"longer than it says", "*1\r\n$1\r\nab\r\n", "ERR Protocol error: bulk string without CRLF", 9, ErrMalformed},
		{"whole at the limit", "*3\r\n$40\r\n" + strings.Repeat("x", 40) + "\r\n$40\r\n" + strings.Repeat("y", 40) + "\r\n$0\r\n\r\n",
			`[ "` + strings.Repeat("x", 40) + `" "` + strings.Repeat("y", 40) + `" "" ] +0`, 0, nil},
		{"whole over the limit", "*3\r\n$40\r\n" + strings.Repeat("x", 40) + "\r\n$40\r\n" + strings.Repeat("y", 40) + "\r\n$1\r\n",
			"ERR Protocol error: too big request", 98, ErrTooLarge},

		{"inline", "PING\r\n", `[ "PING" ] +0`, 0, nil},
		{"inline with LF", "  SET  k\tv \n", `[ "SET" "k" "v" ] +0`, 0, nil},
		{"inline empty", "\r\n\n   \r\n", `[ ] [ ] [ ] +0`, 0, nil},
		{"inline unfinished", "PING", `+4`, 0, nil},
		{"inline with CRs", "a\rb\r\r\n", `[ "a" "b" ] +0`, 0, nil},
		{"inline with a star in it", "k *1\r\n", `[ "k" "*1" ] +0`, 0, nil},
		{"inline vertical tab", "\va\vb\v c\r\n", `[ "a\vb\v" "c" ] +0`, 0, nil},
		{"double quotes", `SET "a b" "" "c"` + "\n", `[ "SET" "a b" "" "c" ] +0`, 0, nil},
		{"double quotes inside a word", `a"b c"` + "\n", `[ "ab c" ] +0`, 0, nil},
		{"escapes", `"\n\r\t\b\a\x00\xFf\xg\"\\\q'"` + "\n", `[ "\n\r\t\b\a\x00\xffxg\"\\q'" ] +0`, 0, nil},
		{"single quotes", `'a "b' '\'\n\'' ''` + "\n", `[ "a \"b" "'\\n'" "" ] +0`, 0, nil},
		{"quotes open", `a "b` + "\r\n", "ERR Protocol error: unbalanced quotes in request", 2, ErrMalformed},
		{"single quotes open", `'b` + "\r\n", "ERR Protocol error: unbalanced quotes in request", 0, ErrMalformed},
		{"quotes open by an escape", `"b\"` + "\r\n", "ERR Protocol error: unbalanced quotes in request", 0, ErrMalformed},
		{"quotes open by a backslash", `"b\` + "\r\n", "ERR Protocol error: unbalanced quotes in request", 0, ErrMalformed},
		{"quotes followed by a word", `"a"b` + "\r\n", "ERR Protocol error: unbalanced quotes in request", 0, ErrMalformed},
		{"inline NUL", "a\x00b\r\n", "ERR Protocol error: NUL in inline request", 1, ErrMalformed},
		{"inline at the limit", strings.Repeat("x", 48) + "\r\n", `[ "` + strings.Repeat("x", 48) + `" ] +0`, 0, nil},
		{"inline over the limit", strings.Repeat("x", 50) + "\n", "ERR Protocol error: too big inline request", 0, ErrTooLarge},
		{"inline over the limit, no end", strings.Repeat("x", 50), "ERR Protocol error: too big inline request", 0, ErrTooLarge},
		{"inline of too many words", "1 2 3 4 5 6 7 8 9\r\n1 2 3 4 5 6 7 8 9 10\r\n", `[ "1" "2" "3" "4" "5" "6" "7" "8" "9" ] ERR Protocol error: too many arguments in inline request`, 18, ErrTooLarge},
	}
	c := mustNew(t, Config{BulkBytesMax: 40, MessageBytesMax: 104, ArgsMax: 9, InlineBytesMax: 50})
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			wire := []byte(test.wire)
			var err error
			got := everySplit(t, wire, func(cuts ...int) string {
				var out string
				if out, err = decodeCommands(t, c, wire, cuts...); err != nil {
					out += fmt.Sprint(err, " at ", err.(*ProtocolError).OffsetBytes)
				}
				return out
			})
			want := test.want
			if test.err != nil {
				want += fmt.Sprint(" at ", test.at)
			}
			if got != want || !errors.Is(err, test.err) {
				t.Fatalf("got  %s (%v)\nwant %s (%v)", got, errors.Unwrap(err), want, test.err)
			}
		})
	}
}

func TestRefuseInline(t *testing.T) {
	c := mustNew(t, Config{RefuseInline: true})
	out, err := decodeCommands(t, c, []byte("*1\r\n$4\r\nPING\r\nGET / HTTP/1.1\r\n"))
	if out != `[ "PING" ] ` || !errors.Is(err, ErrMalformed) || err.Error() != "ERR Protocol error: expected '*', got 'G'" {
		t.Fatalf("%s%v", out, err)
	}
}

func TestZeroDecoders(t *testing.T) {
	if got := mustNew(t, Config{}).Config(); got != standard.limits {
		t.Fatalf("New(Config{}) has %+v, zero decoders %+v", got, standard.limits)
	}
	var commands Decoder
	if args, n, err := commands.Command([]byte("*1\r\n$4\r\nPING\r\n")); len(args) != 1 || n != 14 || err != nil {
		t.Fatal(args, n, err)
	}
	var replies ReplyDecoder
	if reply, n, err := replies.Reply([]byte("+OK\r\n")); string(reply) != "+OK\r\n" || n != 5 || err != nil {
		t.Fatal(reply, n, err)
	}
}

func TestConfigRefused(t *testing.T) {
	for name, config := range map[string]Config{
		"BulkBytesMax": {BulkBytesMax: -1}, "MessageBytesMax": {MessageBytesMax: -1}, "InlineBytesMax": {InlineBytesMax: 2},
		"ArgsMax": {ArgsMax: -1}, "ElementsMax": {ElementsMax: -1}, "DepthMax": {DepthMax: -1},
	} {
		if c, err := New(config); c != nil || !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), name) {
			t.Errorf("%+v: %v", config, err)
		}
	}
	if got := mustNew(t, Config{BulkBytesMax: 1 << 29}).Config().MessageBytesMax; got != 1<<29+1<<20 {
		t.Errorf("a larger BulkBytesMax gives a MessageBytesMax of %d", got)
	}
}

// TestResumedCommandIsLinear sends a large argument behind many small ones, byte
// by byte, and looks at where the decoder begins each time.
func TestResumedCommandIsLinear(t *testing.T) {
	var many [][]byte
	for range 1000 {
		many = append(many, []byte("small"))
	}
	wire := AppendCommand(nil, append(many, bytes.Repeat([]byte{'x'}, 1<<18))...)
	var d Decoder
	for i := range wire {
		if args, n, err := d.Command(wire[:i]); args != nil || n != 0 || err != nil {
			t.Fatal(i, n, err)
		}
		if i > 100 && i < 10_000 && i-d.at > 20 {
			t.Fatalf("%d bytes seen, would begin at %d", i, d.at)
		}
		if i > 1<<17 && d.BytesNeeded() != len(wire) {
			t.Fatalf("%d bytes needed, want %d", d.BytesNeeded(), len(wire))
		}
	}
	if args, n, err := d.Command(wire); len(args) != 1001 || len(args[1000]) != 1<<18 || n != len(wire) || err != nil {
		t.Fatal(len(args), n, err)
	}

	line := bytes.Repeat([]byte{'x'}, InlineBytesMaxDefault-1)
	for i := range line {
		_, _, _ = d.Command(line[:i])
		if d.at != i {
			t.Fatalf("%d bytes seen, would begin at %d", i, d.at)
		}
	}
}

func TestCommandInto(t *testing.T) {
	var d Decoder
	before := [][]byte{[]byte("kept")}
	wire := []byte("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n")
	for _, cut := range []int{0, 3, 14, len(wire) - 1} {
		if args, n, err := d.CommandInto(before, wire[:cut]); len(args) != 1 || n != 0 || err != nil {
			t.Fatalf("%q, %d, %v", args, n, err)
		}
	}
	args, n, err := d.CommandInto(before, wire)
	if fmt.Sprintf("%s", args) != "[kept GET k]" || n != len(wire) || err != nil {
		t.Fatalf("%q, %d, %v", args, n, err)
	}
	if args, n, err = d.CommandInto(before, []byte("*2\r\n$1\r\na\r\n$x")); len(args) != 1 || n != 0 || err == nil {
		t.Fatalf("%q, %d, %v", args, n, err)
	}
	if args, n, err = d.CommandInto(before, []byte("a 'b\r\n")); len(args) != 1 || n != 0 || err == nil {
		t.Fatalf("%q, %d, %v", args, n, err)
	}
}

// TestCommandMisuse changes the bytes under an unfinished command. What comes out
// is of no use, but nothing may be read out of bounds.
func TestCommandMisuse(t *testing.T) {
	wires := []string{"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n", "PING \"x\"\r\n", strings.Repeat("x", 40), "*1\r\n$20\r\nabcdefghijklmnopqrst\r\n", "*0\r\n", "$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$$"}
	for _, first := range wires {
		for _, second := range wires {
			for cut := range first {
				var d Decoder
				var r ReplyDecoder
				_, _, _ = d.Command([]byte(first[:cut]))
				_, _, _ = r.Reply([]byte(first[:cut]))
				for end := range second {
					_, n, _ := d.Command([]byte(second[:end]))
					_, m, _ := r.Reply([]byte(second[:end]))
					if n > end || m > end {
						t.Fatalf("%d and %d bytes of %d taken", n, m, end)
					}
				}
			}
		}
	}
}

func TestReset(t *testing.T) {
	var d Decoder
	_, _, _ = d.Command([]byte("*2\r\n$3\r\nGET\r\n$100\r\n"))
	d.Reset()
	if args, n, err := d.Command([]byte("PING\r\n*1\r\n$1\r\na\r\n......")); len(args) != 1 || n != 6 || err != nil {
		t.Fatalf("%q, %d, %v", args, n, err)
	}
	var r ReplyDecoder
	_, _, _ = r.Reply([]byte("*2\r\n:1\r\n$100\r\n"))
	r.Reset()
	if reply, n, err := r.Reply([]byte("+OK\r\n..............")); string(reply) != "+OK\r\n" || n != 5 || err != nil {
		t.Fatalf("%q, %d, %v", reply, n, err)
	}
}

// FuzzCommand: every way to cut the stream gives the same commands, a second
// decoder finds the same, limits hold, and what decodes can be encoded to bytes
// that decode as the same.
func FuzzCommand(f *testing.F) {
	f.Add([]byte("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n*1\r\n$4\r\nPING\r\n"))
	f.Add([]byte("*0\r\n*-1\r\n*3\r\n$0\r\n\r\n$01\r\n"))
	f.Add([]byte("*1\r\n$41\r\n"))
	f.Add([]byte("*1000000000000000000\r\n"))
	f.Add([]byte("SET \"a\\x00\" 'b\\''\r\n\r\nPING\n"))
	f.Add([]byte("*2\r\n$1\r\na\r\n:1\r\n"))
	c := mustNew(f, Config{BulkBytesMax: 40, MessageBytesMax: 104, ArgsMax: 9, InlineBytesMax: 50})
	f.Fuzz(func(t *testing.T, wire []byte) {
		if len(wire) > 250 {
			wire = wire[:250]
		}
		got := everySplit(t, wire, func(cuts ...int) string {
			out, err := decodeCommands(t, c, wire, cuts...)
			if err != nil {
				out += errors.Unwrap(err).Error()
			}
			return out
		})
		inline := false
		want := referenceStream(c.Config(), wire, func(r *reference, out string) (string, error) {
			if r.rest[0] != '*' {
				inline = true
				return out, ErrMalformed
			}
			return r.command(out)
		})
		if !inline && got != want {
			t.Fatalf("%q\ngot       %s\nreference %s", wire, got, want)
		}

		d := c.Decoder()
		args, n, err := d.Command(wire)
		if err != nil || n == 0 {
			return
		}
		if n > 104 || len(args) > 9 {
			t.Fatalf("%d bytes, %d arguments", n, len(args))
		}
		again := AppendCommand(nil, args...)
		if wire[0] == '*' && len(args) > 0 && !bytes.Equal(again, wire[:n]) {
			t.Fatalf("%q became %q", wire[:n], again)
		}
		var other Decoder
		back, n, err := other.Command(again)
		if n != len(again) || err != nil || fmt.Sprintf("%q", back) != fmt.Sprintf("%q", args) {
			t.Fatalf("%q came back as %q, %v", args, back, err)
		}
	})
}
