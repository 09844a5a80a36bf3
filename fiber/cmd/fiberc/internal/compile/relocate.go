package compile

import (
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
)

// Files of the module cache cannot be overlaid. A module there that has something to
// compile is copied to a folder of fiberc's, and the go.mod, or go.work, of the build is
// overlaid by one that replaces the module by the copy.

// Relocate makes out name files in copies, under dir, of the modules that lie in the
// module cache, and adds the file that makes the go command use the copies, which it
// returns too.
func (p *Program) Relocate(out Output, dir string) (Output, []string, error) {
	copies := map[string]string{} // module path -> its copy
	moved := Output{}
	for path, text := range out {
		if !p.env.cached(path) {
			moved[path] = text
			continue
		}
		pkg := p.packageIn(filepath.Dir(path))
		if pkg == nil || pkg.Module == nil {
			return nil, nil, fmt.Errorf("no module for %s", path)
		}
		from := pkg.Module.dir()
		to := filepath.Join(dir, strings.TrimPrefix(from, p.env.modCache))
		if copies[pkg.Module.Path] == "" {
			if err := copyModule(from, to, pkg.Module.GoMod); err != nil {
				return nil, nil, fmt.Errorf("the copy of module %s: %w", pkg.Module.Path, err)
			}
			copies[pkg.Module.Path] = to
		}
		moved[filepath.Join(to, strings.TrimPrefix(path, from))] = text
	}
	if len(copies) == 0 {
		return out, nil, nil
	}
	name, text, err := p.replacing(copies)
	if err != nil {
		return nil, nil, err
	}
	moved[name] = text
	return moved, slices.Sorted(maps.Values(copies)), nil
}

func (p *Program) packageIn(dir string) *Package {
	for _, pkg := range p.Pkgs {
		if pkg.Dir == dir {
			return pkg
		}
	}
	return nil
}

// replacing returns the go.mod or go.work of the build with the modules replaced.
func (p *Program) replacing(copies map[string]string) (string, []byte, error) {
	name := p.env.mod
	if p.env.work != "" && p.env.work != "off" {
		name = p.env.work
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return "", nil, err
	}
	if name == p.env.work {
		f, err := modfile.ParseWork(name, text, nil)
		if err != nil {
			return "", nil, err
		}
		for path, dir := range copies {
			for _, r := range f.Replace {
				if r.Old.Path == path {
					f.DropReplace(path, r.Old.Version)
				}
			}
			if err := f.AddReplace(path, "", dir, ""); err != nil {
				return "", nil, err
			}
		}
		f.Cleanup()
		return name, modfile.Format(f.Syntax), nil
	}
	f, err := modfile.Parse(name, text, nil)
	if err != nil {
		return "", nil, err
	}
	for path, dir := range copies {
		for _, r := range f.Replace {
			if r.Old.Path == path {
				f.DropReplace(path, r.Old.Version)
			}
		}
		if err := f.AddReplace(path, "", dir, ""); err != nil {
			return "", nil, err
		}
	}
	f.Cleanup()
	text, err = f.Format()
	return name, text, err
}

// copyModule copies a module once: what is in the cache never changes.
func copyModule(from, to, goMod string) error {
	if _, err := os.Stat(to); err == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(filepath.Dir(to), "new")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	err = filepath.WalkDir(from, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(from, path)
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(tmp, rel), 0o777)
		}
		return copyFile(path, filepath.Join(tmp, rel))
	})
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(tmp, "go.mod")); err != nil && goMod != "" {
		if err := copyFile(goMod, filepath.Join(tmp, "go.mod")); err != nil {
			return err
		}
	}
	if err := os.Rename(tmp, to); err != nil && !os.IsExist(err) {
		if _, serr := os.Stat(to); serr != nil {
			return err
		}
	}
	return nil
}

func copyFile(from, to string) error {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := os.Create(to)
	if err != nil {
		return err
	}
	if _, err := io.Copy(dst, src); err != nil {
		dst.Close()
		return err
	}
	return dst.Close()
}
