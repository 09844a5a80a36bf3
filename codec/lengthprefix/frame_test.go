package lengthprefix

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
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

// decodeStream feeds wire in the given pieces, as a connection would, and
// writes down what came out: the frames, then the error or what was left over.
func decodeStream(t testing.TB, c *Codec, wire []byte, cuts ...int) string {
	t.Helper()
	var out strings.Builder
	var buf []byte
	pieces := append(cuts, len(wire))
	from := 0
	for _, to := range pieces {
		// A new array each time: a result must not depend on where bytes lie.
		buf = append(bytes.Clone(buf), wire[from:to]...)
		from = to
		for {
			frame, n, err := c.Decode(buf)
			if err != nil {
				if n != 0 || frame != nil {
					t.Fatalf("error with n=%d frame=%q", n, frame)
				}
				fmt.Fprintf(&out, "%v", err)
				return out.String()
			}
			if n == 0 {
				if frame != nil {
					t.Fatalf("frame %q without bytes taken", frame)
				}
				break
			}
			if frame == nil || cap(frame) != len(frame) {
				t.Fatalf("frame nil %v, len %d, cap %d", frame == nil, len(frame), cap(frame))
			}
			fmt.Fprintf(&out, "%q ", frame)
			buf = buf[n:]
		}
	}
	fmt.Fprintf(&out, "+%d", len(buf))
	return out.String()
}

