package resp

import (
	"bytes"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
)

// describe writes a token down as reference does.
func describe(token Token) string {
	switch token.Kind {
	case Simple, Error, Bulk, BulkError:
		return fmt.Sprintf("%c%q ", token.Kind, token.Bytes)
	case Verbatim:
		return fmt.Sprintf("=%q ", string(token.Format[:])+":"+string(token.Bytes))
	case Integer:
		return fmt.Sprintf("%d ", token.Int)
	case Null:
		return "null "
	case Boolean:
		return fmt.Sprintf("%t ", token.Int == 1)
	case Double:
		return fmt.Sprintf("%x ", token.Float64())
	case BigNumber:
		value, _ := new(big.Int).SetString(string(token.Bytes), 10)
		return fmt.Sprintf("big %d ", value)
	}
	return string(rune(token.Kind)) + "{ "
}

// nesting closes the braces that describe opens. It learns where an aggregate
// ends only from what Token says, Depth and Elements, and checks Last.
type nesting struct {
	out  strings.Builder
	left []int
}

func (w *nesting) token(t testing.TB, token Token) {
	t.Helper()
	if token.Depth != len(w.left) {
		t.Fatalf("%v has depth %d in %s", token.Kind, token.Depth, w.out.String())
	}
	if depth := len(w.left); depth > 0 && token.Kind != Attribute {
		w.left[depth-1]--
	}
	w.out.WriteString(describe(token))
	attribute := token.Kind == Attribute
	if strings.HasSuffix(describe(token), "{ ") {
		// An attribute is marked by a negative count, for its end ends nothing.
		w.left = append(w.left, token.Elements)
		if attribute {
			w.left[len(w.left)-1] = token.Elements - 1_000_000_000
		}
	}
	due := false // a value is still to come, after the end of an attribute
	for len(w.left) > 0 {
		left := w.left[len(w.left)-1]
		if left != 0 && left != -1_000_000_000 {
			break
		}
		w.left = w.left[:len(w.left)-1]
		w.out.WriteString("} ")
		if left != 0 {
			due = true
			break
		}
	}
	last := len(w.left) == 0 && !due
	if token.Last != last {
		t.Fatalf("%v says last %v in %s", token.Kind, token.Last, w.out.String())
	}
}

// decodeTokens writes down the tokens of a stream, then the error or what was
// left over. An unfinished reply counts as left over, as it does for reference.
func decodeTokens(t testing.TB, c *Codec, wire []byte, cuts ...int) (string, error) {
	t.Helper()
	var w nesting
	d := c.ReplyDecoder()
	taken, whole := 0, 0
	_, err := inPieces(wire, cuts, func(buf []byte) (int, error) {
		token, n, err := d.Token(buf)
		if err != nil {
			_, m, again := d.Token(buf)
			if n != 0 || m != 0 || again == nil || *again.(*ProtocolError) != *err.(*ProtocolError) {
				t.Fatalf("n=%d err=%v, and then %v", n, err, again)
			}
			return 0, err
		}
		if n == 0 {
			if needed := d.BytesNeeded(); len(buf) > 0 && needed <= len(buf) && needed != 1 {
				t.Fatalf("%d bytes of %q needed", needed, buf)
			}
			return 0, nil
		}
		if cap(token.Bytes) != len(token.Bytes) {
			t.Fatalf("len %d, cap %d", len(token.Bytes), cap(token.Bytes))
		}
		w.token(t, token)
		if taken += n; token.Last {
			whole = taken
		}
		return n, nil
	})
	if err != nil {
		return w.out.String(), err
	}
	return fmt.Sprintf("%s+%d", w.out.String(), len(wire)-whole), nil
}

