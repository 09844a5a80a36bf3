package compile

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"go/types"
	"io"
	"os"
	"path/filepath"
	"sync"
)

// The packages of the standard library that read and write on behalf of handlers are
// compiled too. What is generated for them does not depend on the program: so it is made
// once for each version of Go and of fiberc, and kept; and the go command, which has to
// build all that imports io anew, does that once.

// stdPackages are compiled.
var stdPackages = []string{"io", "bufio", "encoding/json"}

// Standard is the compiled part of the standard library.
type Standard struct {
	Files Output
	Funcs map[string]bool // with a second body, as types.Func.FullName has them
}

// standard returns it, for the go command that made a listing.
func standard(of *Listing) (*Standard, error) {
	base, err := CacheDir()
	if err != nil {
		return nil, err
	}
	key, err := stdKey(of)
	if err != nil {
		return nil, err
	}
	name := filepath.Join(base, key+".std.json")
	s := &Standard{}
	if text, err := os.ReadFile(name); err == nil && json.Unmarshal(text, s) == nil {
		return s, nil
	}
	p := newProgram()
	p.isStd = true
	ls, err := listStandard(of.dir, of.flags, of.env, stdPackages)
	if err == nil {
		err = p.load(ls)
	}
	if err != nil {
		return nil, fmt.Errorf("the standard library: %w", err)
	}
	p.Analyze()
	if s.Files, err = p.Compile(); err != nil {
		return nil, fmt.Errorf("the standard library: %w", err)
	}
	s.Funcs = map[string]bool{}
	for f := range p.reached {
		if f.Obj != nil && f.Obj.Exported() {
			s.Funcs[f.Obj.FullName()] = true
		}
	}
	text, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	return s, Store(name, text)
}

// stdKey names what Standard depends on.
func stdKey(of *Listing) (string, error) {
	self, err := Self()
	if err != nil {
		return "", err
	}
	e := of.env
	text := fmt.Sprintf("%s %q %q", self, []string{e.version, e.root, e.os, e.arch, e.experiment, e.cgo}, of.flags)
	return fmt.Sprintf("%x", sha256.Sum256([]byte(text))), nil
}

// Self names the fiberc that runs, by what is in its file.
var Self = sync.OnceValues(func() (string, error) {
	exe, err := os.Executable()
	if err != nil {
		return "", err
	}
	f, err := os.Open(exe)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return fmt.Sprintf("%x", h.Sum(nil)), nil
})

// funcOf returns the function of the program, or of the standard library, that fn is.
func (p *Program) funcOf(fn *types.Func) *Func {
	fn = fn.Origin()
	f := p.funcs[fn]
	if f == nil && p.std != nil && p.std.Funcs[fn.FullName()] {
		f = &Func{Pkg: p.stdPackage(fn.Pkg()), Obj: fn, Sig: fn.Signature(), MayPark: true, ready: true, parks: true}
		f.setName()
		p.funcs[fn] = f
	}
	return f
}

func (p *Program) stdPackage(t *types.Package) *Package {
	pkg := p.byPkg[t]
	if pkg == nil {
		pkg = newPackage(t.Path(), t)
		p.byPkg[t] = pkg
	}
	return pkg
}

// CacheDir returns fiberc's folder in the user's cache, which it makes.
func CacheDir() (string, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no cache folder: %w", err)
	}
	base = filepath.Join(base, "fiberc")
	if err := os.MkdirAll(base, 0o777); err != nil {
		return "", fmt.Errorf("the cache folder cannot be written: %w", err)
	}
	return base, nil
}

// Store writes a file of the cache folder, all of it or nothing, unless it is there.
func Store(name string, text []byte) error {
	if _, err := os.Stat(name); err == nil {
		return nil
	}
	tmp, err := os.CreateTemp(filepath.Dir(name), "new")
	if err == nil {
		_, err = tmp.Write(text)
		if cerr := tmp.Close(); err == nil {
			err = cerr
		}
		if err == nil {
			err = os.Rename(tmp.Name(), name)
		}
	}
	if err != nil {
		return fmt.Errorf("the cache folder cannot be written: %w", err)
	}
	return nil
}
