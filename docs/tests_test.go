package docs

import (
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Tests that documents name exist: who reads that something is tested can look at how.

var (
	testName = regexp.MustCompile(`\b(?:Test|Fuzz|Benchmark)[A-Z]\w*`)
	testFunc = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)\w+)\(`)
)

func TestTestNames(t *testing.T) {
	exist := map[string]bool{}
	err := filepath.WalkDir("..", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		for _, m := range testFunc.FindAllStringSubmatch(read(t, path), -1) {
			exist[m[1]] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	for path, d := range documents(t) {
		for i, line := range d.prose {
			for _, span := range codeSpan.FindAllString(line, -1) {
				for _, name := range testName.FindAllString(span, -1) {
					if named++; !exist[name] {
						t.Errorf("%s:%d: there is no %s", path, i+1, name)
					}
				}
			}
		}
	}
	if named < 30 {
		t.Errorf("only %d names of tests were found in the documents", named)
	}
}
