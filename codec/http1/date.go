package http1

// Dates as RFC 9110 section 5.6.7 has them.
//
// Contract: no clock. The caller has the time, and does well to keep the bytes for a
// second.

import "time"

const (
	dayNames   = "SunMonTueWedThuFriSat"
	monthNames = "JanFebMarAprMayJunJulAugSepOctNovDec"
)

// AppendDate appends t as an IMF-fixdate, "Sun, 06 Nov 1994 08:49:37 GMT": 29 bytes,
// the value of Date, Expires or Last-Modified. Fractions of a second are cut off. It
// panics for a year that has not four digits.
func AppendDate(dst []byte, t time.Time) []byte {
	t = t.UTC()
	year, month, day := t.Date()
	if year < 0 || year > 9999 {
		panic("http1: AppendDate: year of more than four digits")
	}
	hour, minute, second := t.Clock()
	w, m := 3*int(t.Weekday()), 3*(int(month)-1)
	dst = append(dst, dayNames[w:w+3]...)
	dst = append(dst, ',', ' ', digit(day/10), digit(day), ' ')
	dst = append(dst, monthNames[m:m+3]...)
	return append(dst, ' ', digit(year/1000), digit(year/100), digit(year/10), digit(year), ' ',
		digit(hour/10), digit(hour), ':', digit(minute/10), digit(minute), ':',
		digit(second/10), digit(second), ' ', 'G', 'M', 'T')
}

// digit is the last decimal digit of n.
func digit(n int) byte { return byte('0' + n%10) }

// ParseDate reads a date in any of the three formats that RFC 9110 section 5.6.7 makes a
// recipient accept; ok is false for anything else. The name of the day is not checked
// against the date. A two-digit year is taken to be at most 50 years after now. Only the
// two obsolete formats, and what is no date, cost an allocation.
func ParseDate(b []byte, now time.Time) (t time.Time, ok bool) {
	if len(b) == len(fixdate) {
		if t, ok := parseFixdate(b); ok {
			return t, true
		}
	}
	const longest = len("Wednesday, 06-Nov-94 08:49:37 GMT")
	if len(b) > longest {
		return time.Time{}, false
	}
	if t, err := time.Parse(time.ANSIC, string(b)); err == nil {
		return t, true
	}
	t, err := time.Parse("Monday, 02-Jan-06 15:04:05 GMT", string(b))
	if err != nil {
		return time.Time{}, false
	}
	for t.Year() > now.Year()+50 {
		t = t.AddDate(-100, 0, 0)
	}
	for t.Year() <= now.Year()-50 {
		t = t.AddDate(100, 0, 0)
	}
	return t, true
}

// fixdate has a letter for a letter and a zero for a digit.
const fixdate = "Aaa, 00 Aaa 0000 00:00:00 GMT"

// parseFixdate reads the format that AppendDate writes, and that everybody sends.
func parseFixdate(b []byte) (time.Time, bool) {
	for i := range len(fixdate) {
		switch want := fixdate[i]; {
		case want == '0':
			if b[i] < '0' || b[i] > '9' {
				return time.Time{}, false
			}
		case i < 3 || i >= 8 && i < 11: // names, looked up below
		case b[i] != want:
			return time.Time{}, false
		}
	}
	number := func(i int) int { return int(b[i]-'0')*10 + int(b[i+1]-'0') }
	if nameIndex(dayNames, b[:3]) < 0 {
		return time.Time{}, false
	}
	month := time.Month(nameIndex(monthNames, b[8:11]) + 1)
	day, hour, minute, second := number(5), number(17), number(20), number(23)
	// Second 60 is grammatical, for leap seconds; time.Date makes it the next minute.
	if month == 0 || day == 0 || hour > 23 || minute > 59 || second > 60 {
		return time.Time{}, false
	}
	t := time.Date(number(12)*100+number(14), month, day, hour, minute, second, 0, time.UTC)
	if second < 60 && t.Day() != day { // 30 February
		return time.Time{}, false
	}
	return t, true
}

// nameIndex returns which of the three-letter names is b, or -1.
func nameIndex(names string, b []byte) int {
	for i := 0; i < len(names); i += 3 {
		if string(b) == names[i:i+3] {
			return i / 3
		}
	}
	return -1
}
