package http1

// Contract: a Method is a number for the methods that a server routes by, so that a
// route table is an array. Methods are case-sensitive (RFC 9110 section 9.1): "get"
// is MethodOther, and Request.MethodBytes has its name.

// Method is one of the methods of RFC 9110 section 9.3 and RFC 5789, or MethodOther.
type Method uint8

const (
	MethodOther Method = iota // a token that is none of the following
	GET
	HEAD
	POST
	PUT
	DELETE
	PATCH
	OPTIONS
	TRACE
	CONNECT
)

// MethodCount is how many Method values there are: the length of a table by Method.
const MethodCount = int(CONNECT) + 1

// methodBytesMax bounds a method: the longest that is registered with IANA,
// UPDATEREDIRECTREF, has 17 bytes.
const methodBytesMax = 32

var methodNames = [MethodCount]string{"", "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT"}

// String returns the method as it is sent, "" for MethodOther and for values that are none.
func (m Method) String() string {
	if int(m) < len(methodNames) {
		return methodNames[m]
	}
	return ""
}

// MethodOf returns the Method with that exact name, or MethodOther.
func MethodOf[B ~[]byte | ~string](name B) Method {
	switch string(name) {
	case "GET":
		return GET
	case "HEAD":
		return HEAD
	case "POST":
		return POST
	case "PUT":
		return PUT
	case "DELETE":
		return DELETE
	case "PATCH":
		return PATCH
	case "OPTIONS":
		return OPTIONS
	case "TRACE":
		return TRACE
	case "CONNECT":
		return CONNECT
	}
	return MethodOther
}
