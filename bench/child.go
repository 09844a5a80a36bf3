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
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// child is a process of ours on one core: this program again, which pins itself
// and becomes the other (see proc.Pin).
type child struct {
	command *exec.Cmd
	lines   *bufio.Scanner // its standard output
	errors  *tail
	stdin   io.Closer
	once    sync.Once
}

// place is where and how a process runs.
type place struct {
	core  int
	nice  int
	procs int // GOMAXPROCS
}

// startChild starts a program in its place.
func startChild(ctx context.Context, at place, program string, arguments ...string) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := &child{errors: &tail{}}
	c.command = exec.CommandContext(ctx, self, append([]string{"pin", strconv.Itoa(at.core), strconv.Itoa(at.nice), program}, arguments...)...)
	c.command.Env = append(os.Environ(), "GOMAXPROCS="+strconv.Itoa(at.procs))
	c.command.Stderr = c.errors
	dieWithParent(c.command)
	stdout, err := c.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.lines = bufio.NewScanner(stdout)
	if c.stdin, err = c.command.StdinPipe(); err != nil {
		return nil, err
	}
	return c, c.command.Start()
}

func (c *child) pid() int { return c.command.Process.Pid }

// kill ends the process and waits for its end. It may be called again.
func (c *child) kill() {
	c.once.Do(func() {
		c.command.Process.Kill()
		c.command.Wait()
	})
}

// terminateTime is how long a server may take to write its profile.
const terminateTime = 5 * time.Second

// terminate asks the process to end, for the sake of its profile, and then kills it.
func (c *child) terminate() {
	c.once.Do(func() {
		c.command.Process.Signal(syscall.SIGTERM)
		late := time.AfterFunc(terminateTime, func() { c.command.Process.Kill() })
		defer late.Stop()
		c.command.Wait()
	})
}

// line returns the next line of output.
func (c *child) line() (string, error) {
	if c.lines.Scan() {
		return c.lines.Text(), nil
	}
	c.kill()
	if said := c.errors.String(); said != "" {
		return "", errors.New(said)
	}
	return "", fmt.Errorf("it ended: %v", c.command.ProcessState)
}

// listening finds the address in what a server prints when it listens, be it
// "listening on 127.0.0.1:PORT" or a URL.
var listening = regexp.MustCompile(`127\.0\.0\.1:([1-9][0-9]*)`)

// startTime is how long a server may take until it listens.
const startTime = 10 * time.Second

// startServer starts a server and returns where it listens.
func startServer(ctx context.Context, at place, program string, arguments ...string) (*child, string, error) {
	c, err := startChild(ctx, at, program, append(arguments, "-addr", "127.0.0.1:0")...)
	if err != nil {
		return nil, "", err
	}
	late := time.AfterFunc(startTime, func() { c.command.Process.Kill() })
	defer late.Stop()
	for {
		text, err := c.line()
		if err != nil {
			return nil, "", fmt.Errorf("does not listen: %w", err)
		}
		if found := listening.FindString(text); found != "" {
			go func() { // what it says later is of no interest, but must not stop it
				for c.lines.Scan() {
				}
			}()
			return c, found, nil
		}
	}
}

// ask runs a subcommand of this program: specification in, result out, both in JSON.
func ask(ctx context.Context, at place, subcommand string, specification, result any) error {
	c, err := startSelf(ctx, at, subcommand, specification)
	if err != nil {
		return err
	}
	defer c.kill()
	return c.result(result)
}

// startSelf starts a subcommand of this program.
func startSelf(ctx context.Context, at place, subcommand string, specification any) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(specification)
	if err != nil {
		return nil, err
	}
	return startChild(ctx, at, self, subcommand, string(text))
}

// result reads the next line as JSON.
func (c *child) result(result any) error {
	text, err := c.line()
	if err != nil {
		return err
	}
	return json.Unmarshal([]byte(text), result)
}

// tail is a writer that keeps the end of what a child says in its last words.
type tail struct {
	mu   sync.Mutex
	text []byte // under mu
}

const tailMax = 2 << 10

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, b...)
	if over := len(t.text) - tailMax; over > 0 {
		t.text = append(t.text[:0], t.text[over:]...)
	}
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(bytes.ToValidUTF8(t.text, nil)))
}
