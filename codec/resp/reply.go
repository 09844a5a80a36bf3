package resp

import (
	"bytes"
	"math"
)

// Contract: replies nest, so a ReplyDecoder gives them out as a stream of
// tokens, and an aggregate of a million elements needs the memory of one. There
// is no recursion: what is open is a stack of at most DepthMax counters. A token
// is taken from the buffer whole, so between two calls only a search for the end
// of a line is unfinished; the lengths of strings are short enough to be read
// again. The buffer is never kept: it may move between calls as long as the same
// bytes still stand at its start.

// ReplyDecoder finds the replies of one stream. The zero ReplyDecoder is that of
// the zero Config; others come from Codec.ReplyDecoder. One goroutine at a time
// may use it.
//
// Either call Token, and take replies apart as they arrive, or Reply, and get
// each in one piece; change from one to the other only between two replies.
type ReplyDecoder struct {
	codec    *Codec      // nil for standard
	searched int         // bytes of the current token that hold no end of line
	need     int         // of the current token, a shorter buffer brings nothing new
	at       int         // Reply: bytes of the current reply taken as tokens
	open     []aggregate // the outermost first
}

// aggregate is one whose elements are not all there.
type aggregate struct {
	left      int
	attribute bool // its end completes no value
}

// Token finds the first token in buf, of which it takes n bytes. Its Bytes are
// borrowed from buf. n == 0 without an error means that buf holds no whole token
// yet: call again with the same bytes and more behind them. After a token, call
// with what follows it.
//
// Errors are *ProtocolError: ErrTooLarge over BulkBytesMax, InlineBytesMax (a
// line), ElementsMax or DepthMax, otherwise ErrMalformed. A push that is not at
// Depth 0 is malformed, as the specification has it.
func (d *ReplyDecoder) Token(buf []byte) (token Token, n int, err error) {
	if len(buf) == 0 || len(buf) < d.need {
		return Token{}, 0, nil
	}
	token.Kind = Kind(buf[0])
	switch token.Kind {
	case Simple, Error, Integer, Null, Boolean, Double, BigNumber:
		n, err = d.line(&token, buf)
	case Bulk, BulkError, Verbatim:
		n, err = d.bulk(&token, buf)
	case Array, Map, Set, Push, Attribute:
		n, err = d.head(&token, buf)
	default:
		err = unknownKind(buf[0])
	}
	if n == 0 || err != nil {
		return Token{}, 0, err
	}
	d.searched, d.need = 0, 0
	d.nest(&token)
	return token, n, nil
}

// Reply finds the first whole reply in buf, of which it takes n bytes, with all
// that is nested in it and any attribute before it. It is checked throughout,
// borrowed from buf, and can be taken apart by the Token of another decoder.
// n == 0 without an error means that buf holds no whole reply yet; what was
// looked at is not looked at again. Errors are those of Token, with the offset
// from the start of the reply, and ErrTooLarge over MessageBytesMax.
func (d *ReplyDecoder) Reply(buf []byte) (reply []byte, n int, err error) {
	limit := d.limits().MessageBytesMax
	window := buf[:min(len(buf), limit)]
	if d.at > len(window) { // not the bytes of last time: begin anew
		d.Reset()
	}
	for {
		token, n, err := d.Token(window[d.at:])
		if err != nil {
			if fault, ok := err.(*ProtocolError); ok {
				fault.OffsetBytes += d.at
			}
			return nil, 0, err
		}
		if n == 0 {
			// A string that says it will not fit is refused before it comes.
			if len(window) == limit || d.need > limit-d.at {
				return nil, 0, tooLarge(textReplyTooBig, d.at)
			}
			return nil, 0, nil
		}
		d.at += n
		if token.Last {
			n, d.at = d.at, 0
			return buf[:n:n], n, nil
		}
	}
}

// BytesNeeded is, after a call that wanted more, a length below which buf need
// not be shown again: with a large string under way, the end of that string. A
// reader sizes its buffer by it. It never promises that so much is enough, and
// is 1 before anything is known.
func (d *ReplyDecoder) BytesNeeded() int { return d.at + max(d.need, 1) }

// Reset forgets an unfinished reply, for a decoder that gets another stream.
func (d *ReplyDecoder) Reset() { *d = ReplyDecoder{codec: d.codec, open: d.open[:0]} }

