package compile

import (
	"fmt"
	"os"
	"testing"
)

// The cases of testdata, both ways. Which of their functions may stay on a stack is
// listed here by name, so that a compiler which gives up more of them is noticed.

// hard are the functions of hard.go.txt and hard2.go.txt that stay on a stack: those that
// have names like generated ones, and literals that are not only called.
const hard = `
main.T_n main.reservedNames main.reservedNames.func1 main.reservedNames.func2
main.trustMade.func1.func1 main.trustGoroutines.func2
main.trustGoroutines.func4 main.trustMethods.func1
main.trustMethods.func4 main.trustMethods.func5 main.trustMethods.func6 main.paramSet.func1
main.paramAssigned.func1 main.trustPassed.func1 main.trustPassed.func4
main.trustPassed.func8 main.returned.func1 main.trustShadowed.func4
main.trustShadowed.func6 main.trustShadowed.func7 main.trustForeign.func1 main.trustForeign.func3
main.trustForeign.func5.func1 main.trustForeign.func6 main.trustForeign.func7
main.trustForeign.func8
main.shadowedType main.shadowedType.func1`

// rangesOnStack are the loops of rangefunc.go.txt over iterators that are not known, or
// not compiled.
const rangesOnStack = `
main.quietDefers-range2 main.overPanics.func7 main.overPanics.func7-range1
main.overMisuse.func3 main.overMisuse.func3-range1 main.overMisuse.func4.func1
main.overMisuse.func4.func1-range1 main.overMisuse.func7 main.overMisuse.func7-range1
main.overAdapters-range6 main.overAdapters-range7 main.overValues-range4 main.overValues-range5
main.overValues-range7 main.overValues-range9 main.overValues-range10 main.overForeign
main.overForeign-range1 main.overForeign-range2 main.overForeign-range3 main.overForeign-range4
main.overForeign-range5 main.overForeign.func2 main.overForeign.func3 main.overGoroutines-range3
main.overAdapters.func1 main.overForeign.func1 main.overForeign.func3-range1 main.overPulled.func1`

// hardOnStack are the functions of rangehard.go.txt whose names hide what generated code
// names, and what escapes or is made in a way that is not followed.
const hardOnStack = `
main.shadowNames-range1 main.shadowNames-range1-range1 main.makerEscapes.func2
main.makerEscapes.func3 main.makeNamed.func1.func1 main.makeBare.func1 main.makerNamed-range2
main.makerKinds.func1 main.deferredYield.func2 main.deferredYield.func2-range1
main.deferredYield.func3.func1.func2 main.shadowT main.shadowT-range1 main.shadowT-range1.func1
main.shadowT-range1.func2 main.box3.blankParam main.box3.blankParam-range1
main.box3.blankParam-range1.func1 main.least main.least.func1 main.least-range1
main.overRecover.func4 main.overRecover.func4-range1 main.overRecover.func4.func2
main.unlowered.func1 main.makerChain main.makerChain-range1 main.unnamedLits.func1 main.hiddenTypes main.hiddenPackage main.hiddenMaker
main.hiddenMaker-range1 main.hiddenStack main.hiddenStack-range1 main.makeNamed.func2
main.makerNamed-range1 main.makerNamed.func1 main.makerNamed.func1-range1
main.deferredYield.func3 main.deferredYield.func3-range1 main.deferredYield.func4
main.deferredYield.func4-range1 main.loopsElsewhere main.loopsElsewhere-range1
main.loopsElsewhere-range2 main.replaced6.func2 main.makerReplaced main.makerReplaced-range1
main.makerReplaced.func1 main.kept6-range1.func2 main.kept6-range2`

// The same program, both ways.
func TestCases(t *testing.T) {
	t.Parallel()
	sources := func() map[string]string {
		m := map[string]string{"allowed": "main.callbacks.func1 main.callbacks.func2 main.aroundType main.aroundType.func1 main.aroundType.func2 " + hard + rangesOnStack + hardOnStack}
		for _, name := range []string{"cases", "defers", "generics", "values", "forms", "defers2", "around", "hard", "hard2", "rangefunc", "genericlits", "rangehard"} {
			text, err := os.ReadFile("testdata/" + name + ".go.txt")
			if err != nil {
				t.Fatal(err)
			}
			m[name+".go"] = string(text)
		}
		m["js.go"] = "package main\n\nimport \"github.com/heddle-go/heddle/fiber\"\n\nfunc init() { cases = append(cases, inJS) }\n\n" +
			"func inJS(f *fiber.Fiber, t *T) { t.log(t.n(f, 1)) }\n"
		return m
	}
	for _, race := range []bool{false, true} {
		if race && !*full {
			continue
		}
		t.Run(fmt.Sprintf("race=%t", race), func(t *testing.T) {
			t.Parallel()
			m := sources()
			if race {
				m["quick"] = "yes" // good code is the other's
			}
			s := build(t, race, m)
			s.compare(t, "1", "2", "3", "4", "5", "6")
		})
	}
}
