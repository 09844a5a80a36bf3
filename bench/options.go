package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/heddle-go/heddle/bench/proc"
	"github.com/heddle-go/heddle/bench/roster"
)

// options is the command line.
type options struct {
	sizes     sizes
	scenarios []scenario
	servers   []roster.Server
	chosen    bool // servers were named
	json      string
	profiles  string
	server    int // core
	load      int // core
	nice      int
}

func parse(arguments []string, usage io.Writer) (options, error) {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(usage)
	isQuick := flags.Bool("quick", false, "fewer and shorter rounds: under 2 minutes")
	only := flags.String("only", "", "run these scenarios only, separated by commas")
	servers := flags.String("servers", "", "measure these servers only, separated by commas")
	rounds := flags.Int("rounds", 0, "paired rounds (0: as many as the run has)")
	before := flags.String("before", "", "measure the server of another checkout of this repository as well, as "+roster.HeddleBefore)
	var o options
	flags.StringVar(&o.json, "json", "", "write all figures to this file")
	flags.StringVar(&o.profiles, "profile", "", "write CPU profiles of the servers to this folder; figures are worse with it")
	flags.IntVar(&o.server, "server-cpu", 0, "core of the servers")
	flags.IntVar(&o.load, "load-cpu", 1, "core of the load generator")
	flags.IntVar(&o.nice, "nice", 0, "priority of servers and load generator; -10 keeps other work off their cores (needs privilege)")
	if err := flags.Parse(arguments); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("bench: what is %q?", flags.Arg(0))
	}
	if *before != "" {
		roster.AddBefore(*before)
	}
	o.sizes = full
	if *isQuick {
		o.sizes = quick
	}
	if *rounds > 0 {
		o.sizes.Rounds = *rounds
	}
	o.chosen = *servers != ""
	return o, errors.Join(o.chooseScenarios(*only), o.chooseServers(*servers))
}

func (o *options) chooseScenarios(names string) error {
	if names == "" {
		o.scenarios = slices.DeleteFunc(slices.Clone(scenarios), func(s scenario) bool { return s.alone })
		return nil
	}
	var known []string
	wanted := strings.Split(names, ",")
	for _, s := range scenarios {
		known = append(known, s.name)
		if slices.Contains(wanted, s.name) {
			o.scenarios = append(o.scenarios, s)
		}
	}
	return unknown("scenario", wanted, known)
}

func (o *options) chooseServers(names string) error {
	if names == "" {
		o.servers = roster.All()
		return nil
	}
	var known []string
	wanted := strings.Split(names, ",")
	for _, s := range roster.All() {
		known = append(known, s.Name)
		if slices.Contains(wanted, s.Name) {
			o.servers = append(o.servers, s)
		}
	}
	return unknown("server", wanted, known)
}

func unknown(kind string, wanted, known []string) error {
	for _, name := range wanted {
		if !slices.Contains(known, name) {
			return fmt.Errorf("bench: no %s %q; there are %s", kind, name, strings.Join(known, ", "))
		}
	}
	return nil
}

// check looks whether the machine has what the run needs.
func (o *options) check() error {
	cores, err := proc.Cores()
	if err != nil {
		return err
	}
	for _, core := range []int{o.server, o.load} {
		if !slices.Contains(cores, core) {
			return fmt.Errorf("bench: core %d is not among %v", core, cores)
		}
	}
	if o.server == o.load {
		return errors.New("bench: the servers and the load generator need a core each")
	}
	if o.profiles != "" {
		return os.MkdirAll(o.profiles, 0o755)
	}
	return nil
}
