package resp

import "math"

// Contract: the numbers of the protocol, read without conversion to string and
// so without allocation. length is exacting, because what it reads decides where
// everything after it begins: one number has one spelling, as in Redis's
// string2ll. A peer that read "$010" or "$+1" differently from us could be made
// to see other commands in the same bytes.

// lengthDigitsMax keeps a length inside int64 without a test at each digit; no
// limit is that large.
const lengthDigitsMax = 18

// length reads a decimal number and a CRLF from buf[at:]. next is what follows
// them, or 0 if they are incomplete but could still become a length. ok is false
// as soon as they cannot: no digit, a leading zero, a '+', a "-0", a lone CR.
func length(buf []byte, at int) (value int64, next int, ok bool) {
	i, negative := at, false
	if i < len(buf) && buf[i] == '-' {
		negative = true
		i++
	}
	digits := i
	for i < len(buf) {
		digit := buf[i] - '0'
		if digit > 9 {
			break
		}
		if i > digits && value == 0 || negative && i == digits && digit == 0 || i-digits == lengthDigitsMax {
			return 0, 0, false // a digit after 0, a minus before 0, or too many
		}
		value = value*10 + int64(digit)
		i++
	}
	switch {
	case i == len(buf):
		return 0, 0, true
	case i == digits || buf[i] != '\r':
		return 0, 0, false
	case i+1 == len(buf):
		return 0, 0, true
	case buf[i+1] != '\n':
		return 0, 0, false
	}
	if negative {
		value = -value
	}
	return value, i + 2, true
}

// integer reads the text of a RESP integer: an optional sign and digits, within
// 64 bits. Nothing hangs on its spelling, so leading zeros pass.
func integer(text []byte) (value int64, ok bool) {
	digits := unsigned(text)
	if !allDigits(digits) {
		return 0, false
	}
	negative := text[0] == '-'
	limit := uint64(math.MaxInt64)
	if negative {
		limit++
	}
	var sum uint64
	for _, b := range digits {
		digit := uint64(b - '0')
		if sum > (limit-digit)/10 {
			return 0, false
		}
		sum = sum*10 + digit
	}
	if negative {
		return -int64(sum), true // also right for 2^63, which negates to itself
	}
	return int64(sum), true
}

// isDouble says whether text is a RESP3 double: the grammar of the spec, and
// "-nan", which Redis has been seen to send.
func isDouble(text []byte) bool {
	switch string(text) {
	case "inf", "+inf", "-inf", "nan", "-nan":
		return true
	}
	text = unsigned(text)
	whole := digitsOf(text)
	if whole == 0 {
		return false
	}
	text = text[whole:]
	if len(text) > 0 && text[0] == '.' {
		fraction := digitsOf(text[1:])
		if fraction == 0 {
			return false
		}
		text = text[1+fraction:]
	}
	if len(text) > 0 && (text[0] == 'e' || text[0] == 'E') {
		return allDigits(unsigned(text[1:]))
	}
	return len(text) == 0
}

// unsigned is text without a sign at its start.
func unsigned(text []byte) []byte {
	if len(text) > 0 && (text[0] == '+' || text[0] == '-') {
		return text[1:]
	}
	return text
}

// digitsOf counts the decimal digits that text starts with.
func digitsOf(text []byte) int {
	for i, b := range text {
		if b < '0' || b > '9' {
			return i
		}
	}
	return len(text)
}

// allDigits says whether text is one digit or more, and nothing else.
func allDigits(text []byte) bool {
	return len(text) > 0 && digitsOf(text) == len(text)
}
