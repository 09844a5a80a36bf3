package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A program may be named by its files, from wherever they lie, and then what is generated
// for them belongs to it.
func TestFiles(t *testing.T) {
	t.Parallel()
	exe, env := fiberc(t), environment(t)
	dir := writeModule(t, localMod(t), `package main

import (
	"fmt"

	"github.com/heddle-go/heddle/fiber"
)

func main() {
	rt, _ := fiber.New(fiber.Config{Loops: 1})
	rt.Start()
	done := make(chan bool)
	rt.Go(func(f *fiber.Fiber) {
		wait(f, func() { f.Yield() })
		fmt.Println(holds(f))
		close(done)
	})
	<-done
}
`)
	other := `package main

import "github.com/heddle-go/heddle/fiber"

func wait(f *fiber.Fiber, fn func()) { f.Yield(); fn() }

func holds(f *fiber.Fiber) string { f.Yield(); return "waited" }
`
	if err := os.WriteFile(filepath.Join(dir, "other.go"), []byte(other), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"run", "main.go", "other.go"},
		{"run", "./main.go", "./other.go", "argument"},
		{"run", filepath.Join(dir, "main.go"), filepath.Join(dir, "other.go")},
	} {
		out, errs, code := run1(t, dir, env, exe, args...)
		if code != 0 || out != "waited\n" {
			t.Errorf("%v: exit code %d\n%s%s", args, code, out, errs)
		}
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	for _, arg := range []string{"help", "-h", "-help", "--help"} {
		out, errs, code := run1(t, t.TempDir(), environment(t), fiberc(t), arg)
		if code != 0 || errs != "" || !strings.Contains(out, "fiberc build|run|test|vet") {
			t.Errorf("%s: exit code %d\n%s%s", arg, code, out, errs)
		}
	}
}

// go test takes flags behind the packages as well: those that say what is built count.
func TestFlagsBehind(t *testing.T) {
	t.Parallel()
	inv, err := parse("test", []string{"-race", "./a", "-tags", "x,y", "-run=Z", "-mod=mod", "-args", "-tags", "no"})
	if err != nil || strings.Join(inv.build, " ") != "-race -tags x,y -mod=mod" || strings.Join(inv.packages, " ") != "./a" {
		t.Errorf("%+v, %v", inv, err)
	}
}
