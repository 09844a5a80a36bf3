package compile

import (
	"strings"
	"testing"
)

// A package with an error or a true of its own would have them in generated code too.
func TestHiddenNames(t *testing.T) {
	t.Parallel()
	sources := map[string]string{"folders": "yes", "allowed": "main.main.func1 main.pause"}
	names := map[string]string{"error": "type error interface{ Error() string }", "true": "const true = 1 > 2", "len": "func len(string) int { return 7 }"}
	for name, decl := range names {
		sources[name+"/main.go"] = `package main

import (
	"fmt"

	"github.com/heddle-go/heddle/fiber"
)

` + decl + `

func max(a, b int) int { return -a }

func main() {
	rt, _ := fiber.New(fiber.Config{Loops: 1})
	rt.Start()
	done := make(chan bool)
	rt.Go(func(f *fiber.Fiber) {
		pause(f)
		fmt.Println(max(1, 2))
		close(done)
	})
	<-done
}

func pause(f *fiber.Fiber) { f.Yield() }
`
	}
	s := build(t, false, sources)
	for name, decl := range names {
		if plain, compiled := s.run(t, s.plain+name), s.run(t, s.compiled+name); plain != compiled || !strings.Contains(plain, "-1") {
			t.Errorf("%s: %q %q", decl, plain, compiled)
		}
	}
}
