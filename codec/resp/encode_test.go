package resp

import (
	"math"
	"math/big"
	"strings"
	"testing"
)

func TestEncode(t *testing.T) {
	big1 := new(big.Int).Lsh(big.NewInt(-1), 70)
	tests := []struct {
		got, want string
	}{
		{string(AppendSimple(nil, "OK")), "+OK\r\n"},
		{string(AppendSimple(nil, "a\r\nb")), "+a  b\r\n"},
		{string(AppendError(nil, "ERR no")), "-ERR no\r\n"},
		{string(AppendError(nil, "ERR '\r\n+OK\r\n'")), "-ERR '  +OK  '\r\n"},
		{string(AppendInt(nil, math.MinInt64)), ":-9223372036854775808\r\n"},
		{string(AppendBulk(nil, []byte("a\r\n"))), "$3\r\na\r\n\r\n"},
		{string(AppendBulk(nil, nil)), "$0\r\n\r\n"},
		{string(AppendBulkString(nil, "hi")), "$2\r\nhi\r\n"},
		{string(AppendBulkHeader(nil, 1000)), "$1000\r\n"},
		{string(AppendNullBulk(nil)), "$-1\r\n"},
		{string(AppendNullArray(nil)), "*-1\r\n"},
		{string(AppendNull(nil)), "_\r\n"},
		{string(AppendBool(nil, true)), "#t\r\n"},
		{string(AppendBool(nil, false)), "#f\r\n"},
		{string(AppendDouble(nil, 1.5)), ",1.5\r\n"},
		{string(AppendDouble(nil, 1e100)), ",1e+100\r\n"},
		{string(AppendDouble(nil, math.Inf(1))), ",inf\r\n"},
		{string(AppendDouble(nil, math.Inf(-1))), ",-inf\r\n"},
		{string(AppendDouble(nil, math.Copysign(math.NaN(), -1))), ",nan\r\n"},
		{string(AppendBigNumber(nil, big1)), "(-1180591620717411303424\r\n"},
		{string(AppendBigNumber(nil, nil)), "_\r\n"},
		{string(AppendBulkError(nil, "ERR\r\n")), "!5\r\nERR\r\n\r\n"},
		{string(AppendVerbatim(nil, [3]byte{'t', 'x', 't'}, []byte("hi"))), "=6\r\ntxt:hi\r\n"},
		{string(AppendArray(nil, 2)), "*2\r\n"},
		{string(AppendSet(nil, 2)), "~2\r\n"},
		{string(AppendPush(nil, 2)), ">2\r\n"},
		{string(AppendMap(nil, 2)), "%2\r\n"},
		{string(AppendAttribute(nil, 2)), "|2\r\n"},
		{string(AppendCommand(nil, []byte("GET"), []byte("k"))), "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"},
		{string(AppendCommandStrings(nil, "GET", "k")), "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"},
	}
	for _, test := range tests {
		if test.got != test.want {
			t.Errorf("got %q, want %q", test.got, test.want)
		}
	}
	for _, appendHead := range []func([]byte, int) []byte{AppendArray, AppendSet, AppendPush, AppendMap, AppendAttribute, AppendBulkHeader} {
		func() {
			defer func() {
				if text, _ := recover().(string); !strings.HasPrefix(text, "resp: ") {
					t.Errorf("panic %q", text)
				}
			}()
			appendHead(nil, -1)
		}()
	}
}

// encode is the inverse of Token.
func encode(dst []byte, token Token) []byte {
	switch token.Kind {
	case Simple:
		return AppendSimple(dst, string(token.Bytes))
	case Error:
		return AppendError(dst, string(token.Bytes))
	case Integer:
		return AppendInt(dst, token.Int)
	case Bulk:
		return AppendBulk(dst, token.Bytes)
	case Array:
		return AppendArray(dst, token.Elements)
	case Null:
		return AppendNull(dst)
	case Boolean:
		return AppendBool(dst, token.Int == 1)
	case Double:
		return AppendDouble(dst, token.Float64())
	case BigNumber:
		value, _ := new(big.Int).SetString(string(token.Bytes), 10)
		return AppendBigNumber(dst, value)
	case BulkError:
		return AppendBulkError(dst, string(token.Bytes))
	case Verbatim:
		return AppendVerbatim(dst, token.Format, token.Bytes)
	case Map:
		return AppendMap(dst, token.Elements/2)
	case Attribute:
		return AppendAttribute(dst, token.Elements/2)
	case Set:
		return AppendSet(dst, token.Elements)
	}
	return AppendPush(dst, token.Elements)
}
