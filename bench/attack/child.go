package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
)

// A child is this program again in another role. It answers each line on its standard
// input with a line of JSON on its standard output, and ends with its input.
type child struct {
	command *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
	errors  bytes.Buffer
	once    sync.Once
}

// startChild starts a role with a specification; first is the option of that name.
func startChild(ctx context.Context, first bool, role string, specification any) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(specification)
	if err != nil {
		return nil, err
	}
	arguments := []string{self, role, string(text)}
	if first {
		arguments = append([]string{"chrt", "-f", "1"}, arguments...)
	}
	c := &child{command: exec.CommandContext(ctx, arguments[0], arguments[1:]...)}
	dieWithParent(c.command)
	c.command.Stderr = &c.errors
	if c.in, err = c.command.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := c.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.out = bufio.NewReader(out)
	return c, c.command.Start()
}

// read reads the next line.
func (c *child) read(result any) error {
	line, err := c.out.ReadBytes('\n')
	if err != nil {
		c.kill()
		return fmt.Errorf("a process of the bench ended: %w: %s", err, c.errors.String())
	}
	return json.Unmarshal(line, result)
}

// ask sends a word and reads the answer.
func (c *child) ask(word string, result any) error {
	if _, err := io.WriteString(c.in, word+"\n"); err != nil {
		return err
	}
	return c.read(result)
}

// kill ends the process. It may be called again.
func (c *child) kill() {
	c.once.Do(func() {
		c.command.Process.Kill()
		c.command.Wait()
	})
}

// obey answers lines on standard input until it ends: the child's side.
func obey(answer func(word string) (any, error)) error {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		v, err := answer(lines.Text())
		if err != nil {
			return err
		}
		if err := say(v); err != nil {
			return err
		}
	}
	return lines.Err()
}

// say writes a line.
func say(v any) error { return json.NewEncoder(os.Stdout).Encode(v) }

// errWord: nobody knows that word.
var errWord = errors.New("unknown word")
