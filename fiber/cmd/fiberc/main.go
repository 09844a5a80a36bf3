// Fiberc builds programs whose handlers hold no stack while they wait: it turns functions
// that may park into state machines and hands the result to the go command. The sources
// stay as they are, and mean the same under plain go build. See docs/COMPILER.md.
//
//	fiberc build|run|test|vet [go's flags] [packages]
//	fiberc explain [-json] [-test] [go's build flags] [packages]
//
// -keep dir, before the packages, writes the generated files to dir as well.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
)

func main() {
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
	inv, err := parse(args[0], args[1:])
	if err != nil {
		return 2, err
	}
	switch inv.command {
	case "build", "run", "test", "vet":
		return inv.run()
	case "explain":
		return inv.explain()
	}
	return 2, fmt.Errorf("unknown command %q: want build, run, test, vet or explain", inv.command)
}

// goCommand runs the go command and returns its exit code.
func goCommand(args ...string) (int, error) {
	cmd := exec.Command("go", args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode(), nil
	}
	return 0, err
}