func TestDecode(t *testing.T) {
	const tooLong, invalid = "lengthprefix: frame too long: ", "lengthprefix: invalid length: "
	tests := []struct {
		name   string
		config Config
		wire   string
		want   string
	}{
		{"default", Config{}, "\x00\x00\x00\x02hi\x00\x00\x00\x00\x00\x00\x00\x01", `"hi" "" +4`},
		{"one byte", Config{WidthBytes: 1}, "\x02hi\x00\x03abc", `"hi" "" "abc" +0`},
		{"two bytes", Config{WidthBytes: 2}, "\x00\x02hi\x00", `"hi" +1`},
		{"two bytes little", Config{WidthBytes: 2, LittleEndian: true}, "\x02\x00hi", `"hi" +0`},
		{"three bytes", Config{WidthBytes: 3}, "\x00\x00\x02hi", `"hi" +0`},
		{"three bytes little", Config{WidthBytes: 3, LittleEndian: true}, "\x02\x00\x00hi", `"hi" +0`},
		{"four bytes little", Config{LittleEndian: true}, "\x02\x00\x00\x00hi", `"hi" +0`},
		{"eight bytes", Config{WidthBytes: 8}, "\x00\x00\x00\x00\x00\x00\x00\x02hi", `"hi" +0`},
		{"eight bytes little", Config{WidthBytes: 8, LittleEndian: true}, "\x02\x00\x00\x00\x00\x00\x00\x00hi", `"hi" +0`},
		{"uvarint", Config{Uvarint: true}, "\x02hi\x00", `"hi" "" +0`},
		{"uvarint of two bytes", Config{Uvarint: true}, "\x80\x01" + strings.Repeat("x", 128), `"` + strings.Repeat("x", 128) + `" +0`},
		{"uvarint longer than needed", Config{Uvarint: true}, "\x82\x80\x00hi", `"hi" +0`},
		{"uvarint unfinished", Config{Uvarint: true}, "\x80\x80", `+2`},

		// The seven examples of Netty's LengthFieldBasedFrameDecoder.
		{"netty 1", Config{WidthBytes: 2, StripBytes: StripNothing}, "\x00\x0cHELLO, WORLD", `"\x00\fHELLO, WORLD" +0`},
		{"netty 2", Config{WidthBytes: 2, StripBytes: 2}, "\x00\x0cHELLO, WORLD", `"HELLO, WORLD" +0`},
		{"netty 3", Config{WidthBytes: 2, AdjustBytes: -2, StripBytes: StripNothing}, "\x00\x0eHELLO, WORLD", `"\x00\x0eHELLO, WORLD" +0`},
		{"netty 4", Config{OffsetBytes: 2, WidthBytes: 3, StripBytes: StripNothing}, "\xca\xfe\x00\x00\x0cHELLO, WORLD", `"\xca\xfe\x00\x00\fHELLO, WORLD" +0`},
		{"netty 5", Config{WidthBytes: 3, AdjustBytes: 2, StripBytes: StripNothing}, "\x00\x00\x0c\xca\xfeHELLO, WORLD", `"\x00\x00\f\xca\xfeHELLO, WORLD" +0`},
		{"netty 6", Config{OffsetBytes: 1, WidthBytes: 2, AdjustBytes: 1, StripBytes: 3}, "\xca\x00\x0c\xfeHELLO, WORLD", `"\xfeHELLO, WORLD" +0`},
		{"netty 7", Config{OffsetBytes: 1, WidthBytes: 2, AdjustBytes: -3, StripBytes: 3}, "\xca\x00\x10\xfeHELLO, WORLD", `"\xfeHELLO, WORLD" +0`},
		{"netty 7 by IncludesPrefix", Config{OffsetBytes: 1, WidthBytes: 2, IncludesPrefix: true}, "\xca\x00\x10\xfeHELLO, WORLD", `"\xfeHELLO, WORLD" +0`},

		{"strip into the payload", Config{WidthBytes: 1, StripBytes: 3}, "\x03abc", `"c" +0`},
		{"strip all of it", Config{WidthBytes: 1, StripBytes: 4}, "\x03abc", `"" +0`},
		{"strip more than there is", Config{WidthBytes: 1, StripBytes: 5}, "\x03abc", invalid + "length 3, limit 1048576 bytes a frame"},
		{"strip only a part of the header", Config{OffsetBytes: 2, WidthBytes: 1, StripBytes: 1}, "AB\x01x", `"B\x01x" +0`},
		{"includes itself", Config{IncludesPrefix: true}, "\x00\x00\x00\x06hi\x00\x00\x00\x04", `"hi" "" +0`},
		{"includes itself, too small", Config{IncludesPrefix: true}, "\x00\x00\x00\x03", invalid + "length 3, limit 1048576 bytes a frame"},
		{"includes itself, uvarint", Config{IncludesPrefix: true, Uvarint: true}, "\x03hi\x01", `"hi" "" +0`},
		{"trailer counted by the adjustment", Config{WidthBytes: 1, AdjustBytes: 2}, "\x01aCC\x00CC", `"aCC" "CC" +0`},
		{"adjusted below nothing", Config{WidthBytes: 1, AdjustBytes: -3}, "\x02", invalid + "length 2, limit 1048576 bytes a frame"},

		{"at the limit", Config{WidthBytes: 1, FrameBytesMax: 4}, "\x03abc", `"abc" +0`},
		{"over the limit", Config{WidthBytes: 1, FrameBytesMax: 4}, "\x00\x04", `"" ` + tooLong + "length 4, limit 4 bytes a frame"},
		{"over the limit by the adjustment", Config{WidthBytes: 1, AdjustBytes: 1, FrameBytesMax: 4}, "\x03", tooLong + "length 3, limit 4 bytes a frame"},
		{"four bytes of ones", Config{}, "\xff\xff\xff\xff", tooLong + "length 4294967295, limit 1048576 bytes a frame"},
		{"eight bytes of ones", Config{WidthBytes: 8}, strings.Repeat("\xff", 8), tooLong + "length 18446744073709551615, limit 1048576 bytes a frame"},
		{"eight bytes, sign bit", Config{WidthBytes: 8, AdjustBytes: -1}, "\x80" + strings.Repeat("\x00", 7), tooLong + "length 9223372036854775808, limit 1048576 bytes a frame"},
		{"eight bytes, would overflow with the prefix", Config{WidthBytes: 8}, "\x7f" + strings.Repeat("\xff", 7), tooLong + "length 9223372036854775807, limit 1048576 bytes a frame"},
		{"greatest uvarint", Config{Uvarint: true}, strings.Repeat("\xff", 9) + "\x01", tooLong + "length 18446744073709551615, limit 1048576 bytes a frame"},
		{"uvarint over 64 bits", Config{Uvarint: true}, strings.Repeat("\xff", 9) + "\x02", invalid + "length 0, limit 1048576 bytes a frame"},
		{"uvarint without end", Config{Uvarint: true}, strings.Repeat("\x80", 10), invalid + "length 0, limit 1048576 bytes a frame"},
		{"nothing", Config{}, "", "+0"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c, wire := mustNew(t, test.config), []byte(test.wire)
			if got := decodeStream(t, c, wire); got != test.want {
				t.Fatalf("got %s\nwant %s", got, test.want)
			}
			everySplit(t, c, wire, test.want)
		})
	}
}

