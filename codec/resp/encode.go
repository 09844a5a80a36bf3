package resp

import (
	"math"
	"math/big"
	"strconv"
)

// Contract: each function appends one value, or the head of an aggregate that
// the caller follows with as many values as he has announced, and returns the
// longer slice. None can fail. A text with a CR or LF in it, in a type that
// cannot hold them, has each replaced by a space, as Redis does: data in an
// error message must not be able to end it and start a reply of its own.
//
// What RESP2 has: AppendSimple, AppendError, AppendInt, AppendBulk,
// AppendNullBulk, AppendNullArray, AppendArray. The others are for a client that
// has sent "HELLO 3".

// AppendSimple appends a simple string, such as OK. CR and LF become spaces; for
// data use AppendBulk.
func AppendSimple(dst []byte, text string) []byte { return appendLine(dst, Simple, text) }

// AppendError appends an error. The text starts with its code: "ERR no such
// key", "WRONGTYPE ...". CR and LF become spaces.
func AppendError(dst []byte, text string) []byte { return appendLine(dst, Error, text) }

// AppendInt appends an integer.
func AppendInt(dst []byte, value int64) []byte { return appendNumber(dst, Integer, value) }

// AppendBulk appends a bulk string, which may hold any bytes. A nil value is an
// empty string, not null.
func AppendBulk(dst, value []byte) []byte {
	dst = AppendBulkHeader(dst, len(value))
	dst = append(dst, value...)
	return append(dst, '\r', '\n')
}

// AppendBulkString is AppendBulk for a string.
func AppendBulkString(dst []byte, value string) []byte {
	dst = AppendBulkHeader(dst, len(value))
	dst = append(dst, value...)
	return append(dst, '\r', '\n')
}

// AppendBulkHeader appends what comes before the bytes of a bulk string, for a
// vectored send in which the value is not copied. The value and a CRLF must
// follow.
func AppendBulkHeader(dst []byte, valueBytes int) []byte {
	return appendNumber(dst, Bulk, int64(counted(valueBytes)))
}

// AppendNullBulk appends the null of RESP2 where a string was asked for: "$-1".
func AppendNullBulk(dst []byte) []byte { return append(dst, "$-1\r\n"...) }

// AppendNullArray appends the null of RESP2 where an array was asked for: "*-1".
func AppendNullArray(dst []byte) []byte { return append(dst, "*-1\r\n"...) }

// AppendNull appends the null of RESP3: "_".
func AppendNull(dst []byte) []byte { return append(dst, "_\r\n"...) }

// AppendBool appends a boolean.
func AppendBool(dst []byte, value bool) []byte {
	if value {
		return append(dst, "#t\r\n"...)
	}
	return append(dst, "#f\r\n"...)
}

// AppendDouble appends a double, in the fewest digits that read as the same
// value; infinities as "inf" and "-inf", every NaN as "nan".
func AppendDouble(dst []byte, value float64) []byte {
	dst = append(dst, byte(Double))
	switch {
	case math.IsNaN(value):
		dst = append(dst, "nan"...)
	case math.IsInf(value, 1):
		dst = append(dst, "inf"...)
	case math.IsInf(value, -1):
		dst = append(dst, "-inf"...)
	default:
		dst = strconv.AppendFloat(dst, value, 'g', -1, 64)
	}
	return append(dst, '\r', '\n')
}

// AppendBigNumber appends a big number; nil is null.
func AppendBigNumber(dst []byte, value *big.Int) []byte {
	if value == nil {
		return AppendNull(dst)
	}
	dst = append(dst, byte(BigNumber))
	dst = value.Append(dst, 10)
	return append(dst, '\r', '\n')
}

// AppendBulkError appends an error that may hold any bytes, code first.
func AppendBulkError(dst []byte, text string) []byte {
	dst = appendNumber(dst, BulkError, int64(len(text)))
	dst = append(dst, text...)
	return append(dst, '\r', '\n')
}

// AppendVerbatim appends a string that a client shows as it is, with the format
// [3]byte{'t', 'x', 't'} or, for Markdown, [3]byte{'m', 'k', 'd'}.
func AppendVerbatim(dst []byte, format [3]byte, text []byte) []byte {
	dst = appendNumber(dst, Verbatim, int64(len(text))+4)
	dst = append(dst, format[0], format[1], format[2], ':')
	dst = append(dst, text...)
	return append(dst, '\r', '\n')
}

// AppendArray appends the head of an array; as many values must follow. Like all
// that take a number, it panics if that is negative.
func AppendArray(dst []byte, values int) []byte {
	return appendNumber(dst, Array, int64(counted(values)))
}

// AppendSet appends the head of a set; as many values must follow.
func AppendSet(dst []byte, values int) []byte {
	return appendNumber(dst, Set, int64(counted(values)))
}

// AppendPush appends the head of a push, the first value of which is a string
// that says what kind of push it is. It stands between replies, never in one.
func AppendPush(dst []byte, values int) []byte {
	return appendNumber(dst, Push, int64(counted(values)))
}

// AppendMap appends the head of a map; as many keys, each with a value behind
// it, must follow.
func AppendMap(dst []byte, pairs int) []byte {
	return appendNumber(dst, Map, int64(counted(pairs)))
}

// AppendAttribute appends the head of an attribute; as many keys, each with a
// value behind it, must follow, and then the value it says something about.
func AppendAttribute(dst []byte, pairs int) []byte {
	return appendNumber(dst, Attribute, int64(counted(pairs)))
}

// AppendCommand appends a command as clients send it: an array of bulk strings,
// of which the first is the name.
func AppendCommand(dst []byte, args ...[]byte) []byte {
	dst = AppendArray(dst, len(args))
	for _, arg := range args {
		dst = AppendBulk(dst, arg)
	}
	return dst
}

// AppendCommandStrings is AppendCommand for strings.
func AppendCommandStrings(dst []byte, args ...string) []byte {
	dst = AppendArray(dst, len(args))
	for _, arg := range args {
		dst = AppendBulkString(dst, arg)
	}
	return dst
}

func appendNumber(dst []byte, kind Kind, value int64) []byte {
	dst = append(dst, byte(kind))
	dst = strconv.AppendInt(dst, value, 10)
	return append(dst, '\r', '\n')
}

func appendLine(dst []byte, kind Kind, text string) []byte {
	dst = append(dst, byte(kind))
	start := len(dst)
	dst = append(dst, text...)
	for i, b := range dst[start:] {
		if b == '\r' || b == '\n' {
			dst[start+i] = ' '
		}
	}
	return append(dst, '\r', '\n')
}

// counted keeps a wrong number from becoming a null, or a stream out of step.
func counted(n int) int {
	if n < 0 {
		panic("resp: negative number of elements or bytes")
	}
	return n
}
