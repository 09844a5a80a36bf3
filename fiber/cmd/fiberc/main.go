// Fiberc builds programs whose handlers hold no stack while they wait: it turns functions
// that may park into state machines and hands the result to the go command. The sources
// stay as they are, and mean the same under plain go build. See docs/COMPILER.md.
//
//	fiberc build|run|test|vet [go's flags] [packages]
//	fiberc explain [-json] [-test] [go's build flags] [packages]
//
// vet runs go vet, and the checks of package internal/vet beside it; the command also
// works as go vet -vettool=$(which fiberc).
//
// -keep dir, before the packages, writes the generated files to dir as well.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
)

func main() {
	if isVetTool(os.Args[1:]) {
		vetTool()
	}
	code, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "fiberc:", err)
		os.Exit(max(code, 1))
	}
	os.Exit(code)
}

// run executes a command and returns the exit code.
func run(args []string) (int, error) {
	if len(args) == 0 {
		return 2, errors.New("usage: fiberc build|run|test|vet|explain [flags] [packages]")
	}
	switch args[0] {
	case "help", "-h", "-help", "--help":
		fmt.Print(usage)
		return 0, nil
	}
	if args[0] == "vet" {
		return goVet(args[1:])
	}
	inv, err := parse(args[0], args[1:])
	if err != nil {
		return 2, err
	}
	switch inv.command {
	case "build", "run", "test":
		return inv.run()
	case "explain":
		return inv.explain()
	}
	return 2, fmt.Errorf("unknown command %q: want build, run, test, vet or explain", inv.command)
}

const usage = `fiberc builds programs whose handlers hold no stack while they wait.

	fiberc build|run|test|vet [go's flags] [packages]
	fiberc explain [-json] [-test] [go's build flags] [packages]

-keep dir, before the packages, writes the generated files to dir as well.
explain says what became of each handler, vet what holds up a loop.
`

// goCommand runs the go command and returns its exit code.
func goCommand(args ...string) (int, error) { return runGo(os.Stderr, args...) }

// runGo is goCommand with another place for what the go command complains of.
func runGo(stderr io.Writer, args ...string) (int, error) {
	cmd := exec.Command("go", args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode(), nil
	}
	return 0, err
}