// everySplit cuts wire once at each place, and everywhere.
func everySplit(t testing.TB, c *Codec, wire []byte, want string) {
	t.Helper()
	every := make([]int, len(wire))
	for cut := range wire {
		every[cut] = cut
		if got := decodeStream(t, c, wire, cut); got != want {
			t.Fatalf("cut at %d: %s\nwhole: %s", cut, got, want)
		}
	}
	if got := decodeStream(t, c, wire, every...); got != want {
		t.Fatalf("byte by byte: %s\nwhole: %s", got, want)
	}
}

func TestErrorsAreTyped(t *testing.T) {
	c := mustNew(t, Config{WidthBytes: 1, FrameBytesMax: 4})
	_, _, err := c.Decode([]byte{9})
	var typed *LengthError
	if !errors.Is(err, ErrFrameTooLong) || !errors.As(err, &typed) || typed.Length != 9 || typed.FrameBytesMax != 4 {
		t.Fatalf("%#v", err)
	}
	dst := []byte("kept")
	for payload, want := range map[int]error{4: ErrFrameTooLong, -1: ErrLengthInvalid} {
		got, err := c.AppendHeader(dst, payload)
		if !errors.Is(err, want) || string(got) != "kept" {
			t.Fatalf("payload of %d: %q, %v", payload, got, err)
		}
	}
	if got, err := c.AppendFrame(dst, []byte("long")); !errors.Is(err, ErrFrameTooLong) || string(got) != "kept" {
		t.Fatalf("%q, %v", got, err)
	}
}

func TestFrameBytes(t *testing.T) {
	c := mustNew(t, Config{OffsetBytes: 1, WidthBytes: 2})
	for wire, want := range map[string]int{"": 0, "h": 0, "h\x01": 0, "h\x01\x00": 259, "h\x01\x00ab": 259} {
		if got, err := c.FrameBytes([]byte(wire)); got != want || err != nil {
			t.Errorf("%q: %d, %v, want %d", wire, got, err, want)
		}
	}
}

func TestConfigRefused(t *testing.T) {
	tests := []struct {
		config Config
		names  string
	}{
		{Config{WidthBytes: 5}, "WidthBytes"},
		{Config{WidthBytes: -1}, "WidthBytes"},
		{Config{Uvarint: true, WidthBytes: 2}, "WidthBytes"},
		{Config{Uvarint: true, LittleEndian: true}, "LittleEndian"},
		{Config{Uvarint: true, StripBytes: 1}, "StripBytes"},
		{Config{StripBytes: -2}, "StripBytes"},
		{Config{StripBytes: 9, FrameBytesMax: 8}, "StripBytes"},
		{Config{OffsetBytes: -1}, "OffsetBytes"},
		{Config{OffsetBytes: 5, FrameBytesMax: 8}, "FrameBytesMax"},
		{Config{FrameBytesMax: 3}, "FrameBytesMax"},
		{Config{FrameBytesMax: -1}, "FrameBytesMax"},
		{Config{AdjustBytes: 1<<30 + 1}, "AdjustBytes"},
		{Config{AdjustBytes: -1<<30 - 1}, "AdjustBytes"},
	}
	for _, test := range tests {
		c, err := New(test.config)
		if c != nil || !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), test.names) {
			t.Errorf("%+v: %v", test.config, err)
		}
	}
	if c := mustNew(t, Config{}); c.FrameBytesMax() != FrameBytesMaxDefault {
		t.Errorf("default limit is %d", c.FrameBytesMax())
	}
}

