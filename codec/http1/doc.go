// Package http1 turns bytes into HTTP/1.0 and HTTP/1.1 messages and back, by RFC 9110
// and RFC 9112. It does no I/O, reads no clock and starts no goroutine.
//
// A parser is given the bytes that have arrived and answers with the number it consumed;
// with 0, when it needs more; or with an [Error], which names the rule that was broken
// and the status to answer with. It never copies: what it returns points into the bytes
// it was given and is good as long as they are. It allocates only to refuse, to enlarge
// the array of fields up to the limit, and to keep a trailer.
//
// Wherever two implementations could disagree about where a message ends, the message is
// refused, not repaired. Among what is refused although it is seen in the wild:
//
//   - lines that end in LF alone, CR that is no part of a line end, folded lines;
//   - whitespace before the colon of a field, or around a chunk size;
//   - Content-Length twice, even with one value; beside Transfer-Encoding; or as a list;
//   - any transfer coding but a single chunked, and any at all in HTTP/1.0;
//   - a host with user information, percent escapes or sub-delimiters;
//   - a Host field that differs from the authority of an absolute-form target;
//   - a Connection field that is no list of tokens, a CONNECT or TRACE with content,
//     a trailer field that frames, routes or authenticates.
//
// And among what is let through although the grammar is narrower: []^`{|} in targets and
// '\' and stray '%' in queries, because browsers send them; a status line that ends with
// the code; one empty line in front of a request.
//
// [Request] and [Response] read heads, [ChunkDecoder] chunked bodies, [EachPair] and
// [EachCookie] what is inside of queries, forms and Cookie fields. The Append functions
// write what these read, and nothing they are given can break out of its place.
package http1
