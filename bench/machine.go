package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// Machine is where and how figures were made: without it they mean nothing.
type Machine struct {
	CPU     string `json:"cpu"`
	Cores   int    `json:"cores"`
	Kernel  string `json:"kernel"`
	Go      string `json:"go"`
	Commit  string `json:"commit"`
	Command string `json:"command"`
	Time    string `json:"time"`
}

func thisMachine() Machine {
	m := Machine{
		CPU:     "unknown",
		Cores:   runtime.NumCPU(),
		Kernel:  "unknown",
		Go:      runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH,
		Commit:  commit(),
		Command: "go run ./bench " + strings.Join(os.Args[1:], " "),
		Time:    time.Now().UTC().Format(time.RFC3339),
	}
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		m.CPU = modelName(text)
	}
	if text, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		m.Kernel = "Linux " + strings.TrimSpace(string(text))
	}
	return m
}

// modelName finds the first "model name : …" of /proc/cpuinfo.
func modelName(cpuinfo []byte) string {
	for lines := bufio.NewScanner(bytes.NewReader(cpuinfo)); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), ":")
		if strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

// commit is what is checked out, with a + if files differ from it.
func commit() string {
	id, err := exec.Command("git", "rev-parse", "--short=12", "HEAD").Output()
	if err != nil {
		return "none"
	}
	name := strings.TrimSpace(string(id))
	if changed, err := exec.Command("git", "status", "--porcelain").Output(); err != nil || len(changed) > 0 {
		name += "+"
	}
	return name
}

func (m Machine) print(w io.Writer) {
	fmt.Fprintf(w, "machine  %s, %d cores, %s\n", m.CPU, m.Cores, m.Kernel)
	fmt.Fprintf(w, "go       %s\n", m.Go)
	fmt.Fprintf(w, "commit   %s, %s\n", m.Commit, m.Time)
	fmt.Fprintf(w, "command  %s\n", m.Command)
}
