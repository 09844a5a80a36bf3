package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/heddle-go/heddle/fiber/cmd/fiberc/internal/compile"
)

// The cache folder holds generated files under names made of their contents, so that the
// go command's own cache works, and for each state of a program's sources what was made
// of it, so that a program that has not changed is not looked at again.

// A cache is the folder, as one program sees it.
type cache struct {
	base string
	name string // of the file that says what was made of the program
}

// A decision is what was made of a program.
type decision struct {
	Overlay string            // the overlay file, "" if nothing was compiled
	Files   map[string]string // what is overlaid, and the generated file for it
	Copies  []string          // modules of the module cache that were copied
}

func openCache(ls *compile.Listing) (*cache, error) {
	base, err := compile.CacheDir()
	if err != nil {
		return nil, err
	}
	self, err := compile.Self()
	if err != nil {
		return nil, err
	}
	key, err := ls.Key()
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(self + key))
	return &cache{base, filepath.Join(base, fmt.Sprintf("%x.made.json", sum))}, nil
}

// find returns the decision for a program, if all of it is there.
func (c *cache) find() (d decision, ok bool) {
	text, err := os.ReadFile(c.name)
	if err != nil || json.Unmarshal(text, &d) != nil {
		return d, false
	}
	names := d.Copies
	for _, name := range d.Files {
		names = append(names, name)
	}
	if d.Overlay != "" {
		names = append(names, d.Overlay)
	}
	for _, name := range names {
		if _, err := os.Stat(name); err != nil {
			return d, false
		}
	}
	return d, true
}

// make compiles a program and keeps what comes of it.
func (c *cache) make(ls *compile.Listing) (d decision, err error) {
	p, err := ls.Load()
	if err != nil {
		return d, err
	}
	p.Analyze()
	out, err := p.Compile()
	if err != nil {
		return d, err
	}
	if len(out) > 0 {
		if out, d.Copies, err = p.Relocate(out, filepath.Join(c.base, "mod")); err != nil {
			return d, err
		}
		if err := c.store(&d, out); err != nil {
			return d, err
		}
	}
	text, err := json.Marshal(d)
	if err != nil {
		return d, err
	}
	return d, compile.Store(c.name, text)
}

// store writes generated files and the overlay file.
func (c *cache) store(d *decision, out compile.Output) error {
	write := func(ext string, text []byte) (string, error) {
		name := filepath.Join(c.base, fmt.Sprintf("%x%s", sha256.Sum256(text), ext))
		return name, compile.Store(name, text)
	}
	d.Files = map[string]string{}
	for path, text := range out {
		name, err := write(".go", text)
		if err != nil {
			return err
		}
		d.Files[path] = name
	}
	text, err := json.Marshal(map[string]any{"Replace": d.Files})
	if err != nil {
		return err
	}
	d.Overlay, err = write(".json", text)
	return err
}

// beside returns the generated files in the folder of a file that was named, as it was
// named: the go command wants all files of a package.
func (d decision) beside(file string) (list []string) {
	dir, _ := filepath.Abs(filepath.Dir(file))
	for path := range d.Files {
		if _, err := os.Stat(path); err != nil && filepath.Dir(path) == dir {
			list = append(list, strings.TrimSuffix(file, filepath.Base(file))+filepath.Base(path))
		}
	}
	slices.Sort(list)
	return list
}

// keep writes the generated files to dir, to be read.
func (d decision) keep(dir string) error {
	for path, name := range d.Files {
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		to := filepath.Join(dir, filepath.Base(filepath.Dir(path)), filepath.Base(path))
		if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
			return err
		}
		if err := os.WriteFile(to, text, 0o666); err != nil {
			return err
		}
	}
	return nil
}
