// Command typecheck type-checks packages and their tests, with everything they import, from
// source for the system that GOOS and GOARCH name. It finds what a build for that system
// would, but for what only a linker sees, at a tenth of the cost, since no code is made:
//
//	GOOS=openbsd typecheck PATTERN...
//
// It prints each error with its place and ends with status 1 if there is one.
package main

import (
	"fmt"
	"os"

	"golang.org/x/tools/go/packages"
)

func main() {
	c := &packages.Config{
		Mode:  packages.NeedName | packages.NeedFiles | packages.NeedImports | packages.NeedDeps | packages.NeedTypes | packages.NeedSyntax | packages.NeedTypesInfo,
		Tests: true,
		Env:   append(os.Environ(), "CGO_ENABLED=0"),
	}
	list, err := packages.Load(c, os.Args[1:]...)
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("%q match no package", os.Args[1:])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "typecheck:", err)
		os.Exit(1)
	}
	if packages.PrintErrors(list) > 0 {
		os.Exit(1)
	}
}
