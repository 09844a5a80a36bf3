package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// vetProgram has a fault of each kind. "// want name" stands where it is to be reported.
const vetProgram = `package main

import (
	"fmt"
	"runtime"
	"sync"
	"time"

	"app/store"
	"github.com/heddle-go/heddle/httpfw"
	"github.com/heddle-go/heddle/netpoll"
)

var mu sync.Mutex

func main() {
	app := httpfw.New(httpfw.Config{})
	app.Get("/slow", func(c *httpfw.Ctx) error {
		store.Load()  // want fiberblock
		time.Sleep(1) //fiberc:ignore fiberblock a test
		c.Block(func() { store.Load() })
		return c.Text(200, "ok")
	})
	app.Get("/lock", func(c *httpfw.Ctx) error {
		mu.Lock()
		defer mu.Unlock()
		_, err := c.Write([]byte("text")) // want fibermutex
		return err
	})
	app.Get("/query", func(c *httpfw.Ctx) error {
		q := c.RawQuery()
		if _, err := c.BodyBytes(); err != nil {
			return err
		}
		return c.Text(200, string(q)) // want fiberborrow
	})
	app.Run(":8080")
	fmt.Printf("%d", "x") // want printf
}

func echo(v *netpoll.View) error {
	for {
		b, err := v.Receive()
		if err != nil {
			return err
		}
		if _, err := v.Write(b); err != nil {
			return err
		}
		v.Consume(len(b))
	}
}

func locked(v *netpoll.View) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	v.Close() // want fiberthread
}

var _ = []any{echo, locked} //fiberc:ignore // want fiberignore
`

const vetStore = `package store

import "time"

func Load() { time.Sleep(time.Second) }
`

func TestVet(t *testing.T) {
	if !*full {
		t.Skip("vets the standard library: -args -full")
	}
	t.Parallel()
	exe := fiberc(t)
	env := environment(t)
	goMod := localMod(t)
	dir := writeModule(t, goMod, vetProgram)
	if err := os.Mkdir(filepath.Join(dir, "store"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "store", "store.go"), []byte(vetStore), 0o666); err != nil {
		t.Fatal(err)
	}
	var all, own []string // the lines with faults; those of fiberc's analyzers
	for i, line := range strings.Split(vetProgram, "\n") {
		if _, name, ok := strings.Cut(line, "// want "); ok {
			all = append(all, strconv.Itoa(i+1))
			if name != "printf" {
				own = append(own, strconv.Itoa(i+1))
			}
		}
	}

	t.Run("fiberc vet", func(t *testing.T) {
		_, errs, code := run1(t, dir, env, exe, "vet", "./...")
		if got := reported(errs); !slices.Equal(got, all) || code != 1 {
			t.Errorf("lines %v, exit code %d, want %v\n%s", got, code, all, errs)
		}
	})
	t.Run("go vet -vettool", func(t *testing.T) {
		_, errs, code := run1(t, dir, env, "go", "vet", "-vettool="+exe, "./...")
		if got := reported(errs); !slices.Equal(got, own) || code != 1 {
			t.Errorf("lines %v, exit code %d, want %v\n%s", got, code, own, errs)
		}
		if !strings.Contains(errs, "store.Load blocks every fiber of this loop (store.Load → time.Sleep): call it in Block") {
			t.Errorf("no chain in %s", errs)
		}
	})
	t.Run("flags go to whom they belong", func(t *testing.T) {
		_, errs, code := run1(t, dir, env, exe, "vet", "-printf=false", "-fiberblock=false", "-fiberborrow=false", "-tags", "x", "./...")
		if got := reported(errs); len(got) != len(own)-2 || code != 1 {
			t.Errorf("lines %v, exit code %d\n%s", got, code, errs)
		}
	})
	t.Run("json", func(t *testing.T) {
		out, errs, code := run1(t, dir, env, exe, "vet", "-json", "./...")
		found := map[string]int{}
		for d := json.NewDecoder(strings.NewReader(out)); d.More(); {
			var tree map[string]map[string][]struct{ Posn string }
			if err := d.Decode(&tree); err != nil {
				t.Fatalf("%v in %s", err, out)
			}
			for _, byName := range tree {
				for name, list := range byName {
					found[name] += len(list)
				}
			}
		}
		if code != 0 || len(found) != 6 || found["printf"] != 1 || found["fiberblock"] != 1 || found["fiberignore"] != 1 {
			t.Errorf("found %v, exit code %d\n%s%s", found, code, out, errs)
		}
	})
	t.Run("what does not type-check is said once", func(t *testing.T) {
		dir := writeModule(t, goMod, strings.Replace(program, "os.Exit(3)", "os.Exit(three)", 1))
		_, want, code := run1(t, dir, env, "go", "vet", ".")
		_, got, gotCode := run1(t, dir, env, exe, "vet", ".")
		if got != want || code != gotCode || want == "" {
			t.Errorf("%q %d, want %q %d", got, gotCode, want, code)
		}
	})
	t.Run("nothing to say", func(t *testing.T) {
		dir := writeModule(t, goMod, program)
		if out, errs, code := run1(t, dir, env, exe, "vet"); out != "" || reported(errs) != nil || code != 0 {
			t.Errorf("%q %q %d", out, errs, code)
		}
	})
}

// reported returns the lines that are reported, in order and once each.
func reported(errs string) (lines []string) {
	for _, m := range regexp.MustCompile(`(?m)^(?:vet: )?(?:\./)?main\.go:(\d+):\d+: `).FindAllStringSubmatch(errs, -1) {
		lines = append(lines, m[1])
	}
	slices.SortFunc(lines, func(a, b string) int {
		x, _ := strconv.Atoi(a)
		y, _ := strconv.Atoi(b)
		return x - y
	})
	return slices.Compact(lines)
}