// TestRoundTrip encodes payloads of the sizes at which a field changes its form.
func TestRoundTrip(t *testing.T) {
	configs := []Config{{}, {Uvarint: true}}
	for _, width := range []int{1, 2, 3, 4, 8} {
		configs = append(configs, Config{WidthBytes: width}, Config{WidthBytes: width, LittleEndian: true})
	}
	for _, base := range configs {
		for _, offset := range []int{0, 3} {
			for _, adjust := range []int{0, 2, -5} {
				for _, includes := range []bool{false, true} {
					config := base
					config.OffsetBytes, config.AdjustBytes, config.IncludesPrefix = offset, adjust, includes
					c := mustNew(t, config)
					for _, size := range []int{0, 1, 2, 3, 100, 119, 120, 121, 122, 123, 124, 125, 126, 127, 128, 129, 130, 131, 132, 133, 250, 255, 256, 16374, 16380, 16381, 16382, 16383, 16384, 16385, 65535, 65536, 70000} {
						payload := bytes.Repeat([]byte{'p'}, size)
						header := []byte("hdr")[:offset]
						wire, err := c.AppendFrame(bytes.Clone(header), payload)
						if err != nil {
							// A narrow field, or a length that starts above the payload.
							if errors.Is(err, ErrFrameTooLong) && base.WidthBytes != 1 && base.WidthBytes != 2 {
								t.Fatalf("%+v, payload of %d: %v", config, size, err)
							}
							if errors.Is(err, ErrLengthInvalid) && size >= adjust {
								t.Fatalf("%+v, payload of %d: %v", config, size, err)
							}
							continue
						}
						got, n, err := c.Decode(append(wire, "next"...))
						if err != nil || n != len(wire) || !bytes.Equal(got, payload) {
							t.Fatalf("%+v, payload of %d: %d of %d bytes, %v", config, size, n, len(wire), err)
						}
					}
				}
			}
		}
	}
}

// configOf makes a config out of fuzzed numbers; some are refused.
func configOf(shape uint16, offset, strip uint8, adjust int8) Config {
	config := Config{
		WidthBytes:     []int{0, 1, 2, 3, 4, 8, 0, 0}[shape&7],
		Uvarint:        shape&7 >= 6,
		LittleEndian:   shape&8 != 0 && shape&7 < 6,
		IncludesPrefix: shape&16 != 0,
		OffsetBytes:    int(offset % 8),
		StripBytes:     int(strip%16) - 1,
		AdjustBytes:    int(adjust),
		FrameBytesMax:  int(shape >> 5),
	}
	return config
}