// decodeReplies is decodeTokens by way of Reply.
func decodeReplies(t testing.TB, c *Codec, wire []byte, cuts ...int) (string, error) {
	t.Helper()
	var out strings.Builder
	d := c.ReplyDecoder()
	left, err := inPieces(wire, cuts, func(buf []byte) (int, error) {
		reply, n, err := d.Reply(buf)
		if err != nil {
			_, _, again := d.Reply(buf)
			if n != 0 || reply != nil || again == nil || *again.(*ProtocolError) != *err.(*ProtocolError) {
				t.Fatalf("n=%d reply=%q err=%v, and then %v", n, reply, err, again)
			}
			return 0, err
		}
		if n == 0 {
			return 0, nil
		}
		if len(reply) != n || cap(reply) != n {
			t.Fatalf("n %d, len %d, cap %d", n, len(reply), cap(reply))
		}
		tokens, err := decodeTokens(t, c, reply)
		if err != nil {
			t.Fatalf("reply %q: %v", reply, err)
		}
		out.WriteString(strings.TrimSuffix(tokens, "+0"))
		return n, nil
	})
	if err == nil {
		fmt.Fprintf(&out, "+%d", left)
	}
	return out.String(), err
}

func TestToken(t *testing.T) {
	long := strings.Repeat("x", 47)
	tests := []struct {
		name string
		wire string
		want string
		err  error
	}{
		{"nothing", "", "+0", nil},
		{"simple", "+OK\r\n+\r\n", `+"OK" +"" +0`, nil},
		{"error", "-ERR no\r\n", `-"ERR no" +0`, nil},
		{"integer", ":0\r\n:-7\r\n:+7\r\n:007\r\n", "0 -7 7 7 +0", nil},
		{"integer, greatest", ":9223372036854775807\r\n:-9223372036854775808\r\n", "9223372036854775807 -9223372036854775808 +0", nil},
		{"bulk", "$2\r\nhi\r\n$0\r\n\r\n$-1\r\n", `$"hi" $"" null +0`, nil},
		{"bulk of any bytes", "$4\r\n\r\n\x00\xff\r\n", `$"\r\n\x00\xff" +0`, nil},
		{"array", "*2\r\n:1\r\n$1\r\na\r\n*0\r\n*-1\r\n", `*{ 1 $"a" } *{ } null +0`, nil},
		{"nested", "*2\r\n*1\r\n*0\r\n*1\r\n:1\r\n:2\r\n", `*{ *{ *{ } } *{ 1 } } 2 +0`, nil},
		{"null", "_\r\n", "null +0", nil},
		{"boolean", "#t\r\n#f\r\n", "true false +0", nil},
		{"double", ",1.5\r\n,-10\r\n,1e3\r\n,+1.25E-2\r\n", "0x1.8p+00 -0x1.4p+03 0x1.f4p+09 0x1.999999999999ap-07 +0", nil},
		{"double, not finite", ",inf\r\n,-inf\r\n,nan\r\n,-nan\r\n,1e999\r\n", "+Inf -Inf NaN NaN +Inf +0", nil},
		{"big number", "(3492890328409238509324850943850943825024385\r\n(-1\r\n", "big 3492890328409238509324850943850943825024385 big -1 +0", nil},
		{"bulk error", "!7\r\nERR\r\nno\r\n", `!"ERR\r\nno" +0`, nil},
		{"verbatim", "=8\r\ntxt:text\r\n=4\r\nmkd:\r\n", `="txt:text" ="mkd:" +0`, nil},
		{"map", "%2\r\n+a\r\n:1\r\n+b\r\n*0\r\n%0\r\n", `%{ +"a" 1 +"b" *{ } } %{ } +0`, nil},
		{"set", "~2\r\n#t\r\n_\r\n", `~{ true null } +0`, nil},
		{"push", ">2\r\n+message\r\n+x\r\n+OK\r\n", `>{ +"message" +"x" } +"OK" +0`, nil},
		{"attribute", "|1\r\n+ttl\r\n:3\r\n:5\r\n:6\r\n", `|{ +"ttl" 3 } 5 6 +0`, nil},
		{"attribute inside", "*2\r\n:1\r\n|1\r\n+ttl\r\n*0\r\n:2\r\n:3\r\n", `*{ 1 |{ +"ttl" *{ } } 2 } 3 +0`, nil},
		{"attribute, empty", "|0\r\n:1\r\n*1\r\n|0\r\n:2\r\n", `|{ } 1 *{ |{ } 2 } +0`, nil},
		{"attribute of an attribute", "|1\r\n+a\r\n|1\r\n+b\r\n:1\r\n:2\r\n|0\r\n:3\r\n", `|{ +"a" |{ +"b" 1 } 2 } |{ } 3 +0`, nil},
		{"attribute without its value", "|1\r\n+ttl\r\n:3\r\n", `|{ +"ttl" 3 } +14`, nil},
		{"attribute before a push", "|0\r\n>1\r\n+a\r\n", `|{ } >{ +"a" } +0`, nil},
		{"unfinished", "*2\r\n:1\r\n$3\r\nab", `*{ 1 +14`, nil},

		{"unknown type", "+OK\r\nHTTP", `+"OK" `, ErrMalformed},
		{"no type", "\r\n", "", ErrMalformed},
		{"LF in a line", "+a\nb\r\n", "", ErrMalformed},
		{"LF ends a line", "+a\n+b\r\n", "", ErrMalformed},
		{"CR in a line", "+a\rb\r\n", "", ErrMalformed},
		{"integer empty", ":\r\n", "", ErrMalformed},
		{"integer of a sign", ":-\r\n", "", ErrMalformed},
		{"integer of letters", ":1a\r\n", "", ErrMalformed},
		{"integer too great", ":9223372036854775808\r\n", "", ErrMalformed},
		{"integer too small", ":-9223372036854775809\r\n", "", ErrMalformed},
		{"null with text", "_x\r\n", "", ErrMalformed},
		{"boolean of letters", "#true\r\n", "", ErrMalformed},
		{"boolean empty", "#\r\n", "", ErrMalformed},
		{"double empty", ",\r\n", "", ErrMalformed},
		{"double without whole part", ",.5\r\n", "", ErrMalformed},
		{"double without fraction", ",5.\r\n", "", ErrMalformed},
		{"double without exponent", ",5e\r\n", "", ErrMalformed},
		{"double, hexadecimal", ",0x1p3\r\n", "", ErrMalformed},
		{"double, infinity spelled out", ",infinity\r\n", "", ErrMalformed},
		{"big number empty", "(\r\n", "", ErrMalformed},
		{"big number of letters", "(1f\r\n", "", ErrMalformed},
		{"length of letters", "$a", "", ErrMalformed},
		{"length, leading zero", "$01", "", ErrMalformed},
		{"length negative", "$-2\r\n", "", ErrMalformed},
		{"length streamed", "$?\r\n", "", ErrMalformed},
		{"length of a null error", "!-1\r\n", "", ErrMalformed},
		{"length of a null verbatim", "=-1\r\n", "", ErrMalformed},
		{"verbatim too short", "=3\r\n", "", ErrMalformed},
		{"verbatim without a colon", "=5\r\ntxt-x\r\n", "", ErrMalformed},
		{"no CRLF behind a bulk", "$1\r\nabc", "", ErrMalformed},
		{"count negative", "*-2\r\n", "", ErrMalformed},
		{"count of a null map", "%-1\r\n", "", ErrMalformed},
		{"push inside", "*1\r\n>0\r\n", "*{ ", ErrMalformed},
		{"push inside an attribute", "|1\r\n>0\r\n", "|{ ", ErrMalformed},

		{"line at the limit", "+" + long + "\r\n", `+"` + long + `" +0`, nil},
		{"line over the limit", "+" + long + "x\r\n", "", ErrTooLarge},
		{"line over the limit without an end", "+" + long + "xx", "", ErrTooLarge},
		{"bulk at the limit", "$40\r\n", "+5", nil},
		{"bulk over the limit", "$41\r\n", "", ErrTooLarge},
		{"array at the limit", "*9\r\n", "*{ +4", nil},
		{"array over the limit", "*10\r\n", "", ErrTooLarge},
		{"map at the limit", "%4\r\n", "%{ +4", nil},
		{"map over the limit", "%5\r\n", "", ErrTooLarge},
		{"count near 2^63", "%999999999999999999\r\n", "", ErrTooLarge},
		{"depth at the limit", "*1\r\n%1\r\n:1\r\n~1\r\n:1\r\n", `*{ %{ 1 ~{ 1 } } } +0`, nil},
		{"depth at the limit, empty", "*1\r\n*1\r\n*1\r\n*0\r\n", `*{ *{ *{ *{ } } } } +0`, nil},
		{"depth over the limit", "*1\r\n*1\r\n*1\r\n*1\r\n", `*{ *{ *{ `, ErrTooLarge},
		{"depth over the limit by an attribute", "*1\r\n*1\r\n*1\r\n|1\r\n", `*{ *{ *{ `, ErrTooLarge},
	}
	c := mustNew(t, Config{BulkBytesMax: 40, InlineBytesMax: 50, ElementsMax: 9, DepthMax: 3})
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			wire := []byte(test.wire)
			var err error
			got := everySplit(t, wire, func(cuts ...int) string {
				var out string
				if out, err = decodeTokens(t, c, wire, cuts...); err != nil {
					return fmt.Sprintf("%s%#v", out, *err.(*ProtocolError))
				}
				return out
			})
			if err != nil {
				got, _, _ = strings.Cut(got, "resp.ProtocolError")
			}
			if got != test.want || !errors.Is(err, test.err) {
				t.Fatalf("got  %s (%v)\nwant %s (%v)", got, err, test.want, test.err)
			}
			want := referenceStream(c.Config(), wire, func(r *reference, out string) (string, error) { return r.value(out, 0) })
			if err != nil {
				got += errors.Unwrap(err).Error()
			}
			if got != want {
				t.Fatalf("got       %s\nreference %s", got, want)
			}
		})
	}
}

