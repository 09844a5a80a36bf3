// Command attack holds a Heddle server against hostile peers, thousands at once, and
// measures what its good clients feel:
//
//	go run ./bench/attack                      10,000 peers of each kind, about 8 minutes
//	go run ./bench/attack -quick               under 40 seconds
//	go run ./bench/attack slow-head no-read    some kinds only
//	go run ./bench/attack -soak 5m             a mixture of all kinds for that long
//
// The server runs in a process of its own with the default limits, the good clients in
// another, the attackers in a third. Good clients first go undisturbed, then beside the
// attack, then alone again. The exit status is 1 if a rule is broken (see rules.go): a
// lost request, a p99 beyond twice the undisturbed one, memory beyond its bound or not
// given back, descriptors, goroutines or fibers left.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// options is the command line.
type options struct {
	kinds  []kind
	peers  int
	rate   int
	clean  time.Duration // undisturbed, before and after
	hold   time.Duration // under attack, once all peers are there
	settle time.Duration // at most, until the server is as at the start
	soak   time.Duration
	json   string
	first  bool
	quick  bool // no rehearsal; p99 is told, not judged: there are too few windows
}

func main() {
	// All children are started from the main thread: see startChild.
	runtime.LockOSThread()
	if runtime.GOOS != "linux" {
		fmt.Fprintln(os.Stderr, "attack: runs on Linux only: it reads /proc")
		os.Exit(2)
	}
	var err error
	if len(os.Args) == 3 && roles[os.Args[1]] != nil {
		err = roles[os.Args[1]]([]byte(os.Args[2]))
	} else {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		err = attack(ctx)
		stop()
	}
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "attack:", err)
		os.Exit(1)
	}
}

// roles are what this program starts itself for, each with a specification in JSON.
var roles = map[string]func(specification []byte) error{"server": serve, "good": good, "peers": peers}

func parse() (o options, err error) {
	flags := flag.NewFlagSet("attack", flag.ContinueOnError)
	quick := flags.Bool("quick", false, "500 peers for a short time each: under 40 seconds")
	flags.IntVar(&o.peers, "peers", 0, "peers at once (0: 10000, or 500 with -quick)")
	flags.IntVar(&o.rate, "rate", 2000, "what all peers together may begin a second: connections, bursts")
	flags.DurationVar(&o.soak, "soak", 0, "instead: a mixture of all kinds for this long")
	flags.StringVar(&o.json, "json", "", "write all figures to this file")
	flags.BoolVar(&o.first, "first", false, "server and good clients go before everything else on the machine (real-time class by chrt, needs privilege)")
	if err := flags.Parse(os.Args[1:]); err != nil {
		return o, err
	}
	o.clean, o.hold, o.settle = 6*time.Second, 20*time.Second, 30*time.Second
	if o.peers == 0 {
		o.peers = 10_000
		if *quick {
			o.peers = 500
		}
	}
	if o.quick = *quick; o.quick {
		o.clean, o.hold, o.settle = 500*time.Millisecond, time.Second, 6*time.Second
	}
	if o.soak > 0 {
		o.hold = o.soak
		o.kinds = []kind{mixture}
		return o, nil
	}
	o.kinds = kinds
	if names := flags.Args(); len(names) > 0 {
		o.kinds = nil
		for _, name := range names {
			i := slices.IndexFunc(kinds, func(k kind) bool { return k.name == name })
			if i < 0 {
				return o, fmt.Errorf("there is no kind %q; there are %s", name, kindNames())
			}
			o.kinds = append(o.kinds, kinds[i])
		}
	}
	return o, nil
}

func kindNames() string {
	var names []string
	for _, k := range kinds {
		names = append(names, k.name)
	}
	return strings.Join(names, ", ")
}

// A report is what -json writes.
type report struct {
	Command  string
	Go       string
	Time     time.Time
	Peers    int
	Outcomes []outcome
}

func attack(ctx context.Context) error {
	o, err := parse()
	if err != nil {
		return err
	}
	r := report{Command: strings.Join(os.Args[1:], " "), Go: runtime.Version(), Time: time.Now().UTC(), Peers: o.peers}
	broken := 0
	printHeader(os.Stdout, o)
	for _, k := range o.kinds {
		out, err := o.run(ctx, k)
		if err != nil {
			return fmt.Errorf("%s: %w", k.name, err)
		}
		out.judge(o)
		out.print(os.Stdout)
		broken += len(out.Broken)
		r.Outcomes = append(r.Outcomes, out)
	}
	if o.json != "" {
		text, err := json.MarshalIndent(r, "", "\t")
		if err != nil {
			return err
		}
		if err := os.WriteFile(o.json, append(text, '\n'), 0o644); err != nil {
			return err
		}
	}
	if broken > 0 {
		return fmt.Errorf("%d rules are broken", broken)
	}
	fmt.Println("every rule holds")
	return nil
}