// FuzzDecode: every way to cut the stream gives the same result, limits hold,
// and what decodes can be encoded again to the same bytes where the length is
// written the shortest way.
func FuzzDecode(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x02hi\x00\x00\x00\x00"), uint16(0), uint8(0), uint8(1), int8(0))
	f.Add([]byte("\x02hi\x80\x00\xff\xff"), uint16(6), uint8(0), uint8(1), int8(0))
	f.Add([]byte("\xca\x00\x10\xfeHELLO, WORLD"), uint16(2|16), uint8(1), uint8(1), int8(0))
	f.Add([]byte("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), uint16(5), uint8(0), uint8(0), int8(-3))
	f.Add([]byte("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\xff"), uint16(7|16), uint8(0), uint8(1), int8(2))
	f.Add([]byte("\x80\x00"), uint16(31), uint8(0), uint8(0), int8(2))
	f.Fuzz(func(t *testing.T, wire []byte, shape uint16, offset, strip uint8, adjust int8) {
		config := configOf(shape, offset, strip, adjust)
		c, err := New(config)
		if err != nil {
			return
		}
		if len(wire) > 200 {
			wire = wire[:200]
		}
		everySplit(t, c, wire, decodeStream(t, c, wire))
		frame, n, err := c.Decode(wire)
		if err != nil || n == 0 {
			return
		}
		if n > c.FrameBytesMax() || n > len(wire) || len(frame) > n {
			t.Fatalf("frame %d, n %d, limit %d", len(frame), n, c.FrameBytesMax())
		}
		prefix, _, _ := c.measure(wire)
		if config.Uvarint && prefix-config.OffsetBytes > 1 && wire[prefix-1] == 0 {
			return // a longer than necessary uvarint, which no encoder writes
		}
		again, err := c.AppendFrame(bytes.Clone(wire[:config.OffsetBytes]), wire[prefix:n])
		if err != nil {
			t.Fatalf("decoded, but not encoded: %v", err)
		}
		if !bytes.Equal(again, wire[:n]) {
			t.Fatalf("%q became %q", wire[:n], again)
		}
	})
}

// TestUvarintAgainstStandardLibrary holds the one loop that is our own against
// encoding/binary.
func TestUvarintAgainstStandardLibrary(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 20000 {
		wire := make([]byte, random.IntN(12))
		for i := range wire {
			wire[i] = byte(random.Uint32()) | byte(random.IntN(4)/1<<7)
		}
		length, width, ok := uvarint(wire)
		want, n := binary.Uvarint(wire)
		switch {
		case n > 0:
			if !ok || width != n || length != want {
				t.Fatalf("%x: %d in %d, want %d in %d", wire, length, width, want, n)
			}
		case n < 0:
			if ok {
				t.Fatalf("%x accepted", wire)
			}
		case ok && width != 0:
			t.Fatalf("%x: %d in %d, want more bytes", wire, length, width)
		}
	}
}

func TestAllocations(t *testing.T) {
	for _, config := range []Config{{}, {WidthBytes: 3}, {Uvarint: true, IncludesPrefix: true}} {
		c := mustNew(t, config)
		wire, _ := c.AppendFrame(nil, []byte("some payload"))
		dst := make([]byte, 0, 64)
		if n := testing.AllocsPerRun(100, func() {
			frame, _, _ := c.Decode(wire)
			dst, _ = c.AppendFrame(dst[:0], frame)
			_, _, _ = c.Decode(wire[:len(wire)-1])
		}); n != 0 {
			t.Errorf("%+v: %v allocations", config, n)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	for name, config := range map[string]Config{
		"4 bytes": {}, "3 bytes": {WidthBytes: 3}, "uvarint": {Uvarint: true}, "offset and adjust": {OffsetBytes: 4, WidthBytes: 2, AdjustBytes: 4},
	} {
		b.Run(name, func(b *testing.B) {
			c := mustNew(b, config)
			wire, err := c.AppendFrame(make([]byte, config.OffsetBytes), make([]byte, 200))
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, n, err := c.Decode(wire); n == 0 || err != nil {
					b.Fatal(n, err)
				}
			}
		})
	}
}

func BenchmarkAppendHeader(b *testing.B) {
	for name, config := range map[string]Config{"4 bytes": {}, "uvarint": {Uvarint: true}} {
		b.Run(name, func(b *testing.B) {
			c := mustNew(b, config)
			dst := make([]byte, 0, 16)
			b.ReportAllocs()
			for b.Loop() {
				dst, _ = c.AppendHeader(dst[:0], 200)
			}
		})
	}
}
