package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Table is text in columns: the first to the left, the others to the right.
type Table struct {
	Header []string
	Rows   [][]string
}

// print writes the table, each line indented by two.
func (t Table) print(w io.Writer) {
	widths := make([]int, len(t.Header))
	for _, row := range append([][]string{t.Header}, t.Rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	line := func(row []string) {
		var b strings.Builder
		for i, cell := range row {
			space := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if i == 0 {
				b.WriteString("  " + cell + space)
			} else {
				b.WriteString("  " + space + cell)
			}
		}
		fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
	}
	line(t.Header)
	rules := make([]string, len(widths))
	for i, width := range widths {
		rules[i] = strings.Repeat("-", width)
	}
	line(rules)
	for _, row := range t.Rows {
		line(row)
	}
}

// nothing stands where there is no figure.
const nothing = "-"

// ratioCell is a ratio with where its middle half lies.
func ratioCell(s Spread) string {
	if !s.known() {
		return nothing
	}
	if s.N == 1 {
		return fmt.Sprintf("%.2f", s.Median)
	}
	return fmt.Sprintf("%.2f (%.2f..%.2f)", s.Median, s.Low, s.High)
}

// spreadCell is any figure likewise.
func spreadCell(s Spread, cell func(float64) string) string {
	switch {
	case !s.known():
		return nothing
	case s.N == 1:
		return cell(s.Median)
	}
	return fmt.Sprintf("%s (%s..%s)", cell(s.Median), cell(s.Low), cell(s.High))
}

// duration shows nanoseconds with three digits.
func duration(nanoseconds float64) string {
	for _, unit := range []struct {
		size float64
		name string
	}{{1e9, "s"}, {1e6, "ms"}} {
		if nanoseconds >= unit.size {
			return threeDigits(nanoseconds/unit.size) + " " + unit.name
		}
	}
	return threeDigits(nanoseconds/1e3) + " µs"
}

func threeDigits(f float64) string {
	switch {
	case f >= 100:
		return fmt.Sprintf("%.0f", f)
	case f >= 10:
		return fmt.Sprintf("%.1f", f)
	}
	return fmt.Sprintf("%.2f", f)
}

func count(f float64) string    { return fmt.Sprintf("%.0f", f) }
func bytesOf(f float64) string  { return fmt.Sprintf("%.0f B", f) }
func megabyte(f float64) string { return fmt.Sprintf("%.1f MB", f/1e6) }
func percent(f float64) string  { return fmt.Sprintf("%.0f %%", 100*f) }
func part(f float64) string     { return fmt.Sprintf("%.2f", f) }
