package compile

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/pprof/profile"
)

// Profiles name the files and lines of the source, not those of what was generated.
func TestProfileNamesSource(t *testing.T) {
	t.Parallel()
	s := build(t, false, map[string]string{"lone": "yes", "main.go": `package main

import (
	"os"
	"runtime/pprof"
	"time"

	"github.com/heddle-go/heddle/fiber"
)

func main() {
	rt, _ := fiber.New(fiber.Config{Loops: 1, StallAfter: -1})
	rt.Start()
	out, _ := os.Create(os.Args[1])
	pprof.StartCPUProfile(out)
	done := make(chan bool)
	rt.Go(func(f *fiber.Fiber) {
		busy(f)
		close(done)
	})
	<-done
	pprof.StopCPUProfile()
	out.Close()
}

var sink int

func busy(f *fiber.Fiber) {
	for began := time.Now(); time.Since(began) < 500*time.Millisecond; {
		f.Yield()
		for i := range 1 << 20 {
			sink += i * i
		}
	}
}
`})
	prof := filepath.Join(s.dir, "cpu.out")
	s.run(t, s.compiled, prof)
	f, err := os.Open(prof)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	p, err := profile.Parse(f)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(s.dir, "main.go")
	var seen []string
	for _, l := range p.Location {
		for _, line := range l.Line {
			if line.Function.Name == "main.Compiled_busy" && line.Function.Filename == file && (line.Line == 31 || line.Line == 32) {
				return
			}
			seen = append(seen, fmt.Sprintf("%s %s:%d", line.Function.Name, line.Function.Filename, line.Line))
		}
	}
	t.Errorf("no line of main.go in the profile: %q", seen)
}