// line reads a token that is one line, into token.
func (d *ReplyDecoder) line(token *Token, buf []byte) (n int, err error) {
	limit := d.limits().InlineBytesMax
	window := buf[:min(len(buf), limit)]
	from := min(d.searched, len(window))
	end := bytes.IndexByte(window[from:], '\r')
	if end < 0 {
		end = len(window)
	} else {
		end += from
	}
	if end+1 >= len(window) { // no CR, or nothing behind it
		if len(window) == limit {
			return 0, tooLarge(textReplyLineBig, 0)
		}
		d.searched, d.need = end, len(buf)+1
		return 0, nil
	}
	text := window[1:end:end]
	if window[end+1] != '\n' || bytes.IndexByte(text, '\n') >= 0 {
		return 0, malformed(textReplyLine, 0)
	}
	token.Bytes = text
	ok, fault := true, ""
	switch token.Kind {
	case Integer:
		token.Int, ok = integer(text)
		token.Bytes, fault = nil, textReplyInteger
	case Null:
		ok = len(text) == 0
		token.Bytes, fault = nil, textReplyNull
	case Boolean:
		ok = len(text) == 1 && (text[0] == 't' || text[0] == 'f')
		if ok && text[0] == 't' {
			token.Int = 1
		}
		token.Bytes, fault = nil, textReplyBoolean
	case Double:
		ok, fault = isDouble(text), textReplyDouble
	case BigNumber:
		ok, fault = allDigits(unsigned(text)), textReplyBigNumber
	}
	if !ok {
		return 0, malformed(fault, 0)
	}
	return end + 2, nil
}

// bulk reads a token that says its length, into token.
func (d *ReplyDecoder) bulk(token *Token, buf []byte) (n int, err error) {
	size, next, ok := length(buf, 1)
	switch {
	case !ok || size < -1 || size == -1 && token.Kind != Bulk:
		return 0, malformed(textReplyLength, 0)
	case next == 0:
		return 0, nil
	case size == -1:
		token.Kind = Null
		return next, nil
	case size > int64(d.limits().BulkBytesMax):
		return 0, tooLarge(textReplyBulkBig, 0)
	case size < 4 && token.Kind == Verbatim:
		return 0, malformed(textReplyVerbatim, 0)
	case size > int64(math.MaxInt-next-2):
		return 0, tooLarge(textReplyBulkBig, 0)
	}
	end := next + int(size)
	if len(buf) < end+2 {
		d.need = end + 2
		return 0, nil
	}
	if buf[end] != '\r' || buf[end+1] != '\n' {
		return 0, malformed(textReplyBulkEnd, end)
	}
	if token.Kind == Verbatim {
		if buf[next+3] != ':' {
			return 0, malformed(textReplyVerbatim, 0)
		}
		token.Format = [3]byte(buf[next:])
		next += 4
	}
	token.Bytes = buf[next:end:end]
	return end + 2, nil
}

// head reads the count of an aggregate, into token.
func (d *ReplyDecoder) head(token *Token, buf []byte) (n int, err error) {
	if token.Kind == Push && len(d.open) > 0 {
		return 0, malformed(textReplyPush, 0)
	}
	count, next, ok := length(buf, 1)
	limits := d.limits()
	limit := int64(limits.ElementsMax)
	if token.Kind.pairs() {
		limit /= 2
	}
	switch {
	case !ok || count < -1 || count == -1 && token.Kind != Array:
		return 0, malformed(textReplyLength, 0)
	case next == 0:
		return 0, nil
	case count == -1:
		token.Kind = Null
		return next, nil
	case count > limit:
		return 0, tooLarge(textReplyCountBig, 0)
	case count > 0 && len(d.open) == limits.DepthMax:
		return 0, tooLarge(textReplyDepth, 0)
	}
	token.Elements = int(count)
	if token.Kind.pairs() {
		token.Elements *= 2
	}
	return next, nil
}

// nest gives the token its place in the reply, and works out what it completes.
func (d *ReplyDecoder) nest(token *Token) {
	token.Depth = len(d.open)
	attribute := token.Kind == Attribute
	if token.Elements > 0 {
		d.open = append(d.open, aggregate{left: token.Elements, attribute: attribute})
		return
	}
	// A value is complete, and with it perhaps the aggregate it was the last
	// of, and so on outwards. The end of an attribute stops that: it belongs to
	// a value that is yet to come.
	for !attribute {
		depth := len(d.open)
		if depth == 0 {
			token.Last = true
			return
		}
		inner := &d.open[depth-1]
		inner.left--
		if inner.left > 0 {
			return
		}
		attribute = inner.attribute
		d.open = d.open[:depth-1]
	}
}

func (d *ReplyDecoder) limits() *Config {
	if d.codec == nil {
		return &standard.limits
	}
	return &d.codec.limits
}
