package resp

import "strconv"

// Contract: a Token is one value of a reply, or the head of an aggregate whose
// elements follow as further tokens. It is a plain value that refers to the
// buffer it was read from and to nothing else.

// Kind is the type of a value: its first byte on the wire.
type Kind byte

// The types of RESP2 and, from Null on, of RESP3.
const (
	Simple  Kind = '+' // simple string: Bytes
	Error   Kind = '-' // error: Bytes, the code first ("ERR ...")
	Integer Kind = ':' // Int
	Bulk    Kind = '$' // bulk string: Bytes
	Array   Kind = '*' // Elements

	Null      Kind = '_' // also RESP2's "$-1" and "*-1"
	Boolean   Kind = '#' // Int, 1 or 0
	Double    Kind = ',' // Bytes, and Float64
	BigNumber Kind = '(' // Bytes: an optional sign and decimal digits, for big.Int
	BulkError Kind = '!' // as Error, but may hold any bytes
	Verbatim  Kind = '=' // Bytes, and Format
	Map       Kind = '%' // Elements: keys and values in turn
	Attribute Kind = '|' // as Map; says something about the value that follows its elements
	Set       Kind = '~' // Elements
	Push      Kind = '>' // Elements: not a reply to anything
)

// String is the name of the type in the specification.
func (k Kind) String() string {
	switch k {
	case Simple:
		return "simple string"
	case Error:
		return "simple error"
	case Integer:
		return "integer"
	case Bulk:
		return "bulk string"
	case Array:
		return "array"
	case Null:
		return "null"
	case Boolean:
		return "boolean"
	case Double:
		return "double"
	case BigNumber:
		return "big number"
	case BulkError:
		return "bulk error"
	case Verbatim:
		return "verbatim string"
	case Map:
		return "map"
	case Attribute:
		return "attribute"
	case Set:
		return "set"
	case Push:
		return "push"
	}
	return "unknown type " + strconv.QuoteRune(rune(k))
}

// Token is one value, or the head of an aggregate.
type Token struct {
	Kind Kind

	// Last says that this token completes a reply, or a push. The next token
	// then begins another, at Depth 0. An attribute never does: its value is
	// still to come.
	Last bool

	// Format is the three letters before a verbatim string: "txt" or "mkd".
	Format [3]byte

	// Depth is how many aggregates this token stands in.
	Depth int

	// Elements is how many values, of Depth+1, an aggregate has; a pair of a
	// map counts as two. Attributes in front of a value do not count.
	Elements int

	// Int is an Integer, or 1 or 0 for a Boolean.
	Int int64

	// Bytes is the text of all other types, borrowed from the buffer.
	Bytes []byte
}

// Float64 is the value of a Double: the nearest, and ±Inf beyond the range. For
// other types it is 0. It is worked out here, because a client that passes the
// text on has no use for it; texts over 32 bytes may cost an allocation.
func (t *Token) Float64() float64 {
	if t.Kind != Double {
		return 0
	}
	text := t.Bytes
	if string(text) == "-nan" { // a sign that strconv does not know
		text = text[1:]
	}
	value, _ := strconv.ParseFloat(string(text), 64) // its only error left is the range
	return value
}

// pairs says whether a count on the wire counts pairs.
func (k Kind) pairs() bool { return k == Map || k == Attribute }
