package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/heddle-go/heddle/codec/resp"
)

// clock is a store's time that tests move.
type clock struct{ ms atomic.Int64 }

func (c *clock) now() time.Time { return time.UnixMilli(1e12 + c.ms.Load()) }

func serve(t *testing.T) (*server, *clock) {
	t.Helper()
	c := &clock{}
	s, err := start("127.0.0.1:0", 2, newStore(c.now))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := s.close(ctx); err != nil {
			t.Error(err)
		}
	})
	return s, c
}

// peer is a client on codec/resp.
type peer struct {
	net.Conn
	replies resp.ReplyDecoder
	buf     []byte // received and not decoded
}

func dial(t *testing.T, s *server) *peer {
	t.Helper()
	nc, err := net.Dial("tcp", s.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	return &peer{Conn: nc}
}

// reply returns the next reply as it is on the wire.
func (p *peer) reply() (string, error) {
	for {
		reply, n, err := p.replies.Reply(p.buf)
		if err != nil {
			return "", err
		}
		if n > 0 {
			p.buf = p.buf[n:]
			return string(reply), nil
		}
		var b [4096]byte
		n, err = p.Read(b[:])
		if err != nil {
			return "", err
		}
		p.buf = append(p.buf, b[:n]...)
	}
}

// do sends a command, given as words, and returns the reply.
func (p *peer) do(line string) string {
	if _, err := p.Write(resp.AppendCommandStrings(nil, strings.Fields(line)...)); err != nil {
		return err.Error()
	}
	reply, err := p.reply()
	if err != nil {
		return err.Error()
	}
	return reply
}

func TestCommands(t *testing.T) {
	s, c := serve(t)
	p := dial(t, s)
	for _, step := range []struct {
		line  string
		reply string
		later int64 // milliseconds that pass afterwards
	}{
		{"PING", "+PONG\r\n", 0},
		{"ping hi", "$2\r\nhi\r\n", 0},
		{"ping a b", "-ERR wrong number of arguments for 'ping' command\r\n", 0},
		{"ECHO hello", "$5\r\nhello\r\n", 0},
		{"ECHO", "-ERR wrong number of arguments for 'echo' command\r\n", 0},
		{"NOSUCH x", "-ERR unknown command 'NOSUCH'\r\n", 0},
		{"averyveryverylongcommandname", "-ERR unknown command 'averyveryverylongcommandname'\r\n", 0},
		{"GET a", "$-1\r\n", 0},
		{"SET a 1", "+OK\r\n", 0},
		{"GET a", "$1\r\n1\r\n", 0},
		{"SET a 2 NX", "$-1\r\n", 0},
		{"SET a 2 xx", "+OK\r\n", 0},
		{"SET b 2 XX", "$-1\r\n", 0},
		{"SET b 2 NX", "+OK\r\n", 0},
		{"SET b 2 NX XX", "-ERR syntax error\r\n", 0},
		{"SET b 2 EX", "-ERR syntax error\r\n", 0},
		{"SET b 2 EX 1 PX 1", "-ERR syntax error\r\n", 0},
		{"SET b 2 EX x", "-ERR value is not an integer or out of range\r\n", 0},
		{"SET b 2 EX 0", "-ERR invalid expire time in 'set' command\r\n", 0},
		{"SET b 2 EX 9223372036854775807", "-ERR invalid expire time in 'set' command\r\n", 0},
		{"MGET a none b", "*3\r\n$1\r\n2\r\n$-1\r\n$1\r\n2\r\n", 0},
		{"EXISTS a b a none", ":3\r\n", 0},
		{"DEL a b none", ":2\r\n", 0},
		{"EXISTS a", ":0\r\n", 0},
		{"INCR n", ":1\r\n", 0},
		{"INCRBY n 41", ":42\r\n", 0},
		{"DECR n", ":41\r\n", 0},
		{"INCRBY n 9223372036854775807", "-ERR increment or decrement would overflow\r\n", 0},
		{"INCRBY n x", "-ERR value is not an integer or out of range\r\n", 0},
		{"SET word x", "+OK\r\n", 0},
		{"INCR word", "-ERR value is not an integer or out of range\r\n", 0},
		{"TTL none", ":-2\r\n", 0},
		{"TTL word", ":-1\r\n", 0},
		{"SET brief x PX 1500", "+OK\r\n", 0},
		{"PTTL brief", ":1500\r\n", 1000},
		{"PTTL brief", ":500\r\n", 0},
		{"TTL brief", ":1\r\n", 499},
		{"GET brief", "$1\r\nx\r\n", 1},
		{"GET brief", "$-1\r\n", 0},
		{"TTL brief", ":-2\r\n", 0},
		{"EXPIRE none 10", ":0\r\n", 0},
		{"EXPIRE word 10", ":1\r\n", 0},
		{"TTL word", ":10\r\n", 0},
		{"SET word y", "+OK\r\n", 0},
		{"TTL word", ":-1\r\n", 0},
		{"PEXPIRE word 9223372036854775807", "-ERR invalid expire time in 'pexpire' command\r\n", 0},
		{"PEXPIRE word x", "-ERR value is not an integer or out of range\r\n", 0},
		{"PEXPIRE word -1", ":1\r\n", 0},
		{"EXISTS word", ":0\r\n", 0},
		{"INCR n", ":42\r\n", 0},
		{"DBSIZE", ":1\r\n", 0},
		{"FLUSHALL", "+OK\r\n", 0},
		{"DBSIZE", ":0\r\n", 0},
		{"SELECT 0", "+OK\r\n", 0},
		{"SELECT 1", "-ERR DB index is out of range\r\n", 0},
		{"CLIENT SETINFO lib-name x", "+OK\r\n", 0},
		{"CLIENT KILL x", "-ERR unknown subcommand of 'client'\r\n", 0},
		{"CONFIG GET save appendonly", "*4\r\n$4\r\nsave\r\n$0\r\n\r\n$10\r\nappendonly\r\n$0\r\n\r\n", 0},
		{"CONFIG SET a b", "-ERR unknown subcommand of 'config'\r\n", 0},
		{"COMMAND", "*0\r\n", 0},
		{"HELLO 4", "-NOPROTO unsupported protocol version\r\n", 0},
		{"HELLO 3", "%5\r\n$6\r\nserver\r\n$6\r\nheddle\r\n$7\r\nversion\r\n$5\r\n7.0.0\r\n$5\r\nproto\r\n:3\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n$7\r\nmodules\r\n*0\r\n", 0},
		{"GET none", "_\r\n", 0},
		{"COMMAND DOCS", "%0\r\n", 0},
		{"QUIT", "+OK\r\n", 0},
		{"PING", "EOF", 0},
	} {
		got := p.do(step.line)
		if step.reply == "EOF" {
			if strings.HasPrefix(got, "+") {
				t.Errorf("%s after QUIT: %q", step.line, got)
			}
		} else if got != step.reply {
			t.Errorf("%s: %q, want %q", step.line, got, step.reply)
		}
		c.ms.Add(step.later)
	}
}

// Expired keys go even if nobody asks for them, and those that stay do not.
func TestSweep(t *testing.T) {
	c := &clock{}
	st := newStore(c.now)
	for i := range 10000 {
		until := int64(0)
		if i%2 == 0 {
			until = c.now().UnixMilli() + 10
		}
		st.set(fmt.Append(nil, "key", i), []byte("v"), until, always)
	}
	sweep := func() {
		for i := range st.shards {
			for st.sweep(&st.shards[i]) {
			}
		}
	}
	if sweep(); st.size() != 10000 {
		t.Fatalf("%d keys before their time", st.size())
	}
	c.ms.Add(10)
	if sweep(); st.size() != 5000 {
		t.Errorf("%d keys are left, want 5000", st.size())
	}
}

// A long pipeline is answered whole and in order, however it is cut, and though nobody
// reads for a while; its replies are larger than what may be owed.
func TestPipeline(t *testing.T) {
	s, _ := serve(t)
	p := dial(t, s)
	value := strings.Repeat("v", 1000)
	const n = 20000
	var batch []byte
	for i := range n {
		batch = resp.AppendCommandStrings(batch, "SET", fmt.Sprint("k", i%100), value)
		batch = resp.AppendCommandStrings(batch, "GET", fmt.Sprint("k", i%100))
		batch = append(batch, "echo "+fmt.Sprint(i)+"\r\n"...) // inline
	}
	wrote := make(chan error, 1)
	go func() {
		for len(batch) > 0 {
			part := batch[:min(len(batch), 1234567)]
			if _, err := p.Write(part); err != nil {
				wrote <- err
				return
			}
			batch = batch[len(part):]
		}
		wrote <- nil
	}()
	for i := range n {
		number := fmt.Sprint(i)
		for _, want := range []string{"+OK\r\n", "$1000\r\n" + value + "\r\n", fmt.Sprintf("$%d\r\n%s\r\n", len(number), number)} {
			if reply, err := p.reply(); err != nil || reply != want {
				t.Fatalf("%d: %.20q %v, want %.20q", i, reply, err, want)
			}
		}
	}
	if err := <-wrote; err != nil {
		t.Error(err)
	}
}

// A few bytes that ask for much are answered in pieces: see batchBytes.
func TestLargeReplies(t *testing.T) {
	s, _ := serve(t)
	p := dial(t, s)
	value := bytes.Repeat([]byte("v"), 1<<20)
	p.Write(resp.AppendCommand(nil, []byte("SET"), []byte("k"), value))
	if reply, err := p.reply(); err != nil || reply != "+OK\r\n" {
		t.Fatalf("%q %v", reply, err)
	}
	const n = 50
	p.Write(bytes.Repeat([]byte("GET k\r\n"), n))
	for i := range n {
		reply, err := p.reply()
		if err != nil || len(reply) != len(value)+len("$1048576\r\n\r\n") {
			t.Fatalf("%d: %d bytes, %v", i, len(reply), err)
		}
	}
}

func TestProtocolError(t *testing.T) {
	s, _ := serve(t)
	p := dial(t, s)
	io.WriteString(p, "PING\r\n*1\r\n+PING\r\n")
	b, err := io.ReadAll(p)
	if want := "+PONG\r\n-ERR Protocol error: expected '$', got '+'\r\n"; err != nil || string(b) != want {
		t.Errorf("%q %v, want %q", b, err, want)
	}
}

// Connections on different loops share the store.
func TestConcurrentClients(t *testing.T) {
	s, _ := serve(t)
	const clients, each = 16, 200
	var group sync.WaitGroup
	for range clients {
		p := dial(t, s)
		group.Go(func() {
			for range each {
				if reply := p.do("INCR shared"); !strings.HasPrefix(reply, ":") {
					t.Errorf("%q", reply)
					return
				}
			}
		})
	}
	group.Wait()
	if reply := dial(t, s).do("GET shared"); reply != "$4\r\n3200\r\n" {
		t.Errorf("%q", reply)
	}
}

func tool(t *testing.T, s *server, name string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skip(name, "is not installed")
	}
	host, port, _ := net.SplitHostPort(s.listener.Addr().String())
	out, err := exec.Command(path, append([]string{"-h", host, "-p", port}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

func TestRedisCLI(t *testing.T) {
	s, _ := serve(t)
	for _, step := range []struct{ args, want string }{
		{"SET a hello EX 60", "OK\n"},
		{"GET a", "hello\n"},
		{"TTL a", "60\n"},
		{"-3 GET none", "\n"},
		{"INFO", "# Server\r\nredis_version:7.0.0\r\n"},
	} {
		if got := tool(t, s, "redis-cli", strings.Fields(step.args)...); got != step.want {
			t.Errorf("%s: %q, want %q", step.args, got, step.want)
		}
	}
}

func TestRedisBenchmark(t *testing.T) {
	s, _ := serve(t)
	out := tool(t, s, "redis-benchmark", "-t", "ping,set,get,incr", "-P", "16", "-c", "20", "-n", "2000", "-q")
	for _, name := range []string{"PING_INLINE", "PING_MBULK", "SET", "GET", "INCR"} {
		if !strings.Contains(out, name+": ") {
			t.Errorf("no result for %s:\n%s", name, out)
		}
	}
	if strings.Contains(strings.ToLower(out), "error") || strings.Contains(out, "WARNING") {
		t.Errorf("%s", out)
	}
}