func TestReply(t *testing.T) {
	tests := []struct {
		wire string
		want string
		text string
		at   int
	}{
		{"+OK\r\n*2\r\n:1\r\n*1\r\n$1\r\na\r\n_\r\n", `+"OK" *{ 1 *{ $"a" } } null +0`, "", 0},
		{"|1\r\n+a\r\n:1\r\n%1\r\n+b\r\n#t\r\n", `|{ +"a" 1 } %{ +"b" true } +0`, "", 0},
		{"*2\r\n:1\r\n", "+8", "", 0},
		{"*2\r\n:1\r\n:x\r\n", "", textReplyInteger, 8},
		{"+OK\r\n*2\r\n:1\r\n$1\r\naXX", `+"OK" `, textReplyBulkEnd, 13},
		{"*2\r\n$20\r\n" + strings.Repeat("a", 20) + "\r\n+abcdefghi\r\n", `*{ $"aaaaaaaaaaaaaaaaaaaa" +"abcdefghi" } +0`, "", 0},
		{"*2\r\n$20\r\n" + strings.Repeat("a", 20) + "\r\n+abcdefghij\r\n", "", textReplyTooBig, 31},
		{"*2\r\n$20\r\n" + strings.Repeat("a", 20) + "\r\n$20\r\n", "", textReplyTooBig, 31},
		{"*9\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n", `*{ 1 1 1 1 1 1 1 1 1 } +0`, "", 0},
		{"*9\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:100000\r\n", "", textReplyTooBig, 36},
	}
	c := mustNew(t, Config{MessageBytesMax: 43})
	for _, test := range tests {
		wire := []byte(test.wire)
		var err error
		got := everySplit(t, wire, func(cuts ...int) string {
			var out string
			if out, err = decodeReplies(t, c, wire, cuts...); err != nil {
				return fmt.Sprintf("%s%v %d", out, err, err.(*ProtocolError).OffsetBytes)
			}
			return out
		})
		want := test.want
		if test.text != "" {
			want = fmt.Sprintf("%s%s %d", test.want, test.text, test.at)
		}
		if got != want {
			t.Errorf("%q\ngot  %s\nwant %s", wire, got, want)
		}
	}
}

