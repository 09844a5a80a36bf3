package resp

import (
	"bytes"
	"testing"
)

func TestAllocations(t *testing.T) {
	wire := AppendCommandStrings(nil, "SET", "key", "some value")
	inline := []byte("SET key value\r\n")
	reply := []byte("|1\r\n+ttl\r\n,1.5\r\n*3\r\n$3\r\nabc\r\n%1\r\n#t\r\n(123\r\n=8\r\ntxt:text\r\n")
	var d Decoder
	var r ReplyDecoder
	dst, args := make([]byte, 0, 256), make([][]byte, 0, 8)
	run := func() {
		for _, whole := range [][]byte{wire, inline} {
			_, _, _ = d.Command(whole[:len(whole)-3])
			if _, n, err := d.Command(whole); n != len(whole) || err != nil {
				t.Fatal(n, err)
			}
			if _, n, err := d.CommandInto(args, whole); n != len(whole) || err != nil {
				t.Fatal(n, err)
			}
		}
		for rest := reply; len(rest) > 0; {
			token, n, err := r.Token(rest)
			if n == 0 || err != nil {
				t.Fatal(n, err)
			}
			_ = token.Float64()
			rest = rest[n:]
		}
		_, _, _ = r.Reply(reply[:len(reply)-3])
		if _, n, err := r.Reply(reply); n != len(reply) || err != nil {
			t.Fatal(n, err)
		}
		dst = AppendCommandStrings(dst[:0], "GET", "key")
		dst = AppendError(AppendInt(AppendSimple(dst, "OK"), 12345), "ERR no")
		dst = AppendDouble(AppendMap(AppendBulk(dst, wire), 3), 1.5)
	}
	run() // the one time that memory for arguments and nesting is taken
	if n := testing.AllocsPerRun(100, run); n != 0 {
		t.Fatalf("%v allocations", n)
	}
}

func BenchmarkCommand(b *testing.B) {
	for name, wire := range map[string][]byte{
		"PING":         AppendCommandStrings(nil, "PING"),
		"GET":          AppendCommandStrings(nil, "GET", "key:000012345678"),
		"SET 100":      AppendCommand(nil, []byte("SET"), []byte("key:000012345678"), make([]byte, 100)),
		"MSET 100":     AppendCommand(nil, bytes.Split(bytes.Repeat([]byte("key:0123 "), 100), []byte(" "))...),
		"SET 1 MB":     AppendCommand(nil, []byte("SET"), []byte("key"), make([]byte, 1<<20)),
		"inline GET":   []byte("GET key:000012345678\r\n"),
		"inline quote": []byte("GET \"key:000012345678\"\r\n"),
	} {
		b.Run(name, func(b *testing.B) {
			var d Decoder
			b.ReportAllocs()
			for b.Loop() {
				if _, n, err := d.Command(wire); n == 0 || err != nil {
					b.Fatal(n, err)
				}
			}
		})
	}
}

// BenchmarkCommandInPieces is a value of 1 MB that arrives in 64 pieces.
func BenchmarkCommandInPieces(b *testing.B) {
	wire := AppendCommand(nil, []byte("SET"), []byte("key"), make([]byte, 1<<20))
	var d Decoder
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for seen := 0; n == 0; {
			seen = min(seen+16<<10, len(wire))
			_, n, _ = d.Command(wire[:seen])
		}
	}
}

func BenchmarkToken(b *testing.B) {
	array := AppendArray(nil, 100)
	for range 100 {
		array = AppendBulkString(array, "value:0123456789")
	}
	for name, wire := range map[string][]byte{
		"simple": []byte("+OK\r\n"), "integer": []byte(":12345\r\n"), "bulk": []byte("$5\r\nhello\r\n"), "double": []byte(",3.14159\r\n"),
		"array of 100 bulks": array,
	} {
		b.Run(name, func(b *testing.B) {
			var d ReplyDecoder
			b.ReportAllocs()
			for b.Loop() {
				for rest := wire; len(rest) > 0; {
					_, n, err := d.Token(rest)
					if n == 0 || err != nil {
						b.Fatal(n, err)
					}
					rest = rest[n:]
				}
			}
		})
	}
}

func BenchmarkAppend(b *testing.B) {
	value, dst := make([]byte, 100), make([]byte, 0, 256)
	for name, run := range map[string]func(){
		"simple":  func() { dst = AppendSimple(dst[:0], "OK") },
		"integer": func() { dst = AppendInt(dst[:0], 12345) },
		"bulk":    func() { dst = AppendBulk(dst[:0], value) },
		"error":   func() { dst = AppendError(dst[:0], "ERR unknown command") },
		"double":  func() { dst = AppendDouble(dst[:0], 3.14159) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				run()
			}
		})
	}
}
