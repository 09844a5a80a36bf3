package vet

import (
	"go/constant"
	"go/token"
	"go/types"

	"golang.org/x/tools/go/ssa"
)

// What blocks a goroutine: the calls of the standard library that wait for a clock, a
// peer, a process or another goroutine, and channel operations. Not here, on purpose:
//
//   - sync.Mutex.Lock: a lock that is held for a few instructions is fine in a fiber, and
//     fibermutex sees to it that it is;
//   - files: a local file is mostly in memory, and whether it is only its owner knows;
//   - methods of net.Conn: a netpoll.View is one, and its Read parks.

// blockingCalls has them by package and name, methods as Type.Name.
var blockingCalls = map[string]map[string]bool{
	"time": set("Sleep"),
	"sync": set("WaitGroup.Wait", "Cond.Wait"),
	"net": set("Dial", "DialTimeout", "DialTCP", "DialUDP", "DialUnix", "DialIP", "Dialer.Dial", "Dialer.DialContext",
		"Dialer.DialTCP", "Dialer.DialUDP", "Dialer.DialUnix", "Dialer.DialIP",
		"LookupHost", "LookupIP", "LookupAddr", "LookupCNAME", "LookupMX", "LookupNS", "LookupPort", "LookupSRV", "LookupTXT",
		"ResolveTCPAddr", "ResolveUDPAddr", "ResolveIPAddr",
		"Resolver.LookupHost", "Resolver.LookupIP", "Resolver.LookupIPAddr", "Resolver.LookupNetIP", "Resolver.LookupAddr",
		"Resolver.LookupCNAME", "Resolver.LookupMX", "Resolver.LookupNS", "Resolver.LookupPort", "Resolver.LookupSRV", "Resolver.LookupTXT",
		"Listener.Accept", "TCPListener.Accept", "TCPListener.AcceptTCP", "UnixListener.Accept", "UnixListener.AcceptUnix",
		"TCPConn.Read", "TCPConn.Write", "UnixConn.Read", "UnixConn.Write", "UDPConn.Read", "UDPConn.ReadFrom"),
	"crypto/tls": set("Dial", "DialWithDialer", "Dialer.Dial", "Dialer.DialContext"),
	"net/http": set("Get", "Head", "Post", "PostForm", "Client.Do", "Client.Get", "Client.Head", "Client.Post", "Client.PostForm",
		"Transport.RoundTrip", "RoundTripper.RoundTrip", "ListenAndServe", "ListenAndServeTLS", "Serve", "ServeTLS",
		"Server.ListenAndServe", "Server.ListenAndServeTLS", "Server.Serve", "Server.ServeTLS", "Server.Shutdown"),
	"net/rpc":  set("Dial", "DialHTTP", "DialHTTPPath", "Client.Call"),
	"net/smtp": set("Dial", "SendMail"),
	"database/sql": set("DB.Ping", "DB.PingContext", "DB.Exec", "DB.ExecContext", "DB.Query", "DB.QueryContext",
		"DB.QueryRow", "DB.QueryRowContext", "DB.Prepare", "DB.PrepareContext", "DB.Begin", "DB.BeginTx", "DB.Conn", "DB.Close",
		"Conn.PingContext", "Conn.ExecContext", "Conn.QueryContext", "Conn.QueryRowContext", "Conn.PrepareContext", "Conn.BeginTx",
		"Tx.Exec", "Tx.ExecContext", "Tx.Query", "Tx.QueryContext", "Tx.QueryRow", "Tx.QueryRowContext",
		"Tx.Prepare", "Tx.PrepareContext", "Tx.Commit", "Tx.Rollback",
		"Stmt.Exec", "Stmt.ExecContext", "Stmt.Query", "Stmt.QueryContext", "Stmt.QueryRow", "Stmt.QueryRowContext",
		"Rows.Next", "Rows.NextResultSet", "Row.Scan"),
	"os":      set("Process.Wait"),
	"os/exec": set("Cmd.Run", "Cmd.Start", "Cmd.Wait", "Cmd.Output", "Cmd.CombinedOutput"),
}

// instead says what a fiber has in place of a blocking call.
var instead = map[string]string{
	"time.Sleep":          "use Fiber.Sleep",
	"sync.WaitGroup.Wait": "use fiber.WaitGroup or fiber.Group",
	"sync.Cond.Wait":      "use fiber.Cond",
	"channel send":        "use fiber.Chan, a select with default, or Block",
	"channel receive":     "use fiber.Chan, a select with default, or Block",
	"select":              "use fiber.Select, a select with default, or Block",
	"net.Dial":            "use netpoll.Dial",
}

// callsFunctions are packages of the standard library that call the functions they are
// given before they return.
var callsFunctions = set("sort", "slices", "maps", "strings", "bytes", "path/filepath", "io/fs", "regexp")

// callsOne has the functions of other packages that do so.
var callsOne = map[string]bool{"sync.Once.Do": true, "sync.Map.Range": true}

// readers are the functions of the standard library that read or write through the
// interfaces they are given before they return.
var readers = map[string]map[string]bool{
	"io":  set("Copy", "CopyN", "CopyBuffer", "ReadAll", "ReadFull", "ReadAtLeast", "WriteString"),
	"fmt": set("Fprint", "Fprintf", "Fprintln", "Fscan", "Fscanf", "Fscanln"),
}

func set(names ...string) map[string]bool {
	m := make(map[string]bool, len(names))
	for _, n := range names {
		m[n] = true
	}
	return m
}

// blockingCall reports whether fn is a blocking call of the standard library, or one of
// the framework's that are not for fibers.
func blockingCall(fn *types.Func) bool {
	return fn.Pkg() != nil && blockingCalls[fn.Pkg().Path()][shortName(fn)] || traitsOf(fn)&blocks != 0
}

// blockingOp returns what a channel operation is called if it may block, "" otherwise.
func blockingOp(in ssa.Instruction) string {
	switch in := in.(type) {
	case *ssa.Send:
		if !roomy(in.Chan) {
			return "channel send"
		}
	case *ssa.UnOp:
		if in.Op == token.ARROW {
			return "channel receive"
		}
	case *ssa.Select:
		if in.Blocking {
			return "select"
		}
	}
	return ""
}

// roomy reports whether a channel was made with a buffer by the function that sends to
// it: that its owner counts the senders is likelier than that he forgot them.
func roomy(ch ssa.Value) bool {
	m, ok := resolve(ch).(*ssa.MakeChan)
	if !ok {
		return false
	}
	size, ok := m.Size.(*ssa.Const)
	return !ok || size.Value != nil && constant.Sign(size.Value) > 0
}