// TestResumedReplyIsLinear sends a long line and a long string byte by byte.
func TestResumedReplyIsLinear(t *testing.T) {
	wire := []byte("*3\r\n+")
	wire = append(wire, bytes.Repeat([]byte{'x'}, 60_000)...)
	wire = append(wire, "\r\n"...)
	line := len(wire)
	wire = AppendBulk(wire, bytes.Repeat([]byte{'y'}, 100_000))
	wire = AppendInt(wire, 1)
	var d ReplyDecoder
	for i := range wire {
		if _, n, err := d.Reply(wire[:i]); n != 0 || err != nil {
			t.Fatal(i, n, err)
		}
		if i > 10 && i < line && d.at+d.searched < i-1 {
			t.Fatalf("%d bytes seen, would begin at %d", i, d.at+d.searched)
		}
		if i > line+10 && i < len(wire)-4 && d.BytesNeeded() != len(wire)-4 {
			t.Fatalf("%d bytes seen, %d needed, want %d", i, d.BytesNeeded(), len(wire)-4)
		}
	}
	if _, n, err := d.Reply(wire); n != len(wire) || err != nil {
		t.Fatal(n, err)
	}
}

func TestKindString(t *testing.T) {
	var names []string
	for _, kind := range "+-:$*_#,(!=%|~>x" {
		names = append(names, Kind(kind).String())
	}
	want := "simple string,simple error,integer,bulk string,array,null,boolean,double,big number,bulk error,verbatim string,map,attribute,set,push,unknown type 'x'"
	if got := strings.Join(names, ","); got != want {
		t.Fatalf("%s", got)
	}
}