// run holds a server against one kind of attack.
func (o options) run(ctx context.Context, k kind) (out outcome, err error) {
	out.Kind = k.name
	limits := k.limitsFor(o.peers)
	srv, err := startChild(ctx, o.first, "server", limits)
	if err != nil {
		return out, err
	}
	defer srv.kill()
	var addr string
	if err := srv.read(&addr); err != nil {
		return out, err
	}
	fine, err := startChild(ctx, o.first, "good", goodSpec{Addr: addr, Clients: goodClients, Rate: goodRate, Fresh: !limits.full()})
	if err != nil {
		return out, err
	}
	defer fine.kill()
	// What the good clients make the server hold belongs to the start, and so does what
	// Go's runtime never gives back once that many goroutines and objects have been there:
	// the rehearsal brings it about. What comes on top with the attack itself would be a leak.
	if err := errors.Join(wait(ctx, o.clean), srv.ask("settle", &out.Fresh)); err != nil {
		return out, err
	}
	attackers := peersSpec{Addr: addr, Kind: k.name, Peers: o.peers, Rate: o.rate}
	if !o.quick {
		if err := o.rehearse(ctx, attackers); err != nil {
			return out, err
		}
	}
	if err := errors.Join(fine.ask("cut", &out.WarmUp), srv.ask("settle", &out.Start)); err != nil {
		return out, err
	}
	if err := wait(ctx, o.clean); err != nil {
		return out, err
	}
	if err := fine.ask("cut", &out.Before); err != nil {
		return out, err
	}
	bad, err := startChild(ctx, false, "peers", attackers)
	if err != nil {
		return out, err
	}
	defer bad.kill()
	var up string
	if err := bad.read(&up); err != nil {
		return out, err
	}
	if err := fine.ask("cut", &out.Ramp); err != nil {
		return out, err
	}
	if err := out.watch(ctx, srv, o.hold); err != nil {
		return out, err
	}
	if err := errors.Join(fine.ask("cut", &out.Under), bad.ask("end", &out.Peers)); err != nil {
		return out, err
	}
	bad.kill()
	return out, out.settle(ctx, o, srv, fine)
}

// rehearse is a short attack, and time for the server to settle.
func (o options) rehearse(ctx context.Context, attackers peersSpec) error {
	bad, err := startChild(ctx, false, "peers", attackers)
	if err != nil {
		return err
	}
	defer bad.kill()
	var up string
	if err := bad.read(&up); err != nil {
		return err
	}
	// Longer than the server's shortest timeouts, so that it does all it will do later.
	// A mixture takes a while until as many peers as ever have a handler that waits.
	if err := wait(ctx, max(2*o.clean, min(o.soak/4, time.Minute))); err != nil {
		return err
	}
	bad.kill()
	return wait(ctx, o.settle/2)
}

// watch looks at the server while it is under attack, and keeps the greatest figures.
func (out *outcome) watch(ctx context.Context, srv *child, hold time.Duration) error {
	for until := time.Now().Add(hold); time.Now().Before(until); {
		var now figures
		if err := srv.ask("look", &now); err != nil {
			return err
		}
		out.Most = out.Most.greatest(now)
		if err := wait(ctx, min(time.Second, time.Until(until))); err != nil {
			return err
		}
	}
	return nil
}

// settle waits until the server is as at the start, or its time is over. The good
// clients go on meanwhile, and are measured once more.
func (out *outcome) settle(ctx context.Context, o options, srv, fine *child) error {
	begun := time.Now()
	for {
		if err := srv.ask("settle", &out.End); err != nil {
			return err
		}
		if len(out.leaks(o)) == 0 || time.Since(begun) > o.settle {
			break
		}
		if err := wait(ctx, 500*time.Millisecond); err != nil {
			return err
		}
	}
	out.Settled = time.Since(begun)
	var rest goodResult
	if err := fine.ask("cut", &rest); err != nil {
		return err
	}
	if err := wait(ctx, o.clean); err != nil {
		return err
	}
	if err := fine.ask("cut", &out.After); err != nil {
		return err
	}
	out.After.Lost += rest.Lost
	return nil
}

// wait lets time pass.
func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return errors.New("interrupted")
	case <-time.After(d):
		return nil
	}
}
