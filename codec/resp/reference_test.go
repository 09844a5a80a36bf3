package resp

import (
	"bytes"
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"strconv"
	"strings"
)

// A second decoder of RESP to hold the first against. It is written as simply as
// can be and as differently as can be: it needs all input at once, it recurses,
// it finds lengths by regular expression and numbers by the standard library.

var (
	errMore = errors.New("need more")

	// A length that is whole, and what may still become one.
	lengthWhole = regexp.MustCompile(`^(0|-?[1-9][0-9]{0,17})\r\n`)
	lengthBegun = regexp.MustCompile(`^(-?|0\r?|-?[1-9][0-9]{0,17}\r?)$`)

	doubleText = regexp.MustCompile(`^([+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?|[+-]?inf|-?nan)$`)
)

// reference reads from rest and notes how much was read.
type reference struct {
	limits Config
	rest   []byte
	read   int
}

func (r *reference) take(n int) []byte {
	taken := r.rest[:n]
	r.rest, r.read = r.rest[n:], r.read+n
	return taken
}

func (r *reference) length() (int, error) {
	found := lengthWhole.FindSubmatch(r.rest)
	if found == nil {
		if lengthBegun.Match(r.rest) {
			return 0, errMore
		}
		return 0, ErrMalformed
	}
	r.take(len(found[0]))
	value, err := strconv.ParseInt(string(found[1]), 10, 64)
	return int(min(value, 1<<30)), err // over every limit, and an int on 32 bits too
}

func (r *reference) line() (string, error) {
	end := bytes.IndexByte(r.rest, '\r')
	if end < 0 {
		end = len(r.rest)
	}
	if end+1 >= len(r.rest) {
		if 1+len(r.rest) >= r.limits.InlineBytesMax {
			return "", ErrTooLarge
		}
		return "", errMore
	}
	if end+3 > r.limits.InlineBytesMax { // with the type before it and CRLF
		return "", ErrTooLarge
	}
	text := string(r.take(end + 2))
	if strings.Count(text, "\n") != 1 || text[end+1] != '\n' {
		return "", ErrMalformed
	}
	return text[:end], nil
}

// value appends to out what the next value is, and returns it.
func (r *reference) value(out string, depth int) (string, error) {
	if len(r.rest) == 0 {
		return out, errMore
	}
	kind := r.take(1)[0]
	elements := func(count int, err error) (string, error) {
		switch {
		case err != nil:
			return out, err
		case count == -1 && kind == '*':
			return out + "null ", nil
		case count < 0:
			return out, ErrMalformed
		}
		per := 1
		if kind == '%' || kind == '|' {
			per = 2
		}
		if count > r.limits.ElementsMax/per || count > 0 && depth == r.limits.DepthMax {
			return out, ErrTooLarge
		}
		out += string(kind) + "{ "
		for range count * per {
			if out, err = r.value(out, depth+1); err != nil {
				return out, err
			}
		}
		return out + "} ", nil
	}
	switch kind {
	case '+', '-':
		text, err := r.line()
		if err != nil {
			return out, err
		}
		return out + fmt.Sprintf("%c%q ", kind, text), nil
	case ':':
		text, err := r.line()
		if err != nil {
			return out, err
		}
		value, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return out, ErrMalformed
		}
		return out + fmt.Sprintf("%d ", value), nil
	case '_', '#':
		text, err := r.line()
		if err != nil {
			return out, err
		}
		name := map[string]string{"_": "null ", "#t": "true ", "#f": "false "}[string(kind)+text]
		if name == "" {
			return out, ErrMalformed
		}
		return out + name, nil
	case ',':
		text, err := r.line()
		if err != nil {
			return out, err
		}
		if !doubleText.MatchString(text) {
			return out, ErrMalformed
		}
		value, _ := strconv.ParseFloat(strings.Replace(text, "-nan", "nan", 1), 64)
		return out + fmt.Sprintf("%x ", value), nil
	case '(':
		text, err := r.line()
		if err != nil {
			return out, err
		}
		value, ok := new(big.Int).SetString(text, 10)
		if !ok {
			return out, ErrMalformed
		}
		return out + fmt.Sprintf("big %d ", value), nil
	case '$', '!', '=':
		size, err := r.length()
		switch {
		case err != nil:
			return out, err
		case size == -1 && kind == '$':
			return out + "null ", nil
		case size < 0, size < 4 && kind == '=':
			return out, ErrMalformed
		case size > r.limits.BulkBytesMax:
			return out, ErrTooLarge
		case len(r.rest) < size+2:
			return out, errMore
		}
		text, end := r.take(size), r.take(2)
		if string(end) != "\r\n" || kind == '=' && text[3] != ':' {
			return out, ErrMalformed
		}
		return out + fmt.Sprintf("%c%q ", kind, text), nil
	case '>':
		if depth > 0 {
			return out, ErrMalformed
		}
		return elements(r.length())
	case '|':
		out, err := elements(r.length())
		if err != nil {
			return out, err
		}
		return r.value(out, depth)
	case '*', '%', '~':
		return elements(r.length())
	}
	return out, ErrMalformed
}

// command appends to out what the next array of bulk strings is. Inline commands
// are not its business. Half a command is nothing, where half a reply is tokens.
func (r *reference) command(before string) (string, error) {
	r.take(1)
	count, err := r.length()
	switch {
	case err != nil:
		return before, err
	case count > r.limits.ArgsMax:
		return before, ErrTooLarge
	}
	out := before + "[ "
	for range max(count, 0) {
		if len(r.rest) == 0 {
			return before, errMore
		}
		if r.take(1)[0] != '$' {
			return before, ErrMalformed
		}
		size, err := r.length()
		switch {
		case err != nil:
			return before, err
		case size < 0:
			return before, ErrMalformed
		case size > r.limits.BulkBytesMax, r.read+size+2 > r.limits.MessageBytesMax:
			return before, ErrTooLarge
		case len(r.rest) < size+2:
			return before, errMore
		}
		arg := r.take(size)
		if string(r.take(2)) != "\r\n" {
			return before, ErrMalformed
		}
		out += fmt.Sprintf("%q ", arg)
	}
	return out + "] ", nil
}

// referenceStream decodes all of wire with one function of reference, and writes
// it down as decodeCommands and decodeTokens do.
func referenceStream(limits Config, wire []byte, decode func(*reference, string) (string, error)) string {
	var out string
	for len(wire) > 0 {
		r := &reference{limits: limits, rest: wire}
		next, err := decode(r, out)
		switch {
		case errors.Is(err, errMore):
			return fmt.Sprintf("%s+%d", next, len(wire))
		case err != nil:
			return next + err.Error()
		}
		out, wire = next, r.rest
	}
	return out + "+0"
}
