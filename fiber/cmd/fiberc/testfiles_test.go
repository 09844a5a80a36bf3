package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fiberc test compiles what lies in test files: of the package, of its external tests,
// and of packages that import it, whose build has it without its tests.
func TestTestFiles(t *testing.T) {
	t.Parallel()
	exe := fiberc(t)
	env := environment(t)
	const imports = `import (
	"runtime"
	"testing"
	"time"

	"github.com/heddle-go/heddle/fiber"
)

`
	const held = `
// held starts 100 fibers and reports whether each holds a goroutine.
func held(t *testing.T, fn func(f *fiber.Fiber)) bool {
	rt, err := fiber.New(fiber.Config{Loops: 1, StallAfter: -1}) // or goroutines help out
	if err != nil {
		t.Fatal(err)
	}
	rt.Start()
	waiting := make(chan bool, 100)
	for range 100 {
		rt.Go(func(f *fiber.Fiber) {
			waiting <- true
			fn(f)
		})
	}
	for range 100 {
		<-waiting
	}
	rt.Loops()[0].Post(func() { waiting <- true })
	<-waiting // those before have gone to sleep
	return runtime.NumGoroutine() > 50
}
`
	files := map[string]string{
		"go.mod": localMod(t),
		// Their names would mean something with a prefix.
		"p/test.go":    "package p\n\nimport \"github.com/heddle-go/heddle/fiber\"\n\nfunc InTest(f *fiber.Fiber) { sleep(f) }\n",
		"p/windows.go": "package p\n\nimport \"github.com/heddle-go/heddle/fiber\"\n\nfunc InWindows(f *fiber.Fiber) { InTest(f) }\n",
		"p/p.go": `package p

import (
	"time"

	"github.com/heddle-go/heddle/fiber"
)

type List[T any] []T

func (l List[T]) Wait(f *fiber.Fiber) {
	for range l {
		f.Sleep(time.Hour)
	}
}

type Sleeper interface{ Doze(n int, f *fiber.Fiber) }

type Bed struct{}

func (b *Bed) Doze(n int, f *fiber.Fiber) { InWindows(f) }

func sleep(f *fiber.Fiber) { List[int]{1, 2, 3}.Wait(f) }

func (b *Bed) Value(f *fiber.Fiber) { b.Doze(1, f) }

// These are used as values by tests only.
func Unwaiting(f *fiber.Fiber) { sleep(f) }

func Passed(f *fiber.Fiber) error { sleep(f); return nil }

func Inner(f *fiber.Fiber) { sleep(f) }

func Outer(f *fiber.Fiber) { sleep(f) }

func Field(f *fiber.Fiber) { sleep(f) }

func unexported(f *fiber.Fiber) { sleep(f) }

func Kept(f *fiber.Fiber) { sleep(f) }

func Late(f *fiber.Fiber) { sleep(f) }

func Each(yield func(int) bool) { _ = yield(1) && yield(2) }

func Do(fn func() error) error { return fn() }

func Generic[T any](f *fiber.Fiber) { sleep(f) }

type Shelf[T any] struct{}

func (s Shelf[T]) Wait(f *fiber.Fiber) { sleep(f) }
`,
		"p/export_test.go": "package p\n\nimport \"github.com/heddle-go/heddle/fiber\"\n\nvar Sleep = sleep\n\nfunc Nap(f *fiber.Fiber) { sleep(f) }\n\n" +
			"func (l List[T]) Second(f *fiber.Fiber) { l[1:].Wait(f) }\n\nfunc (b *Bed) Third(f *fiber.Fiber) { b.Doze(3, f) }\n",
		"p/p_test.go": "package p\n\n" + imports + held + `
type cot struct{ n int }

func (c cot) Doze(n int, f *fiber.Fiber) { f.Sleep(time.Hour) }

func doze(s Sleeper, f *fiber.Fiber) { s.Doze(2, f) }

func TestInside(t *testing.T) {
	b := &Bed{}
	for i, fn := range []func(f *fiber.Fiber){
		func(f *fiber.Fiber) { sleep(f) },
		func(f *fiber.Fiber) { f.Sleep(time.Hour) },
		func(f *fiber.Fiber) { doze(cot{i3()}, f) },
		func(f *fiber.Fiber) { doze(b, f) },
		func(f *fiber.Fiber) { List[string]{"", ""}.Second(f) },
		Unwaiting, b.Value, b.Third,
		func(f *fiber.Fiber) { g := fiber.NewGroup(f); g.Go(Passed); g.Wait(f) },
		func(f *fiber.Fiber) {
			for range Each {
				f.Sleep(time.Hour)
			}
		},
		func(f *fiber.Fiber) { Do(func() error { return f.Sleep(time.Hour) }) },
		table["inner"], field.fn, made(), kept, Generic[int], Shelf[int]{}.Wait,
	} {
		if held(t, fn) {
			t.Errorf("function %d holds a goroutine", i)
		}
	}
}

var table = map[string]func(f *fiber.Fiber){"inner": (Inner)}

var field = struct{ fn func(*fiber.Fiber) }{unexported}

var kept = Kept

func made() func(*fiber.Fiber) { return Outer }

func i3() int { return 3 }
`,
		"p/x_test.go": "package p_test\n\n" + strings.Replace(imports, "\"github", "\"app/p\"\n\t\"github", 1) + held + `
func TestOutside(t *testing.T) {
	b := &p.Bed{}
	for i, fn := range []func(f *fiber.Fiber){
		func(f *fiber.Fiber) { p.Nap(f) },
		func(f *fiber.Fiber) { p.InTest(f); time.Sleep(0) },
		func(f *fiber.Fiber) { var s p.Sleeper = b; s.Doze(1, f) },
		p.Unwaiting, b.Value, b.Third, p.Generic[string], p.Field, p.Shelf[bool]{}.Wait,
	} {
		if held(t, fn) {
			t.Errorf("function %d holds a goroutine", i)
		}
	}
}
`,
		"q/q.go": "package q\n\nimport (\n\t\"app/p\"\n\n\t\"github.com/heddle-go/heddle/fiber\"\n)\n\nfunc Q(f *fiber.Fiber) { p.InWindows(f) }\n\ntype Bunk struct{ p.Bed }\n",
		"q/q_test.go": "package q\n\n" + strings.Replace(imports, "\"github", "\"app/p\"\n\t\"github", 1) + held + `
func TestQ(t *testing.T) {
	for i, fn := range []func(f *fiber.Fiber){
		func(f *fiber.Fiber) { Q(f); time.Sleep(0) },
		func(f *fiber.Fiber) { var s p.Sleeper = &Bunk{}; s.Doze(1, f) },
		p.Late, p.Generic[float64],
	} {
		if held(t, fn) {
			t.Errorf("function %d holds a goroutine", i)
		}
	}
}
`,
	}
	dir := t.TempDir()
	for name, text := range files {
		os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o777)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if out, errs, code := run1(t, dir, env, "go", "test", "-vet=off", "./..."); code == 0 || !strings.Contains(out, "function 0 holds") {
		t.Errorf("plain: %d\n%s%s", code, out, errs)
	}
	keep := t.TempDir()
	if out, errs, code := run1(t, dir, env, exe, "test", "-keep", keep, "./..."); code != 0 {
		t.Errorf("compiled: %d\n%s%s", code, out, errs)
	}
	for _, name := range []string{"zz_fiberc.go", "zz_fiberc_test.go", "zz_fibercx_test.go", "zz_fiberc_p.go", "zz_fiberc_test_.go",
		"zz_fiberc_windows_.go", "zz_fiberc_p_test.go", "zz_fiberc_x_test.go", "zz_fiberc_export_test.go"} {
		if _, err := os.Stat(filepath.Join(keep, "p", name)); err != nil {
			t.Error(err)
		}
	}
	// What is no test's is the same without tests.
	if out, errs, code := run1(t, dir, env, exe, "build", "./..."); code != 0 {
		t.Errorf("build: %d\n%s%s", code, out, errs)
	}
	// A single package, and a package that the named one imports.
	if out, errs, code := run1(t, dir, env, exe, "test", "./q"); code != 0 {
		t.Errorf("compiled: %d\n%s%s", code, out, errs)
	}
}
