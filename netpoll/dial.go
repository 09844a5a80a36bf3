package netpoll

import (
	"context"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/heddle-go/heddle/fiber"
)

// A Dialer makes connections for fibers. The zero value is meant to be used.
type Dialer struct {
	// Timeout bounds a Dial, name look-up included. Default 0: no bound but the
	// operating system's, about two minutes.
	Timeout time.Duration
}

// Dial connects f to address on the named network ("tcp", "tcp4", "tcp6", "unix"),
// parking it meanwhile, and returns its view of the connection, which belongs to f's
// loop. Host names are looked up in Block; the addresses are tried in order. Errors
// are *OpError and name the address; a timeout is a net.Error that says so. Only f's
// own code may call it.
func (d Dialer) Dial(f *fiber.Fiber, network, address string) (*View, error) {
	var v *View
	dial := func() error {
		addrs, err := resolve(f, network, address)
		if err != nil {
			return err
		}
		for _, a := range addrs {
			var c *Conn
			if c, err = connect(f, network, a); err == nil {
				v = c.As(f)
				return nil
			}
			if f.Err() != nil {
				break
			}
		}
		return err
	}
	var err error
	if d.Timeout > 0 {
		err = f.WithTimeout(d.Timeout, dial)
	} else {
		err = dial()
	}
	return v, err
}

// Dial is Dialer.Dial without a timeout.
func Dial(f *fiber.Fiber, network, address string) (*View, error) {
	return Dialer{}.Dial(f, network, address)
}

// resolve returns the addresses that address may mean, without leaving the loop if it
// holds no names.
func resolve(f *fiber.Fiber, network, address string) ([]net.Addr, error) {
	if r, ok := EngineOf(f.Loop()).(resolver); ok {
		a, err := r.Resolve(network, address)
		return []net.Addr{a}, err
	}
	if network == "unix" {
		return []net.Addr{&net.UnixAddr{Name: address, Net: network}}, nil
	}
	if network != "tcp" && network != "tcp4" && network != "tcp6" {
		return nil, &OpError{Op: "dial", Addr: address, Err: net.UnknownNetworkError(network)}
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, &OpError{Op: "dial", Addr: address, Err: err}
	}
	if host == "" {
		host = "localhost"
	}
	var addrs []net.Addr
	ctx := context.Background()
	look := func() {
		// ResolveTCPAddr returns one address; the resolver returns all.
		var p int
		if p, err = net.LookupPort(network, port); err != nil {
			return
		}
		if ip := net.ParseIP(host); ip != nil {
			if v4 := ip.To4() != nil; v4 && network == "tcp6" || !v4 && network == "tcp4" {
				err = &net.AddrError{Err: "no " + network + " address", Addr: host}
				return
			}
			addrs = append(addrs, &net.TCPAddr{IP: ip, Port: p})
			return
		}
		if strings.Contains(host, ":") { // an IPv6 address with a zone
			var a *net.TCPAddr
			if a, err = net.ResolveTCPAddr(network, address); err == nil {
				addrs = append(addrs, a)
			}
			return
		}
		var ips []net.IP
		ips, err = net.DefaultResolver.LookupIP(ctx, "ip"+network[len("tcp"):], host)
		for _, ip := range ips {
			addrs = append(addrs, &net.TCPAddr{IP: ip, Port: p})
		}
	}
	if _, nerr := strconv.ParseUint(port, 10, 16); nerr == nil && net.ParseIP(host) != nil {
		look()
	} else {
		ctx = f.Context()
		if berr := f.Block(look); berr != nil {
			err = berr
		}
	}
	if err != nil {
		return nil, &OpError{Op: "dial", Addr: address, Err: err}
	}
	return addrs, nil
}

// A resolver is an engine that knows its addresses itself.
type resolver interface {
	Resolve(network, address string) (net.Addr, error)
}

// connect makes one connection on f's loop.
func connect(f *fiber.Fiber, network string, addr net.Addr) (*Conn, error) {
	f.Enter()
	defer f.Leave()
	e := EngineOf(f.Loop())
	if e == nil || e.Lacks().Connect {
		return nil, &OpError{Op: "dial", Addr: addr.String(), Err: ErrUnsupported}
	}
	var c *Conn
	var cerr error
	settled := false
	cancel, err := e.Connect(network, addr, func(conn *Conn, err error) {
		c, cerr, settled = conn, err, true
		f.Ready()
	})
	if err != nil {
		return nil, err
	}
	for !settled {
		if err := f.Park(0); err != nil && !settled {
			cancel()
			return nil, &OpError{Op: "dial", Addr: addr.String(), Err: err}
		}
	}
	return c, cerr
}
