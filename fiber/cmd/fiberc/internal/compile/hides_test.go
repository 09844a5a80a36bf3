package compile

import (
	"strings"
	"testing"
)

// A package with an error or a true of its own would have them in generated code too.
func TestHiddenNames(t *testing.T) {
	for _, decl := range []string{"type error interface{ Error() string }", "const true = 1 > 2", "func len(string) int { return 7 }"} {
		s := build(t, false, map[string]string{"allowed": "main.main.func1 main.main main.pause", "main.go": `package main

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
`})
		if plain, compiled := s.run(t, s.plain), s.run(t, s.compiled); plain != compiled || !strings.Contains(plain, "-1") {
			t.Errorf("%s: %q %q", decl, plain, compiled)
		}
	}
}
