package http1

// Why bytes were refused.
//
// Contract: every refusal is an *Error that names the rule which was broken, the
// byte that broke it, and the status to answer with. The rules are fixed values;
// a refusal allocates one small Error and nothing else, and no byte of the peer's
// goes into it, so it may be logged as it is.

import "strconv"

// An Error is a refusal: the bytes can never become a valid message, whatever follows.
type Error struct {
	// Status is what a server answers: 400, 414, 417, 431, 501 or 505. From
	// Response.Parse it is always 502, what a gateway answers.
	Status int
	// Rule is the section and the rule: "RFC 9112 section 3.2: more than one Host field". A
	// limit goes by the name of its field in Limits.
	Rule string
	// Offset is that of the offending byte, or of the start of the element that is wrong
	// as a whole (for a field value, the byte behind its colon): from the start of the buffer for a
	// head, from the start of the body for a ChunkDecoder, from the start of the
	// argument for everything else.
	Offset int
}

// Error names the rule and the place. Rule alone is what may be told to a client.
func (e *Error) Error() string {
	return "http1: byte " + strconv.Itoa(e.Offset) + ": " + e.Rule
}

// A rule is an Error without its place.
type rule struct {
	status int
	text   string
}

func (r *rule) at(offset int) *Error {
	return &Error{Status: r.status, Rule: r.text, Offset: offset}
}

// more is no refusal: the bytes end before the message does.
var more = &rule{0, "more bytes are needed"}

// Rules of the request line and the status line. A limit goes by the name of its field in
// Limits, which is that in httpfw.Config too: clients read these texts.
var (
	emptyLines      = &rule{400, "RFC 9112 section 2.2: more than one empty line before the request line"}
	emptyMethod     = &rule{400, "RFC 9112 section 3.1: empty method"}
	methodByte      = &rule{400, "RFC 9112 section 3.1: byte in the method that no token contains"}
	methodLong      = &rule{501, "RFC 9112 section 3: method longer than any that is implemented"}
	emptyTarget     = &rule{400, "RFC 9112 section 3: request line not separated by single spaces, or without target"}
	targetByte      = &rule{400, "RFC 9112 section 3.2: byte in the target that no URI contains"}
	targetEnd       = &rule{400, "RFC 9112 section 3: request line without version"}
	fragment        = &rule{400, "RFC 9112 section 3.2: fragment in the target"}
	percent         = &rule{400, "RFC 3986 section 2.1: '%' in the path without two hexadecimal digits"}
	targetLong      = &rule{414, "RFC 9112 section 3: target longer than TargetBytesMax"}
	version         = &rule{400, "RFC 9112 section 2.3: malformed HTTP version"}
	versionMajor    = &rule{505, "RFC 9110 section 15.6.6: major version of HTTP other than 1"}
	connectForm     = &rule{400, "RFC 9112 section 3.2.3: CONNECT with a target that is not host:port"}
	asteriskForm    = &rule{400, "RFC 9112 section 3.2.4: asterisk-form with a method other than OPTIONS"}
	targetForm      = &rule{400, "RFC 9112 section 3.2: target that is neither a path nor an http or https URI"}
	targetAuthority = &rule{400, "RFC 9112 section 3.2.2: malformed authority in the target"}
	statusCode      = &rule{502, "RFC 9112 section 4: status code that is not three digits from 100 up"}
	reasonByte      = &rule{502, "RFC 9112 section 4: control byte in the reason phrase"}
)

