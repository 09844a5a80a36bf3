package http1

// Bytes for the other side: fields, bodies, request lines.
//
// Contract: every Append function appends to dst and returns it, allocates only if dst
// is too small, and appends nothing with which its arguments could end a line or a
// message before its time. Whoever passes a peer's bytes on need not check them first.

import "strconv"

// ValidFieldName reports whether name is a token (RFC 9110 section 5.1).
func ValidFieldName[B ~[]byte | ~string](name B) bool {
	for i := 0; i < len(name); i++ {
		if class[name[i]]&tokenByte == 0 {
			return false
		}
	}
	return len(name) > 0
}

// ValidFieldValue reports whether value may be sent as a field value (RFC 9110 section
// 5.5): no control byte but HTAB, and no whitespace around it. It may be empty.
func ValidFieldValue[B ~[]byte | ~string](value B) bool {
	for i := 0; i < len(value); i++ {
		if class[value[i]]&valueByte == 0 {
			return false
		}
	}
	if n := len(value); n > 0 {
		return value[0] > ' ' && value[n-1] > ' '
	}
	return true
}

// AppendField appends "name: value CRLF". A name that is no token appends nothing at
// all; control bytes in the value other than HTAB become SP (RFC 9110 section 5.5).
func AppendField[N, V ~[]byte | ~string](dst []byte, name N, value V) []byte {
	if !ValidFieldName(name) {
		return dst
	}
	dst = append(dst, name...)
	dst = append(dst, ": "...)
	at := len(dst)
	dst = append(dst, value...)
	for at = scanValue(dst, at); at < len(dst); at = scanValue(dst, at) {
		dst[at] = ' '
	}
	return append(dst, "\r\n"...)
}

// AppendContentLength appends "Content-Length: n CRLF". It panics if n is negative.
func AppendContentLength(dst []byte, n int64) []byte {
	if n < 0 {
		panic("http1: AppendContentLength: negative length")
	}
	dst = append(dst, "Content-Length: "...)
	dst = strconv.AppendInt(dst, n, 10)
	return append(dst, "\r\n"...)
}

// AppendRequestLine appends "method SP target SP HTTP/1.1 CRLF". The target is sent as
// it is and must be escaped already. A method that is no token, or a target with a byte
// that Request.Parse would refuse there, is an *Error, and dst comes back as it was.
func AppendRequestLine[M, T ~[]byte | ~string](dst []byte, method M, target T) ([]byte, error) {
	if !ValidFieldName(method) {
		return dst, sendMethod.at(0)
	}
	if len(target) == 0 {
		return dst, sendTarget.at(0)
	}
	allowed := byte(pathByte)
	for i := 0; i < len(target); i++ {
		switch c := target[i]; {
		case c == '?':
			allowed = queryByte
		case class[c]&allowed != 0:
		case c != '%' || i+2 >= len(target) || class[target[i+1]]&class[target[i+2]]&hexByte == 0:
			return dst, sendTarget.at(i)
		}
	}
	dst = append(dst, method...)
	dst = append(dst, ' ')
	dst = append(dst, target...)
	return append(dst, " HTTP/1.1\r\n"...), nil
}

// AppendChunk appends data as one chunk. Empty data appends nothing, since a chunk of
// size 0 would end the body.
func AppendChunk[D ~[]byte | ~string](dst []byte, data D) []byte {
	if len(data) == 0 {
		return dst
	}
	dst = AppendChunkSize(dst, len(data))
	dst = append(dst, data...)
	return append(dst, "\r\n"...)
}

// AppendChunkSize appends the line in front of a chunk of size bytes, for a caller that
// sends the data from where it is; a CRLF must follow them. It panics unless size is
// positive: 0 is AppendLastChunk's.
func AppendChunkSize(dst []byte, size int) []byte {
	if size <= 0 {
		panic("http1: AppendChunkSize: size must be positive")
	}
	dst = strconv.AppendUint(dst, uint64(size), 16)
	return append(dst, "\r\n"...)
}

// AppendLastChunk ends a chunked body, with a trailer section of these fields, or none.
// Fields that RFC 9110 section 6.5.1 forbids there are left out.
func AppendLastChunk(dst []byte, trailer []Field) []byte {
	dst = append(dst, "0\r\n"...)
	for _, f := range trailer {
		if !forbiddenTrailer(f.Name) {
			dst = AppendField(dst, f.Name, f.Value)
		}
	}
	return append(dst, "\r\n"...)
}
