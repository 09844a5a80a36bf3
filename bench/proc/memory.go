package proc

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// ReadRSS returns the resident memory of a process in bytes: Rss of
// smaps_rollup, which the kernel counts page by page, or else VmRSS of status,
// which it keeps in counters that may lag by some dozens of pages a thread.
func ReadRSS(pid int) (int64, error) {
	folder := filepath.Join("/proc", strconv.Itoa(pid))
	if text, err := os.ReadFile(filepath.Join(folder, "smaps_rollup")); err == nil {
		return ParseKilobytes(text, "Rss:")
	}
	text, err := os.ReadFile(filepath.Join(folder, "status"))
	if err != nil {
		return 0, err
	}
	return ParseKilobytes(text, "VmRSS:")
}

// ParseKilobytes finds a line "NAME   123 kB" and returns its bytes.
func ParseKilobytes(text []byte, name string) (int64, error) {
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		fields := bytes.Fields(lines.Bytes())
		if len(fields) != 3 || string(fields[0]) != name || string(fields[2]) != "kB" {
			continue
		}
		n, err := strconv.ParseInt(string(fields[1]), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%s %w", name, err)
		}
		return n << 10, nil
	}
	return 0, fmt.Errorf("no line %q of kB", name)
}
