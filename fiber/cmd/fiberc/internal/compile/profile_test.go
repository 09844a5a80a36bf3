package compile

import (
	"compress/gzip"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"testing"
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
	places, err := sampled(prof)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(s.dir, "main.go")
	if !places[place{"main.Compiled_busy", file, 31}] && !places[place{"main.Compiled_busy", file, 32}] {
		t.Errorf("no line of main.go in the profile: %v", places)
	}
}

// A place is what a profile says of an address.
type place struct {
	function, file string
	line           uint64
}

// sampled returns the places of a profile's samples, their callers included. (go tool
// pprof would do, but has to be built first, which takes longer than all else here.)
func sampled(name string) (map[place]bool, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(z)
	if err != nil {
		return nil, err
	}
	profile := decode(text) // the fields are those of pprof's profile.proto
	functions, locations := map[uint64]place{}, map[uint64][]value{}
	for _, v := range profile[5] {
		f := decode(v.text)
		functions[f.number(1)] = place{function: string(profile[6][f.number(2)].text), file: string(profile[6][f.number(4)].text)}
	}
	for _, v := range profile[4] {
		l := decode(v.text)
		locations[l.number(1)] = l[4]
	}
	places := map[place]bool{}
	for _, v := range profile[2] {
		for _, ids := range decode(v.text)[1] {
			for b := ids.text; len(b) > 0; {
				id, n := binary.Uvarint(b)
				b = b[n:]
				for _, line := range locations[id] {
					l := decode(line.text)
					at := functions[l.number(1)]
					at.line = l.number(2)
					places[at] = true
				}
			}
		}
	}
	return places, nil
}

// A message is a protocol buffer of numbers and texts, by field.
type message map[uint64][]value

type value struct {
	number uint64
	text   []byte
}

func decode(b []byte) message {
	m := message{}
	for len(b) > 0 {
		key, n := binary.Uvarint(b)
		b = b[n:]
		v := value{}
		v.number, n = binary.Uvarint(b)
		if b = b[n:]; key&7 == 2 {
			v.text, b = b[:v.number], b[v.number:]
		}
		m[key>>3] = append(m[key>>3], v)
	}
	return m
}

// number is a field that stands once, or not at all.
func (m message) number(field uint64) uint64 {
	if len(m[field]) == 0 {
		return 0
	}
	return m[field][0].number
}
