package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/heddle-go/heddle/codec/resp"
)

// command is what a name stands for. run appends exactly one reply to x.out; args are
// borrowed.
type command struct {
	arity int // arguments with the name; negative: at least so many
	run   func(x *session, args [][]byte)
}

// commands by upper-case name. Immutable after init.
var commands = map[string]command{
	"PING":     {-1, ping},
	"ECHO":     {2, func(x *session, args [][]byte) { x.bulk(args[1]) }},
	"SET":      {-3, set},
	"GET":      {2, func(x *session, args [][]byte) { x.value(args[1]) }},
	"MGET":     {-2, mget},
	"DEL":      {-2, func(x *session, args [][]byte) { x.count(args, x.store.del) }},
	"EXISTS":   {-2, func(x *session, args [][]byte) { x.count(args, x.exists) }},
	"EXPIRE":   {3, func(x *session, args [][]byte) { x.expire(args, 1000) }},
	"PEXPIRE":  {3, func(x *session, args [][]byte) { x.expire(args, 1) }},
	"TTL":      {2, func(x *session, args [][]byte) { x.ttl(args[1], 1000) }},
	"PTTL":     {2, func(x *session, args [][]byte) { x.ttl(args[1], 1) }},
	"INCR":     {2, func(x *session, args [][]byte) { x.add(args[1], 1) }},
	"DECR":     {2, func(x *session, args [][]byte) { x.add(args[1], -1) }},
	"INCRBY":   {3, incrBy},
	"DBSIZE":   {1, func(x *session, _ [][]byte) { x.int(int64(x.store.size())) }},
	"FLUSHALL": {-1, func(x *session, _ [][]byte) { x.store.clear(); x.ok() }},
	"QUIT":     {-1, func(x *session, _ [][]byte) { x.quit = true; x.ok() }},
	"SELECT":   {2, selectDB},
	"HELLO":    {-1, hello},
	"CLIENT":   {-2, client},
	"CONFIG":   {-2, config},
	"COMMAND":  {-1, commandInfo},
	"INFO":     {-1, func(x *session, _ [][]byte) { x.bulk([]byte("# Server\r\nredis_version:" + version + "\r\n")) }},
}

// version is the Redis that clients are told to expect.
const version = "7.0.0"

// execute runs one command.
func (x *session) execute(args [][]byte) {
	var upper [16]byte // no name is longer
	name := args[0]
	if len(name) <= len(upper) {
		n := copy(upper[:], name)
		for i, b := range upper[:n] {
			if 'a' <= b && b <= 'z' {
				upper[i] = b - 'a' + 'A'
			}
		}
		if c, ok := commands[string(upper[:n])]; ok {
			if len(args) == c.arity || c.arity < 0 && len(args) >= -c.arity {
				c.run(x, args)
			} else {
				x.error("ERR wrong number of arguments for '" + strings.ToLower(string(name)) + "' command")
			}
			return
		}
	}
	x.error(fmt.Sprintf("ERR unknown command '%.64s'", name))
}

func (x *session) ok()               { x.out = append(x.out, "+OK\r\n"...) }
func (x *session) int(n int64)       { x.out = resp.AppendInt(x.out, n) }
func (x *session) bulk(b []byte)     { x.out = resp.AppendBulk(x.out, b) }
func (x *session) error(text string) { x.out = resp.AppendError(x.out, text) }

func (x *session) null() {
	if x.protocol == 3 {
		x.out = resp.AppendNull(x.out)
	} else {
		x.out = resp.AppendNullBulk(x.out)
	}
}

// value replies with the value of a key.
func (x *session) value(key []byte) {
	if v, ok := x.store.get(key); ok {
		x.bulk(v)
	} else {
		x.null()
	}
}

// count replies with how many of the keys fn is true for.
func (x *session) count(args [][]byte, fn func(key []byte) bool) {
	n := int64(0)
	for _, key := range args[1:] {
		if fn(key) {
			n++
		}
	}
	x.int(n)
}

func (x *session) exists(key []byte) bool {
	_, ok := x.store.get(key)
	return ok
}

func (x *session) add(key []byte, delta int64) {
	n, err := x.store.add(key, delta)
	if err != nil {
		x.error(err.Error())
		return
	}
	x.int(n)
}

func (x *session) ttl(key []byte, unit int64) {
	ms := x.store.ttl(key)
	if ms > 0 {
		ms = (ms + unit/2) / unit
	}
	x.int(ms)
}

// expire sets a key's end, some units of milliseconds from now.
func (x *session) expire(args [][]byte, unit int64) {
	n, err := strconv.ParseInt(string(args[2]), 10, 64)
	if err != nil {
		x.error(errNotInteger.Error())
		return
	}
	until, ok := x.from(n, unit)
	if !ok {
		x.error("ERR invalid expire time in '" + strings.ToLower(string(args[0])) + "' command")
		return
	}
	if x.store.expireAt(args[1], until) {
		x.int(1)
	} else {
		x.int(0)
	}
}

// from returns the time n units of milliseconds from now, if it can be said.
func (x *session) from(n, unit int64) (int64, bool) {
	now := x.store.now().UnixMilli()
	if n > (math.MaxInt64-now)/unit || n < math.MinInt64/unit {
		return 0, false
	}
	return now + n*unit, true
}

func ping(x *session, args [][]byte) {
	switch len(args) {
	case 1:
		x.out = append(x.out, "+PONG\r\n"...)
	case 2:
		x.bulk(args[1])
	default:
		x.error("ERR wrong number of arguments for 'ping' command")
	}
}

// set is SET key value [EX seconds | PX milliseconds] [NX | XX].
func set(x *session, args [][]byte) {
	until, when := int64(0), always
	for i := 3; i < len(args); i++ {
		unit := int64(1)
		switch option := strings.ToUpper(string(args[i])); {
		case option == "NX" && when != ifThere:
			when = ifNew
			continue
		case option == "XX" && when != ifNew:
			when = ifThere
			continue
		case option == "EX" && until == 0 && i+1 < len(args):
			unit = 1000
		case option == "PX" && until == 0 && i+1 < len(args):
		default:
			x.error("ERR syntax error")
			return
		}
		i++
		n, err := strconv.ParseInt(string(args[i]), 10, 64)
		if err != nil {
			x.error(errNotInteger.Error())
			return
		}
		ok := n > 0
		if ok {
			until, ok = x.from(n, unit)
		}
		if !ok {
			x.error("ERR invalid expire time in 'set' command")
			return
		}
	}
	if x.store.set(args[1], args[2], until, when) {
		x.ok()
	} else {
		x.null()
	}
}

func mget(x *session, args [][]byte) {
	x.out = resp.AppendArray(x.out, len(args)-1)
	for _, key := range args[1:] {
		x.value(key)
	}
}

func incrBy(x *session, args [][]byte) {
	n, err := strconv.ParseInt(string(args[2]), 10, 64)
	if err != nil {
		x.error(errNotInteger.Error())
		return
	}
	x.add(args[1], n)
}
