package main

import (
	"strings"

	"github.com/heddle-go/heddle/codec/resp"
)

// What clients say when they connect, answered just far enough for redis-cli,
// redis-benchmark and the usual libraries.

// hello is HELLO [2 | 3 ...]: it chooses the protocol.
func hello(x *session, args [][]byte) {
	if len(args) > 1 {
		switch string(args[1]) {
		case "2":
			x.protocol = 2
		case "3":
			x.protocol = 3
		default:
			x.error("NOPROTO unsupported protocol version")
			return
		}
	}
	if x.protocol == 3 {
		x.out = resp.AppendMap(x.out, 5)
	} else {
		x.out = resp.AppendArray(x.out, 10)
	}
	x.out = resp.AppendBulkString(resp.AppendBulkString(x.out, "server"), "heddle")
	x.out = resp.AppendBulkString(resp.AppendBulkString(x.out, "version"), version)
	x.out = resp.AppendInt(resp.AppendBulkString(x.out, "proto"), int64(x.protocol))
	x.out = resp.AppendBulkString(resp.AppendBulkString(x.out, "mode"), "standalone")
	x.out = resp.AppendArray(resp.AppendBulkString(x.out, "modules"), 0)
}

// client is CLIENT: names and notes are taken and not kept.
func client(x *session, args [][]byte) {
	switch strings.ToUpper(string(args[1])) {
	case "SETNAME", "SETINFO", "NO-EVICT", "NO-TOUCH":
		x.ok()
	case "GETNAME":
		x.null()
	default:
		x.error("ERR unknown subcommand of 'client'")
	}
}

// config is CONFIG GET name ...: every setting is empty.
func config(x *session, args [][]byte) {
	if !strings.EqualFold(string(args[1]), "GET") || len(args) < 3 {
		x.error("ERR unknown subcommand of 'config'")
		return
	}
	names := args[2:]
	if x.protocol == 3 {
		x.out = resp.AppendMap(x.out, len(names))
	} else {
		x.out = resp.AppendArray(x.out, 2*len(names))
	}
	for _, name := range names {
		x.bulk(name)
		x.bulk(nil)
	}
}

// commandInfo is COMMAND: there are no descriptions.
func commandInfo(x *session, args [][]byte) {
	if len(args) > 1 && strings.EqualFold(string(args[1]), "DOCS") && x.protocol == 3 {
		x.out = resp.AppendMap(x.out, 0)
	} else {
		x.out = resp.AppendArray(x.out, 0)
	}
}

// selectDB is SELECT: there is one database.
func selectDB(x *session, args [][]byte) {
	if string(args[1]) != "0" {
		x.error("ERR DB index is out of range")
		return
	}
	x.ok()
}