// FuzzReply: every way to cut the stream gives the same tokens, a recursive
// decoder finds the same, Reply agrees with Token, limits hold, and encoding the
// tokens gives the same bytes wherever the bytes had only one spelling.
func FuzzReply(f *testing.F) {
	f.Add([]byte("+OK\r\n-ERR no\r\n:-7\r\n$2\r\nhi\r\n$-1\r\n*-1\r\n"))
	f.Add([]byte("*2\r\n:1\r\n|1\r\n+ttl\r\n*0\r\n%1\r\n~1\r\n_\r\n#t\r\n"))
	f.Add([]byte(",1.5\r\n,-inf\r\n,1e+100\r\n(-123456789012345678901234567890\r\n"))
	f.Add([]byte("!3\r\nERR\r\n=8\r\ntxt:text\r\n>1\r\n+a\r\n"))
	f.Add([]byte("*1\r\n*1\r\n*1\r\n*1\r\n"))
	f.Add([]byte("," + strings.Repeat("1", 48)))
	f.Add([]byte("|0\r\n|1\r\n|0\r\n:1\r\n:2\r\n:3\r\n"))
	c := mustNew(f, Config{BulkBytesMax: 40, InlineBytesMax: 50, ElementsMax: 9, DepthMax: 3})
	f.Fuzz(func(t *testing.T, wire []byte) {
		if len(wire) > 200 {
			wire = wire[:200]
		}
		kind := func(out string, err error) string {
			if err != nil {
				out += errors.Unwrap(err).Error()
			}
			return out
		}
		got := everySplit(t, wire, func(cuts ...int) string { return kind(decodeTokens(t, c, wire, cuts...)) })
		want := referenceStream(c.Config(), wire, func(r *reference, out string) (string, error) { return r.value(out, 0) })
		if got != want {
			t.Fatalf("%q\ngot       %s\nreference %s", wire, got, want)
		}
		replies := everySplit(t, wire, func(cuts ...int) string { return kind(decodeReplies(t, c, wire, cuts...)) })
		tail := max(0, strings.LastIndex(replies, " +"), strings.LastIndex(replies, "resp: "))
		if !strings.HasPrefix(got, replies[:tail]) || !strings.HasSuffix(got, strings.TrimPrefix(replies[tail:], " ")) {
			t.Fatalf("%q\nby token %s\nby reply %s", wire, got, replies)
		}

		d := c.ReplyDecoder()
		rest := wire
		for {
			token, n, err := d.Token(rest)
			if err != nil || n == 0 {
				return
			}
			if len(token.Bytes) > 50 || token.Elements > 9 || token.Depth > 3 || len(d.open) > 3 {
				t.Fatalf("%+v", token)
			}
			was, again := rest[:n], encode(nil, token)
			rest = rest[n:]
			one := c.ReplyDecoder()
			back, m, err := one.Token(again)
			if err != nil || m != len(again) || describe(back) != describe(token) {
				t.Fatalf("%q became %q: %v", was, again, err)
			}
			if !slices.Contains([]Kind{Integer, Null, Double, BigNumber}, token.Kind) && !bytes.Equal(was, again) {
				t.Fatalf("%q became %q", was, again)
			}
		}
	})
}