// Rules of the field section.
var (
	headLong         = &rule{431, "RFC 6585 section 5: head longer than HeaderBytesMax"}
	fieldsMany       = &rule{431, "RFC 6585 section 5: more fields than HeaderCountMax"}
	cookiesMany      = &rule{431, "RFC 6585 section 5: more cookies than CookieCountMax"}
	pairsMany        = &rule{414, "RFC 9110 section 15.5.15: more pairs in the query than QueryPairsMax"}
	bareCR           = &rule{400, "RFC 9112 section 2.2: CR that is not followed by LF"}
	bareLF           = &rule{400, "RFC 9112 section 2.2: line that ends in LF without CR"}
	folded           = &rule{400, "RFC 9112 section 5.2: line that starts with whitespace"}
	emptyName        = &rule{400, "RFC 9112 section 5: empty field name"}
	spaceBeforeColon = &rule{400, "RFC 9112 section 5.1: whitespace before the colon"}
	noColon          = &rule{400, "RFC 9112 section 5: field line without colon"}
	nameByte         = &rule{400, "RFC 9110 section 5.1: byte in a field name that no token contains"}
	badValue         = &rule{400, "RFC 9110 section 5.5: control byte in a field value"}

	noHost       = &rule{400, "RFC 9112 section 3.2: HTTP/1.1 request without Host field"}
	twoHosts     = &rule{400, "RFC 9112 section 3.2: more than one Host field"}
	badHost      = &rule{400, "RFC 9112 section 3.2: malformed Host field"}
	otherHost    = &rule{400, "RFC 9112 section 3.2: Host field that differs from the target"}
	twoLengths   = &rule{400, "RFC 9112 section 6.3: more than one Content-Length field"}
	badLength    = &rule{400, "RFC 9110 section 8.6: Content-Length that is not a decimal number"}
	hugeLength   = &rule{400, "RFC 9110 section 8.6: Content-Length beyond 63 bits"}
	bothLengths  = &rule{400, "RFC 9112 section 6.1: Content-Length beside Transfer-Encoding"}
	twoCodings   = &rule{400, "RFC 9112 section 6.1: more than one Transfer-Encoding field"}
	badCoding    = &rule{400, "RFC 9112 section 6.1: malformed Transfer-Encoding"}
	chunkedTwice = &rule{400, "RFC 9112 section 6.1: chunked is not the last transfer coding, or stands twice"}
	chunkedParam = &rule{400, "RFC 9112 section 7.1: chunked with a parameter"}
	otherCoding  = &rule{501, "RFC 9112 section 6.1: transfer coding other than chunked"}
	oldCoding    = &rule{400, "RFC 9112 section 6.1: Transfer-Encoding in an HTTP/1.0 message"}
	badOption    = &rule{400, "RFC 9110 section 7.6.1: Connection option that is no token"}
	otherExpect  = &rule{417, "RFC 9110 section 10.1.1: expectation other than 100-continue"}
	noContent    = &rule{400, "RFC 9110 section 9.3: CONNECT or TRACE with content"}
	noBody       = &rule{502, "RFC 9110 section 8.6: 1xx or 204 response with content"}
)

// Rules of chunked bodies.
var (
	noSize      = &rule{400, "RFC 9112 section 7.1: chunk without size"}
	sizeByte    = &rule{400, "RFC 9112 section 7.1: byte in a chunk size that is no hexadecimal digit"}
	sizeHuge    = &rule{400, "RFC 9112 section 7.1: chunk size of more than 16 digits or 63 bits"}
	extension   = &rule{400, "RFC 9112 section 7.1.1: malformed chunk extension"}
	overhead    = &rule{400, "RFC 9112 section 7.1.1: more chunk extensions than ExtensionBytesMax"}
	chunkEnd    = &rule{400, "RFC 9112 section 7.1: chunk longer than its size"}
	trailerLong = &rule{431, "RFC 9112 section 7.1.2: trailer section longer than TrailerBytesMax"}
	trailerName = &rule{400, "RFC 9110 section 6.5.1: field that may not stand in a trailer section"}
)

// Rules of what is built rather than read.
var (
	escape     = &rule{400, "RFC 3986 section 2.1: '%' without two hexadecimal digits"}
	sendMethod = &rule{400, "RFC 9110 section 9.1: method that is no token"}
	sendTarget = &rule{400, "RFC 9112 section 3.2: target that is empty or contains a byte that no URI contains"}
)
