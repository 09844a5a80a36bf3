package resp

import "bytes"

// Contract: an inline command is a line of words, ended by LF or CRLF, with the
// quoting of redis-cli. The rules are those of sdssplitargs in Redis's sds.c:
//
//   - words are separated by white space
//   - in "double quotes" \n \r \t \b \a and \xHH mean a byte, and a backslash
//     before anything else means that itself
//   - in 'single quotes' only \' means anything
//   - after a closing quote there is white space or the end
//
// The line's bytes are not changed: words with quotes in them are unquoted into
// memory of their own, one allocation for each such line, that nobody reuses.
// Words without are borrowed.
//
// Other than in Redis, where a NUL ends the line for the C code and the rest is
// silently dropped, a NUL is an error.

// inline finds an inline command at the start of buf; d.at is how far its end
// has been searched for.
func (d *Decoder) inline(args [][]byte, buf []byte, limits *Config) (_ [][]byte, n int, err error) {
	if limits.RefuseInline {
		return args, 0, unexpected('*', buf[0], 0)
	}
	limit := min(limits.InlineBytesMax, limits.MessageBytesMax)
	window := buf[:min(len(buf), limit)]
	from := min(d.at, len(window))
	at := bytes.IndexByte(window[from:], '\n')
	if at < 0 {
		if len(window) == limit {
			return args, 0, tooLarge(textInlineTooBig, 0)
		}
		d.pause(len(buf), 0, len(buf)+1)
		return args, 0, nil
	}
	at += from
	given := len(args)
	args, err = splitWords(args, bytes.TrimSuffix(window[:at], []byte{'\r'}), limits.ArgsMax)
	if err != nil {
		return args[:given], 0, err
	}
	d.restart()
	return args, at + 1, nil
}

// splitWords appends the words of line to args, argsMax at most.
func splitWords(args [][]byte, line []byte, argsMax int) ([][]byte, error) {
	if at := bytes.IndexByte(line, 0); at >= 0 {
		return args, malformed(textInlineNUL, at)
	}
	var unquoted []byte // what all words with quotes mean, one after the other
	for count, at := 0, 0; ; count++ {
		for at < len(line) && isSpace(line[at]) {
			at++
		}
		if at == len(line) {
			return args, nil
		}
		if count == argsMax {
			return args, tooLarge(textInlineArgs, at)
		}
		start := at
		for at < len(line) && !endsWord(line[at]) && line[at] != '"' && line[at] != '\'' {
			at++
		}
		if at == len(line) || endsWord(line[at]) {
			args = append(args, line[start:at:at])
			continue
		}
		if unquoted == nil {
			// Unquoting never makes longer, so this does not move.
			unquoted = make([]byte, 0, len(line))
		}
		from := len(unquoted)
		var ok bool
		if unquoted, at, ok = unquote(unquoted, line, start); !ok {
			return args, malformed(textQuotes, start)
		}
		args = append(args, unquoted[from:len(unquoted):len(unquoted)])
	}
}

// unquote appends to dst what the word at line[at:] means, and returns where the
// word ends.
func unquote(dst, line []byte, at int) (_ []byte, end int, ok bool) {
	var quote byte // 0 outside of quotes
	for ; at < len(line); at++ {
		b := line[at]
		rest := line[at+1:]
		switch {
		case quote == 0 && endsWord(b):
			return dst, at, true
		case quote == 0 && (b == '"' || b == '\''):
			quote = b
		case quote == 0:
			dst = append(dst, b)
		case b == quote:
			return dst, at + 1, len(rest) == 0 || isSpace(rest[0])
		case b == '\\' && quote == '"' && len(rest) >= 3 && rest[0] == 'x' && isHex(rest[1]) && isHex(rest[2]):
			dst = append(dst, hexValue(rest[1])<<4|hexValue(rest[2]))
			at += 3
		case b == '\\' && quote == '"' && len(rest) >= 1:
			dst = append(dst, escaped(rest[0]))
			at++
		case b == '\\' && quote == '\'' && len(rest) >= 1 && rest[0] == '\'':
			dst = append(dst, '\'')
			at++
		default:
			dst = append(dst, b)
		}
	}
	return dst, at, quote == 0
}

// escaped is what a backslash and b mean inside double quotes.
func escaped(b byte) byte {
	switch b {
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	case 'b':
		return '\b'
	case 'a':
		return '\a'
	}
	return b
}

// isSpace is C's isspace, which separates words.
func isSpace(b byte) bool { return b == ' ' || b >= '\t' && b <= '\r' }

// endsWord is what ends a word outside of quotes: in sdssplitargs fewer bytes
// than separate words, so a vertical tab may stand inside one.
func endsWord(b byte) bool { return b == ' ' || b == '\t' || b == '\n' || b == '\r' }

func isHex(b byte) bool {
	return b >= '0' && b <= '9' || b >= 'a' && b <= 'f' || b >= 'A' && b <= 'F'
}

// hexValue is the value of a digit that isHex has approved.
func hexValue(b byte) byte {
	if b <= '9' {
		return b - '0'
	}
	return b&^0x20 - 'A' + 10
}
